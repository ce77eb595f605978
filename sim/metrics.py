"""What a trace says: one pure function per metric of the glossary, and their Summary.

Only what falls into the measured window counts: commands that were intended,
changes that were committed and queries that were asked in it.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from attrs import asdict, field, frozen
from numpy.typing import NDArray

from sim.columns import UNKNOWN
from sim.distributions import Floats, Ints
from sim.glossary import METRICS, QUANTILES, TAIL, split_name
from sim.groups import Groups, group, group_by_both, highest_before
from sim.measures.blame import RANKS
from sim.measures.evidence import SPANS, Evidence, in_order, places
from sim.measures.samples import (
    Measured,
    QuantileCurve,
    Statistics,
    counts,
    distribution,
    proportion,
    quantile_curve,
    value,
)
from sim.measures.visibility import reached
from sim.pieces import pieces
from sim.plan import numbered
from sim.trace import ACCEPTED, KINDS, REJECTED, SHED, Trace
from sim.wording import count

if TYPE_CHECKING:
    import polars as pl

Flags = NDArray[np.bool_]


@frozen
class Estimate:
    """A number with its 95 % interval; the bounds are None where there is only one run to go by.

    nan stands for what was never seen, and infinity for what never happened.
    """

    estimate: float
    low: float | None = None
    high: float | None = None

    def __reduce__(self) -> tuple[type["Estimate"], tuple[float, float | None, float | None]]:
        """Be sent to another process in a third of the time: a summary has more than a hundred."""
        return Estimate, (self.estimate, self.low, self.high)


@frozen
class Divergence:
    """A product of which the write model holds one quantity in the end, and the read model shows another."""

    product: int
    held: int
    shown: int
    why: str


@frozen
class Summary:
    """What one or more runs of a scenario say: metrics, each a table of statistics.

    `counts` tells on how many observations a metric rests, over all runs;
    `diverged` names the products that differed in the end of the first run in
    which there were any; `settles_after`, from when on commands wait no longer or shorter than
    later, in seconds, where the warm-up ends before that is so.
    """

    title: str
    seed: int
    engine: str
    loop: Literal["open", "closed"]
    replications: int
    fingerprint: str
    virtual_seconds: float
    wall_seconds: float
    metrics: dict[str, dict[str, Estimate]] = field(repr=False)
    counts: dict[str, int] = field(repr=False)
    diverged: tuple[Divergence, ...] = ()
    settles_after: float | None = None

    def value(self, name: str) -> float:
        """Look an estimate up by its name: "staleness.p99", "throughput"."""
        return self.estimate(name).estimate

    def estimate(self, name: str) -> Estimate:
        """Look an estimate up with its interval; ValueError says which names there are."""
        metric, statistic = split_name(name)
        return self.metrics[metric][statistic]


def summarise(trace: Trace, wall_seconds: float = 0.0) -> Summary:
    """Measure every metric of the glossary in one run."""
    evidence = Evidence(trace)
    measured = {name: _MEASURES[name](evidence) for name in METRICS}
    scenario = trace.scenario
    return Summary(
        title=scenario.title,
        seed=scenario.seed,
        engine=trace.engine,
        loop=scenario.loop,
        replications=1,
        fingerprint=trace.fingerprint,
        virtual_seconds=min(scenario.duration, trace.until),  # less of a run that was interrupted
        wall_seconds=wall_seconds,
        metrics={name: _estimates(name, table, n) for name, (table, n) in measured.items()},
        counts={name: n for name, (_, n) in measured.items()},
        diverged=diverged(trace) if trace.complete else (),  # what was under way may still have come
    )


def numbers(trace: Trace, names: Iterable[str]) -> dict[str, float]:
    """Measure only some numbers of one run, by their names: "staleness.p99", "throughput"."""
    evidence, wanted = Evidence(trace), {name: split_name(name) for name in names}
    tables = {metric: _MEASURES[metric](evidence)[0] for metric, _ in wanted.values()}
    return {name: tables[metric][statistic] for name, (metric, statistic) in wanted.items()}


def bounded(name: str, estimate: Estimate, n: int) -> Estimate:
    """Give a proportion of which nothing was seen its bound, 3/n: zero in n says no more than that."""
    if METRICS[name].of and estimate.estimate == 0 and n:
        return Estimate(0.0, 0.0, min(1.0, 3 / n))
    return estimate


def diverged(trace: Trace) -> tuple[Divergence, ...]:
    """Name the products of which the read model shows something else in the end, and say why."""
    differ = _differ(trace)
    if not differ.any():
        return ()
    models = trace.models.filter(differ)
    causes = _causes(trace, models)
    return tuple(
        Divergence(product, held, shown, ", ".join(causes.get(product, ())))
        for product, held, shown in models.select("product", "held", "shown").iter_rows()
    )


def _causes(trace: Trace, models: "pl.DataFrame") -> dict[int, list[str]]:
    """Say of each of these products what became of the changes that should have been shown, and were not."""
    import polars as pl  # a tenth of a second to import, and seldom needed

    adds_up = trace.scenario.reader.apply == "delta"
    missing = pl.col("applied") == 0 if adds_up else pl.col("version") > pl.col("shown_version")
    fate = (
        pl.when(~missing)
        .then(pl.when(adds_up & (pl.col("applied") > 1)).then(pl.lit("added more than once")))
        .when(pl.col("applied") > 0)
        .then(pl.lit("overwritten by an older one"))
        .when(pl.col("sent").is_null())
        .then(pl.lit("never sent"))
        .when(pl.col("copies") == 0)
        .then(pl.lit("lost on the link"))
        .when(trace.complete)
        .then(pl.lit("lost when the reader crashed"))
        .otherwise(pl.lit("still under way"))
    )
    told = (
        trace.changes.join(models, on="product")
        .select("product", fate=fate)
        .drop_nulls()
        .group_by("product", "fate")
        .len()
        .sort("product", "len", "fate", descending=[False, True, False])
    )
    causes: dict[int, list[str]] = {}
    for product, became, n in told.iter_rows():
        causes.setdefault(product, []).append(f"{count(n, 'change')} {became}")
    return causes


def quantiles_of(trace: Trace, name: str) -> QuantileCurve:
    """Give all quantiles of the staleness, or of a metric of SPANS, in one run; KeyError for any other."""
    evidence = Evidence(trace)
    if name == "staleness":
        return quantile_curve(evidence.staleness, zeros=len(evidence.queries) - len(evidence.stale))
    return quantile_curve(evidence.span(name))


def _writer_utilisation(evidence: Evidence) -> Measured:
    """Time inside [started, finished] over the window's length (THEORY 3.6: U = X·E[S])."""
    start, end = evidence.trace.window
    ended, begun = work_of(evidence)
    busy = float(np.sum(ended - begun))
    return value(busy / (end - start) if end > start else np.nan, len(evidence.all_commands))


