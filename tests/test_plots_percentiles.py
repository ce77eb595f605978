from functools import cache

import numpy as np
import pytest
from matplotlib.axes import Axes

import sim
from sim.measures.samples import QuantileCurve
from sim.metrics import quantiles_of
from sim.plots import percentiles_by_nines
from sim.plots.canvas import figure_of
from sim.theory.answers import law
from tests import figures
from tests.figures import points, ticks, words

dejavu = figures.dejavu


@cache
def curve(name: str, metric: str = "command_latency") -> QuantileCurve:
    """Measure the quantiles of a metric in one of the scenarios that come along."""
    return quantiles_of(sim.run(name, engine="auto"), metric)


def slower(curve: QuantileCurve, factor: float) -> QuantileCurve:
    """Let everything take so many times as long."""
    return QuantileCurve(curve.shares, factor * curve.values, curve.n)


def drawn(**curves: QuantileCurve) -> Axes:
    """Draw, and give the panel."""
    return percentiles_by_nines(curves).axes[0]


def test_a_curve_is_drawn_at_one_over_what_lies_beyond() -> None:
    """The part of which 100 samples lie beyond as a line, the rest dotted from where that ends."""
    seen = curve("flash-sale")
    axes = drawn(commit=seen)
    x, seconds = points(axes, "commit")
    few_x, few_seconds = points(axes, "commit, few")
    beyond = 1 / (1 - seen.shares)
    assert [*x, *few_x[1:]] == beyond.tolist()
    assert [*seconds, *few_seconds[1:]] == seen.values.tolist()
    assert x[-1] == few_x[0] <= seen.n / 100 < few_x[1]
    assert few_seconds[-1] == seen.values.max()
    assert [axes.get_xscale(), axes.get_yscale()] == ["log", "log"]


def test_the_ticks_are_nines() -> None:
    """From the median on, as far as there are samples."""
    axes = drawn(commit=curve("flash-sale"))
    figure_of(axes).draw_without_rendering()
    assert [tick.get_text() for tick in ticks(axes.xaxis)] == ["50%", "90%", "99%", "99.9%", "99.99%"]


def test_a_dot_bears_the_p99() -> None:
    """It is the metric's own 99th percentile."""
    trace = sim.run("flash-sale")
    p99 = sim.summarise(trace).value("command_latency.p99")
    axes = drawn(commit=quantiles_of(trace, "command_latency"))
    [dot] = [line for line in axes.lines if line.get_marker() == "o"]
    assert dot.get_xdata() == pytest.approx([100])
    assert dot.get_ydata() == pytest.approx([p99], rel=0.02)
    assert words(axes)[1:] == ["commit", "1.7 s"]


def test_theory_is_dashed_beside_it() -> None:
    """Each of its points is a time, at one over the chance of more."""
    found = law(sim.load_scenario("saturation"), "command_latency")
    assert found is not None
    figure = percentiles_by_nines({"commit": curve("saturation")}, {"commit": found})
    x, seconds = points(figure.axes[0], "theory of command_latency")
    assert x == pytest.approx(1 / found.beyond(seconds))
    assert words(figure.axes[0])[0].endswith("Dashed: theory, not a fit.")


def test_nothing_to_show_is_said() -> None:
    """Nobody commanded anything, or once; or it took no time at all."""
    nothing, one = (QuantileCurve(np.zeros(n), np.ones(n), n) for n in (0, 1))
    for too_little in (nothing, one):
        assert figures.said(percentiles_by_nines({"commit": too_little})) == "Too little was measured."
    assert figures.said(percentiles_by_nines({"commit": curve("story")})) == "All took no time."


LONG = "of a crowd of impatient customers with a name that is much too long"
CASES = {
    "few": lambda: {"staleness": curve("story", "staleness")},
    "many, two metrics": lambda: {
        "commit": curve("flash-sale"),
        "staleness": curve("flash-sale", "staleness"),
    },
    "three": lambda: {f"load {n}": slower(curve("flash-sale"), n) for n in (1, 3, 9)},
    "eight, close, with long names": lambda: {
        f"{n} {LONG}": slower(curve("flash-sale"), 1 + n / 20) for n in range(8)
    },
    "two alike": lambda: {"one": curve("flash-sale"), "other": curve("flash-sale")},
}


@pytest.mark.parametrize("case", CASES)
def test_no_label_is_cut_or_stands_on_another(case: str) -> None:
    """Every text lies inside the figure, and no two overlap; every curve has its name."""
    curves = CASES[case]()
    figure = percentiles_by_nines(curves)
    assert figures.flaws(figure) == []
    assert {name[:8] for name in curves} <= {word[:8] for word in words(figure.axes[0])}
