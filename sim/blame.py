"""Blame: where the missing change was, all the time that a stale read was stale for.

A stale read's staleness runs from the commit of the oldest version that it
missed until it was asked. In that time the change was somewhere: on its way
from one place of the glossary to the next. The parts add up to the whole.
Time in the inbox and at the writer does not count, for nothing was committed
yet.
"""

import numpy as np
import polars as pl

from sim.distributions import Floats
from sim.glossary import PLACES
from sim.trace import Trace

MIDDLE = (0.45, 0.55)  # of the stale reads by staleness: those that stand for the median
WORST = (0.99, 1.0)  # … and for the 99th percentile
ALL = (0.0, 1.0)


def splits(trace: Trace, queries: pl.DataFrame) -> pl.DataFrame:
    """Split the staleness of each stale query: a row for each, a column of seconds for each place.

    The least stale comes first. `queries` bear `missed_since`, as metrics.measured_queries gives them.
    """
    stale = queries.drop_nulls("missed_since").select(
        "product", version=pl.col("seen_version") + 1, staleness=pl.col("asked") - pl.col("missed_since")
    )
    stale = stale.sort("staleness", maintain_order=True)
    stays = _stays(trace).join(stale, on=["product", "version"], how="right", maintain_order="right")
    left = stale["staleness"].to_numpy()
    parts: dict[str, Floats] = {}
    for place in [name for name in stays.columns if name in PLACES]:
        parts[place] = np.minimum(left, stays[place].to_numpy())
        left = left - parts[place]
    shown = stays["visible"].is_not_null().to_numpy()
    parts["overwritten"] = np.where(shown, left, 0.0)
    parts["lost"] = np.where(shown, 0.0, left)
    return pl.DataFrame({place: parts[place] for place in PLACES})


def shares(parts: pl.DataFrame, between: tuple[float, float] = ALL) -> dict[str, float]:
    """Give each place's share of the stale time of those queries that rank between two shares by staleness.

    `parts` are in that order. nan where no query was stale.
    """
    ranked = parts.to_numpy()
    first, last = (int(share * len(ranked)) for share in between)
    spent = ranked[min(first, len(ranked) - 1) : max(last, first + 1)].sum(axis=0)
    with np.errstate(invalid="ignore"):
        return dict(zip(PLACES, (spent / spent.sum()).tolist(), strict=True))


def _stays(trace: Trace) -> pl.DataFrame:
    """Say how long each change was at each place, in the order of its way; 0 where it never was."""
    arrived = pl.col("delivered").list.min()
    begun = pl.max_horizontal("polled", arrived) if trace.scenario.reader.poll else arrived
    taken = pl.coalesce("taken", "visible")  # or fetched upon another's notice, while its own still waited
    stays = {
        "publish": pl.col("sent") - pl.col("committed"),
        "resend": arrived - pl.col("sent") - pl.col("delay") - pl.col("line") - pl.col("outage"),
        "delay": pl.col("delay"),
        "line": pl.col("line"),
        "outage": pl.col("outage"),
        "poll": begun - arrived,
        "queue": taken - begun,
        "handler": pl.col("handled") - pl.col("taken"),
        "batch": pl.col("visible") - pl.col("handled"),
    }
    if trace.scenario.link.order == "serial":  # there a change waits first, and then takes its time
        stays = {"publish": stays["publish"], "resend": stays["resend"], "line": stays["line"], **stays}
    seconds = [stay.fill_null(0.0).clip(lower_bound=0.0).alias(place) for place, stay in stays.items()]
    return trace.changes.select("product", "version", "visible", *seconds)
