"""How the program speaks to people: numbers as one would say them, and what was perhaps meant."""

import difflib
import math
from collections.abc import Iterable


def unknown(what: str, name: object, known: Iterable[str]) -> str:
    """Say that a name is not known, which one may be meant, and which ones there are."""
    names = list(known)
    return f"unknown {what} {str(name)!r}{did_you_mean(name, names)}; known: {', '.join(names)}"


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Offer the nearest known name in parentheses, or nothing where none is near."""
    near = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.5)
    return f" (did you mean {near[0]!r}?)" if near else ""


def readable(seconds: float, digits: int = 3) -> str:
    """Write seconds with the unit in which a person would say them: "24 ms", "1.5 s"."""
    if math.isnan(seconds):
        return "–"
    size, unit = time_unit(seconds)
    return f"{significant(seconds / size, digits)} {unit}"


def number_text(value: float, unit: str) -> str:
    """Write a number in its unit: "s", "share", "1/s" or "1"."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "never"
    if unit == "s":
        return readable(value)
    if unit == "share":
        return f"{significant(100 * value)}%"
    return significant(value) + ("/s" if unit == "1/s" else "")


def significant(number: float, digits: int = 3) -> str:
    """Write a number to so many significant digits, without an exponent."""
    if number == 0 or not math.isfinite(number):
        return f"{number:g}"
    places = max(0, digits - 1 - math.floor(math.log10(abs(number))))
    text = f"{number:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def time_unit(seconds: float) -> tuple[float, str]:
    """Choose the unit for so many seconds: its size in seconds, and its name."""
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if abs(seconds) >= size * 0.9995:
            return size, unit
    return (1e-9, "ns") if seconds else (1.0, "s")


def count(number: int, noun: str) -> str:
    """Write a number with its noun, in the singular or the plural: "1 problem", "2,688 commands"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def shortened(text: str, most: int) -> str:
    """Give a text in so many characters at most, with an ellipsis where there were more."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
