"""What a trace says: one pure function per metric of the glossary, and their Summary.

Only what falls into the measured window counts: commands that were intended,
changes that were committed and queries that were asked in it. A quantile is
an element of the sample: the smallest that at least that share does not
exceed.
"""

import math
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import polars as pl
from attrs import asdict, field, frozen

from sim.blame import ALL, MIDDLE, WORST, shares, splits
from sim.distributions import Floats, Ints
from sim.glossary import METRICS, QUANTILES, TAIL, split_name
from sim.groups import before, by_number
from sim.plan import numbered
from sim.trace import Trace
from sim.wording import count

Statistics = dict[str, float]


@frozen
class Estimate:
    """A number with its 95 % interval; the bounds are None where there is only one run to go by.

    nan stands for what was never seen, and infinity for what never happened.
    """

    estimate: float
    low: float | None = None
    high: float | None = None


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
    measured = {name: _MEASURES[name](trace) for name in METRICS}
    _forget()
    scenario = trace.scenario
    return Summary(
        title=scenario.title,
        seed=scenario.seed,
        engine=trace.engine,
        loop=scenario.loop,
        replications=1,
        fingerprint=trace.fingerprint,
        virtual_seconds=scenario.duration,
        wall_seconds=wall_seconds,
        metrics={name: _estimates(name, table, n) for name, (table, n) in measured.items()},
        counts={name: n for name, (_, n) in measured.items()},
        diverged=diverged(trace),
    )


def numbers(trace: Trace, names: Iterable[str]) -> dict[str, float]:
    """Measure only some numbers of one run, by their names: "staleness.p99", "throughput"."""
    wanted = {name: split_name(name) for name in names}
    tables = {metric: _MEASURES[metric](trace)[0] for metric, _ in wanted.values()}
    _forget()
    return {name: tables[metric][statistic] for name, (metric, statistic) in wanted.items()}


def _forget() -> None:
    """Let go of the trace, of which several metrics begin alike."""
    measured_queries.cache_clear()
    _splits.cache_clear()


def bounded(name: str, estimate: Estimate, n: int) -> Estimate:
    """Give a proportion of which nothing was seen its bound, 3/n: zero in n says no more than that."""
    if METRICS[name].of and estimate.estimate == 0 and n:
        return Estimate(0.0, 0.0, min(1.0, 3 / n))
    return estimate


def by_worker(trace: Trace) -> pl.DataFrame:
    """Say who bore what, a row for each worker with commands in the window.

    `commands`; `admission_wait` and `command_latency`, their means in seconds;
    `blocked`, how many of them had to wait at a full channel; `shed`, how
    many were dropped there, and `items_shed`, with how many items.
    """
    shed = pl.col("outcome") == "shed"
    return (
        measured_commands(trace)
        .group_by("worker")
        .agg(
            commands=pl.len(),
            admission_wait=(pl.col("admitted") - pl.col("issued")).mean(),
            command_latency=(pl.col("finished") - pl.col("intended")).mean(),
            blocked=(pl.col("admitted") > pl.col("issued")).sum(),
            shed=shed.sum(),
            items_shed=pl.col("quantity").filter(shed).sum(),
        )
        .sort("worker")
    )


def diverged(trace: Trace) -> tuple[Divergence, ...]:
    """Name the products of which the read model shows something else in the end, and say why."""
    differ = (pl.col("held") != pl.col("shown")) | (pl.col("held_version") != pl.col("shown_version"))
    models = trace.models.filter(differ)
    causes = _causes(trace, models)
    return tuple(
        Divergence(product, held, shown, ", ".join(causes.get(product, ())))
        for product, held, shown in models.select("product", "held", "shown").iter_rows()
    )


def _causes(trace: Trace, models: pl.DataFrame) -> dict[int, list[str]]:
    """Say of each of these products what became of the changes that should have been shown, and were not."""
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


def measured_commands(trace: Trace) -> pl.DataFrame:
    """Give the commands that the plan wanted inside the window."""
    return trace.commands.filter(_within(trace, "intended"))


def measured_changes(trace: Trace) -> pl.DataFrame:
    """Give the changes that were committed inside the window."""
    return trace.changes.filter(_within(trace, "committed"))


