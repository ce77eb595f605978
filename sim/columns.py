"""Columns of tables: from arrays, and back.

Arrays have no null: where something never was, nan stands for the time and −1
for the number.
"""

import math
from array import array
from functools import cache
from io import BytesIO
from typing import Any
from zlib import crc32

import numpy as np
import polars as pl
from attrs import field, frozen
from numpy.typing import NDArray

from sim.distributions import Floats, Ints

UNKNOWN = -1  # a number that has not come


def floats(column: "array[float] | Floats") -> pl.Series:
    """Make a polars column of an array whose gaps are nan."""
    return pl.Series(np.asarray(column), nan_to_null=True, dtype=pl.Float64)


def known(column: "array[int] | Ints") -> pl.Series:
    """Make a polars column of whole numbers, without those that have not come."""
    numbers = np.asarray(column)
    unknown = numbers == UNKNOWN
    return pl.Series(numbers).set(pl.Series(unknown), None) if unknown.any() else pl.Series(numbers)


def words(codes: "array[int] | Ints", words: tuple[str, ...]) -> pl.Series:
    """Make a polars column of words from their numbers."""
    return _dictionary(words).gather(known(codes))


@cache
def _dictionary(words: tuple[str, ...]) -> pl.Series:
    return pl.Series(words, dtype=pl.Enum(words))


def delivered(change: Ints, time: Floats, n: int) -> pl.Series:
    """Make a column of the times at which the copies of each of n changes came out."""
    if len(change) == n and np.all(np.bincount(change, minlength=n) == 1):
        out = np.empty(n)
        out[change] = time
        return pl.Series(out).reshape((-1, 1)).arr.to_list()
    copies = pl.DataFrame({"row": change, "time": time}).group_by("row", maintain_order=True).agg("time")
    rows = pl.DataFrame({"row": np.arange(n)}).join(copies, on="row", how="left", maintain_order="left")
    return rows.select(pl.col("time").fill_null(pl.lit([], dtype=pl.List(pl.Float64)))).to_series()


def parquet(table: pl.DataFrame) -> bytes:
    """Give a table as Parquet, to be written by whoever can tell a full disk from a broken table."""
    file = BytesIO()
    table.write_parquet(file)
    return file.getvalue()


def plain(column: pl.Series) -> NDArray[Any]:
    """Make an array of a column: of times, with nan where there is none; of numbers and words', with −1.

    Of lists of times it has the earliest; most often there is just one.
    """
    if isinstance(column.dtype, pl.Float64):
        return (column.fill_null(math.nan) if column.null_count() else column).to_numpy()
    if isinstance(column.dtype, pl.Enum):  # fewer than 256 words have eight bits, in which 255 is −1
        numbers = column.to_physical()
        return (numbers.fill_null(255) if numbers.null_count() else numbers).to_numpy().view(np.int8)
    if isinstance(column.dtype, pl.List):
        alone = np.all(plain(column.list.len()) == 1)
        return plain(column.explode() if alone else column.list.min())
    return (column.fill_null(UNKNOWN) if column.null_count() else column).to_numpy()


@frozen(eq=False)
class Rows:
    """Some rows of a table; a column is asked for by its name, and comes as an array."""

    table: pl.DataFrame
    chosen: slice | Ints = slice(None)
    _whole: dict[str, NDArray[Any]] = field(factory=dict, repr=False)  # columns that were asked for

    def __len__(self) -> int:
        if isinstance(self.chosen, slice):
            return len(range(*self.chosen.indices(len(self.table))))
        return len(self.chosen)

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._whole:
            self._whole[name] = plain(self.table[name])
        column = self._whole[name]
        return column[self.chosen] if isinstance(self.chosen, slice) else column.take(self.chosen)

    def only(self, chosen: slice | Ints) -> "Rows":
        """Choose some of all the table's rows."""
        return Rows(self.table, chosen, self._whole)


def checksums(table: pl.DataFrame) -> dict[str, int]:
    """Give each column's CRC-32, which is the same on every machine.

    Columns that are the same in memory are summed up once.
    """
    sums: dict[str, int] = {}
    known: dict[tuple[int, str], tuple[Floats | Ints, int]] = {}  # by place in memory, which is held on to
    for column in table.iter_columns():
        if isinstance(column.dtype, pl.List):
            many = plain(column.list.len())
            some = column if many.all() else column.filter(many > 0)
            sums[column.name] = _sum(plain(some.explode()), _sum(many))
            continue
        values = plain(column)
        place = values.ctypes.data, values.dtype.str
        if place not in known:
            known[place] = values, _sum(values)
        sums[column.name] = known[place][1]
    return sums


def _sum(values: NDArray[Any], so_far: int = 0) -> int:
    little_endian: Any = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return crc32(little_endian, so_far)
