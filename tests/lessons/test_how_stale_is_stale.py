"""What is right is worked out here from the numbers in the question, and from nothing else."""

import json
import math
import re

import pytest

import sim
from sim.lessons.how_stale_is_stale import exercises
from tests.lessons.reading import numbers, seconds

SEEDS = range(10)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_share_of_stale_looks_is_the_curve_and_not_the_line(seed: int) -> None:
    """1 − e^(−λd) with the λ of one product."""
    exercise = exercises(seed)[0]
    rate, products, *_ = numbers(exercise.question)
    [delay] = seconds(exercise.question)
    under_way = rate / products * delay
    share = 1 - math.exp(-under_way)
    assert exercise.check(share).right
    assert exercise.check(f"{100 * share:.1f}%").right
    for wrong in (under_way, 1 - share, 1 - math.exp(-rate * delay), 100 * share):
        assert not exercise.check(wrong).right


@pytest.mark.parametrize("seed", SEEDS)
def test_the_longest_delay_solves_the_curve(seed: int) -> None:
    """−ln(1 − p)/λ, in seconds; the straight line is refused."""
    exercise = exercises(seed)[1]
    rate, products, percent = numbers(exercise.question)
    one, share = rate / products, percent / 100
    delay = -math.log(1 - share) / one
    assert exercise.check(delay).right
    assert exercise.check(f"{1000 * delay:.2f}ms").right
    for wrong in (share / one, -math.log(share) / one, -math.log(1 - share) / rate, 1000 * delay):
        assert not exercise.check(wrong).right


@pytest.mark.parametrize("seed", range(3))
def test_the_time_until_99_of_100_can_be_seen_is_in_the_readers_own_run(seed: int) -> None:
    """As `sim.run` and the summary give it with the settings that the question shows."""
    exercise = exercises(seed)[2]
    shown = re.search(r"\{.*\}", exercise.question)
    assert shown
    summary = sim.summarise(sim.run("slow-link", settings=json.loads(shown[0])))
    p99 = summary.value("t_visibility.p99")
    assert exercise.check(p99).right
    assert exercise.check(f"{1000 * p99:.0f}ms").right
    for wrong in (summary.value("visibility_lag.mean"), summary.value("visibility_lag.p50"), 1000 * p99):
        assert not exercise.check(wrong).right