@lru_cache(maxsize=1)  # it takes long, and many metrics begin with it
def measured_queries(trace: Trace) -> pl.DataFrame:
    """Give the queries that were asked inside the window, each with what it missed.

    Adds `latest` (the product's newest version committed before it was
    asked), `missed_since` (the commit of the oldest version it missed; null
    if fresh) and `shown_since` (the commit of the version it was shown; 0
    for what was there from the start).
    """
    queries = trace.queries.filter(_within(trace, "asked")).sort("asked", maintain_order=True)
    product, committed = (trace.changes[name].to_numpy() for name in ("product", "committed"))
    wanted, asked, seen = (queries[name].to_numpy() for name in ("product", "asked", "seen_version"))
    order, first, place, _ = before(product, committed, wanted, asked)
    commits = np.append(committed[order], np.nan)  # a product's versions are 1, 2, 3…, one behind the other
    latest = place - first
    missed = commits[np.where(latest > seen, first + seen, -1)]
    shown = np.where(seen > 0, commits[first + seen - 1], 0.0)
    return queries.with_columns(
        latest=pl.Series(latest),
        missed_since=pl.Series(missed, nan_to_null=True),
        shown_since=pl.Series(shown),
    )


@frozen
class VisibilityCurve:
    """How large a share of the changes can be seen, or a newer one, so long after their commit.

    `shares[i]` holds from `times[i]` seconds on until the next of them, within
    a 95 % band from `low` to `high`; `n` changes stand behind it.
    """

    times: Floats
    shares: Floats
    low: Floats
    high: Floats
    n: int

    def at(self, seconds: float) -> float:
        """Give the share that can be seen so long after the commit."""
        return float(self.shares[np.searchsorted(self.times, seconds, side="right") - 1])

    def reached(self, share: float) -> float:
        """Give the time from which on at least that share can be seen: infinite if never, nan of none."""
        if not self.n:
            return np.nan
        short = np.flatnonzero(self.shares < share * (1 - 1e-12))
        later = np.append(self.times, np.inf)
        return float(later[short[-1] + 1]) if len(short) else float(self.times[0])


def visibility_curve(trace: Trace) -> VisibilityCurve:
    """Give P(a query asked t after a commit sees that version or a newer one), over the window's commits.

    PBS's t-visibility (THEORY.md 0, 1.1). Under "arrival" the read model may
    go back, and then so does the curve; a second copy counts from its arrival,
    for the trace does not say when it was applied, and what is applied again
    after a crash does not count. The band is Dvoretzky's,
    Kiefer's and Wolfowitz's, ± sqrt(ln(2/0.05) / 2n): n independent changes
    would keep within it, those of one run depend on each other.
    """
    n = len(measured_changes(trace))
    if not n:
        nothing = np.full(1, np.nan)
        return VisibilityCurve(np.zeros(1), nothing, nothing, nothing, 0)
    turns = _turns(trace)
    after = np.append(0.0, (turns["time"] - turns["committed"]).to_numpy())
    times, place = np.unique(after, return_inverse=True)
    shares = np.cumsum(np.bincount(place, np.append(0, turns["turn"].to_numpy()))) / n
    band = np.sqrt(np.log(2 / 0.05) / (2 * n))
    return VisibilityCurve(times, shares, np.maximum(shares - band, 0), np.minimum(shares + band, 1), n)


def _turns(trace: Trace) -> pl.DataFrame:
    """Find when each change of the window comes into sight, itself or as a newer one (1), and goes (−1).

    When the read model turns from one version to another, all between them come, or go.
    """
    shown = _showings(trace).with_columns(before=pl.col("version").shift(1, fill_value=0).over("product"))
    low, high = pl.min_horizontal("before", "version"), pl.max_horizontal("before", "version")
    crossed = shown.filter(low < high).select(
        "product",
        "time",
        turn=(pl.col("version") - pl.col("before")).sign(),
        version=pl.int_ranges(low, high),
    )
    crossed = crossed.explode("version").with_columns(pl.col("version") + 1)
    return crossed.join(measured_changes(trace), on=["product", "version"])


def _showings(trace: Trace) -> pl.DataFrame:
    """List which version of a product the read model showed from when on, in that order."""
    first = trace.changes.drop_nulls("visible").with_columns(pl.col("delivered").list.first(), time="visible")
    apply = trace.scenario.reader.apply
    if apply in ("newest", "fetch"):
        return first.sort("time", "version")
    if apply == "delta":  # shown up to the first gap: a version comes into sight with all before it
        shown = pl.col("visible").fill_null(np.inf).cum_max().over("product", order_by="version")
        return trace.changes.with_columns(time=shown).filter(pl.col("time") < np.inf).sort("time", "version")
    copies = trace.changes.drop_nulls("visible").with_columns(pl.col("delivered").list.slice(1))
    copies = copies.explode("delivered").drop_nulls("delivered")
    copies = copies.with_columns(time=pl.max_horizontal("delivered", "visible"))
    return pl.concat([first, copies]).sort("time", "delivered", "version")


