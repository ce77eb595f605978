"""The stage: opens the channels, starts the actors, and returns what happened."""

from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from itertools import repeat
from typing import Any

import numpy as np
import trio
from attrs import frozen
from numpy.random import Generator

from sim.channels import Receiver, Sender, open_channel
from sim.clock import Clock, Stuck, Time, draws, stream
from sim.clock import run as run_on_virtual_time
from sim.distributions import Distribution, Uniform
from sim.door import Give, See, freely, through_channel, under_lock, without_care
from sim.inventory import Command, Intent, Kind, Model, Stock
from sim.link import Chances, Departures
from sim.log import Log
from sim.plan import SCRIPT, plan_commands, plan_queries
from sim.reader import View, Visitor, onlookers, reader, visitor
from sim.scenario import Link, Scenario, Workers, Writer
from sim.trace import Trace
from sim.worker import Person, Worker, worker
from sim.writer import Committed, Efforts, Store, writer

PATIENCE = 1000  # a run may take so many times its planned duration, and a day, to drain
KINDS: tuple[Kind, Kind] = ("remove", "add")


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a run; `trace` holds what had happened until then."""

    def __init__(self, trace: Trace) -> None:
        super().__init__(trace)
        self.trace = trace

    def __str__(self) -> str:
        return f"interrupted at {self.trace.until:.3f} s of {self.trace.scenario.duration:g} s"


class Failed(RuntimeError):
    """An actor's code raised an error, which is the cause; `trace` holds what had happened until then."""

    def __init__(self, error: BaseException, trace: Trace) -> None:
        super().__init__(error, trace)
        self.error, self.trace = error, trace

    def __str__(self) -> str:
        return f"the run failed at {self.trace.until:.3f} s: {type(self.error).__name__}: {self.error}"


def run(scenario: Scenario, replication: int = 0, worker: Worker = worker) -> Trace:
    """Let the actors play a scenario once, on virtual time, and return everything that happened.

    `worker` stands in for the workers that the scenario describes. Stuck says
    who waits for whom if the run cannot end; Failed, that an actor's code
    raised; Failed and Interrupted carry the trace so far.
    """
    log = Log(plan_commands(scenario, replication), plan_queries(scenario, replication))
    clock = Clock(limit=PATIENCE * scenario.duration + 86400)
    try:
        run_on_virtual_time(partial(_play, scenario, replication, worker, log), clock)
    except Stuck:
        raise
    except BaseException as error:
        until_now = log.trace(scenario, replication, clock.now, complete=False)
        reason = cause(error)
        if isinstance(reason, KeyboardInterrupt):
            raise Interrupted(until_now) from None
        raise Failed(reason, until_now) from reason
    return log.trace(scenario, replication, max(clock.now, scenario.duration), complete=True)


def cause(error: BaseException) -> BaseException:
    """Find what a nursery hands on in a group: Ctrl-C if it is among them, else the first error."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    interrupt = error.subgroup(KeyboardInterrupt)
    return cause((interrupt or error).exceptions[0])


@frozen
class House:
    """An architecture, ready to be entered: how to command, how to look, and what to close at the end.

    `admit` lets those in who only look.
    """

    give: Give
    see: See
    admit: Callable[[trio.Nursery], None]
    entrance: AbstractAsyncContextManager[object] = nullcontext()


Build = Callable[[trio.Nursery], House]


async def _play(scenario: Scenario, replication: int, act: Worker, log: Log, clock: Clock) -> None:
    """Play on virtual time, in the house of the scenario's architecture."""
    luck = partial(draw_from, scenario.seed, replication)
    house = _HOUSES[scenario.architecture]
    await play(scenario, luck, act, log, clock, lambda actors: house(scenario, luck, actors, clock, log))


