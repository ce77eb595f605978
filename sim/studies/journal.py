"""A journal: the finished runs of a sweep, kept on disk line by line, so that it can be gone on with.

The first line says what the sweep is, each of the others is one run. A last
line that was cut short, by a full disk or a lost machine, does not count.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

from cattrs import Converter

from sim.grid import Run
from sim.metrics import Summary

_CONVERTER = Converter(omit_if_default=True)


class BadJournal(ValueError):
    """A journal that cannot be written, or gone on with; str() says why."""


def kept(path: Path, heading: Sequence[str]) -> dict[Run, Summary]:
    """Read the finished runs of a sweep that is described by these very lines."""
    with _told(path, "read"):
        first, *lines = _whole_lines(path) or [b""]
    _compare(path, _read_line(path, 1, first).get("sweep"), heading)
    numbered = ((number, _read_line(path, number, line)) for number, line in enumerate(lines, 2))
    return dict(_run(path, number, row) for number, row in numbered)


def begin(path: Path, heading: Sequence[str]) -> None:
    """Open a new journal, in place of any that is there."""
    with _told(path, "written"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_line({"sweep": [*heading]}))


def mend(path: Path) -> None:
    """Take a last line away that was cut short, so that the next one begins where it should."""
    with _told(path, "written"):
        os.truncate(path, sum(len(line) + 1 for line in _whole_lines(path)))


def keep(path: Path, run: Run, summary: Summary) -> None:
    """Write a finished run down."""
    row = {"cell": run[0], "replication": run[1], "summary": _CONVERTER.unstructure(summary)}
    with _told(path, "written"), path.open("ab") as file:
        file.write(_line(row))


@contextmanager
def _told(path: Path, what: str) -> Iterator[None]:
    """Say in one message what is wrong with a file."""
    try:
        yield
    except OSError as error:
        raise BadJournal(f"{path} cannot be {what}: {error.strerror}") from None


def _whole_lines(path: Path) -> list[bytes]:
    return path.read_bytes().split(b"\n")[:-1]


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row, separators=(",", ":")).encode() + b"\n"


def _read_line(path: Path, number: int, line: bytes) -> dict[str, Any]:
    """Read a line as a table, or say which one is none."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise BadJournal(f"{path} is damaged at line {number}: start the sweep without --resume")
    return row


def _run(path: Path, number: int, row: dict[str, Any]) -> tuple[Run, Summary]:
    """Make a finished run of a line, or say that it is none."""
    try:
        return (int(row["cell"]), int(row["replication"])), _CONVERTER.structure(row["summary"], Summary)
    except Exception:  # cattrs has many, which say nothing to whoever damaged the file
        raise BadJournal(f"{path} is damaged at line {number}: start the sweep without --resume") from None


def _compare(path: Path, found: object, heading: Sequence[str]) -> None:
    """Insist that a journal is of this sweep; say where they differ first."""
    lines = found if isinstance(found, list) else []
    for before, now in zip_longest(lines, heading, fillvalue="nothing"):
        if before != now:
            raise BadJournal(
                f"{path} is of another sweep: it says {str(before)[:200]!r} where this one says {now[:200]!r}"
            )
