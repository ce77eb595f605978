"""Until it is exact enough: replications are added until the interval of one number is narrow."""

import math
from collections.abc import Callable

from attrs import frozen

from sim.glossary import split_name
from sim.metrics import Estimate, Summary
from sim.replicate import Played, conclude, play_while
from sim.scenario import Scenario
from sim.steady import unsteady

FIRST_LOOK = 10  # replications, before which no interval is looked at
MARGIN = 1.1  # so many times what the spread so far makes likely, for the spread itself is uncertain
LEAP = 1.5  # so many times the last look's number at least, so that there are few looks


@frozen
class Aim:
    """How exact a number shall be: half its 95 % interval no more than a share of it, within `limit` runs."""

    metric: str
    precision: float
    limit: int

    def reached(self, summary: Summary) -> bool:
        """Say whether the interval is narrow enough."""
        return width(summary.estimate(self.metric)) <= self.precision

    def hopeless(self, summary: Summary, scenario: Scenario) -> str:
        """Say why no number of replications would do; nothing where one may."""
        value = summary.value(self.metric)
        if split_name(self.metric)[0] in unsteady(scenario, summary.value("throughput")):
            return f"{self.metric} has no steady state here: the longer the run, the larger it is"
        if math.isnan(value):
            return f"{self.metric} was never seen"
        if value == 0 or math.isinf(value):
            return f"{self.metric} is {'infinite' if value else '0'}: no interval is a share of that"
        return ""

    def next_look(self, replications: int, summary: Summary) -> int:
        """Say after how many replications to look again; the width falls as 1/√n."""
        off = width(summary.estimate(self.metric)) / self.precision
        likely = MARGIN * replications * off**2
        return math.ceil(min(self.limit, max(likely, LEAP * replications)))


def play_until(
    scenario: Scenario,
    aim: Aim,
    jobs: int | None = None,
    on_done: Callable[[], object] = lambda: None,
    engine: str = "trio",
) -> list[Played]:
    """Play replications until a number is as exact as is wanted, or will not be, or the limit is reached.

    The first are the scenario's own, ten at least. The interval is looked at a
    few times only, each time after as many as the spread so far makes likely:
    whoever looks after every replication stops at an interval that is narrow
    by luck. Even so a few more than 5 in 100 miss the truth.
    """

    def more(played: list[Played]) -> range:
        n = len(played)
        if not n:
            return range(min(aim.limit, max(FIRST_LOOK, scenario.replications)))
        summary = conclude(scenario, played)
        if n >= aim.limit or aim.reached(summary) or aim.hopeless(summary, scenario):
            return range(0)
        return range(n, aim.next_look(n, summary))

    return play_while(scenario, more, jobs, on_done, engine)


def width(estimate: Estimate) -> float:
    """Give half the width of an interval as a share of its estimate; infinite where there is none."""
    if estimate.low is None or estimate.high is None or not estimate.estimate:
        return math.inf
    return (estimate.high - estimate.low) / 2 / abs(estimate.estimate)