async def play(scenario: Scenario, luck: "Luck", act: Worker, log: Log, clock: Time, build: Build) -> None:
    """Build the house, let everybody in, and wait until all have left and all has drained.

    The workers share the sending end of the command channel; it closes when
    the last of them is done, and the others follow in the order of the data.
    """
    async with trio.open_nursery() as actors:
        house = build(actors)
        house.admit(actors)
        async with house.entrance, trio.open_nursery() as workers:
            plans = dict(_rows_of_each(log.worker))
            for number, crowd in _people(scenario):
                me = _person(number, crowd, house, luck, clock, log)
                intents = _planned(log, plans.get(number, ()))
                if crowd.think:
                    intents = _made_up(crowd, number, scenario, luck, clock)
                workers.start_soon(act, me, intents, name=f"worker {number}")


def _freely(view: Model, clock: Clock, log: Log) -> Callable[[trio.Nursery], None]:
    """Let people in to look at a model that is free to see."""
    return lambda actors: actors.start_soon(onlookers, _looks(log), view, clock, log, name="the onlookers")


def one_by_one(see: See, clock: Time, log: Log, visit: Visitor = visitor) -> Callable[[trio.Nursery], None]:
    """Let people in to look, each with a task of its own, for each may have to wait."""

    def admit(actors: trio.Nursery) -> None:
        for number, rows in _rows_of_each(log.visitor):
            actors.start_soon(visit, _looks_of(log, rows), see, clock, log, name=f"visitor {number}")

    return admit


def _cqrs(scenario: Scenario, luck: "Luck", actors: trio.Nursery, clock: Clock, log: Log) -> House:
    """Build the pipeline: a channel, the writer, the link and the reader; looks are free."""
    store = Store(stocked(scenario), by_id=scenario.writer.command_ids, notes=scenario.writer.outbox)
    view = View(stocked(scenario))
    log.end(store.model, view.model)
    efforts = _efforts(scenario.writer, luck)
    handler = luck(scenario.reader.handler.draw, "reader", "handler")
    phase = next(luck(Uniform(0.0, scenario.reader.poll or 0.0).draw, "reader", "poll"))

    commands_in: Sender[Command]
    commands_out: Receiver[Command]
    commands_in, commands_out = open_channel(
        "the command channel", sender="a worker", receiver="the writer", capacity=scenario.inbox.capacity
    )
    deliveries_in: Sender[Committed]
    deliveries_out: Receiver[Committed]
    deliveries_in, deliveries_out = open_channel("the link", sender="the writer", receiver="the reader")
    changes = Departures(deliveries_in, scenario.link, open_chances(scenario.link, luck), clock, log)

    start, ways = actors.start_soon, scenario.reader
    start(reader, deliveries_out, view, store.newest, ways, handler, phase, clock, log, name="the reader")
    start(writer, commands_out, changes, store, scenario.writer, efforts, clock, log, name="the writer")
    give = through_channel(commands_in, scenario.inbox.when_full, clock, log)
    return House(give, freely(view.model), _freely(view.model, clock, log), commands_in)


def _efforts(ways: Writer, luck: "Luck") -> Efforts:
    """Open the writer's streams."""
    return Efforts(
        commit=luck(ways.commit.draw, "writer", "commit"),
        service=luck(ways.service.draw, "writer", "service"),
        publish=luck(ways.publish.draw, "writer", "publish"),
    )


def open_chances(ways: Link, luck: "Luck") -> Chances:
    """Open the link's streams, one for each thing that can happen."""
    return Chances(
        delay=luck(ways.delay.draw, "link", "delay"),
        other_delay=luck(ways.delay.draw, "link", "other delay"),
        lost=_perhaps(ways.loss, luck, "link", "loss"),
        doubled=_perhaps(ways.duplicates, luck, "link", "duplicates"),
    )


def _perhaps(share: float, luck: "Luck", *name: str) -> Iterator[bool]:
    """Say each time whether something happens that does so with this chance."""
    return luck(lambda rng, n: rng.random(n) < share, *name) if share else repeat(False)


def _locked(scenario: Scenario, luck: "Luck", actors: trio.Nursery, clock: Clock, log: Log) -> House:
    """Build one model behind one lock."""
    service = luck(scenario.writer.service.draw, "writer", "service")
    model = stocked(scenario)
    log.end(model, model)
    give, see = under_lock(model, service, clock, log)
    return House(give, see, one_by_one(see, clock, log))


