import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.wording import count, did_you_mean, readable, significant, time_unit, unknown


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (1.0, "1 s"),
        (1.5, "1.5 s"),
        (90.0, "90 s"),
        (86400.0, "86,400 s"),
        (0.024, "24 ms"),
        (0.0234567, "23.5 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1 s"),
        (0.0009996, "1 ms"),
        (2.5e-6, "2.5 µs"),
        (3e-9, "3 ns"),
        (3e-12, "0.003 ns"),
        (-0.5, "-500 ms"),
        (math.inf, "inf s"),
        (math.nan, "–"),
    ],
)
def test_seconds_are_written_in_the_unit_in_which_one_would_say_them(seconds: float, text: str) -> None:
    """Three digits, the unit that keeps the number between 1 and 1000, and a dash for what is unknown."""
    assert readable(seconds) == text


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        (0, 3, "0"),
        (12040, 3, "12,040"),
        (9.996, 3, "10"),
        (0.012345, 3, "0.0123"),
        (1.0, 3, "1"),
        (100.0, 3, "100"),
        (63.44, 3, "63.4"),
        (63.44, 2, "63"),
        (-1.25, 2, "-1.2"),
        (1e-9, 2, "0.000000001"),
        (math.inf, 3, "inf"),
    ],
)
def test_a_number_keeps_its_significant_digits(number: float, digits: int, text: str) -> None:
    """No exponent, no zeros that say nothing, and whole thousands are never rounded away."""
    assert significant(number, digits) == text


@given(st.floats(1e-6, 1e6), st.integers(1, 8))
def test_the_written_number_is_near_the_number(number: float, digits: int) -> None:
    """What is written differs by at most half a unit of the last digit kept."""
    written = float(significant(number, digits).replace(",", ""))
    last = 10.0 ** min(0, math.floor(math.log10(number)) - digits + 1)
    assert abs(written - number) <= 0.5 * last * (1 + 1e-9)


@pytest.mark.parametrize(
    ("seconds", "unit"),
    [(2.0, (1.0, "s")), (0.002, (1e-3, "ms")), (2e-6, (1e-6, "µs")), (2e-9, (1e-9, "ns")), (0, (1.0, "s"))],
)
def test_a_time_has_its_unit(seconds: float, unit: tuple[float, str]) -> None:
    """The unit is given by its size in seconds and by its name."""
    assert time_unit(seconds) == unit


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 problems"), (1, "1 problem"), (2, "2 problems"), (2688, "2,688 problems")]
)
def test_things_are_counted_in_the_singular_and_in_the_plural(number: int, text: str) -> None:
    """One problem, and any other number of problems."""
    assert count(number, "problem") == text


@pytest.mark.parametrize(
    ("name", "offer"),
    [
        ("warmpu", " (did you mean 'warmup'?)"),
        ("Seed", " (did you mean 'seed'?)"),
        ("xyz", ""),
        ("", ""),
        (7, ""),
    ],
)
def test_the_nearest_name_is_offered_where_one_is_near(name: object, offer: str) -> None:
    """A slip of a letter or two is recognised, and nothing is offered for what is like no name."""
    assert did_you_mean(name, ["seed", "warmup"]) == offer


def test_what_is_unknown_is_named_with_what_is_known() -> None:
    """The message says what was written, what was perhaps meant, and all that there is."""
    assert unknown("order", "fido", iter(["fifo", "serial"])) == (
        "unknown order 'fido' (did you mean 'fifo'?); known: fifo, serial"
    )
