import contextlib
import math
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.durations import (
    duration_text,
    parse_duration,
    parse_rate,
    parse_share,
    percent_text,
    rate_text,
)

LARGEST = sys.float_info.max


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("1.5s", 1.5),
        ("2min", 120.0),
        ("1h", 3600.0),
        ("1d", 86400.0),
        ("3us", 3e-6),
        ("3µs", 3e-6),  # the micro sign
        ("3μs", 3e-6),  # the Greek letter
        ("7ns", 7e-9),
        ("0s", 0.0),
        (" 20 ms ", 0.02),
        (".5s", 0.5),
        ("5.s", 5.0),
        ("+1e3ms", 1.0),
        ("1e-3s", 0.001),
    ],
)
def test_a_duration_is_a_number_with_a_unit(text: str, seconds: float) -> None:
    """The float is the one nearest to what is written, as in 0.1 ms == 1e-4."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (30, 'a duration needs a unit: write "30ms" or "30s"'),
        (1.5, 'a duration needs a unit: write "1.5ms" or "1.5s"'),
        ("250", 'a duration needs a unit: write "250ms" or "250s"'),
        (" 250 ", 'a duration needs a unit: write "250ms" or "250s"'),
        (
            "2m",
            "unknown unit 'm' (did you mean 'ms'?); known: ns, us, ms, s, min, h, d",
        ),
        ("2 fortnights", "unknown unit 'fortnights'; known: ns, us, ms, s, min, h, d"),
        ("20MS", "unknown unit 'MS'; known: ns, us, ms, s, min, h, d"),
        ("-20ms", "a duration cannot be negative: '-20ms'"),
        ("-1e400s", "a duration cannot be negative: '-1e400s'"),
        ("1e400s", "a duration must be finite, and '1e400s' is too long"),
        (
            "1e99999999999999999999s",
            "a duration must be finite, and '1e99999999999999999999s' is too long",
        ),
        ("", '\'\' is not a duration: write "250ms", "1.5s" or "2min"'),
        ("soon", '\'soon\' is not a duration: write "250ms", "1.5s" or "2min"'),
        ("1min 30s", '\'1min 30s\' is not a duration: write "250ms", "1.5s" or "2min"'),
        ("20ms)", '\'20ms)\' is not a duration: write "250ms", "1.5s" or "2min"'),
        ("1,5s", '\'1,5s\' is not a duration: write "250ms", "1.5s" or "2min"'),
        ("nan s", '\'nan s\' is not a duration: write "250ms", "1.5s" or "2min"'),
        (True, 'True is not a duration: write "250ms", "1.5s" or "2min"'),
        (math.inf, 'inf is not a duration: write "250ms", "1.5s" or "2min"'),
        (["20ms"], '[\'20ms\'] is not a duration: write "250ms", "1.5s" or "2min"'),
    ],
)
def test_what_is_no_duration_is_refused_with_what_would_do(text: object, message: str) -> None:
    """The message shows what was written and how to write it."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_duration(text)


