"""The space-time diagram: a lane for each actor, time from left to right, an arrow for each message."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from sim.plots.canvas import (
    AXIS,
    GREY,
    QUEUE_TEXT,
    READ,
    READ_TEXT,
    SHADE,
    STALE,
    STALE_TEXT,
    WRITE,
    figure_of,
    head,
    look,
    one_panel,
    say_instead,
    settle,
    write_times,
)
from sim.plots.labels import Place, Point, distance, extent, lines_of, write_where_free
from sim.replay.messages import LINK, READER, WRITER, Event, Exchange, Hidden, Message, Stay
from sim.wording import readable, shortened

STEPS = {WRITER: 1.25, LINK: 1.3, READER: 0.55}  # from the lane above; people are 0.8 apart
PERSON, TOP, BOTTOM = 0.8, 0.85, 0.75  # lanes; and the room above the first one, and below the last
INCHES, FRAME, WIDTH = 0.56, 1.45, 8.6  # of a lane; of all that is not a lane; of the figure
APART = 14.0  # points between commits that each have a label
LEVELS, BAR = 4, 0.09  # bars of stays that overlap: how many are told apart, and how far apart
LONGEST_NAME, LONGEST_WORDS = 20, 22
COLORS = {"command": GREY, "answer": WRITE, "change": READ}
LANES = {WRITER: WRITE, READER: READ_TEXT}

Heights = dict[str, float]


def space_time(exchange: Exchange, axes: Axes | None = None) -> Figure:
    """Draw who sent what to whom: the flatter an arrow, the slower its message.

    Shaded is the time in which a version is committed and not yet visible.
    """
    heights = _heights(exchange.lanes)
    with look():
        size = (WIDTH, FRAME + INCHES * (TOP + max(heights.values()) + BOTTOM))
        panel = axes if axes is not None else one_panel(size)
        if not exchange.messages:
            start, end = exchange.window
            say_instead(f"Nobody said anything between {readable(start)} and {readable(end)}.", panel)
            return settle(panel, own=axes is None)
        _draw_lanes(panel, exchange, heights)
        head(panel, _title(exchange), _subtitle(exchange))
        figure = settle(panel, own=axes is None)
        taken: list[Bbox] = []
        _draw_hidden(panel, exchange, taken)
        waits = _draw_stays(panel, exchange, heights)
        for event in exchange.events:
            _dot(panel, (event.time, heights[event.lane]), taken, WRITE if event.lane == WRITER else READ)
        for message in exchange.messages:
            _draw_message(panel, message, heights, taken)
        _label(panel, exchange, heights, waits, taken)
        return figure


def _heights(lanes: Sequence[str]) -> Heights:
    """Give each lane its height, the last one 0."""
    depths, depth = [], 0.0
    for number, lane in enumerate(lanes):
        depth += STEPS.get(lane, PERSON) if number else 0.0
        depths.append(depth)
    return {lane: depth - down for lane, down in zip(lanes, depths, strict=True)}


def _draw_lanes(axes: Axes, exchange: Exchange, heights: Heights) -> None:
    """Draw a line for each actor, with its name on the left; the link's is dashed, for nobody is there."""
    start, end = exchange.window
    axes.set_xlim(start, end)
    axes.set_ylim(-BOTTOM, max(heights.values()) + TOP)
    write_times(axes.xaxis)
    axes.set_xlabel(exchange.clock)
    axes.grid(False)
    axes.spines["left"].set_visible(False)
    for lane, height in heights.items():
        dashed: dict[str, Any] = {"linestyle": (0, (2, 2))} if lane == LINK else {}
        axes.plot([start, end], [height, height], color=AXIS, linewidth=1.2, zorder=1, label=lane, **dashed)
    axes.set_yticks(list(heights.values()), [shortened(lane, LONGEST_NAME) for lane in heights])
    for tick, lane in zip(axes.get_yticklabels(), heights, strict=True):
        tick.set(color=LANES.get(lane, GREY), weight="normal" if lane == LINK else "bold", size=10)


def _title(exchange: Exchange) -> str:
    """Say what the picture is about."""
    if exchange.focus and exchange.focus.stale:
        stale = f"{readable(exchange.staleness, 2)} stale"
        early = "Reading your own write, too early"
        return f"{early}: {stale}" if exchange.own else f"How a read came to be {stale}"
    if exchange.focus:
        return "A read that missed nothing"
    about = "" if exchange.product is None else f" about product {exchange.product}"
    return f"Every message{about}, from whom to whom"


def _subtitle(exchange: Exchange) -> str:
    """Say how to read it, and what is not there."""
    if exchange.left_out:
        of = "" if exchange.product is None else f" about product {exchange.product}"
        return f"The flatter an arrow, the slower its message. Left out: {exchange.left_out:,} more{of}."
    return "Each line is an actor, each arrow a message: the flatter, the slower."


