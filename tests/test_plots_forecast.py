import numpy as np
import pytest

from sim.plots import predicted
from tests import figures
from tests.figures import flaws, points, said, texts
from tests.test_forecast import known_forecast, nothing_seen

dejavu = figures.dejavu


def test_both_curves_and_the_gap_are_drawn() -> None:
    """The gap is predicted less measured, in points; the subtitle says how far off that is."""
    found = known_forecast()
    figure = predicted(found)
    upper, lower = figure.axes
    one, other = (np.array(points(upper, name)[1]) for name in ("measured", "predicted"))
    assert points(lower, "gap")[1] == pytest.approx(100 * (other - one))
    shown = [text.get_text() for text in texts(figure)]
    assert any(f"{100 * found.error:.2g}% root mean square error" in words for words in shown)
    assert upper.get_xlim() == lower.get_xlim()


@pytest.mark.parametrize("delay", ["uniform(10ms, 30ms)", "100ms", "exponential(1s)"])
def test_no_label_is_cut_or_stands_on_another(delay: str) -> None:
    """Both names stand beside their curves, however steep those are."""
    figure = predicted(known_forecast(delay))
    assert flaws(figure) == []
    assert {"measured", "predicted"} <= {text.get_text() for text in texts(figure)}


def test_nothing_seen_is_said() -> None:
    """There are no curves to draw."""
    assert "nothing that could be seen" in said(predicted(nothing_seen()))
