"""The workload for this project.

It is told the workload's folder, and what else `sim.run` is to be told, as key=value.
"""

import sys
from functools import partial
from pathlib import Path
from typing import Any

from sim.engines import run
from sim.metrics import summarise
from sim.scenario import Scenario
from tests.bench.stopwatch import report
from tests.bench.warehouse import Tally
from tests.bench.workload import read_scenario_of


def play(scenario: Scenario, **how: Any) -> Tally:
    """Draw the plan, play it, make the tables, and measure every metric."""
    trace = run(scenario, **how)
    summary = summarise(trace)
    commands, changes, queries = (trace.tables[name] for name in ("commands", "changes", "queries"))
    n, seen = len(commands), int(queries["seen_quantity"].sum())
    return Tally(n, summary.value("queue_wait.mean") * n, len(changes), seen)


if __name__ == "__main__":
    how: dict[str, Any] = dict(word.split("=", 1) for word in sys.argv[2:])
    report(partial(play, **how), read_scenario_of, Path(sys.argv[1]))
