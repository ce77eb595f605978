"""Variants of a scenario on the same luck: how far apart they are, and what it takes to tell them apart.

Every actor draws each thing from a stream of its own, so variants that share a
seed differ by what was changed and by nothing else (common random numbers;
Law, Simulation Modeling and Analysis, ch. 11). Replication by replication the
luck cancels out of the difference, which is far more exact than either number.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attrs import field, frozen

from sim import library
from sim.distributions import Floats
from sim.engines import run
from sim.glossary import split_name
from sim.metrics import Estimate, estimate_json, numbers
from sim.pool.executors import side_by_side
from sim.pool.processes import cores
from sim.replicate import interval, student
from sim.scenario import Scenario
from sim.trace import check
from sim.wording import count

HEADLINE = "staleness.mean"
COMMITS = "throughput"  # tells what has no steady state, so it is always measured
MAIN = (
    "stale_read_fraction",
    "staleness.mean",
    "staleness.p99",
    "versions_behind.mean",
    "visibility_lag.mean",
    "read_your_writes_violations",
    "command_latency.mean",
    "command_latency.p99",
    "query_latency.mean",
    COMMITS,
    "writer_utilisation",
    "blocked_fraction",
    "rejected_fraction",
    "shed_fraction",
    "stale_decisions",
    "lost_updates",
    "divergence_at_end",
)
GREATER_IS_BETTER = frozenset({"throughput", "fairness"})
OFTEN = 1.2815515655446004  # standard errors, beyond which lies a tenth: 9 times in 10 less happens
ROUNDING = 1e-12  # of two sums of virtual seconds, as a share of them
MOST_NEEDED = 1_000_000  # replications; whatever takes more is out of reach


@frozen
class Variant:
    """A scenario among others, and the name by which people tell it from them."""

    name: str
    scenario: Scenario


class Unfinished(KeyboardInterrupt):
    """Ctrl-C in a comparison; `comparison` holds the replications that all variants had finished, if any."""

    def __init__(self, message: str, comparison: "Comparison | None") -> None:
        super().__init__(message)
        self.comparison = comparison


@frozen(eq=False)
class Comparison:
    """What variants came to on the same luck; the first is what the others are compared with.

    `values` has a table for each metric that was measured: a row for each
    replication, a column for each variant. Where no metric is named, the one
    that the comparison is about is meant. All intervals of differences
    of one metric hold together 95 % of the time, whichever pairs are looked at.
    """

    metric: str
    variants: tuple[Variant, ...]
    values: dict[str, Floats] = field(repr=False)

    @property
    def replications(self) -> int:
        """How many runs of each variant there are."""
        return len(self.values[self.metric])

    @property
    def pairs(self) -> int:
        """How many pairs of variants there are, for each of which an interval has to hold."""
        return len(self.variants) * (len(self.variants) - 1) // 2

    def estimate(self, variant: int, metric: str = "") -> Estimate:
        """Give a variant's own number, with its 95 % interval by itself."""
        return interval(self._column(variant, metric))

    def difference(self, variant: int = 1, base: int = 0, metric: str = "") -> Estimate:
        """Give the mean of what one variant is above another, with its paired interval."""
        return difference(self._column(variant, metric), self._column(base, metric), self.pairs)

    def ratio(self, variant: int = 1, base: int = 0, metric: str = "") -> Estimate:
        """Give the mean of one variant over the mean of another, with its paired interval."""
        return ratio(self._column(variant, metric), self._column(base, metric), self.pairs)

    def replications_needed(self, variant: int = 1, base: int = 0, metric: str = "") -> int | None:
        """Say how many replications would tell these two apart; None where nothing is known of that."""
        return replications_needed(self._column(variant, metric), self._column(base, metric), self.pairs)

    def ranking(self) -> list[int]:
        """Put the variants in order, the best one first."""
        sign = -1 if split_name(self.metric)[0] in GREATER_IS_BETTER else 1
        means = [sign * self.estimate(variant).estimate for variant in range(len(self.variants))]
        return sorted(range(len(means)), key=lambda variant: (math.isnan(means[variant]), means[variant]))

    def _column(self, variant: int, metric: str) -> Floats:
        return self.values[metric or self.metric][:, variant]


def compare(
    scenario: Scenario | str | Path,
    *changes: Mapping[str, str],
    metric: str = HEADLINE,
    settings: Mapping[str, str] | None = None,
    jobs: int | None = None,
    engine: str = "auto",
) -> Comparison:
    """Play a scenario as it is, and once more for each set of changes, all on the same luck.

    compare("slow-link", {"link.delay": "250ms"}) compares two; `settings` are
    keys that are set otherwise in all of them. As many replications are
    played as the scenario says. ValueError if the metric is not known.
    """
    return play_variants(variants_of(scenario, changes, settings), metric, jobs, engine)


def variants_of(
    scenario: Scenario | str | Path,
    changes: Sequence[Mapping[str, str]],
    settings: Mapping[str, str] | None = None,
) -> list[Variant]:
    """Make the variants: the scenario as it is, and with each set of changes, named after them.

    ValueError if a change would give a variant luck of its own, or fewer runs.
    """
    base = library.load_scenario(scenario, settings)
    name = base.title if isinstance(scenario, Scenario) else Path(scenario).stem
    variants = [Variant(name, base)]
    for change in changes:
        for key in ("seed", "replications"):
            if key in change:
                raise ValueError(f"{key} is the same for all variants, or they would not share their luck")
        changed = library.load_scenario(scenario, {**(settings or {}), **change})
        variants.append(Variant(", ".join(f"{key}={value}" for key, value in change.items()), changed))
    return variants


