"""The worker: somebody with commands to send, and all that such a person can do.

`worker` is the one that scenarios use. `sim.run(scenario, worker=mine)` takes
any async function of the same signature in its place: it gets a Person, whose
deeds are all recorded, and that person's intents. It may use the whole of
trio (sleep, move_on_after, nurseries …); everything runs on virtual time.
"""

import math
from collections.abc import Awaitable, Callable, Iterator

import trio
from attrs import frozen

from sim.channels import Sender, open_channel
from sim.clock import Time
from sim.inventory import Answer, Command, Intent, Stock
from sim.log import Log

Worker = Callable[["Person", Iterator[Intent]], Awaitable[None]]


@frozen
class Person:
    """One worker: its number, its ways, and its hands.

    `give` and `see` are how commands and looks reach the system. `thinks` is
    how long it thinks after each answer, or None in an open loop;
    `reads_back` how long after an answer it looks at what it wrote, or None.
    `timeout` is how long it waits for an answer before it asks again, in
    seconds, or None; `attempts` how often it asks at most.
    """

    number: int
    clock: Time
    log: Log
    give: Callable[[Command], Awaitable[None]]
    see: Callable[[int], Awaitable[Stock]]
    looks_first: bool = False
    thinks: Iterator[float] | None = None
    reads_back: Iterator[float] | None = None
    timeout: float | None = None
    attempts: int = 1

    async def send(self, intent: Intent) -> None:
        """Give a command away, as soon as there is room for it, and do not wait for the answer."""
        row = self.log.issue(self.number, intent, self.clock.now)
        await self.give(Command(row, intent.kind, intent.product, intent.quantity))

    async def ask(self, intent: Intent) -> Answer | None:
        """Give a command away and wait until it is answered; one that is shed is rejected.

        None if nobody can answer any more: the writer has crashed over it.
        """
        return await self._ask(intent, self.log.issue(self.number, intent, self.clock.now))

    async def insist(self, intent: Intent) -> Answer | None:
        """Ask, and ask again when no answer comes, or none in time; None when all was in vain.

        All the commands that it takes bear the same key.
        """
        first: int | None = None
        for _ in range(self.attempts):
            row = self.log.issue(self.number, intent, self.clock.now, repeats=first)
            first = row if first is None else first
            with trio.move_on_after(math.inf if self.timeout is None else self.timeout):
                answer = await self._ask(intent, row, first)
                if answer:
                    return answer
        return None

    async def _ask(self, intent: Intent, row: int, key: int | None = None) -> Answer | None:
        """Give a command away that has its row, and wait until it is answered, or never will be."""
        name = f"worker {self.number}"
        reply: Sender[Answer]
        reply, answers = open_channel(f"the answer to {name}", sender="the writer", receiver=name, capacity=1)
        async with answers:
            await self.give(Command(row, intent.kind, intent.product, intent.quantity, reply, key))
            async for answer in answers:
                return answer
        return None

    async def look(self, product: int) -> Stock:
        """See how many of a product there are, as the read model has it."""
        query = self.log.ask(self.number, product, self.clock.now)
        stock = await self.see(product)
        self.log.answer(query, stock, self.clock.now)
        return stock

    async def think(self) -> None:
        """Think as long as such people do; in an open loop nobody does."""
        if self.thinks:
            await self.clock.sleep(next(self.thinks))


async def worker(me: Person, intents: Iterator[Intent]) -> None:
    """Do what is meant, one intent after the other, none before its time.

    A worker that is held up does what is overdue at once; each command keeps
    the instant that was meant, so the delay is not hidden.
    """
    async with trio.open_nursery() as meanwhile:
        await me.think()
        for intent in intents:
            await me.clock.sleep_until(intent.when or 0.0)
            if me.looks_first and not enough(await me.look(intent.product), intent):
                pass  # it goes without
            elif me.thinks:
                await see_through(me, intent)
            elif me.reads_back or me.timeout:
                meanwhile.start_soon(see_through, me, intent)
            else:
                await me.send(intent)
            await me.think()


async def see_through(me: Person, intent: Intent) -> None:
    """Command, wait for the answer, and look at what was written, if such people do."""
    answer = await (me.insist(intent) if me.timeout else me.ask(intent))
    if me.reads_back and answer:
        await me.clock.sleep(next(me.reads_back))
        await me.look(intent.product)


def enough(stock: Stock, intent: Intent) -> bool:
    """Say whether what was shown allows what is meant."""
    return intent.kind == "add" or intent.quantity <= stock.quantity
