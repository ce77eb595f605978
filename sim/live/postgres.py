"""PostgreSQL: state and outbox in one statement, and a NOTIFY that goes out with the commit.

Connections are blocking, each in a thread of its own. A notice only says that
there is news; a feed that has heard nothing for a second looks all the same.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from typing import Any, TypeVar

import psycopg
import trio
from attrs import Factory, frozen
from msgspec.structs import astuple
from psycopg.conninfo import conninfo_to_dict

from sim.inventory import Change, Stock
from sim.live.ports import LOOK_AGAIN, SCHEMA, Entry, Held, NoStore, Noted, Seat, StoreLost, Stores

T = TypeVar("T")
Connection = psycopg.Connection[tuple[Any, ...]]

CONNECT_WITHIN = 5  # seconds
CREATE = f"""
create schema sim_store;
create table sim_store.schema (version integer not null);
insert into sim_store.schema values ({SCHEMA});
create table sim_store.held (product bigint primary key, quantity bigint not null, version bigint not null);
create table sim_store.shown (product bigint primary key, quantity bigint not null, version bigint not null);
create table sim_store.outbox (sequence bigint primary key, key bigint, product bigint not null,
                               version bigint not null, quantity bigint not null, moved bigint not null);
create table sim_store.place (position bigint not null);
insert into sim_store.place values (0);
"""
COMMIT = """
with batch as (
    select * from unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
    with ordinality as batch (key, product, version, quantity, moved, n)
), state as (
    insert into sim_store.held
    select distinct on (product) product, quantity, version from batch order by product, version desc
    on conflict (product) do update set quantity = excluded.quantity, version = excluded.version
), notes as (
    insert into sim_store.outbox
    select (select coalesce(max(sequence), 0) from sim_store.outbox) + n,
           key, product, version, quantity, moved
    from batch returning sequence
)
select max(sequence), pg_notify('sim_outbox', '') from notes
"""
APPLY = """
with state as (
    insert into sim_store.shown select * from unnest(%s::bigint[], %s::bigint[], %s::bigint[])
    on conflict (product) do update set quantity = excluded.quantity, version = excluded.version
    where excluded.version > shown.version
)
update sim_store.place set position = greatest(position, %s)
"""


@asynccontextmanager
async def open_postgresql(address: str, fresh: bool) -> AsyncIterator[Stores]:
    """Open a store at an address; NoStore says why that cannot be done. `fresh` empties it first."""
    name = name_of(address)
    with ExitStack() as stack:
        writing, reading, feeding, looking = (stack.enter_context(session(address)) for _ in range(4))
        try:
            prepare(writing.connection, name, fresh)
            feed = _Feed(feeding)
            feeding.connection.add_notify_handler(lambda notice: feed.heard.append(notice))
            feeding.connection.execute("listen sim_outbox")
        except psycopg.Error as error:
            raise NoStore(f"{name}: {said(error)}") from None
        yield Stores(Writing(writing), feed, _Read(reading, looking))


def name_of(address: str) -> str:
    """Name a server by what of its address is no secret."""
    try:
        parts = conninfo_to_dict(address)
    except psycopg.ProgrammingError:
        raise NoStore("no such address; write postgresql://user@host:port/database") from None
    return f"postgresql://{parts.get('host', '')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"


@contextmanager
def session(address: str) -> Iterator["Session"]:
    """Connect to a server; NoStore says why that cannot be done."""
    name = name_of(address)
    try:
        connection = psycopg.connect(address, autocommit=True, connect_timeout=CONNECT_WITHIN)
    except psycopg.Error as error:
        raise NoStore(f"{name}: {said(error)}") from None
    with closing(connection):
        yield Session(connection, name, Seat(name))


def said(error: psycopg.Error) -> str:
    """Say in one line what the server said, or what became of it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    words = lines[0] if lines else "the connection is lost"
    return words.rpartition("failed: ")[2].removeprefix("FATAL:").strip()


