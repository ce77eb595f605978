"""Lots: the runs of a sweep, quick ones sent to a process together, and how they are played there."""

import math
from collections.abc import Iterable, Sequence

from sim.arrays import Refused, why_not
from sim.clock import Stuck
from sim.grid import Cell, Grid, Run
from sim.metrics import Summary
from sim.replicate import play
from sim.scenario import Queries, Scenario, Workers
from sim.steady import intents

LOT = 0.05  # seconds of work that are sent together, for of quick runs each would cost as much to send
A_RUN, BY_ARRAYS, BY_ACTORS = 2e-3, 2.5e-7, 1e-5  # seconds for a run, and for a command or a query in it


class Unplayable(RuntimeError):
    """A cell that cannot be played; str() says which one, and why."""


def lots_of(grid: Grid, missing: Iterable[Run], engine: str) -> list[list[Run]]:
    """Put runs together, in their order: as many as take LOT seconds, about, or one that takes longer."""
    seconds = [_seconds(cell.scenario, engine) for cell in grid.cells]
    lots: list[list[Run]] = []
    filled = math.inf
    for run in missing:
        cell, _ = run
        if filled + seconds[cell] > LOT:
            lots.append([])
            filled = 0.0
        lots[-1].append(run)
        filled += seconds[cell]
    return lots


def _seconds(scenario: Scenario, engine: str) -> float:
    """Say about how long a run takes; infinitely long where workers think, for then nobody knows."""
    if any(crowd.think for crowd in scenario.workers):
        return math.inf
    crowds: tuple[Workers | Queries, ...] = (*scenario.workers, *scenario.queries)
    acts = sum(intents(crowd, scenario.duration) for crowd in crowds)
    by_arrays = engine != "trio" and why_not(scenario) is None
    return A_RUN + acts * (BY_ARRAYS if by_arrays else BY_ACTORS)


def play_lot(lot: Sequence[tuple[Cell, int]], engine: str) -> list[Summary]:
    """Play some runs, one after the other."""
    return [play_one(cell, replication, engine) for cell, replication in lot]


def play_one(cell: Cell, replication: int, engine: str) -> Summary:
    """Play one run of a cell; its trace stays where it was played."""
    try:
        return play(cell.scenario, replication, engine).summary
    except (Stuck, Refused) as why:
        raise Unplayable(f"{cell}: {why}") from None