Measured = tuple[Statistics, int]


def _command_latency(trace: Trace) -> Measured:
    return _distribution(measured_commands(trace), pl.col("finished") - pl.col("intended"))


def _naive_latency(trace: Trace) -> Measured:
    return _distribution(measured_commands(trace), pl.col("finished") - pl.col("issued"))


def _admission_wait(trace: Trace) -> Measured:
    return _distribution(measured_commands(trace), pl.col("admitted") - pl.col("issued"))


def _queue_wait(trace: Trace) -> Measured:
    return _distribution(measured_commands(trace), pl.col("started") - pl.col("admitted"))


def _service_time(trace: Trace) -> Measured:
    return _distribution(measured_commands(trace), pl.col("finished") - pl.col("started"))


def _writer_utilisation(trace: Trace) -> Measured:
    """Time inside [started, finished] over the window's length (THEORY 3.6: U = X·E[S])."""
    start, end = trace.window
    taken = trace.commands.select("started", left=pl.col("finished").fill_null(end)).drop_nulls()
    if trace.scenario.writer.batch > 1:  # what is committed together is worked on at the same time
        taken = taken.group_by("started").agg(pl.col("left").max())
    busy = float(np.sum((taken["left"].clip(start, end) - taken["started"].clip(start, end)).to_numpy()))
    return _value(busy / (end - start) if end > start else np.nan, len(trace.commands))


def _inbox_depth(trace: Trace) -> Measured:
    """Count the commands in the channel; each depth weighs as much as it lasted."""
    start, end = trace.window
    waits = trace.commands.select("admitted", left=pl.col("started").fill_null(end)).drop_nulls()
    waits = waits.filter((pl.col("admitted") < end) & (pl.col("left") > start)).with_columns(
        pl.all().clip(start, end)
    )
    came, went = waits["admitted"].to_numpy(), waits["left"].to_numpy()
    times = np.concatenate([[start], came, went, [end]])
    steps = np.repeat([0, 1, -1, 0], [1, len(came), len(went), 1])
    order = np.argsort(times, kind="stable")  # who comes and goes in one instant has come before
    depths, lasted = np.cumsum(steps[order])[:-1], np.diff(times[order])
    return _weighted(depths, lasted), len(waits)


def _throughput(trace: Trace) -> Measured:
    start, end = trace.window
    accepted = measured_changes(trace)
    return _value(len(accepted) / (end - start) if end > start else np.nan, len(accepted))


def _rejected_fraction(trace: Trace) -> Measured:
    return _proportion(measured_commands(trace).select(pl.col("outcome") == "rejected"))


def _shed_fraction(trace: Trace) -> Measured:
    return _proportion(measured_commands(trace).select(pl.col("outcome") == "shed"))


def _unanswered_fraction(trace: Trace) -> Measured:
    """Among those that got in: a command that is shed is answered, with a refusal."""
    taken = measured_commands(trace).filter(pl.col("outcome") != "shed")  # nor any that is still on its way
    return _proportion(taken.select(pl.col("finished").is_null()))


def _blocked_fraction(trace: Trace) -> Measured:
    return _proportion(measured_commands(trace).select(pl.col("admitted") > pl.col("issued")).drop_nulls())


def _stale_decisions(trace: Trace) -> Measured:
    """Among commands of crowds that look first: they were sent because the look had shown enough."""
    numbers = numbered(trace.scenario)
    careful = [n for crowd in trace.scenario.workers if crowd.look_first for n in numbers[crowd.name]]
    looked = measured_commands(trace).filter(pl.col("worker").is_in(careful))
    return _proportion(looked.select(pl.col("outcome") == "rejected").drop_nulls())


def _lost_updates(trace: Trace) -> Measured:
    """Sum over products what the accepted commands moved, against what the last change left."""
    signed = pl.when(kind="add").then("quantity").otherwise(-pl.col("quantity"))
    moved = trace.commands.filter(outcome="accepted").group_by("product").agg(moved=signed.sum())
    held = pl.col("quantity_after").get(pl.col("version").arg_max())
    last = trace.changes.group_by("product").agg(held=held)
    off = moved.join(last, on="product").select(
        (trace.scenario.products.stock + pl.col("moved") - pl.col("held")).abs()
    )
    return _value(float(off.to_series().sum()), len(trace.changes))


