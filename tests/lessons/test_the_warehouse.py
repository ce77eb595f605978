"""What is right is worked out here from the numbers in the question, and from nothing else."""

import pytest

from sim.lessons.the_warehouse import exercises
from tests.lessons.reading import numbers, seconds

SEEDS = range(10)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_read_model_shows_what_has_arrived(seed: int) -> None:
    """Three changes, some of them under way; what the write model holds is refused."""
    exercise = exercises(seed)[0]
    added, _, removed, _, more, *_ = numbers(exercise.question)
    delay, asked = seconds(exercise.question)[-2:]
    shown = added - removed * (asked >= 2 + delay)
    assert exercise.check(shown).right
    assert repr(exercise.check(added - removed + more)).endswith("Which changes have arrived?")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_change_is_shown_after_the_work_and_the_way(seed: int) -> None:
    """An instant on the clock, in seconds."""
    exercise = exercises(seed)[1]
    sent, work, delay = seconds(exercise.question)
    assert exercise.check(sent + work + delay).right
    assert exercise.check(f"{1000 * (sent + work + delay):.0f}ms").right
    for wrong in (work + delay, sent + delay, sent + work, delay, 1000 * (sent + work + delay)):
        assert not exercise.check(wrong).right


@pytest.mark.parametrize("seed", SEEDS)
def test_no_more_can_be_had_than_the_write_model_holds(seed: int) -> None:
    """One more would be rejected; what the read model still shows is refused."""
    exercise = exercises(seed)[2]
    added, _, removed, *_ = numbers(exercise.question)
    assert exercise.check(added - removed).right
    assert not exercise.check(added - removed + 1).right
    assert repr(exercise.check(added)).endswith("Who decides about a command?")
