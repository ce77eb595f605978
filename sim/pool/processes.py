"""Processes: a pool of them, over as many cores as there are."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import BaseContext
from types import ModuleType

CAN_BLOCK = hasattr(signal, "pthread_sigmask")
THREADS = ("POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS")
IGNORE_INTERRUPTS = (signal.SIGINT, signal.SIG_IGN)


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def prepare() -> None:
    """Begin to import what the processes of a pool need, beside whatever this one does next."""
    if cores() > 1:
        _open_server()


def get_ready(*modules: str) -> None:
    """Import what is needed later now, while the processes of a pool begin; Ctrl-C waits.

    In the midst of an import it can be lost, and the lock of all imports with
    it. A thread that imports would then wait for ever: so none does.
    """
    with _undisturbed():
        for name in modules:
            import_module(name)


def call_off() -> None:
    """End what `prepare` has begun, done or not: whoever reads what this process says waits for it too."""
    server = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
    if server is not None:
        os.kill(server, signal.SIGTERM)


@contextmanager
def process_pool(jobs: int) -> Iterator[Executor]:
    """Open a pool of fresh processes that leave Ctrl-C to this one, and end with it."""
    _open_server()
    pool = ProcessPoolExecutor(jobs, _context(), initializer=signal.signal, initargs=IGNORE_INTERRUPTS)
    try:
        with _undisturbed(), _one_thread(), _without_the_script():
            pool.submit(bool)  # begins the first, and the thread that looks after all
            while len(pool._processes) < jobs:  # it would begin others when all are busy, and no longer here
                pool._spawn_process()  # type: ignore[attr-defined]
        yield pool
    except BaseException:
        for process in [*pool._processes.values()]:  # there may be others, which are not ours
            process.kill()
        # Or half a result, of one that was killed while it sent it, is waited for.
        pool._result_queue._writer.close()  # type: ignore[attr-defined]
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _open_server() -> None:
    """Begin the process that all others are copies of."""
    if _context().get_start_method() == "forkserver":
        resource_tracker.ensure_running()  # which would let Ctrl-C through again
        with _undisturbed(), _one_thread():
            forkserver.ensure_running()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let libraries have one thread in what is begun meanwhile: other cores have processes of their own."""
    ours = [name for name in THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(ours, "1"))
    try:
        yield
    finally:
        for name in ours:
            del os.environ[name]


@contextmanager
def _without_the_script() -> Iterator[None]:
    """Begin processes that do not run the script of this one first.

    They have no need of it; and a script that does not ask whether it is
    `__main__` would start itself again in each of them.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let Ctrl-C wait; a process that is begun meanwhile never hears of it, and none is left behind.

    A signal that this thread does not take is given to another one; Python
    hands it to the main thread all the same.
    """
    if threading.current_thread() is not threading.main_thread():  # it gets none
        yield
        return
    came: list[int] = []
    answer = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if CAN_BLOCK else None
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, answer)
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if came:
            signal.raise_signal(signal.SIGINT)


def _context() -> BaseContext:
    """Choose how processes begin: as copies of one that has imported all and done nothing, where that can be.

    A copy of this one would have the locks of polars' threads, but not the threads.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["sim.pool.provisions"])
    return context
