import math
import re
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.distributions import Pace
from sim.durations import Rate, Seconds
from sim.glossary import METRICS, split_name
from sim.scenario import (
    Crash,
    Expect,
    Inbox,
    Misfit,
    Phase,
    Products,
    Queries,
    Scenario,
    Step,
    Workers,
    Writer,
    capacity_text,
    one_of,
    read_capacity,
    read_count,
    read_length,
    read_natural,
    read_seed,
    read_text,
)
from tests.strategies import expectations, inboxes, scenarios, steps

BRISK, SLOW = Pace("poisson", Rate(50.0)), Pace("constant", Rate(2.0))
FOR_EVER = Seconds(math.inf)


@pytest.mark.parametrize(
    ("read", "value", "answer"),
    [
        (read_text, "x", "x"),
        (read_text, "", ""),
        (read_count, 1, 1),
        (read_count, 1_000_000_000, 1_000_000_000),
        (read_natural, 0, 0),
        (read_seed, 10**40, 10**40),
        (read_capacity, 0, 0),
        (read_capacity, "unbounded", math.inf),
        (read_length, "1ms", 0.001),
        (one_of("order", "fifo", "serial"), "fifo", "fifo"),
    ],
)
def test_a_reader_takes_what_fits(read: Callable[[Any], Any], value: object, answer: object) -> None:
    """What fits is taken as it is, but for units and the word "unbounded"."""
    assert read(value) == answer


