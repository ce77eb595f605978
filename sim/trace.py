"""What happened: columnar tables, written by an engine, read by everybody else.

Times are virtual seconds since the start; what never happened is null.

commands: a command that came to nothing ("lost": its sender gave up at the
door, or the writer crashed over it) has left its stations without a trace,
and is not finished; nor is one that was accepted, when the crash came between
commit and answer. `repeats` is the id of the command that is sent again;
"repeated" is the outcome where the writer knew it, and answered as before.

changes: `sent` by the writer. `delay`, `line` and `outage` are what the first
copy that came out was held by on the link, in seconds. `polled` is when the
reader began the round in which it took the change up, `taken` when it began
to work on it, `handled` when it was done, `visible` when it was first shown;
`applied` counts how often it was shown.

models: what both models held in the end, of each product that ever changed.
"""

import hashlib
import json
import math
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

import sim
from sim.columns import UNKNOWN, Kind, Lists
from sim.distributions import Ints
from sim.groups import Groups, group
from sim.inventory import NOT_ENOUGH
from sim.scenario import Scenario
from sim.tables import Rows, digests, read_table, write_table

if TYPE_CHECKING:
    import polars as pl

KINDS = ("remove", "add")
OUTCOMES = ("accepted", "rejected", "shed", "lost", "repeated")
ACCEPTED, REJECTED, SHED, LOST, REPEATED = range(5)
REASONS = (NOT_ENOUGH,)

COMMANDS: dict[str, Kind] = {
    "id": np.int32,
    "worker": np.int32,
    "session": np.int32,
    "product": np.int32,
    "kind": KINDS,
    "quantity": np.int64,
    "intended": np.float64,
    "issued": np.float64,
    "admitted": np.float64,
    "started": np.float64,
    "finished": np.float64,
    "outcome": OUTCOMES,
    "version": np.int32,
    "reason": REASONS,
    "repeats": np.int32,
}
CHANGES: dict[str, Kind] = {
    "command": np.int32,
    "product": np.int32,
    "version": np.int32,
    "quantity_after": np.int64,
    "committed": np.float64,
    "delivered": Lists,
    "visible": np.float64,
    "copies": np.int32,
    "sent": np.float64,
    "delay": np.float64,
    "line": np.float64,
    "outage": np.float64,
    "polled": np.float64,
    "taken": np.float64,
    "handled": np.float64,
    "applied": np.int32,
}
QUERIES: dict[str, Kind] = {
    "session": np.int32,
    "product": np.int32,
    "asked": np.float64,
    "answered": np.float64,
    "seen_version": np.int32,
    "seen_quantity": np.int64,
}
MODELS: dict[str, Kind] = {
    "product": np.int32,
    "held": np.int64,
    "held_version": np.int32,
    "shown": np.int64,
    "shown_version": np.int32,
}

TABLES = {"commands": COMMANDS, "changes": CHANGES, "queries": QUERIES, "models": MODELS}

SIMULATED = ("trio", "array")  # engines; any other run was played on a store
VIRTUAL_TIME = "virtual time"


class TraceError(AssertionError):
    """A trace says something that cannot have happened; str() says what, and where."""