def work_of(evidence: Evidence) -> tuple[Floats, Floats]:
    """Give when each piece of work in the window ended and began: of a command, or of a batch of them."""
    begun, ended = _stays(evidence, "started", "finished")
    scenario = evidence.trace.scenario
    if scenario.architecture != "cqrs" or scenario.writer.batch == 1:
        return ended, begun
    order = np.lexsort((ended, begun))
    last = np.flatnonzero(np.diff(begun[order], append=np.inf))  # with the last of a batch all of it is done
    return ended[order][last], begun[order][last]


def _inbox_depth(evidence: Evidence) -> Measured:
    """Count the commands in the channel; each depth weighs as much as it lasted."""
    came, went = _stays(evidence, "admitted", "started")
    lasted = [*_depths(came, went, *evidence.trace.window)]
    depths = [np.arange(len(one)) for one in lasted]
    return counts(np.concatenate(depths), np.concatenate(lasted)), len(came)


def _depths(came: Floats, went: Floats, now: float, end: float) -> Iterator[NDArray[Any]]:
    """Give how long each depth lasted, from 0 on, in the time of each piece of arrivals.

    Whose the instants are does not matter: both are sorted where they are.
    """
    for times in (came, went):
        times.sort(kind="stable")
    gone = 0
    for piece in pieces(len(came)):
        more = came[piece.stop :]
        then, left = (more[0], went.searchsorted(more[0])) if len(more) else (end, len(went))
        times = np.concatenate([[now], came[piece], went[gone:left], [then]])
        order = np.argsort(times, kind="stable")  # who comes and goes in one instant has come before
        steps = np.repeat([piece.start - gone, 1, -1, 0], [1, len(came[piece]), left - gone, 1])
        depth = np.cumsum(steps.take(order))
        yield np.bincount(depth[:-1], np.diff(times.take(order)))
        now, gone = then, left


