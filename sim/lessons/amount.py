"""A number that a learner types, with its unit or without: "30%", "250ms", 12."""

import math
import re

from sim.durations import parse_duration, parse_share
from sim.glossary import Unit
from sim.wording import number_text

Typed = float | str


def read(typed: Typed, unit: Unit) -> float:
    """Read what was typed as a number of that unit: seconds, or a share from 0 to 1, where none is written.

    ValueError says what would do.
    """
    if isinstance(typed, str) and unit == "s":
        return parse_duration(typed)
    if isinstance(typed, str) and unit == "share":
        return parse_share(typed)
    try:
        number = float(typed)
    except (TypeError, ValueError):
        raise ValueError(f"{typed!r} is not a number") from None
    if not math.isfinite(number):
        raise ValueError(f"{typed!r} is not a number that can be measured")
    return number


def unit_of(typed: Typed) -> Unit:
    """Tell from what was typed in which unit it is."""
    if not isinstance(typed, str) or re.fullmatch(r"[\s\d.eE+-]*", typed):
        return "1"
    return "share" if "%" in typed else "s"


def write(number: float, unit: Unit) -> str:
    """Write a number as it would be typed."""
    return "0" if number == 0 else number_text(number, unit)
