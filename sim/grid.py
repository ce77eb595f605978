"""The grid of a sweep: which keys vary, over which values, and the scenario of each cell."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import product
from pathlib import Path

from attrs import frozen

from sim import library
from sim.durations import NUMBER, UNITS
from sim.knob import Knob
from sim.scenario import Scenario
from sim.wording import count, unknown

MOST_VALUES, MOST_CELLS = 1000, 100_000
EXTREME = 100  # a power of ten beyond which no number means anything here
NOT_VARIED = ("title", "question", "prediction", "replications", "expect")  # which no run depends on

Run = tuple[int, int]  # the number of a cell, and of a replication in it

_UNIT = r"(?:/?[A-Za-zµμ]+|%)?"
_RANGE = re.compile(rf"({NUMBER})({_UNIT})\.\.({NUMBER})({_UNIT})(?:/({NUMBER})({_UNIT}))?")


class BadGrid(ValueError):
    """Keys and values that make no grid; str() says what would do."""


@frozen
class Axis:
    """A key of the scenario, and its values as they were written."""

    key: str
    values: tuple[str, ...]


@frozen
class Cell:
    """A point of the grid: what is set there, and the scenario that it makes.

    `numbers` has the same values in SI units, of a distribution its mean; None
    where a value is no number.
    """

    settings: tuple[tuple[str, str], ...]
    numbers: tuple[float | None, ...]
    scenario: Scenario

    def __str__(self) -> str:
        return " ".join(f"{key}={value}" for key, value in self.settings)


@frozen
class Grid:
    """All cells of a sweep, the last axis varying fastest. They share the seed, and so their luck."""

    base: Scenario
    axes: tuple[Axis, ...]
    cells: tuple[Cell, ...]


def lay_out(
    name: str | Path,
    axes: Sequence[Axis],
    settings: Mapping[str, str] | None = None,
    most: int = MOST_CELLS,
) -> Grid:
    """Make the grid of a scenario, of so many cells at most, with some keys set otherwise in all of them.

    BadGrid, NoSuchScenario and BadScenario say what is wrong.
    """
    settings = settings or {}
    _fit_together(axes, settings, most)
    base = library.load_scenario(name, settings)
    cells = []
    for values in product(*(axis.values for axis in axes)):
        varied = dict(zip((axis.key for axis in axes), values, strict=True))
        scenario = library.load_scenario(name, {**settings, **varied})
        numbers = tuple(number_at(scenario, key) for key in varied)
        cells.append(Cell(tuple(varied.items()), numbers, scenario))
    return Grid(base, tuple(axes), tuple(cells))


def parse_axis(text: str) -> Axis:
    """Read "link.delay=10ms,50ms" or "link.delay=1ms..64ms"; BadGrid says what would do."""
    key, equals, values = text.partition("=")
    if not (key.strip() and equals and values.strip()):
        raise BadGrid(f"--vary takes a key and its values: --vary link.delay=10ms,50ms, not {text!r}")
    return make_axis(key.strip(), values)


def make_axis(key: str, values: str | Iterable[object]) -> Axis:
    """Make an axis of values, or of a text that lists them; BadGrid says what would do."""
    if key in NOT_VARIED:
        raise BadGrid(f"{key} is nothing that a run depends on: vary another key")
    texts = _listed(values) if isinstance(values, str) else [str(value) for value in values]
    try:
        found = [value for text in texts for value in spread(text)]
    except BadGrid as error:
        raise BadGrid(f"{key}: {error}") from None
    twice = next((value for value in found if found.count(value) > 1), None)
    if twice is not None:
        raise BadGrid(f"{key}: {twice} is there twice")
    if not found or not all(found):
        raise BadGrid(f"{key}: a value is missing")
    return Axis(key, tuple(found))


def spread(text: str) -> list[str]:
    """Give the values of a range, which may stand inside of a text; any other text as it is.

    "1ms..1s" is 1 ms, doubled for as long as it is no more than 1 s;
    "10ms..100ms/10ms" goes in steps of 10 ms; "poisson(10/s..80/s)" is a range
    of paces. The values are written in the smallest unit of the range.
    """
    text = text.strip()
    if ".." not in text:
        return [text]
    found = _RANGE.search(text)
    before, after = (text[: found.start()], text[found.end() :]) if found else (text, "")
    if not found or text.count("..") > 1:
        raise BadGrid(f"{text!r} is no range: write 1ms..1s, or 10ms..100ms/10ms for equal steps")
    return [f"{before}{value}{after}" for value in _values(found)]


def number_at(scenario: Scenario, key: str) -> float | None:
    """Give the value of a key as a number in SI units: of a distribution its mean, of a pace its rate."""
    try:
        number = Knob.find(scenario, key).number
    except ValueError:  # a word, a table, a quantity with two ends
        return None
    return None if math.isnan(number) else number


def _fit_together(axes: Sequence[Axis], settings: Mapping[str, str], most: int) -> None:
    """Insist on something that varies, no key twice, and no more cells than anybody wants to wait for."""
    if not axes:
        raise BadGrid("nothing varies: --vary link.delay=10ms,50ms")
    keys = [axis.key for axis in axes]
    for key in keys:
        if keys.count(key) > 1 or key in settings:
            raise BadGrid(f"{key} is varied, and {'set' if key in settings else 'varied'} once more")
    cells = 1
    for axis in axes:
        cells *= len(axis.values)
    if cells > most:
        raise BadGrid(f"that makes {count(cells, 'cell')}, and {most:,} is the most")


def _listed(text: str) -> list[str]:
    """Split a text at its commas, but for those within brackets or quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if letter == quote:
            quote = ""
        elif not quote and letter in "\"'":
            quote = letter
        elif not quote:
            depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0 and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _values(found: "re.Match[str]") -> Iterator[str]:
    """Write out the values of a range."""
    whole, unit = found[0], _smallest(found)
    first, last = _amount(found[1], found[2], unit), _amount(found[3], found[4], unit)
    step = _amount(found[5], found[6], unit) if found[5] else None
    if first > last:
        raise BadGrid(f"{whole} begins above its end")
    if step is None and first <= 0:
        raise BadGrid(f"{whole} cannot double from there: say by which steps, as in 0ms..100ms/10ms")
    if step is not None and step <= 0:
        raise BadGrid(f"{whole} needs a step of more than 0")
    values = math.log2(last / first) if step is None else (last - first) / step
    if values >= MOST_VALUES:
        raise BadGrid(f"{whole} makes more than {MOST_VALUES:,} values")
    value = first
    while value <= last:
        yield f"{Decimal(value.numerator) / value.denominator:f}{unit}"
        value = value * 2 if step is None else value + step


