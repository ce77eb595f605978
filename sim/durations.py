"""Durations, rates and shares: numbers with a unit, from text and back.

Inside the program a duration is a float of seconds, a rate a float per second
and a share a float from 0 to 1; only a scenario file and a person see text.
"""

import math
import re
from decimal import Decimal
from typing import NewType

from sim.wording import unknown

Seconds = NewType("Seconds", float)
Rate = NewType("Rate", float)
Share = NewType("Share", float)

UNITS = {
    "ns": Decimal("1e-9"),
    "us": Decimal("1e-6"),
    "ms": Decimal("1e-3"),
    "s": Decimal(1),
    "min": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
}
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_AMOUNT = re.compile(rf"\s*({NUMBER})\s*([A-Za-zµμ]*)\s*")
_RATE = re.compile(rf"\s*({NUMBER})\s*/\s*([A-Za-z]+)\s*")


def parse_duration(text: object) -> Seconds:
    """Read "250ms", "1.5s" or "2min" as seconds; ValueError says what would do."""
    match = _AMOUNT.fullmatch(str(text)) if isinstance(text, str | int | float) else None
    if not match:
        raise ValueError(f'{text!r} is not a duration: write "250ms", "1.5s" or "2min"')
    if not match[2]:
        raise ValueError(f'a duration needs a unit: write "{match[1]}ms" or "{match[1]}s"')
    seconds = _product(match[1], _unit(match[2]))
    if seconds < 0:
        raise ValueError(f"a duration cannot be negative: {text!r}")
    if math.isinf(seconds):
        raise ValueError(f"a duration must be finite, and {text!r} is too long")
    return Seconds(seconds)


def parse_rate(text: object) -> Rate:
    """Read "300/s" or "10/min" as a number per second; ValueError says what would do."""
    match = _RATE.fullmatch(text) if isinstance(text, str) else None
    if not match:
        raise ValueError(f'{text!r} is not a rate: write "300/s" or "10/min"')
    rate = _product(match[1], 1 / _unit(match[2]))
    if rate <= 0:
        raise ValueError(f"a rate must be more than 0: {text!r}")
    if math.isinf(rate):
        raise ValueError(f"a rate must be finite, and {text!r} is too high")
    return Rate(rate)


def parse_share(value: object) -> Share:
    """Read 0.1 or "10%" as a share from 0 to 1; ValueError says what would do."""
    if isinstance(value, str) and re.fullmatch(rf"\s*{NUMBER}\s*%\s*", value):
        share = _product(value.strip().rstrip("% "), Decimal("0.01"))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        share = float(value)
    else:
        raise ValueError(f'{value!r} is not a share: write 0.1 or "10%"')
    if not 0 <= share <= 1:
        raise ValueError(f'a share lies between 0 and 1 ("0%" and "100%"): {value!r}')
    return Share(share)


def duration_text(seconds: float) -> str:
    """Write seconds as a person would, in text that parse_duration reads as the same float."""
    exact = Decimal(repr(float(seconds)))
    whole = (unit for unit in ("d", "h", "min") if seconds and seconds % float(UNITS[unit]) == 0)
    small = (unit for unit in ("s", "ms", "us", "ns") if exact >= UNITS[unit])
    unit = next(whole, None) or next(small, "s")
    return f"{_plain(exact / UNITS[unit])}{unit}"


def rate_text(rate: float) -> str:
    """Write a rate per second as text that parse_rate reads as the same float."""
    return f"{_plain(Decimal(repr(float(rate))))}/s"


def percent_text(share: float) -> str:
    """Write a share as the percentage that parse_share reads as the same float."""
    return f"{_plain(Decimal(repr(float(share))) * 100)}%"


def _unit(name: str) -> Decimal:
    """Look a unit up by its name; "µs" is written "us", for want of a key."""
    plain = re.sub("[µμ]", "u", name)  # the micro sign and the Greek letter look alike
    if plain in UNITS:
        return UNITS[plain]
    raise ValueError(unknown("unit", name, UNITS))


def _product(number: str, factor: Decimal) -> float:
    """Multiply as decimals, for 0.1 ms is not a sum of halves; infinite where the number has no end."""
    try:
        return float(Decimal(number) * factor)
    except ArithmeticError:  # an exponent of more digits than Decimal counts with
        return math.inf


def _plain(number: Decimal) -> str:
    """Write a decimal without an exponent or needless zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
