from functools import cache

import numpy as np
import pytest
from attrs import evolve
from matplotlib.axes import Axes

import sim
from sim.measures.visibility import VisibilityCurve, visibility_curve
from sim.plots import t_visibility
from sim.theory.answers import law
from tests import figures
from tests.figures import points, words

dejavu = figures.dejavu


@cache
def curve(name: str, duration: str = "60s") -> VisibilityCurve:
    """Measure the curve of one of the scenarios that come along."""
    return visibility_curve(sim.run(name, settings={"duration": duration}, engine="auto"))


def panels(**curves: VisibilityCurve) -> tuple[Axes, Axes]:
    """Draw, and give the two panels."""
    left, right = t_visibility(curves).axes
    return left, right


def later(curve: VisibilityCurve, factor: float) -> VisibilityCurve:
    """Let everything take so many times as long."""
    return evolve(curve, times=curve.times * factor)


def test_both_panels_draw_the_curve() -> None:
    """The shares as they were measured, and what they leave."""
    seen = curve("overtaking", "20s")
    left, right = panels(overtaking=seen)
    assert points(left, "overtaking")[1][:-1] == seen.shares.tolist()
    assert points(right, "overtaking")[0] == points(left, "overtaking")[0]
    assert points(right, "overtaking")[1][:-1] == pytest.approx(1 - seen.shares, abs=1e-12)
    assert [axes.get_xscale() for axes in (left, right)] == ["log", "log"]
    assert right.get_yscale() == "log"


def test_the_band_is_that_of_the_curve() -> None:
    """It is filled from the lower bound to the upper one."""
    seen = curve("story")
    left, _ = panels(story=seen)
    [band] = left.collections
    heights = np.asarray(band.get_paths()[0].vertices)[:, 1]
    assert {*np.round(heights, 12)} == {*np.round(seen.low, 12), *np.round(seen.high, 12)}


def test_a_dot_says_after_what_time_one_in_a_hundred_is_left() -> None:
    """It lies where the curve crosses 1 %; of a few changes that says nothing."""
    seen = curve("flash-sale", "30s")
    _, right = panels(sale=seen)
    [dot] = [line for line in right.lines if line.get_marker() == "o"]
    assert [dot.get_xdata(), dot.get_ydata()] == [[seen.reached(0.99)], [0.01]]
    assert words(right)[1:] == ["1 in 100", "941 ms"]
    assert words(panels(story=curve("story"))[1])[1:] == ["1 in 100"]


def test_what_is_never_seen_is_said() -> None:
    """Where changes are lost, the tail ends in a level."""
    _, right = panels(lost=curve("lost-for-good"))
    assert words(right)[2:] == ["66% never seen"]


def test_a_very_long_curve_is_drawn_with_as_many_points_as_can_be_seen() -> None:
    """Of 100,000 changes it keeps 2,000 points at most, the last of them included."""
    n = 100_000
    times, shares = np.append(0.0, np.geomspace(0.01, 1, n)), np.arange(n + 1) / n
    left, _ = panels(long=VisibilityCurve(times, shares, shares, shares, n))
    drawn = points(left, "long")
    assert len(drawn[0]) < 2100
    assert drawn[1][-2:] == [1, 1]


def test_theory_is_dashed_beside_it() -> None:
    """It is the law of the metric, with the name of its model."""
    scenario = sim.load_scenario("polling")
    theory = law(scenario, "t_visibility")
    assert theory is not None
    left, right = t_visibility({"polling": curve("polling")}, theory).axes
    times, hidden = points(right, "theory")
    assert hidden == pytest.approx(theory.beyond(times))
    assert points(left, "theory")[1] == pytest.approx(1 - theory.beyond(times))
    assert words(right)[-1] == "theory: polling"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("one-lock", "Every change could be seen at once."),
        ("nothing", "Nothing was committed in the measured window."),
        ("lost", "No change was ever seen."),
    ],
)
def test_nothing_to_show_is_said(name: str, why: str) -> None:
    """One sentence says why."""
    one, nothing = np.ones(1), np.zeros(1)
    lost = VisibilityCurve(np.zeros(1), nothing, nothing, one, 5)
    made = {"nothing": evolve(lost, n=0), "lost": lost}
    assert figures.said(t_visibility({name: made.get(name) or curve(name)})) == why


LONG = "a crowd of impatient customers with a name that is much too long for any figure"
CASES = {
    "few": lambda: {"story": curve("story")},
    "many": lambda: {"flash-sale": curve("flash-sale", "30s")},
    "never": lambda: {"overtaking": curve("overtaking")},
    "a fixed delay": lambda: {"saturation": curve("saturation")},
    "three": lambda: {f"{n}00 ms": later(curve("flash-sale", "30s"), n) for n in (1, 3, 9)},
    "eight, close, with long names": lambda: {
        f"{n} {LONG}": later(curve("flash-sale", "30s"), 1 + 0.2 * n) for n in range(8)
    },
}


@pytest.mark.parametrize("case", CASES)
def test_no_label_is_cut_or_stands_on_another(case: str) -> None:
    """Every text lies inside the figure, and no two overlap; each of several curves has its name."""
    curves = CASES[case]()
    figure = t_visibility(curves)
    assert figures.flaws(figure) == []
    named = [word[:12] for word in words(figure.axes[0])[1:]]
    assert named == [name[:12] for name in curves if len(curves) > 1]
