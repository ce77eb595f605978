"""Values of every kind, drawn at random: what the properties are checked on.

`scenarios()` is the main one. What it draws is valid, and small enough that a
run of it takes a moment. A keyword pins a part: `scenarios(link=Link(...))`, or
`scenarios(duration=durations(1.0, 2.0))` for one drawn in another way.
Strategies are kept, for making one takes longer than drawing from it.
"""

import math
from functools import cache
from typing import Any

from attrs import evolve
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from sim.distributions import (
    Constant,
    Distribution,
    Exponential,
    Gamma,
    Lognormal,
    Mixture,
    Pace,
    Pareto,
    Popularity,
    Quantity,
    Uniform,
)
from sim.durations import Rate, Seconds
from sim.glossary import METRICS
from sim.scenario import (
    Crash,
    Expect,
    Inbox,
    Link,
    Outage,
    Phase,
    Products,
    Queries,
    Reader,
    Scenario,
    Slow,
    Step,
    Workers,
    Writer,
)

LONGEST_RUN, HIGHEST_RATE = 2.0, 50.0  # seconds, and per second for each crowd


@cache
def durations(least: float = 0.0, most: float = 0.05) -> SearchStrategy[Seconds]:
    """Draw a duration in seconds; half of them in whole milliseconds, so that some are equal."""
    whole = st.integers(math.ceil(least * 1000), math.floor(most * 1000)).map(lambda ms: ms / 1000)
    return (whole | st.floats(least, most)).map(Seconds)


@cache
def shares() -> SearchStrategy[float]:
    """Draw a share, often one of the two ends."""
    return st.sampled_from([0.0, 1.0]) | st.floats(0, 1)


@cache
def simple_distributions(most: float = 0.05, heaviest: float = 1.5) -> SearchStrategy[Distribution]:
    """Draw a distribution of any family but mixtures; `heaviest` is the least alpha of a pareto."""
    positive = durations(0.001, most)
    return st.one_of(
        durations(0, most).map(Constant),
        st.tuples(durations(0, most), durations(0, most)).map(lambda ends: Uniform(*sorted(ends))),
        durations(0, most).map(Exponential),
        st.builds(lambda p50, by: Lognormal(p50, p50 * by), positive, st.floats(1.001, 50)),
        st.builds(Lognormal.from_mean, positive, st.floats(0.01, 3)),
        st.builds(Gamma, positive, st.floats(0.1, 3)),
        st.builds(Pareto, positive, st.floats(heaviest, 10)),
    )


@cache
def distributions(most: float = 0.05, heaviest: float = 1.5) -> SearchStrategy[Distribution]:
    """Draw a distribution of any family, mixtures and mixtures of mixtures among them."""
    return st.recursive(simple_distributions(most, heaviest), _mixtures, max_leaves=6)


def _mixtures(parts: SearchStrategy[Distribution]) -> SearchStrategy[Distribution]:
    """Draw a mixture of one to three parts, whose shares are whole numbers over their sum."""
    weighed = st.lists(st.tuples(st.integers(0, 10), parts), min_size=1, max_size=3)
    return weighed.filter(lambda rows: any(weight for weight, _ in rows)).map(
        lambda rows: Mixture(tuple((weight / sum(w for w, _ in rows), part) for weight, part in rows))
    )


@cache
def rates(most: float = HIGHEST_RATE) -> SearchStrategy[Rate]:
    """Draw a rate per second."""
    return (st.integers(1, math.floor(most)).map(float) | st.floats(0.1, most)).map(Rate)


@cache
def paces(most: float = HIGHEST_RATE) -> SearchStrategy[Pace]:
    """Draw a pace of either kind."""
    return st.builds(Pace, st.sampled_from(["poisson", "constant"]), rates(most))


@cache
def popularities() -> SearchStrategy[Popularity]:
    """Draw a popularity of any kind."""
    return st.one_of(
        st.just(Popularity("uniform")),
        st.floats(0, 5).map(lambda s: Popularity("zipf", (s,))),
        st.tuples(shares(), shares()).map(lambda numbers: Popularity("hotspot", numbers)),
    )


@cache
def quantities() -> SearchStrategy[Quantity]:
    """Draw how many items a command moves."""
    return st.builds(lambda low, more: Quantity(low, low + more), st.integers(1, 9), st.integers(0, 5))


@cache
def texts() -> SearchStrategy[str]:
    """Draw any text that can be written down as UTF-8: quotes, ends of lines and control signs, too."""
    return st.text(st.characters(codec="utf-8"), max_size=20)


@cache
def products() -> SearchStrategy[Products]:
    """Draw a small warehouse."""
    return st.builds(Products, st.integers(1, 5), popularities(), st.integers(0, 20))


@cache
def inboxes() -> SearchStrategy[Inbox]:
    """Draw a command channel: hand to hand, narrow or unbounded, and either way of being full."""
    capacities = st.integers(0, 5) | st.just(math.inf)
    return st.builds(Inbox, capacities, st.sampled_from(["wait", "shed"]))


@cache
def links() -> SearchStrategy[Link]:
    """Draw a link of any order, with any of its faults."""
    stretch = durations(0, 1.0), durations(0.001, 0.5)
    outage = st.builds(Outage, *stretch, st.sampled_from(["wait", "lost"]))
    return st.builds(
        Link,
        distributions(),
        st.sampled_from(["independent", "fifo", "serial"]),
        loss=st.just(0.0) | st.floats(0, 0.5),
        resend=st.none() | durations(0.001, 0.1),
        duplicates=st.just(0.0) | shares(),
        outages=st.lists(outage, max_size=2).map(tuple),
        slow=st.lists(st.builds(Slow, *stretch, st.floats(1, 10)), max_size=1).map(tuple),
    )


