import math
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from attrs import evolve
from hypothesis import assume, given, settings
from hypothesis.strategies import SearchStrategy

import sim
from sim import arrays, stage
from sim.arrays import Refused
from sim.distributions import Constant, Distribution, Mixture, Pace
from sim.durations import Rate, Seconds
from sim.metrics import as_json
from sim.replicate import play
from sim.scenario import Inbox, Link, Outage, Queries, Reader, Scenario, Step, Workers, Writer
from sim.scenario_file import parse_scenario
from sim.trace import Trace
from sim.worker import Person
from tests.strategies import inboxes, quantities, readers, scenarios, shares, workers, writers

OPEN = """
title = "open"
duration = "2s"
[products]
count = 5
stock = 3
[[workers]]
count = 4
pace = "poisson(100/s)"
add = 0.4
{workers}
[[queries]]
count = 3
pace = "poisson(100/s)"
[writer]
service = "exponential(5ms)"
{writer}
[link]
delay = "exponential(50ms)"
{link}
[reader]
{reader}
"""


def opened(**lines: str) -> Scenario:
    """Read the open scenario, with more lines in some of its tables."""
    return parse_scenario(OPEN.format(**{"workers": "", "writer": "", "link": "", "reader": ""} | lines))


def assert_same(one: Trace, other: Trace) -> None:
    """Hold two traces to be the same to the last bit, whoever made them."""
    for table in ("commands", "changes", "queries", "models"):
        mine, theirs = getattr(one, table), getattr(other, table)
        differ = [name for name in mine.columns if not mine[name].equals(theirs[name])]
        assert (table, mine.schema, differ) == (table, theirs.schema, [])
    assert (one.until, one.complete, one.fingerprint) == (other.until, other.complete, other.fingerprint)


def fire_and_forget(crowd: Workers) -> Workers:
    """Take from a crowd whatever makes it wait for what happens."""
    return evolve(crowd, think=None, look_first=False, reads_back=None, timeout=None)


def crowds(crowd: Any, least: int = 0) -> SearchStrategy[tuple[Any, ...]]:
    """Draw up to two crowds, each with its own name."""
    return st.integers(least, 2).flatmap(
        lambda n: st.tuples(*(crowd(f"{crowd.__name__} {i}") for i in range(n)))
    )


def open_workers(name: str) -> SearchStrategy[Workers]:
    """Draw a crowd that waits for nobody."""
    return workers(name).map(fire_and_forget)


ANYTHING_OPEN = scenarios(
    architecture="cqrs",
    workers=crowds(open_workers),
    inbox=st.just(Inbox(math.inf)) | inboxes() | st.builds(Inbox, st.integers(5, 40)),
    writer=writers().map(lambda ways: evolve(ways, crashes=(), batch=1, commit=Constant(0.0))),
    reader=st.builds(evolve, readers(), apply=st.sampled_from(["newest", "arrival"]), crashes=st.just(())),
)


@settings(max_examples=30)
@given(ANYTHING_OPEN)
def test_both_engines_give_the_same_trace(scenario: Scenario) -> None:
    """Every row of every table, to the last bit: where arrays can follow, the actors do nothing else."""
    try:
        trace = arrays.run(scenario)
    except Refused:
        assume(False)
    assert_same(trace, stage.run(scenario))


def test_work_in_which_no_time_passes_lets_others_arrive_meanwhile() -> None:
    """Three changes come out of an outage at once; what takes 10⁻⁵⁸ s on top of 136 ms takes nothing."""
    steps = '[[steps]]\nat = "0s"\ndo = "add"\n' * 3
    outage = '[[link.outages]]\nat = "0s"\nlasts = "136ms"\nchanges = "wait"\n'
    scenario = parse_scenario(f'title = "at once"\nduration = "136ms"\n[reader]\nbatch = 3\n{outage}{steps}')
    shortest = Mixture(((0.5, Constant(1e-58)), (0.5, Constant(0.001))))
    scenario = evolve(scenario, reader=evolve(scenario.reader, handler=shortest))
    for replication in range(20):
        assert_same(arrays.run(scenario, replication), stage.run(scenario, replication))


TICK = 1 / 64  # in which halves add up without an error, so that many things happen in one instant


def ticks(least: int, most: int) -> SearchStrategy[Seconds]:
    """Draw a duration of whole ticks."""
    return st.integers(least, most).map(lambda n: Seconds(n * TICK))


def ticking(most: int) -> SearchStrategy[Distribution]:
    """Draw a duration of a few ticks: always the same, or one of two."""
    same = ticks(0, most).map(Constant)
    return same | st.builds(lambda one, other: Mixture(((0.5, one), (0.5, other))), same, same)


PACES = st.sampled_from([16.0, 32.0, 64.0, 128.0]).map(lambda rate: Pace("constant", Rate(rate)))


