"""Virtual time for trio, and the random streams: the one owner of all nondeterminism.

The rules of this module:

1. Time stands still while any task can run. trio asks its clock how long to
   sleep only when none can; that is the moment to jump to the next entry of
   the agenda.
2. Of two entries for the same instant, the one made first comes first.
3. When no task can run and the agenda is empty, nothing can ever happen again:
   that is a deadlock, and the run ends with a message instead of hanging.
4. trio shuffles the tasks that are ready together. While a run lasts they go
   in the order in which they became ready; afterwards trio's own dice are
   back, and have not been rolled.
5. trio's loop takes far longer over a round than a task over its step, for
   things that a run on virtual time has not got. So while trio waits for an
   answer, the clock lets the ready tasks take their steps itself, in the same
   order, and jumps on; now and then it lets trio look for Ctrl-C.
6. Every random number comes from a stream named after who draws it and what
   for, so that changing one knob leaves every other draw as it was.
"""

import itertools
import math
import sys
import threading
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from types import coroutine
from typing import Any, Protocol, TypeVar

import numpy as np
import trio
from numpy.random import PCG64, SeedSequence
from numpy.typing import NDArray
from outcome import Error, Outcome, Value
from trio._core import _run as trio_run
from trio._core._traps import CancelShieldedCheckpoint, WaitTaskRescheduled

from sim.channels import stuck
from sim.distributions import Floats

T = TypeVar("T")
Draw = Callable[[np.random.Generator, int], NDArray[Any]]

FIRST_BLOCK, LAST_BLOCK = 16, 2**14
ROUNDS = 1024  # steps and jumps between two looks at the world outside
LATEST = sys.float_info.max  # seconds: whatever is to happen at infinity never does


class Time(Protocol):
    """What actors ask of a clock, be its seconds virtual or real."""

    @property
    def now(self) -> float:
        """Seconds since the start of the run."""
        ...

    async def sleep_until(self, time: float) -> None:
        """Wait until an instant; return at once if it has come."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for so many seconds."""
        ...

    def call_at(self, time: float, act: Callable[[T], object], argument: T) -> None:
        """Have act(argument) called at an instant; it must not wait."""
        ...


