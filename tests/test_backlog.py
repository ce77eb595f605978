import math

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings

import sim
from sim.metrics import numbers
from sim.replay.backlog import SLICES, backlog
from sim.scenario import Scenario
from sim.scenario_file import parse_scenario
from tests.strategies import scenarios

THREE = """
title = "three at once, of 1 s each, through a channel with room for one"
duration = "4s"
[inbox]
capacity = 1
[writer]
service = "1s"
[[steps]]
at = "1s"
do = "add"
[[steps]]
at = "1s"
do = "add"
[[steps]]
at = "1s"
do = "add"
"""


def test_of_three_at_once_one_is_served_one_is_in_the_channel_and_one_at_its_door() -> None:
    """A second later each moves on, and the door is free."""
    seen = backlog(sim.run(parse_scenario(THREE)))
    assert seen.times.tolist() == [0, 1, 2, 3, 4]
    assert seen.inside.tolist() == [0, 1, 1, 0, 0]
    assert seen.outside.tolist() == [0, 1, 0, 0, 0]
    assert (seen.commands, seen.station, seen.capacity) == (3, "writer", 1)
    assert seen.blocked == pytest.approx(1 / 4)
    assert seen.busy.tolist() == pytest.approx([0.0] * (SLICES // 4) + [1.0] * (3 * SLICES // 4))


@settings(max_examples=30)
@given(scenarios())
def test_what_waits_weighs_as_much_as_the_metrics_say(scenario: Scenario) -> None:
    """Mean depth, mean utilisation and the greatest depth are those of the summary."""
    trace = sim.run(scenario)
    seen = backlog(trace)
    assert ((seen.inside >= 0) & (seen.outside >= 0)).all()
    measured = numbers(trace, ["inbox_depth.mean", "inbox_depth.max", "writer_utilisation"])
    if scenario.architecture != "unsafe":
        lasts = np.diff(seen.times)
        assert seen.inside[:-1] @ lasts / lasts.sum() == pytest.approx(measured["inbox_depth.mean"], abs=1e-9)
        assert seen.inside[:-1].max() == measured["inbox_depth.max"]
    assert seen.busy.mean() == pytest.approx(measured["writer_utilisation"], abs=1e-9)
    assert 0 <= seen.blocked <= 1


def test_a_window_of_no_length_has_no_shares() -> None:
    """A run that was interrupted in its warm-up has nothing to measure."""
    trace = evolve(sim.run(parse_scenario(THREE)), until=0.0)
    assert math.isnan(backlog(trace).blocked)