@given(st.floats(0, LARGEST))
def test_every_duration_is_read_as_it_was_written(seconds: float) -> None:
    """From a float to text and back is the same float, to the last bit."""
    assert parse_duration(duration_text(seconds)) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0s"),
        (0.25, "250ms"),
        (1.5, "1.5s"),
        (120.0, "2min"),
        (90.0, "90s"),
        (7200.0, "2h"),
        (86400.0, "1d"),
        (0.1, "100ms"),
        (3e-6, "3us"),
        (1.5e-9, "1.5ns"),
        (1e-12, "0.000000000001s"),
    ],
)
def test_a_duration_is_written_as_a_person_would(seconds: float, text: str) -> None:
    """Whole days, hours and minutes as such, and otherwise the largest unit that it fills."""
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("text", "rate"),
    [("300/s", 300.0), ("30/min", 0.5), ("60 / h", 1 / 60), ("2/ms", 2000.0), ("1e3/s", 1000.0)],
)
def test_a_rate_is_a_number_per_unit_of_time(text: str, rate: float) -> None:
    """Whatever the unit, the rate is per second."""
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (300, '300 is not a rate: write "300/s" or "10/min"'),
        ("300", '\'300\' is not a rate: write "300/s" or "10/min"'),
        ("300Hz", '\'300Hz\' is not a rate: write "300/s" or "10/min"'),
        ("/s", '\'/s\' is not a rate: write "300/s" or "10/min"'),
        (None, 'None is not a rate: write "300/s" or "10/min"'),
        ("0/s", "a rate must be more than 0: '0/s'"),
        ("-3/s", "a rate must be more than 0: '-3/s'"),
        ("1e-400/s", "a rate must be more than 0: '1e-400/s'"),
        ("1e400/s", "a rate must be finite, and '1e400/s' is too high"),
        ("3/sec", "unknown unit 'sec' (did you mean 's'?); known: ns, us, ms, s, min, h, d"),
    ],
)
def test_what_is_no_rate_is_refused_with_what_would_do(text: object, message: str) -> None:
    """The message shows what was written and how to write it."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_rate(text)


@given(st.floats(0, LARGEST, exclude_min=True))
def test_every_rate_is_read_as_it_was_written(rate: float) -> None:
    """From a float to text and back is the same float, to the last bit."""
    assert parse_rate(rate_text(rate)) == rate


@pytest.mark.parametrize(
    ("value", "share"),
    [(0, 0.0), (1, 1.0), (0.1, 0.1), ("10%", 0.1), (" 6.1 % ", 0.061), ("0%", 0.0), ("100%", 1.0)],
)
def test_a_share_is_a_number_or_a_percentage(value: object, share: float) -> None:
    """Both ways of writing it mean a number from 0 to 1."""
    assert parse_share(value) == share


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1.5, 'a share lies between 0 and 1 ("0%" and "100%"): 1.5'),
        (10, 'a share lies between 0 and 1 ("0%" and "100%"): 10'),
        (-0.1, 'a share lies between 0 and 1 ("0%" and "100%"): -0.1'),
        (math.nan, 'a share lies between 0 and 1 ("0%" and "100%"): nan'),
        ("101%", "a share lies between 0 and 1 (\"0%\" and \"100%\"): '101%'"),
        ("1e999999999999999999999%", "a share lies between 0 and 1 (\"0%\" and \"100%\"): "
         "'1e999999999999999999999%'"),
        ("0.1", "'0.1' is not a share: write 0.1 or \"10%\""),
        ("half", "'half' is not a share: write 0.1 or \"10%\""),
        (True, 'True is not a share: write 0.1 or "10%"'),
        (None, 'None is not a share: write 0.1 or "10%"'),
    ],
)  # fmt: skip
def test_what_is_no_share_is_refused_with_what_would_do(value: object, message: str) -> None:
    """The message shows what was written and how to write it."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_share(value)


@given(st.floats(0, 1))
def test_every_share_is_read_as_it_was_written(share: float) -> None:
    """From a float to a percentage and back is the same float, to the last bit."""
    assert parse_share(percent_text(share)) == share


@pytest.mark.parametrize(("share", "text"), [(0.061, "6.1%"), (1.0, "100%"), (0.0, "0%"), (0.939, "93.9%")])
def test_a_share_is_written_without_needless_digits(share: float, text: str) -> None:
    """A percentage from a file comes back as it stood there."""
    assert percent_text(share) == text


@given(st.text(max_size=12) | st.integers() | st.floats() | st.none() | st.lists(st.integers()))
def test_nothing_but_a_value_error_comes_of_nonsense(value: object) -> None:
    """Whatever is handed in is read as a number that is finite and not negative, or refused."""
    for parse in (parse_duration, parse_rate, parse_share):
        with contextlib.suppress(ValueError):
            assert 0 <= parse(value) < math.inf
