"""What the crowds mean to do, and when: drawn before the run starts, as arrays.

An open-loop crowd does not ask how things are going before it acts, so its
whole intent can be known beforehand. Every engine plays the same plan, and
the k-th command of a plan is the same command whatever the rest of the
system does with it.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from attrs import frozen

from sim.clock import stream, take
from sim.distributions import Exponential, Floats, Ints, Pace
from sim.scenario import Phase, Queries, Scenario, Step, Workers

SCRIPT = 0  # the number of the one who follows the steps; crowds begin with 1


@frozen
class Plan:
    """Who wants what, when; one row per intent, in the order of time within each crowd.

    Of people who only look, `add` and `quantity` mean nothing and are 0. Whole
    numbers are no longer than they must be: memory takes longer than sums.
    """

    who: Ints
    when: Floats
    product: Ints
    add: Ints
    quantity: Ints

    def __len__(self) -> int:
        return len(self.when)


def numbered(scenario: Scenario) -> dict[str, range]:
    """Give everybody a number, crowd by crowd: the workers first, then those who only look."""
    counts = {crowd.name: crowd.count for crowd in scenario.workers}
    counts |= {crowd.name: crowd.count for crowd in scenario.queries}
    ends = SCRIPT + 1 + np.cumsum(list(counts.values()), dtype=np.int64)
    return {name: range(end - n, end) for (name, n), end in zip(counts.items(), ends.tolist(), strict=True)}


def plan_commands(scenario: Scenario, replication: int = 0) -> Plan:
    """Draw what every worker means to command; the script's steps come first."""
    steps = [step for step in scenario.steps if step.do != "query"]
    open_loop = [crowd for crowd in scenario.workers if crowd.think is None]  # the others cannot plan ahead
    return _joined([_scripted(steps), *_crowds(open_loop, scenario, replication)])


def plan_queries(scenario: Scenario, replication: int = 0) -> Plan:
    """Draw when everybody who only looks means to ask for what."""
    steps = [step for step in scenario.steps if step.do == "query"]
    return _joined([_scripted(steps), *_crowds(scenario.queries, scenario, replication)])


def arrivals(schedule: Iterable[Phase], duration: float, seed: int, replication: int, crowd: str) -> Floats:
    """Draw the instants before `duration` at which a crowd acts, phase by phase.

    Each phase has its own stream, so that a change to one leaves the others alone.
    """
    times, start = [np.empty(0)], 0.0
    for number, phase in enumerate(schedule):
        if start >= duration:
            break
        end = min(start + phase.lasts, duration)
        rng = stream(seed, replication, crowd, "pace", str(number))
        instants = start + _instants(phase.pace, end - start, rng)
        times.append(instants[: np.searchsorted(instants, end)])  # a sum may be rounded up to the end itself
        start = end
    return np.concatenate(times)


def _instants(pace: Pace, length: float, rng: np.random.Generator) -> Floats:
    """Draw the instants of one phase, from 0 to its length."""
    if pace.kind == "constant":
        ticks = np.arange(int(np.ceil(length * pace.rate)) + 1) / pace.rate
        return ticks[ticks < length]
    gap, expected = Exponential(1 / pace.rate), length * pace.rate
    n = int(expected + 6 * np.sqrt(expected) + 16)
    instants = np.cumsum(take(gap.draw, rng, n))
    while instants[-1] < length:  # once in a thousand million; then draw on where the stream stands
        instants = np.append(instants, instants[-1] + np.cumsum(gap.draw(rng, n)))
    return instants[: np.searchsorted(instants, length)]


def _crowds(
    crowds: Sequence[Workers] | Sequence[Queries], scenario: Scenario, replication: int
) -> list[Plan]:
    """Draw the intents of several crowds."""
    numbers = numbered(scenario)
    return [_crowd(crowd, scenario, replication, numbers[crowd.name].start) for crowd in crowds]


def _crowd(crowd: Workers | Queries, scenario: Scenario, replication: int, first: int) -> Plan:
    """Draw one crowd's intents; its people are numbered from `first`."""
    when = arrivals(crowd.schedule, scenario.duration, scenario.seed, replication, crowd.name)
    n = len(when)

    def rng(purpose: str) -> np.random.Generator:
        return stream(scenario.seed, replication, crowd.name, purpose)

    who = (first + _dealt(crowd, n, rng("who"))).astype(np.int32)
    product = scenario.products.popularity.draw(rng("product"), n, scenario.products.count).astype(np.int32)
    if isinstance(crowd, Queries):
        return Plan(who, when, product, np.zeros(n, np.int8), np.zeros(n, np.int8))
    add = (rng("add").random(n) < crowd.add).astype(np.int8)
    return Plan(who, when, product, add, crowd.quantity.draw(rng("quantity"), n).astype(np.int32))


def _dealt(crowd: Workers | Queries, n: int, rng: np.random.Generator) -> Ints:
    """Deal n intents out: in turn where the crowd keeps a constant pace, by chance otherwise."""
    if all(phase.pace.kind == "constant" for phase in crowd.schedule):
        return np.arange(n) % crowd.count
    return rng.integers(0, crowd.count, n)


def _scripted(steps: Sequence[Step]) -> Plan:
    """Turn the script's steps into a plan."""
    steps = sorted(steps, key=lambda step: step.at)
    return Plan(
        np.full(len(steps), SCRIPT, np.int32),
        np.array([step.at for step in steps], np.float64),
        np.array([step.product for step in steps], np.int32),
        np.array([step.do == "add" for step in steps], np.int8),
        np.array([step.quantity for step in steps], np.int32),
    )


def _joined(plans: list[Plan]) -> Plan:
    """Put plans one behind the other."""
    some = [plan for plan in plans if len(plan)]
    if len(some) == 1:
        return some[0]
    columns = ("who", "when", "product", "add", "quantity")
    return Plan(*(np.concatenate([getattr(plan, column) for plan in plans]) for column in columns))
