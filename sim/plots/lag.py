"""Lag over time: how the read model follows the write model, and the staleness between them."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from attrs import frozen
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from sim.plots.canvas import (
    GREY,
    INK,
    READ,
    READ_TEXT,
    ROUND,
    SHADE,
    STALE,
    STALE_LINE,
    TALL,
    THEORY,
    WRITE,
    Times,
    head,
    look,
    say_instead,
    settle,
    write_times,
)
from sim.plots.labels import (
    CLEAR,
    Place,
    Point,
    distance,
    extent,
    label_ends,
    part,
    round_about,
    way_inside,
    write_where_free,
)
from sim.replay.timeline import Timeline
from sim.wording import count, readable

CROWDED = 2000  # with so many commits in the picture, rulers would measure what nobody can see
SHORTEST_RULER = 14.0  # points, so that two arrowheads fit
FAR = 20.0  # points: a label whose edge is so far from its ruler needs a line that leads there


@frozen
class Ruler:
    """A length to be measured in a picture, what it says, and where that may stand, the best place first.

    `lead` is the place of a line to which a dotted line leads on from the end.
    """

    words: str
    start: Point
    end: Point
    lead: Point
    places: list[Place]

    @property
    def middle(self) -> Point:
        """Half way."""
        return (self.start[0] + self.end[0]) / 2, (self.start[1] + self.end[1]) / 2


def lag_over_time(timeline: Timeline, axes: Sequence[Axes] | None = None) -> Figure:
    """Draw how the read model follows the write model, and below it the staleness between them.

    Takes two axes, one above the other, or makes a figure of its own.
    """
    with look():
        upper, lower = axes if axes is not None else _two_panels()
        if timeline.eventless:
            start, end = timeline.window
            words = f"nothing was committed between {readable(start)} and {readable(end)}."
            say_instead(f"{_subject(timeline)}: {words}", upper, lower)
            return settle(upper, own=axes is None)
        _draw_models(timeline, upper)
        _draw_staleness(timeline, lower)
        _share_time(timeline, upper, lower)
        ends = _label_models(timeline, upper)
        figure = settle(upper, own=axes is None)
        part(upper, ends)
        if timeline.commits < CROWDED:
            _draw_rulers(timeline, upper)
        return figure


def _two_panels() -> tuple[Axes, Axes]:
    upper, lower = Figure(figsize=TALL).subplots(2, sharex=True, height_ratios=(2.5, 1))
    return upper, lower


def _draw_models(timeline: Timeline, axes: Axes) -> None:
    """Draw both step lines, and shade what lies between them."""
    (when, written), (then, shown) = timeline.written.corners(), timeline.shown.corners()
    around = np.concatenate([when, then[::-1]]), np.concatenate([written, shown[::-1]])
    axes.fill(*around, color=STALE, alpha=SHADE, label="stale window")
    axes.plot(when, written, color=WRITE, label="write model")
    axes.plot(then, shown, color=READ, label="read model")
    head(axes, _title(timeline), _subtitle(timeline))
    axes.set_ylabel("version" if timeline.product is not None else "versions")
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=ROUND, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda version, _: f"{version:,.0f}"))
    low, high = int(shown.min()), int(written.max())
    spans = max(high - low, 1)
    axes.set_ylim(low - 0.02 * spans, high + 0.1 * spans)  # room for a label on top


def _title(timeline: Timeline) -> str:
    """Say what the picture shows: late, at once, or never."""
    if timeline.for_good:
        return "The read model falls behind, and never catches up"
    late = timeline.staleness.seconds.any()
    return f"The read model follows the write model, {'late' if late else 'at once'}"


def _subtitle(timeline: Timeline) -> str:
    if not timeline.staleness.seconds.any():
        return f"Both show the same of {_subject(timeline)} at any time, so only one line can be seen."
    return f"Shaded: the stale window of {_subject(timeline)}. Everything a reader sees there is history."


def _draw_staleness(timeline: Timeline, axes: Axes) -> None:
    """Draw the sawtooth, and its 95th percentile over time."""
    times, seconds = timeline.staleness.times, timeline.staleness.seconds
    axes.fill_between(times, seconds, color=STALE, alpha=SHADE)
    axes.plot(times, seconds, color=STALE_LINE, linewidth=1.3, label="staleness")
    axes.axhline(timeline.p95, label="p95", **THEORY)
    axes.set_ylabel("staleness")
    worst = float(seconds.max())
    axes.set_ylim(0, 1.15 * worst or 1)
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=ROUND) if worst else FixedLocator([0]))
    axes.yaxis.set_major_formatter(Times())


def _share_time(timeline: Timeline, upper: Axes, lower: Axes) -> None:
    for axes in (upper, lower):
        axes.set_xlim(timeline.window)
        write_times(axes.xaxis)
    upper.tick_params(axis="x", labelbottom=False)
    lower.set_xlabel(timeline.clock)
    label_ends(lower, [(f"p95 {readable(timeline.p95)}", timeline.p95, {"color": INK})])


def _label_models(timeline: Timeline, axes: Axes) -> list[Annotation]:
    """Label both lines at their ends."""
    written, shown = int(timeline.written.versions[-1]), int(timeline.shown.versions[-1])
    return label_ends(
        axes,
        [
            ("write model", written, {"color": WRITE, "weight": "bold"}),
            ("read model", shown, {"color": READ_TEXT, "weight": "bold"}),
        ],
    )


def _draw_rulers(timeline: Timeline, axes: Axes) -> None:
    """Measure the greatest lag across and the greatest gap upright, where they are long enough to see."""
    rulers = [
        ruler for ruler in _rulers(timeline) if max(distance(axes, ruler.start, ruler.end)) >= SHORTEST_RULER
    ]
    arrow = {"arrowstyle": "<->", "color": INK, "linewidth": 1.1, "shrinkA": 0, "shrinkB": 0}
    for ruler in rulers:
        axes.annotate("", ruler.start, ruler.end, arrowprops=arrow)
        if ruler.lead != ruler.end:
            axes.plot(*zip(ruler.end, ruler.lead, strict=True), color=INK, linewidth=1.1, linestyle=":")
    taken = [extent(axes, ruler.start, ruler.end).padded(4) for ruler in rulers]
    for ruler in rulers:
        label = write_where_free(axes, ruler.words, [*ruler.places, *round_about(ruler.middle)], taken)
        if label and label.xy == ruler.middle:
            _lead(axes, ruler.middle, label)


def _lead(axes: Axes, start: Point, label: Annotation) -> None:
    """Draw a thin line to a label round about, up to its edge, where that is far away."""
    shift = label.get_position()
    inside = way_inside(axes, label) + CLEAR
    if math.hypot(*shift) - inside > FAR:
        line = {"arrowstyle": "-", "color": GREY, "linewidth": 0.8, "shrinkA": inside, "shrinkB": CLEAR}
        axes.annotate("", start, shift, "data", "offset points", arrowprops=line)


def _rulers(timeline: Timeline) -> Iterator[Ruler]:
    """Make the rulers that say something of their own: one version behind while it is late is not news."""
    lag, gap = timeline.lag, timeline.gap
    if lag:
        level = lag.level - 0.5
        start, end = (lag.committed, level), (lag.shown, level)
        # of all products together, others may have been shown before, or be missing still
        low, high = sorted(timeline.shown.around(lag.shown))
        lead = lag.shown, min(max(level, low), high)
        yield Ruler(f"{readable(lag.seconds)} late", start, end, lead, _beside(start, end))
    if gap and not (lag and gap.versions == 1 and lag.committed <= gap.at <= lag.shown):
        bottom, top = (gap.at, float(gap.shown)), (gap.at, float(gap.written))
        places = _over_or_under(bottom, top)
        yield Ruler(f"{count(gap.versions, 'version')} behind", bottom, top, top, places)


def _beside(left: Point, right: Point) -> list[Place]:
    """Name the places for the label of a ruler across, the best first.

    Right below the read model and left above the write model is nothing, as long as both only rise.
    """
    middle = ((left[0] + right[0]) / 2, left[1])
    return [
        Place(right, (7, 0), "left", "center"),
        Place(right, (7, 2), "left", "top"),
        Place(middle, (0, -4), "center", "top"),
        Place(middle, (0, 4), "center", "bottom"),
        Place(left, (-7, 0), "right", "center"),
        Place(left, (-7, -2), "right", "bottom"),
    ]


def _over_or_under(bottom: Point, top: Point) -> list[Place]:
    """Name the places for the label of an upright ruler, the best first."""
    middle = (top[0], (bottom[1] + top[1]) / 2)
    return [
        Place(top, (-4, 5), "right", "bottom"),
        Place(bottom, (4, -5), "left", "top"),
        *(Place(top, (aside, 5), "center", "bottom") for aside in (-22, 22)),
        *(Place(top, (0, rise), "center", "bottom") for rise in (5, 17, 29)),
        *(Place(bottom, (0, -fall), "center", "top") for fall in (5, 17, 29)),
        Place(middle, (6, 0), "left", "center"),
        Place(middle, (-6, 0), "right", "center"),
    ]


def _subject(timeline: Timeline) -> str:
    return "all products" if timeline.product is None else f"product {timeline.product}"
