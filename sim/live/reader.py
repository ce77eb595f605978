"""The reader on a read store: it follows a feed over the scenario's link, and applies what comes out."""

from itertools import repeat

import trio
from attrs import Factory, define, field

from sim.channels import Receiver, Sender, open_channel
from sim.clock import Time
from sim.crashes import through_crashes
from sim.door import See
from sim.inventory import NOTHING, Change, Stock, fold
from sim.link import Chances, Departures
from sim.live.announced import Announced
from sim.live.clock import RealClock
from sim.live.ports import Feed, ReadStore, Stores
from sim.log import Log
from sim.reader import Show, View, project
from sim.scenario import Scenario
from sim.writer import Committed


async def catch_up(stores: Stores, last: int) -> None:
    """Apply what was committed before, and has not been shown."""
    while (position := await stores.read.position()) < last:
        noted = await stores.feed.next(position)
        if noted:
            await stores.read.apply(newest([note.change for note in noted]), noted[-1].sequence)


def newest(changes: list[Change]) -> list[Change]:
    """Keep the newest change of each product."""
    return list({c.product: c for c in sorted(changes, key=lambda change: change.version)}.values())


@define
class Place:
    """Up to which number everything has come to the reader, and what has come beyond a gap."""

    position: int
    beyond: set[int] = Factory(set)

    def arrive(self, sequence: int) -> None:
        """Count one in."""
        self.beyond.add(sequence)
        while self.position + 1 in self.beyond:
            self.position += 1
            self.beyond.remove(self.position)


@define
class Screen:
    """The read store as the reader knows it: what it shows, and what people saw before it knew.

    `blank` is what a product shows that never changed.
    """

    port: ReadStore
    shown: dict[int, Stock]
    blank: Stock
    seen: dict[int, tuple[int, float]] = field(factory=dict)

    def look(self, clock: Time) -> See:
        """Look at the read store."""

        async def see(product: int) -> Stock:
            stock = await self.port.see(product) or self.blank
            if stock.version > max(
                self.shown.get(product, NOTHING).version, self.seen.get(product, (0, 0))[0]
            ):
                self.seen[product] = stock.version, clock.now
            return stock

        return see

    def show(self, place: Place, first: int, clock: Time, log: Log) -> Show:
        """Apply batches to the read store, with the position."""

        async def show(batch: list[Committed]) -> None:
            for committed in batch:
                place.arrive(first + committed.row + 1)
            await self.port.apply(newest([committed.change for committed in batch]), place.position)
            now = clock.now
            for committed in batch:
                change = committed.change
                shown = fold(self.shown, change)
                if shown is not self.shown.get(change.product):
                    self.shown[change.product] = shown
                    version, since = self.seen.get(change.product, (0, 0.0))
                    log.show(committed.row, min(now, since) if version >= change.version else now)

        return show


async def follow(
    feed: Feed,
    announced: Announced,
    screen: Screen,
    chances: Chances,
    phase: float,
    scenario: Scenario,
    clock: RealClock,
    log: Log,
) -> None:
    """Let the reader live until no more can come; each life begins at the read store's position.

    What was on the link when it crashed is fetched again.
    """

    async def live() -> None:
        screen.shown.update(await screen.port.load())
        place = Place(await screen.port.position())
        announced.given = place.position
        line = RealClock(clock.start)
        deliveries_in: Sender[Committed]
        deliveries_out: Receiver[Committed]
        deliveries_in, deliveries_out = open_channel("the link", sender="the feed", receiver="the reader")
        departures = Departures(deliveries_in, scenario.link, chances, line, log)
        show, view = screen.show(place, announced.first, line, log), View({})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(line.keep)
            nursery.start_soon(fetch, feed, announced, departures, place, line, log)
            await project(deliveries_out, view, show, scenario.reader, repeat(0.0), phase, line, log)
            nursery.cancel_scope.cancel()

    await through_crashes(live, scenario.reader.crashes, clock)


async def fetch(
    feed: Feed, announced: Announced, departures: Departures, place: Place, clock: Time, log: Log
) -> None:
    """Put on the link whatever the feed gives, until there can be no more."""
    async with departures, trio.open_nursery() as nursery:

        async def stop() -> None:
            await announced.all_given()
            nursery.cancel_scope.cancel()

        nursery.start_soon(stop)
        while True:
            for sequence, change in await feed.next(announced.given):
                await announced.reach(sequence)
                send(Committed(sequence - announced.first - 1, change), departures, clock, log)
                if not log.copies[sequence - announced.first - 1]:  # lost for good: nobody need wait for it
                    place.arrive(sequence)
                announced.given = sequence
            announced.bell.ring()


def send(committed: Committed, departures: Departures, clock: Time, log: Log) -> None:
    """Put a change on the link; it was under way since its commit, when the feed did not know of it yet."""
    departures.send(committed)
    log.delay[committed.row] += clock.now - log.sent[committed.row]