def play_variants(
    variants: Sequence[Variant],
    metric: str = HEADLINE,
    jobs: int | None = None,
    engine: str = "auto",
    on_done: Callable[[], object] = lambda: None,
) -> Comparison:
    """Play every replication of every variant, over as many processes as there are cores, or `jobs`.

    Unfinished carries what there was of whole replications before Ctrl-C.
    """
    split_name(metric)
    names = tuple(dict.fromkeys((metric, *MAIN)))
    replications = variants[0].scenario.replications
    tasks = [(one.scenario, number, names, engine) for number in range(replications) for one in variants]
    found: list[dict[str, float]] = []
    try:
        for one in side_by_side(measured, tasks, min(jobs or cores(), len(tasks))):
            found.append(one)
            on_done()
    except KeyboardInterrupt:
        whole = len(found) // len(variants)
        message = f"interrupted: {whole} of {count(replications, 'replication')} were finished"
        raise Unfinished(message, _compared(variants, metric, found) if whole else None) from None
    return _compared(variants, metric, found)


def measured(scenario: Scenario, replication: int, names: Sequence[str], engine: str) -> dict[str, float]:
    """Play one replication, check what must always hold, and measure some numbers."""
    trace = run(scenario, replication, engine=engine)
    check(trace)
    return numbers(trace, names)


def _compared(variants: Sequence[Variant], metric: str, found: Sequence[dict[str, float]]) -> Comparison:
    """Put what was measured, replication by replication, in a table for each metric."""
    whole = len(found) // len(variants) * len(variants)
    values = {
        name: np.array([one[name] for one in found[:whole]]).reshape(-1, len(variants)) for name in found[0]
    }
    return Comparison(metric, tuple(variants), values)


def difference(one: Floats, other: Floats, among: int = 1) -> Estimate:
    """Give the mean of one − other, pair by pair, with Student's interval; nan says nothing."""
    return interval(_apart(one, other), among)


def _apart(one: Floats, other: Floats) -> Floats:
    """Subtract pair by pair; what differs by no more than floats are rounded does not differ."""
    with np.errstate(invalid="ignore"):  # infinity less infinity is no number
        apart = one - other
        return np.where(np.abs(apart) <= ROUNDING * np.maximum(np.abs(one), np.abs(other)), 0.0, apart)


def ratio(over: Floats, under: Floats, among: int = 1) -> Estimate:
    """Give the ratio of two means whose samples are paired, with its interval by Fieller's theorem.

    The interval is every θ for which a paired t-test does not tell over − θ·under
    from 0 (Fieller 1954, J. R. Stat. Soc. B 16, 175–185). So it leaves 1 out just where
    the interval of the difference leaves 0 out. No bounds where `under` itself
    is not told from 0. Of 20,000 of them at 5, 10 and 30 pairs, 94.7 to 95.8 in 100
    held the truth, for normal and for gamma samples (coefficient of variation
    a half); log-ratios, averaged, missed it half the time where one sample
    spreads more than the other: they estimate something else.
    """
    seen = np.isfinite(over) & np.isfinite(under)
    over, under, n = over[seen], under[seen], int(seen.sum())
    if not n or not under.mean():
        return Estimate(math.nan)
    x, y = float(over.mean()), float(under.mean())
    if n == 1:
        return Estimate(x / y)
    t = student(n - 1, among)
    (xx, xy), (_, yy) = (np.cov(over, under) * t**2 / n).tolist()
    a, b, c = y**2 - yy, x * y - xy, x**2 - xx
    if a <= 0:
        return Estimate(x / y)
    root = math.sqrt(max(0.0, b**2 - a * c))
    return Estimate(x / y, (b - root) / a, (b + root) / a)


def resolved(apart: Estimate) -> bool:
    """Say whether a difference is told from nothing."""
    return apart.low is not None and apart.high is not None and (apart.low > 0 or apart.high < 0)


def replications_needed(one: Floats, other: Floats, among: int = 1) -> int | None:
    """Say how many pairs would resolve a difference like this one, 9 times in 10.

    The least n for which |d̄| ≥ (t(n−1) + z₀.₉)·s/√n, for the difference d̄ and
    the spread s of what there is: no better than these two are. None where
    there is no difference, no spread to go by, or no end in sight.
    """
    apart = _apart(one, other)
    apart = apart[np.isfinite(apart)]
    if len(apart) < 2 or not apart.mean():
        return None
    spread = float(apart.std(ddof=1) / abs(apart.mean()))

    def enough(n: int) -> bool:
        return n >= ((student(n - 1, among) + OFTEN) * spread) ** 2

    tried = range(2, MOST_NEEDED)
    place = bisect_left(tried, True, key=enough)
    return tried[place] if place < len(tried) else None


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """Give a comparison as --json prints it; each variant but the first with what it is above that one."""
    return {
        "schema": 1,
        "seed": comparison.variants[0].scenario.seed,
        "loop": comparison.variants[0].scenario.loop,
        "replications": comparison.replications,
        "metric": comparison.metric,
        "pairs": comparison.pairs,
        "variants": [
            {
                "name": variant.name,
                "metrics": {name: _entry(comparison, number, name) for name in comparison.values},
            }
            for number, variant in enumerate(comparison.variants)
        ],
    }


def _entry(comparison: Comparison, variant: int, metric: str) -> dict[str, Any]:
    """Give one metric of one variant, beside the first one where it is another."""
    found: dict[str, Any] = dict(estimate_json(comparison.estimate(variant, metric)))
    if variant:
        apart = comparison.difference(variant, 0, metric)
        found["difference"] = estimate_json(apart)
        found["ratio"] = estimate_json(comparison.ratio(variant, 0, metric))
        found["resolved"] = resolved(apart)
        found["replications_needed"] = comparison.replications_needed(variant, 0, metric)
    return found
