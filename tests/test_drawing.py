import re
from functools import cache

import numpy as np
import pytest

import sim
from sim.page.drawing import Drawing, drawing, sheet
from sim.plots import as_svg_without_halos, lag_over_time
from sim.replay.timeline import timeline

PATHS, NUMBERS = re.compile(r' d="([^"]*)"'), re.compile(r"-?[\d.]+")


@cache
def saved() -> str:
    """Draw the story's figure as an SVG file."""
    return as_svg_without_halos(lag_over_time(timeline(sim.run("story"), 1)))


def drawn(decimals: int = 1) -> Drawing:
    """Make a drawing of it."""
    return drawing(saved(), 'Lag & "time"', described_by="words", decimals=decimals)


def test_it_has_a_name_and_a_description() -> None:
    """What cannot be seen is read out: role, label, and the element that describes it."""
    start = drawn().svg.split(">", 1)[0]
    assert re.sub(r'viewBox="[\d. ]+" ', "", start) == (
        '<svg role="img" aria-label="Lag &amp; &quot;time&quot;" aria-describedby="words"'
    )


def test_every_outline_that_it_refers_to_is_on_the_sheet() -> None:
    """And nothing else in a page can bear the same id twice."""
    used = set(re.findall(r'href="#([^"]+)"', drawn().svg))
    ids = re.findall(r'id="([^"]+)"', sheet([drawn(), drawn()]))
    assert used == set(ids)
    assert len(ids) == len(set(ids))


def test_what_is_clipped_is_clipped_by_something_that_is_there() -> None:
    """Only the ids that something refers to are kept."""
    svg = drawn().svg
    assert set(re.findall(r'id="([^"]+)"', svg)) == set(re.findall(r"url\(#([^)]+)\)", svg))


def test_coordinates_are_rounded_and_factors_are_not() -> None:
    """A tenth of a point cannot be seen; a size of 0.095 can."""
    assert "scale(0.095 -0.095)" in drawn().svg
    assert [path for path in PATHS.findall(drawn().svg) if re.search(r"\.\d\d", path)] == []
    assert 'transform="scale(0.015625)"' in sheet([drawn()])


def test_rounding_moves_nothing_by_more_than_half_a_step() -> None:
    """At one decimal, a twentieth of a point from where it was, however many steps there are before."""
    rounded, exact = (
        [corner for path in PATHS.findall(drawn(decimals).svg) for corner in corners(path)]
        for decimals in (1, 6)
    )
    assert np.abs(np.array(rounded) - np.array(exact)).max() == pytest.approx(0.05, abs=0.005)


def corners(path: str) -> list[tuple[float, float]]:
    """Walk along a path's lines, and note each place where they turn."""
    x = y = 0.0
    places = []
    for command, numbers in re.findall(r"([MLhvl])([^MLhvlzQC]*)", path):
        steps = [float(number) for number in NUMBERS.findall(numbers)]
        across, down = {"h": (steps[0], 0.0), "v": (0.0, steps[-1])}.get(command, (steps[0], steps[-1]))
        x, y = (across, down) if command in "ML" else (x + across, y + down)
        places.append((x, y))
    return places


def test_a_halo_lies_behind_all_letters_of_its_label() -> None:
    """White, three points wide in the units of the letters, and only where a label has one."""
    halos = re.findall(r'stroke: #ffffff; stroke-width: (\d+)"', drawn().svg)
    assert halos == [f"{3 * 64 / 0.095:.0f}"] * 5
    figure = lag_over_time(timeline(sim.run("story"), 1))
    before = [text.get_path_effects() for axes in figure.axes for text in axes.texts]
    as_svg_without_halos(figure)
    assert [text.get_path_effects() for axes in figure.axes for text in axes.texts] == before


def test_it_takes_a_fifth_of_the_file() -> None:
    """What is left out is what the page has once, or what nobody sees."""
    with_halos = 115_000  # what matplotlib writes of this figure
    assert len(drawn().svg) < with_halos / 4