@pytest.mark.parametrize(
    ("read", "value", "message"),
    [
        (read_text, 5, 'a text is needed: write "5"'),
        (read_count, 0, "a whole number from 1 up is needed, not 0"),
        (read_count, "3", "a whole number from 1 up is needed, not '3'"),
        (read_count, 3.0, "a whole number from 1 up is needed, not 3.0"),
        (read_count, True, "a whole number from 1 up is needed, not True"),
        (read_count, 10**10, "a whole number of at most 1,000,000,000 is needed, not 10000000000"),
        (read_natural, -1, "a whole number from 0 up is needed, not -1"),
        (read_natural, False, "a whole number from 0 up is needed, not False"),
        (read_natural, 10**10, "a whole number of at most 1,000,000,000 is needed, not 10000000000"),
        (read_seed, -1, "a whole number from 0 up is needed, not -1"),
        (read_capacity, -1, "a whole number from 0 up is needed, not -1"),
        (read_capacity, math.inf, "a whole number from 0 up is needed, not inf"),
        (read_capacity, "infinite", "a whole number from 0 up, or \"unbounded\", is needed, not 'infinite'"),
        (read_length, "0s", "a duration of more than 0 is needed"),
        (read_length, 5, 'a duration needs a unit: write "5ms" or "5s"'),
        (
            one_of("order", "fifo", "serial"),
            "fido",
            "unknown order 'fido' (did you mean 'fifo'?); known: fifo, serial",
        ),
        (one_of("order", "fifo", "serial"), {}, "unknown order '{}'; known: fifo, serial"),
    ],
)
def test_a_reader_refuses_the_rest(read: Callable[[Any], Any], value: object, message: str) -> None:
    """The message says what is needed."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read(value)


@given(inboxes())
def test_a_capacity_is_read_as_it_was_written(inbox: Inbox) -> None:
    """A whole number, or a word for infinity."""
    assert read_capacity(capacity_text(inbox.capacity)) == inbox.capacity


@pytest.mark.parametrize(
    ("crowd", "schedule"),
    [
        (Workers(), (Phase(FOR_EVER, Pace("poisson", Rate(10.0))),)),
        (Workers(pace=BRISK), (Phase(FOR_EVER, BRISK),)),
        (Workers(phases=(Phase(Seconds(1.0), BRISK),)), (Phase(FOR_EVER, BRISK),)),
        (
            Workers(phases=(Phase(Seconds(1.0), BRISK), Phase(Seconds(2.0), SLOW))),
            (Phase(Seconds(1.0), BRISK), Phase(FOR_EVER, SLOW)),
        ),
        (Queries(), (Phase(FOR_EVER, Pace("poisson", Rate(10.0))),)),
        (Queries(pace=SLOW), (Phase(FOR_EVER, SLOW),)),
    ],
)
def test_a_schedule_never_ends(crowd: Workers | Queries, schedule: tuple[Phase, ...]) -> None:
    """One pace stays for ever, and so does that of the last phase, however long it was to last."""
    assert crowd.schedule == schedule


def made_workers() -> Workers:
    """Give a crowd both a pace and phases."""
    return Workers(pace=BRISK, phases=(Phase(Seconds(1.0), SLOW),))


CRASH = Crash(Seconds(1.0), Seconds(1.0))


@pytest.mark.parametrize(
    ("make", "key", "message"),
    [
        (made_workers, "pace", "pace and phases stand instead of each other: keep one"),
        (
            lambda: Scenario("x", duration=Seconds(2.0), warmup=Seconds(2.0)),
            "warmup",
            "warmup must be shorter than duration",
        ),
        (
            lambda: Scenario("x", workers=(Workers("a"),), queries=(Queries("a"),)),
            "workers",
            "two crowds share the name 'a': give each its own",
        ),
        (
            lambda: Scenario("x", queries=(Queries("a"), Queries("b"), Queries("b"))),
            "workers",
            "two crowds share the name 'b': give each its own",
        ),
        (
            lambda: Scenario("x", products=Products(3), steps=(Step(Seconds(0.0), "query", 4, 1),)),
            "steps",
            "a step names a product beyond products.count = 3",
        ),
        (
            lambda: Scenario("x", duration=Seconds(2.0), steps=(Step(Seconds(2.0), "query", 1, 1),)),
            "steps",
            "a step comes at or after the end: make duration longer",
        ),
        (
            lambda: Scenario(
                "x", architecture="locked", writer=Writer(crashes=(Crash(Seconds(1.0), Seconds(1.0)),))
            ),
            "architecture",
            "only under 'cqrs' do actors crash: take out the crashes, or 'locked'",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(make: Callable[[], object], key: str, message: str) -> None:
    """The misfit names the key to change, also where the values are made in Python."""
    with pytest.raises(Misfit) as refused:
        make()
    assert (refused.value.key, str(refused.value)) == (key, message)


@given(expectations())
def test_an_expectation_is_read_as_it_was_written(expect: Expect) -> None:
    """The bound goes into text with the metric's own unit, and comes back the same."""
    assert Expect.read(expect.write()) == expect


@pytest.mark.parametrize(
    ("table", "expect"),
    [
        ({"metric": "staleness.p99", "below": "400ms"}, Expect("staleness.p99", below=0.4)),
        ({"metric": "stale_read_fraction", "above": "10%"}, Expect("stale_read_fraction", above=0.1)),
        ({"metric": "throughput", "above": "60/min"}, Expect("throughput", above=1.0)),
        ({"metric": "versions_behind.max", "below": 3}, Expect("versions_behind.max", below=3.0)),
    ],
)
def test_a_bound_is_read_in_the_unit_of_its_metric(table: dict[str, Any], expect: Expect) -> None:
    """Durations, shares, rates and plain numbers."""
    assert Expect.read(table) == expect


@pytest.mark.parametrize(
    ("table", "key", "message"),
    [
        (
            {"metric": "staleness.p99", "below": 0.4},
            "below",
            'a duration needs a unit: write "0.4ms" or "0.4s"',
        ),
        (
            {"metric": "stale_read_fraction", "above": "400ms"},
            "above",
            "'400ms' is not a share: write 0.1 or \"10%\"",
        ),
        ({"metric": "throughput", "above": 5}, "above", '5 is not a rate: write "300/s" or "10/min"'),
        ({"metric": "versions_behind.max", "below": "3"}, "below", "a number is needed, not '3'"),
        ({"metric": "versions_behind.max", "below": True}, "below", "a number is needed, not True"),
        ({"metric": "versions_behind.max", "below": math.nan}, "below", "a number is needed, not nan"),
        (
            {"metric": "staleness", "below": "1s"},
            "metric",
            "staleness has mean, p50, p95, p99, p99.9, max: write staleness.max",
        ),
        ({"metric": 3, "below": "1s"}, "metric", 'a text is needed: write "3"'),
    ],
)
def test_an_expectation_in_the_wrong_unit_is_refused(table: dict[str, Any], key: str, message: str) -> None:
    """The misfit names the key to change."""
    with pytest.raises(Misfit) as refused:
        Expect.read(table)
    assert (refused.value.key, str(refused.value)) == (key, message)


