"""What is known of a random duration without drawing it: its tail, its excess, its second moment.

The formulas are made of these. D is the duration, in seconds, and x is never
negative. scipy takes a fifth of a second to import, and many a scenario needs
none of it, so it is imported where it is used.
"""

import math
from collections.abc import Callable
from itertools import pairwise

from sim.distributions import (
    Constant,
    Distribution,
    Exponential,
    Gamma,
    Lognormal,
    Mixture,
    Pareto,
    Uniform,
)

Tail = Callable[[float], float]  # P(X > x)


def fixed(law: Distribution) -> float | None:
    """Give the one value that D always has; None where it is random."""
    if isinstance(law, Uniform) and law.low == law.high:
        return law.low
    return law.mean if isinstance(law, Constant) or law.mean == 0 else None


def tail(law: Distribution, x: float) -> float:
    """P(D > x)."""
    from scipy.special import gammaincc, ndtr

    match law:
        case Constant(value):
            return float(x < value)
        case Uniform(low, high):
            return float(x < low) if x < low or x >= high else (high - x) / (high - low)
        case Exponential(mean):
            return math.exp(-x / mean) if mean else 0.0
        case Lognormal():
            return float(ndtr(_above(law, x)))
        case Gamma(mean, cv):
            return float(gammaincc(cv**-2, x / (mean * cv**2)))
        case Pareto(minimum, alpha):
            return (minimum / x) ** alpha if x > minimum else 1.0
        case Mixture(parts):
            return sum(share * tail(part, x) for share, part in parts if share)
    raise TypeError(f"no tail is known of {law}")


def excess(law: Distribution, x: float) -> float:
    """Give ∫ₓ^∞ P(D > u) du = E[max(D − x, 0)], in seconds."""
    from scipy.special import gammaincc, ndtr

    match law:
        case Constant(value):
            return max(value - x, 0.0)
        case Uniform(low, high):
            return law.mean - x if x <= low else max(high - x, 0.0) ** 2 / (2 * (high - low))
        case Exponential(mean):
            return mean * tail(law, x)
        case Lognormal():
            above = law.mean * float(ndtr(_above(law, x) + law.sigma))
            return max(above - x * tail(law, x), 0.0)
        case Gamma(mean, cv):
            above = mean * float(gammaincc(cv**-2 + 1, x / (mean * cv**2)))
            return max(above - x * tail(law, x), 0.0)
        case Pareto(minimum, alpha):
            return law.mean - x if x <= minimum else x * tail(law, x) / (alpha - 1)
        case Mixture(parts):
            return sum(share * excess(part, x) for share, part in parts if share)
    raise TypeError(f"no excess is known of {law}")


def covered(law: Distribution, x: float) -> float:
    """Give ∫₀ˣ P(D ≤ u) du, in seconds."""
    return x - law.mean + excess(law, x)


def second_moment(law: Distribution) -> float:
    """E[D²], in s²; may be infinite."""
    match law:
        case Constant(value):
            return value**2
        case Uniform(low, high):
            return (low**2 + low * high + high**2) / 3
        case Exponential(mean):
            return 2 * mean**2
        case Lognormal(p50):
            return p50**2 * math.exp(2 * law.sigma**2)
        case Gamma(mean, cv):
            return mean**2 * (1 + cv**2)
        case Pareto(minimum, alpha):
            return minimum**2 * alpha / (alpha - 2) if alpha > 2 else math.inf
        case Mixture(parts):
            return sum(share * second_moment(part) for share, part in parts if share)
    raise TypeError(f"no second moment is known of {law}")


def marks(law: Distribution) -> set[float]:
    """Name where the tail jumps, bends, or falls: an integral over it is taken piece by piece."""
    match law:
        case Uniform(low, high):
            return {low, high}
        case Lognormal(p50, p99):
            return {p50, p99, law.mean}
        case Pareto(minimum):
            return {minimum}
        case Mixture(parts):
            return set[float]().union(*(marks(part) for share, part in parts if share))
    return {law.mean}


def integral_over(law: Distribution, f: Tail, *scales: float) -> float:
    """∫₀^∞ f, for an f that is made of a law's tail and of what changes on other scales."""
    ladder = {scale * 10.0**power for scale in (law.mean, *scales) for power in range(-3, 5)}
    least = 1e-13 * min(1.0, law.mean, *scales)
    return integral(f, [*sorted({0.0, *marks(law), *ladder}), math.inf], least)


def integral(f: Tail, edges: list[float], least: float = 0.0) -> float:
    """Integrate between edges, each piece to nine digits or to `least`; nan if it does not settle."""
    from scipy.integrate import quad

    pieces = [
        quad(f, a, b, epsabs=least, epsrel=1e-9, limit=200, full_output=1)[:2] for a, b in pairwise(edges)
    ]
    total, error = (math.fsum(column) for column in zip(*pieces, strict=True))
    return total if error <= 1e-6 * abs(total) else math.nan


def quantile(tail: Tail, share: float) -> float:
    """Find the smallest x with P(X > x) ≤ 1 − share, to the last digit; nan if there is none below 10³⁰.

    By halves, for a tail may jump.
    """
    if tail(0.0) <= 1 - share:
        return 0.0
    low, high = 0.0, 1e-9
    while tail(high) > 1 - share and high < 1e30:
        low, high = high, 2 * high
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if tail(middle) > 1 - share else (low, middle)
    return high if high < 1e30 else math.nan


def _above(law: Lognormal, x: float) -> float:
    """(E[ln D] − ln x) / σ: how many standard deviations ln x lies below the middle."""
    return math.log(law.p50 / x) / law.sigma if x > 0 else math.inf
