"""A prediction: the reader types a number before the run, and is told later how far off it was."""

from attrs import field, frozen

from sim.glossary import Unit
from sim.lessons.amount import Typed, read, unit_of, write
from sim.lessons.display import Words
from sim.wording import significant

AS_GOOD = 0.05  # so far off is as good as exact
TWICE = 2.0  # from here on one says how many times


@frozen
class Guess:
    """What somebody expects to be measured."""

    value: float
    unit: Unit = field(repr=False)

    def against(self, measured: float) -> Words:
        """Say how far off it was: exact in number, and kind.

        `measured` is in the unit of the guess: seconds, a share, or a plain number.
        """
        typed, found = (write(number, self.unit) for number in (self.value, measured))
        return Words(f"You said {typed}, and it is {found}: {self._how_far_off(measured)}")

    def _how_far_off(self, measured: float) -> str:
        gap = self.value - measured
        side = "too high" if gap > 0 else "too low"
        low, high = sorted((self.value, measured))
        if gap == 0:
            return "exactly that."
        if abs(gap) <= AS_GOOD * abs(measured):
            return f"{self._gap(gap)} {side}, which is as good as exact."
        if low <= 0 or high < TWICE * low:
            return f"{self._gap(gap)} {side}."
        return f"{side} by a factor of {significant(high / low)}. That is what a guess is for."

    def _gap(self, gap: float) -> str:
        if self.unit == "share":
            return f"{significant(100 * abs(gap))} percentage points"
        return write(abs(gap), self.unit)


def predict(typed: Typed) -> Guess:
    """Take down what you expect: a number, or text with its unit, "30%" or "250ms".

    A length of time is in seconds where no unit is written.
    """
    unit = unit_of(typed)
    return Guess(read(typed, unit), unit)
