"""The reader: keeps the read model; and the visitor, who looks at it."""

from collections.abc import Awaitable, Callable, Iterable, Iterator

from sim.channels import Receiver
from sim.clock import Clock
from sim.inventory import Apply, Stock, fold
from sim.trace import Log
from sim.writer import Committed


async def reader(
    deliveries: Receiver[Committed],
    model: dict[int, Stock],
    apply: Apply,
    handler: Iterator[float],
    clock: Clock,
    log: Log,
) -> None:
    """Take each change as it arrives, work on it, and show it if it is to be shown."""
    async with deliveries:
        async for committed in deliveries:
            await clock.sleep(next(handler))
            change = committed.change
            shown = fold(model, change, apply)
            if shown is not model.get(change.product):
                model[change.product] = shown
                log.visible[committed.row] = clock.now


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
