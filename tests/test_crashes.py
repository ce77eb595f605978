from collections.abc import Iterable

import polars as pl
import pytest
from attrs import evolve
from hypothesis import given, settings

import sim
from sim.distributions import Constant
from sim.durations import Seconds
from sim.inventory import Apply
from sim.metrics import Divergence, diverged
from sim.scenario import Crash, Link, Reader, Scenario, Workers, Writer
from sim.scenario_file import parse_scenario
from sim.trace import Trace, check
from tests.strategies import readers, scenarios


def story(adds: Iterable[float], **parts: object) -> Trace:
    """Add 10 to product 1 at each of these instants: service 100 ms, publish 100 ms, link 1 s."""
    steps = "".join(f'[[steps]]\nat = "{at}s"\ndo = "add"\nquantity = 10\n' for at in adds)
    scenario = parse_scenario(f'title = "a story"\nduration = "60s"\n{steps}')
    writer = Writer(Constant(0.1), Constant(0.1))
    told = evolve(scenario, **{"writer": writer, "link": Link(Constant(1.0)), **parts})  # type: ignore[arg-type]
    trace = sim.run(told)
    check(trace)
    return trace


def crash(at: float, lasts: float = 2.0) -> tuple[Crash, ...]:
    """Say when it crashes, and for how long."""
    return (Crash(Seconds(at), Seconds(lasts)),)


def writer(**ways: object) -> Writer:
    """Give a writer that takes 100 ms to commit and as long to publish, and crashes as is said."""
    return Writer(Constant(0.1), Constant(0.1), **ways)  # type: ignore[arg-type]


def fates(trace: Trace) -> list[tuple[object, ...]]:
    """Give of each command its outcome, and when it was answered."""
    return trace.commands.select("outcome", pl.col("finished").round(9)).rows()


def test_a_crash_during_the_work_loses_the_command() -> None:
    """It was not committed; its sender hears nothing; the next one is served after the restart."""
    trace = story([0, 1], writer=writer(crashes=crash(0.05)))
    assert fates(trace) == [("lost", None), ("accepted", 2.25)]
    assert trace.changes.select("command", "committed").rows() == [(1, pytest.approx(2.15))]
    assert sim.summarise(trace).value("unanswered_fraction") == 0.5


@pytest.mark.parametrize(("outbox", "shown"), [(True, 10), (False, 0)])
def test_a_crash_between_commit_and_send(outbox: bool, shown: int) -> None:
    """With an outbox the change is sent after the restart; without one it never travels."""
    trace = story([0], writer=writer(outbox=outbox, crashes=crash(0.15)))
    assert fates(trace) == [("accepted", None)]
    assert trace.changes["sent"].to_list() == [pytest.approx(2.25) if outbox else None]
    assert trace.models.rows() == [(1, 10, 1, shown, 1 if outbox else 0)]
    assert diverged(trace) == (() if outbox else (Divergence(1, 10, 0, "1 change never sent"),))


def test_a_second_crash_before_the_restart_makes_it_no_later() -> None:
    """Down from 50 ms to 2.05 s, and again, within that, for half a second."""
    trace = story([1], writer=writer(crashes=(*crash(0.05), *crash(1.0, 0.5))))
    assert fates(trace) == [("accepted", pytest.approx(2.25))]


def test_a_crash_when_all_is_over_changes_nothing() -> None:
    """The run ends when it has drained, whatever was still to come."""
    quiet, late = story([0]), story([0], writer=writer(crashes=crash(50.0)))
    assert late.fingerprint == quiet.fingerprint


INSIST = """
title = "who hears nothing asks again"
duration = "10s"
replications = 1
[[workers]]
timeout = "5s"
attempts = 5
pace = "constant(0.1/s)"
[writer]
service = "100ms"
publish = "100ms"
crashes = [{at = "150ms", lasts = "2.5s"}]
"""


@pytest.mark.parametrize(("known", "second", "held"), [(True, "repeated", 1), (False, "accepted", 2)])
def test_who_hears_nothing_sends_again(known: bool, second: str, held: int) -> None:
    """The crash came after the commit: a command id makes asking again harmless; else it counts twice."""
    scenario = parse_scenario(INSIST, settings={"writer.command_ids": str(known).lower()})
    trace = sim.run(scenario)
    check(trace)
    first, again = trace.commands.select("outcome", "repeats").rows()
    assert first == ("accepted", None)
    assert again == (second, 0)
    assert trace.models["held"].to_list() == [held]
    assert sim.summarise(trace).value("double_updates") == held - 1


def test_who_gets_no_answer_in_time_gives_up_after_so_many_attempts() -> None:
    """Service takes 10 s, patience 1 s: three sendings of one key, and one of them is done."""
    workers = (Workers(timeout=Seconds(1.0), attempts=3, pace=parse_scenario(INSIST).workers[0].pace),)
    scenario = evolve(parse_scenario(INSIST), workers=workers, writer=Writer(Constant(10.0)))
    trace = sim.run(scenario)
    check(trace)
    assert trace.commands.select("issued", "outcome", "repeats").rows() == [
        (0.0, "accepted", None),
        (1.0, "repeated", 0),
        (2.0, "repeated", 0),
    ]