class Clock(trio.abc.Clock):
    """Virtual seconds since the start of a run, and the agenda of what is still to come."""

    def __init__(self, limit: float = math.inf) -> None:
        self.now = 0.0
        self.limit = min(limit, LATEST)
        self.on_stuck: Callable[[], None] | None = None
        self._agenda: list[tuple[float, int, Callable[..., object], Any]] = []
        self._given_up = 0  # entries of the agenda whose sleepers are up already
        self._asleep = WaitTaskRescheduled(self._give_up)
        self._order = itertools.count()
        self._here: dict[str, Any] = {}  # what trio knows of its run, as the plain dict of its thread

    @property
    def empty(self) -> bool:
        """Whether the agenda has come to its end."""
        return not self._agenda

    async def sleep_until(self, time: float) -> None:
        """Wait until an instant; return at once if it has come."""
        if time > self.now:
            await self.turn_at(time)

    async def sleep(self, seconds: float) -> None:
        """Wait for so many virtual seconds."""
        if seconds > 0:
            await self.turn_at(self.now + seconds)

    @coroutine
    def turn_at(self, time: float) -> Generator[Any, Any, None]:
        """Wait until an instant, and until all that was arranged for it before has happened.

        A sleeper bears the number of its entry until it is up, for whatever
        reason; trio then takes it away.
        """
        number, task = next(self._order), self._here["task"]
        task.custom_sleep_data = number
        heappush(self._agenda, (time, number, _wake, task))
        given_up = yield self._asleep
        if given_up is not None:
            given_up.unwrap()  # as trio.lowlevel.wait_task_rescheduled does: it raises

    def _give_up(self, _: object) -> trio.lowlevel.Abort:
        """Let a sleeper be woken by somebody else; its entry is struck off when its turn comes."""
        self._given_up += 1
        return trio.lowlevel.Abort.SUCCEEDED

    def call_at(self, time: float, act: Callable[[T], object], argument: T) -> None:
        """Have act(argument) called at an instant, between the tasks; it must not wait."""
        heappush(self._agenda, (time, next(self._order), act, argument))

    async def at_each(self, times: Iterable[tuple[float, T]], act: Callable[[T], object]) -> None:
        """Have act(argument) called at each of these instants, which are in order; wait for the last."""
        left, done = iter(times), trio.Event()

        def do(argument: T) -> None:
            act(argument)
            arrange()

        def arrange() -> None:
            for time, argument in left:
                return self.call_at(time, do, argument)
            return done.set()

        arrange()
        await done.wait()

    def start_clock(self) -> None:
        """Begin at 0; trio calls this."""
        self._here = vars(trio_run.GLOBAL_RUN_CONTEXT)
        self._here["runner"].deadlines = _OrderedDeadlines()

    def current_time(self) -> float:
        """Tell trio the time, for its own sleeps and timeouts."""
        return self.now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Jump to whatever comes next, for no task can run; trio never really sleeps.

        Then have the tasks take their steps, and go on, for so many times,
        before trio may look at the world outside, where nothing but Ctrl-C is
        to be seen.
        """
        is_over = self.on_stuck is None
        if is_over:  # trio tidies up, and waits for nobody but itself
            return math.inf
        runner: trio_run.Runner = self._here["runner"]
        ready, timeouts, agenda = runner.runq, runner.deadlines, self._agenda
        for _ in range(ROUNDS):
            if ready:
                _step(ready.popleft(), runner, self._here)
                if self.on_stuck is None:
                    break
            elif agenda and agenda[0][0] <= self.limit and not (self._given_up or timeouts._heap):
                self.now, _, act, argument = heappop(agenda)
                act(argument)
            elif not self._jump(timeouts.next_deadline() if timeouts._heap else math.inf):
                break
            elif timeouts._heap and timeouts.next_deadline() <= self.now:
                timeouts.expire(self.now)
        return 0.0

    def _jump(self, deadline: float) -> bool:
        """Go to the next entry of the agenda, and do what it says; False if a timeout or nothing comes first.

        `deadline_to_sleep_time` does the same while there are neither timeouts nor entries to strike off.
        """
        agenda = self._agenda
        if self._given_up:
            self._strike_off()
        time = agenda[0][0] if agenda else math.inf
        if time <= deadline and time <= self.limit:
            self.now, _, act, argument = heappop(agenda)
            act(argument)
            return True
        if deadline < time and deadline <= self.limit:
            self.now = max(self.now, deadline)
        else:
            assert self.on_stuck is not None
            self.on_stuck()
        return False

    def _strike_off(self) -> None:
        """Take the next entries away whose sleepers are up already."""
        while self._agenda:
            _, number, act, task = self._agenda[0]
            if act is not _wake or task.custom_sleep_data == number:
                break
            heappop(self._agenda)
            self._given_up -= 1


def _step(task: trio.lowlevel.Task, runner: trio_run.Runner, here: dict[str, Any]) -> None:
    """Let a ready task run until it waits again, as trio's own loop does, without all that is around it.

    What that loop does for its instruments, for input and output and for
    timeouts takes three times as long as the step, and in a run there is
    nothing of the kind to be seen to between two steps.
    """
    here["task"] = task
    send, value = task._next_send_fn, task._next_send
    task._next_send_fn = task._next_send = None
    end: Outcome[object] | None = None
    try:
        message = task.context.run(send, value)  # type: ignore[arg-type]  # who is ready has one
    except StopIteration as stop:
        end = Value(stop.value)
    except BaseException as error:
        end = Error(error)
    if end is not None:
        runner.task_exited(task, end)
    elif type(message) is WaitTaskRescheduled:
        task._schedule_points += 1
        task._cancel_points += 1
        task._abort_func = message.abort_func
        if runner.ki_pending and task is runner.main_task:
            task._attempt_delivery_of_pending_ki()
        if task._cancel_status.effectively_cancelled:
            task._attempt_delivery_of_any_pending_cancel()
    else:
        assert message is CancelShieldedCheckpoint, message
        task._schedule_points += 1
        runner.reschedule(task)
    del here["task"]


class _OrderedDeadlines(trio_run.Deadlines):
    """trio's timeouts, in the order in which they were set where they end together."""

    def __init__(self) -> None:
        super().__init__()
        self._order = itertools.count()

    def add(self, deadline: float, cancel_scope: trio.CancelScope) -> None:
        heappush(self._heap, (deadline, next(self._order), cancel_scope))
        self._active += 1


