"""What is right is worked out here from the numbers in the question, and from nothing else."""

import math
import statistics

import pytest

import sim
from sim.lessons.pushing_back import exercises
from tests.lessons.reading import numbers, seconds

SEEDS = range(10)


@pytest.mark.parametrize("seed", SEEDS)
def test_who_is_held_up_finds_the_writer_busy_and_every_place_taken(seed: int) -> None:
    """Of a queue without end, the share of time with more than c in it: the sum of (1 − ρ)ρⁿ."""
    exercise = exercises(seed)[0]
    rate, _, places = numbers(exercise.question)
    [work] = seconds(exercise.question)
    load = rate * work
    share = 1 - sum((1 - load) * load**n for n in range(int(places) + 1))
    assert exercise.check(share).right
    assert exercise.check(f"{100 * share:.2f}%").right
    for wrong in (load, load**places, load ** (places + 2), 1 - share, 100 * share):
        assert not exercise.check(wrong).right


@pytest.mark.slow
def test_played_as_many_are_held_up() -> None:
    """Null: the share of ten runs of a minute is that of the question, |z| < 4."""
    question = exercises(0)[0].question
    rate, _, places = numbers(question)
    [work] = seconds(question)
    settings = {
        "duration": "65s",
        "warmup": "5s",
        "workers.pace": f"poisson({rate:g}/s)",
        "inbox.capacity": f"{places:g}",
        "writer.service": f"exponential({work}s)",
        "queries": "[]",
    }
    scenario = sim.load_scenario("back-pressure", settings)
    shares = [sim.summarise(sim.run(scenario, i)).value("blocked_fraction") for i in range(10)]
    error = statistics.stdev(shares) / math.sqrt(10)
    assert abs(statistics.mean(shares) - (rate * work) ** (places + 1)) < 4 * error


@pytest.mark.parametrize("seed", SEEDS)
def test_what_must_be_shed_is_what_nobody_can_do(seed: int) -> None:
    """As a share of those who come; of those who are served it is refused, and so is nothing at all."""
    exercise = exercises(seed)[1]
    rate, *_ = numbers(exercise.question)
    [work] = seconds(exercise.question)
    share = (rate - 1 / work) / rate
    assert exercise.check(share).right
    assert exercise.check(f"{100 * share:.1f}%").right
    for wrong in (0, rate * work - 1, 1 - share, 100 * share):
        assert not exercise.check(wrong).right


@pytest.mark.parametrize("seed", range(3))
def test_with_so_many_places_the_promise_is_kept_and_with_one_more_it_is_broken(seed: int) -> None:
    """Played: so many come that the channel is always full."""
    exercise = exercises(seed)[2]
    work, promise = seconds(exercise.question)
    places = int(promise / work) - 1
    assert exercise.check(places).right
    assert longest(places, work) <= promise < longest(places + 1, work)
    for wrong in (places + 1, places - 1, promise / work):
        assert not exercise.check(wrong).right


def longest(places: int, work: float) -> float:
    """Play a flood against a channel that sheds; give the longest time to an answer."""
    settings = {
        "duration": f"{200 * work}s",
        "warmup": "0s",
        "workers.pace": f"poisson({3 / work}/s)",
        "inbox.capacity": str(places),
        "inbox.when_full": "shed",
        "writer.service": f"{work}s",
        "queries": "[]",
    }
    return sim.summarise(sim.run("back-pressure", settings=settings)).value("command_latency.max")
