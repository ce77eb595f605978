from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation

import sim
from sim.plots import lag_over_time, save
from sim.plots.canvas import figure_of
from sim.plots.lag import CROWDED
from sim.replay.timeline import Timeline, timeline
from sim.scenario_file import parse_scenario, read_scenario
from sim.stage import run
from sim.trace import Trace
from tests import figures
from tests.figures import points, ticks, words

SCENARIOS = Path(__file__).parent.parent / "scenarios"

CROWD = """
title = "A crowd"
duration = "3s"
[products]
count = 2
[[workers]]
count = 10
pace = "poisson({pace})"
[link]
delay = "lognormal(p50=150ms, p99=700ms)"
order = "{order}"
[reader]
apply = "{apply}"
"""


dejavu = figures.dejavu


@cache
def story() -> Trace:
    """Run the story."""
    return run(read_scenario(SCENARIOS / "story.toml"))


@cache
def library(name: str) -> Trace:
    """Run one of the scenarios that come along."""
    return sim.run(name, engine="auto")


def flash_sale() -> Trace:
    """Run the flash sale."""
    return library("flash-sale")


@cache
def crowd(order: str = "fifo", apply: str = "newest", pace: str = "20/s") -> Trace:
    """Run a small crowd on two products."""
    return run(parse_scenario(CROWD.format(order=order, apply=apply, pace=pace)))


def panels(timeline: Timeline) -> tuple[Axes, Axes]:
    """Draw, and give the two panels."""
    upper, lower = lag_over_time(timeline).axes
    return upper, lower


def test_the_story_s_lines_are_the_timeline_s_corners() -> None:
    """The lines step where the models stepped, and the sawtooth is the staleness."""
    seen = timeline(story(), 1)
    upper, lower = panels(seen)
    assert points(upper, "write model") == [[0, 2, 2, 4, 4], [1, 1, 2, 2, 2]]
    assert points(upper, "read model") == [[0, 1, 1, 3, 3, 4, 4], [0, 0, 1, 1, 2, 2, 2]]
    assert points(lower, "staleness") == [[0, 1, 1, 2, 3, 3, 4], [0, 1, 0, 0, 1, 0, 0]]
    assert points(lower, "p95")[1] == [seen.p95, seen.p95]


def test_what_the_story_s_figure_says() -> None:
    """Title, subtitle, names of lines and axes, and both rulers."""
    upper, lower = panels(timeline(story(), 1))
    assert upper.get_title(loc="left") == "The read model follows the write model, late"
    assert words(upper) == [
        "Shaded: the stale window of product 1. Everything a reader sees there is history.",
        "write model",
        "read model",
        "1 s late",
        "1 version behind",
    ]
    assert words(lower) == ["p95 900 ms"]
    assert [upper.get_ylabel(), lower.get_ylabel(), lower.get_xlabel()] == [
        "version",
        "staleness",
        "virtual time",
    ]


def test_the_title_says_whether_it_is_late_never_or_at_once() -> None:
    """A change that is lost is never shown; one model has nobody to be late."""
    seen = {
        "story": timeline(story(), 1),
        "lost for good": timeline(library("lost-for-good"), 4),
        "one lock": timeline(library("one-lock"), 16),
    }
    titles = {name: panels(one)[0].get_title(loc="left") for name, one in seen.items()}
    assert titles == {
        "story": "The read model follows the write model, late",
        "lost for good": "The read model falls behind, and never catches up",
        "one lock": "The read model follows the write model, at once",
    }


def test_both_panels_show_the_window_and_nothing_beside_it() -> None:
    """Their limits are the window's, and hold both lines and the sawtooth."""
    seen = timeline(crowd(), 1, (0.5, 2.5))
    upper, lower = panels(seen)
    assert upper.get_xlim() == lower.get_xlim() == (0.5, 2.5)
    assert upper.get_ylim()[0] < seen.shown.versions.min()
    assert upper.get_ylim()[1] > seen.written.versions.max()
    assert list(lower.get_ylim()) == pytest.approx([0.0, 1.15 * seen.staleness.seconds.max()])


