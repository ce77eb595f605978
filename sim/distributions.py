"""Random distributions: frozen values, parsed from text, each with .mean and .draw.

A distribution draws whole arrays from a numpy generator that it is handed; it
holds no randomness of its own. Durations are seconds.
"""

import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from attrs import field, frozen
from numpy.random import Generator
from numpy.typing import NDArray

from sim.durations import (
    Rate,
    duration_text,
    parse_duration,
    parse_rate,
    parse_share,
    percent_text,
    rate_text,
)
from sim.observations import read_observations
from sim.wording import unknown

Floats = NDArray[np.float64]
Ints = NDArray[np.signedinteger[Any]]

MOST = 1_000_000_000  # of anything that is counted: sums of it stay far below what an int64 holds
LONGEST_TEXT = 2_000  # characters; of mixtures in mixtures, no deeper than Python can follow

_Z99 = 2.3263478740408408  # the standard normal's 99th percentile


class Distribution(Protocol):
    """A non-negative random duration in seconds; str() gives the text it parses from."""

    @property
    def mean(self) -> float:
        """The mean in seconds; may be infinite."""
        ...

    def draw(self, rng: Generator, n: int) -> Floats:
        """Draw n independent values, in seconds."""
        ...


@frozen
class Constant:
    """Always the same duration."""

    value: float

    @property
    def mean(self) -> float:
        """The value itself."""
        return self.value

    def draw(self, rng: Generator, n: int) -> Floats:
        """Repeat the value n times; nothing is random."""
        return np.full(n, self.value)

    def __str__(self) -> str:
        return duration_text(self.value)


@frozen
class Uniform:
    """Anything between low and high, equally likely."""

    low: float
    high: float = field()

    @high.validator
    def _ordered(self, _: object, high: float) -> None:
        if high < self.low:
            raise ValueError("uniform(low, high) needs low <= high")

    @property
    def mean(self) -> float:
        """Half way between the two."""
        return (self.low + self.high) / 2

    def draw(self, rng: Generator, n: int) -> Floats:
        """Draw n values from low to high."""
        return rng.uniform(self.low, self.high, n)

    def __str__(self) -> str:
        return f"uniform({duration_text(self.low)}, {duration_text(self.high)})"


@frozen
class Exponential:
    """Memoryless: how long it took says nothing about how long it will take."""

    mean: float

    def draw(self, rng: Generator, n: int) -> Floats:
        """Draw n values; two means give the same luck, stretched."""
        return self.mean * rng.standard_exponential(n)

    def __str__(self) -> str:
        return f"exponential({duration_text(self.mean)})"


@frozen
class Lognormal:
    """Skewed to the right, as network delays are: ln X is normal, with the given percentiles."""

    p50: float
    p99: float = field()

    @p99.validator
    def _ordered(self, _: object, p99: float) -> None:
        if not 0 < self.p50 < p99:
            raise ValueError("lognormal(p50=, p99=) needs 0 < p50 < p99")

    @classmethod
    def from_mean(cls, mean: float, cv: float) -> "Lognormal":
        """Choose it by its mean and its coefficient of variation (standard deviation / mean)."""
        if not (mean > 0 and cv > 0):
            raise ValueError("lognormal(mean=, cv=) needs both to be more than 0")
        sigma = math.sqrt(math.log1p(cv * cv))
        p50 = mean / math.sqrt(1 + cv * cv)
        return cls(p50, p50 * math.exp(_Z99 * sigma))

    @property
    def sigma(self) -> float:
        """The standard deviation of ln X: ln(p99 / p50) / 2.3263."""
        return math.log(self.p99 / self.p50) / _Z99

    @property
    def mean(self) -> float:
        """The median times exp(sigma² / 2)."""
        return self.p50 * math.exp(self.sigma**2 / 2)

    def draw(self, rng: Generator, n: int) -> Floats:
        """Draw n values; two sets of percentiles give the same luck, stretched.

        The generator takes exp from the C library; that of numpy has other last
        digits on processors with AVX-512, and so it would be another run.
        """
        return self.p50 * rng.lognormal(0.0, self.sigma, n)

    def __str__(self) -> str:
        return f"lognormal(p50={duration_text(self.p50)}, p99={duration_text(self.p99)})"


