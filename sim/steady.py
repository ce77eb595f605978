"""Whether a run has settled: which stations fall behind for ever, and whether the warm-up was too short."""

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate

import numpy as np
from attrs import frozen

from sim.distributions import Floats
from sim.scenario import Queries, Scenario, Workers
from sim.trace import Trace
from sim.wording import readable, significant

BATCH, MOST = 5, 2000  # commands in the smallest batch, as in MSER-5; batches that a replication hands on
CHANCE = 0.01  # of a difference as large as that between before and after the cut, were there none
MATTERS = 0.02  # a cut that changes the mean by less is not worth a word

LAG = frozenset(
    {
        "visibility_lag",
        "t_visibility",
        "stale_read_fraction",
        "hot_stale_fraction",
        "cold_stale_fraction",
        "staleness",
        "versions_behind",
        "age_of_information",
        "read_your_writes_violations",
        "stale_decisions",
    }
)


@frozen
class Overload:
    """A station that gets more than it can pass on, and the metrics that grow as long as the run lasts."""

    station: str
    load: str
    what: str
    metrics: frozenset[str]

    def __str__(self) -> str:
        return (
            f"The {self.station} cannot keep up with {self.load}: "
            f"the {self.what} grows as long as the run lasts."
        )


def overloads(scenario: Scenario, commits: float) -> list[Overload]:
    """Name the stations that have no steady state, for their load ρ = rate · E[work] is 1 or more.

    What the writer gets is the scenario's to say, at the pace of the end: a
    rush that is over before is an experiment like any other, and so is
    whatever a closed loop does. The link and the reader get the commits, of
    which a run has shown so many a second.
    """
    return [*_before_the_commit(scenario), *_after_the_commit(scenario, commits)]


def unsteady(scenario: Scenario, commits: float) -> frozenset[str]:
    """Name the metrics that have no steady state."""
    return frozenset().union(*(overload.metrics for overload in overloads(scenario, commits)))


def _before_the_commit(scenario: Scenario) -> Iterator[Overload]:
    """Find what gets more commands than it can do: the writer, the lock, or the workers for themselves."""
    each, duration = _work(scenario), scenario.duration
    rates = {crowd: _commands_per_second(crowd, duration) for crowd in scenario.workers if not crowd.think}
    if scenario.architecture == "unsafe":
        for crowd, rate in rates.items():
            if rate * each >= crowd.count and not crowd.reads_back:
                yield Overload(
                    crowd.name, _load(rate, "command", each), "delay", frozenset({"command_latency"})
                )
        return
    rate = sum(rates.values())
    if rate and rate * each >= 1:
        growing = _growing(scenario, rate - 1 / each)
        station = "writer" if scenario.architecture == "cqrs" else "lock"
        if growing:
            yield Overload(station, _load(rate, "command", each), "time to commit", growing)


def _work(scenario: Scenario) -> float:
    """Say how long a command keeps whoever does it, on average; only a writer also publishes.

    When it gets too much, its batches are full.
    """
    ways = scenario.writer
    around = ways.publish.mean + ways.commit.mean / ways.batch if scenario.architecture == "cqrs" else 0.0
    return ways.service.mean + around


def _growing(scenario: Scenario, excess: float) -> frozenset[str]:
    """Name what grows when so many commands more come each second than are done.

    A channel that sheds has a bound. Waiting in the channel ends to grow when
    it is full, and waiting at the door when each sender has a command there:
    what is so within half the warm-up has settled. The time to commit counts
    from the plan, and grows all the same.
    """
    senders = sum(math.inf if crowd.reads_back else crowd.count for crowd in scenario.workers)
    if scenario.architecture == "locked":
        room, growing = senders, {"command_latency", "query_latency"}
        waits = {"queue_wait": room, "inbox_depth": room, "naive_latency": room}
    else:
        room, growing = scenario.inbox.capacity, {"command_latency"}
        if scenario.inbox.when_full == "shed" and math.isfinite(room):
            return frozenset()
        waits = {"queue_wait": room, "inbox_depth": room, "naive_latency": room + senders}
        if math.isfinite(room):
            waits["admission_wait"] = room + senders
    return frozenset(growing | {name for name, room in waits.items() if 2 * room > excess * scenario.warmup})


def _after_the_commit(scenario: Scenario, commits: float) -> Iterator[Overload]:
    """Find which of the link and the reader get more changes than they can pass on one by one."""
    if scenario.architecture != "cqrs":
        return
    commits = _at_the_end(scenario, commits)
    arriving = commits * (1 + scenario.link.duplicates)
    if scenario.link.resend is None:
        arriving *= 1 - scenario.link.loss
    works = {"reader": (arriving, scenario.reader.handler.mean)}
    if scenario.link.order == "serial":
        works["link"] = commits, scenario.link.delay.mean
    for station, (rate, each) in works.items():
        if rate * each >= 1:
            yield Overload(station, _load(rate, "change", each), "lag", LAG)