def ticking_workers(name: str) -> SearchStrategy[Workers]:
    """Draw a crowd that commands at the ticks."""
    some = {"add": shares(), "quantity": quantities()}
    return st.builds(Workers, st.just(name), st.integers(1, 3), PACES, **some)


def ticking_queries(name: str) -> SearchStrategy[Queries]:
    """Draw a crowd that looks at the ticks."""
    return st.builds(Queries, st.just(name), st.integers(1, 3), PACES)


TICKING = scenarios(
    architecture="cqrs",
    duration=ticks(8, 32),
    workers=crowds(ticking_workers),
    queries=crowds(ticking_queries, least=1),
    inbox=st.builds(Inbox, st.sampled_from([math.inf] * 4 + [0, 3])),
    writer=st.builds(Writer, ticking(2), ticking(2)),
    link=st.builds(
        Link,
        ticking(6),
        st.sampled_from(["independent", "fifo", "serial"]),
        duplicates=st.sampled_from([0.0, 0.0, 0.5]),
    ),
    reader=st.builds(
        Reader, ticking(2), st.integers(1, 3), st.none() | ticks(1, 8), st.sampled_from(["newest", "arrival"])
    ),
    steps=st.lists(
        st.builds(
            Step, ticks(0, 7), st.sampled_from(["add", "remove", "query"]), st.just(1), st.integers(1, 9)
        ),
        max_size=4,
    ).map(tuple),
)


@settings(max_examples=40)
@given(TICKING)
def test_what_happens_in_one_instant_happens_in_the_same_order(scenario: Scenario) -> None:
    """On a coarse grid of instants commands, arrivals, polls and queries coincide all the time."""
    try:
        trace = arrays.run(scenario)
    except Refused:
        assume(False)
    assert_same(trace, stage.run(scenario))


BUSY = {
    "publish": {"writer": 'publish = "exponential(3ms)"'},
    "independent": {"link": 'order = "independent"'},
    "serial": {"link": 'order = "serial"'},
    "faults": {
        "link": 'loss = 0.2\nresend = "30ms"\nduplicates = 0.3\noutages = [{ at = "1s", lasts = "200ms" }]'
    },
    "slow": {"link": 'slow = [{ at = "1s", lasts = "500ms" }]'},
    "handler": {"reader": 'handler = "exponential(15ms)"'},
    "poll": {"reader": 'poll = "100ms"\nbatch = 3\nhandler = "exponential(15ms)"'},
    "arrival": {"link": 'order = "independent"', "reader": 'apply = "arrival"'},
}


@pytest.mark.parametrize("ways", BUSY)
def test_each_station_is_the_same_when_it_is_busy(ways: str) -> None:
    """Two hundred commands in a row for each of the ways in which one can be kept waiting."""
    scenario = opened(**BUSY[ways])
    assert_same(arrays.run(scenario), stage.run(scenario))


@pytest.mark.parametrize("name", ["hot-product", "saturation", "spike", "story"])
def test_what_comes_along_and_can_be_played_by_arrays_is_the_same(name: str) -> None:
    """The library's scenarios without feedback, some seconds of each."""
    scenario = sim.load_scenario(name, {"duration": "12s"})
    assert_same(arrays.run(scenario, 3), stage.run(scenario, 3))


@given(st.integers(0, 3000), st.floats(0.1, 2), st.booleans(), st.integers(0, 2**32))
def test_a_server_is_done_when_one_step_after_the_other_says_so(
    n: int, load: float, ticks: bool, seed: int
) -> None:
    """However many busy periods there are, and however long: to the last bit, with instants that coincide."""
    rng = np.random.default_rng(seed)
    came, first, then = np.cumsum(rng.exponential(1, n)), rng.exponential(load, n), rng.exponential(0.1, n)
    if ticks:
        came, first, then = (np.floor(column * 4) / 4 for column in (came, first, then))
    now, done = 0.0, []
    for ready, one, two in zip(came.tolist(), first.tolist(), then.tolist(), strict=True):
        now = max(now, ready) + one + two
        done.append(now)
    assert arrays._one_by_one(came, first, then).tolist() == done


@given(st.lists(st.floats(0, 1e9) | st.floats(5, 5 + 1e-12) | st.integers(0, 3)))
def test_arrivals_are_put_in_order_and_equal_ones_keep_theirs(times: list[float]) -> None:
    """However far apart they are, or close together."""
    order = sorted(range(len(times)), key=lambda place: times[place])
    assert arrays._in_order(np.array(times, float)).tolist() == order


