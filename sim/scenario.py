"""Every number that decides a run, as one frozen value.

The fields bear the names of the scenario file's keys. `key` says beside each
field how its text is read, how it is written back, and what it is when left out.
"""

import math
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Literal

import attrs
from attrs import frozen

from sim.distributions import (
    MOST,
    Constant,
    Distribution,
    Empirical,
    Pace,
    Popularity,
    Quantity,
    parse_distribution,
    parse_pace,
    parse_popularity,
    parse_quantity,
)
from sim.durations import Rate, Seconds, duration_text, parse_duration, parse_rate, parse_share, rate_text
from sim.glossary import METRICS, split_name
from sim.inventory import Apply, Kind
from sim.wording import unknown

Order = Literal["independent", "fifo", "serial"]
WhenFull = Literal["wait", "shed"]
Read = Callable[[Any], Any]

READ, WRITE = "read", "write"


class Misfit(ValueError):
    """Two keys of a table that do not go together; key is the one to change."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def key(read: Read, default: Any = attrs.NOTHING, write: Read = str, **field: Any) -> Any:
    """Declare a scenario key: how it is read, what it is when left out, how it is written back."""
    return attrs.field(default=default, metadata={READ: read, WRITE: write}, **field)


def read_text(value: object) -> str:
    """Take a text and nothing else."""
    if not isinstance(value, str):
        raise ValueError(f'a text is needed: write "{value}"')
    return value


def read_count(value: object) -> int:
    """Take a whole number from 1 up."""
    return _whole(value, 1)


def read_natural(value: object) -> int:
    """Take a whole number from 0 up."""
    return _whole(value, 0)


def read_seed(value: object) -> int:
    """Take a whole number from 0 up, however large."""
    return _whole(value, 0, math.inf)


def _whole(value: object, least: int, most: float = MOST) -> int:
    """Take a whole number between two bounds; true and 1.0 are none."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"a whole number from {least} up is needed, not {value!r}")
    if value > most:
        raise ValueError(f"a whole number of at most {most:,} is needed, not {value!r}")
    return value


def read_capacity(value: object) -> float:
    """Take a whole number from 0 up, or "unbounded" (infinity)."""
    if isinstance(value, str) and value != "unbounded":
        raise ValueError(f'a whole number from 0 up, or "unbounded", is needed, not {value!r}')
    return math.inf if value == "unbounded" else read_natural(value)


def read_length(value: object) -> Seconds:
    """Take a duration of more than nothing."""
    seconds = parse_duration(value)
    if not seconds > 0:
        raise ValueError("a duration of more than 0 is needed")
    return seconds


def read_truth(value: object) -> bool:
    """Take true or false and nothing else."""
    if not isinstance(value, bool):
        raise ValueError(f"true or false is needed, not {value!r}")
    return value


def read_pause(value: object) -> Seconds | None:
    """Take a duration of more than nothing, or "none"."""
    return None if value == "none" else read_length(value)


def read_factor(value: object) -> float:
    """Take a number from 1 up."""
    number = _read_number(value)
    if not 1 <= number < math.inf:
        raise ValueError(f"a number from 1 up is needed, not {value!r}")
    return number


def read_chance(value: object) -> float:
    """Take a share of less than all: what never happens cannot be waited for."""
    share = parse_share(value)
    if share >= 1:
        raise ValueError("a share of less than 100% is needed")
    return share


def read_maybe(value: object) -> Distribution | None:
    """Take a distribution, or "none"."""
    return None if value == "none" else parse_distribution(value)


def one_of(what: str, *words: str) -> Read:
    """Make a reader that takes one of some words."""

    def read(value: object) -> str:
        if value not in words:
            raise ValueError(unknown(what, value, words))
        return str(value)

    return read


def same(value: Any) -> Any:
    """Write a number or a truth value as it is."""
    return value


def capacity_text(capacity: float) -> int | str:
    """Write a channel's capacity as read_capacity reads it."""
    return "unbounded" if math.isinf(capacity) else int(capacity)


