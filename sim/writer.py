"""The writer: the only one who changes the write model, one command at a time."""

from collections.abc import Iterator
from contextlib import suppress

import trio
from attrs import frozen

from sim.channels import Receiver, Sender
from sim.clock import Clock
from sim.inventory import Answer, Change, Command, Stock, decide
from sim.trace import ACCEPTED, REJECTED, Log


@frozen
class Committed:
    """A change on its way to the reader; row is where the trace keeps it."""

    row: int
    change: Change


async def writer(
    commands: Receiver[Command],
    changes: Sender[Committed],
    model: dict[int, Stock],
    service: Iterator[float],
    clock: Clock,
    log: Log,
) -> None:
    """Take a command, work on it, decide; commit what is accepted, send it on, and answer."""
    async with commands, changes:
        async for command in commands:
            log.started[command.id] = clock.now
            await clock.sleep(next(service))
            decision = decide(model, command)
            committed = settle(command, decision, model, clock.now, log)
            if committed:
                await changes.send(committed)


def settle(
    command: Command, decision: Answer, model: dict[int, Stock], now: float, log: Log
) -> Committed | None:
    """Put what was decided into the model and the log, and answer whoever waits for it."""
    log.finished[command.id] = now
    committed = None
    if isinstance(decision, Change):
        model[decision.product] = Stock(decision.quantity, decision.version)
        log.outcome[command.id] = ACCEPTED
        committed = Committed(log.commit(command.id, decision, now), decision)
    else:
        log.outcome[command.id] = REJECTED
    if command.reply:
        answer(command, decision)
    return committed


def answer(command: Command, decision: Answer) -> None:
    """Send the answer to whoever asked, unless they have given up waiting."""
    with suppress(trio.BrokenResourceError):
        command.reply.send_nowait(decision)
