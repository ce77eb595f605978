"""Labels that stand directly beside what they name, where nothing else is."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
from attrs import frozen
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.path import Path
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from sim.plots.canvas import figure_of

LINE_HEIGHT = 13.0  # points, from one label to the next
CLEAR = 2.0  # points of air around a label
RADII, DIRECTIONS = (16, 24, 34, 46, 60, 76, 94, 114, 140), 16  # where to look for a free place

Point = tuple[float, float]
HAlign = Literal["left", "center", "right"]
VAlign = Literal["bottom", "center", "top"]


@frozen
class Place:
    """Where a label may stand: so many points off a place of the axes, aligned so."""

    at: Point
    shift: Point
    ha: HAlign = "center"
    va: VAlign = "center"


def write(axes: Axes, words: str, *place: Any, **font: Any) -> Annotation:
    """Write a direct label with a white halo."""
    label = axes.annotate(words, *place, **font)
    label.set_annotation_clip(False)
    label.set_path_effects([patheffects.withStroke(linewidth=3, foreground="white")])
    return label


def write_at(axes: Axes, words: str, place: Place, **font: Any) -> Annotation:
    """Write a direct label at a place."""
    return write(
        axes, words, place.at, place.shift, "data", "offset points", ha=place.ha, va=place.va, **font
    )


def write_where_free(
    axes: Axes,
    words: str,
    places: Sequence[Place],
    taken: list[Bbox],
    strict: bool = True,
    lines: Sequence[Path] | None = None,
    **font: Any,
) -> Annotation | None:
    """Write a label at the first place that is inside the axes, on nothing that is taken, and on no line.

    Takes that place. Where no place is free none is written; if not `strict`,
    it may stand on a line. The lines are those of the axes, if none are given.
    """
    label = write_at(axes, words, places[0], **font)
    size = label.get_window_extent().size
    lines = lines_of(axes) if lines is None else lines
    spots = [(place, _box(axes, size, place)) for place in places]
    spots = [(place, box) for place, box in spots if _inside(axes, box) and not box.count_overlaps(taken)]
    clear = (spot for spot in spots if not crosses(lines, spot[1]))
    best = next(clear, None if strict or not spots else spots[0])
    if best is None:
        label.remove()
        return None
    place, box = best
    label.xy = place.at
    label.set_position(place.shift)
    label.set(ha=place.ha, va=place.va)
    taken.append(box)
    return label


def lines_of(axes: Axes) -> list[Path]:
    """Give the lines of the axes as paths on the canvas; dots are none."""
    lines = [line for line in axes.lines if line.get_linestyle() != "None"]
    return [line.get_transform().transform_path(line.get_path()) for line in lines]


def crosses(lines: Iterable[Path], box: Bbox) -> bool:
    """Say whether any line, as a path on the canvas, passes through a box."""
    return any(line.intersects_bbox(box, filled=False) for line in lines)


def round_about(at: Point) -> list[Place]:
    """Name places around a point, the nearest first."""
    turns = [2 * math.pi * n / DIRECTIONS for n in range(DIRECTIONS)]
    return [
        Place(at, (1.4 * radius * math.cos(turn), radius * math.sin(turn)))
        for radius in RADII
        for turn in turns
    ]


def label_ends(axes: Axes, labels: Sequence[tuple[str, float, dict[str, Any]]]) -> list[Annotation]:
    """Write the names of lines to the right of where they end.

    Each is its words, the height of the end, and its font. The layout makes
    room for them; once it has come to rest, `part` them.
    """
    place: Any = ((8, 0), ("axes fraction", "data"), "offset points")
    return [write(axes, words, (1, height), *place, va="center", **font) for words, height, font in labels]


def part(axes: Axes, ends: Sequence[Annotation]) -> None:
    """Move the names of lines that end close to each other, so that none stands upon another."""
    heights = [points(axes, (axes.get_xlim()[1], label.xy[1]))[1] for label in ends]
    sizes = [LINE_HEIGHT * (1 + label.get_text().count("\n")) for label in ends]
    for label, end, height in zip(ends, heights, spread(heights, sizes), strict=True):
        label.set_position((8, height - end))


def write_list(axes: Axes, words: Sequence[str], fonts: Sequence[dict[str, Any]]) -> list[Bbox]:
    """Write names one below the other, in the upper left corner: there is no room beside what they name."""
    places = [(8, -LINE_HEIGHT * (row + 0.4)) for row in range(len(words))]
    written = [
        write(axes, line, (0, 1), place, "axes fraction", "offset points", va="top", **font)
        for line, place, font in zip(words, places, fonts, strict=True)
    ]
    return [label.get_window_extent() for label in written]


def spread(heights: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """Move things that stand so high, and are so tall, as little as it takes that none overlaps another.

    In their order, the first of equals on top; those in each other's way share the shift.
    """
    order = sorted(range(len(heights)), key=lambda i: (heights[i], -i))
    piles: list[tuple[list[int], float, float]] = []  # who is on it, its middle, its size
    for i in order:
        pile = [i], heights[i], sizes[i]
        while piles and piles[-1][1] + piles[-1][2] / 2 > pile[1] - pile[2] / 2:
            below = piles.pop()
            members, size = below[0] + pile[0], below[2] + pile[2]
            pile = members, (below[1] * len(below[0]) + pile[1] * len(pile[0])) / len(members), size
        piles.append(pile)
    found = [0.0] * len(heights)
    for members, middle, size in piles:
        bottom = middle - size / 2
        for i in members:
            found[i] = bottom + sizes[i] / 2
            bottom += sizes[i]
    return found


def points(axes: Axes, place: Point) -> Point:
    """Say where a place of the axes is on the canvas, in points."""
    x, y = axes.transData.transform(place)
    scale = 72 / figure_of(axes).dpi
    return float(x) * scale, float(y) * scale


def distance(axes: Axes, one: Point, other: Point) -> Point:
    """Measure how far apart two places of the axes are, across and upright, in points."""
    (x, y), (other_x, other_y) = points(axes, one), points(axes, other)
    return abs(x - other_x), abs(y - other_y)


def extent(axes: Axes, one: Point, other: Point) -> Bbox:
    """Give the rectangle on the canvas between two places of the axes."""
    corners = axes.transData.transform([one, other])
    return Bbox([corners.min(axis=0), corners.max(axis=0)])


def way_inside(axes: Axes, label: Annotation) -> float:
    """Measure how far it is from a label's middle to its edge, towards what it names, in points."""
    box, dots = label.get_window_extent(), figure_of(axes).dpi / 72
    across, up = (abs(step) * dots for step in label.get_position())
    return math.hypot(across, up) / max(across / box.width, up / box.height) / 2 / dots


def _box(axes: Axes, size: Any, place: Place) -> Bbox:
    """Say which part of the canvas a label of that size would take at a place."""
    dots = figure_of(axes).dpi / 72
    x, y = np.asarray(axes.transData.transform(place.at)) + dots * np.asarray(place.shift)
    width, height = size
    left = x - width * {"left": 0.0, "center": 0.5, "right": 1.0}[place.ha]
    bottom = y - height * {"bottom": 0.0, "center": 0.5, "top": 1.0}[place.va]
    return Bbox.from_bounds(left, bottom, width, height).padded(CLEAR * dots)


def _inside(axes: Axes, box: Bbox) -> bool:
    return bool(axes.bbox.fully_contains(*box.min) and axes.bbox.fully_contains(*box.max))