@frozen
class Gamma:
    """By its mean and its coefficient of variation; cv < 1 is steadier than exponential."""

    mean: float
    cv: float = field()

    @cv.validator
    def _positive(self, _: object, cv: float) -> None:
        if not (cv > 0 and self.mean > 0):
            raise ValueError("gamma(mean=, cv=) needs both to be more than 0")

    def draw(self, rng: Generator, n: int) -> Floats:
        """Draw n values with shape 1/cv² and scale mean·cv²."""
        return self.mean * self.cv**2 * rng.standard_gamma(self.cv**-2, n)

    def __str__(self) -> str:
        return f"gamma(mean={duration_text(self.mean)}, cv={self.cv!r})"


@frozen
class Pareto:
    """A power-law tail, P(X > x) = (minimum / x)^alpha; the mean is infinite for alpha <= 1."""

    minimum: float
    alpha: float = field()

    @alpha.validator
    def _positive(self, _: object, alpha: float) -> None:
        if not (alpha > 0 and self.minimum > 0):
            raise ValueError("pareto(minimum=, alpha=) needs both to be more than 0")

    @property
    def mean(self) -> float:
        """The minimum times alpha / (alpha − 1)."""
        return self.minimum * self.alpha / (self.alpha - 1) if self.alpha > 1 else math.inf

    def draw(self, rng: Generator, n: int) -> Floats:
        """Draw n values by exp of an exponential, as the generator itself does: see Lognormal."""
        return self.minimum * (1 + rng.pareto(self.alpha, n))

    def __str__(self) -> str:
        return f"pareto(minimum={duration_text(self.minimum)}, alpha={self.alpha!r})"


def _ascending(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(sorted(values))


@frozen
class Empirical:
    """One of the durations that somebody has measured, each as likely as any other.

    `file` is the name of the file that holds them, without its folder: two
    that hold the same are equal. The values are kept in ascending order.
    """

    file: str = field(eq=False)
    values: tuple[float, ...] = field(converter=_ascending, repr=False)

    @classmethod
    def read(cls, file: str) -> "Empirical":
        """Read a CSV file of one column, whose header names the unit."""
        return cls(Path(file).name, read_observations(file))

    @property
    def mean(self) -> float:
        """The mean of what was measured."""
        return math.fsum(self.values) / len(self.values)

    def draw(self, rng: Generator, n: int) -> Floats:
        """Draw n values with replacement; two files give the same luck, from shortest to longest."""
        places = (rng.random(n) * len(self.values)).astype(np.int64)
        return np.array(self.values)[np.minimum(places, len(self.values) - 1)]

    def __str__(self) -> str:
        return f'empirical("{self.file}")'


@frozen
class Mixture:
    """One of several distributions, each with its share of the draws."""

    parts: tuple[tuple[float, Distribution], ...] = field()

    @parts.validator
    def _whole(self, _: object, parts: tuple[tuple[float, Distribution], ...]) -> None:
        if not math.isclose(sum(share for share, _ in parts), 1, abs_tol=1e-9):
            raise ValueError("the shares of a mixture must add up to 100%")

    @property
    def mean(self) -> float:
        """The parts' means, weighted by their shares."""
        return sum(share * part.mean for share, part in self.parts if share)  # 0 × infinity is no number

    def draw(self, rng: Generator, n: int) -> Floats:
        """Draw n values: first which part, then from every part, and keep the chosen ones."""
        edges = np.cumsum([share for share, _ in self.parts])
        chosen = np.minimum(np.searchsorted(edges, rng.random(n), side="right"), len(self.parts) - 1)
        columns = np.stack([part.draw(rng, n) for _, part in self.parts])
        return np.asarray(columns[chosen, np.arange(n)], dtype=np.float64)

    def __str__(self) -> str:
        return f"mixture({', '.join(f'{percent_text(share)} {part}' for share, part in self.parts)})"


@frozen
class Pace:
    """How a whole crowd arrives: "poisson" (by chance) or "constant" (like a metronome), per second."""

    kind: str
    rate: Rate

    def __str__(self) -> str:
        return f"{self.kind}({rate_text(self.rate)})"


@frozen
class Popularity:
    """How the traffic spreads over the products: uniform, zipf(s) or hotspot(products, traffic).

    zipf: product k gets a share proportional to 1/k^s. hotspot: the first
    share of the products gets the second share of the traffic.
    """

    kind: str
    numbers: tuple[float, ...] = ()

    def shares(self, count: int) -> Floats:
        """Each product's share of the traffic, products 1 to count; they add up to 1."""
        if self.kind == "zipf":
            weights = np.arange(1, count + 1, dtype=np.float64) ** -self.numbers[0]
        elif self.kind == "hotspot":
            hot = self.hot(count)
            share = self.numbers[1] if hot < count else 1.0
            weights = np.full(count, (1 - share) / max(1, count - hot))
            weights[:hot] = share / hot
        else:
            weights = np.ones(count)
        return np.asarray(weights / weights.sum(), dtype=np.float64)

    def hot(self, count: int) -> int:
        """Count the hot products, which are the first ones; 0 where there is no hotspot."""
        return min(count, max(1, round(self.numbers[0] * count))) if self.kind == "hotspot" else 0

    def draw(self, rng: Generator, n: int, count: int) -> Ints:
        """Draw n product numbers from 1 to count."""
        values = rng.random(n)
        if self.kind == "uniform":
            place = (values * count).astype(np.int32)
        else:
            place = _places(np.cumsum(self.shares(count)), values)
        return np.minimum(place, count - 1) + 1

    def __str__(self) -> str:
        if self.kind == "hotspot":
            return f"hotspot({', '.join(map(percent_text, self.numbers))})"
        return f"zipf({self.numbers[0]!r})" if self.kind == "zipf" else self.kind


def _places(edges: Floats, values: Floats) -> Ints:
    """Give for each value from 0 to 1 what np.searchsorted does, to the right of equal edges.

    Between two neighbours of a fine grid there is seldom an edge; where there
    is none, the place of one of them is that of all values between.
    """
    cells = 2 ** min(18, 5 + len(edges).bit_length())
    at_cell = np.searchsorted(edges, np.arange(cells + 1) / cells, side="right").astype(np.int32)
    cell = (values * cells).astype(np.int32)
    place: Ints = at_cell.take(cell)
    unsure = np.flatnonzero((np.diff(at_cell) != 0).take(cell))
    place[unsure] = np.searchsorted(edges, values[unsure], side="right")
    return place


@frozen
class Quantity:
    """How many items one command moves: low, or a whole number from low to high."""

    low: int
    high: int

    def draw(self, rng: Generator, n: int) -> Ints:
        """Draw n whole numbers."""
        return rng.integers(self.low, self.high + 1, n)

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"integers({self.low}, {self.high})"


def parse_distribution(text: object) -> Distribution:
    """Read "20ms", "exponential(2ms)" or "lognormal(p50=20ms, p99=200ms)"; ValueError says what would do."""
    if not isinstance(text, str) or re.match(r"\s*[-+.\d]", text):
        return Constant(parse_duration(text))
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"a distribution is written in at most {LONGEST_TEXT:,} characters")
    name, arguments = _call(text, "exponential(2ms)")
    if name == "mixture":
        return Mixture(tuple(_part(argument) for argument in arguments))
    forms = _FAMILIES.get(name)
    if forms is None:
        raise ValueError(unknown("distribution", name, [*_FAMILIES, "mixture"]))
    return _made(name, arguments, forms)


