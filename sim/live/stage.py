"""Plays a scenario in real time, on stores that are real: the same actors, behind the same channels.

The writer commits a batch to the write store, with its changes in the outbox.
The feed gives them to the scenario's link, which delays them as it does in a
simulation; the reader applies what comes out to the read store. Whatever
crashes starts again from what its store holds.

Where two roles race, whoever knows first takes it down: a change counts as
committed when the writer hears of it, and is passed on no sooner; it counts as
visible when the reader hears of it, or when somebody has seen it.

With a replica there is neither feed nor reader: a hot standby of the write
store is the read store, and a watcher finds out since when it shows what. The
link is then a wire between two servers.
"""

from array import array
from functools import partial
from pathlib import Path

import attrs
import numpy as np
import polars as pl
import trio
from attrs import frozen

from sim.channels import Receiver, Sender, open_channel
from sim.clock import Time
from sim.distributions import Constant, Uniform
from sim.door import Give, See, through_channel
from sim.inventory import Command, Stock
from sim.live.announced import Announced
from sim.live.clock import Apparatus, RealClock, cost, lateness, resolution
from sim.live.limits import refuse, theirs
from sim.live.ports import Held, NoStore, Pair, Stores
from sim.live.reader import Screen, catch_up, follow
from sim.live.stores import pair_at, store_at
from sim.live.watcher import Watch, carry
from sim.live.writer import write
from sim.log import Log
from sim.plan import plan_commands, plan_queries
from sim.reader import Looks
from sim.scenario import Scenario
from sim.stage import (
    Failed,
    House,
    Interrupted,
    Luck,
    cause,
    draw_from,
    one_by_one,
    open_chances,
    play,
    stocked,
)
from sim.trace import Trace
from sim.worker import Worker, worker
from sim.writer import Store


@frozen
class Recording:
    """A run in real time, and what it was measured with."""

    trace: Trace
    apparatus: Apparatus


def run(
    scenario: Scenario,
    address: str,
    folder: Path,
    replication: int = 0,
    worker: Worker = worker,
    fresh: bool = True,
    replica: str | None = None,
) -> Recording:
    """Play a scenario once on the store of that address, in real time, and return all that happened.

    `replica` is the address of a hot standby to read from; "postgresql" alone
    makes one of the run's own, if the store is that too.

    Whatever an earlier run has left in the store is dropped, unless it shall
    not be `fresh`: then the reader catches up first, and the versions go on.

    Unfit says what cannot be played, NoStore which store cannot be opened.
    Failed, whose cause is StoreLost if a store failed, and Interrupted carry
    the trace so far.
    """
    refuse(scenario, replica)
    opened = pair_at(address, replica) if replica else store_at(address, folder)
    log = Log(plan_commands(scenario, replication), plan_queries(scenario, replication))
    clock, kind = RealClock(), address.partition(":")[0] + (" with a standby" if replica else "")

    async def main() -> tuple[float, Apparatus]:
        async with opened(fresh) as stores:
            return await _play(scenario, replication, worker, stores, log, clock)

    def trace(until: float, complete: bool) -> Trace:
        if replica:
            carry(log)
        else:
            make_up(log, scenario, complete)
        so_far = log.trace(scenario, replication, until, complete)
        return attrs.evolve(so_far, engine=kind, scenario=as_played(so_far, theirs(replica)))

    try:
        until, apparatus = trio.run(main, restrict_keyboard_interrupt_to_checkpoints=True)
    except BaseException as error:
        reason = cause(error)
        if isinstance(reason, NoStore):
            raise reason from None
        until_now = trace(clock.now, complete=False)
        if isinstance(reason, KeyboardInterrupt):
            raise Interrupted(until_now) from None
        raise Failed(reason, until_now) from reason
    return Recording(trace(max(until, scenario.duration), complete=True), apparatus)


def make_up(log: Log, scenario: Scenario, complete: bool) -> None:
    """Count the copies that came out, some of them after a crash; and call delay whatever else a way took.

    Until all has drained, those that are under way count as well.
    """
    change, time, n = np.asarray(log.delivered_change), np.asarray(log.delivered_time), len(log.committed)
    came = np.bincount(change, minlength=n)
    log.copies = array("q", (came if complete else np.maximum(came, np.asarray(log.copies)[:n])).tolist())
    if scenario.link.resend is None:
        arrived = np.full(n, np.inf)
        np.minimum.at(arrived, change, time)
        sent, line, outage = (np.asarray(column)[:n] for column in (log.sent, log.line, log.outage))
        delay = arrived - sent - line - outage
        log.delay = array("d", np.where(np.isfinite(arrived), delay, np.nan).tolist())


