"""Rows that belong together because they bear the same number, found in arrays of all of them."""

from itertools import pairwise
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from sim.distributions import Floats, Ints

Flags = NDArray[np.bool_]


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

    def only(self, chosen: Flags) -> "Groups":
        """Leave the others out."""
        some = np.flatnonzero(chosen.take(self.rows))
        return Groups(self.rows.take(some), np.searchsorted(some, self.starts))

    def last(self, numbers: Ints) -> Ints:
        """Find the last row that bears each number; −1 if there is none."""
        return self.nth(numbers, self.end(numbers) - self.begin(numbers))

    def nth(self, numbers: Ints, n: Ints) -> Ints:
        """Find the n-th row that bears each number, where the first is 1; −1 if there is none."""
        if not len(self.rows):
            return np.full(len(numbers), -1)
        place = self.begin(numbers)
        place += n - 1
        none = (n < 1) | (place >= self.end(numbers))
        found: Ints = self.rows.take(place, mode="clip")
        np.putmask(found, none, -1)
        return found


def group(numbers: Ints) -> Groups:
    """Put rows together by the number that they bear, which is 0 or more."""
    return Groups(by_number(numbers), np.append(0, np.cumsum(np.bincount(numbers, minlength=1))))


def group_by_both(one: Ints, other: Ints) -> Groups:
    """Put rows together that bear the same two numbers; these pairs are numbered from 0, in their order."""
    rows = by_number(other)
    rows = rows.take(by_number(one.take(rows)))
    another = (np.diff(one.take(rows)) != 0) | (np.diff(other.take(rows)) != 0)
    return Groups(rows, np.concatenate([[0], np.flatnonzero(another) + 1, [len(rows)]]))


def before(events: Groups, times: Floats, askers: Groups, asked: Floats) -> Ints:
    """Find, for each who asks at an instant, the first event of its number that did not come before.

    What is given is its place in `events.rows`, in the order of which `times`
    are, or where those of that number end. Events come in the order of time.
    """
    instants = asked.take(askers.rows)
    numbers = np.flatnonzero(np.diff(askers.starts))
    some = (askers.begin(numbers), askers.end(numbers), events.begin(numbers), events.end(numbers))
    found = np.empty_like(askers.rows)
    for first, last, low, high in zip(*(places.tolist() for places in some), strict=True):
        found[first:last] = times[low:high].searchsorted(instants[first:last])
        found[first:last] += low
    place = np.empty_like(found)
    place[askers.rows] = found
    return place


def highest_before(values: Ints, groups: Groups) -> Ints:
    """Give to each the highest of the values, 0 or more, that came before it in its group; −1: none."""
    sizes = np.diff(groups.starts)
    floor = np.repeat(np.arange(len(sizes)) * (int(values.max(initial=0)) + 1), sizes)
    lifted = np.maximum.accumulate(values.take(groups.rows) + floor)
    highest = np.empty_like(groups.rows)
    highest[groups.rows] = np.append(-1, lifted)[:-1] - floor
    return np.maximum(highest, -1)


def lowest_from(values: Floats, groups: Groups) -> Floats:
    """Give to each the lowest of the values, 0 or more, that come from it on in its group, itself among them.

    Floats that are not negative have the order of their bits, read as whole
    numbers, of which the lowest is found in a fifth of the time.
    """
    lowest = values.take(groups.rows).view(np.int64)
    for first, last in pairwise(groups.starts.tolist()):
        backwards = lowest[first:last][::-1]
        np.minimum.accumulate(backwards, out=backwards)
    found = np.empty_like(values)
    found[groups.rows] = lowest.view(np.float64)
    return found


def highest_up_to(values: Floats, groups: Groups) -> Floats:
    """Give to each the highest of the values that come up to it in its group, itself among them."""
    highest = values.take(groups.rows)
    for first, last in pairwise(groups.starts.tolist()):
        np.maximum.accumulate(highest[first:last], out=highest[first:last])
    found = np.empty_like(highest)
    found[groups.rows] = highest
    return found


def by_number(numbers: NDArray[Any]) -> Ints:
    """Give the places of numbers, 0 or more, in their order, equal ones in theirs.

    Those of 8 or 16 bits are sorted by their digits, which takes least.
    """
    as_short = numbers.astype(np.min_scalar_type(numbers.max(initial=0)))
    return np.argsort(as_short, kind="stable")


def begins(grouped: Ints) -> Ints:
    """Give the places at which another number begins."""
    return np.append(0, np.flatnonzero(grouped[1:] != grouped[:-1]) + 1)[: len(grouped)]
