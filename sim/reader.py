"""The reader: keeps the read model; and the visitor, who looks at it."""

import math
from collections.abc import Awaitable, Callable, Iterable, Iterator

from sim.channels import Receiver
from sim.clock import Clock
from sim.inventory import Stock, fold
from sim.scenario import Reader
from sim.trace import Log
from sim.writer import Committed


async def reader(
    deliveries: Receiver[Committed],
    model: dict[int, Stock],
    ways: Reader,
    handler: Iterator[float],
    phase: float,
    clock: Clock,
    log: Log,
) -> None:
    """Take the changes that have arrived, batch by batch; work on each, and show a batch together.

    A reader that polls lets them wait until the next poll is due, and then
    goes on until none is left; `phase` is when its first poll is due.
    """
    async with deliveries:
        async for first in deliveries:
            if ways.poll:
                await clock.sleep_until(next_poll(clock.now, ways.poll, phase))
            batch = [first, *deliveries.waiting(ways.batch - 1)]
            while batch:
                for _ in batch:
                    await clock.sleep(next(handler))
                for committed in batch:
                    show(committed, model, ways, clock.now, log)
                batch = deliveries.waiting(ways.batch)


def next_poll(now: float, every: float, phase: float) -> float:
    """Say when the next poll is due, now or later; the first is at `phase`, the others follow."""
    return phase + every * max(0, math.ceil((now - phase) / every))


def show(committed: Committed, model: dict[int, Stock], ways: Reader, now: float, log: Log) -> None:
    """Show a change, if it is to be shown."""
    change = committed.change
    shown = fold(model, change, ways.apply)
    if shown is not model.get(change.product):
        model[change.product] = shown
        if math.isnan(log.visible[committed.row]):  # a second copy shows nothing for the first time
            log.visible[committed.row] = now


async def visitor(
    intents: Iterable[tuple[float, int, int]],
    see: Callable[[int], Awaitable[Stock]],
    clock: Clock,
    log: Log,
) -> None:
    """Look at the read model at each instant that was meant: (when, row, product)."""
    for when, row, product in intents:
        await clock.sleep_until(when)
        log.answer(row, await see(product), clock.now)