@frozen(slots=False, eq=False)
class Trace:
    """A run: the scenario that was played, and everything that happened.

    `engine` is "trio" or "array"; or, of a run in real time, the kind of store that it
    was played on. `until` is the time at which it ended: when its duration was over
    and all had drained, or when it was interrupted (`complete` is then False). `tables` has
    what happened, by the tables' names, as frames and as arrays.
    """

    scenario: Scenario
    replication: int
    engine: str
    until: float
    complete: bool
    tables: dict[str, Rows]
    program: str = sim.__version__

    @property
    def commands(self) -> "pl.DataFrame":
        """The commands that anybody got to, in the order of the plan."""
        return self.tables["commands"].table

    @property
    def changes(self) -> "pl.DataFrame":
        """The changes, in the order of their commits."""
        return self.tables["changes"].table

    @property
    def queries(self) -> "pl.DataFrame":
        """The queries that were answered."""
        return self.tables["queries"].table

    @property
    def models(self) -> "pl.DataFrame":
        """What both models held in the end."""
        return self.tables["models"].table

    @property
    def seed(self) -> int:
        """The seed from which every stream was spawned."""
        return self.scenario.seed

    @property
    def clock(self) -> str:
        """In which time it was played, in words."""
        return VIRTUAL_TIME if self.engine in SIMULATED else "real time"

    @property
    def window(self) -> tuple[float, float]:
        """The measured stretch of virtual time: after the warm-up, before the end of the plan."""
        return self.scenario.warmup, max(self.scenario.warmup, min(self.scenario.duration, self.until))

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the tables: the same for the same run in any process, by one numpy and one C library."""
        digest = hashlib.sha256()
        for rows in self.tables.values():
            for name, column in digests(rows).items():
                digest.update(f"{name} {len(rows)} {column}\n".encode())
        return digest.hexdigest()

    def save(self, folder: Path) -> None:
        """Write the tables as Parquet, with the scenario and what else makes a trace; or raise OSError."""
        from sim.scenario_file import write_scenario

        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in self.tables.items():
            write_table(rows, folder / f"{name}.parquet")
        write_scenario(self.scenario, folder / "scenario.toml")
        facts = {
            name: getattr(self, name) for name in ("replication", "engine", "until", "complete", "program")
        }
        facts["fingerprint"] = self.fingerprint
        (folder / "trace.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def load_trace(folder: Path) -> Trace:
    """Read a trace that `save` wrote; TraceError if there is none, or its tables are not what they were."""
    from sim.scenario_file import read_scenario

    if not (folder / "trace.json").is_file():
        raise TraceError(f"{folder}: no run was saved here")
    try:
        facts: Any = json.loads((folder / "trace.json").read_text(encoding="utf-8"))
        fingerprint = facts.pop("fingerprint")
        tables = {name: read_table(folder / f"{name}.parquet") for name in TABLES}
        trace = Trace(scenario=read_scenario(folder / "scenario.toml"), tables=tables, **facts)
        found = trace.fingerprint
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
        raise TraceError(f"{folder}: the run that was saved here cannot be read any more") from None
    if found != fingerprint:
        raise TraceError(f"{folder}: the tables are not those that were saved")
    return trace


Flags = NDArray[np.bool_]
Impossible = tuple[str, Callable[[Rows], Flags], str]  # in which table, which rows, and what they would mean

_IMPOSSIBLE: list[Impossible] = [
    (
        "commands",
        lambda commands: (
            (commands["issued"] < commands["intended"])
            | (commands["admitted"] < commands["issued"])
            | (commands["started"] < commands["admitted"])
            | (commands["finished"] < commands["started"])
        ),
        "a command's times run backwards",
    ),
    (
        "commands",
        lambda commands: np.isin(commands["outcome"], (ACCEPTED, REPEATED)) != (commands["version"] >= 0),
        "a command has a version without being accepted, or the other way round",
    ),
    (
        "commands",
        lambda commands: (commands["finished"] >= 0) & (commands["outcome"] == UNKNOWN),
        "a command was finished without an outcome",
    ),
    ("changes", lambda changes: changes["quantity_after"] < 0, "a stock is negative"),
    (
        "changes",
        lambda changes: changes["visible"] < changes["committed"],
        "a change was visible before its commit",
    ),
    (
        "changes",
        lambda changes: changes["delivered"] < changes["committed"],
        "a change arrived before its commit",
    ),
    (
        "changes",
        lambda changes: changes["sent"] < changes["committed"],
        "a change was sent before its commit",
    ),
    (
        "changes",
        lambda changes: changes["handled"] < changes["taken"],
        "a reader was done before it began",
    ),
    (
        "changes",
        lambda changes: (changes["visible"] >= 0) != (changes["applied"] > 0),
        "a change is visible and was never applied, or the other way round",
    ),
    (
        "queries",
        lambda queries: queries["answered"] < queries["asked"],
        "a query was answered before it was asked",
    ),
]
_ARRIVED: list[Impossible] = [  # what is impossible where the reader has nothing but what arrives
    (
        "changes",
        lambda changes: changes["visible"] < changes["delivered"],
        "a change was visible before it arrived",
    ),
]
_UNFINISHED: list[Impossible] = [  # what else is impossible once all has drained
    (
        "commands",
        lambda commands: commands["outcome"] == UNKNOWN,
        "a command never had an outcome, though all drained",
    ),
    (
        "changes",
        lambda changes: changes.listed("delivered").many != changes["copies"],
        "a change is still under way, though all drained",
    ),
]


def check(trace: Trace) -> None:
    """Assert what must hold in every run, whatever the scenario; TraceError names what does not."""
    commands, changes, queries = (trace.tables[name] for name in ("commands", "changes", "queries"))
    by_product = group(changes["product"])
    _in_versions(changes, by_product)
    arrived = _ARRIVED if trace.scenario.reader.apply != "fetch" else []
    for name, impossible, complaint in _IMPOSSIBLE + arrived + (_UNFINISHED if trace.complete else []):
        _none(impossible(trace.tables[name]), trace.tables[name], complaint)
    accepted = commands["id"][commands["outcome"] == ACCEPTED]
    if not np.array_equal(accepted, np.sort(changes["command"])):
        raise TraceError("the accepted commands and the changes are not the same")
    _none(_elsewhere(commands, changes), changes, "a change was committed while nobody worked on its command")
    seen = by_product.nth(queries["product"], queries["seen_version"])
    for event, complaint in (
        ("committed", "a query saw a version that was not committed yet"),
        ("visible", "a query saw a version before it was visible"),
    ):
        since = np.append(changes[event], math.nan).take(seen)
        _none((queries["seen_version"] > 0) & ~(since <= queries["answered"]), queries, complaint)
    for station, entered, left in (("inbox", "admitted", "started"), ("writer", "started", "finished")):
        _little(commands, trace.until, station, entered, left)


def _in_versions(changes: Rows, by_product: Groups) -> None:
    """Assert that each product's versions are 1, 2, 3…, committed one after the other."""
    product, version, committed = (
        changes[name].take(by_product.rows) for name in ("product", "version", "committed")
    )
    odd, early = np.zeros((2, len(changes)), np.bool_)
    odd[by_product.rows] = version != np.arange(1, len(changes) + 1) - by_product.begin(product)
    early[by_product.rows[1:]] = (np.diff(committed) < 0) & (np.diff(product) == 0)
    _none(odd, changes, "a product's versions are not 1, 2, 3…")
    _none(early, changes, "a version was committed before the one that it follows")


