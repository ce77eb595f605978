"""Columns of tables: from arrays, and back.

Arrays have no null: where something never was, nan stands for the time and −1
for the number.
"""

from array import array
from io import BytesIO
from typing import Any
from zlib import crc32

import numpy as np
import polars as pl
from attrs import frozen
from numpy.typing import NDArray

from sim.distributions import Floats, Ints

UNKNOWN = -1  # a number that has not come


def floats(column: "array[float] | Floats") -> pl.Series:
    """Make a polars column of an array whose gaps are nan."""
    return pl.Series(np.asarray(column), nan_to_null=True, dtype=pl.Float64)


def known(column: "array[int] | Ints") -> pl.Series:
    """Make a polars column of whole numbers, without those that have not come."""
    numbers = pl.Series(np.asarray(column))
    return numbers.set(numbers == UNKNOWN, None)


def words(codes: "array[int] | Ints", words: tuple[str, ...]) -> pl.Series:
    """Make a polars column of words from their numbers."""
    return pl.Series(words, dtype=pl.Enum(words)).gather(known(codes))


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
    """Make an array of a column: of times, with nan where there is none; of numbers and words', with −1."""
    if column.dtype == pl.Float64:
        return column.to_numpy()
    if column.dtype == pl.Enum:
        column = column.to_physical().cast(pl.Int8)
    return (column.fill_null(UNKNOWN) if column.null_count() else column).to_numpy()


@frozen(eq=False)
class Rows:
    """Some rows of a table; a column is asked for by its name, and comes as an array."""

    table: pl.DataFrame
    chosen: slice | Ints = slice(None)

    def __len__(self) -> int:
        if isinstance(self.chosen, slice):
            return len(range(*self.chosen.indices(len(self.table))))
        return len(self.chosen)

    def __getitem__(self, name: str) -> NDArray[Any]:
        column = plain(self.table[name])
        return column[self.chosen] if isinstance(self.chosen, slice) else column.take(self.chosen)


def checksum(column: pl.Series) -> int:
    """Give a column's CRC-32, which is the same on every machine."""
    if column.dtype == pl.List:
        many = column.list.len()
        return crc32(_little_endian(column.filter(many > 0).explode()), crc32(_little_endian(many)))
    return crc32(_little_endian(column))


def _little_endian(column: pl.Series) -> Any:
    values = plain(column)
    return np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