def _stays(evidence: Evidence, entered: str, left: str) -> tuple[Floats, Floats]:
    """Give when commands entered a place, and when they left it, as far as that lies in the window."""
    start, end = evidence.trace.window
    came, went = evidence.all_commands[entered], evidence.all_commands[left]
    there = places((came < end) & ~(went <= start))
    return came[there].clip(start, end), np.maximum(np.fmin(went[there], end), start)


def _throughput(evidence: Evidence) -> Measured:
    start, end = evidence.trace.window
    accepted = len(evidence.changes)
    return value(accepted / (end - start) if end > start else np.nan, accepted)


def _rejected_fraction(evidence: Evidence) -> Measured:
    return _share(evidence.commands["outcome"] == REJECTED)


def _shed_fraction(evidence: Evidence) -> Measured:
    return _share(evidence.commands["outcome"] == SHED)


def _unanswered_fraction(evidence: Evidence) -> Measured:
    """Among those that got in: a command that is shed is answered, with a refusal."""
    outcome, unfinished = evidence.commands["outcome"], np.isnan(evidence.commands["finished"])
    taken = (outcome != SHED) & (outcome != UNKNOWN)  # nor any that is still on its way
    return _share(unfinished[taken])


def _blocked_fraction(evidence: Evidence) -> Measured:
    issued, admitted = evidence.commands["issued"], evidence.commands["admitted"]
    return proportion(np.count_nonzero(admitted > issued), np.count_nonzero(~np.isnan(admitted)))


def _stale_decisions(evidence: Evidence) -> Measured:
    """Among commands of crowds that look first: they were sent because the look had shown enough."""
    scenario = evidence.trace.scenario
    numbers = numbered(scenario)
    careful = [n for crowd in scenario.workers if crowd.look_first for n in numbers[crowd.name]]
    outcome = evidence.commands["outcome"][np.isin(evidence.commands["worker"], careful)]
    return proportion(np.count_nonzero(outcome == REJECTED), np.count_nonzero(outcome != UNKNOWN))


def _lost_updates(evidence: Evidence) -> Measured:
    """Sum over products what the accepted commands moved, against what the last change left."""
    commands, changes = evidence.all_commands, evidence.all_changes
    accepted = commands["outcome"] == ACCEPTED
    sign = 2 * (commands["kind"] == KINDS.index("add")).view(np.int8) - 1
    there = evidence.trace.scenario.products.count + 1
    moved = np.bincount(commands["product"], commands["quantity"] * (sign * accepted), minlength=there)
    product = np.flatnonzero(np.diff(evidence.by_product.starts))
    last = evidence.by_product.rows[evidence.by_product.end(product) - 1]
    left = evidence.trace.scenario.products.stock + moved[product]
    return value(np.abs(left - changes["quantity_after"].take(last)).sum(), len(changes))


def _double_updates(evidence: Evidence) -> Measured:
    """Add up what was accepted of a command of which another sending was accepted before."""
    commands = evidence.all_commands
    accepted = commands["outcome"] == ACCEPTED
    if np.all(commands["repeats"] == UNKNOWN):
        return value(0.0, np.count_nonzero(accepted))
    repeats, sendings = commands["repeats"][accepted], commands["id"][accepted]
    first = np.where(repeats == UNKNOWN, sendings, repeats)
    order = np.lexsort((sendings, first))
    doubled = np.diff(first[order], prepend=UNKNOWN) == 0
    return value(commands["quantity"][accepted][order][doubled].sum(), len(first))


def _t_visibility(evidence: Evidence) -> Measured:
    times = reached(evidence, [QUANTILES[name] for name in TAIL])
    return dict(zip(TAIL, times, strict=True)), len(evidence.changes)


def _stale_read_fraction(evidence: Evidence) -> Measured:
    return proportion(len(evidence.stale), len(evidence.queries))