def test_the_ticks_are_written_as_one_says_them() -> None:
    """Times bear their unit, versions are whole."""
    figure = lag_over_time(timeline(story(), 1))
    figure.draw_without_rendering()
    upper, lower = figure.axes
    times = ["0", "0.5 s", "1 s", "1.5 s", "2 s", "2.5 s", "3 s", "3.5 s", "4 s"]
    assert [t.get_text() for t in ticks(lower.xaxis)] == times
    assert [t.get_text() for t in ticks(upper.yaxis)] == ["0", "1", "2"]


def test_all_products_together_are_named_so() -> None:
    """The subtitle says it, and the axis counts versions."""
    upper, _ = panels(timeline(crowd()))
    assert words(upper)[0].startswith("Shaded: the stale window of all products.")
    assert upper.get_ylabel() == "versions"


def test_rulers_measure_the_lag_and_the_gap() -> None:
    """Their ends are where the timeline says, between the lines."""
    seen = timeline(crowd(), 1)
    assert seen.lag is not None
    assert seen.gap is not None
    upper, _ = panels(seen)
    rulers = [text for text in upper.texts if not text.get_text()]
    ends = [(ruler.get_position(), getattr(ruler, "xy")) for ruler in rulers]  # noqa: B009
    assert ends == [
        ((seen.lag.shown, seen.lag.level - 0.5), (seen.lag.committed, seen.lag.level - 0.5)),
        ((seen.gap.at, seen.gap.written), (seen.gap.at, seen.gap.shown)),
    ]


def test_a_crowded_picture_has_no_rulers() -> None:
    """With thousands of commits the lines are labelled, and nothing is measured."""
    seen = timeline(crowd(pace="1000/s"), None, (0.0, 3.0))
    upper, _ = panels(seen)
    assert seen.commits > CROWDED
    assert [text.get_text() for text in upper.texts][1:] == ["write model", "read model"]


def test_rulers_too_short_to_see_are_left_out() -> None:
    """A lag of a hundredth of the picture's width has no ruler."""
    seen = timeline(story(), 1, (-100.0, 100.0))
    upper, _ = panels(seen)
    assert "1 s late" not in words(upper)


def test_a_dotted_line_leads_from_the_lag_to_a_read_model_that_is_elsewhere() -> None:
    """Of all products together, other versions may be shown before the one that is late."""
    seen = timeline(crowd("independent"), None, (0.0, 0.9))
    assert seen.lag is not None
    upper, _ = panels(seen)
    leads = [line for line in upper.lines if line.get_linestyle() == ":"]
    before, after = seen.shown.around(seen.lag.shown)
    elsewhere = not before <= seen.lag.level - 0.5 <= after
    assert elsewhere
    assert [np.asarray(line.get_xdata()).tolist() for line in leads] == [[seen.lag.shown] * 2]


def test_nothing_to_show_is_said_and_nothing_drawn() -> None:
    """One sentence; no line, no title, no axis."""
    upper, lower = panels(timeline(story(), 1, (3.2, 3.4)))
    assert words(upper) == ["Product 1: nothing was committed between 3.2 s and 3.4 s."]
    assert words(lower) == []
    assert [len(a.lines) + len(a.collections) + len(a.patches) for a in (upper, lower)] == [0, 0]
    assert [a.axison for a in (upper, lower)] == [False, False]
    assert upper.get_title(loc="left") == ""


def test_a_read_model_that_is_never_late_has_a_flat_staleness() -> None:
    """Its axis has one tick, 0, and no unit too small to mean anything."""
    fresh = 'title = "Fresh"\n[link]\ndelay = "0ms"\n[[steps]]\nat = "1s"\ndo = "add"\n'
    later = '[[steps]]\nat = "2s"\ndo = "add"\n'
    at_once = fresh.replace('"1s"', '"0s"') + '[writer]\nservice = "0s"\n'
    from_the_start = run(parse_scenario(at_once))
    assert panels(timeline(from_the_start, 1))[0].get_ylim() == (0.98, 1.1)
    upper, lower = panels(timeline(run(parse_scenario(fresh + later)), 1, (0.5, 1.5)))
    assert lower.get_yticks().tolist() == [0]
    assert words(lower) == ["p95 0 s"]
    assert words(upper)[1:] == ["write model", "read model"]


