"""Durations that somebody has measured: from a CSV file of one column, and back.

The header names the unit ("seconds", "ms" …); below it stands one duration a
line. A file is looked for beside the scenario file that names it, then in the
current directory.
"""

import re
from contextvars import ContextVar
from pathlib import Path

from sim.durations import NUMBER, UNITS, parse_duration
from sim.wording import did_you_mean

BESIDE: ContextVar[Path] = ContextVar("the folder of the scenario file", default=Path())

LARGEST_FILE = 1_000_000  # bytes: a hundred thousand durations, and more of them say nothing new
COLUMNS = {"seconds": "s", **{unit: unit for unit in UNITS}}


def read_observations(name: str) -> tuple[float, ...]:
    """Read a file's durations, in seconds; ValueError says what is wrong with it, and on which line."""
    header, *lines = _text(name).splitlines() or [""]
    unit = header.strip().strip('"')
    if unit not in COLUMNS:
        known = f"{', '.join(COLUMNS)}{did_you_mean(unit, COLUMNS)}"
        raise ValueError(f"{name}, line 1: the header must name the unit, one of {known}")
    numbered = ((number, line.strip()) for number, line in enumerate(lines, 2))
    seconds = tuple(_seconds(line, unit, f"{name}, line {number}") for number, line in numbered if line)
    if not seconds:
        raise ValueError(f"{name} holds no durations below its header")
    return seconds


def observations_text(seconds: tuple[float, ...]) -> str:
    """Write durations as a file that read_observations reads as the same floats."""
    return "\n".join(["seconds", *map(repr, seconds), ""])


def _text(name: str) -> str:
    """Get a file's text, from wherever it is found first."""
    if not (name.isprintable() and name.lower().endswith(".csv")):
        raise ValueError(f'a file of durations is a CSV file: write empirical("durations.csv"), not {name!r}')
    try:
        places = list(dict.fromkeys([BESIDE.get() / name, Path(name)]))
        path = next((place for place in places if place.exists()), None)
        if path is None:
            raise ValueError(f"no such file: {' or '.join(map(str, places))}")
        if not path.is_file():
            raise ValueError(f"this is {'a directory' if path.is_dir() else 'no plain file'}: {path}")
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
        if len(raw) > LARGEST_FILE:
            raise ValueError(f"{name} is longer than {LARGEST_FILE:,} bytes")
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{name} is not a CSV file: it is not UTF-8 text") from None
    except OSError as error:
        raise ValueError(f"{name} cannot be read: {error.strerror}") from None


def _seconds(text: str, unit: str, place: str) -> float:
    """Read one line in its unit; ValueError names its place."""
    try:
        if not re.fullmatch(NUMBER, text):
            raise ValueError(f"{text[:100]!r} is not a number")
        return parse_duration(text + COLUMNS[unit])
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None
