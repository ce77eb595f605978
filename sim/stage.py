"""The stage: opens the channels, starts the actors, and returns what happened."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import trio

from sim import library
from sim.channels import Receiver, Sender, open_channel
from sim.clock import Clock, draws, stream
from sim.clock import run as run_on_virtual_time
from sim.distributions import Distribution, Ints
from sim.inventory import Command, Kind, Stock
from sim.link import link
from sim.plan import Plan, plan_commands, plan_queries
from sim.reader import reader, visitor
from sim.scenario import Scenario
from sim.trace import Log, Trace
from sim.worker import worker
from sim.writer import Committed, writer

PATIENCE = 1000  # a run may take so many times its planned duration, and a day, to drain


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a run; `trace` holds what had happened until then."""

    def __init__(self, trace: Trace) -> None:
        super().__init__(f"interrupted at {trace.until:.3f} s of {trace.scenario.duration:g} s")
        self.trace = trace


def run(
    scenario: Scenario | str | Path, replication: int = 0, settings: Mapping[str, str] | None = None
) -> Trace:
    """Play a scenario once, on virtual time, and return everything that happened.

    The scenario may be given by its name or path, with some keys set
    otherwise: run("flash-sale", settings={"link.delay": "50ms"}). Replications
    of one seed draw from independent streams. Stuck says who waits for whom if
    the run cannot end; Interrupted carries the trace so far.
    """
    scenario = library.load_scenario(scenario, settings)
    log = Log(plan_commands(scenario, replication), plan_queries(scenario, replication))
    clock = Clock(limit=PATIENCE * scenario.duration + 86400)
    try:
        run_on_virtual_time(partial(_play, scenario, replication, log), clock)
    except BaseException as error:
        if _is_interrupt(error):
            raise Interrupted(log.trace(scenario, replication, clock.now, complete=False)) from None
        raise
    return log.trace(scenario, replication, max(clock.now, scenario.duration), complete=True)


def _is_interrupt(error: BaseException) -> bool:
    """Recognise Ctrl-C, which a nursery hands on in a group."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(KeyboardInterrupt)[1] is None
    return isinstance(error, KeyboardInterrupt)


async def _play(scenario: Scenario, replication: int, log: Log, clock: Clock) -> None:
    """Open the channels, give each actor its ends, and wait until all have drained."""

    def luck(distribution: Distribution, *name: str) -> Iterator[float]:
        return draws(distribution, stream(scenario.seed, replication, *name))

    write_model = {
        product: Stock(scenario.products.stock) for product in range(1, scenario.products.count + 1)
    }
    read_model = dict(write_model)
    service = luck(scenario.writer.service, "writer", "service")
    delays = luck(scenario.link.delay, "link", "delay")
    handler = luck(scenario.reader.handler, "reader", "handler")

    commands_in: Sender[Command]
    commands_out: Receiver[Command]
    commands_in, commands_out = open_channel(
        "the command channel", sender="a worker", receiver="the writer", capacity=scenario.inbox.capacity
    )
    changes_in: Sender[Committed]
    changes_out: Receiver[Committed]
    changes_in, changes_out = open_channel("the link", sender="the writer", receiver="the link")
    deliveries_in: Sender[Committed]
    deliveries_out: Receiver[Committed]
    deliveries_in, deliveries_out = open_channel("the deliveries", sender="the link", receiver="the reader")

    async with trio.open_nursery() as actors:
        start = actors.start_soon
        start(
            reader, deliveries_out, read_model, scenario.reader.apply, handler, clock, log, name="the reader"
        )
        start(link, changes_out, deliveries_in, scenario.link.order, delays, clock, log, name="the link")
        start(writer, commands_out, changes_in, write_model, service, clock, log, name="the writer")
        async with commands_in:
            for number, rows in log.planned_commands.by_person():
                mine = _commands(log.planned_commands, rows)
                ends = commands_in.clone(), scenario.inbox.when_full
                start(worker, mine, *ends, clock, log, name=f"worker {number}")
        for number, rows in log.planned_queries.by_person():
            mine_too = _queries(log.planned_queries, rows)
            start(visitor, mine_too, read_model, clock, log, name=f"visitor {number}")


def _commands(plan: Plan, rows: Ints) -> Iterator[tuple[float, Command]]:
    """Give one worker's commands, each with the instant it is meant for."""
    kinds: tuple[Kind, Kind] = ("remove", "add")
    columns = (plan.when, plan.add, plan.product, plan.quantity)
    for row, when, add, product, quantity in zip(rows, *(column[rows] for column in columns), strict=True):
        yield float(when), Command(int(row), kinds[add], int(product), int(quantity))


def _queries(plan: Plan, rows: Ints) -> Iterator[tuple[float, int, int]]:
    """Give one visitor's queries: (when, row, product)."""
    return zip(plan.when[rows].tolist(), rows.tolist(), plan.product[rows].tolist(), strict=True)
