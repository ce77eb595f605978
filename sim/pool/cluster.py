"""A cluster: the executor of a dask scheduler, if its workers have this very program."""

import logging
import sys
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import sim

PATIENCE = 10  # seconds in which a scheduler must answer, and have a worker


class NoCluster(RuntimeError):
    """A cluster that cannot be used, or has gone; str() says why, and what would do."""


@contextmanager
def dask_cluster(address: str) -> Iterator[Executor]:
    """Open the executor of a dask scheduler: "tcp://host:8786".

    NoCluster says what is wrong with it. What is still under way in the end is cancelled.
    """
    try:
        distributed: Any = import_module("distributed")
    except ModuleNotFoundError:
        raise NoCluster("dask is missing: it comes with the extra 'cluster', cqrs-sim[cluster]") from None
    for name in ("distributed.client", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # a lost scheduler is worth one message, not many
    try:
        distributed.comm.get_address_host_port(address, strict=True)  # a client of nonsense would not end
        client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError):
        raise NoCluster(f"no dask scheduler answers at {address}: start one with dask scheduler") from None
    with client:
        _check_workers(client, address)
        executor: Executor = client.get_executor(pure=False)
        try:
            yield executor
        finally:
            executor.shutdown(wait=False)


def killed_worker() -> tuple[type[Exception], ...]:
    """Name the error by which dask says that a run has cost several workers their life, if dask is in use."""
    dask = sys.modules.get("distributed")
    return (dask.KilledWorker,) if dask else ()


def versions() -> dict[str, str]:
    """Name what must be the same for the same seed to be the same run."""
    from importlib.metadata import version

    return {"sim": sim.__version__, **{name: version(name) for name in ("numpy", "polars")}}


def _check_workers(client: Any, address: str) -> None:
    """Insist that there are workers, and that the same seed is the same run there as here."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
        there = client.run(versions)
    except TimeoutError:
        raise NoCluster(f"{address} has no worker yet: start some with dask worker {address}") from None
    except ImportError as error:
        raise NoCluster(f"a dask worker of {address} has not got this program: {error}") from None
    here = versions()
    for worker, found in there.items():
        if found != here:
            raise NoCluster(f"the dask worker {worker} has {_told(found)}, and here is {_told(here)}")


def _told(found: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in found.items())
