"""SQLite: two files, one for each model; the outbox is a table beside the write model.

One connection for each role, each in a thread of its own. A doorbell says that
something was committed; what it was, the feed reads from the outbox. A commit
means durable (synchronous = FULL).
"""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import TypeVar

import trio
from attrs import frozen
from msgspec.structs import astuple

from sim.inventory import Change, Stock
from sim.live.ports import LOOK_AGAIN, SCHEMA, Bell, Entry, Held, NoStore, Noted, Seat, StoreLost, Stores

T = TypeVar("T")

OURS = 0x51B0CA75  # in the file's header: a store of this program
BUSY = 10.0  # seconds to wait for another connection's lock
WRITE = """
create table products (product integer primary key, quantity integer not null, version integer not null);
create table outbox (sequence integer primary key, key integer, product integer not null,
                     version integer not null, quantity integer not null, moved integer not null);
"""
READ = """
create table products (product integer primary key, quantity integer not null, version integer not null);
create table place (position integer not null);
insert into place values (0);
"""
UPSERT = """
insert into products values (?, ?, ?) on conflict (product) do update
set quantity = excluded.quantity, version = excluded.version where excluded.version > version
"""


@asynccontextmanager
async def open_sqlite(folder: Path, fresh: bool) -> AsyncIterator[Stores]:
    """Open write.sqlite and read.sqlite in a folder; NoStore if either is something else.

    `fresh` empties them first.
    """
    bell = Bell()
    with ExitStack() as stack:

        def seat(name: str, schema: str, fresh: bool = False) -> _Seat:
            connection = stack.enter_context(closing(_open(folder / name, schema, fresh)))
            return _Seat(connection, folder / name, Seat(str(folder / name)))

        writing, reading = seat("write.sqlite", WRITE, fresh), seat("read.sqlite", READ, fresh)
        feed, looking = seat("write.sqlite", WRITE), seat("read.sqlite", READ)
        yield Stores(_Write(writing, bell), _Feed(feed, bell), _Read(reading, looking))


def _open(path: Path, schema: str, fresh: bool) -> sqlite3.Connection:
    """Open a file that is ours, or make it so if it is new."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        with _closed_if_it_fails(connection):
            _insist_on_ours(connection, path)
            if fresh:
                _empty(connection)
            if not connection.execute("pragma user_version").fetchone()[0]:
                connection.executescript(
                    f"pragma journal_mode = wal; begin; {schema}"
                    f"pragma application_id = {OURS}; pragma user_version = {SCHEMA}; commit;"
                )
            connection.execute("pragma synchronous = full")
    except sqlite3.Error as error:
        raise NoStore(_complaint(error, path)) from None
    except OSError as error:
        raise NoStore(f"{path}: {error.strerror}") from None
    return connection


@contextmanager
def _closed_if_it_fails(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _insist_on_ours(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a database of somebody else, or of another version of this program."""
    (tables,) = connection.execute("select count(*) from sqlite_master").fetchone()
    (mark,) = connection.execute("pragma application_id").fetchone()
    (version,) = connection.execute("pragma user_version").fetchone()
    if tables and mark != OURS:
        raise NoStore(f"{path}: a database of something else; choose another folder")
    if tables and version != SCHEMA:
        raise NoStore(
            f"{path}: a store of schema version {version}, where this program knows {SCHEMA}; move it away"
        )


def _empty(connection: sqlite3.Connection) -> None:
    """Drop what an earlier run has left."""
    tables = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
    connection.execute("pragma user_version = 0")
    for (table,) in tables:
        connection.execute(f"drop table {table}")


def _complaint(error: sqlite3.Error, path: Path) -> str:
    """Say what is the matter with a file."""
    said = {
        "SQLITE_NOTADB": "no SQLite database; move it away, or choose another folder",
        "SQLITE_FULL": "the disk is full",
        "SQLITE_CANTOPEN": "cannot be opened",
    }
    return f"{path}: {said.get(getattr(error, 'sqlite_errorname', ''), str(error))}"


@frozen
class _Seat:
    """A connection to one file, and the thread that may use it."""

    connection: sqlite3.Connection
    path: Path
    seat: Seat

    async def do(self, act: Callable[[sqlite3.Connection], T]) -> T:
        """Have something done; StoreLost says what went wrong."""
        try:
            return await self.seat.do(lambda: act(self.connection))
        except sqlite3.Error as error:
            raise StoreLost(_complaint(error, self.path)) from None

    async def together(self, act: Callable[[sqlite3.Connection], T]) -> T:
        """Have something done in one transaction."""

        def whole(connection: sqlite3.Connection) -> T:
            connection.execute("begin immediate")
            try:
                result = act(connection)
                connection.execute("commit")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("rollback")
                raise
            return result

        return await self.do(whole)


def _rows(connection: sqlite3.Connection) -> dict[int, Stock]:
    return {product: Stock(*stock) for product, *stock in connection.execute("select * from products")}


@frozen
class _Write:
    """The write model and its outbox."""

    seat: _Seat
    bell: Bell

    async def load(self) -> Held:
        def read(connection: sqlite3.Connection) -> Held:
            (last,) = connection.execute("select coalesce(max(sequence), 0) from outbox").fetchone()
            keyed = connection.execute(
                "select key, product, version, quantity, moved from outbox where key is not null"
            )
            return Held(_rows(connection), last, {key: Change(*change) for key, *change in keyed})

        return await self.seat.do(read)

    async def commit(self, batch: Sequence[Entry]) -> int:
        rows = [(change.product, change.quantity, change.version) for _, change in batch]
        notes = [(entry.key, *astuple(entry.change)) for entry in batch]

        def write(connection: sqlite3.Connection) -> int:
            connection.executemany(UPSERT, rows)
            connection.executemany("insert into outbox values (null, ?, ?, ?, ?, ?)", notes)
            (last,) = connection.execute("select max(sequence) from outbox").fetchone()
            return int(last)

        last = await self.seat.together(write)
        self.bell.ring()
        return last


@frozen
class _Feed:
    """The outbox, read past a cursor."""

    seat: _Seat
    bell: Bell

    async def next(self, after: int) -> list[Noted]:
        news = self.bell.event
        noted = await self.seat.do(lambda connection: self._past(connection, after))
        if not noted:
            with trio.move_on_after(LOOK_AGAIN):
                await news.wait()
        return noted

    def _past(self, connection: sqlite3.Connection, after: int) -> list[Noted]:
        rows = connection.execute(
            "select sequence, product, version, quantity, moved from outbox where sequence > ? "
            "order by sequence",
            (after,),
        )
        return [Noted(sequence, Change(*change)) for sequence, *change in rows]


@frozen
class _Read:
    """The read model: written by the reader, looked at by everybody else."""

    seat: _Seat
    looking: _Seat

    async def load(self) -> Mapping[int, Stock]:
        return await self.seat.do(_rows)

    async def position(self) -> int:
        place = await self.seat.do(lambda db: db.execute("select position from place").fetchone())
        return int(place[0])

    async def apply(self, changes: Sequence[Change], position: int) -> None:
        rows = [(change.product, change.quantity, change.version) for change in changes]

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(UPSERT, rows)
            connection.execute("update place set position = max(position, ?)", (position,))

        await self.seat.together(write)

    async def see(self, product: int) -> Stock | None:
        query = "select quantity, version from products where product = ?"
        row = await self.looking.do(lambda db: db.execute(query, (product,)).fetchone())
        return Stock(*row) if row else None