def _double_updates(trace: Trace) -> Measured:
    """Add up what was accepted of a command of which another sending was accepted before."""
    accepted = trace.commands.filter(outcome="accepted").select(
        "id", "quantity", first=pl.coalesce("repeats", "id")
    )
    repeated = accepted.filter(
        pl.col("first").is_in(trace.commands["repeats"].drop_nulls().unique().implode())
    )
    doubled = repeated.filter(pl.int_range(pl.len()).over("first", order_by="id") > 0)
    return _value(float(doubled["quantity"].sum()), len(accepted))


def _visibility_lag(trace: Trace) -> Measured:
    return _distribution(measured_changes(trace), pl.col("visible") - pl.col("committed"))


def _t_visibility(trace: Trace) -> Measured:
    curve = visibility_curve(trace)
    return {name: curve.reached(QUANTILES[name]) for name in TAIL}, curve.n


def _stale_read_fraction(trace: Trace) -> Measured:
    return _proportion(measured_queries(trace).select(pl.col("missed_since").is_not_null()))


def _hot_stale_fraction(trace: Trace) -> Measured:
    return _stale_fraction_of(trace, lambda hot: pl.col("product") <= hot)


def _cold_stale_fraction(trace: Trace) -> Measured:
    return _stale_fraction_of(trace, lambda hot: pl.col("product") > hot)


def _stale_fraction_of(trace: Trace, chosen: Callable[[int], pl.Expr]) -> Measured:
    """Choose queries by how many products are hot, which are the first ones; nan where none is."""
    products = trace.scenario.products
    hot = products.popularity.hot(products.count)
    if not hot:
        return _value(np.nan, 0)
    queries = measured_queries(trace).filter(chosen(hot))
    return _proportion(queries.select(pl.col("missed_since").is_not_null()))


def _staleness(trace: Trace) -> Measured:
    return _distribution(measured_queries(trace), (pl.col("asked") - pl.col("missed_since")).fill_null(0.0))


def _blame(trace: Trace) -> Measured:
    return _blame_between(trace, ALL)


def _blame_p50(trace: Trace) -> Measured:
    return _blame_between(trace, MIDDLE)


def _blame_p99(trace: Trace) -> Measured:
    return _blame_between(trace, WORST)


def _blame_between(trace: Trace, ranks: tuple[float, float]) -> Measured:
    parts = _splits(trace)
    return shares(parts, ranks), len(parts)


@lru_cache(maxsize=1)
def _splits(trace: Trace) -> pl.DataFrame:
    return splits(trace, measured_queries(trace))


def _versions_behind(trace: Trace) -> Measured:
    return _distribution(
        measured_queries(trace), (pl.col("latest") - pl.col("seen_version")).clip(lower_bound=0)
    )


def _age_of_information(trace: Trace) -> Measured:
    return _distribution(
        measured_queries(trace), (pl.col("asked") - pl.col("shown_since")).clip(lower_bound=0.0)
    )


def _read_your_writes_violations(trace: Trace) -> Measured:
    """Among queries whose session had an accepted command on that product answered, be it just now."""
    asking = trace.queries["session"].unique().implode()
    answered = trace.commands.filter(pl.col("session").is_in(asking)).drop_nulls(["finished", "version"])
    newest = pl.col("version").cum_max().over("session", "product", order_by="finished")
    own = answered.select("session", "product", "finished", own=newest)
    queries = measured_queries(trace).join_asof(
        own.sort("finished"),
        left_on="asked",
        right_on="finished",
        by=["session", "product"],
        check_sortedness=False,
    )
    return _proportion(queries.drop_nulls("own").select(pl.col("seen_version") < pl.col("own")))


def _monotonic_read_violations(trace: Trace) -> Measured:
    before = pl.col("seen_version").cum_max().shift(1).over("session", "product")
    backwards = trace.queries.sort("asked", maintain_order=True).with_columns(
        backwards=pl.col("seen_version") < before
    )
    return _proportion(backwards.filter(_within(trace, "asked")).select(pl.col("backwards").fill_null(False)))


def _query_latency(trace: Trace) -> Measured:
    return _distribution(measured_queries(trace), pl.col("answered") - pl.col("asked"))


def _fairness(trace: Trace) -> Measured:
    """Jain's index (Σx)² / (n·Σx²): 1 when all workers wait alike, 1/n when one bears it all."""
    rows = measured_commands(trace).drop_nulls("finished")
    latency = (rows["finished"] - rows["intended"]).to_numpy()
    worker = rows["worker"].to_numpy()
    done = np.bincount(worker)  # polars adds groups up in no fixed order
    means = np.bincount(worker, latency)[done > 0] / done[done > 0]
    squares = len(means) * np.sum(means**2)
    return _value(float(np.sum(means) ** 2 / squares) if squares else np.nan, len(means))


