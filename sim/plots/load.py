"""The hockey stick: what a number does as a knob is turned, and where the wall is."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import Bbox

from sim.glossary import Unit
from sim.metrics import Estimate
from sim.plots.canvas import (
    AXIS,
    DOT,
    FAINT,
    GREY,
    READ,
    READ_TEXT,
    ROUND,
    SERIES,
    THEORY,
    WRITE,
    head,
    look,
    one_panel,
    say_instead,
    series,
    settle,
    write_log_times,
    write_unit,
)
from sim.plots.labels import Place, Point, extent, round_about, write_list, write_where_free
from sim.wording import shortened, significant

COLORS = [(WRITE, WRITE), (READ, READ_TEXT), (SERIES[2], SERIES[2])]  # of lines, and of their names
BAR: dict[str, Any] = {"linewidth": 6.5, "solid_capstyle": "butt", "zorder": 2}
SMALL_DOT = {**DOT, "markersize": 3, "markeredgecolor": "none"}
CROWDED = 60  # dots, which would hide each other
MANY = 3  # lines that have room for their names beside them
WIDE = 30.0  # a knob that is turned by such a factor needs a logarithmic axis
BEHIND = 0.06  # of the wall's distance, shown behind it
ROOM = 1.15  # above the highest dot
LONGEST_NAME, LONGEST_WORD, LONGEST_AXIS, LONGEST_TITLE = 30, 14, 60, 44


@frozen
class Knob:
    """What was turned: its name, its unit, and the position from which on there is no steady state."""

    name: str
    unit: Unit = "1"
    wall: float = math.inf


LOAD = Knob("offered load, ρ (share of the writer's capacity)", "share", wall=1.0)


@frozen
class Line:
    """A number at each position of a knob, and what theory says of it: pairs of position and number."""

    name: str
    estimates: Sequence[Estimate]
    theory: Sequence[Point] = ()


Dots = Sequence[tuple[float, Estimate]]


def hockey_stick(
    positions: Sequence[float | str],
    lines: Sequence[Line],
    knob: Knob = LOAD,
    metric: str = "time until committed",
    unit: Unit = "s",
    title: str = "",
    note: str = "",
    axes: Axes | None = None,
) -> Figure:
    """Draw numbers with their intervals against the position of a knob, and theory as a dashed curve.

    Positions may be words. `note` says which theory it is. Numbers that are
    not known, or not finite, have no dot, and neither have those at the wall or behind it.
    """
    dots = {line.name: _dots(positions, line, knob) for line in lines}
    with look():
        panel = axes if axes is not None else one_panel()
        if not any(dots.values()):
            say_instead("Nothing was measured that has a steady state.", panel)
            return settle(panel, own=axes is None)
        colors = dict(zip(dots, COLORS if len(lines) <= len(COLORS) else series(len(lines)), strict=False))
        _scale(panel, positions, dots, knob, unit)
        for line in lines:
            _draw_line(panel, line, dots[line.name], colors[line.name][0])
        head(panel, title or _title(dots, knob, metric), _subtitle(dots, lines))
        _draw_wall(panel, knob)
        panel.set_xlabel(shortened(knob.name, LONGEST_AXIS))
        panel.set_ylabel(shortened(metric, LONGEST_AXIS // 2))
        figure = settle(panel, own=axes is None)
        taken = _taken(panel, dots)
        if len(lines) > 1:
            _name_lines(panel, dots, colors, taken)
        if note:
            _name_theory(panel, lines, note, taken)
        return figure


def _dots(positions: Sequence[float | str], line: Line, knob: Knob) -> Dots:
    """Give what can be drawn of a line."""
    places = [float(i) if isinstance(x, str) else float(x) for i, x in enumerate(positions)]
    pairs = zip(places, line.estimates, strict=True)
    return [(x, number) for x, number in pairs if math.isfinite(number.estimate) and x < knob.wall]


def _scale(
    axes: Axes,
    positions: Sequence[float | str],
    dots: Mapping[str, Dots],
    knob: Knob,
    unit: Unit,
) -> None:
    """Lay out both axes: as far as the dots reach, and up to the wall."""
    top = max(number.estimate for line in dots.values() for _, number in line)
    axes.set_ylim(0, ROOM * top or 1)
    write_unit(axes.yaxis, unit)
    words = [shortened(x, LONGEST_WORD) for x in positions if isinstance(x, str)]
    if words:
        axes.set_xlim(-0.5, len(words) - 0.5)
        axes.xaxis.set_major_locator(FixedLocator(range(len(words))))
        crowded = sum(map(len, words)) > LONGEST_AXIS
        axes.set_xticklabels(words, rotation=30 if crowded else 0, ha="right" if crowded else "center")
        return
    places = [x for x in positions if not isinstance(x, str)]
    low, high = min(places), max(places)
    if math.isfinite(knob.wall):
        axes.set_xlim(0, (1 + BEHIND) * knob.wall)
        write_unit(axes.xaxis, knob.unit)
        axes.xaxis.set_major_locator(MaxNLocator(11, steps=ROUND))
    elif low > 0 and high / low >= WIDE:
        axes.set_xscale("log")
        axes.set_xlim(low / (high / low) ** 0.05, high * (high / low) ** 0.05)
        _write_log(axes, knob.unit)
    else:
        air = 0.05 * (high - low) or 0.5 * abs(high) or 0.5
        axes.set_xlim(low - air, high + air)
        write_unit(axes.xaxis, knob.unit)


def _write_log(axes: Axes, unit: Unit) -> None:
    if unit == "s":
        write_log_times(axes.xaxis)
        return
    axes.xaxis.set_major_locator(LogLocator(numticks=9))
    axes.xaxis.set_minor_locator(NullLocator())
    size, sign = (100.0, "%") if unit == "share" else (1.0, "/s" if unit == "1/s" else "")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: significant(size * float(x), 6) + sign))


def _draw_line(axes: Axes, line: Line, dots: Dots, color: str) -> None:
    """Draw intervals as bars, theory over them, and the dots on top."""
    for x, number in dots:
        if number.low is not None and number.high is not None:
            axes.plot([x, x], [number.low, number.high], color=color, alpha=0.3, **BAR)
    if line.theory:
        axes.plot(*zip(*line.theory, strict=True), label=f"theory of {line.name}", zorder=3, **THEORY)
    heights = [number.estimate for _, number in dots]
    dot = DOT if len(dots) <= CROWDED else SMALL_DOT
    axes.plot([x for x, _ in dots], heights, color=color, label=line.name, zorder=4, **dot)


def _draw_wall(axes: Axes, knob: Knob) -> None:
    """Mark from where on there is no steady state."""
    if not math.isfinite(knob.wall):
        return
    end = axes.get_xlim()[1]
    axes.axvspan(knob.wall, end, color=FAINT)
    axes.axvline(knob.wall, color=AXIS, linewidth=1)
    middle = (knob.wall + end) / 2, sum(axes.get_ylim()) / 2
    axes.annotate("no steady state", middle, rotation=90, ha="center", va="center", color=GREY)


def _title(dots: Mapping[str, Dots], knob: Knob, metric: str) -> str:
    """Say what can be seen: that the end is steep, if it is."""
    steepest = max(dots.values(), key=lambda line: max((n.estimate for _, n in line), default=0.0))
    early = [number.estimate for x, number in steepest if x <= 0.8 * knob.wall]
    most = max(number.estimate for _, number in steepest)
    if math.isfinite(knob.wall) and early and most > 2 * max(early):
        return "The last 20% of capacity costs the most"
    return shortened(f"{metric[:1].upper()}{metric[1:]} by {knob.name.split(',')[0]}", LONGEST_TITLE)


def _subtitle(dots: Mapping[str, Dots], lines: Sequence[Line]) -> str:
    """Say what the marks mean that are there."""
    bars = any(number.low is not None for line in dots.values() for _, number in line)
    says = ["Dots: simulated.", "Bars: 95% intervals over runs." if bars else ""]
    says.append("Dashed: theory, not a fit." if any(line.theory for line in lines) else "")
    return " ".join(filter(None, says))


def _taken(axes: Axes, dots: Mapping[str, Dots]) -> list[Bbox]:
    """List where the dots and their bars are."""
    boxes = []
    for x, number in (dot for line in dots.values() for dot in line):
        low = number.estimate if number.low is None else number.low
        high = number.estimate if number.high is None else number.high
        boxes.append(extent(axes, (x, low), (x, min(high, axes.get_ylim()[1]))).padded(6))
    return boxes


def _name_lines(
    axes: Axes, dots: Mapping[str, Dots], colors: Mapping[str, tuple[str, str]], taken: list[Bbox]
) -> None:
    """Write the name of each line above one of its dots, rather in the middle; of many, in the corner."""
    fonts: list[dict[str, Any]] = [{"color": colors[name][1], "weight": "bold"} for name in dots]
    if len(dots) > MANY:
        taken += write_list(axes, [shortened(name, LONGEST_NAME) for name in dots], fonts)
        return
    for (name, line), font in zip(dots.items(), fonts, strict=True):
        if line:
            ranked = sorted(line, key=lambda dot: abs(dot[0] - 0.45 * sum(axes.get_xlim())))
            spots = [(x, number.estimate) for x, number in ranked]
            places = [Place(spot, (0, 10), "center", "bottom") for spot in spots]
            places += [Place(spot, (0, -10), "center", "top") for spot in spots] + round_about(spots[0])
            write_where_free(axes, shortened(name, LONGEST_NAME), places, taken, strict=False, **font)


def _name_theory(axes: Axes, lines: Sequence[Line], note: str, taken: list[Bbox]) -> None:
    """Write which theory it is where there is room, with a curved line to the highest curve."""
    curves = [line.theory for line in lines if line.theory]
    if not curves:
        return
    highest = max(curves, key=lambda curve: max(y for _, y in curve if math.isfinite(y)))
    right, top = axes.get_xlim()[1], axes.get_ylim()[1]
    inside = [(x, y) for x, y in highest if x <= right and y <= 0.45 * top]
    back = axes.transAxes + axes.transData.inverted()
    spots = [back.transform((x, y)) for y in (0.62, 0.75, 0.5, 0.88) for x in (0.4, 0.3, 0.5, 0.6, 0.2)]
    places = [Place((float(x), float(y)), (0, 0)) for x, y in spots]
    label = write_where_free(axes, note, places, taken, color=GREY)
    if label and inside:
        box, target = label.get_window_extent(), max(inside, key=lambda point: point[1])
        x, y = axes.transData.inverted().transform(((box.x0 + box.x1) / 2, box.y0))
        arc: dict[str, Any] = {"arrowstyle": "-", "color": GREY, "linewidth": 1, "shrinkA": 4, "shrinkB": 3}
        arc["connectionstyle"] = "arc3,rad=0.2"
        axes.annotate("", target, (float(x), float(y)), arrowprops=arc)
