"""Tables: made of arrays, and read as arrays.

Arrays have no null: where something never was, nan stands for the time and −1
for its number or version, which have 32 bits. Quantities have 64, and are all
there. Words are arrays of their numbers.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
import polars as pl
from attrs import field, frozen
from numpy.typing import NDArray
from xxhash import xxh3_128

from sim.distributions import Floats, Ints

UNKNOWN = -1  # a number that has not come

Schema = Mapping[str, pl.DataType]


@frozen(eq=False)
class Lists:
    """A column of lists of times: how `many` there are in each row, and all of them, row by row."""

    many: Ints
    times: Floats

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


def table(schema: Schema, **columns: "Sequence[float] | NDArray[Any] | Lists") -> "Rows":
    """Make a table of its columns' arrays, or whatever can be made an array; of lists a column of lists."""
    known: dict[str, NDArray[Any]] = {}
    lists: dict[str, Lists] = {}
    made: dict[tuple[int, pl.DataType], pl.Series] = {}  # an array that is there twice is looked through once
    for name, dtype in schema.items():
        column = columns[name]
        same = id(column), dtype
        if isinstance(column, Lists):
            lists[name] = column
            made[same] = _series_of_lists(column)
            continue
        values = np.asarray(column).astype(_ARRAYS[type(dtype)], copy=False)
        if same not in made:
            made[same] = _series(values, dtype)
        if dtype != pl.Float64:  # there are many nans, and what is loaded has but one
            known[name] = values
    frame = pl.DataFrame([made[id(columns[name]), dtype].alias(name) for name, dtype in schema.items()])
    return Rows(frame, known=known, lists=lists)


_ARRAYS: dict[type[pl.DataType], type[np.generic]] = {
    pl.Float64: np.float64,
    pl.Int32: np.int32,
    pl.Int64: np.int64,
    pl.Enum: np.int8,
}


def _series(values: NDArray[Any], dtype: pl.DataType) -> pl.Series:
    """Make a column; it shares its memory with the array where that has no gaps."""
    if isinstance(dtype, pl.Enum):
        return _words(values, tuple(dtype.categories))
    column = pl.Series(values, nan_to_null=True)
    if dtype == pl.Int32 and values.min(initial=0) == UNKNOWN:
        return column.set(pl.Series(values == UNKNOWN), None)
    return column


def _words(numbers: Ints, words: tuple[str, ...]) -> pl.Series:
    """Make a column of fewer than 256 words from their numbers, eight bits each, of which 255 is −1."""
    places = numbers.view(np.uint8)
    if places.max(initial=0) < len(words):
        return _dictionary(words)[places]
    return _dictionary((*words, None))[np.minimum(places, len(words))]


@cache
def _dictionary(words: tuple[str | None, ...]) -> pl.Series:
    return pl.Series(words, dtype=pl.Enum([word for word in words if word is not None]))


def _series_of_lists(lists: Lists) -> pl.Series:
    """Make a column of lists."""
    if lists.alone():
        return pl.Series(lists.times).reshape((-1, 1)).arr.to_list()
    row = np.arange(len(lists.many))
    times = pl.DataFrame({"row": np.repeat(row, lists.many), "time": lists.times})
    some = times.group_by("row", maintain_order=True).agg("time")
    rows = pl.DataFrame({"row": row}).join(some, on="row", how="left", maintain_order="left")
    return rows.select(pl.col("time").fill_null(pl.lit([], dtype=pl.List(pl.Float64)))).to_series()


def delivered(change: Ints, time: Floats, n: int) -> Lists:
    """List by each of n changes the times at which its copies came out, in the order in which they did."""
    many = np.bincount(change, minlength=n).astype(np.int32)
    if len(change) == n and np.all(many == 1):
        times = np.empty(n)
        times[change] = time
        return Lists(many, times)
    return Lists(many, time.take(np.argsort(change, kind="stable")))


def parquet(table: pl.DataFrame) -> bytes:
    """Give a table as Parquet, to be written by whoever can tell a full disk from a broken table."""
    file = BytesIO()
    table.write_parquet(file)
    return file.getvalue()


def plain(column: pl.Series) -> NDArray[Any]:
    """Make an array of a column: of times, with nan where there is none; of numbers and words', with −1."""
    if isinstance(column.dtype, pl.Float64):
        return _without_gaps(column, math.nan).to_numpy()
    if isinstance(column.dtype, pl.Enum):  # fewer than 256 words have eight bits, in which 255 is −1
        return _without_gaps(column.to_physical(), 255).to_numpy().view(np.int8)
    return _without_gaps(column, UNKNOWN).to_numpy()


def _lists(column: pl.Series) -> Lists:
    """Read a column of lists."""
    many = plain(column.list.len().cast(pl.Int32))
    some = column if many.all() else column.filter(many > 0)
    return Lists(many, plain(some.explode()))


def _without_gaps(column: pl.Series, filling: float) -> pl.Series:
    return column.set(column.is_null(), filling) if column.null_count() else column


@frozen(eq=False)
class Rows:
    """Some rows of a table; a column is asked for by its name, and comes as an array.

    Of a column of lists that is the earliest of each; `listed` has them all.
    """

    table: pl.DataFrame
    chosen: slice | Ints = slice(None)
    known: dict[str, NDArray[Any]] = field(factory=dict, repr=False)  # of the whole table
    lists: dict[str, Lists] = field(factory=dict, repr=False)  # … too

    def __len__(self) -> int:
        if isinstance(self.chosen, slice):
            return len(range(*self.chosen.indices(len(self.table))))
        return len(self.chosen)

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self.known:
            series = self.table[name]
            lists = isinstance(series.dtype, pl.List)
            self.known[name] = self.listed(name).earliest() if lists else plain(series)
        column = self.known[name]
        return column[self.chosen] if isinstance(self.chosen, slice) else column.take(self.chosen)

    def listed(self, name: str) -> Lists:
        """Give a column of lists of the whole table."""
        if name not in self.lists:
            self.lists[name] = _lists(self.table[name])
        return self.lists[name]

    def only(self, chosen: slice | Ints) -> "Rows":
        """Choose some of all the table's rows."""
        return Rows(self.table, chosen, self.known, self.lists)

    def __reduce__(self) -> tuple[Any, ...]:
        """Send no more to another process than what cannot be made there."""
        return Rows, (self.table, self.chosen)


def digests(rows: Rows) -> dict[str, str]:
    """Give the XXH3 hash of each column of a whole table, which is the same on every machine."""
    return {column.name: _digest(*_arrays(column, rows)) for column in rows.table.iter_columns()}


def _arrays(column: pl.Series, rows: Rows) -> list[NDArray[Any]]:
    """Give all that a column holds; of lists also how long each is."""
    if not isinstance(column.dtype, pl.List):
        return [rows[column.name]]
    lists = rows.listed(column.name)
    return [lists.many, lists.times]


def _digest(*arrays: NDArray[Any]) -> str:
    digest = xxh3_128()
    for values in arrays:
        little_endian: Any = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
        digest.update(little_endian)
    return digest.hexdigest()
