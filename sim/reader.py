"""The reader: keeps the read model; and those who look at it."""

import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from itertools import islice

from attrs import Factory, frozen

from sim.channels import Receiver
from sim.clock import Clock, Time
from sim.crashes import through_crashes
from sim.inventory import NOTHING, Apply, Model, Stock, fold
from sim.log import Log
from sim.scenario import Reader
from sim.writer import Committed

Show = Callable[[list[Committed]], Awaitable[None]]
Looks = Iterable[tuple[float, int, int]]
Visitor = Callable[[Looks, Callable[[int], Awaitable[Stock]], Time, Log], Awaitable[None]]


@frozen
class View:
    """What the reader keeps where no crash can reach it.

    The read model, and whatever must come again after a crash: the changes
    that it has taken since its last checkpoint, shown or still to do.
    """

    model: dict[int, Stock]
    shown: deque[Committed] = Factory(deque)
    to_do: deque[Committed] = Factory(deque)


async def reader(
    deliveries: Receiver[Committed],
    view: View,
    present: Mapping[int, Committed],
    ways: Reader,
    handler: Iterator[float],
    phase: float,
    clock: Time,
    log: Log,
) -> None:
    """Show changes until no more can come, through all crashes.

    `phase` is when a reader that polls does so first; `present` is where one
    that fetches finds the newest change of a product.
    """
    show = in_memory(view.model, present, ways.apply, clock, log)

    async def live() -> None:
        start_again(deliveries, view, ways)
        await project(deliveries, view, show, ways, handler, phase, clock, log)

    async with deliveries:
        await through_crashes(live, ways.crashes, clock)


def start_again(deliveries: Receiver[Committed], view: View, ways: Reader) -> None:
    """Go back to the last checkpoint; or forget what was in memory, and what came in the meantime."""
    if ways.restart == "memory":
        view.to_do.clear()
        deliveries.waiting(math.inf)
    else:
        view.to_do.extendleft(reversed(view.shown))
    view.shown.clear()


async def project(
    deliveries: Receiver[Committed],
    view: View,
    show: Show,
    ways: Reader,
    handler: Iterator[float],
    phase: float,
    clock: Time,
    log: Log,
) -> None:
    """One life: take the changes that have arrived, batch by batch; work on each, and show a batch together.

    A reader that polls lets them wait until the next poll is due, and then
    goes on until none is left.
    """

    async def work_off() -> None:
        began = clock.now
        while view.to_do:
            batch = take(view.to_do, deliveries, ways.batch)
            for committed in batch:
                log.take(committed.row, began, clock.now)
                if pause := next(handler):
                    await clock.sleep(pause)
                log.handle(committed.row, clock.now)
            await show(batch)
            check_off(batch, view, ways)
            if ways.poll:
                view.to_do.extend(deliveries.waiting(ways.batch - len(view.to_do)))

    await work_off()
    async for first in deliveries:
        view.to_do.append(first)
        if ways.poll:
            await clock.sleep_until(next_poll(clock.now, ways.poll, phase))
        await work_off()


def take(to_do: deque[Committed], deliveries: Receiver[Committed], most: int) -> list[Committed]:
    """Give the next batch, which stays on the list until it is checked off."""
    if most > len(to_do):
        to_do.extend(deliveries.waiting(most - len(to_do)))
    return list(islice(to_do, most))


def check_off(batch: list[Committed], view: View, ways: Reader) -> None:
    """Take a batch off the list; after a checkpoint it need not come again."""
    for _ in batch:
        view.shown.append(view.to_do.popleft())
    if len(view.shown) >= ways.checkpoint:
        view.shown.clear()


def next_poll(now: float, every: float, phase: float) -> float:
    """Say when the next poll is due, now or later; the first is at `phase`, the others follow."""
    return phase + every * max(0, math.ceil((now - phase) / every))


def in_memory(
    model: dict[int, Stock], present: Mapping[int, Committed], apply: Apply, clock: Time, log: Log
) -> Show:
    """Show each change of a batch, or what the write model holds by now, if it is to be shown."""

    async def show(batch: list[Committed]) -> None:
        for committed in batch:
            product = committed.change.product
            newest = present[product] if apply == "fetch" else committed
            shown = fold(model, newest.change, apply)
            if shown is not model.get(product):
                model[product] = shown
                log.show(newest.row, clock.now)

    return show


async def visitor(
    intents: Looks,
    see: Callable[[int], Awaitable[Stock]],
    clock: Time,
    log: Log,
) -> None:
    """Look at the read model at each instant that was meant: (when, row, product)."""
    for when, row, product in intents:
        await clock.sleep_until(when)
        log.answer(row, await see(product), clock.now)


async def onlookers(looks: Iterable[tuple[float, int]], model: Model, clock: Clock, log: Log) -> None:
    """Look at a model that is free to see, at each instant that was meant: (when, row).

    Such a look waits for nobody, so it needs no task of its own.
    """

    def look(row: int) -> None:
        log.answer(row, model.get(log.wanted[row], NOTHING), clock.now)

    await clock.at_each(looks, look)
