import hypothesis.strategies as st
import pytest
from attrs import evolve
from hypothesis import given

import sim
from sim.distributions import Constant, Exponential
from sim.durations import Seconds
from sim.inventory import Apply
from sim.link import held_up
from sim.metrics import diverged
from sim.reader import next_poll
from sim.scenario import Crash, Link, Order, Outage, Reader, Slow
from sim.scenario_file import parse_scenario
from sim.trace import Trace, check
from tests.recount import recount

BASE = """
title = "changes on their way"
duration = "20s"
[products]
count = 4
[[workers]]
count = 3
pace = "poisson(40/s)"
[[queries]]
pace = "poisson(40/s)"
[writer]
service = "exponential(5ms)"
[link]
delay = "exponential(100ms)"
"""


SPELLS = st.lists(st.tuples(st.floats(0.1, 3), st.floats(1, 9)), max_size=4)


def played(**changed: object) -> Trace:
    """Play the base scenario with another link, or other keys of it."""
    scenario = parse_scenario(BASE)
    link = evolve(scenario.link, **changed)  # type: ignore[arg-type]
    trace = sim.run(evolve(scenario, link=link))
    check(trace)
    return trace


@pytest.mark.parametrize(
    ("sent", "delay", "late"),
    [
        (0.0, 1.0, 1.0),  # out before it begins
        (0.0, 3.0, 5.0),  # 2 s before, 1 s of way at a third of the speed
        (2.5, 0.5, 1.5),  # within it
        (4.0, 2.0, 1.0 + 5 / 3),  # 1 s inside is a third of a second of way; the rest outside
        (5.0, 1.0, 1.0),  # sent when it is over
        (0.0, 4.0, 6.0),  # 2 s before, all of it, 1 s after
    ],
)
def test_a_slow_spell_stretches_what_falls_into_it(sent: float, delay: float, late: float) -> None:
    """From 2 s to 5 s everything takes three times as long."""
    ways = Link(slow=(Slow(Seconds(2.0), Seconds(3.0), 3.0),))
    assert held_up(ways, sent, delay) == pytest.approx(late)


@given(
    st.floats(0, 20), st.floats(0, 20), st.lists(st.tuples(st.floats(0.1, 3), st.floats(1, 9)), max_size=4)
)
def test_the_way_is_as_long_as_it_was(sent: float, delay: float, spells: list[tuple[float, float]]) -> None:
    """Time outside slow spells, and a part of the time inside, add up to the delay."""
    slow = tuple(Slow(Seconds(4.0 * n), Seconds(lasts), times) for n, (lasts, times) in enumerate(spells))
    late = held_up(Link(slow=slow), sent, delay)
    inside = [max(0.0, min(sent + late, s.at + s.lasts) - max(sent, s.at)) for s in slow]
    way = late - sum(inside) + sum(time / s.times for time, s in zip(inside, slow, strict=True))
    assert way == pytest.approx(delay, abs=1e-9)


def test_an_outage_keeps_what_arrives_in_it_until_its_end() -> None:
    """What is already under way is hit too, and comes out in its order."""
    trace = played(delay=Constant(1.0), outages=(Outage(Seconds(5.0), Seconds(3.0)),))
    due = trace.changes["committed"] + 1.0
    out = trace.changes["delivered"].list.first()
    hit = due.is_between(5.0, 8.0, closed="left")
    assert hit.sum() > 100
    assert (out.filter(hit) == 8.0).all()
    assert out.filter(~hit).to_list() == pytest.approx(due.filter(~hit).to_list())
    assert sim.summarise(trace).value("divergence_at_end") == 0


def test_an_outage_that_loses_what_arrives_in_it_leaves_gaps() -> None:
    """Those changes have no copy; a later state of the same product makes up for them."""
    trace = played(delay=Constant(1.0), outages=(Outage(Seconds(5.0), Seconds(3.0), "lost"),))
    due = trace.changes["committed"] + 1.0
    hit = due.is_between(5.0, 8.0, closed="left")
    assert (trace.changes["copies"] == 0).to_list() == hit.to_list()
    assert trace.changes.filter(hit)["visible"].null_count() == hit.sum()
    assert sim.summarise(trace).value("divergence_at_end") == 0


def test_what_is_lost_for_good_at_the_end_is_missing_for_ever() -> None:
    """With the last changes lost, the read models differ, and it is said which."""
    trace = played(delay=Constant(1.0), outages=(Outage(Seconds(20.0), Seconds(3.0), "lost"),))
    assert sim.summarise(trace).value("divergence_at_end") == 4
    lost = diverged(trace)
    assert [one.product for one in lost] == [1, 2, 3, 4]
    assert all(one.held > one.shown and one.why.endswith("lost on the link") for one in lost)


def test_losses_and_duplicates_come_as_often_as_was_said() -> None:
    """Null: 20 % of the changes are lost and 30 % doubled, each copy on its own; |z| < 4."""
    trace = played(loss=0.2, duplicates=0.3, order="independent")
    n = len(trace.changes)
    expected, variance = 1.3 * 0.8, 1.3 * 0.16 + 0.21 * 0.64  # of the copies that come out
    z = (int(trace.changes["copies"].sum()) - n * expected) / (n * variance) ** 0.5
    assert abs(z) < 4
    assert set(trace.changes["copies"].unique()) == {0, 1, 2}