@cache
def readers() -> SearchStrategy[Reader]:
    """Draw a reader that applies changes either way, one by one or in batches, at once or now and then."""
    return st.builds(
        Reader,
        distributions(0.01),
        st.integers(1, 4),
        st.none() | durations(0.001, 0.2),
        st.sampled_from(["newest", "arrival", "delta", "fetch"]),
        st.sampled_from(["checkpoint", "memory"]),
        st.integers(1, 20),
        crashes(),
    )


@cache
def crashes() -> SearchStrategy[tuple[Crash, ...]]:
    """Draw when an actor crashes: not at all, now and then, or again before it is up."""
    crash = st.builds(Crash, durations(0, LONGEST_RUN), durations(0.001, 0.5))
    return st.just(()) | st.lists(crash, max_size=3).map(tuple)


@cache
def writers() -> SearchStrategy[Writer]:
    """Draw a writer that takes its time over both its steps, and may crash between them."""
    return st.builds(
        Writer,
        distributions(0.05),
        st.just(Constant(0.0)) | distributions(0.02),
        st.booleans(),
        st.booleans(),
        st.just(1) | st.integers(1, 4),
        st.just(Constant(0.0)) | distributions(0.01),
        crashes(),
    )


@st.composite
def workers(draw: DrawFn, name: str = "workers") -> Workers:
    """Draw a crowd that commands: by one pace, by phases or in a closed loop, with its ways."""
    phases = st.lists(st.builds(Phase, durations(0.001, LONGEST_RUN), paces()), min_size=1, max_size=3)
    loads: dict[str, SearchStrategy[Any]] = {
        "pace": paces(),
        "phases": phases.map(tuple),
        "think": st.builds(Exponential, durations(0.02, 0.2)),
    }
    load = draw(st.sampled_from([None, *loads]))
    return Workers(
        name=name,
        count=draw(st.integers(1, 5)),
        add=draw(shares()),
        quantity=draw(quantities()),
        look_first=draw(st.booleans()),
        reads_back=draw(st.none() | distributions(0.05)),
        timeout=draw(st.none() | durations(0.001, 0.3)),
        attempts=draw(st.integers(1, 3)),
        **({load: draw(loads[load])} if load else {}),
    )


def queries(name: str = "queries") -> SearchStrategy[Queries]:
    """Draw a crowd that looks."""
    return st.builds(Queries, st.just(name), st.integers(1, 5), paces())


def steps(duration: float = 1.0, product_count: int = 5) -> SearchStrategy[Step]:
    """Draw a step that comes before the end, and names a product that there is."""
    return st.builds(
        Step,
        durations(0, LONGEST_RUN).map(lambda at: Seconds(min(at, duration / 2))),
        st.sampled_from(["add", "remove", "query"]),
        st.integers(1, product_count),
        st.integers(1, 10),
    )


@st.composite
def expectations(draw: DrawFn) -> Expect:
    """Draw a bound on any statistic of any metric."""
    name = draw(st.sampled_from(sorted(METRICS)))
    metric = METRICS[name]
    bounds: dict[str, SearchStrategy[float]] = {
        "s": durations(0, 10.0),
        "share": shares(),
        "1/s": rates(),
        "1": st.floats(0, 1000),
    }
    bound = draw(bounds[metric.unit])
    statistic = draw(st.sampled_from(metric.statistics))
    full_name = name if statistic == "value" and draw(st.booleans()) else f"{name}.{statistic}"
    return Expect(full_name, below=bound) if draw(st.booleans()) else Expect(full_name, above=bound)


@st.composite
def scenarios(draw: DrawFn, /, **pinned: Any) -> Scenario:
    """Draw a whole scenario that can be run; a keyword pins a field, to a value or to a strategy."""

    def part(name: str, usual: SearchStrategy[Any]) -> Any:
        given = pinned.get(name, usual)
        return draw(given) if isinstance(given, SearchStrategy) else given

    unknown = pinned.keys() - {*Scenario.__annotations__}
    assert not unknown, f"a scenario has no {unknown}"
    duration = part("duration", durations(0.1, LONGEST_RUN))
    warehouse = part("products", products())
    names = draw(st.lists(texts(), min_size=4, max_size=4, unique=True))
    architecture = part("architecture", st.sampled_from(["cqrs", "locked", "unsafe"]))
    may_crash = {} if architecture == "cqrs" else {"crashes": ()}
    return Scenario(
        title=part("title", texts()),
        question=part("question", texts()),
        prediction=part("prediction", texts()),
        duration=duration,
        warmup=part("warmup", st.just(Seconds(0.0)) | st.just(Seconds(duration / 4))),
        seed=part("seed", st.integers(0, 2**70)),
        replications=part("replications", st.integers(1, 20)),
        architecture=architecture,
        products=warehouse,
        inbox=part("inbox", inboxes()),
        writer=evolve(part("writer", writers()), **may_crash),
        link=part("link", links()),
        reader=evolve(part("reader", readers()), **may_crash),
        workers=part("workers", _crowds(workers, names[:2])),
        queries=part("queries", _crowds(queries, names[2:])),
        expect=part("expect", st.lists(expectations(), max_size=2).map(tuple)),
        steps=part("steps", st.lists(steps(duration, warehouse.count), max_size=4).map(tuple)),
    )


def _crowds(crowd: Any, names: list[str]) -> SearchStrategy[tuple[Any, ...]]:
    """Draw none, one or two crowds, each with its own name."""
    return st.sampled_from([0, 1, 2]).flatmap(lambda n: st.tuples(*(crowd(name) for name in names[:n])))
