"""What is right is worked out here from the numbers in the question, and from nothing else."""

import pytest

import sim
from sim.lessons.things_go_wrong import exercises
from tests.lessons.reading import numbers, seconds

SEEDS = range(10)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_comes_twice_counts_twice_and_what_never_comes_does_not(seed: int) -> None:
    """A sum of differences; what the write model holds is refused."""
    exercise = exercises(seed)[0]
    added, removed, lost, last = numbers(exercise.question)
    assert exercise.check(added - 2 * removed + last).right
    held = added - removed + lost + last
    assert repr(exercise.check(held)).endswith("What has reached the reader, and how often?")
    for wrong in (held - removed, held - lost, added - 2 * removed + last + 1):
        assert not exercise.check(wrong).right


@pytest.mark.parametrize("seed", SEEDS)
def test_only_a_last_change_that_is_lost_stays_lost(seed: int) -> None:
    """One chance for each product; the number of lost changes is refused, and that of gaps."""
    exercise = exercises(seed)[1]
    products, each, percent = numbers(exercise.question)
    loss = percent / 100
    assert exercise.check(products * loss).right
    for wrong in (products * each * loss, products * (1 - (1 - loss) ** each), products):
        assert not exercise.check(wrong).right


@pytest.mark.parametrize("seed", SEEDS)
def test_a_crash_between_commit_and_send_is_as_likely_as_that_takes_of_a_second(seed: int) -> None:
    """Rate times publishing; the whole work is refused, and the share of it."""
    exercise = exercises(seed)[2]
    rate, *_ = numbers(exercise.question)
    service, publish = seconds(exercise.question)
    assert exercise.check(rate * publish).right
    assert exercise.check(f"{100 * rate * publish:.1f}%").right
    for wrong in (rate * service, rate * (service + publish), publish / (service + publish), publish):
        assert not exercise.check(wrong).right


@pytest.mark.slow
def test_so_many_crashes_hit_there_when_it_is_played() -> None:
    """Of 55 crashes in five runs, within four standard errors (a share of 0.6: 33, and 14.5 more or less)."""
    played = [sim.run("dual-write", replication) for replication in range(5)]
    never = sum(trace.changes["sent"].null_count() for trace in played)
    assert 33 - 14.5 < never < 33 + 14.5
