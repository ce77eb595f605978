"""Which of the known distributions durations that were measured look like, and how far off it is."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from operator import attrgetter
from typing import Any

import numpy as np
from attrs import frozen

from sim.distributions import (
    Constant,
    Distribution,
    Exponential,
    Floats,
    Gamma,
    Lognormal,
    Pareto,
    Uniform,
)

DIGITS = 4  # of a parameter; more say nothing of durations that were measured
SAME = 10.0 ** (1 - DIGITS) / 2  # what rounding may change
BY_CHANCE = 1.36
Z99 = 2.3263478740408408  # the standard normal's 99th percentile


@frozen
class Likeness:
    """A known distribution in place of a sample, and what is lost by it.

    `distance` is the greatest one between the two distribution functions, as a
    share: the statistic of Kolmogorov and Smirnov.
    """

    law: Distribution
    distance: float


def nearest(seconds: Sequence[float]) -> Likeness:
    """Give the known distribution that is nearest to a sample; each family is fitted by its likelihood first.

    One of a single parameter, constant or exponential, is preferred if chance
    alone might put it so far off: once in twenty samples, 1.36/√n (Smirnov
    1948). A mixture is no family: with enough parts it looks like anything.
    """
    sample = np.asarray(seconds)
    plain = [_constant(sample), *_fitted(sample, "expon")]
    best = min(plain, key=attrgetter("distance"))
    if best.distance <= BY_CHANCE / math.sqrt(len(sample)):
        return best
    others = [one for name in FAMILIES if name != "expon" for one in _fitted(sample, name)]
    return min([*plain, *others], key=attrgetter("distance"))


def _constant(sample: Floats) -> Likeness:
    """Take the median; off by whichever is more of what lies on either side."""
    value = _rounded(float(np.median(sample)))
    below, above = sample < value * (1 - SAME), sample > value * (1 + SAME)
    return Likeness(Constant(value), float(max(np.mean(below), np.mean(above))))


def _fitted(sample: Floats, name: str) -> Iterator[Likeness]:
    """Find the likeliest member of one of SciPy's families, if any can have given such a sample."""
    from scipy import stats  # half a second to import, and not always needed

    fixed, make = FAMILIES[name]
    if sample.min() == sample.max() or (name in ABOVE_ZERO and sample.min() <= 0):
        return
    family: Any = getattr(stats, name)
    parameters = [float(parameter) for parameter in family.fit(sample, **fixed)]
    with suppress(ValueError):  # all but constant, it may come out with no spread at all
        law = make(*map(_rounded, parameters))
        yield Likeness(law, float(stats.kstest(sample, family(*parameters).cdf).statistic))


def _rounded(seconds: float) -> float:
    """Keep the digits that are worth reading."""
    return float(f"{seconds:.{DIGITS}g}")


ABOVE_ZERO = ("lognorm", "gamma", "pareto")
FAMILIES: dict[str, tuple[dict[str, float], Callable[..., Distribution]]] = {
    "uniform": ({}, lambda low, width: Uniform(low, _rounded(low + width))),
    "expon": ({"floc": 0.0}, lambda _, mean: Exponential(mean)),
    "lognorm": ({"floc": 0.0}, lambda sigma, _, p50: Lognormal(p50, _rounded(p50 * math.exp(Z99 * sigma)))),
    "gamma": ({"floc": 0.0}, lambda shape, _, scale: Gamma(_rounded(shape * scale), _rounded(shape**-0.5))),
    "pareto": ({"floc": 0.0}, lambda alpha, _, minimum: Pareto(minimum, alpha)),
}
