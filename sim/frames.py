"""Frames: what columns are to polars, and back.

polars takes a tenth of a second to import. Who only plays and measures makes no
frame, so this module is imported where one is made.
"""

import math
from collections.abc import Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sim.columns import UNKNOWN, Column, Kind, Lists
from sim.distributions import Ints


def make_frame(columns: Mapping[str, Column], kinds: Mapping[str, Kind]) -> pl.DataFrame:
    """Make a frame; it shares its memory with the arrays where these have no gaps."""
    return pl.DataFrame([_series(columns[name], kind).alias(name) for name, kind in kinds.items()])


def read_columns(frame: pl.DataFrame) -> tuple[dict[str, Column], dict[str, Kind]]:
    """Give the columns of a frame, and of what kind each is."""
    columns = {
        column.name: _lists(column) if isinstance(column.dtype, pl.List) else _plain(column)
        for column in frame.iter_columns()
    }
    return columns, {name: _kind(columns[name], dtype) for name, dtype in frame.schema.items()}


def parquet(table: pl.DataFrame) -> bytes:
    """Give a table as Parquet, to be written by whoever can tell a full disk from a broken table."""
    file = BytesIO()
    table.write_parquet(file)
    return file.getvalue()


def read_parquet(file: Path) -> pl.DataFrame:
    """Read a table that is kept as Parquet; OSError or ValueError if that cannot be done."""
    try:
        return pl.read_parquet(file)
    except pl.exceptions.PolarsError as error:
        raise ValueError(str(error)) from None


def _kind(column: Column, dtype: pl.DataType) -> Kind:
    if isinstance(column, Lists):
        return Lists
    return tuple(dtype.categories) if isinstance(dtype, pl.Enum) else column.dtype.type


def _series(values: Column, kind: Kind) -> pl.Series:
    if isinstance(values, Lists):
        return _series_of_lists(values)
    if isinstance(kind, tuple):
        return _words(values, kind)
    column = pl.Series(values, nan_to_null=True)
    if kind is np.int32 and values.min(initial=0) == UNKNOWN:
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
