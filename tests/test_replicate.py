import math
import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from attrs import astuple, evolve

import sim
from sim.metrics import Estimate, as_json
from sim.replicate import combine, interval, play, play_all
from sim.scenario_file import parse_scenario

QUEUE = """
title = "M/M/1 and a fixed delay"
duration = "200s"
warmup = "20s"
replications = 10
[products]
count = 1
[[workers]]
pace = "poisson(5/s)"
[[queries]]
pace = "poisson(10/s)"
[inbox]
capacity = "unbounded"
[writer]
service = "exponential(100ms)"
[link]
delay = "200ms"
"""


def test_the_interval_is_students() -> None:
    """Mean ± t(n−1)·s/√n: of 1, 2, 3 that is 2 ± 4.3027/√3; nan says nothing, and one value no interval."""
    half = 4.302652729911275 / math.sqrt(3)
    assert astuple(interval([1, 2, 3])) == pytest.approx((2, 2 - half, 2 + half), rel=1e-9)
    assert interval([1, math.nan, 2, 3]) == interval([1, 2, 3])
    assert interval([5, math.nan]) == Estimate(5.0)
    assert math.isnan(interval([math.nan]).estimate)


def test_the_interval_covers_what_it_promises() -> None:
    """Of 2,000 intervals for a normal mean, 95 % hold the truth; the null is a share of 0.95, |z| < 4."""
    rng = np.random.default_rng(1)
    estimates = [interval(rng.normal(3, 2, 5)) for _ in range(2000)]
    covered = sum(e.low < 3 < e.high for e in estimates if e.low is not None and e.high is not None)
    assert abs(covered - 1900) / math.sqrt(2000 * 0.95 * 0.05) < 4


def test_the_result_does_not_depend_on_the_number_of_processes() -> None:
    """One process or two: the same summary, in the same order, but for the wall time."""
    scenario = sim.load_scenario("flash-sale", {"duration": "3s", "warmup": "1s", "replications": "4"})
    alone, together = play_all(scenario, jobs=1), play_all(scenario, jobs=2)
    assert [one.replication for one in together] == [0, 1, 2, 3]
    assert [one.summary.fingerprint for one in alone] == [one.summary.fingerprint for one in together]
    one, other = (combine([p.summary for p in played]) for played in (alone, together))
    assert as_json(evolve(one, wall_seconds=0)) == as_json(evolve(other, wall_seconds=0))
    assert together[0].trace is not None
    assert together[0].trace.fingerprint == together[0].summary.fingerprint


@pytest.mark.slow
def test_a_process_that_is_killed_changes_nothing() -> None:
    """What it may have been playing is played again."""
    scenario = sim.load_scenario("flash-sale", {"duration": "3s", "warmup": "1s", "replications": "6"})
    killed: list[int] = []

    def kill_one() -> None:
        if not killed:
            killed.append(1)
            multiprocessing.active_children()[0].kill()

    alone, together = play_all(scenario, jobs=1), play_all(scenario, jobs=2, on_done=kill_one)
    assert [one.summary.fingerprint for one in alone] == [one.summary.fingerprint for one in together]


def test_any_executor_will_do() -> None:
    """Threads of this process play the same summary as the process alone, with the same interval."""
    settings = {"duration": "3s", "warmup": "1s", "replications": "3"}
    alone = sim.measure("flash-sale", jobs=1, settings=settings)
    with ThreadPoolExecutor(3) as threads:
        together = sim.measure("flash-sale", settings=settings, executor=threads)
    assert as_json(evolve(alone, wall_seconds=0)) == as_json(evolve(together, wall_seconds=0))


def test_replications_are_independent_of_each_other_and_of_their_number() -> None:
    """The k-th replication is the same whether ten or three are played, and no two are alike."""
    scenario = sim.load_scenario("flash-sale", {"duration": "2s", "warmup": "0s"})
    prints = [play(scenario, number).summary.fingerprint for number in range(3)]
    assert len(set(prints)) == 3
    fewer = sim.load_scenario("flash-sale", {"duration": "2s", "warmup": "0s", "replications": "3"})
    assert play(fewer, 1).summary.fingerprint == prints[1]


def test_nothing_seen_in_all_runs_together_is_three_in_all_their_observations() -> None:
    """The bound 3/n counts the observations of every replication."""
    scenario = sim.load_scenario("flash-sale", {"duration": "2s", "warmup": "0s", "replications": "2"})
    summary = combine([play(scenario, number).summary for number in range(2)])
    assert summary.estimate("shed_fraction") == Estimate(0.0, 0.0, 3 / summary.counts["shed_fraction"])


def test_a_queue_and_a_delay_come_out_as_theory_says() -> None:
    """Ten runs of an M/M/1 writer at ρ = 0.5 and a fixed delay d = 0.2 s, against closed forms, |z| < 4.

    Nulls: command latency 1/(μ − λ); utilisation λ/μ; stale fraction
    1 − e^(−λd), commits being Poisson by Burke's theorem; versions behind λd;
    staleness d − (1 − e^(−λd))/λ; age of information d + 1/λ.
    """
    rate, served, delay = 5.0, 10.0, 0.2
    truth = {
        "command_latency.mean": 1 / (served - rate),
        "writer_utilisation": rate / served,
        "stale_read_fraction": 1 - math.exp(-rate * delay),
        "versions_behind.mean": rate * delay,
        "staleness.mean": delay - (1 - math.exp(-rate * delay)) / rate,
        "age_of_information.mean": delay + 1 / rate,
        "visibility_lag.mean": delay,
    }
    summaries = [play(parse_scenario(QUEUE), number).summary for number in range(10)]
    for name, expected in truth.items():
        values = np.array([summary.value(name) for summary in summaries])
        error = max(values.std(ddof=1) / math.sqrt(len(values)), 1e-12)
        assert abs(values.mean() - expected) / error < 4, (name, values.mean(), expected)
