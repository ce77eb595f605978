"""The writer: the only one who changes the write model, one command or one batch at a time."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from typing import Protocol

import trio
from attrs import Factory, frozen
from msgspec import Struct

from sim.channels import Receiver
from sim.clock import Time
from sim.crashes import through_crashes
from sim.inventory import Answer, Change, Command, Rejection, Stock, decide
from sim.log import Log
from sim.scenario import Writer
from sim.trace import ACCEPTED, REJECTED, REPEATED


class Committed(Struct, frozen=True):
    """A change on its way to the reader; row is where the trace keeps it."""

    row: int
    change: Change


@frozen
class Store:
    """What the writer keeps where no crash can reach it.

    The write model, with the newest change of each product; if it notes what
    is to be sent, what was committed and is still to be sent; and, if it goes
    by the commands' ids, what was accepted before, by their key.
    """

    model: dict[int, Stock]
    by_id: bool
    notes: bool
    newest: dict[int, Committed] = Factory(dict)
    outbox: deque[Committed] = Factory(deque)
    accepted: dict[int | None, Change] = Factory(dict)


class Changes(AbstractAsyncContextManager["Changes"], Protocol):
    """Where changes go; `async with` closes it."""

    def send(self, committed: Committed) -> None:
        """Send a change on its way; there is always room."""
        ...


Settled = list[tuple[Answer, Committed | None]]
Commit = Callable[[list[Command]], Awaitable[Settled]]


@frozen
class Efforts:
    """What a writer draws: the time for a commit, for each command in it, and to send each change."""

    commit: Iterator[float]
    service: Iterator[float]
    publish: Iterator[float]


async def writer(
    commands: Receiver[Command],
    changes: Changes,
    store: Store,
    ways: Writer,
    efforts: Efforts,
    clock: Time,
    log: Log,
) -> None:
    """Work until there are no more commands, through all crashes."""
    commit = in_memory(store, efforts, clock, log)
    async with commands, changes:
        await through_crashes(
            partial(work, commands, changes, store, commit, ways, efforts.publish, clock, log),
            ways.crashes,
            clock,
        )


async def work(
    commands: Receiver[Command],
    changes: Changes,
    store: Store,
    commit: Commit,
    ways: Writer,
    publish: Iterator[float],
    clock: Time,
    log: Log,
) -> None:
    """One life: send what the outbox holds; then take what waits, commit it together, send, answer."""

    async def send(committed: Committed) -> None:
        if pause := next(publish):
            await clock.sleep(pause)
        log.sent[committed.row] = clock.now
        changes.send(committed)
        if store.notes:
            store.outbox.popleft()

    while store.outbox:
        await send(store.outbox[0])
    async for first in commands:
        batch = [first, *commands.waiting(ways.batch - 1)] if ways.batch > 1 else [first]
        now = clock.now
        for command in batch:
            log.started[command.id] = now
        done = 0
        try:
            for decision, committed in await commit(batch):
                if committed:
                    await send(committed)
                answer(batch[done], decision, clock.now, log)
                done += 1
        except trio.Cancelled:
            for command in batch[done:]:
                hang_up(command, log)
            raise


def in_memory(store: Store, efforts: Efforts, clock: Time, log: Log) -> Commit:
    """Commit a batch after the time that it takes: one for the batch, and one for each command."""

    async def commit(batch: list[Command]) -> Settled:
        pause = next(efforts.commit)
        for _ in batch:
            pause += next(efforts.service)
        await clock.sleep(pause)
        now = clock.now
        return [settle(command, store, now, log) for command in batch]

    return commit


def settle(command: Command, store: Store, now: float, log: Log) -> tuple[Answer, Committed | None]:
    """Decide, and commit what is accepted; what was accepted before is answered as it was then."""
    if store.by_id and command.key in store.accepted:
        known = store.accepted[command.key]
        log.outcome[command.id], log.version[command.id] = REPEATED, known.version
        return known, None
    decision = decide(store.model, command)
    committed = commit(command, decision, store.model, now, log)
    if committed:
        store.newest[command.product] = committed
        if store.notes:
            store.outbox.append(committed)
        if store.by_id and command.key is not None:  # nobody asks again without one
            store.accepted[command.key] = committed.change
    return decision, committed


def commit(
    command: Command, decision: Answer, model: dict[int, Stock], now: float, log: Log
) -> Committed | None:
    """Put what was decided into the model and the log; None if that changes nothing."""
    if isinstance(decision, Rejection):
        log.outcome[command.id] = REJECTED
        return None
    model[decision.product] = Stock(decision.quantity, decision.version)
    log.outcome[command.id] = ACCEPTED
    return Committed(log.commit(command.id, decision, now), decision)


def answer(command: Command, decision: Answer, now: float, log: Log) -> None:
    """Take down that a command is done, and tell whoever waits for it."""
    log.finished[command.id] = now
    reply(command, decision)


def hang_up(command: Command, log: Log) -> None:
    """Leave a command without an answer; whoever waits for one sees that it will not come."""
    log.lose(command.id)
    if command.reply:
        command.reply.close()


def reply(command: Command, decision: Answer) -> None:
    """Send the answer to whoever asked, unless they have given up waiting."""
    if command.reply:
        with suppress(trio.BrokenResourceError):
            command.reply.send_nowait(decision)
