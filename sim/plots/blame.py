"""The blame as a waterfall: where the changes were that stale reads missed."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from sim.metrics import Estimate
from sim.plots.canvas import (
    AXIS,
    INK,
    STALE,
    TWO_PANELS,
    head,
    look,
    say_instead,
    settle,
    write_shares,
)
from sim.plots.labels import Place, write_at
from sim.terminal.estimates import estimate_text
from sim.terminal.summary import BLAME, WHERE

LITTLE = 0.005  # a share that would not be seen as a bar
NO_ROOM = 0.62  # a bar that ends beyond this has its number on its left

Shares = Mapping[str, Estimate]


def blame_waterfall(metrics: Mapping[str, Shares], axes: Sequence[Axes] | None = None) -> Figure:
    """Draw where the stale time went: of all stale reads, of those around the median, and of the worst.

    Takes a summary's metrics, and three axes side by side, or makes a figure of its own.
    """
    shares = {name: metrics[name] for name in BLAME}
    places = [place for place in WHERE if any(one[place].estimate >= LITTLE for one in shares.values())]
    with look():
        panels = axes if axes is not None else _three_panels(len(places))
        if not places:
            say_instead("No read was stale.", *panels)
            return settle(panels[0], own=axes is None)
        for panel, (name, one) in zip(panels, shares.items(), strict=True):
            _draw_waterfall(panel, [one[place] for place in places])
            _name_rows(panel, places if panel is panels[0] else [])
            panel.set_xlabel(BLAME[name])
        subtitle = "While a stale read waited for the change it missed, that change was here, in this order."
        head(panels[0], "Where the stale time went", subtitle)
        return settle(panels[0], own=axes is None)


def _three_panels(rows: int) -> Sequence[Axes]:
    width, height = TWO_PANELS
    panels = Figure(figsize=(width, max(2.4, 1.6 + 0.42 * rows) if rows else height)).subplots(1, 3)
    return list(panels)


def _name_rows(axes: Axes, places: Sequence[str]) -> None:
    axes.yaxis.set_major_locator(FixedLocator(range(len(places))))
    axes.set_yticklabels([WHERE[place] for place in places], color=INK)


def _draw_waterfall(axes: Axes, shares: Sequence[Estimate]) -> None:
    """Draw each share from where the one before it ends, the largest dark; each with its interval, if any."""
    sizes = np.array([share.estimate for share in shares])
    starts = np.append(0.0, np.cumsum(sizes))[:-1]
    rows = range(len(sizes))
    colors = [(STALE, 1.0 if size == sizes.max() else 0.45) for size in sizes]
    axes.barh(rows, sizes, left=starts, height=0.62, color=colors)
    for row, start, size in zip(rows[1:], starts[1:], sizes[:-1], strict=True):
        axes.plot([start, start], [row - 1 - 0.31 * (size > 0), row + 0.31], color=AXIS, linewidth=0.8)
    for row, start, share in zip(rows, starts, shares, strict=True):
        end = start + share.estimate
        if share.low is not None and share.high is not None:
            axes.plot([start + share.low, start + share.high], [row, row], color=INK, linewidth=1.1)
            end = start + share.high
        _label(axes, estimate_text(share, "share"), row, start, end)
    axes.set_xlim(0, 1)
    axes.set_ylim(len(sizes) - 0.4, -0.6)
    axes.xaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
    write_shares(axes.xaxis)
    axes.grid(False, axis="y")
    axes.grid(True, axis="x")


def _label(axes: Axes, words: str, row: int, start: float, end: float) -> None:
    """Write the number beside its bar, where there is more room."""
    if end <= NO_ROOM:
        write_at(axes, words, Place((end, row), (5, 0), "left"), color=INK)
    elif start > 1 - NO_ROOM:
        write_at(axes, words, Place((start, row), (-4, 0), "right"), color=INK)
    else:
        axes.annotate(words, (start, row), (5, 0), textcoords="offset points", va="center", color=INK)
