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
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from attrs import frozen

import sim
from sim.columns import UNKNOWN, Rows, checksums, delivered, floats, known, parquet, words
from sim.distributions import Floats, Ints
from sim.groups import group
from sim.inventory import NOT_ENOUGH, NOTHING, Change, Intent, Model, Stock
from sim.plan import Plan
from sim.scenario import Scenario
from sim.scenario_file import read_scenario, write_scenario

TABLES = ("commands", "changes", "queries", "models")
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

SIMULATED = ("trio", "array")  # engines; any other run was played on a store
VIRTUAL_TIME = "virtual time"


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
    commands: pl.DataFrame
    changes: pl.DataFrame
    queries: pl.DataFrame
    models: pl.DataFrame
    program: str = sim.__version__

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
        for table in (self.commands, self.changes, self.queries, self.models):
            for name, checksum in checksums(table).items():
                digest.update(f"{name} {len(table)} {checksum}\n".encode())
        return digest.hexdigest()

    def save(self, folder: Path) -> None:
        """Write the tables as Parquet, with the scenario and what else makes a trace; or raise OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in TABLES:
            (folder / f"{name}.parquet").write_bytes(parquet(getattr(self, name)))
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
        for name in TABLES:
            facts[name] = pl.read_parquet(folder / f"{name}.parquet")
        trace = Trace(scenario=read_scenario(folder / "scenario.toml"), **facts)
        found = trace.fingerprint
    except (OSError, ValueError, LookupError, TypeError, AttributeError, pl.exceptions.PolarsError):
        raise TraceError(f"{folder}: the run that was saved here cannot be read any more") from None
    if found != fingerprint:
        raise TraceError(f"{folder}: the tables are not those that were saved")
    return trace


class Log:
    """Where the actors take facts down while a run lasts; a column an array, a fact an item.

    What a plan intends has its rows from the start; whatever comes up on the
    way gets the next one.
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
        self.change_command.append(command)
        self.change_product.append(change.product)
        self.change_version.append(change.version)
        self.change_quantity.append(change.quantity)
        self.committed.append(now)
        for column in (self.sent, self.delay, self.line, self.outage):
            column.append(math.nan)
        for column in (self.polled, self.taken, self.handled, self.visible):
            column.append(math.nan)
        self.copies.append(0)
        self.applied.append(0)
        self.version[command] = change.version
        return len(self.committed) - 1

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
            commands=self._commands(),
            changes=self._changes(),
            queries=self._queries(),
            models=self._models(),
        )

    def _commands(self) -> pl.DataFrame:
        columns = {
            "id": np.arange(len(self.issued)),
            "worker": np.asarray(self.worker),
            "session": np.asarray(self.worker),
            "product": np.asarray(self.product),
            "kind": words(self.add, KINDS),
            "quantity": np.asarray(self.quantity),
            "intended": np.asarray(self.intended),
            **{name: floats(getattr(self, name)) for name in ("issued", "admitted", "started", "finished")},
            "outcome": words(self.outcome, OUTCOMES),
            "version": known(self.version),
            "reason": reasons(np.asarray(self.outcome)),
            "repeats": known(self.repeats),
        }
        table = pl.DataFrame(columns, schema=COMMANDS)
        return table.filter(pl.col("issued").is_not_null())

    def _changes(self) -> pl.DataFrame:
        n = len(self.committed)
        return pl.DataFrame(
            {
                "command": np.asarray(self.change_command),
                "product": np.asarray(self.change_product),
                "version": np.asarray(self.change_version),
                "quantity_after": np.asarray(self.change_quantity),
                "committed": np.asarray(self.committed),
                "delivered": delivered(np.asarray(self.delivered_change), np.asarray(self.delivered_time), n),
                "visible": floats(self.visible),
                "copies": np.asarray(self.copies),
                **{name: floats(getattr(self, name)) for name in _WAY},
                "applied": np.asarray(self.applied),
            },
            schema=CHANGES,
        )

    def _queries(self) -> pl.DataFrame:
        columns = {
            "session": np.asarray(self.visitor),
            "product": np.asarray(self.wanted),
            "asked": np.asarray(self.asked),
            "answered": floats(self.answered),
            "seen_version": known(self.seen_version),
            "seen_quantity": known(self.seen_quantity),
        }
        return pl.DataFrame(columns, schema=QUERIES).filter(pl.col("answered").is_not_null())

    def _models(self) -> pl.DataFrame:
        held, shown = self.models
        changed = sorted({*self.change_product})
        columns = {
            "product": changed,
            "held": [held[product].quantity for product in changed],
            "held_version": [held[product].version for product in changed],
            "shown": [shown.get(product, NOTHING).quantity for product in changed],
            "shown_version": [shown.get(product, NOTHING).version for product in changed],
        }
        return pl.DataFrame(columns, schema=MODELS)


