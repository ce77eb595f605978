"""An exercise: a question with the reader's own numbers, and a checker that keeps the answer to itself.

The answer is worked out when one is checked, by a formula or by playing the
reader's variant; it is written down nowhere. A likely wrong answer gets a hint.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from attrs import field, frozen

from sim.clock import stream
from sim.glossary import Unit
from sim.lessons.amount import read, write

EXACT = 1e-9
CLOSE = 0.02  # a share of the answer, for what is read off or worked out to three digits

HINTS = {
    "s": {
        1000.0: "That looks like milliseconds. A bare number is in seconds: write the unit, as in '20ms'.",
        0.001: "That is a thousandth of it: is it in milliseconds, and read as seconds?",
    },
    "share": {100.0: "That looks like a percentage. Write its sign, as in '20%', or a share from 0 to 1."},
}


@frozen
class Verdict:
    """Whether an answer is right, and what is said of it."""

    right: bool
    words: str

    def __repr__(self) -> str:
        return self.words

    def _repr_markdown_(self) -> str:
        return self.words


@frozen
class Solution:
    """What is right, and the likely wrong answers, each by the hint that leads away from it."""

    value: float
    slips: Mapping[str, float] = field(factory=dict)


@frozen(repr=False)
class Exercise:
    """A question in the reader's numbers; `check` tells right from wrong.

    `solve` works the answer out. An answer may be off by the share `within`
    of it. `way` is said of a wrong answer that nobody foresaw, `why` of the
    right one.
    """

    question: str
    unit: Unit
    solve: Callable[[], Solution]
    way: str
    why: str
    within: float = CLOSE

    def check(self, answer: Any) -> Verdict:
        """Tell right from wrong: a number, or text with its unit, "20%" or "35ms"; `...` asks again."""
        if answer is ...:
            return Verdict(False, f"{self.question}\n\nPut your answer in the place of the three dots.")
        try:
            number = read(answer, self.unit)
        except ValueError as error:
            return Verdict(False, f"That cannot be read: {error}.")
        solution = self.solve()
        if self._same(number, solution.value):
            return Verdict(True, f"Right, {write(number, self.unit)}. {self.why}")
        hint = next((hint for hint, slip in self._slips(solution) if self._same(number, slip)), self.way)
        return Verdict(False, f"Not yet. {hint}")

    def _same(self, number: float, other: float) -> bool:
        return math.isclose(number, other, rel_tol=self.within or EXACT, abs_tol=EXACT)

    def _slips(self, solution: Solution) -> Iterator[tuple[str, float]]:
        """List what may have gone wrong: with this question, and with any of its unit."""
        yield from solution.slips.items()
        for factor, hint in HINTS.get(self.unit, {}).items():
            yield hint, factor * solution.value
        if self.unit == "share":
            yield "That is the share of all the others.", 1 - solution.value

    def __repr__(self) -> str:
        return self.question


Luck = np.random.Generator
Asked = Callable[[Luck], Exercise]


def ask(seed: int, *questions: Asked) -> list[Exercise]:
    """Put questions with the numbers of a seed: another one has others, and other answers."""
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"a seed is a whole number, 0 or more, not {seed!r}")
    return [question(stream(seed, 0, "exercise", question.__name__)) for question in questions]


def choose(luck: Luck, first: int, last: int, step: int = 1) -> int:
    """Choose a number from first to last, by steps."""
    return first + step * int(luck.integers((last - first) // step + 1))
