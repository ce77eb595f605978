"""Tables: columns by their names, of which a frame is made when somebody asks for it."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen
from numpy.typing import NDArray

from sim.columns import Column, Kind, Lists, digest, kept_once, make_column
from sim.distributions import Ints

if TYPE_CHECKING:
    import polars as pl

Schema = Mapping[str, Kind]


def table(schema: Schema, **columns: Sequence[float] | Column) -> "Rows":
    """Make a table of its columns' arrays, or whatever can be made an array; of lists a column of lists."""
    return Rows(schema, {name: make_column(columns[name], kind) for name, kind in schema.items()})


def read_frame(frame: "pl.DataFrame") -> "Rows":
    """Make a table of a frame, and keep that."""
    from sim.frames import read_columns

    columns, kinds = read_columns(frame)
    return Rows(kinds, columns, frame=frame)


def write_table(rows: "Rows", file: Path) -> None:
    """Write a whole table as Parquet; or raise OSError."""
    from sim.frames import parquet

    file.write_bytes(parquet(rows.table))


def read_table(file: Path) -> "Rows":
    """Read a table that `write_table` wrote; OSError or ValueError if that cannot be done."""
    from sim.frames import read_parquet

    return read_frame(read_parquet(file))


@frozen(slots=False, eq=False)
class Rows:
    """Some rows of a table; a column is asked for by its name, and comes as an array.

    Of a column of lists that is the earliest of each; `listed` has them all.
    """

    schema: Schema = field(repr=False)
    columns: Mapping[str, Column] = field(repr=False)  # of the whole table
    chosen: slice | Ints = slice(None)
    frame: "pl.DataFrame | None" = field(default=None, repr=False)  # of which the table was made, if it was

    @cached_property
    def table(self) -> "pl.DataFrame":
        """The whole table as a frame, made when it is first asked for."""
        if self.frame is not None:
            return self.frame
        from sim.frames import make_frame

        return make_frame(self.columns, self.schema)

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
        if kept_once(values):  # to take from it would make an array of it all first
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
    return {name: digest(column) for name, column in rows.columns.items()}
