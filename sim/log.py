"""Where the actors take facts down while a run lasts: a column an array, a fact an item."""

import math
from array import array
from typing import Any, Literal

import numpy as np

from sim.columns import UNKNOWN, delivered
from sim.distributions import Floats, Ints
from sim.inventory import NOTHING, Change, Intent, Model, Stock
from sim.plan import Plan
from sim.scenario import Scenario
from sim.tables import Rows, table
from sim.trace import CHANGES, COMMANDS, LOST, MODELS, QUERIES, Trace, reasons

ROOM = 4096  # rows of a log that are added at once
_WAY = ("sent", "delay", "line", "outage", "polled", "taken", "handled", "visible")


class Log:
    """The facts of a run, one number at a time; `trace` makes tables of them afterwards.

    What a plan intends has its rows from the start; whatever comes up on the
    way gets the next one. What is yet to happen to changes has rows ahead:
    there are as many changes as were `committed`.
    """

    __slots__ = (  # there are more than Python finds quickly without being told
        *("worker", "product", "add", "quantity", "intended", "issued", "admitted", "started", "finished"),
        *("outcome", "version", "repeats"),
        *("change_command", "change_product", "change_version", "change_quantity", "committed"),
        *(*_WAY, "copies", "applied", "delivered_change", "delivered_time"),
        *("visitor", "wanted", "asked", "answered", "seen_version", "seen_quantity"),
        "models",
    )

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
        row = intent.row
        if row is not None and math.isnan(self.issued[row]):
            self.issued[row] = now
            return row
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