def _draw_hidden(axes: Axes, exchange: Exchange, taken: list[Bbox]) -> None:
    """Shade when something is committed and cannot be seen, and say for how long, where there is room."""
    (left, right), top = axes.get_xlim(), axes.get_ylim()[1]
    for together in _together(exchange.hidden):
        since, until = together[0].since, max(one.shown for one in together)
        start, end = max(since, left), min(until, right)
        axes.axvspan(start, end, color=STALE, alpha=0.6 * SHADE, zorder=0)
        long, short = _why_hidden(together, until - since, exchange.product)
        place = Place(((start + end) / 2, top), (0, -4), "center", "top")
        label = write_where_free(axes, long, [place], taken, color=STALE_TEXT)
        if label and label.get_window_extent().width <= extent(axes, (start, 0), (end, 0)).width:
            continue
        if label:
            label.remove()
            taken.pop()
        write_where_free(axes, short, [place], taken, color=STALE_TEXT)


def _why_hidden(together: Sequence[Hidden], lasts: float, product: int | None) -> tuple[str, str]:
    """Say what cannot be seen, and for how long, in many words and in few."""
    first, last = min(one.version for one in together), max(one.version for one in together)
    alone = len(together) == 1
    several = f"v{first} to v{last}" if product is not None else f"{len(together)} versions"
    which, verb = (f"v{first}", "is") if alone else (several, "are")
    if math.isinf(lasts):
        long = f"never visible{'' if together[0].by is None else ' again'}"
    else:
        long = f"invisible for {readable(lasts, 2)}"
    by = together[0].by
    how = "committed, yet" if by is None else f"overwritten by v{by}, and"
    return f"{which} {verb} {how} {long}", f"{which} {long}"


def _together(hidden: Sequence[Hidden]) -> list[list[Hidden]]:
    """Put together what is hidden at the same time."""
    joined: list[list[Hidden]] = []
    for one in hidden:
        if joined and one.since <= max(other.shown for other in joined[-1]):
            joined[-1].append(one)
        else:
            joined.append([one])
    return joined


def _draw_stays(axes: Axes, exchange: Exchange, heights: Heights) -> list[tuple[Stay, float]]:
    """Draw work as a band along its lane, and waits as bars above it; give each wait's height."""
    waits: list[tuple[Stay, float]] = []
    for stay in sorted(exchange.stays, key=lambda s: (s.start, s.end)):
        span, height = [stay.start, stay.end], heights[stay.lane]
        if stay.kind == "work":
            color = WRITE if stay.lane == WRITER else READ
            axes.fill_between(span, height - 0.13, height + 0.13, color=color, alpha=0.25, zorder=1)
            continue
        beside = [h for other, h in waits if other.lane == stay.lane and other.end > stay.start]
        level = next((n for n in range(LEVELS) if height + 0.2 + n * BAR not in beside), LEVELS - 1)
        waits.append((stay, height + 0.2 + level * BAR))
        axes.plot(span, [waits[-1][1]] * 2, color=STALE, linewidth=3.2, solid_capstyle="butt", label="wait")
    return waits


def _draw_message(axes: Axes, message: Message, heights: Heights, taken: list[Bbox]) -> None:
    """Draw one arrow with a dot where it starts; a cross is where a message ends that never came."""
    color, corners = _color(message), _corners(message, heights)
    if message.kind == "query":  # the question, which takes no time unless there is a lock
        asked = message.sent, heights[message.sender]
        axes.plot(*zip(asked, corners[0], strict=True), color=AXIS, linewidth=1.2, zorder=2)
        _dot(axes, asked, taken, AXIS, size=4)
        _dot(axes, corners[0], taken, color, size=8, hollow=message.stale)
    if message.kind == "answer":
        _dot(axes, corners[-1], taken, color, size=6, hollow=True)
    if message.kind == "command":
        _dot(axes, corners[0], taken, color, size=5)
    axes.plot(*zip(*corners, strict=True), color=color, linewidth=1.6, zorder=3, label=message.kind)
    if message.held:
        link = heights[LINK]
        axes.plot(message.held, (link, link), color=STALE, linewidth=3.2, solid_capstyle="butt", zorder=4)
    if math.isinf(message.received):
        axes.plot(*corners[-1], marker="X", markersize=9, color=color, markeredgecolor="white", zorder=5)
        return
    head: dict[str, Any] = {"arrowstyle": "-|>", "color": color, "linewidth": 0, "mutation_scale": 11}
    head |= {"shrinkA": 0, "shrinkB": 0 if message.kind == "command" else 3}
    axes.annotate("", corners[-1], corners[-2], arrowprops=head, zorder=3)