def with_mean(law: Distribution, mean: float) -> Distribution:
    """Give a distribution of the same shape that has another mean, in seconds: the same luck, stretched.

    ValueError where none has that mean, or where a file says what was measured.
    """
    factor = mean / law.mean if law.mean else math.inf
    match law:
        case Constant():
            return Constant(mean)
        case Exponential():
            return Exponential(mean)
        case Gamma():
            return Gamma(mean, law.cv)
        case Empirical():
            raise ValueError(f"{law} was measured: its mean is what it is")
        case _ if not 0 < factor < math.inf:
            raise ValueError(f"no {law} has a mean of {duration_text(mean)}")
        case Uniform():
            return Uniform(law.low * factor, law.high * factor)
        case Lognormal():
            return Lognormal(law.p50 * factor, law.p99 * factor)
        case Pareto():
            return Pareto(law.minimum * factor, law.alpha)
        case Mixture():
            return Mixture(tuple((share, with_mean(part, part.mean * factor)) for share, part in law.parts))
    raise ValueError(f"{law} has no mean to be changed")


def parse_pace(text: object) -> Pace:
    """Read "poisson(300/s)" or "constant(300/s)"; ValueError says what would do."""
    name, arguments = _call(text, "poisson(300/s)") if isinstance(text, str) else ("", [])
    if name not in ("poisson", "constant"):
        raise ValueError(unknown("pace", name or text, ["poisson", "constant"]) + ', as in "poisson(300/s)"')
    if len(arguments) != 1:
        raise ValueError(f'{name} takes one rate: write "{name}(300/s)"')
    return Pace(name, parse_rate(arguments[0]))


