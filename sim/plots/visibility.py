"""Visibility: how soon a change can be seen after its commit, and how long the tail is."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator
from matplotlib.transforms import Bbox

from sim.distributions import Floats, Ints
from sim.measures.visibility import VisibilityCurve
from sim.plots.canvas import (
    AXIS,
    DOT,
    GREY,
    INK,
    SHADE,
    THEORY,
    head,
    look,
    say_instead,
    series,
    settle,
    share_text,
    two_panels,
    write_log_times,
    write_shares,
)
from sim.plots.labels import Place, Point, round_about, write_at, write_list, write_where_free
from sim.theory.answers import Law
from sim.wording import count, readable, shortened

LONGEST_NAME = 24
MANY = 3  # curves that have room for their times beside them
ENOUGH = 2000  # points of a curve that an eye can tell apart
MARK = 0.01  # 1 in 100, and how many changes it takes to say so
FEWEST = 100


def t_visibility(
    curves: Mapping[str, VisibilityCurve], theory: Law | None = None, axes: Sequence[Axes] | None = None
) -> Figure:
    """Draw P(a read sees the write) by the time since its commit, and beside it P(still invisible).

    Curves are named where there is more than one. The theory is the law of
    t_visibility. Takes two axes, or makes a figure of its own.
    """
    shown = {name: curve for name, curve in curves.items() if curve.n}
    with look():
        left, right = axes if axes is not None else two_panels()
        if _nothing_to_wait_for(shown):
            say_instead(_why_nothing(shown), left, right)
            return settle(left, own=axes is None)
        _share_time(shown, left, right)
        _draw_curves(shown, left, right)
        if theory:
            _draw_theory(theory, left, right)
        figure = settle(left, own=axes is None)
        _name_curves(shown, left)
        _mark_one_in_a_hundred(shown, right)
        if theory:
            _name_theory(theory, right)
        return figure


def _nothing_to_wait_for(curves: Mapping[str, VisibilityCurve]) -> bool:
    return not any(len(_later(curve)) for curve in curves.values())


def _why_nothing(curves: Mapping[str, VisibilityCurve]) -> str:
    if not curves:
        return "Nothing was committed in the measured window."
    if all(curve.shares[0] == 1 for curve in curves.values()):
        return "Every change could be seen at once."
    return "No change was ever seen."


def _later(curve: VisibilityCurve) -> Floats:
    """Give the times at which something comes into sight that was not there at once."""
    return curve.times[curve.times > 0]


def _share_time(curves: Mapping[str, VisibilityCurve], left: Axes, right: Axes) -> None:
    """Let both panels show the same stretch of time, on a logarithmic axis."""
    first = min(
        max(curve.reached(0.001), _later(curve)[0]) for curve in curves.values() if len(_later(curve))
    )
    last = max(float(curve.times[-1]) for curve in curves.values())
    air = max((last / first) ** 0.05, math.sqrt(10 * first / last))  # a decade at least
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_xlim(first / air, last * air)
        write_log_times(axes.xaxis)
        axes.set_xlabel("time since the write was committed")


def _draw_curves(curves: Mapping[str, VisibilityCurve], left: Axes, right: Axes) -> None:
    """Draw the curves with their bands, and what is left of them on a logarithmic scale."""
    changes = count(sum(curve.n for curve in curves.values()), "change")
    head(left, "How eventual is eventual?", f"P(a read sees the write): {changes}, 95% band")
    head(right, "How long is the tail?", "P(still invisible): the same on a log scale")
    left.set_ylim(0, 1.03)
    left.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    write_shares(left.yaxis)
    right.set_yscale("log", nonpositive="clip")
    right.set_ylim(min(0.5 / max(curve.n for curve in curves.values()), MARK / 2), 1.2)
    right.yaxis.set_major_locator(LogLocator(numticks=8))
    right.yaxis.set_minor_locator(NullLocator())
    right.yaxis.set_major_formatter(FuncFormatter(lambda y, _: share_text(float(y))))
    for (name, curve), (color, _) in zip(curves.items(), series(len(curves)), strict=True):
        rows = _telling(curve)
        end = left.get_xlim()[1]
        times = np.append(curve.times[rows], end)
        shares, low, high = (np.append(y[rows], y[-1]) for y in (curve.shares, curve.low, curve.high))
        left.fill_between(times, low, high, step="post", color=color, alpha=SHADE)
        left.plot(times, shares, color=color, drawstyle="steps-post", label=name)
        gone = np.round(1 - shares, 12)
        right.plot(times, gone, color=color, drawstyle="steps-post", label=name)


def _telling(curve: VisibilityCurve) -> Ints:
    """Choose the points that an eye can tell apart, in the middle and in the tail."""
    if len(curve.times) <= ENOUGH:
        return np.arange(len(curve.times))
    climbs = np.maximum.accumulate(curve.shares)
    wanted = np.concatenate([np.linspace(0, 1, ENOUGH // 2), 1 - np.geomspace(1 / curve.n, 1, ENOUGH // 2)])
    return np.unique(np.append(np.searchsorted(climbs, wanted).clip(0, len(climbs) - 1), len(climbs) - 1))


def _draw_theory(theory: Law, left: Axes, right: Axes) -> None:
    times = np.geomspace(*left.get_xlim(), 400)
    hidden = theory.beyond(times)
    left.plot(times, 1 - hidden, label="theory", zorder=3, **THEORY)
    right.plot(times, hidden, label="theory", zorder=3, **THEORY)


def _name_curves(curves: Mapping[str, VisibilityCurve], axes: Axes) -> None:
    """Write the name of each curve to the right of it; where there is no room, one below the other."""
    if len(curves) == 1:
        return
    taken: list[Bbox] = []
    written = [
        write_where_free(axes, shortened(name, LONGEST_NAME), _beside(curve, axes), taken, **font)
        for (name, curve), font in zip(curves.items(), _fonts(len(curves)), strict=True)
    ]
    if not all(written):
        for label in filter(None, written):
            label.remove()
        write_list(axes, [shortened(name, LONGEST_NAME) for name in curves], _fonts(len(curves)))


def _beside(curve: VisibilityCurve, axes: Axes) -> list[Place]:
    """Name the places right of a curve, the best first."""
    heights = (share for share in (0.42, 0.34, 0.5, 0.26, 0.6, 0.18) if curve.shares[-1] >= share)
    spots = [(max(curve.reached(share), axes.get_xlim()[0]), share) for share in heights]
    return [Place(spot, (8, -3), "left") for spot in spots or [(axes.get_xlim()[0], 0.05)]]


def _fonts(n: int) -> list[dict[str, Any]]:
    return [{"color": dark, "weight": "bold"} for _, dark in series(n)]


def _mark_one_in_a_hundred(curves: Mapping[str, VisibilityCurve], axes: Axes) -> None:
    """Mark where the tail crosses 1 in 100, with the time; or say how many are never seen."""
    axes.axhline(MARK, color=AXIS, linewidth=1, linestyle=(0, (5, 2.5)), zorder=1)
    low = axes.get_xlim()[0]
    note = write_at(axes, "1 in 100", Place((low, MARK), (5, -3), "left", "top"), color=GREY)
    taken, fonts = [note.get_window_extent()], _fonts(len(curves))
    marks = [_mark(curve) for curve in curves.values()]
    for mark, (color, _) in zip(marks, series(len(curves)), strict=True):
        if mark and mark[0][1] == MARK:
            axes.plot(*mark[0], color=color, zorder=4, **DOT)
    for mark, font in zip(marks, fonts, strict=True):
        if mark and len(curves) <= MANY:
            at, words = mark
            places = [Place(at, (8, 8), "left", "bottom"), Place(at, (-8, -8), "right", "top")]
            write_where_free(axes, words, [*places, *round_about(at)], taken, strict=False, **font)


def _mark(curve: VisibilityCurve) -> tuple[Point, str] | None:
    """Say where a curve has something to tell in its tail, and what; nothing if it is too short for that."""
    time, never = curve.reached(1 - MARK), float(np.round(1 - curve.shares[-1], 12))
    if never:
        return (float(curve.times[-1]), never), f"{share_text(never, 2)} never seen"
    return ((time, MARK), readable(time, 2)) if curve.n >= FEWEST and time > 0 else None


def _name_theory(theory: Law, axes: Axes) -> None:
    """Write beside the dashed line which model it comes from."""
    low, high = axes.get_xlim()
    times = np.geomspace(low, high, 60)
    taken = [text.get_window_extent() for text in axes.texts[1:]]
    for level in (0.3, 0.1, 0.6):
        beyond = theory.beyond(times)
        at = (float(times[np.argmax(beyond <= level)]), level)
        places = [Place(at, (-10, -6), "right", "top"), *round_about(at)]
        if write_where_free(axes, f"theory: {theory.model}", places, taken, color=INK):
            return
