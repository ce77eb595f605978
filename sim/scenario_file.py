"""Scenario files: from TOML to a Scenario and back, with every problem of a file at once.

A problem names its place in the file's own words ("writer.service"), the line
where that stands, and what would do instead.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import GenericAlias
from typing import Any, get_args, get_origin

import attrs
from attrs import frozen
from cattrs import Converter
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError
from cattrs.gen import make_dict_structure_fn, override

from sim.observations import BESIDE, observations_text
from sim.scenario import (
    READ,
    WRITE,
    Crash,
    Expect,
    Inbox,
    Link,
    Misfit,
    Outage,
    Phase,
    Products,
    Queries,
    Reader,
    Scenario,
    Slow,
    Step,
    Workers,
    Writer,
    samples,
)
from sim.wording import count, did_you_mean

Table = dict[str, Any]
Place = tuple[str | int, ...]

LONGEST_FILE = 1_000_000  # bytes; a scenario is a page, so more than this is something else
MOST_SHOWN = 100  # problems; whoever has more has given us something else, too


@frozen
class Problem:
    """One thing wrong with a scenario file."""

    place: Place
    message: str

    def __str__(self) -> str:
        parts = (f"[{part + 1}]" if isinstance(part, int) else f".{_name(part)}" for part in self.place)
        names = "".join(parts)
        return _short(f"{names.removeprefix('.')}: {self.message}" if names else self.message)


class BadScenario(ValueError):
    """A scenario that cannot be run; str() is the whole message for the person who wrote it."""

    def __init__(self, source: str, problems: list[Problem], text: str = "") -> None:
        self.source = source
        self.problems = problems
        numbers, rows = _line_numbers(text), text.split("\n")
        lines = [f"{source}: {count(len(problems), 'problem')}"]
        placed = [(_line(numbers, problem.place), problem) for problem in problems]
        placed.sort(key=lambda numbered: numbered[0])
        for line, problem in placed[:MOST_SHOWN]:
            lines += [f"  {problem}", *_quoted(rows, line)]
        if len(placed) > MOST_SHOWN:
            lines.append(f"  and {count(len(placed) - MOST_SHOWN, 'problem')} more")
        super().__init__("\n".join(lines))


def read_scenario(path: Path, settings: Mapping[str, str] | None = None) -> Scenario:
    """Read a scenario file, with some keys set otherwise: {"link.delay": "50ms"}.

    Files that it names are looked for beside it, then in the current directory.
    BadScenario says everything that is wrong with it; OSError that it cannot be read.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LONGEST_FILE + 1)
        if len(raw) > LONGEST_FILE:
            raise ValueError(f"longer than {LONGEST_FILE:,} bytes")
        text = raw.decode("utf-8-sig")  # some editors begin a file with a mark of three bytes
    except ValueError as error:
        raise BadScenario(path.name, [Problem((), f"this is not a scenario file: {_why(error)}")]) from None
    before = BESIDE.set(path.parent)
    try:
        return parse_scenario(text, path.name, settings)
    finally:
        BESIDE.reset(before)


def write_scenario(scenario: Scenario, path: Path) -> None:
    """Write a scenario file, and beside it the durations that were read from files.

    So a saved run stands on its own: it can be read wherever it is moved to,
    whatever has become of the files since.
    """
    for sample in samples(scenario):
        (path.parent / sample.file).write_text(observations_text(sample.values), encoding="utf-8")
    path.write_text(toml_text(scenario), encoding="utf-8")


def parse_scenario(
    text: str, source: str = "scenario", settings: Mapping[str, str] | None = None
) -> Scenario:
    """Read a scenario from TOML text; BadScenario says everything that is wrong with it."""
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits is a plain ValueError
        raise BadScenario(source, [Problem((), f"this is not TOML: {_said(error)}")]) from None
    scenario = _structured(table, source, text)
    if not settings:
        return scenario
    problems = [problem for path, value in settings.items() for problem in _set(table, path, value)]
    if problems:
        raise BadScenario("what was set", problems)
    return _structured(table, "what was set", "")


