"""A hot standby of PostgreSQL: the read model is what it has replayed of the write model.

Nobody hears of anything there: no NOTIFY reaches a standby. How far it has
come is the last number in the outbox that can be seen on it.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from typing import LiteralString
from urllib.parse import urlsplit

import attrs
import psycopg
import trio
from attrs import frozen

from sim.inventory import Stock
from sim.live.ports import LOOK, PATIENCE, NoStore, Pair
from sim.live.postgres import Connection, Session, Writing, prepare, said, session
from sim.live.proxy import LOCAL, open_wire
from sim.live.servers import postgresql, standby_of

WHO = "select system_identifier from pg_control_system()"
WHERE = "select current_database()"


@frozen
class _Standby:
    """What people see, and how far that is."""

    watching: Session
    looking: Session

    async def load(self) -> Mapping[int, Stock]:
        query = "select product, quantity, version from sim_store.held"
        rows = await self.watching.do(lambda connection: connection.execute(query).fetchall())
        return {product: Stock(*stock) for product, *stock in rows}

    async def position(self) -> int:
        query = "select coalesce(max(sequence), 0) from sim_store.outbox"
        row = await self.watching.do(lambda connection: connection.execute(query).fetchone())
        return int(row[0]) if row else 0

    async def see(self, product: int) -> Stock | None:
        query = "select quantity, version from sim_store.held where product = %s"
        row = await self.looking.do(lambda connection: connection.execute(query, (product,)).fetchone())
        return Stock(*row) if row else None


@asynccontextmanager
async def open_pair(primary: str, standby: str, fresh: bool) -> AsyncIterator[Pair]:
    """Open a primary and its standby; NoStore says why that cannot be done.

    `fresh` empties the primary first. The standby has replayed all that was
    there when this begins.
    """
    with ExitStack() as stack:
        writing, watching, looking = (
            stack.enter_context(session(address)) for address in (primary, standby, standby)
        )
        try:
            insist_on_standby(writing, watching)
            prepare(writing.connection, writing.name, fresh)
            await catch_up(writing.connection, watching)
        except psycopg.Error as error:
            raise NoStore(f"{writing.name}, {watching.name}: {said(error)}") from None
        yield Pair(looking.name, Writing(writing), _Standby(watching, looking))


@asynccontextmanager
async def open_own_pair(fresh: bool) -> AsyncIterator[Pair]:
    """Start a primary, and a standby that follows it over a wire; both are gone in the end."""
    with postgresql() as primary:
        async with open_wire(LOCAL, urlsplit(primary).port or 0) as wire:
            with standby_of(primary, wire.port) as standby:
                async with open_pair(primary, standby, fresh) as pair:
                    yield attrs.evolve(pair, wire=wire)


def insist_on_standby(primary: Session, standby: Session) -> None:
    """Refuse a server that does not replay the log of the other one."""
    if _ask(primary.connection, "select pg_is_in_recovery()"):
        raise NoStore(f"{primary.name}: a standby, where --on takes the primary")
    if not _ask(standby.connection, "select pg_is_in_recovery()"):
        raise NoStore(f"{standby.name}: no standby: it replays nobody's log")
    if _ask(primary.connection, WHO) != _ask(standby.connection, WHO):
        raise NoStore(f"{standby.name}: a standby of another server than {primary.name}")
    if _ask(primary.connection, WHERE) != _ask(standby.connection, WHERE):
        raise NoStore(f"{standby.name}: another database than {primary.name}")


async def catch_up(primary: Connection, standby: Session, patience: float = PATIENCE) -> None:
    """Wait until a standby has replayed whatever its primary has logged; NoStore if that takes too long."""
    end, last = _ask(primary, "select pg_current_wal_lsn()::text"), trio.current_time() + patience
    while not _ask(standby.connection, "select pg_last_wal_replay_lsn() >= %s", end):
        if trio.current_time() > last:
            raise NoStore(
                f"{standby.name}: has not caught up for {patience:g} s: is it connected to its primary?"
            )
        await trio.sleep(LOOK)


def _ask(connection: Connection, query: LiteralString, *values: object) -> object:
    row = connection.execute(query, values).fetchone()
    return row and row[0]
