"""A simulation against closed forms: ten fixed seeds over all cores, and how far their mean lies off.

The null of every row is that the ten results have the closed form as their
mean: z = (mean − truth) / (sd / √10), and |z| < 4, which Student's t with 9
degrees of freedom exceeds three times in a thousand. A test module that wants
the processes says `pool = seeds.pool`.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial

import numpy as np
import pytest
from attrs import evolve, frozen

import sim
from sim.pool.processes import cores, process_pool
from sim.scenario import Scenario
from sim.trace import Trace, check
from sim.worker import Worker, worker

SEEDS = range(1, 11)
FAR = 4.0  # standard errors

Numbers = Mapping[str, float]
Measure = Callable[[Trace], Numbers]


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    """Open as many processes as there are cores, for all rows of a module."""
    with process_pool(cores()) as processes:
        yield processes


def ten_runs(pool: Executor, scenario: Scenario, measure: Measure, act: Worker = worker) -> list[Numbers]:
    """Play a scenario on each of the ten seeds, and give what was measured on each."""
    seeded = [evolve(scenario, seed=seed) for seed in SEEDS]
    return list(pool.map(partial(play_once, measure=measure, act=act), seeded))


def play_once(scenario: Scenario, measure: Measure, act: Worker) -> Numbers:
    """Play once, check what must always hold, and measure."""
    trace = sim.run(scenario, worker=act)
    check(trace)
    return measure(trace)


@frozen
class Score:
    """How far the mean of ten runs lies from the truth, in standard errors."""

    truth: float
    mean: float
    error: float

    @property
    def z(self) -> float:
        """Standard errors above the truth."""
        return (self.mean - self.truth) / self.error


def score(runs: Sequence[Numbers], name: str, truth: float) -> Score:
    """Compare one number of all runs with its closed form."""
    values = np.array([run[name] for run in runs])
    return Score(truth, float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values)))


def assert_close(runs: Sequence[Numbers], truth: Numbers) -> None:
    """Hold every number against its closed form: |z| < 4."""
    scores = {name: score(runs, name, expected) for name, expected in truth.items()}
    far = {name: (one, one.z) for name, one in scores.items() if not abs(one.z) < FAR}
    assert not far, far