def _elsewhere(commands: Rows, changes: Rows) -> Flags:
    """Find the changes whose commit lies outside the work on their command.

    A commit that is moved makes a query fresh that was not, or stale.
    """
    row = np.searchsorted(commands["id"], changes["command"])
    started, finished = commands["started"].take(row), commands["finished"].take(row)
    elsewhere: Flags = (changes["committed"] < started) | (changes["committed"] > finished)
    return elsewhere


def _little(commands: Rows, until: float, station: str, entered: str, left: str) -> None:
    """Assert Little's law, L·T = Σ W, with L counted from the order of arrivals and departures."""
    entrances, exits = commands[entered], commands[left]
    came, went = entrances[~np.isnan(entrances)], exits[~np.isnan(exits)]
    times = np.concatenate([came, went])
    steps = np.repeat([1, -1], [len(came), len(went)])
    order = np.argsort(times, kind="stable")  # who comes and goes in one instant has come before
    inside = np.cumsum(steps[order])
    if len(inside) and inside.min() < 0:
        raise TraceError(f"more commands left the {station} than had entered it")
    area = float(np.sum(inside * np.diff(np.append(times[order], until))))
    waits = float(np.nansum(np.where(np.isnan(exits), until, exits) - entrances))
    if not math.isclose(area, waits, rel_tol=1e-9, abs_tol=1e-6):
        raise TraceError(f"Little's law fails at the {station}: {area} s of waiting against {waits} s")


def _none(impossible: Flags, rows: Rows, complaint: str) -> None:
    """Raise the complaint with the first of the impossible rows, if there is one."""
    if impossible.any():
        raise TraceError(f"{complaint}: {rows.table.row(int(impossible.argmax()), named=True)}")


def reasons(outcome: Ints) -> Ints:
    """Give the number of the reason for which each command was turned down, from the numbers of outcomes.

    There is but one, and its number is 0.
    """
    reason: Ints = UNKNOWN * (outcome != REJECTED).astype(np.int8)
    return reason
