"""The writer: the only one who changes the write model, one command at a time."""

from collections.abc import Iterator

from attrs import frozen

from sim.channels import Receiver, Sender
from sim.clock import Clock
from sim.inventory import Change, Command, Stock, decide
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
    """Take a command, work on it, decide; commit what is accepted and send the change on."""
    async with commands, changes:
        async for command in commands:
            log.started[command.id] = clock.now
            await clock.sleep(next(service))
            decision = decide(model, command)
            log.finished[command.id] = clock.now
            if isinstance(decision, Change):
                log.outcome[command.id] = ACCEPTED
                model[decision.product] = Stock(decision.quantity, decision.version)
                await changes.send(Committed(log.commit(command.id, decision, clock.now), decision))
            else:
                log.outcome[command.id] = REJECTED
