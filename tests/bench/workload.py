"""What every program of the benchmark plays: the same commands, looks, services and delays.

They are drawn once, as the project itself draws them, and written to a file,
so that a program that knows nothing of the project plays the same luck. The
link is independent: each change has a delay of its own and may overtake.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from tests.bench import FEW, PLAN_FILE, SCENARIO_FILE, SMALL
from tests.bench.warehouse import PRODUCTS, STOCK

if TYPE_CHECKING:  # the others' programs import nothing of the project
    from sim.scenario import Scenario

LOAD = 0.8  # how busy the commands keep the writer; there are as many looks
VISITORS = 20
BLOCK = 1024

SCENARIO = """
title = "the workload of the benchmark"
duration = "{seconds!r}s"
replications = 1
[products]
count = {products}
stock = {stock}
[[workers]]
count = {workers}
pace = "poisson({rate!r}/s)"
add = 0.5
[[queries]]
count = {visitors}
pace = "poisson({rate!r}/s)"
[inbox]
capacity = "unbounded"
[writer]
service = "exponential({service!r}s)"
[link]
delay = "exponential(50ms)"
order = "independent"
"""


@frozen
class Workload:
    """The file's arrays: who does what when, how long each command and each change takes."""

    arrays: dict[str, NDArray[Any]]

    def crowd(self, name: str, *columns: str) -> list[Iterator[Any]]:
        """Give each person's rows, one iterator a person: "worker" or "visitor"."""
        who = self.arrays[f"{name}_who"]
        mine = [np.flatnonzero(who == number) for number in np.unique(who)]
        return [rows(*(self.arrays[f"{name}_{column}"][chosen] for column in columns)) for chosen in mine]

    def each(self, name: str) -> Iterator[float]:
        """Give "services" or "delays", one after the other."""
        return (value for (value,) in rows(self.arrays[name]))


def rows(*columns: NDArray[Any]) -> Iterator[Any]:
    """Give Python values row by row, a block at a time: a plan is not held twice."""
    for start in range(0, len(columns[0]), BLOCK):
        yield from zip(*(column[start : start + BLOCK].tolist() for column in columns), strict=True)


def scenario_text(commands: int, workers: int, rate: float) -> str:
    """Describe the workload as a scenario in which about so many commands come."""
    return SCENARIO.format(
        seconds=commands / rate,
        rate=rate,
        service=LOAD / rate,
        workers=workers,
        visitors=VISITORS,
        products=PRODUCTS,
        stock=STOCK,
    )


def read_scenario_of(folder: Path) -> "Scenario":
    """Read the scenario from the folder in which `main` has written it."""
    from sim.library import load_scenario

    return load_scenario(folder / SCENARIO_FILE)


def draw(scenario: "Scenario") -> dict[str, NDArray[Any]]:
    """Draw what the project would draw for a scenario."""
    from sim.clock import stream, take
    from sim.plan import plan_commands, plan_queries

    commands, looks = plan_commands(scenario), plan_queries(scenario)
    services, delays = (
        take(distribution.draw, stream(scenario.seed, 0, *name), len(commands))
        for distribution, name in (
            (scenario.writer.service, ("writer", "service")),
            (scenario.link.delay, ("link", "delay")),
        )
    )
    wanted = {
        f"worker_{name}": getattr(commands, name) for name in ("who", "when", "add", "product", "quantity")
    }
    asked = {f"visitor_{name}": getattr(looks, name) for name in ("who", "when", "product")}
    return wanted | asked | {"services": services, "delays": delays}


def read_workload(folder: Path) -> Workload:
    """Read the plan from the folder in which `main` has written it."""
    with np.load(folder / PLAN_FILE) as arrays:
        return Workload(dict(arrays))


def main(folder: str, *wanted: str) -> None:
    """Write the scenario for COMMANDS WORKERS RATE into a folder, or the plan of the one that is there.

    Within it is another folder, with the same for only a few commands.
    """
    for place, few in ((Path(folder), False), (Path(folder, SMALL), True)):
        if wanted:
            commands, workers, rate = wanted
            place.mkdir(exist_ok=True)
            text = scenario_text(FEW if few else int(commands), int(workers), float(rate))
            (place / SCENARIO_FILE).write_text(text, encoding="utf-8")
        else:
            np.savez(place / PLAN_FILE, allow_pickle=False, **draw(read_scenario_of(place)))


if __name__ == "__main__":
    main(*sys.argv[1:])
