import math
from typing import Any

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings

import sim
from sim.distributions import Constant
from sim.durations import Seconds
from sim.measures.blame import ranked
from sim.measures.evidence import Evidence
from sim.measures.window import measured_queries
from sim.scenario import Crash, Link, Outage, Reader, Scenario, Writer
from sim.scenario_file import parse_scenario
from tests.strategies import scenarios

STORY = """
title = "one change, and one look at 9 s"
duration = "10s"
[writer]
service = "0s"
[link]
delay = "1s"
[[steps]]
at = "0s"
do = "add"
[[steps]]
at = "9s"
do = "query"
"""
LATE = Constant(100.0)


def blamed(adds: tuple[float, ...] = (0.0,), **parts: object) -> dict[str, float]:
    """Tell where the change that the look at 9 s missed had been, in seconds, with some parts otherwise."""
    scenario = evolve(parse_scenario(STORY), **parts)  # type: ignore[arg-type]
    add, look = scenario.steps
    told = evolve(scenario, steps=(*(evolve(add, at=Seconds(at)) for at in adds), look))
    split = dict(Evidence(sim.run(told)).parts)
    return {place: seconds for place, [seconds] in split.items() if seconds}


def crash(at: float, lasts: float) -> tuple[Crash, ...]:
    """Say when it crashes, and for how long."""
    return (Crash(Seconds(at), Seconds(lasts)),)


ONE_SECOND = Constant(1.0)


@pytest.mark.parametrize(
    ("parts", "where"),
    [
        ({"link": Link(LATE)}, {"delay": 9}),
        ({"writer": Writer(Constant(0.0), publish=LATE)}, {"publish": 9}),
        ({"writer": Writer(Constant(0.0), Constant(3.0), crashes=crash(2, 5))}, {"publish": 9}),
        (
            {"link": Link(ONE_SECOND, outages=(Outage(Seconds(1.0), Seconds(9.0)),))},
            {"delay": 1, "outage": 8},
        ),
        ({"link": Link(ONE_SECOND, outages=(Outage(Seconds(1.0), Seconds(9.0), "lost"),))}, {"lost": 9}),
        ({"reader": Reader(LATE)}, {"delay": 1, "handler": 8}),
        ({"reader": Reader(Constant(0.0), crashes=crash(1, 20))}, {"delay": 1, "queue": 8}),
        ({"reader": Reader(ONE_SECOND, restart="memory", crashes=crash(1.5, 3))}, {"delay": 1, "lost": 8}),
    ],
)
def test_the_blame_goes_to_where_the_missing_change_was(
    parts: dict[str, Any], where: dict[str, float]
) -> None:
    """One change that is not there at 9 s, for one reason after the other."""
    assert blamed(**parts) == pytest.approx(where)


def test_a_change_that_waits_for_its_predecessors_says_so() -> None:
    """Three of 4 s each, one after the other: the third waits 8 s. One that is lost keeps nobody."""
    assert blamed((0.0, 0.0, 0.0), link=Link(Constant(4.0), "serial")) == {"line": 8, "delay": 1}
    torn = Outage(Seconds(1.0), Seconds(9.5)), Outage(Seconds(2.0), Seconds(0.1), "lost")
    held = Link(ONE_SECOND, outages=torn)
    assert blamed((0.0, 0.5), link=held) == {"delay": 1, "outage": 8}


def test_a_change_that_waits_for_the_reader_says_for_what() -> None:
    """Each takes some seconds of work; in a batch, the first waits for the second."""
    busy = Reader(Constant(5.0))
    assert blamed((0.0, 0.0), reader=busy) == {"delay": 1, "queue": 5, "handler": 3}
    together = Reader(Constant(3.0), batch=2)
    assert blamed((0.0, 0.0, 0.0), reader=together) == {"delay": 1, "queue": 3, "handler": 3, "batch": 2}
    polling = blamed(reader=Reader(poll=Seconds(1000.0)))
    assert polling == {"delay": 1, "poll": 8}


def test_a_change_that_is_fetched_upon_an_older_notice_has_waited_for_the_reader() -> None:
    """It arrives at 4 s, while the reader is down; at 9.5 s the first notice comes again, and shows both."""
    reader = Reader(Constant(0.0), apply="fetch", checkpoint=9, crashes=crash(3.5, 6))
    assert blamed((0.0, 3.0), reader=reader) == {"delay": 1, "queue": 5}


def test_a_change_that_an_older_one_replaced_says_so() -> None:
    """The first is lost and sent again at 5 s; it arrives at 6 s, and puts the second out of sight."""
    torn = (Outage(Seconds(1.0), Seconds(0.1), "lost"),)
    link = Link(ONE_SECOND, "independent", outages=torn, resend=Seconds(5.0))
    assert blamed((0.0, 0.5), link=link, reader=Reader(apply="arrival")) == {"delay": 1, "overwritten": 7.5}
    assert blamed((0.0,), link=evolve(link, resend=Seconds(9.0))) == {"resend": 9}


@settings(max_examples=30)
@given(scenarios(architecture="cqrs"))
def test_the_parts_add_up_to_the_whole(scenario: Scenario) -> None:
    """Of each stale read, to 1e-9 s, whatever happens; and the shares of all of it to 1."""
    trace = sim.run(scenario)
    stale = measured_queries(trace).drop_nulls("missed_since")
    parts = np.array([seconds for _, seconds in Evidence(trace).parts])
    assert (parts >= 0).all()
    staleness = (stale["asked"] - stale["missed_since"]).sort()
    assert sorted(parts.sum(axis=0)) == pytest.approx(staleness.to_list(), abs=1e-9)
    for name in ("blame", "blame_p50", "blame_p99"):
        total = sum(share.estimate for share in sim.summarise(trace).metrics[name].values())
        assert total == pytest.approx(1.0, abs=1e-9) if len(stale) else math.isnan(total)


def test_of_two_that_are_stale_alike_the_one_who_asked_first_ranks_first() -> None:
    """Six stale reads by rank: 3, 5, 0, 2, 4, 1; a share of so many is never nobody."""
    staleness, asked = np.array([2.0, 9.0, 2.0, 1.0, 2.0, 1.0]), np.array([5.0, 1.0, 6.0, 2.0, 7.0, 3.0])
    assert ranked(staleness, asked, (0.0, 1.0)).tolist() == [3, 5, 0, 2, 4, 1]
    assert ranked(staleness, asked, (0.4, 0.8)).tolist() == [0, 2]
    assert ranked(staleness, asked, (0.99, 1.0)).tolist() == [1]
    assert ranked(staleness[:0], asked[:0], (0.45, 0.55)).tolist() == []
