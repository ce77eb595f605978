"""The warehouse, pure: what a command asks, what is decided, what a change tells the read model.

A model maps a product to its Stock; a product that it has never seen reads 0.
Nothing here waits, draws or remembers: the actors do that. What a run makes
millions of is msgspec's struct, as frozen as any value and made in a fifth of
the time.
"""

from collections.abc import Mapping
from typing import Any, Literal

from attrs import frozen
from msgspec import Struct

Kind = Literal["add", "remove"]
Apply = Literal["newest", "arrival", "delta", "fetch"]

NOT_ENOUGH = "Not enough stock!"
FULL = "The channel is full!"


class Stock(Struct, frozen=True):
    """How many items of one product there are, and how many changes led there.

    Where differences are added up, one may be missing while later ones have
    been added: `ahead` are those, and the version is the last before the gap.
    """

    quantity: int = 0
    version: int = 0
    ahead: frozenset[int] = frozenset()


class Intent(Struct, frozen=True):
    """What somebody means to command.

    `when` is the planned instant, None for as soon as they get to it; `row`
    is where a plan has put it in the trace.
    """

    kind: Kind
    product: int
    quantity: int = 1
    when: float | None = None
    row: int | None = None


class Command(Struct, frozen=True):
    """Somebody's wish: add or remove some items of a product.

    `id` is its row in the trace; `key`, for a command that may be sent again,
    the id of its first sending.
    """

    id: int
    kind: Kind
    product: int
    quantity: int
    reply: Any = None  # where the answer goes, if somebody waits for it
    key: int | None = None


class Change(Struct, frozen=True):
    """What an accepted command did: the product's new quantity, as its version-th change.

    `moved` is the difference that it made: more than 0 for what was added.
    """

    product: int
    version: int
    quantity: int
    moved: int


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
    return Change(command.product, stock.version + 1, stock.quantity + moved, moved)


def fold(model: Model, change: Change, apply: Apply = "newest") -> Stock:
    """Say what a model shows of the product once a change has reached it.

    "newest" lets a change that comes too late alone, and so does "fetch", for
    which `change` is the write model's present one; under "arrival" the last
    one to arrive wins, be it older; "delta" adds the difference, however often
    it comes.
    """
    shown = model.get(change.product, NOTHING)
    if apply == "delta":
        return _added(shown, change)
    if apply != "arrival" and change.version <= shown.version:
        return shown
    return Stock(change.quantity, change.version)


def _added(shown: Stock, change: Change) -> Stock:
    """Add a change's difference, and find the last version before the first gap."""
    quantity, version, ahead = shown.quantity + change.moved, shown.version, shown.ahead
    if change.version > version:
        ahead = ahead | {change.version}
    while version + 1 in ahead:
        version += 1
    return Stock(quantity, version, frozenset(later for later in ahead if later > version))
