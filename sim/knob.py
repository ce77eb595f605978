"""A knob: one number of a scenario, found by its key, and the scenario with that number set otherwise.

A key holds a number of its own, or a distribution or a pace with one inside:
then the knob is its mean, or its rate, and the shape stays.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import attrs
from attrs import field, frozen

from sim.distributions import Constant, Distribution, Pace, parse_distribution, parse_pace, with_mean
from sim.durations import Rate, duration_text, parse_duration, parse_rate, parse_share
from sim.glossary import Unit
from sim.scenario import (
    READ,
    Scenario,
    read_capacity,
    read_chance,
    read_count,
    read_factor,
    read_length,
    read_maybe,
    read_natural,
    read_pause,
)
from sim.wording import did_you_mean


@frozen
class Kind:
    """What sort of number a key holds.

    `number` finds it in the key's value, and `put` gives what a scenario file
    would hold with another one. `usual` is where to begin where there is none.
    """

    unit: Unit
    parse: Callable[[str], float]
    number: Callable[[Any], float]
    put: Callable[[Any, float], Any]
    usual: float
    most: float = math.inf
    whole: bool = False
    inside: str = ""


def _plain(text: str) -> float:
    """Read a plain number."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"a number is needed, not {text!r}") from None


def _whole(text: str) -> float:
    """Read a whole number."""
    if not text.strip().isdecimal():
        raise ValueError(f"a whole number is needed, not {text!r}")
    return float(int(text))


def _share(text: str) -> float:
    """Read "10%" or "0.1"."""
    return parse_share(text if "%" in text else _plain(text))


def _stretched(law: Distribution | None, mean: float) -> str:
    return str(with_mean(law or Constant(0.0), mean))


def _faster(pace: Pace | None, rate: float) -> str:
    return str(Pace(pace.kind if pace else "poisson", Rate(rate)))


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


DURATION = Kind("s", parse_duration, _number, lambda _, x: duration_text(x), usual=0.1)
MEAN = Kind("s", parse_duration, lambda law: law.mean if law else math.nan, _stretched, 0.1, inside="mean")
RATE = Kind("1/s", parse_rate, lambda pace: pace.rate if pace else math.nan, _faster, 10, inside="rate")
SHARE = Kind("share", _share, _number, lambda _, x: x, usual=0.01, most=0.99)
WHOLE = Kind("1", _whole, _number, lambda _, x: round(x), usual=10, whole=True)
NUMBER = Kind("1", _plain, _number, lambda _, x: x, usual=1)

KINDS: dict[Callable[[Any], Any], Kind] = {
    parse_duration: DURATION,
    read_length: DURATION,
    read_pause: DURATION,
    parse_distribution: MEAN,
    read_maybe: MEAN,
    parse_pace: RATE,
    parse_share: SHARE,
    read_chance: SHARE,
    read_count: WHOLE,
    read_natural: WHOLE,
    read_capacity: WHOLE,
    read_factor: NUMBER,
}


@frozen
class Knob:
    """One number of a scenario that can be set otherwise."""

    key: str
    scenario: Scenario
    kind: Kind
    steps: tuple[str | int, ...] = field(repr=False)

    @classmethod
    def find(cls, scenario: Scenario, key: str) -> "Knob":
        """Find the knob of a key, "link.delay" or "workers.buyers.pace"; ValueError says what there is."""
        owner, steps = _way(scenario, key)
        fields = attrs.fields_dict(type(owner))
        reader = fields[str(steps[-1])].metadata.get(READ)
        value = _get(owner, steps[-1:])
        if reader not in KINDS:
            raise ValueError(f"{key} holds no single number{f': it is {value}' if reader else ''}")
        return cls(key, scenario, KINDS[reader], tuple(steps))

    @property
    def what(self) -> str:
        """Say what is turned: "link.delay", or "the rate of workers.pace"."""
        return f"the {self.kind.inside} of {self.key}" if self._shaped else self.key

    @property
    def number(self) -> float:
        """Say where it stands; nan where the scenario has none, infinity where it is unbounded."""
        return self.kind.number(_get(self.scenario, self.steps))

    def read(self, text: str) -> float:
        """Read a setting, "1ms" or "10%" say; ValueError says what would do."""
        try:
            return self.kind.parse(text)
        except ValueError as error:
            raise ValueError(f"{self.key}: {error}") from None

    def text(self, number: float) -> str:
        """Write what a scenario file holds for the key when the knob stands there."""
        return str(self.kind.put(_get(self.scenario, self.steps), number))

    def at(self, number: float) -> Scenario:
        """Give the scenario with that number; ValueError if it cannot be."""
        owner = _get(self.scenario, self.steps[:-1])
        reader = attrs.fields_dict(type(owner))[str(self.steps[-1])].metadata[READ]
        try:
            put = self.kind.put(_get(self.scenario, self.steps), number)
            turned: Scenario = _put(self.scenario, self.steps, reader(put))
        except ValueError as error:
            raise ValueError(f"{self.key}: {error}") from None
        return turned

    def takes(self, number: float) -> bool:
        """Say whether it can be set to that number."""
        try:
            self.at(number)
        except ValueError:
            return False
        return True

    @property
    def _shaped(self) -> bool:
        """Whether the key holds more than the number alone."""
        return bool(self.kind.inside) and not isinstance(_get(self.scenario, self.steps), Constant | None)


def _way(scenario: Scenario, key: str) -> tuple[Any, list[str | int]]:
    """Go where a key leads, into tables and, by name or as the lone one, into rows of tables."""
    here: Any = scenario
    owner: Any = scenario
    steps: list[str | int] = []
    for name in key.split("."):
        if isinstance(here, tuple):
            row, named = _row(here, name, key)
            steps.append(row)
            here = here[row]
            if named:
                continue
        known = [one.name for one in attrs.fields(type(here))] if attrs.has(type(here)) else []
        if name not in known:
            raise ValueError(f"{key}: there is no key {name!r}{did_you_mean(name, known)}")
        steps.append(name)
        owner, here = here, getattr(here, name)
    return owner, steps


def _row(rows: tuple[Any, ...], name: str, key: str) -> tuple[int, bool]:
    """Choose the row that bears a name, or the only one there is, and say whether it was named."""
    names = [getattr(row, "name", "") for row in rows]
    if name in names:
        return names.index(name), True
    if len(rows) == 1:
        return 0, False
    named = ", ".join(filter(None, names))
    raise ValueError(f"{key}: {f'say which one: {named}' if named else f'there are {len(rows)} of them'}")


def _get(whole: Any, steps: Sequence[str | int]) -> Any:
    """Look up what is at the end of some steps."""
    for step in steps:
        whole = whole[step] if isinstance(step, int) else getattr(whole, step)
    return whole


def _put(whole: Any, steps: Sequence[str | int], value: Any) -> Any:
    """Give the whole with another value at the end of some steps."""
    if not steps:
        return value
    step, *rest = steps
    if isinstance(step, int):
        return (*whole[:step], _put(whole[step], rest, value), *whole[step + 1 :])
    return attrs.evolve(whole, **{step: _put(getattr(whole, step), rest, value)})
