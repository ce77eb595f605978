"""The simulation against the closed forms of queueing theory, on the ten seeds of `seeds`.

Rows with the same seeds draw the same luck, so their z lean the same way.
Services take 1 s on average throughout, so a rate of ρ is a load of ρ.
"""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor

import numpy as np
import pytest
from attrs import evolve

import sim
from sim.inventory import Intent
from sim.measures.window import measured_commands
from sim.metrics import Estimate, summarise
from sim.replicate import interval
from sim.scenario import Scenario
from sim.scenario_file import parse_scenario
from sim.trace import Trace
from sim.worker import Person
from tests import seeds
from tests.seeds import Numbers, assert_close, ten_runs

QUEUE = """
title = "a queue"
duration = "{seconds}s"
warmup = "{warmup}s"
[products]
count = 1
[[workers]]
{workers}
[inbox]
capacity = {capacity}
when_full = "{when_full}"
[writer]
service = "{service}"
[link]
delay = "0s"
"""

NAMES = (
    "queue_wait.mean",
    "command_latency.mean",
    "command_latency.p95",
    "command_latency.p99",
    "writer_utilisation",
    "throughput",
    "shed_fraction",
)
BLOCKED, INSIDE = "blocked senders", "in channel and service"

slow = pytest.mark.slow
pool = seeds.pool


def queue(
    workers: str,
    seconds: float,
    capacity: int | str = '"unbounded"',
    when_full: str = "wait",
    service: str = "exponential(1s)",
) -> Scenario:
    """Give a crowd of workers before one writer, without queries and without delay."""
    text = QUEUE.format(
        workers=workers,
        seconds=seconds,
        warmup=seconds / 20,
        capacity=capacity,
        when_full=when_full,
        service=service,
    )
    return parse_scenario(text)


def numbers(trace: Trace) -> Numbers:
    """Give what the rows compare."""
    summary = summarise(trace)
    ours = {BLOCKED: inside(trace, "issued", "admitted"), INSIDE: inside(trace, "admitted", "finished")}
    return {name: summary.value(name) for name in NAMES} | ours


def inside(trace: Trace, entered: str, left: str) -> float:
    """Give the time-average of commands between two points of their way, within the window."""
    start, end = trace.window
    way = trace.commands.select(entered, left).drop_nulls()
    return float((way[left].clip(start, end) - way[entered].clip(start, end)).sum()) / (end - start)


def birth_and_death(births: Sequence[float]) -> list[float]:
    """Give the stationary law on 0, 1, 2 … of births at these rates and deaths at rate 1."""
    weights = np.cumprod([1.0, *births])
    return list(weights / weights.sum())


def repairman(workers: int, think: float) -> Numbers:
    """X = μ(1 − p0) and R = N/X − Z, with p0 = 1 / Σ N!/(N−n)! · (1/Zμ)ⁿ, at μ = 1."""
    p0 = 1 / sum(math.perm(workers, n) / think**n for n in range(workers + 1))
    return {"throughput": 1 - p0, "command_latency.mean": workers / (1 - p0) - think}


def blocking(workers: int, think: float, capacity: int) -> Numbers:
    """Birth and death on n in service, queued or blocked: birth (N − max(0, n − B − 1))/Z, death μ = 1."""
    states = range(capacity + 1 + workers + 1)
    blocked = [max(0, n - capacity - 1) for n in states]
    law = birth_and_death([(workers - waiting) / think for waiting in blocked[:-1]])
    mean_blocked = sum(p * waiting for p, waiting in zip(law, blocked, strict=True))
    mean = sum(p * n for n, p in enumerate(law))
    return {"throughput": 1 - law[0], BLOCKED: mean_blocked, INSIDE: mean - mean_blocked}


def loss(rho: float, most: int) -> float:
    """M/M/1/K: the share that finds K inside, (1 − ρ)ρᴷ/(1 − ρᴷ⁺¹), or 1/(K + 1) at ρ = 1."""
    return birth_and_death([rho] * most)[-1]


def test_the_closed_forms_are_those_of_the_reference() -> None:
    """The formulas here against values worked out elsewhere, to nine digits."""
    for (workers, think), (throughput, response) in {
        (4, 5.0): (0.6016571064372213, 1.6483050847457612),
        (10, 9.0): (0.8320367737084136, 3.0186995527008875),
        (20, 9.0): (0.9993830271669072, 11.012347074471375),
    }.items():
        found = repairman(workers, think)
        assert list(found.values()) == pytest.approx([throughput, response], rel=1e-9)
    for (workers, think, capacity), expected in {
        (4, 5.0, 2): (0.7315670300748005, 0.34216484962599775, 1.5934112375919542),
        (10, 9.0, 1): (0.8943067090207445, 1.9512396188132992, 1.671176428064538),
        (10, 9.0, 8): (0.9662140162459624, 1.3040738537863397, 6.928725559816614),
        (16, 8.0, 0): (0.9977402023932943, 8.018078380853645, 0.9977402023932943),
    }.items():
        assert list(blocking(workers, think, capacity).values()) == pytest.approx(expected, rel=1e-9)
    for (rho, most), lost in {
        (0.8, 5): 0.08881949865556424,
        (1.0, 10): 0.09090909090909091,
        (1.2, 8): 0.20673288472708276,
    }.items():
        assert loss(rho, most) == pytest.approx(lost, rel=1e-9)