def _wake(task: trio.lowlevel.Task) -> None:
    """Do what trio.lowlevel.reschedule does for a task that gets nothing, in a third of the time.

    What it gets is its _next_send, which is None while it sleeps.
    """
    task._next_send_fn = task.coro.send
    task._abort_func = task.custom_sleep_data = None
    task._runner.runq.append(task)


class _InOrder:
    """Stands where trio keeps its dice: tasks run in the order in which they became ready."""

    def random(self) -> float:
        """Have every batch reversed, for trio takes from its end."""
        return 0.0


_one_run = threading.RLock()


@contextmanager
def in_order() -> Iterator[None]:
    """Take chance out of trio's scheduling, one run at a time, and put it back afterwards."""
    with _one_run:
        dice, sorting = trio_run._r, trio_run._ALLOW_DETERMINISTIC_SCHEDULING
        _set_dice(_InOrder(), False)
        try:
            yield
        finally:
            _set_dice(dice, sorting)


def _set_dice(dice: object, sorting: bool) -> None:
    """Give trio's scheduler its dice; `sorting` is how pytest-trio makes hypothesis runs repeatable."""
    vars(trio_run).update(_r=dice, _ALLOW_DETERMINISTIC_SCHEDULING=sorting)


class Stuck(RuntimeError):
    """A run that cannot end; str() says when it stopped, and who waits for whom."""

    def __init__(self, when: str, waiting: list[str]) -> None:
        super().__init__(when, waiting)  # a process sends them to another one, and there it is made again
        self.when, self.waiting = when, waiting

    def __str__(self) -> str:
        return "\n  ".join([f"{self.when}: nobody can go on", *self.waiting])


def run(main: Callable[[Clock], Awaitable[T]], clock: Clock | None = None) -> T:
    """Run main(clock) on virtual time, from 0 until it returns; raise Stuck if it never can.

    Ctrl-C arrives at the next wait and nowhere else, so that no fact is half
    recorded.
    """
    clock = clock or Clock()
    with in_order():
        return trio.run(_watched, main, clock, clock=clock, restrict_keyboard_interrupt_to_checkpoints=True)


def _when(clock: Clock) -> str:
    """Say when a run has stopped, and whether it could have gone on for longer."""
    why = "deadlock" if clock.empty else f"not done by {clock.limit:g} s, the limit of virtual time,"
    return f"{why} at {clock.now:.3f} s"


async def _watched(main: Callable[[Clock], Awaitable[T]], clock: Clock) -> T:
    """Run main, and end it with a message when nobody can go on."""
    stuck_run: Stuck | None = None
    me = trio.lowlevel.current_task()
    with trio.CancelScope() as scope:

        def give_up() -> None:
            nonlocal stuck_run
            stuck_run = stuck_run or Stuck(_when(clock), stuck(_leaves(me)))
            scope.cancel()

        clock.on_stuck = give_up
        try:
            return await main(clock)
        finally:
            clock.on_stuck = None
    assert stuck_run is not None
    raise stuck_run


def _leaves(task: trio.lowlevel.Task) -> Iterator[trio.lowlevel.Task]:
    """Find the tasks below a task that wait for something other than their children."""
    children = [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    if not children:
        yield task
    for child in children:
        yield from _leaves(child)


def stream(seed: int, replication: int, *name: str) -> np.random.Generator:
    """Open the random stream of one actor and purpose: ("writer", "service"), say."""
    key = (replication, *"/".join(name).encode())
    return np.random.Generator(PCG64(SeedSequence(seed, spawn_key=key)))


def draws(draw: Draw, rng: np.random.Generator) -> Iterator[Any]:
    """Draw one value after the other, in blocks that double; `take` gives the same values at once.

    `draw` is a distribution's method, or any other function of a generator
    and a number.
    """
    return itertools.chain.from_iterable(draw(rng, size).tolist() for size in _blocks())


def take(draw: Callable[[np.random.Generator, int], Floats], rng: np.random.Generator, n: int) -> Floats:
    """Draw the first n of the values that `draws` gives, as an array."""
    values, done = np.empty(n), 0
    for size in _blocks():
        if done >= n:
            break
        values[done : done + size] = draw(rng, size)[: n - done]
        done += size
    return values


def _blocks() -> Iterator[int]:
    """Give block sizes: small at first, for many streams are short, then large."""
    size = FIRST_BLOCK
    while True:
        yield size
        size = min(2 * size, LAST_BLOCK)