def as_played(trace: Trace, link_too: bool) -> Scenario:
    """Say what a live run was in truth: its writer took as long as the store did, on average.

    And the link as well, where that was the store's own.
    """
    done = trace.commands.drop_nulls(["started", "finished"])
    batches = done.group_by("started").agg(pl.col("finished").max())
    took = float((batches["finished"] - batches["started"]).sum())
    scenario = trace.scenario
    service = Constant(took / max(1, len(done)))
    writer = attrs.evolve(scenario.writer, service=service, commit=Constant(0.0))
    reader, link = attrs.evolve(scenario.reader, handler=Constant(0.0)), scenario.link
    if link_too:
        delays = trace.changes["delay"].drop_nulls()
        link = attrs.evolve(link, delay=Constant(float(delays.sum()) / max(1, len(delays))))
    return attrs.evolve(scenario, writer=writer, link=link, reader=reader)


async def _play(
    scenario: Scenario, replication: int, act: Worker, stores: Stores | Pair, log: Log, clock: RealClock
) -> tuple[float, Apparatus]:
    """Start the clock when the stores are ready, play, and read in the end what they hold.

    Return when all had drained.
    """
    luck = partial(draw_from, scenario.seed, replication)
    before = await stores.write.load()
    if isinstance(stores, Stores):
        await catch_up(stores, before.last)
    look = await cost(partial(stores.read.see, 1))
    clock.restart()
    async with trio.open_nursery() as background:
        background.start_soon(clock.keep)
        await play(
            scenario, luck, act, log, clock, partial(_house, scenario, luck, stores, before, clock, log)
        )
        background.cancel_scope.cancel()
    until = clock.now
    held, shown = (await stores.write.load()).model, await stores.read.load()
    log.end({**stocked(scenario), **held}, {**stocked(scenario), **shown})
    return until, Apparatus(resolution(), look, lateness(clock.late))


def _house(
    scenario: Scenario,
    luck: Luck,
    stores: Stores | Pair,
    before: Held,
    clock: RealClock,
    log: Log,
    actors: trio.Nursery,
) -> House:
    """Build the pipeline over the stores, which hold what was there before."""
    store = Store(stocked(scenario), by_id=scenario.writer.command_ids, notes=True)
    announced = Announced(before.last, last=before.last, given=before.last)
    commands_in: Sender[Command]
    commands_out: Receiver[Command]
    commands_in, commands_out = open_channel(
        "the command channel", sender="a worker", receiver="the writer", capacity=scenario.inbox.capacity
    )
    start = actors.start_soon
    start(write, commands_out, announced, stores.write, store, scenario, clock, log, name="the writer")
    if isinstance(stores, Pair):
        shown = {**store.model, **before.model}
        see = _watched(scenario, luck, stores, store, shown, announced, actors, clock, log)
    else:
        see = _followed(scenario, luck, stores, store, announced, actors, clock, log)
    give = at_once(commands_in, log, through_channel(commands_in, scenario.inbox.when_full, clock, log))
    return House(give, see, one_by_one(see, clock, log, caller), commands_in)


def _followed(
    scenario: Scenario,
    luck: Luck,
    stores: Stores,
    store: Store,
    announced: Announced,
    actors: trio.Nursery,
    clock: RealClock,
    log: Log,
) -> See:
    """Let a reader follow the outbox; say how to look at what it keeps."""
    screen = Screen(stores.read, stocked(scenario), Stock(scenario.products.stock))
    log.end(store.model, screen.shown)
    chances = open_chances(scenario.link, luck)
    phase = next(luck(Uniform(0.0, scenario.reader.poll or 0.0).draw, "reader", "poll"))
    actors.start_soon(
        follow, stores.feed, announced, screen, chances, phase, scenario, clock, log, name="the reader"
    )
    return screen.look(clock)


def _watched(
    scenario: Scenario,
    luck: Luck,
    pair: Pair,
    store: Store,
    shown: dict[int, Stock],
    announced: Announced,
    actors: trio.Nursery,
    clock: RealClock,
    log: Log,
) -> See:
    """Let a watcher look at the standby, to which the link leads if that is ours; say how to look there."""
    blank = Stock(scenario.products.stock)
    watch = Watch(pair, announced, store, shown, blank, clock, log)
    log.end(store.model, watch.shown)
    if pair.wire:
        pair.wire.begin(scenario.link, open_chances(scenario.link, luck), RealClock(clock.start))
    actors.start_soon(watch.watch, name="the watcher")
    return watch.see


def at_once(commands: Sender[Command], log: Log, otherwise: Give) -> Give:
    """Give commands to the channel; one for which there is room has not waited, though the clock ticks on."""

    async def give(command: Command) -> None:
        try:
            commands.send_nowait(command)
            log.admitted[command.id] = log.issued[command.id]
        except trio.WouldBlock:
            await otherwise(command)

    return give


async def caller(intents: Looks, see: See, clock: Time, log: Log) -> None:
    """Look at each instant that was meant, or as soon after it as one can; asked is when it was done."""
    for when, row, product in intents:
        await clock.sleep_until(when)
        log.asked[row] = clock.now
        log.answer(row, await see(product), clock.now)
