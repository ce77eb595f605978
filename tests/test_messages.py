import math
from functools import cache

import polars as pl
import pytest
from attrs import evolve
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import sim
from sim.replay.messages import (
    AROUND,
    LINK,
    MOST,
    READER,
    WRITER,
    Event,
    Exchange,
    Hidden,
    Message,
    NoSuchQuery,
    Stay,
    TooMany,
    around_query,
    around_worst,
    exchange,
)
from sim.scenario import Scenario
from sim.scenario_file import parse_scenario
from sim.trace import Trace
from tests.strategies import scenarios

TALE = """
title = "two commands and two looks"
duration = "4s"
[writer]
service = "500ms"
[link]
delay = "1s"
[reader]
handler = "250ms"
[[steps]]
at = "1s"
do = "add"
[[steps]]
at = "1s"
do = "add"
[[steps]]
at = "2.1s"
do = "query"
[[steps]]
at = "3.5s"
do = "query"
"""


def tale(**parts: object) -> Trace:
    """Play the tale, with some parts otherwise."""
    return sim.run(evolve(parse_scenario(TALE), **parts))  # type: ignore[arg-type]


@cache
def library(name: str) -> Trace:
    """Run one of the scenarios that come along."""
    return sim.run(name)


def change(version: int, sent: float, received: float, held: tuple[float, float] | None = None) -> Message:
    """Write a change as a message."""
    return Message("change", WRITER, READER, sent, received, f"v{version}", held)


def test_the_tale_as_a_whole() -> None:
    """Who said what to whom, what each was kept busy with, and what could not be seen when."""
    assert exchange(tale(), (0.0, 4.0)) == Exchange(
        window=(0.0, 4.0),
        product=None,
        lanes=("you", WRITER, LINK, READER),
        messages=(
            Message("command", "you", WRITER, 1.0, 1.0, "add 1"),
            Message("command", "you", WRITER, 1.0, 1.0, "add 1"),
            Message("answer", WRITER, "you", 1.5, 1.5, "ok"),
            change(1, 1.5, 2.5),
            Message("answer", WRITER, "you", 2.0, 2.0, "ok"),
            change(2, 2.0, 3.0),
            Message("query", "you", READER, 2.1, 2.1, "sees v0", stale=True),
            Message("query", "you", READER, 3.5, 3.5, "sees v2"),
        ),
        stays=(
            Stay(WRITER, "work", 1.0, 1.5),
            Stay(READER, "work", 2.5, 2.75),
            Stay(WRITER, "wait", 1.0, 1.5),
            Stay(WRITER, "work", 1.5, 2.0),
            Stay(READER, "work", 3.0, 3.25),
        ),
        events=(Event(WRITER, 1, 1.5), Event(WRITER, 2, 2.0), Event(READER, 1, 2.75), Event(READER, 2, 3.25)),
        hidden=(Hidden(1, 1.5, 2.75), Hidden(2, 2.0, 3.25)),
    )


def test_what_was_held_on_the_link_says_when() -> None:
    """Behind its predecessor after its own way, or before it where one travels at a time."""
    link = 'delay = "1s"\n'
    serial = sim.run(parse_scenario(TALE.replace(link, link + 'order = "serial"\n')))
    held = [m.held for m in exchange(serial).messages if m.kind == "change"]
    assert held == [None, (2.0, 2.5)]
    torn = TALE + '[[link.outages]]\nat = "2.4s"\nlasts = "300ms"\n'
    held = [m.held for m in exchange(sim.run(parse_scenario(torn))).messages if m.kind == "change"]
    assert held == [pytest.approx((2.5, 2.7)), None]


def test_what_is_lost_never_comes() -> None:
    """Its message has no end, and its version is never visible."""
    torn = parse_scenario(TALE + '[[link.outages]]\nat = "2.4s"\nlasts = "9s"\nchanges = "lost"\n')
    told = exchange(sim.run(torn))
    assert [m.received for m in told.messages if m.kind == "change"] == [math.inf, math.inf]
    assert [one.shown for one in told.hidden] == [math.inf, math.inf]


