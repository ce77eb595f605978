"""A forecast: the t-visibility curve that was measured, the one that was predicted, and the gap."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from sim.distributions import Floats
from sim.measures.visibility import VisibilityCurve
from sim.plots.canvas import (
    AXIS,
    INK,
    READ,
    READ_TEXT,
    ROUND,
    SHADE,
    TALL,
    THEORY,
    head,
    look,
    say_instead,
    settle,
    write_log_times,
    write_shares,
)
from sim.plots.labels import Place, write_where_free
from sim.studies.forecast import Forecast
from sim.wording import count, significant

COLUMNS = 600  # instants that can be told apart across a picture
AIR = 1.1  # below the least gap and above the greatest


def predicted(forecast: Forecast, axes: Sequence[Axes] | None = None) -> Figure:
    """Draw the share of changes that can be seen by the time since their commit, measured and predicted.

    Below it by how many points the prediction is off, on the measured curve's
    own band. Takes two axes, one above the other, or makes a figure of its own.
    """
    measured, guess = forecast.measured, forecast.predicted
    with look():
        upper, lower = axes if axes is not None else _two_panels()
        if not (_has_shape(measured) and _has_shape(guess)):
            say_instead("There is nothing that could be seen only some time after its commit.", upper, lower)
            return settle(upper, own=axes is None)
        times = _share_time(measured, guess, upper, lower)
        _draw_curves(forecast, times, upper)
        _draw_gap(measured, guess, times, lower)
        figure = settle(upper, own=axes is None)
        _name_curves(measured, guess, upper)
        return figure


def _two_panels() -> tuple[Axes, Axes]:
    upper, lower = Figure(figsize=TALL).subplots(2, sharex=True, height_ratios=(2.2, 1))
    return upper, lower


def _has_shape(curve: VisibilityCurve) -> bool:
    return bool(curve.n) and len(curve.times) > 1


def _share_time(measured: VisibilityCurve, guess: VisibilityCurve, upper: Axes, lower: Axes) -> Floats:
    """Show the stretch in which either curve climbs, on a logarithmic axis; give the instants to draw at."""
    first = min(curve.times[curve.times > 0][max(0, curve.n // 1000 - 1)] for curve in (measured, guess))
    last = max(float(curve.times[-1]) for curve in (measured, guess))
    low, high = float(first) / 1.15, max(last * 1.15, 3 * float(first))
    for panel in (upper, lower):
        panel.set_xscale("log")
        panel.set_xlim(low, high)
        write_log_times(panel.xaxis)
    upper.tick_params(axis="x", labelbottom=False)
    lower.set_xlabel("time since the write was committed")
    return np.geomspace(low, high, COLUMNS)


def _at(curve: VisibilityCurve, heights: Floats, times: Floats) -> Floats:
    """Read a step curve at many instants."""
    found: Floats = heights[np.searchsorted(curve.times, times, side="right") - 1]
    return found


def _draw_curves(forecast: Forecast, times: Floats, axes: Axes) -> None:
    measured, guess = forecast.measured, forecast.predicted
    runs = count(forecast.replications, "simulated run")
    off = f"{significant(100 * forecast.error, 2)}% root mean square error"
    head(axes, "Is it what was predicted?", f"{count(measured.n, 'change')} measured, {runs}: {off}")
    axes.set_ylim(0, 1.03)
    axes.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    write_shares(axes.yaxis)
    axes.set_ylabel("P(a read sees the write)")
    for curve, color in ((measured, READ), (guess, INK)):
        low, high = (_at(curve, bound, times) for bound in (curve.low, curve.high))
        axes.fill_between(times, low, high, color=color, alpha=SHADE)
    axes.plot(times, _at(measured, measured.shares, times), color=READ, label="measured")
    axes.plot(times, _at(guess, guess.shares, times), label="predicted", zorder=3, **THEORY)


def _draw_gap(measured: VisibilityCurve, guess: VisibilityCurve, times: Floats, axes: Axes) -> None:
    """Draw predicted less measured, in points, and how far chance alone takes the measured curve."""
    shares, low, high = (
        100 * _at(measured, bound, times) for bound in (measured.shares, measured.low, measured.high)
    )
    gap = 100 * _at(guess, guess.shares, times) - shares
    most = AIR * float(max(np.abs(gap).max(), (high - shares).max(), (shares - low).max()))
    axes.set_ylim(-most, most)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=ROUND))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:+g}".replace("-", "−") if y else "0"))
    axes.set_ylabel("points off")
    axes.axhline(0, color=AXIS, linewidth=1)
    axes.fill_between(times, low - shares, high - shares, color=READ, alpha=SHADE)
    axes.plot(times, gap, color=INK, linewidth=1.3, label="gap")


def _name_curves(measured: VisibilityCurve, guess: VisibilityCurve, axes: Axes) -> None:
    """Write each name beside its curve: the one to the right, the other to the left if there is room."""
    taken = [text.get_window_extent() for text in axes.texts if text.get_text()]
    shares = (0.5, 0.62, 0.38, 0.75, 0.25, 0.9, 0.1)
    for curve, name, color in ((measured, "measured", READ_TEXT), (guess, "predicted", INK)):
        at = [(curve.reached(share), share) for share in shares if curve.shares[-1] >= share]
        left = [Place(spot, (-9, -3), "right") for spot in at]
        right = [Place(spot, (9, -3), "left") for spot in at]
        places = right if curve is measured else [*left, *right]
        write_where_free(axes, name, places, taken, strict=False, color=color, weight="bold")