def _smallest(found: "re.Match[str]") -> str:
    """Choose the smallest unit of a range; they must be units of one kind."""
    whole, given = found[0], [found[2], found[4], *([found[6]] if found[5] else [])]
    kinds = {_kind(unit) for unit in given}
    if len(kinds) > 1:
        raise BadGrid(f"{whole}: both ends and the step need a unit of one kind, as in 10ms..1s/10ms")
    return min(given, key=_size)


def _amount(number: str, unit: str, in_unit: str) -> Fraction:
    """Convert a number from its unit to another one of the same kind, exactly."""
    amount = Decimal(number)
    if abs(amount.adjusted()) > EXTREME:
        raise BadGrid(f"{number}{unit} is too extreme a number")
    return Fraction(amount) * _size(unit) / _size(in_unit)


def _kind(unit: str) -> str:
    return "/" if unit.startswith("/") else unit if unit in ("", "%") else "duration"


def _size(unit: str) -> Fraction:
    """Say how large a unit is: of durations in seconds, of rates per second, of all others 1."""
    name = re.sub("[µμ]", "u", unit.removeprefix("/"))
    if unit in ("", "%"):
        return Fraction(1)
    if name not in UNITS:
        raise BadGrid(unknown("unit", unit, UNITS))
    return 1 / Fraction(UNITS[name]) if unit.startswith("/") else Fraction(UNITS[name])
