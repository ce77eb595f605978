"""Percentiles: each step to the right is one more nine."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from sim.measures.samples import QuantileCurve
from sim.plots.canvas import (
    DOT,
    THEORY,
    head,
    look,
    one_panel,
    say_instead,
    series,
    settle,
    share_text,
    write_log_times,
)
from sim.plots.labels import Place, label_ends, part, round_about, write_where_free
from sim.theory.answers import Law
from sim.wording import readable, shortened

LONGEST_NAME = 22
FIRST, MARK = 0.5, 0.99  # the share at the left edge, and the one that bears a dot
DOTTED: dict[str, Any] = {"linewidth": 1.4, "linestyle": (0, (1.5, 1.8))}
MANY = 3  # curves that have room for their times beside them


def percentiles_by_nines(
    curves: Mapping[str, QuantileCurve],
    theory: Mapping[str, Law] | None = None,
    axes: Axes | None = None,
    colors: Sequence[tuple[str, str]] | None = None,
) -> Figure:
    """Draw durations against the share p that does not exceed them, at 1/(1 − p), as HdrHistogram does.

    `theory` has the law of a metric under the name of its curve; `colors`,
    for each curve that of its line and that of its name.
    """
    known = dict(zip(curves, colors or series(len(curves)), strict=True))
    shown = {name: curve for name, curve in curves.items() if curve.n > 1 and curve.values[-1] > 0}
    with look():
        panel = axes if axes is not None else one_panel()
        if not shown:
            enough = any(curve.n > 1 for curve in curves.values())
            say_instead("All took no time." if enough else "Too little was measured.", panel)
            return settle(panel, own=axes is None)
        for name, curve in shown.items():
            _draw_curve(panel, name, curve, known[name][0])
        _scale(panel, shown)
        for name, law in (theory or {}).items():
            _draw_theory(panel, law, shown.get(name))
        ends = _name_ends(panel, shown, known, bool(theory))
        figure = settle(panel, own=axes is None)
        part(panel, ends)
        _mark_p99(panel, shown, known)
        return figure


def _draw_curve(axes: Axes, name: str, curve: QuantileCurve, color: str) -> None:
    """Draw a curve, dotted from where too few observations lie beyond."""
    x, seconds = 1 / (1 - curve.shares), np.where(curve.values > 0, curve.values, np.nan)
    trusted = curve.shares <= curve.trusted
    rest = np.append(~trusted[1:], True)  # the two parts meet
    axes.plot(x[trusted], seconds[trusted], color=color, label=name)
    axes.plot(
        x[rest], seconds[rest], color=color, linewidth=1.4, linestyle=(0, (1.5, 1.8)), label=f"{name}, few"
    )


def _scale(axes: Axes, curves: Mapping[str, QuantileCurve]) -> None:
    """Put the nines along the one axis, and times along the other, both logarithmic."""
    most = max(1 / (1 - float(curve.shares[-1])) for curve in curves.values())
    visible = np.concatenate([c.values[(c.shares >= FIRST) & (c.values > 0)] for c in curves.values()])
    axes.set_xscale("log")
    axes.set_xlim(1 / (1 - FIRST), max(most, 20))
    nines = [10.0**n for n in range(1, 10) if 10**n <= max(most, 20)]
    axes.xaxis.set_major_locator(FixedLocator([1 / (1 - FIRST), *nines]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: share_text(1 - 1 / x, 12)))
    axes.set_yscale("log")
    low, high = float(visible.min()), float(visible.max())
    air = max((high / low) ** 0.08, np.sqrt(10 * low / high), 1.15)
    axes.set_ylim(low / air, high * air)
    write_log_times(axes.yaxis)
    axes.grid(True, axis="x")
    axes.set_xlabel("percentile (each step right is one more nine)")
    axes.set_ylabel("at most so long")


def _draw_theory(axes: Axes, law: Law, curve: QuantileCurve | None) -> None:
    """Draw a law as far as the axes reach; of a metric of which nothing was seen, nothing."""
    if curve is None:
        return
    seconds = np.geomspace(*axes.get_ylim(), 400)
    beyond = law.beyond(seconds)
    reach = beyond > 1 / axes.get_xlim()[1]
    axes.plot(1 / beyond[reach], seconds[reach], label=f"theory of {law.metric}", zorder=3, **THEORY)


def _name_ends(
    axes: Axes, curves: Mapping[str, QuantileCurve], colors: Mapping[str, tuple[str, str]], theory: bool
) -> list[Annotation]:
    dashed = " Dashed: theory, not a fit." if theory else ""
    head(axes, "Every extra nine, read off directly", f"Dotted: fewer than 100 samples lie beyond.{dashed}")
    ends = []
    for name, curve in curves.items():
        font = {"color": colors[name][1], "weight": "bold"}
        ends.append((shortened(name, LONGEST_NAME), float(curve.values[-1]), font))
    return label_ends(axes, ends)


def _mark_p99(axes: Axes, curves: Mapping[str, QuantileCurve], colors: Mapping[str, tuple[str, str]]) -> None:
    """Mark the 99th percentile of each curve that has one, with its time."""
    taken = [text.get_window_extent() for text in axes.texts]
    for name, curve in curves.items():
        row = int(np.searchsorted(curve.shares, MARK * (1 - 1e-12)))
        if curve.n < 1 / (1 - MARK) or not curve.values[row]:
            continue
        at = (1 / (1 - MARK), float(curve.values[row]))
        axes.plot(*at, color=colors[name][0], zorder=4, **DOT)
        if len(curves) <= MANY:
            places = [
                Place(at, (-5, 5), "right", "bottom"),
                Place(at, (5, -5), "left", "top"),
                *round_about(at),
            ]
            font: dict[str, Any] = {"color": colors[name][1], "weight": "bold"}
            write_where_free(axes, readable(at[1], 2), places, taken, strict=False, **font)