def prepare(connection: Connection, name: str, fresh: bool) -> None:
    """Make the tables, unless they are there; refuse those of another version."""
    there = connection.execute("select to_regclass('sim_store.schema')::text").fetchone()
    if there and there[0]:
        row = connection.execute("select version from sim_store.schema").fetchone()
        if row != (SCHEMA,):
            version = row[0] if row else "?"
            raise NoStore(
                f"{name}: a store of schema version {version}, where this program knows {SCHEMA}; "
                "drop its schema sim_store, or choose another database"
            )
        if not fresh:
            return
        connection.execute("drop schema sim_store cascade")
    with connection.transaction():
        connection.execute(CREATE)


@frozen
class Session:
    """A connection, and the thread that may use it."""

    connection: Connection
    name: str
    seat: Seat

    async def do(self, act: Callable[[Connection], T]) -> T:
        """Have something done; StoreLost says what went wrong."""
        try:
            return await self.seat.do(lambda: act(self.connection))
        except psycopg.Error as error:
            raise StoreLost(f"{self.name}: {said(error)}") from None


@frozen
class Writing:
    """The write model and its outbox."""

    seat: Session

    async def load(self) -> Held:
        """Read all that it holds."""

        def read(connection: Connection) -> Held:
            rows = connection.execute("select product, quantity, version from sim_store.held")
            model = {product: Stock(*stock) for product, *stock in rows}
            last = connection.execute("select coalesce(max(sequence), 0) from sim_store.outbox").fetchone()
            keyed = connection.execute(
                "select key, product, version, quantity, moved from sim_store.outbox where key is not null"
            )
            return Held(model, last[0] if last else 0, {key: Change(*change) for key, *change in keyed})

        return await self.seat.do(read)

    async def commit(self, batch: Sequence[Entry]) -> int:
        """Put state and outbox into one statement; return the last sequence number."""
        rows = ((entry.key, *astuple(entry.change)) for entry in batch)
        columns = [list(column) for column in zip(*rows, strict=True)]
        row = await self.seat.do(lambda connection: connection.execute(COMMIT, columns).fetchone())
        assert row
        return int(row[0])


@frozen
class _Feed:
    """The outbox, read past a cursor; `heard` are notices that came with an answer."""

    seat: Session
    heard: list[object] = Factory(list)

    async def next(self, after: int) -> list[Noted]:
        self.heard.clear()
        noted = await self.seat.do(lambda connection: _past(connection, after))
        if not noted and not self.heard:
            with trio.move_on_after(LOOK_AGAIN):
                await trio.lowlevel.wait_readable(self.seat.connection.fileno())
        return noted


def _past(connection: Connection, after: int) -> list[Noted]:
    rows = connection.execute(
        "select sequence, product, version, quantity, moved from sim_store.outbox where sequence > %s "
        "order by sequence",
        (after,),
    )
    return [Noted(sequence, Change(*change)) for sequence, *change in rows]


@frozen
class _Read:
    """The read model: written by the reader, looked at by everybody else."""

    seat: Session
    looking: Session

    async def load(self) -> Mapping[int, Stock]:
        query = "select product, quantity, version from sim_store.shown"
        rows = await self.seat.do(lambda connection: connection.execute(query).fetchall())
        return {product: Stock(*stock) for product, *stock in rows}

    async def position(self) -> int:
        query = "select position from sim_store.place"
        row = await self.seat.do(lambda connection: connection.execute(query).fetchone())
        return int(row[0]) if row else 0

    async def apply(self, changes: Sequence[Change], position: int) -> None:
        rows = [(change.product, change.quantity, change.version) for change in changes]
        columns = [list(column) for column in zip(*rows, strict=True)]
        await self.seat.do(lambda connection: connection.execute(APPLY, [*columns, position]))

    async def see(self, product: int) -> Stock | None:
        query = "select quantity, version from sim_store.shown where product = %s"
        row = await self.looking.do(lambda connection: connection.execute(query, (product,)).fetchone())
        return Stock(*row) if row else None
