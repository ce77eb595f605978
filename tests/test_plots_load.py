import math
from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.metrics import Estimate
from sim.plots import Knob, Line, hockey_stick
from sim.plots.canvas import figure_of
from tests import figures
from tests.figures import points, ticks, words

dejavu = figures.dejavu

LOADS = [0.1, 0.3, 0.5, 0.7, 0.9]


def mm1(load: float, share: float = 0.5) -> float:
    """Work a quantile of the time in an M/M/1 queue out, with services of 10 ms."""
    return -math.log(1 - share) * 0.01 / (1 - load)


def line(name: str, share: float, loads: list[float] = LOADS, exact: float = 0.1) -> Line:
    """Make up what was measured, and draw theory as far as the wall."""
    numbers = [mm1(load, share) for load in loads]
    theory = [(float(load), mm1(load, share)) for load in np.linspace(0.01, 0.99, 99)]
    return Line(name, [Estimate(n, (1 - exact) * n, (1 + exact) * n) for n in numbers], theory)


def plain(*numbers: float) -> list[Line]:
    """Make up numbers without intervals, and without theory."""
    return [Line("measured", [Estimate(number) for number in numbers])]


def panel(figure: Figure) -> Axes:
    """Give the only panel."""
    [axes] = figure.axes
    return axes


def test_dots_bars_and_theory_are_what_was_given() -> None:
    """A dot for each estimate, a bar from its lower bound to its upper one, and the dashed curve."""
    given = line("p99", 0.99)
    axes = panel(hockey_stick(LOADS, [given]))
    assert points(axes, "p99") == [LOADS, [one.estimate for one in given.estimates]]
    bars = [list(bar.get_ydata()) for bar in axes.lines if bar.get_linewidth() == 6.5]  # type: ignore[arg-type]
    assert bars == [[one.low, one.high] for one in given.estimates]
    theory = points(axes, "theory of p99")
    assert list(zip(*theory, strict=True)) == list(given.theory)


def test_what_the_figure_says() -> None:
    """Title, how to read it, where the wall is, and which theory it is."""
    figure = hockey_stick(LOADS, [line("median", 0.5), line("p99", 0.99)], note="theory: an M/M/1 queue")
    axes = panel(figure)
    assert axes.get_title(loc="left") == "The last 20% of capacity costs the most"
    assert words(axes) == [
        "Dots: simulated. Bars: 95% intervals over runs. Dashed: theory, not a fit.",
        "no steady state",
        "median",
        "p99",
        "theory: an M/M/1 queue",
    ]
    figure.draw_without_rendering()
    assert [tick.get_text() for tick in ticks(axes.xaxis)][:3] == ["0%", "10%", "20%"]
    assert axes.get_xlim() == (0, 1.06)


def test_only_what_is_there_is_explained() -> None:
    """No bars without intervals, no theory where none is given, no steep end where it is flat."""
    axes = panel(hockey_stick(LOADS, plain(1, 1, 1, 1, 1)))
    assert words(axes) == ["Dots: simulated.", "no steady state"]
    assert axes.get_title(loc="left").startswith("Time until committed by offered load")


def test_there_is_no_dot_behind_the_wall_nor_for_what_is_not_known() -> None:
    """At 100 % and beyond nothing is steady; nan was never seen, and infinity never happened."""
    axes = panel(hockey_stick([0.2, 0.4, 0.6, 1.0, 1.5], plain(1, math.nan, math.inf, 9, 99)))
    assert points(axes, "measured") == [[0.2], [1]]


def test_any_knob_can_be_turned() -> None:
    """By factors on a logarithmic axis, by steps on a plain one, and from word to word."""
    delays, counts, orders = [0.01, 0.1, 1.0], [1.0, 2.0, 3.0], ["independent", "fifo", "serial"]
    by_delay = panel(hockey_stick(delays, plain(1, 2, 3), Knob("link.delay", "s")))
    by_count = panel(hockey_stick(counts, plain(1, 2, 3), Knob("workers.count")))
    by_order = panel(hockey_stick(orders, plain(1, 2, 3), Knob("link.order"), "staleness.mean", "s"))
    for axes in (by_delay, by_count, by_order):
        figure_of(axes).draw_without_rendering()
    assert [axes.get_xscale() for axes in (by_delay, by_count, by_order)] == ["log", "linear", "linear"]
    assert [tick.get_text() for tick in ticks(by_delay.xaxis)] == ["10 ms", "100 ms", "1 s"]
    assert [tick.get_text() for tick in ticks(by_order.xaxis)] == orders
    assert points(by_order, "measured")[0] == [0, 1, 2]
    assert by_order.get_title(loc="left") == "Staleness.mean by link.order"


def test_nothing_to_show_is_said() -> None:
    """All lies behind the wall."""
    said = figures.said(hockey_stick([1.1, 1.2], plain(1, 2)))
    assert said == "Nothing was measured that has a steady state."


LONG = "a number with a name that is much too long for any figure that anybody draws"
MANY = [n / 400 for n in range(1, 400)]
CASES: dict[str, Callable[[], Figure]] = {
    "one": lambda: hockey_stick([0.5], plain(1)),
    "all nothing": lambda: hockey_stick(LOADS, plain(0, 0, 0, 0, 0)),
    "two lines": lambda: hockey_stick(
        LOADS,
        [line("median", 0.5), line("p99", 0.99)],
        note="theory: an M/M/1 queue\np99 = ln 100 · S/(1 − ρ)",
    ),
    "wide bars": lambda: hockey_stick(LOADS, [line("p99", 0.99, exact=0.9)], note="theory"),
    "very many": lambda: hockey_stick(MANY, [line("p50", 0.5, MANY), line("p99", 0.99, MANY)], note="theory"),
    "long names": lambda: hockey_stick(
        LOADS, [line(f"{n} {LONG}", n) for n in (0.5, 0.95, 0.99)], Knob(LONG), LONG, note="theory"
    ),
    "five lines": lambda: hockey_stick(LOADS, [line(f"p{n}", n / 100) for n in (10, 50, 90, 95, 99)]),
    "long words": lambda: hockey_stick([f"{n} {LONG}" for n in range(6)], plain(*range(6)), Knob(LONG), LONG),
}


@pytest.mark.parametrize("case", CASES)
def test_no_label_is_cut_or_stands_on_another(case: str) -> None:
    """Every text lies inside the figure, and no two overlap."""
    assert figures.flaws(CASES[case]()) == []
