import math
from collections.abc import Callable, Mapping
from functools import cache

import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

import sim
from sim.glossary import PLACES
from sim.metrics import Estimate
from sim.plots import blame_waterfall
from sim.plots.blame import Shares
from tests import figures
from tests.figures import ticks, words

dejavu = figures.dejavu


def made(*told: Shares) -> dict[str, Shares]:
    """Complete shares of places to the metrics of a summary: of all, of the median, of the worst."""
    whole: list[Shares] = [{**dict.fromkeys(PLACES, Estimate(0.0)), **one} for one in told]
    return dict(zip(("blame", "blame_p50", "blame_p99"), whole * (3 // len(whole)), strict=True))


TWO = {"delay": Estimate(0.25, 0.2, 0.3), "line": Estimate(0.75, 0.7, 0.8)}


@cache
def summary(name: str) -> sim.Summary:
    """Measure one run of a scenario that comes along."""
    return sim.summarise(sim.run(name))


def bars(axes: Axes) -> list[tuple[float, float]]:
    """Give each bar's start and length."""
    return [(bar.get_x(), bar.get_width()) for bar in axes.patches if isinstance(bar, Rectangle)]


def test_each_bar_starts_where_the_one_before_it_ends() -> None:
    """In the order of a change's way; what has no share has no row."""
    figure = blame_waterfall(made(TWO))
    assert [bars(axes) for axes in figure.axes] == [[(0, 0.25), (0.25, 0.75)]] * 3
    figure.draw_without_rendering()
    names = [[tick.get_text() for tick in ticks(axes.yaxis)] for axes in figure.axes]
    assert names == [["under way", "behind its predecessors"], [], []]
    heads = [axes.get_xlabel() for axes in figure.axes]
    assert heads == ["of all stale time", "of the median", "of the worst 1%"]


def test_each_bar_bears_its_share_with_its_interval() -> None:
    """As the terminal writes them, and a thin line as long as the interval."""
    axes = blame_waterfall(made(TWO)).axes[1]
    assert words(axes) == ["25 ± 5%", "75 ± 5%"]
    spans = [list(map(float, line.get_xdata())) for line in axes.lines[1:]]  # type: ignore[arg-type]
    assert spans == [pytest.approx([0.2, 0.3]), pytest.approx([0.95, 1.05])]


def test_the_panels_have_the_same_rows() -> None:
    """A place that matters to the worst only has a row in all three."""
    figure = blame_waterfall(made(TWO, TWO, {"lost": Estimate(1.0)}))
    assert [[round(length, 6) for _, length in bars(axes)] for axes in figure.axes] == [
        [0.25, 0.75, 0],
        [0.25, 0.75, 0],
        [0, 0, 1],
    ]


def test_nothing_to_show_is_said() -> None:
    """No read was stale: no share is known."""
    nothing = dict.fromkeys(PLACES, Estimate(math.nan))
    assert figures.said(blame_waterfall(made(nothing))) == "No read was stale."


CASES: dict[str, Callable[[], Mapping[str, Shares]]] = {
    "one place": lambda: made({"poll": Estimate(1.0)}),
    "two, with intervals": lambda: made(TWO),
    "all places": lambda: made(dict.fromkeys(PLACES, Estimate(1 / len(PLACES), 0.05, 0.13))),
    "flash sale": lambda: summary("flash-sale").metrics,
    "outage": lambda: summary("outage").metrics,
    "story": lambda: summary("story").metrics,
}


@pytest.mark.parametrize("case", CASES)
def test_no_label_is_cut_or_stands_on_another(case: str) -> None:
    """Every text lies inside the figure, and no two overlap."""
    assert figures.flaws(blame_waterfall(CASES[case]())) == []
