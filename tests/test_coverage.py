"""Whether the intervals hold what they promise: 400 experiments, each of ten replications.

Null of each row: 95 % of the intervals hold the truth. Between 368 and 392 of
400 is within 2.75 standard deviations of it (two-sided probability 0.006).
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from functools import partial

import pytest
from attrs import evolve

import sim
from sim.metrics import Estimate, summarise
from sim.replicate import interval
from sim.scenario import Scenario
from sim.scenario_file import parse_scenario
from tests import seeds

pool = seeds.pool

EXPERIMENTS = 400

STALE = """
title = "Poisson commits, a fixed delay, and somebody who looks at instants of his own"
duration = "60s"
warmup = "2s"
[products]
count = 1
[[workers]]
pace = "poisson(2/s)"
[[queries]]
pace = "poisson(10/s)"
[writer]
service = "0s"
[link]
delay = "500ms"
"""


WAITING = """
title = "M/M/1 at ρ = 0.9, cut where it has forgotten that it began empty"
duration = "23400s"
warmup = "1200s"
[products]
count = 1
[[workers]]
pace = "poisson(0.9/s)"
[inbox]
capacity = "unbounded"
[writer]
service = "exponential(1s)"
[link]
delay = "0s"
"""


def experiments(pool: Executor, scenario: Scenario, metric: str) -> list[Estimate]:
    """Do 400 experiments, each of ten replications of a seed of its own, and give their intervals."""
    one = partial(experiment, scenario=scenario, metric=metric)
    return list(pool.map(one, range(1, EXPERIMENTS + 1), chunksize=5))


def experiment(seed: int, scenario: Scenario, metric: str) -> Estimate:
    """Play ten replications of a seed, and give the interval of a metric."""
    seeded = evolve(scenario, seed=seed)
    runs = (sim.run(seeded, replication=number, engine="auto") for number in range(10))
    return interval(summarise(trace).value(metric) for trace in runs)


def covering(estimates: Iterable[Estimate], truth: float) -> int:
    """Count the intervals that hold the truth."""
    return sum(e.low < truth < e.high for e in estimates if e.low is not None and e.high is not None)


@pytest.mark.slow
def test_intervals_for_a_stale_fraction_cover(pool: Executor) -> None:
    """Truth: P(stale) = 1 − e^(−λd) = 1 − 1/e, at λ = 2/s and d = 0.5 s (THEORY.md 3.3)."""
    found: Sequence[Estimate] = experiments(pool, parse_scenario(STALE), "stale_read_fraction")
    assert 368 <= covering(found, 0.6321205588285577) <= 392


@pytest.mark.slow
def test_intervals_for_a_wait_at_high_load_cover(pool: Executor) -> None:
    """Truth: W = ρ/(μ − λ) = 9 s in M/M/1 at ρ = 0.9 (THEORY.md 3.1); 20,000 commands a replication."""
    found: Sequence[Estimate] = experiments(pool, parse_scenario(WAITING), "queue_wait.mean")
    assert 368 <= covering(found, 9.0) <= 392