@pytest.mark.parametrize(
    ("expect", "actual", "holds"),
    [
        (Expect("staleness.p99", below=0.4), 0.3, True),
        (Expect("staleness.p99", below=0.4), 0.4, False),
        (Expect("staleness.p99", above=0.4), 0.5, True),
        (Expect("staleness.p99", above=0.4), 0.4, False),
        (Expect("staleness.p99", below=0.4), math.nan, False),
        (Expect("staleness.p99", above=0.4), math.nan, False),
        (Expect("staleness.p99"), 0.4, False),
    ],
)
def test_an_expectation_holds_strictly(expect: Expect, actual: float, holds: bool) -> None:
    """Below is less than, above is more than, and what could not be measured keeps no promise."""
    assert expect.holds(actual) is holds


@pytest.mark.parametrize(
    ("scenario", "scripted"),
    [
        (Scenario("x"), False),
        (Scenario("x", steps=(Step(Seconds(0.0), "query", 1, 1),)), True),
        (Scenario("x", steps=(Step(Seconds(0.0), "query", 1, 1),), workers=(Workers(),)), False),
        (Scenario("x", steps=(Step(Seconds(0.0), "query", 1, 1),), queries=(Queries(),)), False),
    ],
)
def test_a_story_has_steps_and_no_crowds(scenario: Scenario, scripted: bool) -> None:
    """Only then nothing is left to chance by the crowds."""
    assert scenario.scripted is scripted


def test_a_crowd_with_a_pace_is_an_open_loop() -> None:
    """The plan goes on, however slow the answers are."""
    assert Scenario("x", workers=(Workers(pace=BRISK),)).loop == "open"


@settings(max_examples=30)
@given(scenarios())
def test_equal_scenarios_are_equal_and_frozen(scenario: Scenario) -> None:
    """A scenario is a value: a copy equals it, has its hash, and neither can be changed."""
    copy = attrs.evolve(scenario)
    assert (copy, hash(copy)) == (scenario, hash(scenario))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        copy.seed = 5  # type: ignore[misc]


@settings(max_examples=30)
@given(st.data())
def test_the_strategy_pins_what_it_is_told_to(data: st.DataObject) -> None:
    """What later tests rely on: pinned parts are as given, and the rest still fits them."""
    one_product = Products(1)
    scenario = data.draw(
        scenarios(title="pinned", duration=Seconds(0.5), products=one_product, seed=st.just(3), workers=())
    )
    pinned = (scenario.title, scenario.duration, scenario.products, scenario.seed, scenario.workers)
    assert pinned == ("pinned", 0.5, one_product, 3, ())
    assert all(step.at < 0.5 and step.product == 1 for step in scenario.steps)


@given(steps(0.2, 2))
def test_the_strategy_of_steps_keeps_its_bounds(step: Step) -> None:
    """What later tests rely on: no step is after the end, or names a product that is not there."""
    assert step.at < 0.2
    assert step.product in (1, 2)


@given(expectations())
def test_the_strategy_of_expectations_names_metrics_that_there_are(expect: Expect) -> None:
    """What later tests rely on: one bound, on a statistic of a known metric."""
    metric, statistic = split_name(expect.metric)
    assert statistic in METRICS[metric].statistics
    assert (expect.below is None) != (expect.above is None)
