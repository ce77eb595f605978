"""Real time: seconds since the start of a run, and how exact they are."""

import itertools
import math
import time
from array import array
from collections.abc import Awaitable, Callable
from heapq import heappop, heappush
from typing import Any, TypeVar

import numpy as np
import trio
from attrs import frozen

from sim.wording import readable

T = TypeVar("T")

TICKS = 1000  # readings of the clock behind its resolution
LOOKS = 200  # looks behind the cost of one


class RealClock:
    """Seconds since `start`, and an agenda for whatever must be done at an instant.

    `late` takes down by how much each sleeper woke after its time: so late
    was whoever generates the load, through no fault of the store.
    """

    def __init__(self, start: float | None = None) -> None:
        self.start = time.perf_counter() if start is None else start
        self.late = array("d")
        self._agenda: list[tuple[float, int, Callable[[Any], object], Any]] = []
        self._order = itertools.count()
        self._news = trio.Event()

    def restart(self) -> None:
        """Begin at 0 again, for only now everything is ready."""
        self.start = time.perf_counter()

    @property
    def now(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.start

    async def sleep_until(self, time: float) -> None:
        """Wait until an instant, never less; return at once if it has come."""
        left = time - self.now
        if left <= 0:
            return
        while left > 0:
            await trio.sleep(left)
            left = time - self.now
        self.late.append(-left)

    async def sleep(self, seconds: float) -> None:
        """Wait for so many seconds."""
        if seconds > 0:
            await self.sleep_until(self.now + seconds)

    def call_at(self, time: float, act: Callable[[T], object], argument: T) -> None:
        """Have `keep` call act(argument) at an instant; it must not wait."""
        heappush(self._agenda, (time, next(self._order), act, argument))
        self._news.set()

    async def keep(self) -> None:
        """Do what the agenda says, as long as nobody ends it."""
        while True:
            left = self._agenda[0][0] - self.now if self._agenda else math.inf
            if left <= 0:
                _, _, act, argument = heappop(self._agenda)
                act(argument)
                continue
            self._news = trio.Event()
            with trio.move_on_after(left):
                await self._news.wait()


@frozen
class Apparatus:
    """What a live run was measured with, in seconds.

    resolution: the least that two readings of the clock differ by. look: the
    time of one look at the read store while nothing else happens. late: by
    how much the generator woke after the plan, at its median, 99th percentile
    and worst.
    """

    resolution: float
    look: float
    late: tuple[float, float, float]

    def __str__(self) -> str:
        """Say it in a line."""
        median, p99, worst = map(readable, self.late)
        return (
            f"clock to {readable(self.resolution)}    a look alone takes {readable(self.look)}    "
            f"the generator was late by {median} (p50), {p99} (p99), {worst} (max)"
        )


def resolution() -> float:
    """Measure the least by which two readings of the clock differ."""
    readings = [time.perf_counter() for _ in range(TICKS)]
    return min(b - a for a, b in itertools.pairwise(readings) if b > a)


async def cost(act: Callable[[], Awaitable[object]]) -> float:
    """Measure how long something takes, as the median of many times."""
    times = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        await act()
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def lateness(late: "array[float]") -> tuple[float, float, float]:
    """Give median, 99th percentile and worst; 0 if nobody ever slept."""
    median, p99, worst = np.quantile(late, [0.5, 0.99, 1.0], method="higher") if late else (0.0, 0.0, 0.0)
    return float(median), float(p99), float(worst)
