"""The worker: fires commands when the plan wants them."""

from collections.abc import Iterable

import trio

from sim.channels import Sender
from sim.clock import Clock
from sim.inventory import Command
from sim.scenario import WhenFull
from sim.trace import SHED, Log


async def worker(
    intents: Iterable[tuple[float, Command]],
    commands: Sender[Command],
    when_full: WhenFull,
    clock: Clock,
    log: Log,
) -> None:
    """Send each command at the instant it is meant for, or as soon after as the channel has room.

    A worker that is held up sends what is overdue one after the other; each
    command keeps the instant that was meant, so the delay is not hidden.
    """
    async with commands:
        for intended, command in intents:
            await clock.sleep_until(intended)
            log.issued[command.id] = clock.now
            if when_full == "shed":
                offer(command, commands, clock, log)
            else:
                await commands.send(command)
                log.admitted[command.id] = clock.now


def offer(command: Command, commands: Sender[Command], clock: Clock, log: Log) -> None:
    """Put a command into the channel, or drop it if that is full."""
    try:
        commands.send_nowait(command)
        log.admitted[command.id] = clock.now
    except trio.WouldBlock:
        log.outcome[command.id] = SHED
