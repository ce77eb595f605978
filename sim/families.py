"""Which of the known distributions durations that were measured look like, and how far off it is."""

import math
from collections.abc import Callable, Sequence
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

    A mixture is no family: with enough parts it looks like anything.
    """
    sample = np.asarray(seconds)
    found = [_constant(sample)]
    if sample.min() < sample.max() and sample.max() > 0:
        families = _WITH_ZERO if sample.min() <= 0 else _WITH_ZERO | _ABOVE_ZERO
        found += [_fitted(sample, name, fixed, make) for name, (fixed, make) in families.items()]
    return min(found, key=lambda likeness: likeness.distance)


def _constant(sample: Floats) -> Likeness:
    """Take the median; off by whichever is more of what lies on either side."""
    value = float(np.median(sample))
    return Likeness(Constant(value), float(max(np.mean(sample < value), np.mean(sample > value))))


def _fitted(
    sample: Floats, name: str, fixed: dict[str, float], make: Callable[..., Distribution]
) -> Likeness:
    """Find the likeliest member of one of SciPy's families."""
    from scipy import stats  # half a second to import, and not always needed

    family: Any = getattr(stats, name)
    parameters = [float(parameter) for parameter in family.fit(sample, **fixed)]
    return Likeness(
        make(*map(_rounded, parameters)), float(stats.kstest(sample, family(*parameters).cdf).statistic)
    )


def _rounded(seconds: float) -> float:
    """Keep the digits that are worth reading."""
    return float(f"{seconds:.{DIGITS}g}")


_WITH_ZERO: dict[str, tuple[dict[str, float], Callable[..., Distribution]]] = {
    "uniform": ({}, lambda low, width: Uniform(low, _rounded(low + width))),
    "expon": ({"floc": 0.0}, lambda _, mean: Exponential(mean)),
}
_ABOVE_ZERO: dict[str, tuple[dict[str, float], Callable[..., Distribution]]] = {
    "lognorm": ({"floc": 0.0}, lambda sigma, _, p50: Lognormal(p50, _rounded(p50 * math.exp(Z99 * sigma)))),
    "gamma": ({"floc": 0.0}, lambda shape, _, scale: Gamma(_rounded(shape * scale), _rounded(shape**-0.5))),
    "pareto": ({"floc": 0.0}, lambda alpha, _, minimum: Pareto(minimum, alpha)),
}