@frozen
class Products:
    """What is in the warehouse at the start: version 0 of everything, known to both models."""

    count: int = key(read_count, 100, same)
    popularity: Popularity = key(parse_popularity, Popularity("uniform"))
    stock: int = key(read_natural, 0, same)


@frozen
class Phase:
    """A stretch of time in which a crowd keeps one pace."""

    lasts: Seconds = key(read_length, write=duration_text)
    pace: Pace = key(parse_pace)


@frozen
class Workers:
    """A crowd of concurrent worker tasks that fire commands.

    Who has a `timeout` waits so long for an answer, then sends the command
    again: `attempts` times at most, the first one counted.
    """

    name: str = key(read_text, "workers")
    count: int = key(read_count, 1, same)
    pace: Pace | None = key(parse_pace, None)
    think: Distribution | None = key(parse_distribution, None)
    add: float = key(parse_share, 1.0, same)
    quantity: Quantity = key(parse_quantity, Quantity(1, 1))
    look_first: bool = key(read_truth, False, same)
    reads_back: Distribution | None = key(read_maybe, None)
    timeout: Seconds | None = key(read_pause, None, duration_text)
    attempts: int = key(read_count, 3, same)
    phases: tuple[Phase, ...] = attrs.field(default=())

    @phases.validator
    def _one_pace(self, _: object, phases: tuple[Phase, ...]) -> None:
        given = {"pace": self.pace, "think": self.think, "phases": phases or None}
        names = [name for name, value in given.items() if value is not None]
        if len(names) > 1:
            raise Misfit(names[0], f"{' and '.join(names)} stand instead of each other: keep one")

    @cached_property
    def schedule(self) -> tuple[Phase, ...]:
        """The pace as phases, the last of which stays: one that never ends, where there is but one."""
        pace = self.pace or Pace("poisson", Rate(10.0))
        *before, last = self.phases or (Phase(Seconds(math.inf), pace),)
        return (*before, attrs.evolve(last, lasts=Seconds(math.inf)))


@frozen
class Queries:
    """A crowd of people who only look."""

    name: str = key(read_text, "queries")
    count: int = key(read_count, 1, same)
    pace: Pace = key(parse_pace, Pace("poisson", Rate(10.0)))

    @cached_property
    def schedule(self) -> tuple[Phase, ...]:
        """The pace as one phase that never ends."""
        return (Phase(Seconds(math.inf), self.pace),)


@frozen
class Inbox:
    """The command channel in front of the writer."""

    capacity: float = key(read_capacity, 1000, capacity_text)
    when_full: WhenFull = key(one_of("when_full", "wait", "shed"), "wait")


@frozen
class Crash:
    """An actor drops what it has in its hands, and starts again after a while."""

    at: Seconds = key(parse_duration, write=duration_text)
    lasts: Seconds = key(read_length, write=duration_text)


@frozen
class Writer:
    """The single writer: how long it works on one command, and what is left after a crash.

    It takes up to `batch` of the commands that wait, and commits them
    together, which takes `commit` for the whole batch beside the `service` of
    each. publish: from the commit until the change is handed to the link; then the
    command is answered. outbox: whether a change that was committed and not
    yet sent is still there after a crash. command_ids: whether a command that
    is sent again is known by its id, and done only once.
    """

    service: Distribution = key(parse_distribution, Constant(0.001))
    publish: Distribution = key(parse_distribution, Constant(0.0))
    outbox: bool = key(read_truth, True, same)
    command_ids: bool = key(read_truth, True, same)
    batch: int = key(read_count, 1, same)
    commit: Distribution = key(parse_distribution, Constant(0.0))
    crashes: tuple[Crash, ...] = attrs.field(default=())


@frozen
class Outage:
    """A stretch in which nothing comes out of the link: it waits there until the end, or is lost."""

    at: Seconds = key(parse_duration, write=duration_text)
    lasts: Seconds = key(read_length, write=duration_text)
    changes: Literal["wait", "lost"] = key(one_of("fate", "wait", "lost"), "wait")


