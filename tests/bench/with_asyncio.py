"""The workload for asyncio, on an event loop whose time jumps to the next timer."""

import asyncio
import selectors
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.stopwatch import report
from tests.bench.warehouse import Change, Shown, Tally, apply_newest, decide, stocked
from tests.bench.workload import Workload, read_workload

Command = tuple[float, int, int, int]  # admitted, add, product, quantity


class Jump(selectors.SelectSelector):
    """Where asyncio would sleep: nothing ever comes from outside, so time moves on at once."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Let so many virtual seconds pass."""
        assert timeout is not None, "nobody can go on"
        self.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time."""

    def __init__(self) -> None:
        self.jump = Jump()
        super().__init__(self.jump)

    def time(self) -> float:
        """Give virtual seconds since the start."""
        return self.jump.now


async def worker(intents: Iterator[Any], commands: "asyncio.Queue[Command]") -> None:
    """Command what is meant, when it is meant."""
    loop = asyncio.get_running_loop()
    for when, add, product, quantity in intents:
        await asyncio.sleep(when - loop.time())
        commands.put_nowait((loop.time(), add, product, quantity))


async def writer(
    load: Workload, commands: "asyncio.Queue[Command]", deliveries: "asyncio.Queue[Change]", tally: Tally
) -> None:
    """Take a command, work on it, decide, and send the change on."""
    loop, model, delays = asyncio.get_running_loop(), stocked(), load.each("delays")
    for service in load.each("services"):
        admitted, add, product, quantity = await commands.get()
        tally.commands += 1
        tally.waited += loop.time() - admitted
        await asyncio.sleep(service)
        change = decide(model, add, product, quantity)
        if change:
            tally.accepted += 1
            loop.call_later(next(delays), deliveries.put_nowait, change)


async def reader(deliveries: "asyncio.Queue[Change]", model: dict[int, Shown]) -> None:
    """Show each change that arrives."""
    while True:
        apply_newest(model, await deliveries.get())


async def visitor(looks: Iterator[Any], model: dict[int, Shown], tally: Tally) -> None:
    """Look when it is meant."""
    loop = asyncio.get_running_loop()
    for when, product in looks:
        await asyncio.sleep(when - loop.time())
        tally.seen += model[product][0]


async def everybody(load: Workload) -> Tally:
    """Let everybody in, and wait until all is done."""
    tally, model = Tally(), stocked()
    commands: asyncio.Queue[Command] = asyncio.Queue()
    deliveries: asyncio.Queue[Change] = asyncio.Queue()
    reading = asyncio.create_task(reader(deliveries, model))
    async with asyncio.TaskGroup() as group:
        for looks in load.crowd("visitor", "when", "product"):
            group.create_task(visitor(looks, model, tally))
        group.create_task(writer(load, commands, deliveries, tally))
        for intents in load.crowd("worker", "when", "add", "product", "quantity"):
            group.create_task(worker(intents, commands))
    reading.cancel()
    return tally


def play(load: Workload) -> Tally:
    """Play the workload once."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(everybody(load))


if __name__ == "__main__":
    report(play, read_workload, Path(sys.argv[1]))
