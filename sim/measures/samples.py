"""Samples: their mean, their quantiles and their maximum.

A quantile is an element of the sample: the smallest that at least that share
does not exceed.
"""

import math
from collections.abc import Sequence
from typing import SupportsFloat, SupportsInt

import numpy as np
from attrs import frozen

from sim.distributions import Floats, Ints
from sim.glossary import QUANTILES

Statistics = dict[str, float]
Measured = tuple[Statistics, int]  # with the number of observations

POINTS = 400  # of a curve of quantiles
CELLS = 64 * 32  # in which values are counted: so many for each power of two, of so many powers
SHARES = tuple(QUANTILES.values())


def distribution(values: Floats, zeros: int = 0) -> Measured:
    """Describe values, none of them negative, without those that are nan; and so many zeros besides."""
    highest = values.max(initial=0.0)
    if np.isnan(highest):
        return distribution(values[~np.isnan(values)], zeros)
    n = len(values) + zeros
    if not n:
        return nothing(), 0
    middle = quantiles(values, SHARES, zeros) if highest else [0.0] * len(SHARES)
    mean = float(values.sum() / n)
    return {"mean": mean, **dict(zip(QUANTILES, middle, strict=True)), "max": float(highest)}, n


def quantiles(values: Floats, shares: Sequence[float], zeros: int = 0) -> list[float]:
    """Give quantiles, the lowest first, of values, none of them negative, and of so many zeros besides."""
    n = len(values) + zeros
    places = [max(0, math.ceil(share * n * (1 - 1e-12)) - 1) - zeros for share in shares]
    found = np.array([place for place in places if place >= 0], np.int64)
    return [0.0] * (len(places) - len(found)) + (at(values, found).tolist() if len(found) else [])


def at(values: Floats, places: Ints) -> Floats:
    """Give what stands at some places of the order of values, none of them negative.

    Floats that are not negative have the order of their bits, read as whole
    numbers. Their upper bits make a grid, on which they are counted in a fifth
    of the time that np.partition takes; only those that share a cell with a
    place are then put in order. There are 64 cells for each power of two, and
    whatever is less than 2⁻³² of the largest shares the first.
    """
    cell = values.view(np.int64) >> 46
    cell -= cell.max() - CELLS
    np.maximum(cell, 0, out=cell)
    held = np.bincount(cell, minlength=CELLS + 1)
    home = np.searchsorted(np.cumsum(held), places, side="right")
    wanted = np.zeros(CELLS + 1, np.bool_)
    wanted[home] = True
    few = values[wanted.take(cell)]
    among = places - np.cumsum(np.where(wanted, 0, held))[home]
    there: Floats = np.partition(few, among)[among]
    return there


@frozen
class QuantileCurve:
    """The quantiles of a sample: `values[i]` is not exceeded by a share `shares[i]` of all `n`.

    The last is the maximum, and its share that of all but half a one.
    """

    shares: Floats
    values: Floats
    n: int

    @property
    def trusted(self) -> float:
        """The share up to which at least 100 observations lie beyond; 0 of a hundred or fewer."""
        return max(0.0, 1 - 100 / self.n) if self.n else 0.0


def quantile_curve(values: Floats, zeros: int = 0) -> QuantileCurve:
    """Give the quantiles of values, and of so many zeros besides: as many points for each further nine."""
    known = values[~np.isnan(values)]
    n = len(known) + zeros
    if not n:
        return QuantileCurve(np.zeros(0), np.zeros(0), 0)
    shares = 1 - 1 / np.geomspace(1, 2 * n, POINTS)
    return QuantileCurve(shares, np.array(quantiles(known, shares.tolist(), zeros)), n)


def counts(values: Ints, weights: Floats | None = None) -> Statistics:
    """Describe whole numbers, 0 or more, each with its weight; nan where there is none."""
    weight = np.bincount(values, weights)
    seen = np.flatnonzero(weight)
    if not len(seen):
        return nothing()
    reached = np.cumsum(weight[seen])
    places = np.searchsorted(reached, np.array(SHARES) * reached[-1] * (1 - 1e-12))
    return {
        "mean": float(seen @ weight[seen] / reached[-1]),
        **dict(zip(QUANTILES, seen[places].astype(float).tolist(), strict=True)),
        "max": float(seen[-1]),
    }


def nothing() -> Statistics:
    """Describe a sample of nothing."""
    return dict.fromkeys(("mean", *QUANTILES, "max"), np.nan)


def proportion(hits: SupportsInt, n: SupportsInt) -> Measured:
    """Give a share; nan of none."""
    return value(int(hits) / int(n) if n else np.nan, n)


def value(value: SupportsFloat, n: SupportsInt) -> Measured:
    """Give a single number."""
    return {"value": float(value)}, int(n)