def test_what_is_refused_many_times_alike_has_a_fingerprint() -> None:
    """A hundred commands in a row for the same reason: the same words again and again, kept once."""
    steps = "".join(f'[[steps]]\nat = "{n}s"\ndo = "remove"\nproduct = 1\nquantity = 1\n' for n in range(100))
    scenario = parse_scenario(f'title = "refused"\nduration = "2min"\n[products]\nstock = 0\n{steps}')
    trace = arrays.run(scenario)
    assert trace.commands["reason"].to_list() == ["Not enough stock!"] * 100
    assert_same(trace, stage.run(scenario))


@pytest.mark.parametrize("apply", ["newest", "arrival"])
def test_two_copies_that_are_overtaken_are_told_alike(apply: str) -> None:
    """Of a change that is never shown the last copy is what the reader has taken down."""
    scenario = opened(link='duplicates = 1.0\norder = "independent"', reader=f'apply = "{apply}"')
    trace = arrays.run(scenario)
    assert (trace.changes["applied"].min(), trace.changes["copies"].min()) == (2 * (apply == "arrival"), 2)
    assert_same(trace, stage.run(scenario))


def test_a_run_in_which_nothing_arrives_is_the_same() -> None:
    """All changes are lost; then nothing is ever shown, and all products differ in the end."""
    dark = evolve(opened(), link=Link(outages=(Outage(Seconds(0.0), Seconds(99.0), "lost"),)))
    trace = arrays.run(dark)
    assert_same(trace, stage.run(dark))
    assert sim.summarise(trace).value("divergence_at_end") == trace.changes["product"].n_unique() == 5


def test_the_summaries_are_the_same() -> None:
    """But for the engine's name, and how long it took."""
    one, other = (as_json(play(opened(), 1, engine).summary) for engine in ("array", "trio"))
    assert (one["engine"], other["engine"]) == ("array", "trio")
    assert {**one, "engine": "", "wall_seconds": 0} == {**other, "engine": "", "wall_seconds": 0}


REFUSED = {
    "architecture": evolve(opened(), architecture="locked"),
    "think": evolve(opened(), workers=(Workers(think=Constant(1.0)),)),
    "look_first": opened(workers="look_first = true"),
    "reads_back": opened(workers='reads_back = "5ms"'),
    "timeout": opened(workers='timeout = "5ms"'),
    "writer.crashes": opened(writer='crashes = [{ at = "1s", lasts = "1s" }]'),
    "writer.batch": opened(writer="batch = 2"),
    "writer.commit": opened(writer='commit = "1ms"'),
    "reader.crashes": opened(reader='crashes = [{ at = "1s", lasts = "1s" }]'),
    "reader.apply": opened(reader='apply = "delta"'),
    "reader.batch": opened(link="duplicates = 0.5", reader="batch = 2"),
    "inbox.capacity = 2": evolve(opened(writer=""), inbox=Inbox(2)),
    "inbox.capacity = 0": parse_scenario(
        'title = "the next comes in the instant in which the writer is done"\nduration = "1s"\n'
        '[[workers]]\npace = "constant(64/s)"\n[inbox]\ncapacity = 0\nwhen_full = "shed"\n'
        '[writer]\nservice = "15.625ms"'
    ),
    "in one instant": parse_scenario(
        'title = "x"\nduration = "1s"\n[products]\ncount = 1\n[[workers]]\npace = "constant(2/s)"\n'
        '[writer]\nservice = "0s"\n[[queries]]\npace = "constant(4/s)"\n[link]\ndelay = "250ms"'
    ),
    "far beyond its duration": opened(link='order = "serial"\nresend = "10d"\nloss = 0.9'),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_arrays_cannot_follow_is_refused_with_the_reason(reason: str) -> None:
    """The key that stands in the way is named; `auto` leaves it to the actors, who play it."""
    with pytest.raises(Refused, match=reason):
        sim.run(REFUSED[reason], engine="array")
    if reason != "far beyond its duration":
        trace = sim.run(REFUSED[reason], engine="auto")
        assert (trace.engine, trace.fingerprint) == ("trio", sim.run(REFUSED[reason]).fingerprint)


def test_auto_chooses_arrays_where_they_can() -> None:
    """And says so in the trace; nothing else tells them apart."""
    trace = sim.run(opened(), engine="auto")
    assert (trace.engine, trace.fingerprint) == ("array", sim.run(opened()).fingerprint)


def test_a_worker_of_ones_own_needs_the_actors() -> None:
    """What it will do cannot be known."""

    async def idle(me: Person, intents: object) -> None:
        pass

    with pytest.raises(Refused, match="a worker of one's own"):
        sim.run(opened(), worker=idle, engine="array")
    assert len(sim.run(opened(), worker=idle, engine="auto").commands) == 0


def test_an_engine_that_is_not_known_is_refused() -> None:
    """With what was perhaps meant."""
    with pytest.raises(ValueError, match="unknown engine 'arrays' \\(did you mean 'array'\\?\\)"):
        sim.run(opened(), engine="arrays")
