"""The heatmap: a number for each pair of positions of two knobs."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import frozen
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal as Itself
from matplotlib.patheffects import Stroke
from matplotlib.ticker import FixedLocator

from sim.distributions import Floats
from sim.glossary import Unit
from sim.metrics import Estimate
from sim.plots.canvas import (
    FAINT,
    HEAT,
    INK,
    THEORY,
    WIDEST,
    figure_of,
    head,
    look,
    one_panel,
    say_instead,
    settle,
    share_text,
    write_unit,
)
from sim.wording import readable, shortened, significant

SMALLEST = 5.5  # points: letters that can still be read
DARK = 0.55  # from here on along the colours, letters are white
WIDE = 30.0  # numbers that differ by such a factor are coloured by their logarithm
LETTERS, LINES = 76, 18  # that have room along the axes
LONGEST_NAME, LONGEST_WORD = 60, 16


@frozen
class Side:
    """One of the two knobs: its name, its positions in ascending order, or words, and their unit."""

    name: str
    positions: Sequence[float | str]
    unit: Unit = "1"

    def __len__(self) -> int:
        return len(self.positions)


def heatmap(
    across: Side,
    upright: Side,
    estimates: Sequence[Sequence[Estimate]],
    metric: str = "stale reads",
    unit: Unit = "share",
    title: str = "How often is a read stale?",
    theory: Sequence[tuple[float, float]] = (),
    note: str = "",
    axes: Axes | None = None,
) -> Figure:
    """Draw a cell for each pair of positions, coloured and annotated with its number.

    `estimates` has a row for each position of `upright`, the first one at the
    bottom. `theory` is a line through the cells, as pairs of positions, of
    which `note` says what it means. What is not known is grey.
    """
    numbers = np.array([[one.estimate for one in row] for row in estimates], dtype=float)
    numbers = numbers.reshape(len(upright), len(across))
    with look():
        panel = axes if axes is not None else one_panel((7.2, 4.3))
        if not np.isfinite(numbers).any():
            say_instead("Nothing was measured.", panel)
            return settle(panel, own=axes is None)
        norm = _norm(numbers, unit)
        cells = panel.pcolormesh(numbers, cmap=HEAT, norm=norm, edgecolors="white", linewidth=_gap(numbers))
        panel.set_facecolor(FAINT)
        _name_sides(panel, across, upright)
        head(panel, title, _subtitle(metric, unit, estimates, note if theory else ""))
        if theory:
            _draw_theory(panel, across, upright, theory)
        figure = settle(panel, own=axes is None)
        if _annotate(panel, numbers, norm, unit):
            return figure
        bar = figure.colorbar(cells, ax=panel, pad=0.02, use_gridspec=False)
        bar.outline.set_visible(False)
        write_unit(bar.ax.yaxis, unit)
        return settle(panel, own=axes is None)


def _norm(numbers: Floats, unit: Unit) -> Normalize:
    """Choose how numbers become colours: shares from none to all, others from the least to the greatest."""
    finite = numbers[np.isfinite(numbers)]
    if unit == "share":
        return Normalize(0, 1)
    low, high = float(finite.min()), float(finite.max())
    if low > 0 and high / low >= WIDE:
        return LogNorm(low, high)
    return Normalize(min(low, 0.0), high if high > min(low, 0.0) else 1.0)


def _gap(numbers: Floats) -> float:
    """Give the width of the white lines between cells; very many have none."""
    return 3.0 if max(numbers.shape) <= 16 else 0.0


def _name_sides(axes: Axes, across: Side, upright: Side) -> None:
    """Write the positions beside the cells, so many as have room."""
    for axis, side in ((axes.xaxis, across), (axes.yaxis, upright)):
        most = LETTERS // len(side) - 3 if axis is axes.xaxis else LONGEST_WORD
        words = [_position(position, side.unit, max(most, 6)) for position in side.positions]
        room = LETTERS // (max(map(len, words)) + 1) if axis is axes.xaxis else LINES
        every = math.ceil(len(words) / max(room, 1))
        axis.set_major_locator(FixedLocator([i + 0.5 for i in range(0, len(words), every)]))
        axis.set_ticklabels(words[::every])
        axis.set_tick_params(length=0, pad=8)
    axes.set_xlabel(shortened(across.name, LONGEST_NAME))
    axes.set_ylabel(shortened(upright.name, LONGEST_NAME // 2))
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _position(position: float | str, unit: Unit, most: int) -> str:
    """Write a position as one would say it; a word in so many letters."""
    if isinstance(position, str):
        return shortened(position, most)
    if unit == "s":
        return readable(position)
    return share_text(position) if unit == "share" else significant(position)


def _subtitle(metric: str, unit: Unit, estimates: Sequence[Sequence[Estimate]], note: str) -> str:
    """Say what the numbers are, how exact the least exact of them is, and what the line means."""
    halves = [
        (one.high - one.low) / 2
        for row in estimates
        for one in row
        if one.low is not None and one.high is not None and math.isfinite(one.high - one.low)
    ]
    named = shortened(metric, LONGEST_NAME // 2)
    says = [f"{named[:1].upper()}{named[1:]}{' in %' if unit == 'share' else ''}"]
    if halves:
        exact = significant(100 * max(halves), 2) if unit == "share" else _number(max(halves), unit)
        says.append(f", ± {exact} at most")
    says.append(f". Dashed: {note}." if note else ".")
    return shortened("".join(says), WIDEST)


def _draw_theory(axes: Axes, across: Side, upright: Side, theory: Sequence[tuple[float, float]]) -> None:
    """Draw the line through the cells, straight where both knobs are turned by factors."""
    x, y = (
        _along(side, np.array(places, dtype=float))
        for side, places in zip((across, upright), zip(*theory, strict=True), strict=True)
    )
    [line] = axes.plot(x, y, label="theory", **THEORY)
    line.set(linewidth=1.6)
    line.set_path_effects([Stroke(linewidth=4, foreground="white"), Itself()])
    axes.set_xlim(0, len(across))
    axes.set_ylim(0, len(upright))


def _along(side: Side, places: Floats) -> Floats:
    """Say where positions lie along a side, in cells; beyond its middle cells as it goes on there."""
    known = np.array([float(position) for position in side.positions])
    if len(known) > 1 and known.min() > 0:
        known, places = np.log(known), np.log(places)
    middles = np.arange(len(known)) + 0.5
    if len(known) == 1:
        return np.full(len(places), 0.5)
    before = middles[0] + (places - known[0]) / (known[1] - known[0])
    behind = middles[-1] + (places - known[-1]) / (known[-1] - known[-2])
    inside = np.interp(places, known, middles)
    return np.asarray(np.where(places < known[0], before, np.where(places > known[-1], behind, inside)))


def _annotate(axes: Axes, numbers: Floats, norm: Normalize, unit: Unit) -> bool:
    """Write each number into its cell; False, and nothing is written, where letters would be too small."""
    words = {cell: _number(number, unit) for cell, number in np.ndenumerate(numbers)}
    longest = max(map(len, words.values()))
    points = 72 / figure_of(axes).dpi
    width, height = points * axes.bbox.width / numbers.shape[1], points * axes.bbox.height / len(numbers)
    size = min(9.5, 0.6 * height, (width - 3) / (0.62 * longest))
    if size < SMALLEST:
        return False
    for (row, column), word in words.items():
        number = numbers[row, column]
        dark = math.isfinite(number) and float(norm(number)) > DARK
        font: dict[str, Any] = {"size": size, "zorder": 5, "color": "white" if dark else INK}
        axes.text(column + 0.5, row + 0.5, word, ha="center", va="center", **font)
    return True


def _number(number: float, unit: Unit) -> str:
    """Write a number as short as can be: shares in whole percent, as nothing or all only where they are."""
    if math.isnan(number):
        return "–"
    if math.isinf(number):
        return "never"
    if unit == "share":
        percent = 100 * number
        if 0 < percent < 0.5:
            return "<1"
        return ">99" if 99.5 < percent < 100 else f"{percent:.0f}"
    return readable(number, 2) if unit == "s" else significant(number, 2)