@frozen
class Slow:
    """A stretch in which whatever is under way takes so many times as long."""

    at: Seconds = key(parse_duration, write=duration_text)
    lasts: Seconds = key(read_length, write=duration_text)
    times: float = key(read_factor, 10.0, same)


@frozen
class Link:
    """The delayed channel from the writer to the reader, and what goes wrong there.

    loss: the share of the copies that never come out. resend: after how long
    a lost one is sent again, until one comes out; or "none". duplicates: the
    share of the changes of which two copies travel.
    """

    delay: Distribution = key(parse_distribution, Constant(0.1))
    order: Order = key(one_of("order", "independent", "fifo", "serial"), "fifo")
    loss: float = key(read_chance, 0.0, same)
    resend: Seconds | None = key(read_pause, None, duration_text)
    duplicates: float = key(parse_share, 0.0, same)
    outages: tuple[Outage, ...] = attrs.field(default=())
    slow: tuple[Slow, ...] = attrs.field(default=())


@frozen
class Reader:
    """The reader: when it looks for changes, how long it works on one, and which one wins.

    Without `poll` it takes changes as they arrive; with it, it looks every so
    often, the first time after a random part of that. It takes up to `batch`
    of those that wait, and shows them together. What travels depends on
    `apply`: a product's new state, of which the "newest" or the last
    "arrival" wins; a "delta" to be added; or a mere notice, upon which the
    reader will "fetch" the write model's present state.

    Whatever is shown survives a crash. The reader starts again from its last
    "checkpoint", made whenever it has shown so many changes (at least once:
    some come again), or from "memory" (at most once: what it held, and what
    came while it was down, is gone).
    """

    handler: Distribution = key(parse_distribution, Constant(0.0))
    batch: int = key(read_count, 1, same)
    poll: Seconds | None = key(read_pause, None, duration_text)
    apply: Apply = key(one_of("apply", "newest", "arrival", "delta", "fetch"), "newest")
    restart: Literal["checkpoint", "memory"] = key(one_of("restart", "checkpoint", "memory"), "checkpoint")
    checkpoint: int = key(read_count, 1, same)
    crashes: tuple[Crash, ...] = attrs.field(default=())


@frozen
class Step:
    """One line of a script: at this instant, somebody commands or asks."""

    at: Seconds = key(parse_duration, write=duration_text)
    do: Kind | Literal["query"] = key(one_of("step", "add", "remove", "query"))
    product: int = key(read_count, 1, same)
    quantity: int = key(read_count, 1, same)


@frozen
class Expect:
    """What a scenario claims about a metric: its statistic lies below, or above, a bound."""

    metric: str = key(read_text)
    below: float | None = key(same, None, same)
    above: float | None = key(same, None, same)

    @classmethod
    def read(cls, table: dict[str, Any]) -> "Expect":
        """Build it from a table whose bound is still text in the metric's own unit."""
        try:
            metric, _ = split_name(read_text(table.get("metric", "")))
        except ValueError as error:
            raise Misfit("metric", str(error)) from None
        bounds = {k: v for k, v in table.items() if k != "metric"}
        if len(bounds) != 1 or not bounds.keys() <= {"below", "above"}:
            raise ValueError('an expectation has a metric and one bound: below = "400ms", or above')
        [(side, bound)] = bounds.items()
        try:
            return cls(table["metric"], **{side: _READ_BOUND[METRICS[metric].unit](bound)})
        except ValueError as error:
            raise Misfit(side, str(error)) from None

    def write(self) -> dict[str, Any]:
        """Give the table from which `read` makes the same value."""
        write = _WRITE_BOUND[METRICS[split_name(self.metric)[0]].unit]
        bounds = {"below": self.below, "above": self.above}
        return {"metric": self.metric} | {k: write(v) for k, v in bounds.items() if v is not None}

    @property
    def bound(self) -> float:
        """What the value must lie below, or above."""
        return self.below if self.below is not None else self.above or 0.0

    def holds(self, actual: float) -> bool:
        """Say whether a measured value keeps the promise; what could not be measured does not."""
        if self.below is not None:
            return actual < self.below
        return self.above is not None and actual > self.above


