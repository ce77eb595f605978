from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sim
from sim.durations import parse_duration, parse_rate
from sim.grid import Axis, BadGrid, lay_out, make_axis, number_at, parse_axis, spread


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("5ms", ["5ms"]),
        ("1ms..10ms", ["1ms", "2ms", "4ms", "8ms"]),
        ("250ms..1s", ["250ms", "500ms", "1000ms"]),
        ("10..50/10", ["10", "20", "30", "40", "50"]),
        ("0ms..20ms/10ms", ["0ms", "10ms", "20ms"]),
        ("0s..1s/250ms", ["0ms", "250ms", "500ms", "750ms", "1000ms"]),
        ("0..1/0.25", ["0", "0.25", "0.5", "0.75", "1"]),
        ("10/min..1/s/20/min", ["10/min", "30/min", "50/min"]),
        ("1%..4%", ["1%", "2%", "4%"]),
        ("poisson(10/s..40/s)", ["poisson(10/s)", "poisson(20/s)", "poisson(40/s)"]),
        ("lognormal(p50=1ms..2ms, p99=1s)", ["lognormal(p50=1ms, p99=1s)", "lognormal(p50=2ms, p99=1s)"]),
        ("3..3", ["3"]),
    ],
)
def test_a_range_is_written_out(text: str, values: list[str]) -> None:
    """It doubles, or goes in steps; the end counts if it is met; the smallest unit is that of all."""
    assert spread(text) == values


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1ms..", "'1ms..' is no range: write 1ms..1s, or 10ms..100ms/10ms for equal steps"),
        ("1..2..3", "'1..2..3' is no range"),
        ("0ms..1s", "0ms..1s cannot double from there: say by which steps"),
        ("-4..1", "-4..1 cannot double from there"),
        ("2s..1s", "2s..1s begins above its end"),
        ("1..2/0", "1..2/0 needs a step of more than 0"),
        ("1s..2", "1s..2: both ends and the step need a unit of one kind"),
        ("1s..2s/1", "1s..2s/1: both ends and the step need a unit of one kind"),
        ("1s..2/s", "both ends and the step need a unit of one kind"),
        ("1sec..2sec", "unknown unit 'sec' (did you mean 's'?)"),
        ("1..1001/1", "1..1001/1 makes more than 1,000 values"),
        ("1..1e999", "1e999 is too extreme a number"),
    ],
)
def test_what_is_no_range_is_refused(text: str, message: str) -> None:
    """With what would do."""
    with pytest.raises(BadGrid) as refused:
        spread(text)
    assert message in str(refused.value)


@given(first=st.integers(1, 10**6), last=st.integers(1, 10**9))
def test_a_range_doubles_up_to_its_end(first: int, last: int) -> None:
    """Each value is twice the one before, and one more would be beyond the end."""
    if first > last:
        return
    seconds = [parse_duration(value) for value in spread(f"{first}us..{last}us")]
    assert seconds == [pytest.approx(first * 1e-6 * 2**k) for k in range(len(seconds))]
    assert first * 2 ** (len(seconds) - 1) <= last < first * 2 ** len(seconds)


@given(
    first=st.decimals(0, 100, places=3), step=st.decimals("0.001", 10, places=3), steps=st.integers(0, 999)
)
def test_a_range_of_steps_meets_its_end(first: object, step: object, steps: int) -> None:
    """N steps from the beginning make n + 1 values, exactly: no step is lost by rounding."""
    from decimal import Decimal

    last = Decimal(str(first)) + steps * Decimal(str(step))
    values = spread(f"{first}..{last}/{step}")
    assert len(values) == steps + 1
    assert Decimal(values[-1]) == last


def test_commas_within_brackets_and_quotes_belong_to_a_value() -> None:
    """Spaces around a value do not."""
    text = """link.delay=10ms, lognormal(p50=20ms, p99=200ms),empirical("a,b.csv")"""
    values = ("10ms", "lognormal(p50=20ms, p99=200ms)", 'empirical("a,b.csv")')
    assert parse_axis(text) == Axis("link.delay", values)


def test_values_may_be_numbers_in_python() -> None:
    """They are what would be written, and a text among them may be a range."""
    assert make_axis("workers.count", [1, 5, "10..20"]) == Axis("workers.count", ("1", "5", "10", "20"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("link.delay", "--vary takes a key and its values: --vary link.delay=10ms,50ms, not 'link.delay'"),
        ("=5ms", "--vary takes a key and its values"),
        ("link.delay= ", "--vary takes a key and its values"),
        ("link.delay=5ms,,7ms", "link.delay: a value is missing"),
        ("link.delay=5ms,7ms,5ms", "link.delay: 5ms is there twice"),
        ("link.delay=5s..1s", "link.delay: 5s..1s begins above its end"),
        ("replications=1,2", "replications is nothing that a run depends on"),
    ],
)
def test_a_bad_axis_is_refused(text: str, message: str) -> None:
    """With its key, and what would do."""
    with pytest.raises(BadGrid) as refused:
        parse_axis(text)
    assert message in str(refused.value)


def test_the_last_axis_varies_fastest_and_all_cells_share_the_rest() -> None:
    """Each cell is the scenario with its own values set: the same seed, so the same luck."""
    axes = [make_axis("link.order", "fifo,serial"), make_axis("link.delay", "10ms,50ms")]
    grid = lay_out("saturation", axes, {"seed": "5"})
    assert [str(cell) for cell in grid.cells] == [
        "link.order=fifo link.delay=10ms",
        "link.order=fifo link.delay=50ms",
        "link.order=serial link.delay=10ms",
        "link.order=serial link.delay=50ms",
    ]
    assert [cell.numbers for cell in grid.cells] == [(None, 0.01), (None, 0.05)] * 2
    settings = {"seed": "5", "link.order": "serial", "link.delay": "10ms"}
    assert grid.cells[2].scenario == sim.load_scenario("saturation", settings)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ([], "nothing varies"),
        (["link.delay=1ms", "link.delay=2ms"], "link.delay is varied, and varied once more"),
        (["seed=1,2"], "seed is varied, and set once more"),
        (["workers.count=1..1000/1", "products.count=1..101/1"], "that makes 101,000 cells"),
    ],
)
def test_axes_that_make_no_grid_are_refused(axes: Sequence[str], message: str) -> None:
    """Before anything is read."""
    with pytest.raises(BadGrid) as refused:
        lay_out("saturation", [parse_axis(axis) for axis in axes], {"seed": "5"})
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("key", "value", "number"),
    [
        ("link.delay", "50ms", 0.05),
        ("link.delay", "exponential(20ms)", 0.02),
        ("workers.pace", "poisson(90/min)", parse_rate("90/min")),
        ("workers.order desks.pace", "constant(5/s)", 5.0),
        ("workers.count", "7", 7.0),
        ("workers.add", "10%", 0.1),
        ("workers.quantity", "integers(1, 4)", None),
        ("inbox.capacity", "20", 20.0),
        ("reader.poll", "1s", 1.0),
        ("reader.poll", "none", None),
        ("link.order", "serial", None),
        ("writer.outbox", "true", None),
    ],
)
def test_a_value_as_a_number_is_in_si_units(key: str, value: str, number: float | None) -> None:
    """Of a distribution its mean, of a pace its rate; what is no number has none."""
    assert number_at(sim.load_scenario("saturation", {key: value}), key) == number