@pytest.mark.parametrize(
    ("service", "squared_cv", "rho", "commands"),
    [
        pytest.param("exponential(1s)", 1, 0.5, 15_000, id="M/M/1 at 0.5", marks=slow),
        pytest.param("exponential(1s)", 1, 0.8, 50_000, id="M/M/1 at 0.8", marks=slow),
        pytest.param("1s", 0, 0.5, 7_000, id="M/D/1 at 0.5"),
        pytest.param("1s", 0, 0.8, 16_000, id="M/D/1 at 0.8", marks=slow),
        pytest.param("lognormal(mean=1s, cv=2)", 4, 0.5, 35_000, id="M/G/1 at 0.5", marks=slow),
        pytest.param("lognormal(mean=1s, cv=2)", 4, 0.8, 50_000, id="M/G/1 at 0.8", marks=slow),
    ],
)
def test_an_open_loop_waits_as_pollaczek_and_khinchine_say(
    pool: Executor, service: str, squared_cv: float, rho: float, commands: int
) -> None:
    """Null: wait ρs(1 + cv²)/(2(1 − ρ)), latency wait + s, utilisation ρ; M/M/1 latency is exponential."""
    wait = rho * (1 + squared_cv) / (2 * (1 - rho))
    truth = {"queue_wait.mean": wait, "command_latency.mean": wait + 1, "writer_utilisation": rho}
    if service == "exponential(1s)":
        truth |= {f"command_latency.p{p}": -math.log(1 - p / 100) / (1 - rho) for p in (95, 99)}
    scenario = queue(f'pace = "poisson({rho}/s)"', commands / rho, service=service)
    assert_close(ten_runs(pool, scenario, numbers), truth)


@pytest.mark.parametrize("kind", ["exponential({}s)", "{}s"], ids=["random", "fixed"])
@pytest.mark.parametrize(
    ("workers", "think"),
    [(4, 5.0), pytest.param(10, 9.0, marks=slow), pytest.param(20, 9.0, marks=slow)],
)
def test_a_closed_loop_is_the_machine_repairman(
    pool: Executor, workers: int, think: float, kind: str
) -> None:
    """Null: M/M/1//N, X = μ(1 − p0) and R = N/X − Z, whatever the law of the think time."""
    scenario = queue(f'count = {workers}\nthink = "{kind.format(think)}"', 5_000)
    assert_close(ten_runs(pool, scenario, numbers), repairman(workers, think))


async def forgetful(me: Person, intents: Iterator[Intent]) -> None:
    """Send, which waits while the channel is full, and think; never wait for an answer."""
    for intent in intents:
        await me.send(intent)
        await me.think()


@pytest.mark.parametrize(
    ("workers", "think", "capacity", "seconds"),
    [
        pytest.param(4, 5.0, 2, 8_000, marks=slow),
        pytest.param(10, 9.0, 1, 8_000, marks=slow),
        pytest.param(10, 9.0, 8, 20_000, marks=slow),
        pytest.param(16, 8.0, 0, 5_000, marks=slow),
    ],
)
def test_a_full_channel_blocks_its_senders(
    pool: Executor, workers: int, think: float, capacity: int, seconds: float
) -> None:
    """Null: the birth-death law of channel, service and blocked senders, for N, Z, B."""
    scenario = queue(f'count = {workers}\nthink = "exponential({think}s)"', seconds, capacity)
    assert_close(ten_runs(pool, scenario, numbers, forgetful), blocking(workers, think, capacity))


@pytest.mark.parametrize(
    ("rho", "most", "seconds"),
    [
        pytest.param(0.8, 5, 14_000, marks=slow),
        pytest.param(1.0, 10, 25_000, marks=slow),
        pytest.param(1.2, 8, 10_000, marks=slow),
    ],
)
def test_a_full_channel_sheds(pool: Executor, rho: float, most: int, seconds: float) -> None:
    """Null: M/M/1/K, K being the channel's capacity and the one in service."""
    scenario = queue(f'pace = "poisson({rho}/s)"', seconds, most - 1, "shed")
    lost = loss(rho, most)
    assert_close(ten_runs(pool, scenario, numbers), {"shed_fraction": lost, "throughput": rho * (1 - lost)})


def naive_interval(scenario: Scenario) -> Estimate:
    """Play once, and give the interval that takes the waits of one run for independent."""
    rows = measured_commands(sim.run(scenario))
    return interval((rows["started"] - rows["admitted"]).to_list())


def covering(estimates: Sequence[Estimate], truth: float) -> int:
    """Count the intervals that hold the truth."""
    return sum(e.low < truth < e.high for e in estimates if e.low is not None and e.high is not None)


def binomial_z(hits: int, n: int, share: float) -> float:
    """Give how far a count lies from what a share promises, in standard deviations."""
    return (hits - n * share) / math.sqrt(n * share * (1 - share))


@slow
def test_an_interval_from_within_one_run_hides_the_truth(pool: Executor) -> None:
    """M/M/1 at ρ = 0.9, mean wait 9 s: intervals that ought to hold it 95 times in a hundred.

    Of 400 intervals, each from the waits of one run, so few hold it that even
    a coverage of 25 % is refused: z < −4, fewer than 66. Of 40 Student-t
    intervals, each over ten of those runs, 28 or more hold it: z > −4 for a
    coverage of 88.7 %, which is what so short and skewed runs allow.
    """
    scenario = queue('pace = "poisson(0.9/s)"', 2_000)
    runs = list(pool.map(naive_interval, [evolve(scenario, seed=seed) for seed in range(1, 401)]))
    tens = [interval([run.estimate for run in runs[k : k + 10]]) for k in range(0, 400, 10)]
    assert binomial_z(covering(runs, 9.0), 400, 0.25) < -4
    assert binomial_z(covering(tens, 9.0), 40, 0.887) > -4
