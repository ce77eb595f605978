"""What is right is worked out here from the numbers in the question, and from nothing else."""

import pytest

import sim
from sim.lessons.slow_is_not_far import exercises
from tests.lessons.reading import numbers, seconds

SEEDS = range(10)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_at_a_time_each_is_later_than_the_one_before_it(seed: int) -> None:
    """By as much as the way is longer than the pause; the way alone is refused, and when it arrives."""
    exercise = exercises(seed)[0]
    every, _, way = seconds(exercise.question)
    *_, changes = numbers(exercise.question)
    late = way + (changes - 1) * (way - every)
    assert exercise.check(late).right
    assert exercise.check(f"{1000 * late:.0f}ms").right
    for wrong in (way, late - way, changes * way, 1000 * late):
        assert not exercise.check(wrong).right


def test_whoever_plays_the_line_is_right_as_well() -> None:
    """The largest lag of a run with a metronome, over a link that takes one at a time."""
    exercise = exercises(0)[0]
    every, _, way = seconds(exercise.question)
    *_, changes = numbers(exercise.question)
    settings = {
        "duration": f"{(changes - 0.5) * every}s",
        "warmup": "0s",
        "workers.pace": f"constant({1 / every}/s)",
        "workers.count": "1",
        "queries": "[]",
        "writer.service": "0s",
        "link.delay": f"{way}s",
        "link.order": "serial",
    }
    trace = sim.run("slow-link", settings=settings)
    assert len(trace.changes) == changes
    assert exercise.check(sim.summarise(trace).value("visibility_lag.max")).right


@pytest.mark.parametrize("seed", SEEDS)
def test_in_a_line_the_last_comes_out_with_the_slowest_before_it(seed: int) -> None:
    """Its own way is refused, and the instant at which it comes out."""
    exercise = exercises(seed)[1]
    *sent, first, second, third = seconds(exercise.question)
    out = max(sent[0] + first, sent[1] + second, sent[2] + third)
    assert exercise.check(out - sent[2]).right
    assert exercise.check(f"{1000 * (out - sent[2]):.0f}ms").right
    for wrong in (third, out, second, sent[2] + third, 1000 * (out - sent[2])):
        assert not exercise.check(wrong).right


@pytest.mark.parametrize("seed", SEEDS)
def test_what_arrives_last_stays(seed: int) -> None:
    """However old it is; what the write model holds is refused, and what was there at first."""
    exercise = exercises(seed)[2]
    stock, _, _, _, less, more, lesser, *_ = numbers(exercise.question)
    times = seconds(exercise.question)
    after = [stock - less, stock - less + more, stock - less + more - lesser]
    arrivals = [sent + way for sent, way in zip(times[:3], times[3:], strict=True)]
    last = arrivals.index(max(arrivals))
    assert last != 2
    assert exercise.check(after[last]).right
    for wrong in (*(after[:last] + after[last + 1 :]), stock):
        assert not exercise.check(wrong).right