def parse_popularity(text: object) -> Popularity:
    """Read "uniform", "zipf(1.0)" or "hotspot(10%, 90%)"; ValueError says what would do."""
    name, arguments = _call(text, "zipf(1.0)") if isinstance(text, str) else ("", [])
    if name == "uniform" and not arguments:
        return Popularity("uniform")
    if name == "zipf" and len(arguments) == 1:
        return Popularity("zipf", (_number(arguments[0]),))
    if name == "hotspot" and len(arguments) == 2:
        return Popularity("hotspot", tuple(parse_share(_share_word(a)) for a in arguments))
    raise ValueError(f'{text!r} is not a popularity: write "uniform", "zipf(1.0)" or "hotspot(10%, 90%)"')


def parse_quantity(text: object) -> Quantity:
    """Read 1, "1" or "integers(1, 5)"; ValueError says what would do."""
    numbers = re.fullmatch(r"\s*(\d+)\s*|\s*integers\(\s*(\d+)\s*,\s*(\d+)\s*\)\s*", str(text))
    if isinstance(text, bool) or not numbers:
        raise ValueError(f'{text!r} is not a quantity: write "1" or "integers(1, 5)"')
    low, high = (int(numbers[1]),) * 2 if numbers[1] else (int(numbers[2]), int(numbers[3]))
    if not 1 <= low <= high:
        raise ValueError(f"a quantity is at least 1, and integers(a, b) needs a <= b: {text!r}")
    if high > MOST:
        raise ValueError(f"a quantity is at most {MOST:,}: {text!r}")
    return Quantity(low, high)


Form = tuple[Callable[..., Distribution], dict[str, Callable[[str], Any]]]


def _number(text: str) -> float:
    """Read a plain positive number."""
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None
    if not 0 <= number < math.inf:
        raise ValueError(f"{text!r} must be 0 or more, and finite")
    return number


def _unquoted(text: str) -> str:
    """Read a text that may stand in quotes."""
    return text.strip('"')


_FAMILIES: dict[str, list[Form]] = {
    "constant": [(Constant, {"value": parse_duration})],
    "uniform": [(Uniform, {"low": parse_duration, "high": parse_duration})],
    "exponential": [(Exponential, {"mean": parse_duration})],
    "lognormal": [
        (Lognormal, {"p50": parse_duration, "p99": parse_duration}),
        (Lognormal.from_mean, {"mean": parse_duration, "cv": _number}),
    ],
    "gamma": [(Gamma, {"mean": parse_duration, "cv": _number})],
    "pareto": [(Pareto, {"minimum": parse_duration, "alpha": _number})],
    "empirical": [(Empirical.read, {"file": _unquoted})],
}


def _made(name: str, arguments: list[str], forms: list[Form]) -> Distribution:
    """Build a distribution from the first of its forms that the arguments fit."""
    given = [re.fullmatch(r"(?:(\w+)\s*=\s*)?(.*)", argument) for argument in arguments]
    words: list[tuple[str | None, str]] = [(m[1], m[2]) for m in given if m]
    for make, readers in forms:
        named = {key or position: text for (key, text), position in zip(words, readers, strict=False)}
        if len(words) == len(readers) and set(named) == set(readers):
            return make(**{key: readers[key](text) for key, text in named.items()})
    known = " or ".join(f"{name}({', '.join(readers)})" for _, readers in forms)
    raise ValueError(f"{name} is written {known}, not {name}({', '.join(arguments)})")


def _part(text: str) -> tuple[float, Distribution]:
    """Read one part of a mixture: "93.9% pareto(...)"."""
    share, _, rest = text.partition(" ")
    return float(parse_share(_share_word(share))), parse_distribution(rest)


def _call(text: str, example: str) -> tuple[str, list[str]]:
    """Split "name(a, b(c, d))" into its name and its arguments; show an example of one otherwise."""
    match = re.fullmatch(r"\s*([A-Za-z_]\w*)\s*(?:\((.*)\))?\s*", text, re.DOTALL)
    if not match:
        raise ValueError(f"{text!r} cannot be read: write a name with its arguments, as in {example}")
    inside = (match[2] or "").strip()
    return match[1], list(split_at_commas(inside)) if inside else []


def split_at_commas(text: str) -> Iterable[str]:
    """Split at the commas that stand in no brackets and no quotes."""
    depth, quoted, start = 0, False, 0
    for place, sign in enumerate(text):
        quoted ^= sign == '"'
        depth += ((sign in "([{") - (sign in ")]}")) * (not quoted)
        if sign == "," and depth == 0 and not quoted:
            yield text[start:place].strip()
            start = place + 1
    yield text[start:].strip()


def _share_word(text: str) -> Any:
    """Read "0.1" as a number; leave "10%", and what is neither, to parse_share."""
    return float(text) if re.fullmatch(r"\d*\.?\d+", text) else text
