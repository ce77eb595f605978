import inspect
from functools import partial

import numpy as np
import pytest

import sim
from sim.inventory import decide
from sim.lessons import hockey_stick, lag, messages, queue, show, source, table
from sim.lessons.slider import Draw


def test_runs_stand_side_by_side_each_number_in_its_unit() -> None:
    """A column for each run, a row for each metric, in Markdown."""
    runs = {delay: sim.run("story", settings={"link.delay": delay}) for delay in ("1s", "250ms")}
    found = table(runs, "visibility_lag.mean", "stale_read_fraction", "versions_behind.max")
    assert found._repr_markdown_().split("\n") == [
        "|  | 1s | 250ms |",
        "| --- | ---: | ---: |",
        "| visibility_lag.mean | 1 s | 250 ms |",
        "| stale_read_fraction | 25% | 0% |",
        "| versions_behind.max | 1 | 0 |",
    ]


def test_a_source_is_shown_as_the_package_has_it() -> None:
    """As it stands, and in colour where somebody can show that."""
    assert str(source(decide)) == inspect.getsource(decide).rstrip()
    assert "<pre>" in source(decide)._repr_html_()


def test_a_figure_is_shown_in_the_look_of_the_package() -> None:
    """The same figure gives the same text, whatever the settings around it are."""
    trace = sim.run("story")
    once, again = (show(lag(trace, product=1))._repr_svg_() for _ in range(2))
    assert once == again
    assert once.startswith("<?xml")


@pytest.mark.parametrize("draw", [queue, partial(messages, product=1, window=(0, 1.9))])
def test_a_figure_takes_the_run_and_nothing_that_has_to_be_worked_out(draw: Draw) -> None:
    """What a lesson hands over is what it has."""
    assert draw(sim.run("story")).axes[0].lines


def test_the_mean_time_to_commit_stands_beside_its_formula() -> None:
    """A dot for each load, and the formula as it was given."""
    trace = sim.run("story", settings={"writer.service": "10ms"})
    found = {load: sim.summarise(trace) for load in (0.5, 0.9)}
    lines = hockey_stick(found, [(0.5, 0.02), (0.9, 0.1)]).axes[0].lines
    drawn = [np.transpose(line.get_data()).round(6).tolist() for line in lines]
    assert [[0.5, 0.02], [0.9, 0.1]] in drawn
    assert [[0.5, 0.01], [0.9, 0.01]] in drawn
