"""The workload for SimPy: processes and stores; a change under way is a timeout with a callback."""

import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import simpy

from tests.bench.stopwatch import report
from tests.bench.warehouse import Shown, Tally, apply_newest, decide, stocked
from tests.bench.workload import Workload, read_workload

Steps = Generator[simpy.Event, Any, None]


def worker(env: simpy.Environment, intents: Iterator[Any], commands: simpy.Store) -> Steps:
    """Command what is meant, when it is meant."""
    for when, add, product, quantity in intents:
        yield env.timeout(when - env.now)
        commands.put((env.now, add, product, quantity))


def writer(
    env: simpy.Environment, load: Workload, commands: simpy.Store, deliveries: simpy.Store, tally: Tally
) -> Steps:
    """Take a command, work on it, decide, and send the change on."""
    model, delays = stocked(), load.each("delays")

    def arrive(under_way: simpy.Event) -> None:
        deliveries.put(under_way.value)

    for service in load.each("services"):
        admitted, add, product, quantity = yield commands.get()
        tally.commands += 1
        tally.waited += env.now - admitted
        yield env.timeout(service)
        change = decide(model, add, product, quantity)
        if change:
            tally.accepted += 1
            env.timeout(next(delays), change).callbacks.append(arrive)


def reader(deliveries: simpy.Store, model: dict[int, Shown]) -> Steps:
    """Show each change that arrives."""
    while True:
        change = yield deliveries.get()
        apply_newest(model, change)


def visitor(env: simpy.Environment, looks: Iterator[Any], model: dict[int, Shown], tally: Tally) -> Steps:
    """Look when it is meant."""
    for when, product in looks:
        yield env.timeout(when - env.now)
        tally.seen += model[product][0]


def play(load: Workload) -> Tally:
    """Play the workload once."""
    env, tally, model = simpy.Environment(), Tally(), stocked()
    commands, deliveries = simpy.Store(env), simpy.Store(env)
    for looks in load.crowd("visitor", "when", "product"):
        env.process(visitor(env, looks, model, tally))
    env.process(reader(deliveries, model))
    env.process(writer(env, load, commands, deliveries, tally))
    for intents in load.crowd("worker", "when", "add", "product", "quantity"):
        env.process(worker(env, intents, commands))
    env.run()
    return tally


if __name__ == "__main__":
    report(play, read_workload, Path(sys.argv[1]))
