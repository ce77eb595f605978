"""The warehouse, pure: what a command asks, what is decided, what a change tells the read model.

A model maps a product to its Stock; a product that it has never seen reads 0.
Nothing here waits, draws or remembers: the actors do that.
"""

from collections.abc import Mapping
from typing import Any, Literal

from attrs import frozen

Kind = Literal["add", "remove"]
Apply = Literal["newest", "arrival"]

NOT_ENOUGH = "Not enough stock!"
FULL = "The channel is full!"


@frozen
class Stock:
    """How many items of one product there are, and how many changes led there."""

    quantity: int = 0
    version: int = 0


@frozen
class Intent:
    """What somebody means to command.

    `when` is the planned instant, None for as soon as they get to it; `row`
    is where a plan has put it in the trace.
    """

    kind: Kind
    product: int
    quantity: int = 1
    when: float | None = None
    row: int | None = None


@frozen
class Command:
    """Somebody's wish: add or remove some items of a product; id is its row in the trace."""

    id: int
    kind: Kind
    product: int
    quantity: int
    reply: Any = None  # where the answer goes, if somebody waits for it


@frozen
class Change:
    """What an accepted command did: the product's new quantity, as its version-th change."""

    product: int
    version: int
    quantity: int


@frozen
class Rejection:
    """Why a command was not accepted; nothing has changed."""

    reason: str


Answer = Change | Rejection
Model = Mapping[int, Stock]
NOTHING = Stock()


def decide(model: Model, command: Command) -> Answer:
    """Say what a command does to the write model; more than there is cannot be removed."""
    stock = model.get(command.product, NOTHING)
    if command.kind == "remove" and command.quantity > stock.quantity:
        return Rejection(NOT_ENOUGH)
    moved = command.quantity if command.kind == "add" else -command.quantity
    return Change(command.product, stock.version + 1, stock.quantity + moved)


def fold(model: Model, change: Change, apply: Apply = "newest") -> Stock:
    """Say what a model shows of the product once a change has reached it.

    "newest" lets a change that comes too late alone; under "arrival" the last
    one to arrive wins, be it older.
    """
    shown = model.get(change.product, NOTHING)
    if apply == "newest" and change.version <= shown.version:
        return shown
    return Stock(change.quantity, change.version)
