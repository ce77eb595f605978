"""The writer on a write store: each batch, with its changes in the outbox, is one transaction."""

from collections import ChainMap
from itertools import repeat

import trio

from sim.channels import Receiver
from sim.clock import Time
from sim.crashes import through_crashes
from sim.inventory import Change, Command, Stock, decide
from sim.live.announced import Announced
from sim.live.ports import Bell, Entry, WriteStore
from sim.log import Log
from sim.scenario import Scenario
from sim.writer import Commit, Settled, Store, settle, work


async def write(
    commands: Receiver[Command],
    announced: Announced,
    port: WriteStore,
    store: Store,
    scenario: Scenario,
    clock: Time,
    log: Log,
) -> None:
    """Let the writer live until there are no more commands; each life begins with what the store holds."""
    commit = through(port, store, announced.bell, clock, log)

    async def live() -> None:
        held = await port.load()
        store.model.update(held.model)
        if store.by_id:
            store.accepted.update(held.accepted)
        await work(commands, announced, store, commit, scenario.writer, repeat(0.0), clock, log)

    async with commands, announced:
        await through_crashes(live, scenario.writer.crashes, clock)


def through(port: WriteStore, store: Store, bell: Bell, clock: Time, log: Log) -> Commit:
    """Commit a batch to the write store, then take it down, and wake whoever waits to hear of it.

    A crash in the meantime comes between the commit and the answer.
    """

    async def commit(batch: list[Command]) -> Settled:
        entries = decided(batch, store)
        if entries:
            await port.commit(entries)
        now = clock.now
        settled = [settle(command, store, now, log) for command in batch]
        bell.ring()
        await trio.lowlevel.checkpoint_if_cancelled()
        return settled

    return commit


def decided(batch: list[Command], store: Store) -> list[Entry]:
    """Say what a batch will change, each command upon what those before it have left."""
    entries: list[Entry] = []
    model, known = ChainMap({}, store.model), {*store.accepted}
    for command in batch:
        decision = decide(model, command)
        if command.key in known or not isinstance(decision, Change):
            continue
        model[decision.product] = Stock(decision.quantity, decision.version)
        entries.append(Entry(command.key if store.by_id else None, decision))
        if store.by_id and command.key is not None:
            known.add(command.key)
    return entries