def _divergence_at_end(trace: Trace) -> Measured:
    return _value(float(len(diverged(trace))), trace.scenario.products.count)


_MEASURES: dict[str, Callable[[Trace], Measured]] = {
    "command_latency": _command_latency,
    "naive_latency": _naive_latency,
    "admission_wait": _admission_wait,
    "queue_wait": _queue_wait,
    "service_time": _service_time,
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
    "visibility_lag": _visibility_lag,
    "t_visibility": _t_visibility,
    "stale_read_fraction": _stale_read_fraction,
    "hot_stale_fraction": _hot_stale_fraction,
    "cold_stale_fraction": _cold_stale_fraction,
    "staleness": _staleness,
    "blame": _blame,
    "blame_p50": _blame_p50,
    "blame_p99": _blame_p99,
    "versions_behind": _versions_behind,
    "age_of_information": _age_of_information,
    "read_your_writes_violations": _read_your_writes_violations,
    "monotonic_read_violations": _monotonic_read_violations,
    "query_latency": _query_latency,
    "fairness": _fairness,
    "divergence_at_end": _divergence_at_end,
}


def _within(trace: Trace, column: str) -> pl.Expr:
    start, end = trace.window
    return (pl.col(column) >= start) & (pl.col(column) < end)


def _distribution(rows: pl.DataFrame, sample: pl.Expr) -> Measured:
    """Mean, quantiles and maximum of a sample."""
    values = rows.select(sample.cast(pl.Float64).alias("x"))["x"].drop_nulls().sort().to_numpy()
    return _unweighted(values), len(values)


def _unweighted(values: Floats) -> Statistics:
    """Mean, quantiles and maximum of values in their order, which all weigh the same."""
    n = len(values)
    if not n:
        return dict.fromkeys(("mean", *QUANTILES, "max"), np.nan)
    places = [math.ceil(share * n * (1 - 1e-12)) - 1 for share in QUANTILES.values()]
    quantiles = dict(zip(QUANTILES, values[places].tolist(), strict=True))
    return {"mean": float(values.sum() / n), **quantiles, "max": float(values[-1])}


def _weighted(values: Ints, weights: Floats) -> Statistics:
    """Mean, quantiles and maximum of whole numbers with weights; nan where there is no weight."""
    seen = weights > 0
    values, weights = values[seen], weights[seen]
    if not len(values):
        return dict.fromkeys(("mean", *QUANTILES, "max"), np.nan)
    order = by_number(values)
    values, reached = values[order], np.cumsum(weights[order])
    places = np.searchsorted(reached, np.array(list(QUANTILES.values())) * reached[-1] * (1 - 1e-12))
    mean = float(np.average(values, weights=weights[order]))
    return {
        "mean": mean,
        **dict(zip(QUANTILES, values[places].astype(float).tolist(), strict=True)),
        "max": float(values[-1]),
    }


def _proportion(hits: pl.DataFrame) -> Measured:
    """Give the share of a column of truth values that is true; nan of none."""
    column = hits.to_series()
    return _value(float(column.sum() / len(column)) if len(column) else np.nan, len(column))


def _value(value: float, n: int) -> Measured:
    return {"value": float(value)}, n


def _estimates(name: str, table: Statistics, n: int) -> dict[str, Estimate]:
    return {statistic: bounded(name, Estimate(value), n) for statistic, value in table.items()}


def as_json(summary: Summary) -> dict[str, Any]:
    """Give a summary as the plain table that --json prints; nan and infinity become null."""
    return {
        "schema": 1,
        "title": summary.title,
        "seed": summary.seed,
        "engine": summary.engine,
        "loop": summary.loop,
        "replications": summary.replications,
        "fingerprint": summary.fingerprint,
        "virtual_seconds": summary.virtual_seconds,
        "wall_seconds": summary.wall_seconds,
        "metrics": {
            name: {statistic: _interval(estimate) for statistic, estimate in table.items()}
            for name, table in summary.metrics.items()
        },
        "counts": summary.counts,
        "theory": {},
        "diverged": [asdict(divergence) for divergence in summary.diverged],
    }


def _interval(estimate: Estimate) -> dict[str, float | None]:
    bounds = {"estimate": estimate.estimate, "low": estimate.low, "high": estimate.high}
    return {name: number_or_null(bound) for name, bound in bounds.items()}


def number_or_null(value: float | None) -> float | None:
    """Give a number as JSON can hold it: what was never seen, or never happened, is null."""
    return None if value is None or not np.isfinite(value) else float(value)