_WAY = ("sent", "delay", "line", "outage", "polled", "taken", "handled")
_IMPOSSIBLE = [  # in which table, which rows, and what they would mean
    (
        "commands",
        (pl.col("issued") < pl.col("intended"))
        | (pl.col("admitted") < pl.col("issued"))
        | (pl.col("started") < pl.col("admitted"))
        | (pl.col("finished") < pl.col("started")),
        "a command's times run backwards",
    ),
    (
        "commands",
        pl.col("outcome").is_in(["accepted", "repeated"]) != pl.col("version").is_not_null(),
        "a command has a version without being accepted, or the other way round",
    ),
    (
        "commands",
        pl.col("finished").is_not_null() & pl.col("outcome").is_null(),
        "a command was finished without an outcome",
    ),
    (
        "changes",
        pl.col("version") != pl.int_range(1, pl.len() + 1).over("product"),
        "a product's versions are not 1, 2, 3…",
    ),
    (
        "changes",
        (pl.col("committed") < pl.col("committed").shift(1)).over("product"),
        "a version was committed before the one that it follows",
    ),
    ("changes", pl.col("quantity_after") < 0, "a stock is negative"),
    ("changes", pl.col("visible") < pl.col("committed"), "a change was visible before its commit"),
    (
        "changes",
        pl.col("delivered").list.min() < pl.col("committed"),
        "a change arrived before its commit",
    ),
    ("changes", pl.col("sent") < pl.col("committed"), "a change was sent before its commit"),
    ("changes", pl.col("handled") < pl.col("taken"), "a reader was done before it began"),
    (
        "changes",
        pl.col("visible").is_not_null() != (pl.col("applied") > 0),
        "a change is visible and was never applied, or the other way round",
    ),
    ("queries", pl.col("answered") < pl.col("asked"), "a query was answered before it was asked"),
]
_ARRIVED = [  # what is impossible where the reader has nothing but what arrives
    (
        "changes",
        pl.col("visible") < pl.col("delivered").list.min(),
        "a change was visible before it arrived",
    ),
]
_UNFINISHED = [  # what else is impossible once all has drained
    ("commands", pl.col("outcome").is_null(), "a command never had an outcome, though all drained"),
    (
        "changes",
        pl.col("delivered").list.len() != pl.col("copies"),
        "a change is still under way, though all drained",
    ),
]


def check(trace: Trace) -> None:
    """Assert what must hold in every run, whatever the scenario; TraceError names what does not."""
    arrived = _ARRIVED if trace.scenario.reader.apply != "fetch" else []
    for table, rows, complaint in _IMPOSSIBLE + arrived + (_UNFINISHED if trace.complete else []):
        _no_row(getattr(trace, table).filter(rows), complaint)
    accepted = trace.commands.filter(pl.col("outcome") == "accepted")["id"]
    if not accepted.equals(trace.changes["command"].sort()):
        raise TraceError("the accepted commands and the changes are not the same")
    _no_row(_committed_elsewhere(trace), "a change was committed while nobody worked on its command")
    _no_row(_seen_before(trace, "committed"), "a query saw a version that was not committed yet")
    _no_row(_seen_before(trace, "visible"), "a query saw a version before it was visible")
    for station, entered, left in (("inbox", "admitted", "started"), ("writer", "started", "finished")):
        _little(trace.commands, trace.until, station, entered, left)


def _committed_elsewhere(trace: Trace) -> pl.DataFrame:
    """Find the changes whose commit lies outside the work on their command.

    A commit that is moved makes a query fresh that was not, or stale.
    """
    commands, changes = Rows(trace.commands), Rows(trace.changes)
    row = np.searchsorted(commands["id"], changes["command"])
    started, finished = commands["started"].take(row), commands["finished"].take(row)
    return trace.changes.filter((changes["committed"] < started) | (changes["committed"] > finished))


def _seen_before(trace: Trace, event: str) -> pl.DataFrame:
    """Find the queries that were shown a version before, or without, an event of its change."""
    changes, queries = Rows(trace.changes), Rows(trace.queries)
    row = group(changes["product"]).nth(queries["product"], queries["seen_version"])
    time = np.append(changes[event], math.nan).take(row)
    return trace.queries.filter((queries["seen_version"] > 0) & ~(time <= queries["answered"]))


def _little(commands: pl.DataFrame, until: float, station: str, entered: str, left: str) -> None:
    """Assert Little's law, L·T = Σ W, with L counted from the order of arrivals and departures."""
    came, went = commands[entered].drop_nulls().to_numpy(), commands[left].drop_nulls().to_numpy()
    times = np.concatenate([came, went])
    steps = np.repeat([1, -1], [len(came), len(went)])
    order = np.argsort(times, kind="stable")  # who comes and goes in one instant has come before
    inside = np.cumsum(steps[order])
    if len(inside) and inside.min() < 0:
        raise TraceError(f"more commands left the {station} than had entered it")
    area = float(np.sum(inside * np.diff(np.append(times[order], until))))
    waits = commands.select((pl.col(left).fill_null(until) - pl.col(entered)).sum()).item()
    if not math.isclose(area, waits, rel_tol=1e-9, abs_tol=1e-6):
        raise TraceError(f"Little's law fails at the {station}: {area} s of waiting against {waits} s")


def _no_row(rows: pl.DataFrame, complaint: str) -> None:
    """Raise the complaint with the first of the rows, if there is one."""
    if len(rows):
        raise TraceError(f"{complaint}: {rows.row(0, named=True)}")


def reasons(outcome: Ints) -> pl.Series:
    """Make a column of why a command was turned down, from the numbers of outcomes."""
    codes = np.full(len(outcome), UNKNOWN, np.int8)
    codes[outcome == REJECTED] = REASONS.index(NOT_ENOUGH)
    return words(codes, REASONS)


def _filled(kind: Literal["q", "d"], column: Ints | Floats) -> "array[Any]":
    filled = array(kind)
    filled.frombytes(column.astype(kind).tobytes())
    return filled


def _unknowns(n: int) -> "array[int]":
    return array("q", [UNKNOWN]) * n


def _nans(n: int) -> "array[float]":
    return array("d", [math.nan]) * n