def _hot_stale_fraction(evidence: Evidence) -> Measured:
    return _stale_fraction_of(evidence, np.less_equal)


def _cold_stale_fraction(evidence: Evidence) -> Measured:
    return _stale_fraction_of(evidence, np.greater)


def _stale_fraction_of(evidence: Evidence, chosen: Callable[[Ints, int], Flags]) -> Measured:
    """Choose queries by how many products are hot, which are the first ones; nan where none is."""
    products = evidence.trace.scenario.products
    hot = products.popularity.hot(products.count)
    if not hot:
        return value(np.nan, 0)
    among = chosen(evidence.queries["product"], hot)
    return proportion(np.count_nonzero(among[evidence.stale]), np.count_nonzero(among))


def _staleness(evidence: Evidence) -> Measured:
    return distribution(evidence.staleness, zeros=len(evidence.queries) - len(evidence.stale))


def _blame(evidence: Evidence, name: str) -> Measured:
    return evidence.blame[name], len(evidence.stale)


def _versions_behind(evidence: Evidence) -> Measured:
    fresh = len(evidence.queries) - len(evidence.stale)
    return counts(np.append(0, evidence.behind), np.append(fresh, np.ones(len(evidence.stale)))), len(
        evidence.queries
    )


def _age_of_information(evidence: Evidence) -> Measured:
    age = evidence.queries["asked"] - evidence.shown_since
    return distribution(np.maximum(age, 0.0, out=age))


def _read_your_writes_violations(evidence: Evidence) -> Measured:
    """Among queries whose session had an accepted command on that product answered, be it just now."""
    askers = np.flatnonzero(np.bincount(evidence.all_queries["session"]))
    asking = np.isin(evidence.all_commands["session"], askers)
    if not asking.any():
        return value(np.nan, 0)
    answered = asking & (evidence.all_commands["finished"] >= 0) & (evidence.all_commands["version"] >= 0)
    commands, queries = evidence.all_commands.only(np.flatnonzero(answered)), evidence.queries
    times = np.concatenate([commands["finished"], queries["asked"]])
    order = np.argsort(times, kind="stable")  # who is answered and looks in one instant was answered before
    session, product = (
        np.concatenate([commands[name], queries[name]])[order] for name in ("session", "product")
    )
    written = np.append(commands["version"], np.zeros(len(queries), np.int32))[order]
    own = np.empty_like(order)
    own[order] = highest_before(written, group_by_both(session, product))
    own = own[len(commands) :]
    return proportion(np.count_nonzero(queries["seen_version"] < own), np.count_nonzero(own > 0))


def _monotonic_read_violations(evidence: Evidence) -> Measured:
    queries = evidence.all_queries
    order = in_order(queries["asked"])
    product, seen = (queries[name][order] for name in ("product", "seen_version"))
    backwards = np.zeros(len(queries), np.bool_)
    if _goes_back(seen, group(product)):  # if what is shown never does, nobody can see that it does
        session = queries["session"][order]
        backwards[order] = seen < highest_before(seen, group_by_both(session, product))
    return _share(backwards[evidence.queries.chosen])


def _goes_back(seen: Ints, by_product: Groups) -> bool:
    """Say whether a query is shown an older version of its product than the one before, whoever's that is."""
    seen, ends = seen.take(by_product.rows), by_product.starts[1:-1]
    older = np.append(False, seen[1:] < seen[:-1])
    older[ends[ends < len(older)]] = False
    return bool(older.any())


def _fairness(evidence: Evidence) -> Measured:
    """Jain's index (Σx)² / (n·Σx²): 1 when all workers wait alike, 1/n when one bears it all."""
    latency, worker = evidence.span("command_latency"), evidence.commands["worker"]
    answered = ~np.isnan(latency)
    if not answered.all():
        latency, worker = latency[answered], worker[answered]
    done = np.bincount(worker)
    means = np.bincount(worker, latency)[done > 0] / done[done > 0]
    squares = len(means) * np.sum(means**2)
    return value(float(np.sum(means) ** 2 / squares) if squares else np.nan, len(means))


def _divergence_at_end(evidence: Evidence) -> Measured:
    return value(np.count_nonzero(_differ(evidence.trace)), evidence.trace.scenario.products.count)


