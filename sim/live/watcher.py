"""The watcher: finds out since when a standby has shown what.

It asks for the standby's position while there is anything that nobody has
seen; people may be first. A change was under way from its commit until then:
of what held it in the meantime, nothing is known.
"""

from array import array

import numpy as np
import trio
from attrs import Factory, define

from sim.clock import Time
from sim.inventory import NOTHING, Stock
from sim.live.announced import Announced
from sim.live.ports import LOOK, PATIENCE, Pair, StoreLost
from sim.log import Log
from sim.writer import Store


@define
class Watch:
    """What a standby is known to show.

    `store` is what the writer knows. `shown` is the model as the standby is
    known to show it. Of the log's changes, the first `known` have a place in
    `rows`, by product and version, and the first `passed` are shown.
    """

    pair: Pair
    announced: Announced
    store: Store
    shown: dict[int, Stock]
    blank: Stock
    clock: Time
    log: Log
    patience: float = PATIENCE
    rows: dict[tuple[int, int], int] = Factory(dict)
    known: int = 0
    passed: int = 0

    async def see(self, product: int) -> Stock:
        """Look at the standby; what the writer has not heard of yet, nobody is told until it has."""
        stock = await self.pair.read.see(product) or self.blank
        now = self.clock.now
        shown = self.shown.get(product, NOTHING).version
        while max(shown, self.store.model.get(product, NOTHING).version) < stock.version:
            await self.announced.bell.event.wait()
        self.take_up()
        for version in range(self.shown.get(product, NOTHING).version + 1, stock.version + 1):
            self.reveal(self.rows[product, version], now)
        return stock

    async def watch(self) -> None:
        """Ask how far the standby is, until it shows all there will be; StoreLost if it moves no more."""
        moved = self.clock.now
        while not self.announced.closed or self.passed < len(self.log.committed):
            if self.passed == len(self.log.committed):
                await self.announced.bell.event.wait()
                moved = self.clock.now
                continue
            before, position = self.passed, await self.pair.read.position()
            now = self.clock.now
            self.pass_to(position - self.announced.first, now)
            moved = now if self.passed > before else moved
            held = self.pair.wire.last if self.pair.wire else 0.0
            if now > max(moved, held) + self.patience:
                raise StoreLost(f"{self.pair.name} has shown nothing new for {self.patience:g} s")
            await trio.sleep(LOOK)

    def pass_to(self, row: int, now: float) -> None:
        """Take down that the standby shows all changes up to a row; the writer may not have heard of some."""
        self.take_up()
        for passed in range(self.passed, min(row, self.known)):
            if not self.log.applied[passed]:
                self.reveal(passed, now)
        self.passed = max(self.passed, min(row, self.known))

    def take_up(self) -> None:
        """Learn of the changes that were committed meanwhile."""
        for row in range(self.known, len(self.log.committed)):
            self.rows[self.log.change_product[row], self.log.change_version[row]] = row
        self.known = len(self.log.committed)

    def reveal(self, row: int, now: float) -> None:
        """Take down that the standby shows a change: by its position, or because somebody has seen it."""
        log, since = self.log, max(now, self.log.committed[row])
        log.deliver(row, since)
        log.take(row, since, since)
        log.handle(row, since)
        log.show(row, since)
        self.shown[log.change_product[row]] = Stock(log.change_quantity[row], log.change_version[row])


def carry(log: Log) -> None:
    """Say of each change that it is under way from its commit on, without anybody sending it."""
    committed = np.asarray(log.committed)
    visible = np.asarray(log.visible)[: len(committed)]
    log.sent, log.copies = array("d", committed), array("q", [1]) * len(committed)
    log.delay = array("d", visible - committed)
    log.line = log.outage = array("d", [0.0]) * len(committed)
