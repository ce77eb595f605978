"""Twins: one replication of two variants side by side, and the queries that one knob has flipped."""

from typing import Any

import polars as pl
from attrs import frozen

from sim.measures.window import measured_queries
from sim.trace import Trace

WHO_ASKED_WHEN = ["session", "product", "asked", "nth"]  # the nth, of those that are alike in the rest


@frozen(eq=False)
class Twins:
    """What became of the queries that two runs have in common.

    `flips` has a row for each one that was fresh in one run and stale in the
    other: session, product, when it was `asked`, and the `staleness` of both
    answers in seconds, `staleness_there` being that of the other run; 0 is
    fresh. `asked` counts the queries that both runs have, `only_here` and
    `only_there` those of one alone.
    """

    asked: int
    only_here: int
    only_there: int
    flips: pl.DataFrame

    @property
    def turned_stale(self) -> pl.DataFrame:
        """Those that were fresh here, and are stale there, in the order of time."""
        return self.flips.filter(pl.col("staleness") == 0)

    @property
    def turned_fresh(self) -> pl.DataFrame:
        """Those that were stale here, and are fresh there, in the order of time."""
        return self.flips.filter(pl.col("staleness") > 0)


def twins(here: Trace, there: Trace) -> Twins:
    """Match the queries of two runs by who asked what when, and find those that flipped.

    Those who only look ask by their plan, to the last bit, whatever else was
    changed. Who looks first, reads back or waits for a lock may ask at
    another time, or not at all; such queries have no twin, and are counted apart.
    """
    mine, yours = _asked(here), _asked(there)
    both = mine.join(yours, on=WHO_ASKED_WHEN, suffix="_there")
    stale, stale_there = pl.col("staleness") > 0, pl.col("staleness_there") > 0
    flips = both.filter(stale != stale_there).sort(WHO_ASKED_WHEN[2], *WHO_ASKED_WHEN).drop("nth")
    return Twins(len(both), len(mine) - len(both), len(yours) - len(both), flips)


def worst(flips: pl.DataFrame) -> pl.DataFrame:
    """Give the row of the one that was stalest, the first of them; none of none."""
    most = pl.max_horizontal("staleness", "staleness_there")
    return flips.sort(most, descending=True, maintain_order=True).head(1)


def _asked(trace: Trace) -> pl.DataFrame:
    """List the window's queries, each with how stale its answer was."""
    since = pl.col("asked") - pl.col("missed_since")
    queries = measured_queries(trace).select("session", "product", "asked", staleness=since.fill_null(0.0))
    return queries.with_columns(nth=pl.int_range(pl.len()).over("session", "product", "asked"))


def twins_json(found: Twins) -> dict[str, Any]:
    """Give twins as --json prints them: how many flipped either way, the first of them, and the worst."""
    told = {"turned_stale": found.turned_stale, "turned_fresh": found.turned_fresh}
    return {
        "queries": found.asked,
        "only_here": found.only_here,
        "only_there": found.only_there,
        **{
            turned: {
                "count": len(flips),
                "first": next(flips.iter_rows(named=True), None),
                "worst": next(worst(flips).iter_rows(named=True), None),
            }
            for turned, flips in told.items()
        },
    }
