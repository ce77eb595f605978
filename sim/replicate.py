"""Many runs: independent replications over an executor, and the intervals they give.

A headline number comes from independent replications, never from the samples
inside one run: those depend on each other, and an interval made of them is
far too narrow.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from functools import lru_cache
from hashlib import sha256
from operator import attrgetter
from pathlib import Path

import attrs
from attrs import frozen

from sim import library
from sim.engines import run
from sim.glossary import METRICS
from sim.metrics import Estimate, Summary, bounded, summarise
from sim.pool.executors import Died, crew
from sim.pool.processes import cores
from sim.scenario import Scenario
from sim.stage import Interrupted
from sim.steady import Latencies, latencies, settles_after, unsteady
from sim.trace import Trace, check


@frozen
class Played:
    """One finished replication: its number, what it says, how long commands took, and a trace.

    The trace is kept of the first one alone.
    """

    replication: int
    summary: Summary
    latencies: Latencies
    trace: Trace | None


More = Callable[
    [list[Played]], range
]  # the numbers to play next, given what was played; an empty range: none


class CutShort(KeyboardInterrupt):
    """Ctrl-C among replications; `played` holds what can be kept, str() says how far it got."""

    def __init__(self, message: str, played: list[Played]) -> None:
        super().__init__(message)
        self.played = played


def measure(
    scenario: Scenario | str | Path,
    jobs: int | None = None,
    settings: Mapping[str, str] | None = None,
    engine: str = "trio",
    executor: Executor | None = None,
) -> Summary:
    """Play every replication of a scenario and summarise them, with a 95 % interval on every number.

    The scenario may be given by its name or path, with some keys set
    otherwise; the engines are those of `sim.run`. An executor, such as
    `distributed.Client(address).get_executor()`, plays them elsewhere.
    """
    scenario = library.load_scenario(scenario, settings)
    return conclude(scenario, play_all(scenario, jobs, engine=engine, executor=executor))


def play_all(
    scenario: Scenario,
    jobs: int | None = None,
    on_done: Callable[[], object] = lambda: None,
    engine: str = "trio",
    executor: Executor | None = None,
) -> list[Played]:
    """Play every replication of a scenario, over as many processes as there are cores, or `jobs`.

    Or over the executor that is given. The result does not depend on where
    they are played. `on_done` is called after each replication. CutShort
    carries what was finished before Ctrl-C.
    """
    jobs = min(jobs or cores(), scenario.replications)
    numbers = range(scenario.replications)
    return play_while(scenario, lambda played: numbers[len(played) :], jobs, on_done, engine, executor)


def play_while(
    scenario: Scenario,
    more: More,
    jobs: int | None = None,
    on_done: Callable[[], object] = lambda: None,
    engine: str = "trio",
    executor: Executor | None = None,
) -> list[Played]:
    """Play the replications that `more` wants, given those that were played, until it wants none.

    Died says which one has cost two processes their life.
    """
    played: list[Played] = []
    numbers = more(played)
    try:
        with crew(jobs, executor) as hands:
            while numbers:
                for place, one in hands.do(play, [(scenario, number, engine) for number in numbers]):
                    if one is None:
                        raise Died(f"replication {numbers[place]}: the process that played it died, twice")
                    played.append(one)
                    on_done()
                played.sort(key=attrgetter("replication"))  # whatever order they finished in
                numbers = more(played)
    except KeyboardInterrupt as interrupt:
        raise _cut_short(interrupt, played, numbers) from None
    return played


def play(scenario: Scenario, replication: int, engine: str = "trio") -> Played:
    """Play one replication, check what must always hold, and measure it; keep the trace of the first."""
    began = time.perf_counter()
    trace = run(scenario, replication, engine=engine)
    check(trace)
    summary = summarise(trace, time.perf_counter() - began)
    return Played(replication, summary, latencies(trace), trace if replication == 0 else None)


def conclude(scenario: Scenario, played: Sequence[Played]) -> Summary:
    """Make one summary of all replications: no interval without a steady state, no short warm-up unsaid.

    A load of phases has no steady state to settle in, and neither has a script.
    """
    summary, growing = _steady(scenario, combine([one.summary for one in played]))
    changing = (scenario.steps and not scenario.workers) or any(crowd.phases for crowd in scenario.workers)
    settled = None
    if not changing and "command_latency" not in growing:
        settled = settles_after(scenario.warmup, [one.latencies for one in played])
    return attrs.evolve(summary, settles_after=settled)


def conclude_short(scenario: Scenario, summaries: Sequence[Summary]) -> Summary:
    """Make one summary of all replications where only their summaries are at hand.

    As `conclude` does, but for the question whether the warm-up is long enough.
    """
    return _steady(scenario, combine(summaries))[0]


def _steady(scenario: Scenario, summary: Summary) -> tuple[Summary, frozenset[str]]:
    """Take the intervals from the metrics that have no steady state, and name these."""
    growing = unsteady(scenario, summary.value("throughput"))
    metrics = {
        name: {s: Estimate(e.estimate) for s, e in table.items()} if name in growing else table
        for name, table in summary.metrics.items()
    }
    return attrs.evolve(summary, metrics=metrics), growing


def combine(summaries: Sequence[Summary]) -> Summary:
    """Make one summary of several runs: means, with 95 % Student-t intervals over the runs."""
    if len(summaries) == 1:
        return summaries[0]
    counts = {name: sum(s.counts[name] for s in summaries) for name in METRICS}
    metrics = {
        name: {
            statistic: bounded(
                name, interval([s.metrics[name][statistic].estimate for s in summaries]), counts[name]
            )
            for statistic in METRICS[name].statistics
        }
        for name in METRICS
    }
    return attrs.evolve(
        summaries[0],
        engine=" and ".join(sorted({s.engine for s in summaries})),
        replications=len(summaries),
        fingerprint=sha256("".join(s.fingerprint for s in summaries).encode()).hexdigest(),
        wall_seconds=sum(s.wall_seconds for s in summaries),
        metrics=metrics,
        counts=counts,
        diverged=next((s.diverged for s in summaries if s.diverged), ()),
    )


def interval(values: Iterable[float], among: int = 1) -> Estimate:
    """Give the mean of independent values with its 95 % interval, t(n−1)·s/√n; nan values say nothing.

    Of `among` intervals all hold together 95 % of the time, for each is the
    wider (Bonferroni). An infinite value leaves a mean that is infinite, and
    no interval.
    """
    sample = [float(value) for value in values if not math.isnan(value)]
    n = len(sample)
    if not n:
        return Estimate(math.nan)
    mean = sum(sample) / n
    if n == 1 or not math.isfinite(mean):
        return Estimate(mean)
    variance = sum((value - mean) ** 2 for value in sample) / (n - 1)
    half = student(n - 1, among) * math.sqrt(variance / n)
    return Estimate(mean, mean - half, mean + half)


def _cut_short(interrupt: KeyboardInterrupt, played: list[Played], numbers: range) -> CutShort:
    """Keep what was played; if that is nothing yet, what there is of the first."""
    if isinstance(interrupt, Interrupted) and not played:
        trace = interrupt.trace
        return CutShort(str(interrupt), [Played(0, summarise(trace), latencies(trace), trace)])
    message = f"interrupted: {len(played)} of {numbers.stop} replications were finished"
    return CutShort(message, sorted(played, key=attrgetter("replication")))


@lru_cache
def student(degrees: int, among: int = 1) -> float:
    """Give what Student's t exceeds, either way, in 5 % of the cases: in one of `among` cases at all."""
    from scipy.special import stdtrit  # a fifth of a second to import, and not always needed

    return float(stdtrit(degrees, 1 - 0.025 / among))
