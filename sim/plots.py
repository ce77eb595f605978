"""The figures: one function each, which takes data and axes, draws, and returns the figure.

They compute nothing that could be measured. The look is one stylesheet, in
force only while a function of this module draws or saves.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from io import StringIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
from attrs import frozen
from matplotlib import patheffects, style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.ticker import FixedLocator, Formatter, FuncFormatter, MaxNLocator
from matplotlib.transforms import Bbox

from sim.timeline import Timeline
from sim.wording import count, readable, significant, time_unit

INK, GREY = "#1F2933", "#52606D"
WRITE, READ, STALE = "#0072B2", "#D55E00", "#E69F00"
READ_TEXT, STALE_LINE = "#B84F00", "#B87800"  # darker, so that thin things stay legible
SHADE = 0.20

STYLE: list[Any] = [Path(__file__).with_name("lag.mplstyle")]
NO_DATES: dict[str, dict[str, Any]] = {
    ".svg": {"Date": None, "Creator": None},
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}

CROWDED = 2000  # with so many commits in the picture, rulers would measure what nobody can see
SHORTEST_RULER = 14.0  # points, so that two arrowheads fit
LINE_HEIGHT = 13.0  # points, from one label to the next
ROUND = (1, 2, 5, 10)  # ticks are these, times a power of ten


Point = tuple[float, float]
HAlign = Literal["left", "center", "right"]
VAlign = Literal["bottom", "center", "top"]


@frozen
class Place:
    """Where a label may stand: so many points off a place of the axes, aligned so."""

    at: Point
    shift: Point
    ha: HAlign
    va: VAlign


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


def lag_over_time(timeline: Timeline, axes: Sequence[Axes] | None = None) -> Figure:
    """Draw how the read model follows the write model, and below it the staleness between them.

    Takes two axes, one above the other, or makes a figure of its own.
    """
    with _look():
        upper, lower = axes if axes is not None else _two_panels()
        if timeline.eventless:
            _say_nothing_happened(timeline, upper, lower)
        else:
            _draw_models(timeline, upper)
            _draw_staleness(timeline, lower)
            _share_time(timeline, upper, lower)
            _label_models(timeline, upper)
            if timeline.commits < CROWDED:
                _draw_rulers(timeline, upper)
        figure = _figure(upper)
        if axes is None:
            figure.set_layout_engine("none")  # labels stand where nothing is: nothing may move any more
        return figure


def save(figure: Figure, path: Path) -> None:
    """Write a figure to a file, of the kind that its suffix says; the same figure gives the same bytes."""
    with _look():
        figure.savefig(path, metadata=NO_DATES.get(path.suffix.lower(), {}))


def as_svg(figure: Figure) -> str:
    """Give a figure as the text of an SVG picture; the same figure gives the same text."""
    text = StringIO()
    with _look():
        figure.savefig(text, format="svg", metadata=NO_DATES[".svg"])
    return text.getvalue()


def _look() -> AbstractContextManager[None]:
    """Put our stylesheet in force, whatever the settings are, until the context ends."""
    return style.context(STYLE, after_reset=True)


def _two_panels() -> tuple[Axes, Axes]:
    figure = Figure(figsize=(7.6, 5.0))
    upper, lower = figure.subplots(2, sharex=True, height_ratios=(2.5, 1))
    return upper, lower


def _figure(axes: Axes) -> Figure:
    figure = axes.get_figure(root=True)
    assert figure is not None, "the axes have been taken off their figure"
    return figure


def _say_nothing_happened(timeline: Timeline, upper: Axes, lower: Axes) -> None:
    upper.set_axis_off()
    lower.set_axis_off()
    start, end = timeline.window
    words = f"{_subject(timeline)}: nothing was committed between {readable(start)} and {readable(end)}."
    upper.text(0.5, 0.5, words.capitalize(), transform=upper.transAxes, ha="center", va="center", color=GREY)


def _draw_models(timeline: Timeline, axes: Axes) -> None:
    """Draw both step lines, and shade what lies between them."""
    (when, written), (then, shown) = timeline.written.corners(), timeline.shown.corners()
    around = np.concatenate([when, then[::-1]]), np.concatenate([written, shown[::-1]])
    axes.fill(*around, color=STALE, alpha=SHADE, label="stale window")
    axes.plot(when, written, color=WRITE, label="write model")
    axes.plot(then, shown, color=READ, label="read model")
    axes.set_title("The read model follows the write model, late")
    words = f"Shaded: the stale window of {_subject(timeline)}. Everything a reader sees there is history."
    axes.annotate(words, (0, 1), (0, 9), "axes fraction", "offset points", color=GREY)
    axes.set_ylabel("version" if timeline.product is not None else "versions")
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=ROUND, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda version, _: f"{version:,.0f}"))
    low, high = int(shown.min()), int(written.max())
    axes.set_ylim(low - 0.02 * (high - low), high + 0.1 * (high - low))  # room for a label on top


def _draw_staleness(timeline: Timeline, axes: Axes) -> None:
    """Draw the sawtooth, and its 95th percentile over time."""
    times, seconds = timeline.staleness.times, timeline.staleness.seconds
    axes.fill_between(times, seconds, color=STALE, alpha=SHADE)
    axes.plot(times, seconds, color=STALE_LINE, linewidth=1.3, label="staleness")
    axes.axhline(timeline.p95, color=INK, linewidth=1.1, linestyle=(0, (5, 2.5)), label="p95")
    _label_end(axes, f"p95 {readable(timeline.p95)}", timeline.p95, INK)
    axes.set_ylabel("staleness")
    worst = float(seconds.max())
    axes.set_ylim(0, 1.15 * worst or 1)
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=ROUND) if worst else FixedLocator([0]))
    axes.yaxis.set_major_formatter(Times())


def _share_time(timeline: Timeline, upper: Axes, lower: Axes) -> None:
    for axes in (upper, lower):
        axes.set_xlim(timeline.window)
        axes.xaxis.set_major_locator(MaxNLocator(8, steps=ROUND))
        axes.xaxis.set_major_formatter(Times())
    upper.tick_params(axis="x", labelbottom=False)
    lower.set_xlabel("virtual time")


class Times(Formatter):
    """Writes the times of one axis in one unit, that of the longest: "200 ms", "1.5 s"."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Write a time that stands alone."""
        return self.format_ticks([x])[0]

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Write the times of all ticks."""
        size, unit = time_unit(max(map(abs, values), default=0.0))
        dust = 1e-12 * size  # what binary fractions add to a tick
        return ["0" if abs(x) <= dust else f"{significant(x / size, 12)} {unit}" for x in values]


def _label_models(timeline: Timeline, axes: Axes) -> None:
    """Label both lines at their ends, one above the other where the ends are close."""
    written, shown = int(timeline.written.versions[-1]), int(timeline.shown.versions[-1])
    labels = (
        _label_end(axes, "write model", written, WRITE, weight="bold"),
        _label_end(axes, "read model", shown, READ_TEXT, weight="bold"),
    )
    _figure(axes).draw_without_rendering()
    spread = max(0.0, LINE_HEIGHT - _points(axes, (0, shown), (0, written))[1]) / 2
    for label, shift in zip(labels, (spread, -spread), strict=True):
        label.set_position((8, shift))


def _label_end(axes: Axes, words: str, height: float, color: str, **font: Any) -> Annotation:
    """Write the name of a line to the right of where it ends."""
    place = (1, height), (8, 0), ("axes fraction", "data"), "offset points"
    return _write(axes, words, *place, va="center", color=color, **font)


def _write(axes: Axes, words: str, *place: Any, **font: Any) -> Annotation:
    """Write a direct label with a white halo."""
    label = axes.annotate(words, *place, **font)
    label.set_annotation_clip(False)
    label.set_path_effects([patheffects.withStroke(linewidth=3, foreground="white")])
    return label


def _draw_rulers(timeline: Timeline, axes: Axes) -> None:
    """Measure the greatest lag across and the greatest gap upright, where they are long enough to see."""
    rulers = [
        ruler for ruler in _rulers(timeline) if max(_points(axes, ruler.start, ruler.end)) >= SHORTEST_RULER
    ]
    arrow = {"arrowstyle": "<->", "color": INK, "linewidth": 1.1, "shrinkA": 0, "shrinkB": 0}
    for ruler in rulers:
        axes.annotate("", ruler.start, ruler.end, arrowprops=arrow)
        if ruler.lead != ruler.end:
            axes.plot(*zip(ruler.end, ruler.lead, strict=True), color=INK, linewidth=1.1, linestyle=":")
    taken = [_extent(axes, ruler.start, ruler.end).padded(4) for ruler in rulers]
    for ruler in rulers:
        taken.append(_write_where_free(axes, ruler, taken))


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


def _write_where_free(axes: Axes, ruler: Ruler, taken: list[Bbox]) -> Bbox:
    """Label a ruler at the first place that is inside the axes, on nothing that is taken and on no line."""
    lines = [line.get_transform().transform_path(line.get_path()) for line in axes.lines]
    tried = [
        _write(axes, ruler.words, place.at, place.shift, "data", "offset points", ha=place.ha, va=place.va)
        for place in ruler.places
    ]

    def trouble(label: Annotation) -> tuple[bool, bool, bool]:
        box = label.get_window_extent().padded(2)
        cut = not (axes.bbox.fully_contains(*box.min) and axes.bbox.fully_contains(*box.max))
        crossed = any(line.intersects_bbox(box, filled=False) for line in lines)
        return cut, box.count_overlaps(taken) > 0, crossed

    best = min(tried, key=trouble)
    for label in tried:
        if label is not best:
            label.remove()
    return best.get_window_extent().padded(2)


def _points(axes: Axes, one: Point, other: Point) -> Point:
    """Measure how far apart two places of the axes are, across and upright, in points."""
    box = _extent(axes, one, other)
    inch = _figure(axes).dpi
    return 72 * box.width / inch, 72 * box.height / inch


def _extent(axes: Axes, one: Point, other: Point) -> Bbox:
    """Give the rectangle on the canvas between two places of the axes."""
    return Bbox(axes.transData.transform([one, other]))


def _subject(timeline: Timeline) -> str:
    return "all products" if timeline.product is None else f"product {timeline.product}"