def _read_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < math.inf:
        raise ValueError(f"a number is needed, not {value!r}")
    return float(value)


_READ_BOUND: dict[str, Read] = {
    "s": parse_duration,
    "share": parse_share,
    "1/s": parse_rate,
    "1": _read_number,
}
_WRITE_BOUND: dict[str, Read] = {"s": duration_text, "share": same, "1/s": rate_text, "1": same}


@frozen
class Scenario:
    """A whole experiment. Two equal scenarios with equal seeds are the same run."""

    title: str = key(read_text)
    question: str = key(read_text, "")
    prediction: str = key(read_text, "")
    duration: Seconds = key(read_length, Seconds(60.0), duration_text)
    warmup: Seconds = key(parse_duration, Seconds(0.0), duration_text)
    seed: int = key(read_seed, 1, same)
    replications: int = key(read_count, 10, same)
    architecture: str = key(one_of("architecture", "cqrs", "locked", "unsafe"), "cqrs")
    products: Products = attrs.field(factory=Products)
    inbox: Inbox = attrs.field(factory=Inbox)
    writer: Writer = attrs.field(factory=Writer)
    link: Link = attrs.field(factory=Link)
    reader: Reader = attrs.field(factory=Reader)
    workers: tuple[Workers, ...] = attrs.field(default=())
    queries: tuple[Queries, ...] = attrs.field(default=())
    expect: tuple[Expect, ...] = attrs.field(default=())
    steps: tuple[Step, ...] = attrs.field(default=())

    @steps.validator
    def _fits(self, _: object, steps: tuple[Step, ...]) -> None:
        if self.warmup >= self.duration:
            raise Misfit("warmup", "warmup must be shorter than duration")
        names = [crowd.name for crowd in self.workers] + [crowd.name for crowd in self.queries]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise Misfit("workers", f"two crowds share the name {twice[0]!r}: give each its own")
        if any(step.product > self.products.count for step in steps):
            raise Misfit("steps", f"a step names a product beyond products.count = {self.products.count}")
        if any(self._would_stop_the_clock(crowd) for crowd in self.workers):
            raise Misfit("workers", "think must take time here, or time would stand still")
        if any(step.at >= self.duration for step in steps):
            raise Misfit("steps", "a step comes at or after the end: make duration longer")
        if self.architecture != "cqrs" and (self.writer.crashes or self.reader.crashes):
            alone = f"only under 'cqrs' do actors crash: take out the crashes, or {self.architecture!r}"
            raise Misfit("architecture", alone)
        named: dict[str, Empirical] = {}
        for sample in samples(self):
            if named.setdefault(sample.file, sample) != sample:
                raise ValueError(f"two files of durations are named {sample.file}: give each its own name")

    def _would_stop_the_clock(self, crowd: Workers) -> bool:
        """Say whether a worker that does not think could go round and round within one instant."""
        takes_no_time = self.writer.service.mean + self.writer.commit.mean == 0
        instant = takes_no_time or self.inbox.when_full == "shed" or crowd.look_first
        return crowd.think is not None and crowd.think.mean == 0 and instant

    @property
    def scripted(self) -> bool:
        """Whether it is a story: steps, and no crowds."""
        return bool(self.steps) and not (self.workers or self.queries)

    @property
    def loop(self) -> Literal["open", "closed"]:
        """Open: the plan goes on however slow the answers are. Closed: workers wait for them."""
        return "closed" if any(crowd.think for crowd in self.workers) else "open"


def samples(value: Any) -> Iterator[Empirical]:
    """Find the durations that were read from files, wherever in a value they are."""
    if isinstance(value, Empirical):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from samples(part)
    elif attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from samples(getattr(value, field.name))
