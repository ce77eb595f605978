"""What a store must be able to do to stand behind the writer and the reader, and how it fails.

A write store keeps state and outbox in one transaction. A feed gives what was
committed past a cursor, which belongs to whoever asks and is kept in the read
store: with the rows, in one transaction. Nothing is acknowledged.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol, TypeVar

import trio
from attrs import Factory, define, field, frozen

from sim.inventory import Change, Stock
from sim.live.proxy import Wire

T = TypeVar("T")

SCHEMA = 1  # what this program writes, and the only one that it reads
PATIENCE = 30.0  # seconds after which a store that does not answer counts as lost
LOOK = 0.001  # seconds between two looks at how far a copy is
LOOK_AGAIN = 1.0  # seconds after which a feed looks by itself, should a notice have been lost


class NoStore(ValueError):
    """A store that cannot be opened; str() says why, and what would do."""


class StoreLost(RuntimeError):
    """A store that failed in mid-run; str() says which, and why."""


class Entry(NamedTuple):
    """A change to be committed, with the key of the command that asked for it, if it may come again."""

    key: int | None
    change: Change


class Noted(NamedTuple):
    """A change in the outbox: the sequence-th that was ever committed there, counted from 1."""

    sequence: int
    change: Change


@frozen
class Held:
    """What a write store holds: the products that ever changed, its last number, what was accepted by key."""

    model: Mapping[int, Stock]
    last: int
    accepted: Mapping[int | None, Change]


class WriteStore(Protocol):
    """Where the writer commits."""

    async def load(self) -> Held:
        """Read all that it holds."""
        ...

    async def commit(self, batch: Sequence[Entry]) -> int:
        """Put state and outbox into one transaction; return the last sequence number. Never half done."""
        ...


class Feed(Protocol):
    """Where the reader hears of what was committed."""

    async def next(self, after: int) -> list[Noted]:
        """Wait until there is something past `after`, and give it in order; nothing, now and then."""
        ...


class Shown(Protocol):
    """What people see."""

    async def load(self) -> Mapping[int, Stock]:
        """Read all rows."""
        ...

    async def position(self) -> int:
        """Say up to which number everything can be seen."""
        ...

    async def see(self, product: int) -> Stock | None:
        """Look at one product; None if it never changed."""
        ...


class ReadStore(Shown, Protocol):
    """What the reader keeps, and people see."""

    async def apply(self, changes: Sequence[Change], position: int) -> None:
        """Put rows and position into one transaction; an older version than is shown changes nothing."""
        ...


@frozen
class Stores:
    """The three ports of one kind of store."""

    write: WriteStore
    feed: Feed
    read: ReadStore


@frozen
class Pair:
    """A store that copies itself: what is committed here can be seen there, without feed and reader.

    `name` is that of the copy; the wire leads to it, where it is ours.
    """

    name: str
    write: WriteStore
    read: Shown
    wire: Wire | None = None


Open = Callable[[bool], AbstractAsyncContextManager[Stores]]  # told whether to start with nothing in it
OpenPair = Callable[[bool], AbstractAsyncContextManager[Pair]]


@frozen
class Seat:
    """A role at a blocking store: its own connection, used by one thread at a time.

    What has begun is seen through: a transaction that is cancelled half-way
    may have happened or not. So nobody can interrupt it, and only a store
    that does not answer at all is given up.
    """

    name: str
    limiter: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1))
    patience: float = PATIENCE

    async def do(self, act: Callable[[], T]) -> T:
        """Have something done in a thread; StoreLost if that takes too long."""
        await trio.lowlevel.checkpoint_if_cancelled()
        try:
            with trio.fail_after(self.patience, shield=True):
                return await trio.to_thread.run_sync(act, limiter=self.limiter, abandon_on_cancel=True)
        except trio.TooSlowError:
            raise StoreLost(f"{self.name} has not answered for {self.patience:g} s") from None


@define
class Bell:
    """Wakes whoever waits for news; what is new, they must see for themselves.

    Whoever looks first takes the event, then looks, then waits for it: so
    nothing falls in between.
    """

    event: trio.Event = Factory(trio.Event)

    def ring(self) -> None:
        """Wake all who wait."""
        self.event.set()
        self.event = trio.Event()
