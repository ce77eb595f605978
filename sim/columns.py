"""Tables: arrays, of which a frame is made when somebody asks for it.

Arrays have no null: where something never was, nan stands for the time and −1
for its number or version, which have 32 bits. Quantities have 64, and are all
there. Words are arrays of their numbers.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
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


def table(schema: Schema, **columns: Sequence[float] | Column) -> "Rows":
    """Make a table of its columns' arrays, or whatever can be made an array; of lists a column of lists."""
    return Rows(schema, {name: _column(columns[name], dtype) for name, dtype in schema.items()})


def read_frame(frame: pl.DataFrame) -> "Rows":
    """Make a table of a frame, and keep that."""
    columns = {
        column.name: _lists(column) if isinstance(column.dtype, pl.List) else _plain(column)
        for column in frame.iter_columns()
    }
    return Rows(frame.schema, columns, frame=frame)


def alike(value: np.generic, rows: int) -> NDArray[Any]:
    """Make a column that has the same value in so many rows, and keeps it once."""
    return np.broadcast_to(value, rows)


def _kept_once(values: NDArray[Any]) -> bool:
    return values.strides == (0,)


def _column(column: Sequence[float] | Column, dtype: pl.DataType) -> Column:
    if isinstance(column, Lists):
        return column
    values = np.asarray(column, _ARRAYS[type(dtype)])
    return values if _kept_once(values) else np.ascontiguousarray(values)


_ARRAYS: dict[type[pl.DataType], type[np.generic]] = {
    pl.Float64: np.float64,
    pl.Int32: np.int32,
    pl.Int64: np.int64,
    pl.Enum: np.int8,
}


def _series(values: Column, dtype: pl.DataType) -> pl.Series:
    """Make a frame's column; it shares its memory with the array where that has no gaps."""
    if isinstance(values, Lists):
        return _series_of_lists(values)
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


def _plain(column: pl.Series) -> NDArray[Any]:
    """Make an array of a column: of times, with nan where there is none; of numbers and words', with −1."""
    if isinstance(column.dtype, pl.Float64):
        return _without_gaps(column, math.nan).to_numpy()
    if isinstance(column.dtype, pl.Enum):  # fewer than 256 words have eight bits, in which 255 is −1
        return _without_gaps(column.to_physical(), 255).to_numpy().view(np.int8)
    return _without_gaps(column, UNKNOWN).to_numpy()


def _lists(column: pl.Series) -> Lists:
    """Read a column of lists."""
    many = _plain(column.list.len().cast(pl.Int32))
    some = column if many.all() else column.filter(many > 0)
    return Lists(many, _plain(some.explode()))


def _without_gaps(column: pl.Series, filling: float) -> pl.Series:
    return column.set(column.is_null(), filling) if column.null_count() else column


@frozen(slots=False, eq=False)
class Rows:
    """Some rows of a table; a column is asked for by its name, and comes as an array.

    Of a column of lists that is the earliest of each; `listed` has them all.
    """

    schema: Schema = field(repr=False)
    columns: Mapping[str, Column] = field(repr=False)  # of the whole table
    chosen: slice | Ints = slice(None)
    frame: pl.DataFrame | None = field(default=None, repr=False)  # of which the table was made, if it was

    @cached_property
    def table(self) -> pl.DataFrame:
        """The whole table as a frame, made when it is first asked for."""
        if self.frame is not None:
            return self.frame
        return pl.DataFrame(
            [_series(self.columns[name], dtype).alias(name) for name, dtype in self.schema.items()]
        )

    def __len__(self) -> int:
        if not isinstance(self.chosen, slice):
            return len(self.chosen)
        first = next(iter(self.columns.values()))
        return len(range(len(first))[self.chosen])

    def __getitem__(self, name: str) -> NDArray[Any]:
        column = self.columns[name]
        values = column.earliest() if isinstance(column, Lists) else column
        if isinstance(self.chosen, slice):
            return values[self.chosen]
        if _kept_once(values):  # to take from it would make an array of it all first
            return values[:1].repeat(len(self.chosen))
        return values.take(self.chosen)

    def listed(self, name: str) -> Lists:
        """Give a column of lists of the whole table."""
        column = self.columns[name]
        assert isinstance(column, Lists)
        return column

    def only(self, chosen: slice | Ints) -> "Rows":
        """Choose some of all the table's rows."""
        return Rows(self.schema, self.columns, chosen, self.frame)

    def __reduce__(self) -> tuple[Any, ...]:
        """Send no more to another process than what cannot be made there."""
        return Rows, (self.schema, self.columns, self.chosen)


def digests(rows: Rows) -> dict[str, str]:
    """Give the XXH3 hash of each column of a whole table, which is the same on every machine."""
    return {name: _digest(column) for name, column in rows.columns.items()}


def _digest(column: Column) -> str:
    """Hash all that a column holds; of lists also how long each is."""
    digest = xxh3_128()
    for values in [column.many, column.times] if isinstance(column, Lists) else [column]:
        little_endian: Any = np.ascontiguousarray(_with_one_nan(values), values.dtype.newbyteorder("<"))
        digest.update(little_endian)
    return digest.hexdigest()


def _with_one_nan(values: NDArray[Any]) -> NDArray[Any]:
    """Give every nan the same bits, for that of ∞ − ∞, say, has others than math.nan."""
    if values.dtype == np.float64 and np.isnan(values.max(initial=0.0)):
        return np.where(np.isnan(values), math.nan, values)
    return values
