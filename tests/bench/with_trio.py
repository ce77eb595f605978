"""The workload for trio as it comes, on its own MockClock that jumps when everybody sleeps."""

import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import trio
import trio.testing
from trio import MemoryReceiveChannel as Receiving
from trio import MemorySendChannel as Sending

from tests.bench.stopwatch import report
from tests.bench.warehouse import Change, Shown, Tally, apply_newest, decide, stocked
from tests.bench.workload import Workload, read_workload

Command = tuple[float, int, int, int]  # admitted, add, product, quantity


async def worker(intents: Iterator[Any], commands: Sending[Command]) -> None:
    """Command what is meant, when it is meant."""
    async with commands:
        for when, add, product, quantity in intents:
            await trio.sleep_until(when)
            commands.send_nowait((trio.current_time(), add, product, quantity))


async def writer(
    load: Workload, commands: Receiving[Command], deliveries: Sending[Change], tally: Tally
) -> None:
    """Take a command, work on it, decide, and send the change on."""
    model, services, delays = stocked(), load.each("services"), load.each("delays")
    async with deliveries, trio.open_nursery() as link:
        async for admitted, add, product, quantity in commands:
            tally.commands += 1
            tally.waited += trio.current_time() - admitted
            await trio.sleep(next(services))
            change = decide(model, add, product, quantity)
            if change:
                tally.accepted += 1
                link.start_soon(carry, change, next(delays), deliveries)


async def carry(change: Change, delay: float, deliveries: Sending[Change]) -> None:
    """Bring one change to the reader, late."""
    await trio.sleep(delay)
    deliveries.send_nowait(change)


async def reader(deliveries: Receiving[Change], model: dict[int, Shown]) -> None:
    """Show each change that arrives."""
    async for change in deliveries:
        apply_newest(model, change)


async def visitor(looks: Iterator[Any], model: dict[int, Shown], tally: Tally) -> None:
    """Look when it is meant."""
    for when, product in looks:
        await trio.sleep_until(when)
        tally.seen += model[product][0]


async def everybody(load: Workload) -> Tally:
    """Let everybody in, and wait until all is done."""
    tally, model = Tally(), stocked()
    commands_in, commands_out = trio.open_memory_channel[Command](math.inf)
    deliveries_in, deliveries_out = trio.open_memory_channel[Change](math.inf)
    async with trio.open_nursery() as nursery, commands_in:
        for looks in load.crowd("visitor", "when", "product"):
            nursery.start_soon(visitor, looks, model, tally)
        nursery.start_soon(reader, deliveries_out, model)
        nursery.start_soon(writer, load, commands_out, deliveries_in, tally)
        for intents in load.crowd("worker", "when", "add", "product", "quantity"):
            nursery.start_soon(worker, intents, commands_in.clone())
    return tally


def play(load: Workload) -> Tally:
    """Play the workload once."""
    return trio.run(everybody, load, clock=trio.testing.MockClock(autojump_threshold=0))


if __name__ == "__main__":
    report(play, read_workload, Path(sys.argv[1]))
