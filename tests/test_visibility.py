import math
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest

import sim
from sim.measures.visibility import visibility_curve
from sim.metrics import Estimate, as_json, summarise
from sim.replicate import combine, interval
from sim.scenario_file import parse_scenario
from sim.terminal.summary import summary_lines
from sim.trace import Trace
from tests.doctored import doctored

LINES = """
title = "many products, and a delay that is another one for each change"
duration = "30s"
[products]
count = 20000
[[workers]]
pace = "poisson(10/s)"
[writer]
service = "0s"
[link]
delay = "exponential(500ms)"
order = "independent"
"""


def three(apply: str, *arrivals: Sequence[float]) -> Trace:
    """Commit three changes of one product at 0, 1 and 2 s, and have their copies come when it is said."""
    steps = "".join(f'[[steps]]\nat = "{at}s"\ndo = "add"\n' for at in range(3))
    text = f'title = "three"\nduration = "5s"\n[writer]\nservice = "0s"\n[reader]\napply = "{apply}"\n{steps}'
    trace = sim.run(parse_scenario(text))
    delivered = pl.Series(arrivals, dtype=pl.List(pl.Float64))
    changes = trace.changes.with_columns(delivered=delivered, visible=delivered.list.first())
    return doctored(trace, changes=changes)


def test_a_change_can_be_seen_as_soon_as_a_newer_one_can() -> None:
    """The second is overtaken and never shown itself; 1.5 s after its commit the third is."""
    trace = three("newest", [0.5], [], [2.5])
    curve = visibility_curve(trace)
    assert (curve.times.tolist(), curve.n) == ([0.0, 0.5, 1.5], 3)
    assert curve.shares == pytest.approx([0, 2 / 3, 1])
    assert summarise(trace).value("t_visibility.p99") == 1.5
    assert [curve.reached(share) for share in (0.0, 0.6, 2 / 3, 0.7)] == [0, 0.5, 0.5, 1.5]


@pytest.mark.parametrize(
    ("second", "early"),
    [([4.0], [0, 2 / 3]), ([1.2, 4.0], [1 / 3, 1])],
    ids=["one copy", "two copies"],
)
def test_under_arrival_what_could_be_seen_can_go_again(second: list[float], early: list[float]) -> None:
    """A copy of the second that comes last hides the third: two in three are seen in the end, for good."""
    curve = visibility_curve(three("arrival", [0.5], second, [2.5]))
    shares = [*early, 1, 1, 2 / 3, 2 / 3]
    assert [curve.at(t) for t in (0.4, 0.5, 1.5, 1.9, 2.0, 9.0)] == pytest.approx(shares)
    assert [curve.reached(share) for share in (0.6, 0.99)] == [0.5, math.inf]


def test_what_never_comes_is_never_seen() -> None:
    """The last change is lost: no time is long enough, and no interval can say how long it would be."""
    trace = three("newest", [0.5], [1.5], [])
    summary = summarise(trace)
    assert summary.estimate("t_visibility.p99.9") == Estimate(math.inf)
    assert combine([summary, summary]).estimate("t_visibility.p99") == Estimate(math.inf)
    assert as_json(summary)["metrics"]["t_visibility"]["p99"]["estimate"] is None
    rows = [row.split() for row in summary_lines(summary, trace.scenario, "three", 0.0)]
    assert ["visible,", "or", "a", "newer", "one", "never"] in rows
    assert interval([1.0, math.inf]) == Estimate(math.inf)


def test_where_all_is_lost_there_is_no_lag_but_there_is_a_line() -> None:
    """No change was ever shown: the terminal says never, and leaves the lag out."""
    trace = three("newest", [], [], [])
    rows = "\n".join(summary_lines(summarise(trace), trace.scenario, "three", 0.0))
    assert "visible, or a newer one" in rows
    assert "visibility lag" not in rows


def test_without_a_change_there_is_no_curve() -> None:
    """Nobody commanded anything: its shares and its times are unknown."""
    curve = visibility_curve(sim.run(parse_scenario('title = "quiet"\nduration = "1s"\n')))
    assert curve.n == 0
    assert np.isnan(curve.shares).all()
    assert math.isnan(curve.reached(0.99))


@pytest.mark.slow
def test_the_band_holds_the_whole_curve_as_often_as_it_says() -> None:
    """Of 200 bands around independent delays, 95 % or more hold all of 1 − e^(−t/0.5 s); z > −4, over 177."""
    scenario = parse_scenario(LINES)
    held = 0
    for replication in range(200):
        curve = visibility_curve(sim.run(scenario, replication=replication))
        true = 1 - np.exp(-curve.times / 0.5)
        held += bool((curve.low[1:] <= true[1:]).all() and (true[1:] <= curve.high[:-1]).all())
    assert held > 177


def test_the_band_is_as_wide_as_the_number_of_changes_allows() -> None:
    """± sqrt(ln(2/0.05) / 2n), and never below 0 or above 1: with three changes it says hardly anything."""
    curve = visibility_curve(three("newest", [0.5], [], [2.5]))
    half = math.sqrt(math.log(40) / 6)
    assert curve.low == pytest.approx([0, 0, 1 - half])
    assert curve.high == pytest.approx([half, 1, 1])
