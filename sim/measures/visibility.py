"""Visibility: how soon after its commit a change can be seen, or a newer one of its product."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen

from sim.distributions import Floats, Ints
from sim.groups import highest_up_to, lowest_from
from sim.measures.evidence import Evidence
from sim.measures.samples import quantiles
from sim.trace import Trace

if TYPE_CHECKING:
    import polars as pl


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
    return _curve(Evidence(trace))


def pooled(curves: Sequence[VisibilityCurve]) -> VisibilityCurve:
    """Give the curve of all changes of several runs together; the band is that of so many changes."""
    known = [curve for curve in curves if curve.n]
    if not known:
        return curves[0]
    times, n = np.unique(np.concatenate([curve.times for curve in known])), sum(one.n for one in known)
    places = [np.searchsorted(curve.times, times, side="right") - 1 for curve in known]
    seen = [curve.n * curve.shares[place] for curve, place in zip(known, places, strict=True)]
    return _banded(times, np.sum(seen, axis=0) / n, n)


def reached(evidence: Evidence, shares: Sequence[float]) -> list[float]:
    """Give the times from which on such shares of the window's changes can be seen; nan of none."""
    if evidence.trace.scenario.reader.apply == "arrival" or not len(evidence.changes):
        curve = _curve(evidence)
        return [curve.reached(share) for share in shares]
    return quantiles(_sights(evidence), shares)


def _curve(evidence: Evidence) -> VisibilityCurve:
    """Add up how many more changes can be seen as time goes by."""
    n = len(evidence.changes)
    if not n:
        nothing = np.full(1, np.nan)
        return VisibilityCurve(np.zeros(1), nothing, nothing, nothing, 0)
    if evidence.trace.scenario.reader.apply == "arrival":
        after, turn = _turns(evidence)
    else:
        sights = _sights(evidence)
        after = sights[sights < np.inf]
        turn = np.ones(len(after), np.int64)
    times, place = np.unique(np.append(0.0, after), return_inverse=True)
    return _banded(times, np.cumsum(np.bincount(place, np.append(0, turn))) / n, n)


def _banded(times: Floats, shares: Floats, n: int) -> VisibilityCurve:
    band = np.sqrt(np.log(2 / 0.05) / (2 * n))
    return VisibilityCurve(times, shares, np.maximum(shares - band, 0), np.minimum(shares + band, 1), n)


def _sights(evidence: Evidence) -> Floats:
    """Say how long after its commit each change of the window comes into sight, where none goes again.

    It does as soon as any newer one can be seen; where changes are added up,
    not before all older ones can. Infinite if never.
    """
    since = np.fmin(evidence.all_changes["visible"], np.inf)
    adds_up = evidence.trace.scenario.reader.apply == "delta"
    seen = (highest_up_to if adds_up else lowest_from)(since, evidence.by_product)
    after: Floats = seen[evidence.changes.chosen] - evidence.changes["committed"]
    return after


def _turns(evidence: Evidence) -> tuple[Floats, Ints]:
    """Say how long after its commit each change of the window comes into sight (1), or goes again (−1).

    When the read model turns from one version to another, all between them come, or go.
    """
    import polars as pl  # a tenth of a second to import, and seldom needed

    shown = _showings(evidence.trace).with_columns(
        before=pl.col("version").shift(1, fill_value=0).over("product")
    )
    low, high = pl.min_horizontal("before", "version"), pl.max_horizontal("before", "version")
    crossed = shown.filter(low < high).select(
        "product",
        "time",
        turn=(pl.col("version") - pl.col("before")).sign(),
        version=pl.int_ranges(low, high),
    )
    crossed = crossed.explode("version").with_columns(pl.col("version") + 1)
    start, end = evidence.trace.window
    changes = evidence.trace.changes.filter(pl.col("committed").is_between(start, end, closed="left"))
    turns = crossed.join(changes, on=["product", "version"])
    return (turns["time"] - turns["committed"]).to_numpy(), turns["turn"].to_numpy()


def _showings(trace: Trace) -> "pl.DataFrame":
    """List which version of a product was shown from when on where the last to arrive wins, in that order."""
    import polars as pl

    shown = trace.changes.drop_nulls("visible")
    first = shown.with_columns(pl.col("delivered").list.first(), time="visible")
    copies = (
        shown.with_columns(pl.col("delivered").list.slice(1)).explode("delivered").drop_nulls("delivered")
    )
    copies = copies.with_columns(time=pl.max_horizontal("delivered", "visible"))
    return pl.concat([first, copies]).sort("time", "delivered", "version")
