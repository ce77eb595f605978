"""A run told line by line: commands, answers, changes applied, queries, answers."""

import time
from collections.abc import Iterator

import polars as pl
from attrs import frozen

from sim.trace import Trace
from sim.wording import count


@frozen(order=True)
class Line:
    """One thing that happened; of two at one instant, the one with the lower rank is told first."""

    at: float
    rank: int
    row: int
    who: str
    text: str

    def __str__(self) -> str:
        return f"{self.at:9.3f} s   {self.who:<12}  {self.text}"


def tell(trace: Trace) -> list[Line]:
    """Tell everything that happened in a run, in the order of time."""
    return sorted((*_commands(trace), *_changes(trace), *_queries(trace)))


def in_real_time(lines: list[Line]) -> Iterator[Line]:
    """Give each line when its virtual time has come in real time."""
    began = time.monotonic()
    for line in lines:
        time.sleep(max(0.0, began + line.at - time.monotonic()))
        yield line


def _commands(trace: Trace) -> Iterator[Line]:
    held = trace.changes.select(id="command", held="quantity_after")
    for row in trace.commands.join(held, on="id", how="left").iter_rows(named=True):
        way = "to" if row["kind"] == "add" else "from"
        wish = f"{row['kind']} {row['quantity']} {way} product {row['product']}"
        yield Line(row["issued"], 0, row["id"], "command", wish)
        if row["finished"] is not None:
            done = (
                f"accepted: the write model says {row['held']}" if row["held"] is not None else row["reason"]
            )
            yield Line(row["finished"], 1, row["id"], "  answer", done)


def _changes(trace: Trace) -> Iterator[Line]:
    for number, row in enumerate(trace.changes.drop_nulls("visible").iter_rows(named=True)):
        late = row["visible"] - row["committed"]
        text = f"product {row['product']} is now {row['quantity_after']} in the read model, {late:.3f} s late"
        yield Line(row["visible"], 2, number, "applied", text)


def _queries(trace: Trace) -> Iterator[Line]:
    committed = trace.changes.select("product", "committed", newest="version")
    for number, row in enumerate(trace.queries.iter_rows(named=True)):
        yield Line(row["asked"], 3, 2 * number, "query", f"how many of product {row['product']}?")
        answer = f"the read model says {row['seen_quantity']}"
        before = committed.filter(
            (pl.col("product") == row["product"]) & (pl.col("committed") < row["asked"])
        )
        missed = len(before.filter(pl.col("newest") > row["seen_version"]))
        stale = f" ({count(missed, 'change')} behind)" if missed else ""
        yield Line(row["answered"], 3, 2 * number + 1, "  answer", answer + stale)
