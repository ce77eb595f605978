"""Estimates as one would write them: with half the width of their interval, to the digits that are good."""

import math

from sim.metrics import Estimate
from sim.wording import number_text, significant, time_unit

NARROW = 0.0005  # an interval narrower than this share of its number is lost in three digits


def estimate_text(estimate: Estimate, unit: str) -> str:
    """Write an estimate with half the width of its interval, to the digits that it is good for."""
    value, low, high = estimate.estimate, estimate.low, estimate.high
    if low is None or high is None or math.isnan(value) or high == low:
        return number_text(value, unit)
    if value == low == 0:
        return f"≤ {number_text(high, unit)}"  # nothing was seen: 3/n
    size, sign = scale(value, unit)
    half = (high - low) / 2 / size
    if half < NARROW * abs(value / size):
        return number_text(value, unit)
    places = decimals(half)
    return f"{value / size:,.{places}f} ± {half:,.{places}f}{sign}"


def decimals(half: float) -> int:
    """Leave one digit of an error, two where the first is a 1; give the decimal places of that."""
    exponent = math.floor(math.log10(half))
    return max(0, (half < 2 * 10.0**exponent) - exponent)


def scale(value: float, unit: str) -> tuple[float, str]:
    """Choose the unit in which a value and its error are both written."""
    if unit == "s":
        size, name = time_unit(value)
        return size, f" {name}"
    return (0.01, "%") if unit == "share" else (1.0, "/s" if unit == "1/s" else "")


def percent(share: float) -> str:
    """Write a share to two digits."""
    return f"{significant(100 * share, 2)}%"