def _structured(table: Table, source: str, text: str) -> Scenario:
    """Make a Scenario of a table, or say all that is wrong with it."""
    try:
        return _CONVERTER.structure(table, Scenario)
    except Exception as error:  # every reader's complaint ends up here, in one group
        raise BadScenario(source, list(_problems(error, ())), text) from None


def _why(error: ValueError) -> str:
    """Say why a file's bytes cannot be text."""
    return "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else f"it is {error}"


def scenario_table(scenario: Scenario) -> Table:
    """Give a scenario as the plain table that TOML or JSON would hold, every key of it."""
    return {**_written(scenario)}


def toml_text(scenario: Scenario) -> str:
    """Write a scenario as TOML from which parse_scenario makes the same value."""
    table = scenario_table(scenario)
    return "\n".join(_toml_lines(table, "")) + "\n"


def _reader_of(cls: type) -> Any:
    """Make a cattrs hook for one class: its own readers per key, no unknown keys, tables only."""
    attrs.resolve_types(cls)
    readers = {a.name: override(struct_hook=_hook(a.metadata[READ])) for a in attrs.fields(cls) if a.metadata}
    make: Any = make_dict_structure_fn  # its overrides and its options share one **kwargs
    structure = make(cls, _CONVERTER, _cattrs_forbid_extra_keys=True, **readers)

    def read(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError(f"a table of keys is needed here, not {value!r}")
        return structure(value, cls)

    return read


def _hook(read: Any) -> Any:
    return lambda value, _: read(value)


def _expect(value: Any, _: Any) -> Expect:
    if not isinstance(value, dict):
        raise ValueError(f"a table of keys is needed here, not {value!r}")
    return Expect.read(value)


def _tables(value: Any, cls: Any) -> tuple[Any, ...]:
    """Read an array of tables, the type of which is tuple[Class, ...]."""
    if not isinstance(value, list):
        raise ValueError("an array of tables is needed here: write the name in [[double brackets]]")
    rows: Any = GenericAlias(list, get_args(cls))
    return tuple(_CONVERTER.structure(value, rows))


def _is_array(cls: Any) -> bool:
    return get_origin(cls) is tuple


_ARRAYS = {
    "workers",
    "phases",
    "queries",
    "expect",
    "steps",
    "outages",
    "slow",
    "crashes",
}  # --set cannot make these
_CONVERTER = Converter()
_CONVERTER.register_structure_hook_func(_is_array, _tables)
_CONVERTER.register_structure_hook(Expect, _expect)
_PARTS = (Products, Workers, Phase, Queries, Inbox, Writer, Crash, Link, Outage, Slow, Reader, Step)
for _cls in (*_PARTS, Scenario):
    _CONVERTER.register_structure_hook(_cls, _reader_of(_cls))


def _problems(error: BaseException, place: Place) -> Iterator[Problem]:
    """Walk a tree of cattrs' exceptions to the complaints at its leaves."""
    match error:
        case ClassValidationError():
            named, others = error.group_exceptions()
            for inner, note in named:
                yield from _problems(inner, (*place, note.name))
            for inner in others:
                yield from _problems(inner, place)
        case IterableValidationError():
            for inner, row in error.group_exceptions()[0]:
                yield from _problems(inner, (*place, row.index))
        case ForbiddenExtraKeysError():
            known = [a.name for a in attrs.fields(error.cl)]
            for extra in sorted(error.extra_fields):
                yield Problem((*place, extra), f"unknown key{did_you_mean(extra, known)}")
        case KeyError():
            yield Problem(place, "this key is missing")
        case Misfit():
            yield Problem((*place, error.key), str(error))
        case _:
            yield Problem(place, _said(error))


def _said(error: BaseException) -> str:
    """Say what an error says; Python's own words about recursion say nothing to whoever wrote the file."""
    return "nested too deep" if isinstance(error, RecursionError) else str(error)


def _set(table: Table, path: str, text: str) -> Iterator[Problem]:
    """Put a value where a path leads; yield what is wrong with the path."""
    *way, last = path.split(".")
    here: Any = table
    for name in way:
        inner = _enter(here, name)
        if inner is None:
            near = did_you_mean(name, _names(here))
            yield Problem((path,), f"there is no {name!r} to set this in{near}")
            return
        here = inner
    if isinstance(here, list) and len(here) == 1:
        here = here[0]
    if not isinstance(here, dict):
        names = ", ".join(_names(here))
        yield Problem(
            (path,), f"say which one: {names}" if names else f"{way[-1]!r} is not one table of keys"
        )
        return
    try:
        here[last] = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        here[last] = text


def _enter(here: Any, name: str) -> Any:
    """Take one step of a path: into a table, or to the table of an array that bears the name."""
    if isinstance(here, list):
        named = [table for table in here if isinstance(table, dict) and table.get("name") == name]
        if not named and len(here) == 1:
            return _enter(here[0], name)
        return named[0] if named else None
    if not isinstance(here, dict) or (name in _ARRAYS and name not in here):
        return None
    return here.setdefault(name, {})


def _names(here: Any) -> list[str]:
    """List the names by which a path can enter the tables of an array."""
    rows = here if isinstance(here, list) else []
    return [str(row["name"]) for row in rows if isinstance(row, dict) and "name" in row]


def _name(part: str) -> str:
    """Write a key as it stands, unless it holds something that a terminal might obey."""
    return part if part.isprintable() else repr(part)


def _short(text: str, most: int = 1000) -> str:
    """Cut a text that would fill the screen."""
    return text if len(text) <= most else f"{text[:most]}…"


def _quoted(rows: list[str], line: int) -> list[str]:
    """Quote a line of the file, where its number is known."""
    return [f"  {line:>4} | {rows[line - 1].strip()[:100]}"] if line else []


def _line(numbers: dict[Place, int], place: Place) -> int:
    """Find the line of a place, or of the table it belongs to; 0 when unsure."""
    return next((numbers[place[:n]] for n in range(len(place), 0, -1) if place[:n] in numbers), 0)


def _line_numbers(text: str) -> dict[Place, int]:
    """Note on which line each table and key of a TOML text stands; TOML itself does not say."""
    numbers: dict[Place, int] = {}
    rows: dict[str, int] = {}
    table: Place = ()
    text = re.sub(r'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'', lambda m: "\n" * m[0].count("\n"), text)
    for number, line in enumerate(text.split("\n"), 1):
        if header := re.match(r"\s*(\[\[?)\s*([\w.\-]+)\s*\]", line):
            if header[1] == "[[":
                rows[header[2]] = rows.get(header[2], -1) + 1
                rows = {name: row for name, row in rows.items() if not name.startswith(f"{header[2]}.")}
            names = header[2].split(".")
            paths = [(name, ".".join(names[: depth + 1])) for depth, name in enumerate(names)]
            table = tuple(part for name, path in paths for part in (name, rows.get(path)) if part is not None)
            numbers.setdefault(table, number)
        elif setting := re.match(r'\s*"?([\w\-]+)"?\s*=', line):
            numbers.setdefault((*table, setting[1]), number)
    return numbers


def _written(value: Any) -> Any:
    """Turn an attrs value into a table, each key by its own writer; what is None stays away."""
    if isinstance(value, Expect):
        return value.write()
    if isinstance(value, tuple):
        return [_written(v) for v in value]
    given = {a.name: getattr(value, a.name) for a in attrs.fields(type(value))}
    writers = {a.name: a.metadata.get(WRITE, _written) for a in attrs.fields(type(value))}
    return {name: writers[name](v) for name, v in given.items() if v is not None}


def _toml_lines(table: Table, path: str) -> Iterator[str]:
    """Write a table as TOML: its own keys first, then the tables below it."""
    below = {k: v for k, v in table.items() if isinstance(v, dict) or (isinstance(v, list) and v)}
    for key, value in table.items():
        if key not in below and value != []:
            yield f"{key} = {_toml_value(value)}"
    for key, value in below.items():
        inner = f"{path}.{key}" if path else key
        for part in value if isinstance(value, list) else [value]:
            yield ""
            yield f"[[{inner}]]" if isinstance(value, list) else f"[{inner}]"
            yield from _toml_lines(part, inner)


def _toml_value(value: Any) -> str:
    """Write one value as TOML; JSON writes texts, numbers and truth values the same way."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # which TOML wants escaped
