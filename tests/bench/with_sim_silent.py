"""The workload for this project's trio engine, with a log that keeps nothing and no tables at the end.

The actors do all that they do in any run. What they take down goes into one
slot, where each fact overwrites the one before it: a column's assignment is as
cheap as can be, so this leaves out the memory, the appending and the tables.
Only sums are kept, as the others keep them, to show that the same was played.
"""

import sys
from array import array
from functools import partial
from pathlib import Path
from typing import Any

from sim.clock import run
from sim.inventory import Change, Intent, Stock
from sim.log import Log
from sim.plan import Plan, plan_commands, plan_queries
from sim.scenario import Scenario
from sim.stage import _play
from sim.worker import worker
from tests.bench.stopwatch import report
from tests.bench.warehouse import Tally
from tests.bench.workload import read_scenario_of

SLOT = 0


class Sum(array):  # type: ignore[type-arg]
    """A column of one slot that adds up what is written there."""

    total = 0.0

    def __setitem__(self, _: Any, value: Any) -> None:
        self.total += value


class Silent(Log):
    """Has the plan, and lets everything that happens go by."""

    def __init__(self, commands: Plan, queries: Plan) -> None:
        super().__init__(commands, queries)
        self.commands = self.accepted = self.seen = 0
        self.admitted = self.admissions = Sum("d", [0.0])
        self.started = self.starts = Sum("d", [0.0])
        self.finished, self.sent = array("d", [0.0]), array("d", [0.0])
        self.outcome = array("q", [0])
        for column in ("issued", "version", "answered", "seen_version", "seen_quantity"):
            delattr(self, column)  # nobody may write there unseen

    def issue(self, worker: int, intent: Intent, now: float, repeats: int | None = None) -> int:
        """Count a command."""
        self.commands += 1
        return SLOT

    def commit(self, command: int, change: Change, now: float) -> int:
        """Count a change."""
        self.accepted += 1
        return SLOT

    def travel(self, change: int, copies: int, delay: float, line: float, outage: float) -> None:
        """Let it go by."""

    def deliver(self, change: int, now: float) -> None:
        """Let it go by."""

    def take(self, change: int, polled: float, now: float) -> None:
        """Let it go by."""

    def handle(self, change: int, now: float) -> None:
        """Let it go by."""

    def show(self, change: int, now: float) -> None:
        """Let it go by."""

    def answer(self, query: int, stock: Stock, now: float) -> None:
        """Add up what is seen."""
        self.seen += stock.quantity


def play(scenario: Scenario) -> Tally:
    """Draw the plan and play it."""
    log = Silent(plan_commands(scenario), plan_queries(scenario))
    run(partial(_play, scenario, 0, worker, log))
    return Tally(log.commands, log.starts.total - log.admissions.total, log.accepted, log.seen)


if __name__ == "__main__":
    report(play, read_scenario_of, Path(sys.argv[1]))
