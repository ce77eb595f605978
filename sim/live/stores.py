"""Which store an address names, and what must be installed for it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from functools import partial
from importlib import import_module
from pathlib import Path

from sim.live.ports import NoStore, Open, OpenPair, Stores

KNOWN = ("sqlite", "postgresql", "valkey", "redis")


def store_at(address: str, folder: Path) -> Open:
    """Find the store of an address; NoStore says what there is, or what to install.

    "sqlite" keeps its two files in the folder. A kind alone, "postgresql" or
    "valkey", is a server of the run's own, which is gone after it.
    """
    kind, _, rest = address.partition(":")
    if kind == "sqlite":
        from sim.live.sqlite import open_sqlite

        return partial(open_sqlite, folder)
    if kind == "postgresql":
        _insist_on("psycopg", "postgres", kind)
        from sim.live.postgres import open_postgresql
        from sim.live.servers import postgresql

        return partial(open_postgresql, address) if rest else _on_a_server(postgresql, open_postgresql)
    if kind in ("valkey", "redis"):
        _insist_on("coredis", "valkey", kind)
        from sim.live.servers import valkey
        from sim.live.valkey import open_valkey

        return partial(open_valkey, address) if rest else _on_a_server(valkey, open_valkey)
    raise NoStore(f"--on {kind}: no such store; there is {', '.join(KNOWN)}")


def pair_at(address: str, replica: str) -> OpenPair:
    """Find a store and its replica by their addresses; NoStore says which go together."""
    (kind, _, primary), (other, _, standby) = address.partition(":"), replica.partition(":")
    if (kind, other) != ("postgresql", "postgresql"):
        raise NoStore("--replica takes a hot standby of PostgreSQL: --on postgresql --replica postgresql")
    if bool(primary) != bool(standby):
        raise NoStore("--on and --replica: give the addresses of both servers, or of neither")
    _insist_on("psycopg", "postgres", kind)
    from sim.live.standby import open_own_pair, open_pair

    return partial(open_pair, address, replica) if primary else open_own_pair


def _insist_on(module: str, extra: str, kind: str) -> None:
    """Say what to install if it is missing."""
    try:
        import_module(module)
    except ImportError:
        raise NoStore(f"--on {kind} needs {module}: pip install 'cqrs-sim[{extra}]'") from None


def _on_a_server(
    start: Callable[[], AbstractContextManager[str]],
    opens: Callable[[str, bool], AbstractAsyncContextManager[Stores]],
) -> Open:
    """Open a store on a server that is started for it."""

    @asynccontextmanager
    async def opened(fresh: bool) -> AsyncIterator[Stores]:
        with start() as address:
            async with opens(address, fresh) as stores:
                yield stores

    return opened
