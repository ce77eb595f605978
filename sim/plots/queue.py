"""The queue over time: how many commands wait, and how busy the writer is."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from sim.distributions import Floats, Ints
from sim.plots.canvas import (
    GREY,
    INK,
    QUEUE,
    QUEUE_TEXT,
    READ,
    READ_TEXT,
    ROUND,
    SHADE,
    TALL,
    THEORY,
    WRITE,
    head,
    look,
    say_instead,
    settle,
    share_text,
    write_shares,
    write_times,
)
from sim.plots.labels import label_ends, part
from sim.replay.backlog import Backlog

COLUMNS = 1000  # that can be told apart across a picture
NEAR = 0.5  # of the channel: a queue that comes so far shows where the channel ends


def queue_over_time(backlog: Backlog, axes: Sequence[Axes] | None = None) -> Figure:
    """Draw how many commands wait, in the channel and at its door, and below it how busy the writer is.

    Takes two axes, one above the other, or makes a figure of its own.
    """
    with look():
        upper, lower = axes if axes is not None else _two_panels()
        if not backlog.commands:
            say_instead("No command came in the measured window.", upper, lower)
            return settle(upper, own=axes is None)
        _draw_waiting(backlog, upper)
        _draw_busy(backlog, lower)
        for panel in (upper, lower):
            panel.set_xlim(backlog.edges[0], backlog.edges[-1])
            write_times(panel.xaxis)
        upper.tick_params(axis="x", labelbottom=False)
        lower.set_xlabel(backlog.clock)
        ends = _label_waiting(backlog, upper)
        label_ends(lower, [(f"mean {share_text(backlog.utilisation)}", backlog.utilisation, {"color": GREY})])
        figure = settle(upper, own=axes is None)
        part(upper, ends)
        return figure


def _two_panels() -> tuple[Axes, Axes]:
    upper, lower = Figure(figsize=TALL).subplots(2, sharex=True, height_ratios=(2, 1))
    return upper, lower


def _draw_waiting(backlog: Backlog, axes: Axes) -> None:
    """Draw one outline, green as far as the channel goes, and orange above."""
    waiting = backlog.inside + backlog.outside
    times, heights = _outline(backlog.times, waiting)
    shown = backlog.capacity if _shows_capacity(backlog) else 0.0
    top = max(1.1 * float(max(waiting.max(), shown)), 1.0)
    full = min(backlog.capacity, 2 * top)
    axes.set_ylim(0, top)
    width = float(backlog.edges[-1] - backlog.edges[0])
    for color, name, low, high in ((QUEUE, "inside", 0.0, full), (READ, "outside", full, 2 * top)):
        part = Rectangle((float(backlog.edges[0]), low), width, high - low, transform=axes.transData)
        area = axes.fill_between(times, heights, color=color, alpha=SHADE)
        [line] = axes.plot(times, heights, color=color, linewidth=1.3, label=name)
        area.set_clip_path(part)
        line.set_clip_path(part)
    if _shows_capacity(backlog):
        axes.axhline(backlog.capacity, label="full", **THEORY)
    head(axes, _title(backlog), _subtitle(backlog))
    axes.set_ylabel("commands waiting")
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=ROUND, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda depth, _: f"{depth:,.0f}"))


def _outline(times: Floats, depths: Ints) -> tuple[Floats, Ints]:
    """Give the points that a pen passes; of very many, those that can be told apart.

    In each column of the picture the first, the last, the least and the greatest.
    """
    kept = np.arange(len(times))
    if len(times) > 4 * COLUMNS:
        edges = np.searchsorted(times, np.linspace(times[0], times[-1], COLUMNS + 1)[1:-1])
        columns = [rows for rows in np.split(kept, edges) if len(rows)]
        telling = [(r[0], r[-1], r[depths[r].argmin()], r[depths[r].argmax()]) for r in columns]
        kept = np.unique(np.array(telling))
    return np.repeat(times[kept], 2)[1:], np.repeat(depths[kept], 2)[:-1]


def _shows_capacity(backlog: Backlog) -> bool:
    return bool((backlog.inside + backlog.outside).max() >= NEAR * backlog.capacity > 0)


def _title(backlog: Backlog) -> str:
    if backlog.outside.any():
        return "A full channel turns waiting into back-pressure"
    return f"How many commands wait, and how busy the {backlog.station} is"


def _subtitle(backlog: Backlog) -> str:
    if backlog.outside.any():
        return "Green: in the channel. Orange: still in the hands of the senders, at its door."
    if not backlog.inside.any():
        return "Nobody ever waited."
    return f"Each step is a command that comes, or is taken up by the {backlog.station}."


def _label_waiting(backlog: Backlog, axes: Axes) -> list[Annotation]:
    """Name at the right what waits, where the channel ends, and how much of the time senders were blocked."""
    most, full = axes.get_ylim()[1], backlog.capacity
    labels = []
    if backlog.outside.any():
        words = f"senders blocked\n{share_text(backlog.blocked)} of the time"
        labels.append((words, (full + most) / 2, {"color": READ_TEXT, "weight": "bold"}))
    if _shows_capacity(backlog):
        labels.append(("channel is full", full, {"color": INK}))
    if backlog.inside.any():
        words = "in the channel" if backlog.station == "writer" else "at the lock"
        labels.append((words, min(full, most) / 2, {"color": QUEUE_TEXT, "weight": "bold"}))
    return label_ends(axes, labels)


def _draw_busy(backlog: Backlog, axes: Axes) -> None:
    """Draw the share of busy time, slice by slice, and its mean."""
    times, busy = np.repeat(backlog.edges, 2)[1:-1], np.repeat(backlog.busy, 2)
    axes.fill_between(times, busy, color=WRITE, alpha=SHADE)
    axes.plot(times, busy, color=WRITE, linewidth=1.6, label="busy")
    axes.axhline(backlog.utilisation, label="mean", **{**THEORY, "color": GREY})
    axes.set_ylim(0, 1.05)
    axes.yaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
    write_shares(axes.yaxis)
    axes.set_ylabel(f"{backlog.station} busy")
