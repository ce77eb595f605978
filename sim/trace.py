"""What happened: columnar tables, written by the actors, read by everybody else.

While a run lasts, a Log takes down facts, one number at a time. Afterwards
`Log.trace` makes polars tables of it. Times are virtual seconds since the
start; what never happened is null.

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
from array import array
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from attrs import frozen
from numpy.typing import NDArray

import sim
from sim.columns import UNKNOWN, Rows, delivered, digests, parquet, plain, table
from sim.distributions import Floats, Ints
from sim.groups import Groups, group
from sim.inventory import NOT_ENOUGH, NOTHING, Change, Intent, Model, Stock
from sim.plan import Plan
from sim.scenario import Scenario
from sim.scenario_file import read_scenario, write_scenario

KINDS = ("remove", "add")
OUTCOMES = ("accepted", "rejected", "shed", "lost", "repeated")
ACCEPTED, REJECTED, SHED, LOST, REPEATED = range(5)
REASONS = (NOT_ENOUGH,)

COMMANDS: dict[str, pl.DataType] = {
    "id": pl.Int32(),
    "worker": pl.Int32(),
    "session": pl.Int32(),
    "product": pl.Int32(),
    "kind": pl.Enum(KINDS),
    "quantity": pl.Int64(),
    "intended": pl.Float64(),
    "issued": pl.Float64(),
    "admitted": pl.Float64(),
    "started": pl.Float64(),
    "finished": pl.Float64(),
    "outcome": pl.Enum(OUTCOMES),
    "version": pl.Int32(),
    "reason": pl.Enum(REASONS),
    "repeats": pl.Int32(),
}
CHANGES: dict[str, pl.DataType] = {
    "command": pl.Int32(),
    "product": pl.Int32(),
    "version": pl.Int32(),
    "quantity_after": pl.Int64(),
    "committed": pl.Float64(),
    "delivered": pl.List(pl.Float64()),
    "visible": pl.Float64(),
    "copies": pl.Int32(),
    "sent": pl.Float64(),
    "delay": pl.Float64(),
    "line": pl.Float64(),
    "outage": pl.Float64(),
    "polled": pl.Float64(),
    "taken": pl.Float64(),
    "handled": pl.Float64(),
    "applied": pl.Int32(),
}
QUERIES: dict[str, pl.DataType] = {
    "session": pl.Int32(),
    "product": pl.Int32(),
    "asked": pl.Float64(),
    "answered": pl.Float64(),
    "seen_version": pl.Int32(),
    "seen_quantity": pl.Int64(),
}
MODELS: dict[str, pl.DataType] = {
    "product": pl.Int32(),
    "held": pl.Int64(),
    "held_version": pl.Int32(),
    "shown": pl.Int64(),
    "shown_version": pl.Int32(),
}

TABLES = {"commands": COMMANDS, "changes": CHANGES, "queries": QUERIES, "models": MODELS}

SIMULATED = ("trio", "array")  # engines; any other run was played on a store
VIRTUAL_TIME = "virtual time"
ROOM = 4096  # rows of a log that are added at once


class TraceError(AssertionError):
    """A trace says something that cannot have happened; str() says what, and where."""


@frozen(slots=False, eq=False)
class Trace:
    """A run: the scenario that was played, and everything that happened.

    `engine` is "trio" or "array"; or, of a run in real time, the kind of store that it
    was played on. `until` is the time at which it ended: when its duration was over
    and all had drained, or when it was interrupted (`complete` is then False).
    """

    scenario: Scenario
    replication: int
    engine: str
    until: float
    complete: bool
    tables: dict[str, Rows]
    program: str = sim.__version__

    @property
    def commands(self) -> pl.DataFrame:
        """The commands that anybody got to, in the order of the plan."""
        return self.tables["commands"].table

    @property
    def changes(self) -> pl.DataFrame:
        """The changes, in the order of their commits."""
        return self.tables["changes"].table

    @property
    def queries(self) -> pl.DataFrame:
        """The queries that were answered."""
        return self.tables["queries"].table

    @property
    def models(self) -> pl.DataFrame:
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
        """A hash of the tables: the same for the same run, on any machine, in any process."""
        digest = hashlib.sha256()
        for rows in self.tables.values():
            for name, column in digests(rows).items():
                digest.update(f"{name} {len(rows)} {column}\n".encode())
        return digest.hexdigest()

    def save(self, folder: Path) -> None:
        """Write the tables as Parquet, with the scenario and what else makes a trace; or raise OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in self.tables.items():
            (folder / f"{name}.parquet").write_bytes(parquet(rows.table))
        write_scenario(self.scenario, folder / "scenario.toml")
        facts = {
            name: getattr(self, name) for name in ("replication", "engine", "until", "complete", "program")
        }
        facts["fingerprint"] = self.fingerprint
        (folder / "trace.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def load_trace(folder: Path) -> Trace:
    """Read a trace that `save` wrote; TraceError if there is none, or its tables are not what they were."""
    if not (folder / "trace.json").is_file():
        raise TraceError(f"{folder}: no run was saved here")
    try:
        facts: Any = json.loads((folder / "trace.json").read_text(encoding="utf-8"))
        fingerprint = facts.pop("fingerprint")
        tables = {name: Rows(pl.read_parquet(folder / f"{name}.parquet")) for name in TABLES}
        trace = Trace(scenario=read_scenario(folder / "scenario.toml"), tables=tables, **facts)
        found = trace.fingerprint
    except (OSError, ValueError, LookupError, TypeError, AttributeError, pl.exceptions.PolarsError):
        raise TraceError(f"{folder}: the run that was saved here cannot be read any more") from None
    if found != fingerprint:
        raise TraceError(f"{folder}: the tables are not those that were saved")
    return trace


class Log:
    """Where the actors take facts down while a run lasts; a column an array, a fact an item.

    What a plan intends has its rows from the start; whatever comes up on the
    way gets the next one. What is yet to happen to changes has rows ahead:
    there are as many changes as were `committed`.
    """

    def __init__(self, commands: Plan, queries: Plan) -> None:
        n, m = len(commands), len(queries)
        self.worker = _filled("q", commands.who)
        self.product = _filled("q", commands.product)
        self.add = _filled("q", commands.add)
        self.quantity = _filled("q", commands.quantity)
        self.intended = _filled("d", commands.when)
        self.issued = _nans(n)
        self.admitted = _nans(n)
        self.started = _nans(n)
        self.finished = _nans(n)
        self.outcome = _unknowns(n)
        self.version = _unknowns(n)
        self.repeats = _unknowns(n)

        self.change_command = array("q")
        self.change_product = array("q")
        self.change_version = array("q")
        self.change_quantity = array("q")
        self.committed = array("d")
        self.sent = array("d")
        self.delay = array("d")
        self.line = array("d")
        self.outage = array("d")
        self.polled = array("d")
        self.taken = array("d")
        self.handled = array("d")
        self.visible = array("d")
        self.copies = array("q")
        self.applied = array("q")
        self.delivered_change = array("q")
        self.delivered_time = array("d")

        self.visitor = _filled("q", queries.who)
        self.wanted = _filled("q", queries.product)
        self.asked = _filled("d", queries.when)
        self.answered = _nans(m)
        self.seen_version = _unknowns(m)
        self.seen_quantity = _unknowns(m)

        self.models: tuple[Model, Model] = ({}, {})

    def issue(self, worker: int, intent: Intent, now: float, repeats: int | None = None) -> int:
        """Take down that a worker gets to an intent, or to it again; return the command's row."""
        if intent.row is not None and math.isnan(self.issued[intent.row]):
            self.issued[intent.row] = now
            return intent.row
        self.worker.append(worker)
        self.product.append(intent.product)
        self.add.append(intent.kind == "add")
        self.quantity.append(intent.quantity)
        self.intended.append(now if intent.when is None else intent.when)
        self.issued.append(now)
        for column in (self.admitted, self.started, self.finished):
            column.append(math.nan)
        self.outcome.append(UNKNOWN)
        self.version.append(UNKNOWN)
        self.repeats.append(UNKNOWN if repeats is None else repeats)
        return len(self.issued) - 1

    def lose(self, command: int) -> None:
        """Take down that nobody goes on with a command; what was committed is committed all the same."""
        self.admitted[command] = self.started[command] = math.nan
        if self.outcome[command] == UNKNOWN:
            self.outcome[command] = LOST

    def ask(self, session: int, product: int, now: float) -> int:
        """Take down that somebody asks for a product; return the query's row."""
        self.visitor.append(session)
        self.wanted.append(product)
        self.asked.append(now)
        self.answered.append(math.nan)
        self.seen_version.append(UNKNOWN)
        self.seen_quantity.append(UNKNOWN)
        return len(self.asked) - 1

    def commit(self, command: int, change: Change, now: float) -> int:
        """Take down that a command was accepted and what it changed; return the change's row."""
        row = len(self.committed)
        if row == len(self.applied):
            self._make_room()
        self.change_command.append(command)
        self.change_product.append(change.product)
        self.change_version.append(change.version)
        self.change_quantity.append(change.quantity)
        self.committed.append(now)
        self.version[command] = change.version
        return row

    def _make_room(self) -> None:
        """Add rows for changes to come: many at once, for one by one would take half of a log's time."""
        for name in _WAY:
            getattr(self, name).extend(_nans(ROOM))
        self.copies.extend(_zeros(ROOM))
        self.applied.extend(_zeros(ROOM))

    def travel(self, change: int, copies: int, delay: float, line: float, outage: float) -> None:
        """Take down how many copies of a change will come out, and what holds the first of them."""
        self.copies[change] = copies
        self.delay[change] = delay
        self.line[change] = line
        self.outage[change] = outage

    def deliver(self, change: int, now: float) -> None:
        """Take down that a copy of a change has come out of the link."""
        self.delivered_change.append(change)
        self.delivered_time.append(now)

    def take(self, change: int, polled: float, now: float) -> None:
        """Take down that the reader begins to work on a change, in a round that began at `polled`."""
        if not self.applied[change]:
            self.polled[change] = polled
            self.taken[change] = now

    def handle(self, change: int, now: float) -> None:
        """Take down that the reader has done its work on a change."""
        if not self.applied[change]:
            self.handled[change] = now

    def show(self, change: int, now: float) -> None:
        """Take down that the read model shows a change, for the first time or again."""
        if not self.applied[change]:
            self.visible[change] = now
        self.applied[change] += 1

    def answer(self, query: int, stock: Stock, now: float) -> None:
        """Take down what a query was shown."""
        self.answered[query] = now
        self.seen_version[query] = stock.version
        self.seen_quantity[query] = stock.quantity

    def end(self, held: Model, shown: Model) -> None:
        """Take down what the write model holds in the end, and what the read model shows."""
        self.models = held, shown

    def trace(self, scenario: Scenario, replication: int, until: float, complete: bool) -> Trace:
        """Make tables of all that was taken down; what was planned but never begun stays out."""
        return Trace(
            scenario=scenario,
            replication=replication,
            engine="trio",
            until=until,
            complete=complete,
            tables={
                "commands": self._commands(),
                "changes": self._changes(),
                "queries": self._queries(),
                "models": self._models(),
            },
        )

    def _commands(self) -> Rows:
        begun = np.flatnonzero(~np.isnan(self.issued))
        columns = {
            "id": np.arange(len(self.issued)),
            "session": self.worker,
            "kind": self.add,
            "reason": reasons(np.asarray(self.outcome)),
        }
        columns |= {name: getattr(self, name) for name in COMMANDS if name not in columns}
        return table(COMMANDS, **{name: np.asarray(column)[begun] for name, column in columns.items()})

    def _changes(self) -> Rows:
        n = len(self.committed)
        came = delivered(np.asarray(self.delivered_change), np.asarray(self.delivered_time), n)
        filled_on_the_way = (*_WAY, "copies", "applied")
        return table(
            CHANGES,
            command=self.change_command,
            product=self.change_product,
            version=self.change_version,
            quantity_after=self.change_quantity,
            committed=self.committed,
            delivered=came,
            **{name: np.asarray(getattr(self, name))[:n] for name in filled_on_the_way},
        )

    def _queries(self) -> Rows:
        answered = np.flatnonzero(~np.isnan(self.answered))
        columns = {
            "session": self.visitor,
            "product": self.wanted,
            "asked": self.asked,
            "answered": self.answered,
            "seen_version": self.seen_version,
            "seen_quantity": self.seen_quantity,
        }
        return table(QUERIES, **{name: np.asarray(column)[answered] for name, column in columns.items()})

    def _models(self) -> Rows:
        held, shown = self.models
        changed = sorted({*self.change_product})
        return table(
            MODELS,
            product=changed,
            held=[held[product].quantity for product in changed],
            held_version=[held[product].version for product in changed],
            shown=[shown.get(product, NOTHING).quantity for product in changed],
            shown_version=[shown.get(product, NOTHING).version for product in changed],
        )


_WAY = ("sent", "delay", "line", "outage", "polled", "taken", "handled", "visible")
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
        lambda changes: plain(changes.table["delivered"].list.len()) != changes["copies"],
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


def _filled(kind: Literal["q", "d"], column: Ints | Floats) -> "array[Any]":
    filled = array(kind)
    filled.frombytes(column.astype(kind).tobytes())
    return filled


def _unknowns(n: int) -> "array[int]":
    return array("q", [UNKNOWN]) * n


def _zeros(n: int) -> "array[int]":
    return array("q", [0]) * n


def _nans(n: int) -> "array[float]":
    return array("d", [math.nan]) * n
