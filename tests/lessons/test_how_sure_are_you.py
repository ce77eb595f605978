"""What is right is worked out here from the numbers in the question, and from nothing else."""

import json
import math
import re
import statistics

import pytest

import sim
from sim.lessons.how_sure_are_you import exercises
from tests.lessons.reading import numbers, seconds

SEEDS = range(10)
T4 = 2.7764451051977987  # Student's t with 4 degrees of freedom, 97.5 %


@pytest.mark.parametrize("seed", SEEDS)
def test_the_interval_of_five_runs_takes_students_t(seed: int) -> None:
    """t·s/√n; the normal's 1.96 is refused, and a division by n."""
    exercise = exercises(seed)[0]
    runs = seconds(exercise.question)
    error = statistics.stdev(runs) / math.sqrt(5)
    assert len(runs) == 5
    assert exercise.check(T4 * error).right
    assert exercise.check(f"{1000 * T4 * error:.2f}ms").right
    for wrong in (1.96 * error, 2 * T4 * error, error, T4 * statistics.pstdev(runs) / math.sqrt(5)):
        assert not exercise.check(wrong).right


@pytest.mark.parametrize("seed", SEEDS)
def test_so_many_times_as_exact_takes_the_square_of_it(seed: int) -> None:
    """The root law; in proportion is refused, and what is to be added."""
    exercise = exercises(seed)[1]
    runs, wide, narrow = numbers(exercise.question)
    needed = runs * (wide / narrow) ** 2
    assert exercise.check(needed).right
    for wrong in (runs * wide / narrow, needed - runs, math.sqrt(needed)):
        assert not exercise.check(wrong).right


@pytest.mark.parametrize("seed", range(2))
def test_how_much_it_helps_is_in_the_readers_own_runs(seed: int) -> None:
    """As `sim.measure` gives it with the settings that the question shows; on other luck it is refused."""
    exercise = exercises(seed)[2]
    shown = re.findall(r"`(\{.*?\})`.*`(\"writer.*?)`", exercise.question)
    (settings, more), name = shown[0], "command_latency.mean"
    before = json.loads(settings)
    after = before | json.loads(f"{{{more}}}")
    ways = [before, after, after | {"seed": "0"}]
    told = [sim.measure("saturation", 1, way, engine="auto").value(name) for way in ways]
    apart = sim.compare("saturation", json.loads(f"{{{more}}}"), metric=name, settings=before, jobs=1)
    assert exercise.check(told[0] - told[1]).right
    assert exercise.check(-apart.difference().estimate).right
    for wrong in (told[0] - told[2], told[1] - told[0], told[1], 1000 * (told[0] - told[1])):
        assert not exercise.check(wrong).right
