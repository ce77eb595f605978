import pickle
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sim
from sim.columns import UNKNOWN, Kind, Lists, alike, delivered
from sim.steady import latencies
from sim.tables import Rows, digests, read_frame, table
from sim.trace import TABLES

WORDS = ("remove", "add")
SCHEMA: dict[str, Kind] = {"number": np.int32, "quantity": np.int64, "kind": WORDS, "time": np.float64}
ROWS = st.lists(
    st.tuples(
        st.just(UNKNOWN) | st.integers(0, 2**31 - 1),
        st.integers(-(2**63), 2**63 - 1),
        st.integers(UNKNOWN, len(WORDS) - 1),
        st.sampled_from([np.nan, -np.nan]) | st.floats(0, 1e9),
    )
)


def made(rows: list[tuple[Any, ...]]) -> Rows:
    """Make a table of rows."""
    columns = [*zip(*rows, strict=True)] or [()] * len(SCHEMA)
    return table(SCHEMA, **dict(zip(SCHEMA, columns, strict=True)))


@given(ROWS)
def test_a_table_made_of_arrays_reads_as_these_arrays(rows: list[tuple[Any, ...]]) -> None:
    """What was given and what is read back are the same, and so are their hashes."""
    ours, again = made(rows), read_frame(made(rows).table)
    for name in SCHEMA:
        assert ours[name].dtype == again[name].dtype
        np.testing.assert_array_equal(ours[name], again[name])
    assert digests(ours) == digests(again)


def test_whatever_bits_a_nan_has_its_hash_is_the_same() -> None:
    """That of ∞ − ∞ may have others than nan itself; in a frame, and in what is loaded, both are null."""
    one, other = (np.array([0.5, nan]) for nan in (np.nan, -np.nan))
    assert one.tobytes() != other.tobytes()
    ours, theirs = (table({"time": np.float64}, time=time) for time in (one, other))
    assert digests(ours) == digests(theirs)
    assert ours.table.rows() == theirs.table.rows() == [(0.5,), (None,)]


@given(st.integers(0, 5), st.sampled_from([np.int32(UNKNOWN), np.int32(7)]))
def test_a_column_that_is_kept_once_is_like_one_that_is_laid_out(n: int, value: np.int32) -> None:
    """Read, chosen from, hashed, as a frame, and in another process."""
    once, laid_out = (
        table({"number": np.int32}, number=column) for column in (alike(value, n), np.full(n, value))
    )
    assert once["number"].strides == (0,)
    assert digests(once) == digests(laid_out)
    assert once.table.equals(laid_out.table)
    for chosen in (slice(1, 3), np.arange(n)[::-1].repeat(2)):
        for rows in (once, pickle.loads(pickle.dumps(once))):
            assert rows.only(chosen)["number"].tolist() == laid_out.only(chosen)["number"].tolist()


def test_only_what_never_was_is_null() -> None:
    """−1 is no number and no word, nan no time; but a quantity may be −1."""
    frame = made([(UNKNOWN, -1, UNKNOWN, np.nan), (3, 0, 1, 0.5)]).table
    assert frame.rows() == [(None, -1, None, None), (3, 0, "add", 0.5)]


def test_a_negative_stock_is_shown_as_it_is() -> None:
    """Where changes are added up and one is lost, the read model falls below zero, and queries see it."""
    story = {"reader.apply": "delta", "link.loss": "0.5", "products.stock": "1", "products.count": "1"}
    settings = {"duration": "20s", "warmup": "0s", "workers.add": "0.5", **story}
    trace = sim.run("lost-for-good", settings=settings)
    assert -1 in trace.queries["seen_quantity"]
    assert [frame.null_count().sum_horizontal().item() for frame in (trace.queries, trace.models)] == [0, 0]


@given(st.lists(st.lists(st.floats(0, 1e9), max_size=3), max_size=5))
def test_copies_are_listed_by_their_change(times: list[list[float]]) -> None:
    """Each change has the times of its copies, in the order in which they came; the first is the earliest."""
    change = np.array([row for row, copies in enumerate(times) for _ in copies], np.int64)
    came = delivered(change, np.array([time for copies in times for time in copies]), len(times))
    ours = table({"came": Lists}, came=came)
    earliest = [min(copies) if copies else np.nan for copies in times]
    assert ours.table["came"].to_list() == times
    for rows in (ours, read_frame(ours.table)):
        np.testing.assert_array_equal(rows["came"], earliest)
    assert digests(ours) == digests(read_frame(ours.table))


@pytest.mark.parametrize("name", TABLES)
def test_a_changed_number_changes_the_hash_of_its_column_alone(name: str) -> None:
    """Whatever column of whatever table, the last row's is enough."""
    rows = sim.run("story").tables[name]
    for column in rows.table.columns:
        at_the_end = pl.int_range(pl.len()) == pl.len() - 1
        changed = rows.table.with_columns(pl.when(~at_the_end).then(pl.col(column)))
        if changed.equals(rows.table):  # there was nothing
            continue
        before, after = digests(rows), digests(read_frame(changed))
        assert {key for key in before if before[key] != after[key]} == {column}


@pytest.mark.parametrize("engine", ["trio", "array"])
def test_no_frame_is_made_of_what_is_only_measured(engine: str) -> None:
    """Arrays are enough for whoever checks a run, measures it and hashes it."""
    trace = sim.run("slow-link", settings={"duration": "5s", "warmup": "1s"}, engine=engine)
    sim.check(trace)
    sim.summarise(trace)
    latencies(trace)
    assert not [name for name, rows in trace.tables.items() if "table" in vars(rows)]


def test_a_frame_of_which_a_table_was_made_is_kept() -> None:
    """It is not made again."""
    frame = sim.run("story").changes
    assert read_frame(frame).table is frame


@pytest.mark.parametrize("name", TABLES)
def test_a_copy_elsewhere_makes_its_frame_anew(name: str) -> None:
    """Rows are sent to another process without the frame, which is made of their arrays there."""
    rows = sim.run("story").tables[name]
    sent = pickle.dumps(rows)
    for ours in (rows, read_frame(rows.table)):
        again = pickle.loads(pickle.dumps(ours))
        assert "table" not in vars(again)
        assert (again.table.equals(rows.table), again.table.schema) == (True, rows.table.schema)
        assert digests(again) == digests(rows)
    assert len(pickle.dumps(rows)) == len(sent)