CASES = {
    "the story": lambda: timeline(story(), 1),
    "the story, all products": lambda: timeline(story()),
    "the flash sale": lambda: timeline(flash_sale(), 1),
    "the flash sale, all products": lambda: timeline(flash_sale()),
    "the flash sale, a rare product": lambda: timeline(flash_sale(), 60),
    "the flash sale, crowded": lambda: timeline(flash_sale(), None, (8.0, 13.0)),
    "fifo": lambda: timeline(crowd(), 1),
    "independent": lambda: timeline(crowd("independent"), 1),
    "arrival": lambda: timeline(crowd("independent", "arrival")),
    "serial": lambda: timeline(crowd("serial"), 2),
    "overtaking": lambda: timeline(library("overtaking"), 2),
    "slow projection": lambda: timeline(library("slow-projection"), 16),
    "lost for good": lambda: timeline(library("lost-for-good"), 4),
}


@pytest.mark.parametrize("case", CASES)
def test_no_label_is_cut_or_stands_on_another(case: str) -> None:
    """Every text lies inside the figure, and no two overlap."""
    assert figures.flaws(lag_over_time(CASES[case]())) == []


@pytest.mark.parametrize("case", [case for case in CASES if "crowded" not in case])
def test_no_ruler_s_label_stands_on_a_line(case: str) -> None:
    """It is inside the axes and beside both lines, however dense they are."""
    upper, _ = panels(CASES[case]())
    figure_of(upper).draw_without_rendering()
    labels = [text for text in upper.texts if text.get_text().endswith((" late", " behind"))]
    assert labels
    assert figures.labels_on_lines(upper, labels) == []
    assert all(
        upper.bbox.fully_contains(*corner)
        for box in (text.get_window_extent() for text in labels)
        for corner in (box.min, box.max)
    )


@pytest.mark.parametrize("window", [(2.07, 2.71), (0.54, 1.52), (2.06, 2.35)])
def test_a_line_leads_to_a_label_that_is_far_away_and_not_through_it(window: tuple[float, float]) -> None:
    """It ends short of the letters."""
    upper, _ = panels(timeline(crowd(), 1, window))
    figure_of(upper).draw_without_rendering()
    [lead] = [
        text.arrow_patch
        for text in upper.texts
        if isinstance(text, Annotation) and text.arrow_patch and text.arrow_patch.get_linewidth() < 1
    ]
    line = lead.get_transform().transform_path(lead.get_path())
    labels = [text.get_window_extent() for text in upper.texts if text.get_text()]
    assert not any(line.intersects_bbox(box, filled=False) for box in labels)


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_the_same_timeline_gives_the_same_bytes(tmp_path: Path, kind: str) -> None:
    """Drawn twice, and saved twice; whatever the settings are."""
    first, again, once_more = (tmp_path / f"{name}.{kind}" for name in ("first", "again", "once more"))
    figure = lag_over_time(timeline(crowd(), 1))
    save(figure, first)
    save(figure, once_more)
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "black", "savefig.bbox": "tight"}):
        save(lag_over_time(timeline(crowd(), 1)), again)
    assert first.read_bytes() == again.read_bytes() == once_more.read_bytes()
    assert not any(word in first.read_bytes() for word in (b"dc:date", b"CreationDate", b"Software"))


def test_other_axes_can_be_drawn_on() -> None:
    """Then their figure is what comes back, and both panels are theirs."""
    figure = Figure(figsize=(8, 6))
    upper, lower = figure.subplots(2)
    assert lag_over_time(timeline(story(), 1), (upper, lower)) is figure
    assert [len(upper.lines), len(lower.lines)] == [2, 2]


def test_drawing_leaves_the_settings_as_they_were(tmp_path: Path) -> None:
    """The look is in force inside, and nowhere else."""
    before = dict(matplotlib.rcParams)
    save(lag_over_time(timeline(story(), 1)), tmp_path / "story.svg")
    assert dict(matplotlib.rcParams) == before
