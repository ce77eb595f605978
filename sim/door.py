"""The door: how a command gets into the system, and how a look is served, in each architecture.

cqrs: into the channel of the single writer; looks are free.
locked: one model and one lock, at which commands and looks take turns.
unsafe: everybody reads, thinks, and writes back what they have worked out.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import trio
from msgspec.structs import replace

from sim.channels import Sender
from sim.clock import Time
from sim.inventory import FULL, NOTHING, Change, Command, Model, Rejection, Stock, decide
from sim.log import Log
from sim.scenario import WhenFull
from sim.trace import SHED
from sim.writer import Committed, answer, commit, reply

Give = Callable[[Command], Awaitable[None]]
See = Callable[[int], Awaitable[Stock]]


def through_channel(commands: Sender[Command], when_full: WhenFull, clock: Time, log: Log) -> Give:
    """Give commands to the channel; when it is full, wait in line or drop them."""

    async def wait(command: Command) -> None:
        try:
            await commands.send(command)
            log.admitted[command.id] = clock.now
        except trio.Cancelled:  # whoever brought it has given up
            log.lose(command.id)
            raise

    async def shed(command: Command) -> None:
        try:
            commands.send_nowait(command)
            log.admitted[command.id] = clock.now
        except trio.WouldBlock:
            log.outcome[command.id] = SHED
            reply(command, Rejection(FULL))

    return wait if when_full == "wait" else shed


def freely(model: Model) -> See:
    """Look at a model without asking anybody."""

    async def see(product: int) -> Stock:
        return model.get(product, NOTHING)

    return see


def under_lock(model: dict[int, Stock], service: Iterator[float], clock: Time, log: Log) -> tuple[Give, See]:
    """Work on one model under one lock; who came first goes first, to write or to look."""
    lock = trio.Lock()

    async def give(command: Command) -> None:
        log.admitted[command.id] = clock.now
        with lost_if_given_up(command, log):
            async with lock:
                log.started[command.id] = clock.now
                await clock.sleep(next(service))
                decision = decide(model, command)
                show(commit(command, decision, model, clock.now, log), clock.now, log)
                answer(command, decision, clock.now, log)

    async def see(product: int) -> Stock:
        async with lock:
            return model.get(product, NOTHING)

    return give, see


def without_care(model: dict[int, Stock], service: Iterator[float], clock: Time, log: Log) -> Give:
    """Read, think for the service time, write back: whatever others wrote in between is lost."""

    async def give(command: Command) -> None:
        log.admitted[command.id] = log.started[command.id] = clock.now
        seen = {command.product: model.get(command.product, NOTHING)}
        with lost_if_given_up(command, log):
            await clock.sleep(next(service))
        decision = decide(seen, command)
        if isinstance(decision, Change):  # it knows of no other writer, but the versions count them all
            version = model.get(command.product, NOTHING).version + 1
            decision = replace(decision, version=version)
        show(commit(command, decision, model, clock.now, log), clock.now, log)
        answer(command, decision, clock.now, log)

    return give


@contextmanager
def lost_if_given_up(command: Command, log: Log) -> Iterator[None]:
    """Take down that a command came to nothing, if whoever brought it gives up before it is done."""
    try:
        yield
    except trio.Cancelled:
        log.lose(command.id)
        raise


def show(committed: Committed | None, now: float, log: Log) -> None:
    """Take down that a change is seen as soon as it is made, where there is but one model."""
    if committed:
        log.sent[committed.row] = now
        log.travel(committed.row, 1, delay=0.0, line=0.0, outage=0.0)
        log.deliver(committed.row, now)
        log.take(committed.row, now, now)
        log.handle(committed.row, now)
        log.show(committed.row, now)
