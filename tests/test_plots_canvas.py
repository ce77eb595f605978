import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import plots
from sim.measures.samples import quantile_curve
from sim.plots.canvas import Times
from sim.plots.labels import spread


@pytest.mark.parametrize(
    ("times", "written"),
    [
        ([0, 0.2, 0.4], ["0", "200 ms", "400 ms"]),
        ([0, 0.5, 1.0, 1.5], ["0", "0.5 s", "1 s", "1.5 s"]),
        ([0.1 + 0.2, 0.7 + 0.1], ["300 ms", "800 ms"]),
        ([15.3015, 15.302], ["15.3015 s", "15.302 s"]),
        ([-0.001, 0.001], ["-1 ms", "1 ms"]),
        ([1000, 2000], ["1,000 s", "2,000 s"]),
    ],
)
def test_one_axis_speaks_one_unit(times: list[float], written: list[str]) -> None:
    """That of its longest time, without the dust of binary fractions."""
    assert Times().format_ticks(times) == written


def test_no_display_is_asked_for() -> None:
    """The module draws without pyplot, which would keep every figure and look for a screen."""
    program = "import sim.plots.lag, sys; print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_everything_that_is_offered_can_be_had() -> None:
    """Each public name is loaded from its home; any other is refused like in any module."""
    assert [name for name in plots.__all__ if getattr(plots, name, None) is None] == []
    assert dir(plots) == sorted(plots.__all__)
    with pytest.raises(AttributeError, match=r"module 'sim\.plots' has no attribute 'nothing'"):
        plots.nothing  # noqa: B018


SIZES = st.floats(1.0, 40.0)


@given(st.lists(st.tuples(st.floats(-100, 100), SIZES), min_size=1, max_size=8))
def test_labels_that_are_spread_stand_apart_in_their_order(labels: list[tuple[float, float]]) -> None:
    """None overlaps another, and none changes places; those that were apart stay where they were."""
    heights, sizes = [height for height, _ in labels], [size for _, size in labels]
    found = spread(heights, sizes)
    order = sorted(range(len(labels)), key=lambda i: (found[i], heights[i]))
    edges = [(found[i] - sizes[i] / 2, found[i] + sizes[i] / 2) for i in order]
    assert all(low >= high - 1e-6 for (_, high), (low, _) in pairwise(edges))
    assert [heights[i] for i in order] == sorted(heights)
    if all(abs(a - b) > 80 for i, a in enumerate(heights) for b in heights[:i]):
        assert found == pytest.approx(heights)


def test_our_own_figure_is_laid_out_once() -> None:
    """Nothing lays it out again when it is saved, so where a label was put it stays."""
    figure = plots.percentiles_by_nines({"latency": quantile_curve(np.arange(1.0, 200.0))})
    assert figure.get_layout_engine() is None
    before = [axes.get_position().bounds for axes in figure.axes]
    plots.as_svg(figure)
    assert [axes.get_position().bounds for axes in figure.axes] == before