def _differ(trace: Trace) -> Flags:
    """Say of which products the two models differ in the end."""
    models = trace.tables["models"]
    differ: Flags = (models["held"] != models["shown"]) | (models["held_version"] != models["shown_version"])
    return differ


def _span(evidence: Evidence, name: str) -> Measured:
    return distribution(evidence.span(name))


def _naive_latency(evidence: Evidence) -> Measured:
    """Say how long commands took since they were issued, which is most often when they were intended."""
    issued, intended = evidence.commands["issued"], evidence.commands["intended"]
    return evidence.command_latency if np.array_equal(issued, intended) else _span(evidence, "naive_latency")


_MEASURES: dict[str, Callable[[Evidence], Measured]] = {
    **{name: partial(_span, name=name) for name in SPANS},
    "command_latency": lambda evidence: evidence.command_latency,
    "naive_latency": _naive_latency,
    "writer_utilisation": _writer_utilisation,
    "inbox_depth": _inbox_depth,
    "throughput": _throughput,
    "rejected_fraction": _rejected_fraction,
    "shed_fraction": _shed_fraction,
    "blocked_fraction": _blocked_fraction,
    "unanswered_fraction": _unanswered_fraction,
    "stale_decisions": _stale_decisions,
    "lost_updates": _lost_updates,
    "double_updates": _double_updates,
    "t_visibility": _t_visibility,
    "stale_read_fraction": _stale_read_fraction,
    "hot_stale_fraction": _hot_stale_fraction,
    "cold_stale_fraction": _cold_stale_fraction,
    "staleness": _staleness,
    **{name: partial(_blame, name=name) for name in ("blame", *RANKS)},
    "versions_behind": _versions_behind,
    "age_of_information": _age_of_information,
    "read_your_writes_violations": _read_your_writes_violations,
    "monotonic_read_violations": _monotonic_read_violations,
    "fairness": _fairness,
    "divergence_at_end": _divergence_at_end,
}


def _share(hits: Flags) -> Measured:
    return proportion(np.count_nonzero(hits), len(hits))


def _estimates(name: str, table: Statistics, n: int) -> dict[str, Estimate]:
    return {statistic: bounded(name, Estimate(value), n) for statistic, value in table.items()}


FACTS = ("title", "seed", "engine", "loop", "replications", "fingerprint", "virtual_seconds", "wall_seconds")


def as_json(summary: Summary) -> dict[str, Any]:
    """Give a summary as the plain table that --json prints; nan and infinity become null."""
    return {
        "schema": 1,
        **{name: getattr(summary, name) for name in FACTS},
        "metrics": {
            name: {statistic: estimate_json(estimate) for statistic, estimate in table.items()}
            for name, table in summary.metrics.items()
        },
        "counts": summary.counts,
        "theory": {},
        "diverged": [asdict(divergence) for divergence in summary.diverged],
    }


def from_json(found: dict[str, Any]) -> Summary:
    """Make a summary of the table that `as_json` gave.

    What was null there is nan here: whether something was never seen or never
    happened is not told any more, nor when a run settles. KeyError and
    TypeError where it is some other table.
    """
    metrics = {
        name: {statistic: _estimate(bounds) for statistic, bounds in table.items()}
        for name, table in found["metrics"].items()
    }
    diverged = tuple(Divergence(**one) for one in found["diverged"])
    facts = {name: found[name] for name in FACTS}
    return Summary(**facts, metrics=metrics, counts=found["counts"], diverged=diverged)


def _estimate(bounds: dict[str, float | None]) -> Estimate:
    estimate = bounds["estimate"]
    return Estimate(np.nan if estimate is None else estimate, bounds["low"], bounds["high"])


def estimate_json(estimate: Estimate) -> dict[str, float | None]:
    """Give an estimate with its bounds as --json has it."""
    bounds = {"estimate": estimate.estimate, "low": estimate.low, "high": estimate.high}
    return {name: number_or_null(bound) for name, bound in bounds.items()}


def number_or_null(value: float | None) -> float | None:
    """Give a number as JSON can hold it: what was never seen, or never happened, is null."""
    return None if value is None or not np.isfinite(value) else float(value)