def _at_the_end(scenario: Scenario, commits: float) -> float:
    """Scale the window's commits a second to the pace of its end, which the writer may not keep up with."""
    planned = [crowd for crowd in scenario.workers if not crowd.think]
    if not any(crowd.phases for crowd in planned):
        return commits
    start, end, each = scenario.warmup, scenario.duration, _work(scenario)
    wanted = sum(intents(crowd, end) - intents(crowd, start) for crowd in planned) / (end - start)
    last = commits * sum(_pace_at(crowd, end) for crowd in planned) / wanted
    return min(last, max(commits, 1 / each)) if each else last


def intents(crowd: Workers | Queries, until: float) -> float:
    """Count the commands or queries that a crowd is expected to want before an instant."""
    ends = list(accumulate(phase.lasts for phase in crowd.schedule))
    starts = [0.0, *ends]
    return sum(
        phase.pace.rate * max(0.0, min(end, until) - start)
        for phase, start, end in zip(crowd.schedule, starts, ends, strict=False)
    )


def _pace_at(crowd: Workers, instant: float) -> float:
    """Give the rate at which a crowd acts just before an instant."""
    ends = accumulate(phase.lasts for phase in crowd.schedule)
    return next(p.pace.rate for p, end in zip(crowd.schedule, ends, strict=True) if end >= instant)


def _commands_per_second(crowd: Workers, duration: float) -> float:
    """Give the rate of a crowd's commands at the end: of those who look first, what they send for certain."""
    return _pace_at(crowd, duration) * (crowd.add if crowd.look_first else 1.0)


def _load(rate: float, what: str, each: float) -> str:
    return f"{significant(rate)} {what}s a second of {readable(each)} each"


@frozen
class Latencies:
    """One replication's time to commit in the order of intention, as means of batches of `size` commands.

    `began` is when the first of each batch was intended. All of the run is in
    it, with the warm-up; the few that make no whole batch at its end are not.
    """

    size: int
    means: Floats
    began: Floats


def latencies(trace: Trace) -> Latencies:
    """Put a run's commands in batches: of five, or of as many times two as leave no more than 2,000."""
    commands = trace.tables["commands"]
    done = np.flatnonzero(~np.isnan(commands["finished"]))
    done = done.take(np.argsort(commands["intended"].take(done), kind="stable"))
    intended = commands["intended"].take(done)
    each = commands["finished"].take(done) - intended
    size = BATCH * 2 ** max(0, math.ceil(math.log2(max(1, len(each)) / BATCH / MOST)))
    whole = len(each) // size * size
    return Latencies(size, each[:whole].reshape(-1, size).mean(axis=1), intended[:whole:size])


def settles_after(warmup: float, replications: Sequence[Latencies]) -> float | None:
    """Say from when on the time to commit has settled, if that is later than the warm-up; else None.

    The cut is MSER-5's, on the average over the replications (White 1997,
    Spratt 1998; THEORY.md 4.4). It is told only if what lies between the
    warm-up and the cut differs from what comes after by more than chance
    allows, and enough to matter: MSER alone cuts off the one or other stretch
    of bad luck.
    """
    if len(replications) < 2:
        return None
    means, began = _aligned(replications)
    if not len(began):
        return None
    first, cut = int(np.searchsorted(began, warmup)), mser(means.mean(axis=0))
    if cut <= first:
        return None
    early, late, all_of_it = (
        part.mean(axis=1) for part in (means[:, first:cut], means[:, cut:], means[:, first:])
    )
    off = early - late
    error = off.std(ddof=1) / math.sqrt(len(off))
    matters = abs(all_of_it.mean() - late.mean()) > MATTERS * late.mean()
    return float(began[cut]) if matters and abs(off.mean()) > _student(len(off) - 1) * error else None


def mser(series: Floats) -> int:
    """Give how many to cut: the d ≤ m/2 that makes Σ_{j>d} (Z_j − Z̄_d)² / (m − d)² least."""
    left = len(series) - np.arange(len(series) // 2 + 1)
    total, squares = (np.cumsum(x[::-1])[::-1][: len(left)] for x in (series, series**2))
    return int(np.argmin((squares - total**2 / left) / left**2))


def _aligned(replications: Sequence[Latencies]) -> tuple[Floats, Floats]:
    """Put batches of one size side by side, a row per replication, and average when each began."""
    size = max(one.size for one in replications)
    rows = [_coarser(one, size) for one in replications]
    m = min(len(row.means) for row in rows)
    return np.stack([row.means[:m] for row in rows]), np.mean([row.began[:m] for row in rows], axis=0)


def _coarser(one: Latencies, size: int) -> Latencies:
    """Join batches until they have that size."""
    k = size // one.size
    whole = len(one.means) // k * k
    return Latencies(size, one.means[:whole].reshape(-1, k).mean(axis=1), one.began[:whole:k])


def _student(degrees: int) -> float:
    """Give what Student's t exceeds, either way, with the probability CHANCE."""
    from scipy.special import stdtrit  # a fifth of a second to import

    return float(stdtrit(degrees, 1 - CHANCE / 2))
