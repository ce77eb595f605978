"""What is right is worked out here from the numbers in the question, and from nothing else."""

import numpy as np
import pytest

import sim
from sim.lessons.the_queue import exercises
from tests.lessons.reading import numbers, seconds

SEEDS = range(10)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_may_come_is_the_capacity_less_one_over_the_time_allowed(seed: int) -> None:
    """All that can be done is refused, and so is what must be left free, and the load as a share."""
    exercise = exercises(seed)[0]
    work, limit = seconds(exercise.question)
    rate = 1 / work - 1 / limit
    assert exercise.check(rate).right
    assert exercise.check(f"{rate:.1f}").right
    for wrong in (1 / work, 1 / limit, rate * work, 1 / (work + 1 / (1 / work - 1 / limit))):
        assert not exercise.check(wrong).right


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_at_that_load_a_command_takes_as_long_as_it_may(seed: int) -> None:
    """An hour of it keeps to the limit, within 5%."""
    exercise = exercises(seed)[0]
    work, limit = seconds(exercise.question)
    settings = {
        "duration": "1h",
        "workers.pace": f"poisson({1 / work - 1 / limit}/s)",
        "writer.service": f"exponential({work}s)",
    }
    trace = sim.run("saturation", settings=settings, engine="array")
    assert sim.summarise(trace).value("command_latency.mean") == pytest.approx(limit, rel=0.05)


@pytest.mark.parametrize("seed", SEEDS)
def test_in_a_circle_one_waits_for_a_turn_of_all_less_the_time_one_thinks(seed: int) -> None:
    """The whole turn is refused, and the work of the others, and milliseconds without a unit."""
    exercise = exercises(seed)[1]
    people, *_ = numbers(exercise.question)
    think, work = seconds(exercise.question)
    wait = people * work - think
    assert exercise.check(wait).right
    assert exercise.check(f"{1000 * wait:.0f}ms").right
    for wrong in (people * work, (people - 1) * work, work, think, 1000 * wait):
        assert not exercise.check(wrong).right


@pytest.mark.parametrize("seed", range(3))
def test_whoever_plays_the_circle_is_right_as_well(seed: int) -> None:
    """From the second round on, everybody waits that long."""
    exercise = exercises(seed)[1]
    people, *_ = numbers(exercise.question)
    think, work = seconds(exercise.question)
    settings = {
        "duration": "10s",
        "warmup": "5s",
        "workers": f'[{{name = "people", count = {people:g}, think = "{think}s"}}]',
        "queries": "[]",
        "writer.service": f"{work}s",
    }
    summary = sim.summarise(sim.run("saturation", settings=settings))
    assert exercise.check(summary.value("command_latency.mean")).right
    assert exercise.check(summary.value("command_latency.max")).right


@pytest.mark.parametrize("seed", SEEDS)
def test_whoever_was_due_is_counted_sent_or_not(seed: int) -> None:
    """One by one; what the tester sees is refused, and so are all who were due meanwhile."""
    exercise = exercises(seed)[2]
    length, *_ = numbers(exercise.question)
    every, still, long = seconds(exercise.question)
    due = np.arange(0, length, every)
    waits = np.maximum(0, np.where(due >= 7, 7 + still - due, 0))
    share = float((waits > long).mean())
    assert exercise.check(share).right
    assert exercise.check(f"{100 * share:.2f}%").right
    for wrong in (1 / len(due), still / length, long / length, 1 - share, 100 * share):
        assert not exercise.check(wrong).right
