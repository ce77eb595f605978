"""What is held of every figure: nothing that is written is cut, and nothing stands on anything else.

A test module that draws says `dejavu = figures.dejavu`, and draws with the
font that matplotlib brings along.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from sim.plots import canvas


@pytest.fixture(autouse=True)
def dejavu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw with the font that matplotlib brings along, whatever else is installed."""
    monkeypatch.setattr(canvas, "STYLE", [*canvas.STYLE, {"font.sans-serif": ["DejaVu Sans"]}])


def flaws(figure: Figure) -> list[str]:
    """Name every text that is cut off by the figure's edge, and every two that stand on each other."""
    with canvas.look():
        figure.draw_without_rendering()
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(figure)]
    cut = [f"{words!r} is cut" for words, box in boxes if not _inside(figure, box)]
    clash = [f"{one!r} on {other!r}" for (one, a), (other, b) in combinations(boxes, 2) if a.overlaps(b)]
    return cut + clash


def texts(figure: Figure) -> list[Text]:
    """List all that is written on a figure, ticks included."""
    found = [text for axes in figure.axes for text in _on_axes(axes)]
    return [text for text in found if text.get_text().strip() and text.get_visible()]


def words(axes: Axes) -> list[str]:
    """List what is written on a panel, beside its title and axes."""
    return [text.get_text() for text in axes.texts if text.get_text()]


def said(figure: Figure) -> str:
    """Give all that a figure without data says."""
    assert not any(axes.lines or axes.collections or axes.patches for axes in figure.axes)
    assert not any(axes.axison for axes in figure.axes)
    return " ".join(text for axes in figure.axes for text in words(axes))


def points(axes: Axes, label: str) -> list[list[float]]:
    """Give the points of the line with that label, as two lists."""
    [line] = [line for line in axes.lines if line.get_label() == label]
    return [np.asarray(line.get_xdata()).tolist(), np.asarray(line.get_ydata()).tolist()]


def ticks(axis: Axis) -> list[Text]:
    """Give the labels of the ticks that are drawn."""
    low, high = sorted(axis.get_view_interval())
    return [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]


def labels_on_lines(axes: Axes, labels: Sequence[Text]) -> list[str]:
    """Name the labels that stand on a line."""
    paths = [line.get_transform().transform_path(line.get_path()) for line in axes.lines]
    boxes = {text.get_text(): text.get_window_extent() for text in labels}
    return [name for name, box in boxes.items() if any(p.intersects_bbox(box, filled=False) for p in paths)]


def _on_axes(axes: Axes) -> Iterator[Text]:
    if axes.axison:
        yield from (*ticks(axes.xaxis), *ticks(axes.yaxis), axes.xaxis.label, axes.yaxis.label)
    yield from (child for child in axes.get_children() if isinstance(child, Text))


def _inside(figure: Figure, box: Bbox) -> bool:
    edge = figure.bbox
    return bool(edge.x0 <= box.x0 and edge.y0 <= box.y0 and box.x1 <= edge.x1 and box.y1 <= edge.y1)
