"""Rows that belong together because they bear the same number, found in arrays of all of them."""

from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from sim.distributions import Floats, Ints


@frozen(eq=False)
class Groups:
    """Rows in the order of the number that they bear; those that bear the same one keep theirs.

    Those that bear the number k are `rows[starts[k] : starts[k + 1]]`.
    """

    rows: Ints
    starts: Ints

    def begin(self, numbers: Ints) -> Ints:
        """Say for each number where its rows begin; beyond the last one, where all rows end."""
        return self.starts.take(numbers, mode="clip")

    def end(self, numbers: Ints) -> Ints:
        """Say for each number where its rows end."""
        return self.starts[1:].take(numbers, mode="clip")

    def nth(self, numbers: Ints, n: Ints) -> Ints:
        """Find the n-th row that bears each number, where the first is 1; −1 if there is none."""
        place = self.begin(numbers) + n - 1
        place[(n < 1) | (place >= self.end(numbers))] = len(self.rows)
        return np.append(self.rows, -1).take(place)


def group(numbers: Ints) -> Groups:
    """Put rows together by the number that they bear, which is 0 or more."""
    return Groups(by_number(numbers), np.append(0, np.cumsum(np.bincount(numbers, minlength=1))))


def before(events: Groups, time: Floats, askers: Groups, asked: Floats) -> Ints:
    """Find, for each who asks at an instant, the first event of its number that did not come before.

    What is given is its place in `events.rows`, or where those of that number
    end. Events come in the order of time.
    """
    times, instants = time.take(events.rows), asked.take(askers.rows)
    numbers = np.flatnonzero(np.diff(askers.starts))
    some = (askers.begin(numbers), askers.end(numbers), events.begin(numbers), events.end(numbers))
    found = np.empty_like(askers.rows)
    for first, last, low, high in zip(*(places.tolist() for places in some), strict=True):
        found[first:last] = low + np.searchsorted(times[low:high], instants[first:last])
    place = np.empty_like(found)
    place[askers.rows] = found
    return place


def highest_before(values: Ints, *numbers: Ints) -> Ints:
    """Give to each the highest of the values, 0 or more, that came before it in its group; −1 to the first.

    A group are those that bear the same numbers.
    """
    rows = by_numbers(*numbers)
    another = np.zeros(len(rows), np.bool_)
    for number in numbers:
        another[1:] |= np.diff(number.take(rows)) != 0
    floor = np.cumsum(another) * (int(values.max(initial=0)) + 1)
    lifted = np.maximum.accumulate(values.take(rows) + floor)
    highest = np.empty_like(rows)
    highest[rows] = np.append(-1, lifted)[: len(rows)] - floor
    return np.maximum(highest, -1)


def by_numbers(*numbers: Ints) -> Ints:
    """Give the places of rows in the order of several numbers, of which the first weighs most."""
    *more, last = numbers
    rows = by_number(last)
    for number in reversed(more):
        rows = rows.take(by_number(number.take(rows)))
    return rows


def by_number(numbers: NDArray[Any]) -> Ints:
    """Give the places of numbers in their order, equal ones in theirs; small ones are sorted by digits."""
    small = numbers.max(initial=0) < 2**15
    return np.argsort(numbers.astype(np.int16) if small else numbers, kind="stable")


def begins(grouped: Ints) -> Ints:
    """Give the places at which another number begins."""
    return np.flatnonzero(np.diff(grouped, prepend=-1))
