"""Columns: arrays, and lists of times.

Arrays have no null: where something never was, nan stands for the time and −1
for its number or version, which have 32 bits. Quantities have 64, and are all
there. Words are arrays of their numbers.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from xxhash import xxh3_128

from sim.distributions import Floats, Ints

UNKNOWN = -1  # a number that has not come


@frozen(eq=False)
class Lists:
    """A column of lists of times: how `many` there are in each row, and all of them, row by row."""

    many: Ints
    times: Floats

    def __len__(self) -> int:
        return len(self.many)

    def earliest(self) -> Floats:
        """Give the earliest time of each row; nan where there is none."""
        if self.alone():
            return self.times
        some = np.flatnonzero(self.many)
        found = np.full(len(self.many), math.nan)
        found[some] = np.minimum.reduceat(self.times, (np.cumsum(self.many) - self.many)[some])
        return found

    def alone(self) -> bool:
        """Say whether there is just one time in each row, as is most often so."""
        return len(self.times) == len(self.many) and bool(np.all(self.many == 1))


Column = NDArray[Any] | Lists
Kind = type[np.float64 | np.int32 | np.int64 | Lists] | tuple[str, ...]  # of words: which there are


def make_column(values: Sequence[float] | Column, kind: Kind) -> Column:
    """Make a column of its array, or of whatever can be made an array; of lists it is one."""
    if isinstance(values, Lists):
        return values
    made = np.asarray(values, np.int8 if isinstance(kind, tuple) else kind)
    return made if kept_once(made) else np.ascontiguousarray(made)


def alike(value: np.generic, rows: int) -> NDArray[Any]:
    """Make a column that has the same value in so many rows, and keeps it once."""
    return np.broadcast_to(value, rows)


def kept_once(values: NDArray[Any]) -> bool:
    """Say whether a column is one of `alike`."""
    return values.strides == (0,)


def delivered(change: Ints, time: Floats, n: int) -> Lists:
    """List by each of n changes the times at which its copies came out, in the order in which they did."""
    many = np.bincount(change, minlength=n).astype(np.int32)
    if len(change) == n and np.all(many == 1):
        times = np.empty(n)
        times[change] = time
        return Lists(many, times)
    return Lists(many, time.take(np.argsort(change, kind="stable")))


def digest(column: Column) -> str:
    """Hash all that a column holds, of lists also how long each is: by XXH3, the same on every machine."""
    hashed = xxh3_128()
    for values in [column.many, column.times] if isinstance(column, Lists) else [column]:
        little_endian: Any = np.ascontiguousarray(_with_one_nan(values), values.dtype.newbyteorder("<"))
        hashed.update(little_endian)
    return hashed.hexdigest()


def _with_one_nan(values: NDArray[Any]) -> NDArray[Any]:
    """Give every nan the same bits, for that of ∞ − ∞, say, has others than math.nan."""
    if values.dtype == np.float64 and np.isnan(values.max(initial=0.0)):
        return np.where(np.isnan(values), math.nan, values)
    return values
