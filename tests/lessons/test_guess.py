import pytest

from sim.lessons import predict
from sim.lessons.amount import Typed


@pytest.mark.parametrize(
    ("typed", "measured", "said"),
    [
        (6, 10, "You said 6, and it is 10: 4 too low."),
        (6, 6, "You said 6, and it is 6: exactly that."),
        ("6", 0, "You said 6, and it is 0: 6 too high."),
        (0.1, 0.0997, "You said 0.1, and it is 0.0997: 0.0003 too high, which is as good as exact."),
        ("30%", 0.24, "You said 30%, and it is 24%: 6 percentage points too high."),
        ("250ms", 0.3, "You said 250 ms, and it is 300 ms: 50 ms too low."),
        (
            "100ms",
            0.005,
            "You said 100 ms, and it is 5 ms: too high by a factor of 20. That is what a guess is for.",
        ),
        (
            "1%",
            0.09,
            "You said 1%, and it is 9%: too low by a factor of 9. That is what a guess is for.",
        ),
        (0, 0.3, "You said 0, and it is 0.3: 0.3 too low."),
    ],
)
def test_a_guess_is_told_how_far_off_it_was(typed: Typed, measured: float, said: str) -> None:
    """In the unit in which it was typed, and a notebook shows it without quotes."""
    assert repr(predict(typed).against(measured)) == said


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("many", '\'many\' is not a duration: write "250ms", "1.5s" or "2min"'),
        ("3 0", "'3 0' is not a number"),
        ("120%", r"a share lies between 0 and 1 \(\"0%\" and \"100%\"\): '120%'"),
        (float("nan"), "nan is not a number that can be measured"),
    ],
)
def test_what_is_no_number_cannot_be_a_guess(typed: Typed, why: str) -> None:
    """It says what would do."""
    with pytest.raises(ValueError, match=why):
        predict(typed)
