import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from sim.metrics import Estimate
from sim.plots import Side, heatmap
from sim.plots.canvas import INK, figure_of
from tests import figures
from tests.figures import points, ticks, words

dejavu = figures.dejavu

DELAYS = [2**k / 1000 for k in range(10)]
RATES = [2.0**k for k in range(7)]
HALF = [(math.log(2) / rate, rate) for rate in RATES]


def stale(
    delays: Sequence[float], rates: Sequence[float], exact: float | None = None
) -> list[list[Estimate]]:
    """Work P(stale) = 1 − e^(−λd) out, with intervals of some width if asked for."""
    shares = [[-math.expm1(-rate * delay) for delay in delays] for rate in rates]
    if exact is None:
        return [[Estimate(share) for share in row] for row in shares]
    return [[Estimate(share, share - exact, share + exact) for share in row] for row in shares]


def panel(figure: Figure) -> Axes:
    """Give the panel with the cells."""
    return figure.axes[0]


def usual() -> Figure:
    """Draw the shares by delay and rate, with the line of one half."""
    sides = Side("link.delay", DELAYS, "s"), Side("writes per second", RATES)
    return heatmap(
        *sides, stale(DELAYS, RATES, 0.011), theory=HALF, note="theory says half, λ · delay = ln 2"
    )


def test_each_cell_has_its_number_in_colour_and_in_letters() -> None:
    """The rows from below; whole percent, of which none and all are said only where they are."""
    axes = panel(usual())
    [cells] = [drawn for drawn in axes.collections if isinstance(drawn, QuadMesh)]
    shares = np.array([[one.estimate for one in row] for row in stale(DELAYS, RATES)])
    assert np.asarray(cells.get_array()).tolist() == shares.tolist()
    letters = {tuple(np.subtract(text.get_position(), 0.5)): text.get_text() for text in axes.texts[1:]}
    assert [letters[x, 0] for x in range(10)] == ["<1", "<1", "<1", "1", "2", "3", "6", "12", "23", "40"]
    assert [letters[x, 6] for x in range(10)][5:] == ["87", "98", ">99", ">99", ">99"]


def test_letters_are_white_where_the_cell_is_dark() -> None:
    """And ink elsewhere."""
    axes = panel(usual())
    colors = {text.get_text(): to_rgb(text.get_color()) for text in axes.texts[1:]}
    assert (colors["6"], colors[">99"]) == (to_rgb(INK), to_rgb("white"))


def test_the_line_of_theory_is_straight_where_knobs_are_turned_by_factors() -> None:
    """It goes through the cells where the product of both is the same."""
    x, y = points(panel(usual()), "theory")
    assert y == pytest.approx(np.arange(7) + 0.5)
    assert np.diff(x) == pytest.approx([-1] * 6)
    assert x[0] - 0.5 == pytest.approx(math.log2(1000 * math.log(2)))


def test_what_the_figure_says() -> None:
    """What the numbers are, how exact they are at least, and what the line means."""
    axes = panel(usual())
    assert words(axes)[0] == "Stale reads in %, ± 1.1 at most. Dashed: theory says half, λ · delay = ln 2."
    figure_of(axes).draw_without_rendering()
    assert [tick.get_text() for tick in ticks(axes.xaxis)][:3] == ["1 ms", "2 ms", "4 ms"]
    assert [tick.get_text() for tick in ticks(axes.yaxis)] == ["1", "2", "4", "8", "16", "32", "64"]


def test_durations_and_unknown_numbers_have_their_words() -> None:
    """Seconds as one says them; what was never seen is a dash, and what never happens is never."""
    numbers = [[Estimate(0.02), Estimate(2.2)], [Estimate(math.nan), Estimate(math.inf)]]
    sides = Side("link.order", ["fifo", "serial"]), Side("pace", [1.0, 2.0], "1/s")
    axes = panel(heatmap(*sides, numbers, "staleness.p99", "s", "How old is the view?"))
    assert words(axes) == ["Staleness.p99.", "20 ms", "2.2 s", "–", "never"]


def test_cells_too_small_for_letters_have_a_scale_beside_them() -> None:
    """Of 3,600 numbers none could be read."""
    figure = CASES["very many"]()
    assert [len(figure.axes), words(figure.axes[0])] == [2, ["Stale reads in %. Dashed: half."]]


def test_nothing_to_show_is_said() -> None:
    """No number is known."""
    nothing = heatmap(Side("delay", [0.1], "s"), Side("rate", [1.0]), [[Estimate(math.nan)]])
    assert figures.said(nothing) == "Nothing was measured."


LONG = "a knob with a name that is much too long for any figure that anybody draws"
FINE, FAST = list(np.geomspace(0.001, 1, 60)), list(np.geomspace(1, 100, 60))
CASES: dict[str, Callable[[], Figure]] = {
    "usual": usual,
    "one cell": lambda: heatmap(Side("delay", [0.1], "s"), Side("rate", [1.0]), stale([0.1], [1.0])),
    "very many": lambda: heatmap(
        Side("delay", FINE, "s"), Side("rate", FAST), stale(FINE, FAST), theory=HALF[:5], note="half"
    ),
    "one row": lambda: heatmap(Side("delay", DELAYS, "s"), Side("rate", [1.0]), stale(DELAYS, [1.0])),
    "long names": lambda: heatmap(
        Side(LONG, [f"{n} {LONG}" for n in range(5)]),
        Side(LONG, [f"{n} {LONG}" for n in range(3)]),
        stale(DELAYS[:5], RATES[:3], 0.01),
        LONG,
        note=LONG,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_no_label_is_cut_or_stands_on_another(case: str) -> None:
    """Every text lies inside the figure, and no two overlap."""
    assert figures.flaws(CASES[case]()) == []
