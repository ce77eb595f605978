"""Which store an address names, and what must be installed for it."""

from functools import partial
from pathlib import Path

from sim.live.ports import NoStore, Open

KNOWN = "sqlite"


def store_at(address: str, folder: Path) -> Open:
    """Find the store of an address; NoStore says what there is.

    "sqlite" keeps its two files in the folder.
    """
    kind, _, _ = address.partition(":")
    if kind == "sqlite":
        from sim.live.sqlite import open_sqlite

        return partial(open_sqlite, folder)
    raise NoStore(f"--on {kind}: no such store; there is {KNOWN}")