def reading(restart: str, **ways: object) -> Reader:
    """Give a reader that takes 100 ms for a change, and is down from 1.25 s to 3.25 s."""
    return Reader(Constant(0.1), restart=restart, crashes=crash(1.25), **ways)  # type: ignore[arg-type]


NO_WORK = Writer(Constant(0.0))


def test_from_its_checkpoint_a_reader_does_again_what_it_had_in_its_hands() -> None:
    """Of three that arrive at 1.0, 1.2 and 1.4 s, the first is shown, the others come after the restart."""
    trace = story([0, 0.2, 0.4], writer=NO_WORK, reader=reading("checkpoint"))
    assert trace.changes["visible"].to_list() == pytest.approx([1.1, 3.35, 3.45])
    assert diverged(trace) == ()


def test_from_memory_a_reader_forgets_what_it_held_and_what_came_meanwhile() -> None:
    """The second was in work, the third arrived while it was down; the fourth heals what they left."""
    lost = story([0, 0.2, 0.4], writer=NO_WORK, reader=reading("memory"))
    assert lost.changes["visible"].to_list() == [pytest.approx(1.1), None, None]
    assert diverged(lost) == (Divergence(1, 30, 10, "2 changes lost when the reader crashed"),)
    healed = story([0, 0.2, 0.4, 5], writer=NO_WORK, reader=reading("memory"))
    assert diverged(healed) == ()


@pytest.mark.parametrize(("checkpoint", "shown"), [(1, 50), (2, 50), (3, 70), (9, 70)])
def test_an_old_checkpoint_counts_differences_twice(checkpoint: int, shown: int) -> None:
    """Two are shown at the crash: those since the last checkpoint are added once more."""
    reader = reading("checkpoint", apply="delta", checkpoint=checkpoint)
    trace = story([0, 0.01, 0.9, 0.91, 2], writer=NO_WORK, reader=reader)
    assert trace.models["shown"].item() == shown
    assert trace.changes["applied"].sum() * 10 == shown


@pytest.mark.parametrize("apply", ["newest", "arrival", "fetch"])
def test_a_state_that_comes_again_does_no_harm(apply: Apply) -> None:
    """Shown twice, it says the same; a reader that fetches asks for what is true by now."""
    trace = story([0, 0.01, 0.9], writer=NO_WORK, reader=reading("checkpoint", apply=apply, checkpoint=9))
    assert diverged(trace) == ()


def test_a_notice_shows_what_is_true_when_it_is_followed() -> None:
    """Three changes within the delay of the first: its notice shows the last, and the others add nothing."""
    trace = story([0, 0.2, 0.4], writer=NO_WORK, reader=Reader(apply="fetch"))
    assert trace.changes["visible"].to_list() == [None, None, pytest.approx(1.0)]
    assert trace.models.rows() == [(1, 30, 3, 30, 3)]


def test_a_difference_that_comes_twice_counts_twice() -> None:
    """Every change doubled: twice the stock, for ever, and the versions know nothing of it."""
    trace = story(
        [0, 1], writer=NO_WORK, link=Link(Constant(1.0), duplicates=1.0), reader=Reader(apply="delta")
    )
    assert diverged(trace) == (Divergence(1, 20, 40, "2 changes added more than once"),)
    assert trace.models["shown_version"].item() == trace.models["held_version"].item() == 2


def loses_for_good(scenario: Scenario) -> bool:
    """Say whether something that happens in a scenario can leave the read model without a change for ever."""
    link = scenario.link
    on_the_way = link.loss > 0 or any(outage.changes == "lost" for outage in link.outages)
    dual_write = bool(scenario.writer.crashes) and not scenario.writer.outbox
    forgets = bool(scenario.reader.crashes) and scenario.reader.restart == "memory"
    return (on_the_way and link.resend is None) or dual_write or forgets


@settings(max_examples=100)
@given(scenarios(architecture="cqrs"))
def test_with_faults_that_lose_nothing_for_good_every_run_ends_converged(scenario: Scenario) -> None:
    """Whatever fails and restarts: what is committed is shown in the end, what was answered is committed."""
    trace = sim.run(scenario)
    check(trace)
    if loses_for_good(scenario) or scenario.reader.apply in ("arrival", "delta"):
        return
    assert diverged(trace) == ()
    answered = trace.commands.filter(pl.col("finished").is_not_null(), outcome="accepted")
    assert answered["id"].is_in(trace.changes["command"].implode()).all()


@settings(max_examples=50)
@given(scenarios(architecture="cqrs", reader=readers().map(lambda reader: evolve(reader, apply="delta"))))
def test_differences_add_up_to_what_is_shown(scenario: Scenario) -> None:
    """Whatever is lost, comes twice or comes again after a crash, each counts as often as it was applied."""
    trace = sim.run(scenario)
    moved = pl.when(kind="add").then("quantity").otherwise(-pl.col("quantity"))
    commands = trace.commands.select(command="id", moved=moved)
    added = trace.changes.join(commands, on="command").group_by("product")
    total = added.agg(shown=scenario.products.stock + (pl.col("moved") * pl.col("applied")).sum())
    assert total.sort("product").rows() == trace.models.select("product", "shown").sort("product").rows()