def _corners(message: Message, heights: Heights) -> list[Point]:
    """Say through which points an arrow goes: straight, or along the link while it was held there."""
    sender, receiver, link = heights[message.sender], heights[message.receiver], heights[LINK]
    if message.kind == "query":
        return [(message.received, receiver), (message.received, sender)]
    start, end = (message.sent, sender), (message.received, receiver)
    if math.isinf(message.received):
        return [start, (message.sent, link if message.kind == "change" else (sender + receiver) / 2)]
    if message.held:
        return [start, (message.held[0], link), (message.held[1], link), end]
    return [start, end]


def _color(message: Message) -> str:
    if message.kind == "query":
        return READ_TEXT if message.stale else QUEUE_TEXT
    refused = message.kind == "answer" and message.words not in ("ok", "done before")
    return READ_TEXT if refused else COLORS[message.kind]


def _dot(axes: Axes, at: Point, taken: list[Bbox], color: str, size: float = 7, hollow: bool = False) -> None:
    """Draw a dot that no label may stand on."""
    filled = {"markerfacecolor": color, "markeredgecolor": "white"}
    ring = {"markerfacecolor": "white", "markeredgecolor": color, "markeredgewidth": 2.2}
    axes.plot(*at, marker="o", linestyle="none", markersize=size, zorder=6, **(ring if hollow else filled))
    x, y = axes.transData.transform(at)
    half = size / 2 * figure_of(axes).dpi / 72
    taken.append(Bbox.from_extents(x - half, y - half, x + half, y + half))


def _label(
    axes: Axes,
    exchange: Exchange,
    heights: Heights,
    waits: Sequence[tuple[Stay, float]],
    taken: list[Bbox],
) -> None:
    """Write what is said beside the arrows, what matters most first; what has no room is left out."""
    lines = lines_of(axes)

    def write(words: str, places: Sequence[Place], color: str, **font: Any) -> None:
        write_where_free(
            axes, shortened(words, LONGEST_WORDS), places, taken, lines=lines, color=color, **font
        )

    said = sorted(exchange.messages, key=lambda m: (m.kind != "query", m != exchange.focus, m.sent))
    for message in said:
        if message.kind == "query":
            write(message.words, _under(message.received, heights[READER]), _color(message), weight="bold")
    missed = {one.version for one in exchange.hidden} if exchange.focus else set()
    for event in sorted(exchange.events, key=lambda e: e.version not in missed):
        if event.lane == WRITER and (event.version in missed or _stands_alone(axes, event, exchange)):
            write(f"v{event.version}", _near(event, heights), WRITE, weight="bold")
    for event in exchange.events:
        if event.lane == READER:
            write(f"v{event.version}", _under(event.time, heights[READER]), READ_TEXT, weight="bold")
    for message in said:
        if message.kind in ("command", "answer"):
            write(message.words, _along(_corners(message, heights)), _color(message))
    for message in said:
        if message.held:
            middle = (sum(message.held) / 2, heights[LINK])
            write("held back", [Place(middle, (0, 4), "center", "bottom")], STALE_TEXT)
    for stay, height in waits:
        middle = ((stay.start + stay.end) / 2, height)
        write("waits", [Place(middle, (0, 4), "center", "bottom")], STALE_TEXT)


def _stands_alone(axes: Axes, event: Event, exchange: Exchange) -> bool:
    """Say whether a label beside a commit could be taken for that of another."""
    others = [e for e in exchange.events if e.lane == event.lane and e is not event]
    return all(distance(axes, (event.time, 0), (other.time, 0))[0] > APART for other in others)


def _under(time: float, height: float) -> list[Place]:
    """Name the places below a lane, the best first."""
    at = (time, height)
    rows = [Place(at, (aside, -9 - down), "center", "top") for down in (0, 12) for aside in (0, -14, 14)]
    return [*rows, Place(at, (-7, -9), "right", "top"), Place(at, (7, -9), "left", "top")]


def _near(event: Event, heights: Heights) -> list[Place]:
    """Name the places around a commit: above the lane or below it, rather before it than after."""
    at = (event.time, heights[event.lane])
    return [
        Place(at, (-6, -9), "right", "top"),
        Place(at, (-5, 9), "right", "bottom"),
        Place(at, (6, 9), "left", "bottom"),
        Place(at, (6, -9), "left", "top"),
        Place(at, (-14, -9), "right", "top"),
        Place(at, (14, 9), "left", "bottom"),
    ]


def _along(corners: Sequence[Point]) -> list[Place]:
    """Name the places beside an arrow, on either side, and above its end."""
    (x, y), (to_x, to_y) = corners[0], corners[-1]
    spots = [(x + part * (to_x - x), y + part * (to_y - y)) for part in (0.3, 0.45, 0.6, 0.2, 0.75)]
    beside = [Place(at, (6, 0), "left") for at in spots] + [Place(at, (-6, 0), "right") for at in spots]
    return [*beside, Place((to_x, to_y), (0, 8), "center", "bottom")]