@pytest.mark.parametrize("engine", ["trio", "array"])
def test_nobody_waits_in_line_on_an_independent_link(engine: str) -> None:
    """Not even for as long as the rounding of three instants would have it."""
    trace = sim.run(parse_scenario(BASE, settings={"link.order": "independent"}), engine=engine)
    assert (trace.changes["line"] == 0).all()


def test_what_is_sent_again_arrives_in_the_end() -> None:
    """A lost copy costs at least the time after which it is sent again, and nothing is missing."""
    trace = played(loss=0.3, resend=Seconds(0.5), delay=Constant(0.1), order="independent")
    late = trace.changes["delivered"].list.first() - trace.changes["committed"]
    tries = ((late - 0.1) / 0.5).round(6)
    assert (tries == tries.round()).all()
    assert 0.25 < (tries > 0).sum() / len(tries) < 0.35
    assert trace.changes["visible"].null_count() <= (tries > 0).sum()
    assert sim.summarise(trace).value("divergence_at_end") == 0


def test_a_fault_leaves_all_other_luck_as_it_was() -> None:
    """The changes that were not lost arrive when they would have."""
    whole, torn = played(order="independent"), played(order="independent", loss=0.3)
    kept = torn.changes["copies"] == 1
    assert whole.commands.equals(torn.commands)
    assert torn.changes.filter(kept)["delivered"].equals(whole.changes.filter(kept)["delivered"])


@pytest.mark.parametrize(
    ("now", "due"), [(0.0, 0.3), (0.3, 0.3), (0.31, 1.3), (1.3, 1.3), (2.0, 2.3), (99.9, 100.3)]
)
def test_polls_are_due_at_their_phase_and_every_second_after(now: float, due: float) -> None:
    """Now counts, if it is a poll's instant."""
    assert next_poll(now, 1.0, 0.3) == pytest.approx(due)


def test_a_reader_that_polls_shows_changes_only_then() -> None:
    """All visible times are of one phase, each the next poll after its delivery."""
    trace = sim.run(evolve(parse_scenario(BASE), reader=Reader(poll=Seconds(0.5))))
    check(trace)
    phases = (trace.changes["visible"] % 0.5).round(9).unique()
    assert len(phases) == 1
    waited = trace.changes["visible"] - trace.changes["delivered"].list.first()
    assert waited.is_between(0, 0.5).all()


def test_a_batch_is_shown_together_when_all_of_it_is_done() -> None:
    """Three that wait, 1 s each: a batch of three shows them after 3 s, one by one after 1, 2 and 3 s."""
    steps = '[[steps]]\nat = "0s"\ndo = "add"\n' * 4
    text = 'title = "x"\nduration = "9s"\n[writer]\nservice = "0s"\n'
    text += '[link]\ndelay = "1s"\n[reader]\nhandler = "1s"\n'
    shown = {
        batch: sim.run(parse_scenario(f"{text}batch = {batch}\n{steps}")).changes["visible"].to_list()
        for batch in (1, 2, 4)
    }
    assert shown == {1: [2, 3, 4, 5], 2: [2, 4, 4, 5], 4: [2, 5, 5, 5]}


DOWN = tuple(Crash(Seconds(at), Seconds(1.0)) for at in (4.0, 9.0, 14.0))


@pytest.mark.parametrize(
    ("apply", "order", "crashes", "backwards"),
    [
        ("newest", "independent", (), False),
        ("newest", "independent", DOWN, False),
        ("newest", "fifo", DOWN, False),
        ("arrival", "fifo", (), False),
        ("arrival", "independent", (), True),
        ("arrival", "independent", DOWN, True),
        ("arrival", "fifo", DOWN, True),  # overtaken by nobody, and yet some come again
    ],
)
def test_only_a_last_arrival_that_is_an_old_one_reads_backwards(
    apply: Apply, order: Order, crashes: tuple[Crash, ...], backwards: bool
) -> None:
    """The count of monotonic-read violations is right by an independent recount of the trace.

    A reader that crashes takes up to 50 changes again, 5 ms each.
    """
    link = Link(Exponential(0.1), order)
    reader = Reader(Constant(0.005), apply=apply, checkpoint=50, crashes=crashes)
    trace = sim.run(evolve(parse_scenario(BASE), link=link, reader=reader))
    check(trace)
    found = recount(trace).values["monotonic_read_violations"]
    assert sim.summarise(trace).value("monotonic_read_violations") == found
    assert (found > 0) == backwards


def test_a_link_that_is_a_server_falls_behind_where_a_delay_does_not() -> None:
    """20 changes a second of 100 ms each: 0.1 s late on average side by side, and ever later one by one."""
    text = 'title = "x"\nduration = "60s"\n[[workers]]\npace = "poisson(20/s)"\n[link]\ndelay = "100ms"\n'
    free, serial = (sim.run(parse_scenario(f"{text}order = '{o}'")) for o in ("independent", "serial"))
    assert sim.summarise(free).value("visibility_lag.mean") == pytest.approx(0.1)
    late = serial.changes["visible"] - serial.changes["committed"]
    assert late[-1] > 50
    assert late.rolling_mean(100).drop_nulls()[::100].is_sorted()