def _unsafe(scenario: Scenario, luck: "Luck", actors: trio.Nursery, clock: Clock, log: Log) -> House:
    """Build one model that everybody changes as they like."""
    model, service = stocked(scenario), luck(scenario.writer.service.draw, "writer", "service")
    log.end(model, model)
    give = without_care(model, service, clock, log)
    return House(give, freely(model), _freely(model, clock, log))


_HOUSES = {"cqrs": _cqrs, "locked": _locked, "unsafe": _unsafe}

Luck = Callable[..., Iterator[Any]]


def draw_from(
    seed: int, replication: int, draw: Callable[[Generator, int], Any], *name: str
) -> Iterator[Any]:
    """Draw values one by one from the stream of that name."""
    return draws(draw, stream(seed, replication, *name))


def stocked(scenario: Scenario) -> dict[int, Stock]:
    """Fill a model with what is there at the start."""
    return {product: Stock(scenario.products.stock) for product in range(1, scenario.products.count + 1)}


def _people(scenario: Scenario) -> Iterator[tuple[int, Workers]]:
    """Give the workers with their numbers: the one who follows the script, then crowd by crowd."""
    if scenario.steps:
        yield SCRIPT, Workers(name="script")
    crowds = (crowd for crowd in scenario.workers for _ in range(crowd.count))
    yield from enumerate(crowds, SCRIPT + 1)


def _person(number: int, crowd: Workers, house: House, luck: Luck, clock: Time, log: Log) -> Person:
    """Make one of a crowd, with streams of its own for what it draws on its way."""

    def own(distribution: Distribution | None, purpose: str) -> Iterator[float] | None:
        return luck(distribution.draw, crowd.name, str(number), purpose) if distribution else None

    thinks, reads_back = own(crowd.think, "think"), own(crowd.reads_back, "reads_back")
    return Person(
        number,
        clock,
        log,
        house.give,
        house.see,
        looks_first=crowd.look_first,
        thinks=thinks,
        reads_back=reads_back,
        timeout=crowd.timeout,
        attempts=crowd.attempts,
    )


def _planned(log: Log, rows: Iterable[int]) -> Iterator[Intent]:
    """Give one worker's part of the plan."""
    for row in rows:
        yield Intent(KINDS[log.add[row]], log.product[row], log.quantity[row], log.intended[row], row)


def _made_up(crowd: Workers, number: int, scenario: Scenario, luck: Luck, clock: Time) -> Iterator[Intent]:
    """Give a closed-loop worker something to do whenever it is free, until the run's time is over."""
    popularity, count = scenario.products.popularity, scenario.products.count
    adds = luck(lambda rng, n: rng.random(n) < crowd.add, crowd.name, str(number), "add")
    products = luck(lambda rng, n: popularity.draw(rng, n, count), crowd.name, str(number), "product")
    quantities = luck(crowd.quantity.draw, crowd.name, str(number), "quantity")
    while clock.now < scenario.duration:
        yield Intent(KINDS[next(adds)], next(products), next(quantities), clock.now)


def _looks_of(log: Log, rows: Iterable[int]) -> Iterator[tuple[float, int, int]]:
    """Give one visitor's queries: (when, row, product)."""
    for row in rows:
        yield log.asked[row], row, log.wanted[row]


def _looks(log: Log) -> list[tuple[float, int]]:
    """Give everybody's queries in the order of time: (when, row)."""
    order = np.argsort(np.asarray(log.asked), kind="stable")
    return list(zip(np.asarray(log.asked)[order].tolist(), order.tolist(), strict=True))


def _rows_of_each(who: "array[int]") -> list[tuple[int, list[int]]]:
    """Give each person's number with the rows that bear it, in order."""
    numbers = np.asarray(who)
    order = np.argsort(numbers, kind="stable")
    people, starts = np.unique(numbers[order], return_index=True)
    parts = np.split(order, starts[1:]) if len(people) else []
    return [(int(person), rows.tolist()) for person, rows in zip(people, parts, strict=True)]
