"""Valkey or Redis: state and outbox, a stream, in one MULTI; the reader reads on from its own position.

Entries of the stream bear their sequence number as their id. No consumer
group: what was taken and not acknowledged would be lost in a crash.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

import trio
from attrs import define, frozen
from coredis import Redis
from coredis.exceptions import RedisError
from msgspec.structs import astuple

from sim.inventory import Change, Stock
from sim.live.ports import LOOK_AGAIN, PATIENCE, SCHEMA, Entry, Held, NoStore, Noted, StoreLost, Stores

T = TypeVar("T")
Client = Redis[str]

MARK, HELD, OUTBOX, SHOWN, PLACE = (f"sim:{name}" for name in ("schema", "held", "outbox", "shown", "place"))
CONNECT_WITHIN = 5.0  # seconds
FIELDS = ("key", "product", "version", "quantity", "moved")
APPLY = """
for i = 2, #ARGV, 3 do
    local shown = redis.call('hget', KEYS[1], ARGV[i])
    local version = shown and tonumber(string.match(shown, ' (%d+)$')) or 0
    if tonumber(ARGV[i + 2]) > version then
        redis.call('hset', KEYS[1], ARGV[i], ARGV[i + 1] .. ' ' .. ARGV[i + 2])
    end
end
if tonumber(ARGV[1]) > tonumber(redis.call('get', KEYS[2]) or '0') then
    redis.call('set', KEYS[2], ARGV[1])
end
"""


@asynccontextmanager
async def open_valkey(address: str, fresh: bool) -> AsyncIterator[Stores]:
    """Open a store at an address; NoStore says why that cannot be done. `fresh` empties it first."""
    name, ready = name_of(address), False
    try:
        url = "redis://" + address.partition("://")[2]
        async with Redis.from_url(
            url, decode_responses=True, connect_timeout=CONNECT_WITHIN, stream_timeout=PATIENCE
        ) as client:
            await _prepare(client, name, fresh)
            ready = True
            yield Stores(_Write(client, name), _Feed(client, name), _Read(client, name))
    except BaseException as error:
        if why := _lost(error):
            raise (StoreLost if ready else NoStore)(f"{name}: {why}") from None
        raise


def name_of(address: str) -> str:
    """Name a server by what of its address is no secret."""
    try:
        parts = urlsplit(address)
        return f"valkey://{parts.hostname or 'localhost'}:{parts.port or 6379}"
    except ValueError:
        raise NoStore("--on valkey: write valkey://:password@host:port") from None


def _lost(error: BaseException) -> str:
    """Say what the server, or the way to it, is to blame for; nothing if it is not."""
    if isinstance(error, BaseExceptionGroup):
        found = error.subgroup((RedisError, OSError))
        return _lost(found.exceptions[0]) if found and not error.subgroup(KeyboardInterrupt) else ""
    return _said(error) if isinstance(error, RedisError | OSError) else ""


def _said(error: RedisError | OSError) -> str:
    """Say what the server said, or what became of it; of a pipeline, that of its first command."""
    return str(error).rpartition("caused error: ")[2] or "the connection is lost"


async def _prepare(client: Client, name: str, fresh: bool) -> None:
    """Make the store ours, or refuse one of another version."""
    version = await client.get(MARK)
    if version not in (None, str(SCHEMA)):
        raise NoStore(
            f"{name}: a store of schema version {version}, where this program knows {SCHEMA}; "
            "delete its keys sim:*, or choose another server"
        )
    if fresh:
        await client.delete([HELD, OUTBOX, SHOWN, PLACE])
    await client.set(MARK, str(SCHEMA))


async def _see_through(name: str, act: Callable[[], Awaitable[T]]) -> T:
    """Do something that nobody can interrupt; StoreLost if there is no answer, or a bad one."""
    await trio.lowlevel.checkpoint_if_cancelled()
    try:
        with trio.fail_after(PATIENCE, shield=True):
            return await act()
    except trio.TooSlowError:
        raise StoreLost(f"{name} has not answered for {PATIENCE:g} s") from None
    except (RedisError, OSError) as error:
        raise StoreLost(f"{name}: {_said(error)}") from None


def _stock(text: str) -> Stock:
    quantity, version = text.split()
    return Stock(int(quantity), int(version))


def _noted(entry: Any) -> tuple[int | None, Noted]:
    """Read an entry of the stream: its key, and what was noted."""
    values = entry.field_values
    change = Change(*(int(values[field]) for field in FIELDS[1:]))
    return int(values["key"]) if values["key"] else None, Noted(int(entry.identifier.split("-")[0]), change)


@define
class _Write:
    """The write model and its outbox; `last` is the last number in it, once that is known."""

    client: Client
    name: str
    last: int = 0

    async def load(self) -> Held:
        async def read() -> Held:
            rows = await self.client.hgetall(HELD)
            entries = [_noted(entry) for entry in await self.client.xrange(OUTBOX)]
            self.last = entries[-1][1].sequence if entries else 0
            accepted: dict[int | None, Change] = {
                key: note.change for key, note in entries if key is not None
            }
            return Held({int(product): _stock(row) for product, row in rows.items()}, self.last, accepted)

        return await _see_through(self.name, read)

    async def commit(self, batch: Sequence[Entry]) -> int:
        async def write() -> None:
            async with self.client.pipeline(transaction=True) as together:
                for number, (key, change) in enumerate(batch, self.last + 1):
                    together.hset(HELD, {str(change.product): f"{change.quantity} {change.version}"})
                    values = ("" if key is None else key, *astuple(change))
                    note = {field: str(value) for field, value in zip(FIELDS, values, strict=True)}
                    together.xadd(OUTBOX, note, identifier=f"{number}-0")

        await _see_through(self.name, write)
        self.last += len(batch)
        return self.last


@frozen
class _Feed:
    """The stream, read past a cursor."""

    client: Client
    name: str

    async def next(self, after: int) -> list[Noted]:
        try:
            found = await self.client.xread({OUTBOX: f"{after}-0"}, block=int(LOOK_AGAIN * 1000))
        except (RedisError, OSError) as error:
            raise StoreLost(f"{self.name}: {_said(error)}") from None
        return [_noted(entry)[1] for entry in (found or {}).get(OUTBOX, ())]


@frozen
class _Read:
    """The read model: written by the reader, looked at by everybody else."""

    client: Client
    name: str

    async def load(self) -> Mapping[int, Stock]:
        rows = await _see_through(self.name, lambda: self.client.hgetall(SHOWN))
        return {int(product): _stock(row) for product, row in rows.items()}

    async def position(self) -> int:
        return int(await _see_through(self.name, lambda: self.client.get(PLACE)) or 0)

    async def apply(self, changes: Sequence[Change], position: int) -> None:
        rows = [str(n) for change in changes for n in (change.product, change.quantity, change.version)]
        words = [str(position), *rows]
        await _see_through(self.name, lambda: self.client.eval(APPLY, [SHOWN, PLACE], words))

    async def see(self, product: int) -> Stock | None:
        row = await _see_through(self.name, lambda: self.client.hget(SHOWN, str(product)))
        return _stock(row) if row else None
