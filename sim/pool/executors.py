"""Where work is done: in this process, in several, or by any other `concurrent.futures.Executor`.

Whatever the executor, the work is the same, and so are its results. What must
be sent to it is a function of a module, and arguments that can be pickled.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, suppress
from itertools import starmap
from queue import Empty, SimpleQueue
from typing import TypeVar

from attrs import define

from sim.pool.cluster import NoCluster, killed_worker
from sim.pool.processes import cores, process_pool

T = TypeVar("T")
Task = tuple[object, ...]


class Died(RuntimeError):
    """Work that has cost two processes their life; str() says which."""


def side_by_side(work: Callable[..., T], tasks: Sequence[Task], jobs: int | None = None) -> Iterator[T]:
    """Do a piece of work for each task over as many processes as there are cores, or `jobs`, in one pool.

    Gives each result as soon as it and all before it are there.
    """
    jobs, done = jobs or cores(), 0
    if jobs == 1:
        yield from starmap(work, tasks)
        return
    try:
        with process_pool(jobs) as pool:
            for future in [pool.submit(work, *task) for task in tasks]:
                [result] = [finished.result() for finished in as_finished([future])]
                done += 1
                yield result
    except BrokenProcessPool:  # a worker process was killed; here there is nobody to lose
        yield from starmap(work, tasks[done:])


def in_any_order(
    work: Callable[..., T],
    tasks: Sequence[Task],
    jobs: int | None = None,
    executor: Executor | None = None,
    on_death: Callable[[], object] = lambda: None,
) -> Generator[tuple[int, T | None], None, None]:
    """Do a piece of work for each task by a crew of its own; give its number and its result: see Crew.do."""
    with crew(jobs, executor, on_death) as hands:
        yield from hands.do(work, tasks)


@contextmanager
def crew(
    jobs: int | None = None, executor: Executor | None = None, on_death: Callable[[], object] = lambda: None
) -> Iterator["Crew"]:
    """Hire who does one lot of tasks after the other.

    That is the executor, if there is one; otherwise as many processes as there
    are cores, or `jobs`, which stay until the end; and this one if that is one.
    `on_death` is called when a process dies.
    """
    with ExitStack() as place:
        yield Crew(jobs or cores(), executor, on_death, place)


@define
class Crew:
    """Who does one lot of tasks after the other; its processes begin with the first lot."""

    jobs: int
    executor: Executor | None
    on_death: Callable[[], object]
    _place: ExitStack
    _pool: Executor | None = None

    def do(self, work: Callable[..., T], tasks: Sequence[Task]) -> Iterator[tuple[int, T | None]]:
        """Do a piece of work for each task; give its number and its result as soon as that is there.

        If a process dies, the tasks that it may have died of are tried again,
        each alone. The result of one that kills a process even so is None.
        """
        if self.executor is not None:
            yield from _over(self.executor, work, dict(enumerate(tasks)))
        elif self.jobs == 1:
            yield from enumerate(starmap(work, tasks))
        else:
            yield from self._over_processes(work, dict(enumerate(tasks)))

    def _over_processes(
        self, work: Callable[..., T], left: dict[int, Task]
    ) -> Iterator[tuple[int, T | None]]:
        """Do all tasks by processes, and begin new ones whenever one of them dies.

        Tasks are begun in their order. So those of which a process may have died
        are among the first that are left, one for each process.
        """
        while left:
            try:
                for number, result in _over(self._processes(len(left)), work, left):
                    del left[number]
                    yield number, result
            except BrokenProcessPool:
                self._place.close()
                self._pool = None
                self.on_death()
                for number in list(left)[: self.jobs]:
                    yield number, _alone(work, left.pop(number))

    def _processes(self, most: int) -> Executor:
        """Give the processes that there are, or begin so many at most."""
        if self._pool is None:
            self._pool = self._place.enter_context(process_pool(min(self.jobs, most)))
        return self._pool


def _alone(work: Callable[..., T], task: Task) -> T | None:
    """Do a piece of work in a process of its own; None if that dies."""
    try:
        with process_pool(1) as pool:
            [result] = [found for _, found in _over(pool, work, {0: task})]
            return result
    except BrokenProcessPool:
        return None


def _over(
    executor: Executor, work: Callable[..., T], tasks: dict[int, Task]
) -> Iterator[tuple[int, T | None]]:
    """Do a piece of work for each task by an executor; dask tries again by itself when a worker dies."""
    numbers = {executor.submit(work, *task): number for number, task in tasks.items()}
    for future in as_finished(numbers):
        result: T | None
        try:
            result = future.result()
        except killed_worker():
            result = None
        except CancelledError:
            raise NoCluster("the cluster's scheduler has gone") from None
        yield numbers[future], result


def as_finished(waiting: Iterable[Future[T]]) -> Iterator[Future[T]]:
    """Give futures as they finish, in whatever order.

    With polars loaded, Ctrl-C does not interrupt a wait that has no timeout.
    """
    done: SimpleQueue[Future[T]] = SimpleQueue()
    left = 0
    for future in waiting:
        future.add_done_callback(done.put)
        left += 1
    while left:
        with suppress(Empty):
            yield done.get(timeout=0.2)
            left -= 1