def test_around_a_query_is_what_made_it_stale() -> None:
    """From the command behind the change that it missed until that can be seen, with some air."""
    told = around_query(tale(), 0)
    air = 0.05 * (2.75 - 1.0)
    assert told.window == pytest.approx((1.0 - air, 2.75 + air))
    assert told.focus == Message("query", "you", READER, 2.1, 2.1, "sees v0", stale=True)
    assert (told.own, told.left_out) == (True, 0)
    assert told.staleness == pytest.approx(0.6)
    assert told.hidden == (Hidden(1, 1.5, 2.75),)
    assert around_worst(tale()) == told


def test_a_query_that_missed_nothing_shows_where_its_answer_came_from() -> None:
    """The change that it saw, from its command on."""
    told = around_query(tale(), 1)
    assert (told.focus and told.focus.stale, told.staleness, told.hidden) == (False, 0.0, ())
    assert told.window[0] < 1.0 < 3.5 < told.window[1]


def test_an_older_version_in_the_place_of_a_newer_one_is_named() -> None:
    """Where the last to arrive wins, what had been seen is hidden again."""
    told = around_worst(library("overtaking"))
    first, again = told.hidden
    assert (first.version, first.by, again.version, again.by) == (169, None, 169, 168)
    assert first.shown < again.since < told.messages[-1].sent < again.shown


def test_the_worst_is_the_stalest_of_the_measured_window() -> None:
    """Its staleness is the maximum that the summary has."""
    trace = library("flash-sale")
    told = around_worst(trace)
    assert told.staleness == sim.summarise(trace).value("staleness.max")
    assert len(told.messages) <= AROUND
    assert told.left_out > 0


def test_more_than_a_person_can_read_is_refused() -> None:
    """In plain words, with what would do."""
    with pytest.raises(TooMany, match=r"^29,398 messages .* choose a shorter stretch, or one product$"):
        exchange(library("flash-sale"))


def test_a_query_that_is_not_there_is_refused() -> None:
    """With those that there are; and where nobody asked, there is no worst."""
    with pytest.raises(NoSuchQuery, match=r"^there is no query:2: the run has query:0 to query:1$"):
        around_query(tale(), 2)
    silent = sim.run(parse_scenario('title = "silent"\nduration = "1s"\n'))
    with pytest.raises(NoSuchQuery, match=r"^there is no query:0: the run has no queries at all$"):
        around_query(silent, 0)
    with pytest.raises(NoSuchQuery, match=r"^nobody asked for anything in the measured window$"):
        around_worst(silent)


def test_a_window_without_a_message_has_none() -> None:
    """Its lanes are those of the machine; one that ends before it starts is refused."""
    told = exchange(tale(), (0.1, 0.2))
    assert (told.messages, told.lanes) == ((), (WRITER, LINK, READER))
    with pytest.raises(ValueError, match="a window needs a start before its end, not 2 s to 1 s"):
        exchange(tale(), (2.0, 1.0))


def test_many_people_share_the_lane_of_their_crowd() -> None:
    """Few have one of their own, with their number in the crowd."""
    assert around_worst(library("flash-sale")).lanes[:2] == ("buyers", "window shoppers")
    assert around_worst(library("polling")).lanes[:2] == ("clerks 10", "customers 5")


@settings(max_examples=15)
@given(scenarios(architecture="cqrs"), st.integers(0, 50))
def test_around_any_query_of_any_run_there_is_something_to_tell(scenario: Scenario, number: int) -> None:
    """No more than has room, nothing that arrives before it left, and the query itself among it."""
    trace = sim.run(scenario)
    assume(number < len(trace.queries))
    told = around_query(trace, number)
    assert told.focus in told.messages
    assert len(told.messages) <= MOST
    assert all(message.sent <= message.received for message in told.messages)
    assert all(m.sender in told.lanes and m.receiver in told.lanes for m in told.messages)
    stale = trace.changes.filter(
        pl.col("product") == trace.queries["product"][number],
        pl.col("version") > trace.queries["seen_version"][number],
        pl.col("committed") < trace.queries["asked"][number],
    )
    assert (told.staleness > 0) == (len(stale) > 0)
