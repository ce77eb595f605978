import polars as pl
import pytest
from attrs import evolve

import sim
from sim.distributions import Constant
from sim.scenario import Scenario, Writer
from sim.scenario_file import parse_scenario
from sim.steady import overloads
from sim.trace import check


def at_once(commands: int, writer: Writer) -> Scenario:
    """Let commands come in one instant, to add 1 to product 1 each."""
    steps = commands * '[[steps]]\nat = "0s"\ndo = "add"\n'
    return evolve(parse_scenario(f'title = "at once"\nduration = "10s"\n{steps}'), writer=writer)


def test_what_waits_is_committed_together() -> None:
    """Three, then two: a batch takes 1 s, and 100 ms for each command in it; busy for 2.5 s of 10."""
    trace = sim.run(at_once(5, Writer(Constant(0.1), batch=3, commit=Constant(1.0))))
    check(trace)
    assert trace.commands["started"].round(9).to_list() == [0, 0, 0, 1.3, 1.3]
    assert trace.changes["committed"].round(9).to_list() == [1.3, 1.3, 1.3, 2.5, 2.5]
    assert sim.summarise(trace).value("writer_utilisation") == pytest.approx(0.25)


def test_a_batch_answers_each_command_when_its_change_is_sent() -> None:
    """Committed together, sent one after the other."""
    trace = sim.run(at_once(3, Writer(Constant(0.0), Constant(0.5), batch=2, commit=Constant(1.0))))
    check(trace)
    assert trace.changes["committed"].to_list() == [1, 1, 3]
    assert trace.commands["finished"].to_list() == [1.5, 2, 3.5]


def test_a_crash_during_the_commit_loses_the_whole_batch() -> None:
    """Of the two that are worked on together neither is committed; the third comes after the restart."""
    crash = 'crashes = [{ at = "500ms", lasts = "1s" }]'
    steps = 3 * '[[steps]]\nat = "0s"\ndo = "add"\n'
    writer = f'[writer]\nservice = "0s"\ncommit = "1s"\nbatch = 2\n{crash}\n'
    trace = sim.run(parse_scenario(f'title = "a crash"\nduration = "10s"\n{steps}{writer}'))
    check(trace)
    assert trace.commands["outcome"].to_list() == ["lost", "lost", "accepted"]


def test_batches_carry_a_load_that_single_commits_cannot() -> None:
    """100 commands a second at 20 ms a commit: too many for one at a time, and few for ten."""
    alone = parse_scenario(
        'title = "group commit"\nduration = "20s"\n[[workers]]\npace = "poisson(100/s)"\n'
        '[writer]\nservice = "1ms"\ncommit = "20ms"'
    )
    grouped = evolve(alone, writer=evolve(alone.writer, batch=10))
    assert [len(overloads(scenario, 100.0)) for scenario in (alone, grouped)] == [1, 0]
    waits = [sim.summarise(sim.run(s)).value("queue_wait.p50") for s in (alone, grouped)]
    assert waits[0] > 1 > 0.1 > waits[1]


def test_a_crash_between_two_sends_leaves_the_rest_in_the_outbox() -> None:
    """Both are committed at 1 s; one is sent at 1.5 s; the other waits for the restart at 3.7 s."""
    writer = '[writer]\nservice = "0s"\ncommit = "1s"\npublish = "500ms"\nbatch = 2\n'
    crash = 'crashes = [{ at = "1.7s", lasts = "2s" }]\n'
    steps = 3 * '[[steps]]\nat = "0s"\ndo = "add"\n'
    trace = sim.run(parse_scenario(f'title = "a crash"\nduration = "10s"\n{steps}{writer}{crash}'))
    check(trace)
    assert trace.changes["sent"].round(9).to_list() == [1.5, 4.2, 5.7]
    assert trace.commands.select("outcome", pl.col("finished").is_null()).rows() == [
        ("accepted", False),
        ("accepted", True),
        ("accepted", False),
    ]
