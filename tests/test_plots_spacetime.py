from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from attrs import evolve
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Text

import sim
from sim.plots import space_time
from sim.replay.messages import MOST, Exchange, TooMany, around_query, around_worst, exchange
from sim.scenario_file import parse_scenario
from sim.trace import Trace
from tests import figures
from tests.figures import words

dejavu = figures.dejavu

CROWD = """
title = "A crowd with a name"
duration = "10s"
[products]
count = 2
[[workers]]
name = "clerks"
count = {clerks}
pace = "poisson(4/s)"
[[queries]]
name = "{askers}"
count = 2
pace = "poisson(3/s)"
[writer]
service = "exponential(100ms)"
[link]
delay = "exponential(300ms)"
order = "{order}"
loss = 0.1
duplicates = 0.1
[reader]
handler = "50ms"
"""
LONG = "customers whose name is much too long for any figure"


@cache
def library(name: str) -> Trace:
    """Run one of the scenarios that come along."""
    return sim.run(name, engine="auto")


@cache
def crowd(order: str = "independent", clerks: int = 3, askers: str = "askers") -> Trace:
    """Run a small crowd in which much goes wrong."""
    return sim.run(parse_scenario(CROWD.format(order=order, clerks=clerks, askers=askers)))


def as_much_as_can_be_read(trace: Trace, start: float = 1.0) -> Exchange:
    """Tell the longest stretch from some instant on that is not refused."""
    told, length = exchange(trace, (start, start + 0.05)), 0.05
    while True:
        length += 0.05
        try:
            told = exchange(trace, (start, start + length))
        except TooMany:
            return told


def panel(told: Exchange) -> Axes:
    """Draw, and give the only panel."""
    [axes] = space_time(told).axes
    return axes


def arrows(axes: Axes, kind: str) -> list[list[tuple[float, float]]]:
    """Give the corners of the arrows of one kind."""
    lines = [line for line in axes.lines if line.get_label() == kind]
    return [_corners(line) for line in lines]


def _corners(line: Line2D) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in np.asarray(line.get_xydata())]


def heights(axes: Axes) -> dict[str, float]:
    """Give the height of each lane, by its name."""
    return {
        tick.get_text(): float(y) for tick, y in zip(axes.get_yticklabels(), axes.get_yticks(), strict=True)
    }


def test_each_message_is_an_arrow_between_two_lanes() -> None:
    """From when and where it left until when and where it came."""
    axes = panel(exchange(library("story")))
    lanes = heights(axes)
    assert list(lanes) == ["you", "writer", "link", "reader"]
    assert sorted(lanes.values(), reverse=True) == list(lanes.values())
    you, writer, reader = lanes["you"], lanes["writer"], lanes["reader"]
    assert arrows(axes, "command") == [[(t, you), (t, writer)] for t in (0, 1.8, 2)]
    assert arrows(axes, "answer") == [[(t, writer), (t, you)] for t in (0, 1.8, 2)]
    assert arrows(axes, "change") == [[(0, writer), (1, reader)], [(2, writer), (3, reader)]]
    assert arrows(axes, "query") == [[(t, reader), (t, you)] for t in (0, 1.5, 2.5, 3.5)]


def test_what_the_story_s_figure_says() -> None:
    """What was asked and answered, which version was where, and how long it could not be seen."""
    axes = panel(exchange(library("story")))
    assert axes.get_title(loc="left") == "Every message, from whom to whom"
    assert [word for word in words(axes)[1:] if word != "ok"] == [
        "v1 invisible for 1 s",
        "v2 invisible for 1 s",
        "sees v0",
        "sees v1",
        "sees v1",
        "sees v2",
        "v1",
        "v2",
        "v1",
        "v2",
        "add 10",
        "Not enough stock!",
        "remove 4",
    ]


def test_a_change_that_is_held_stays_in_the_link_s_lane_meanwhile() -> None:
    """It bends into the lane, and on to the reader when it may."""
    told = around_worst(library("flash-sale"))
    axes = panel(told)
    held = [message for message in told.messages if message.held]
    bent = [corners for corners in arrows(axes, "change") if len(corners) == 4]
    link = heights(axes)["link"]
    assert [corners[1:3] for corners in bent] == [
        [(m.held[0], link), (m.held[1], link)] for m in held if m.held
    ]
    assert "held back" in words(axes)


def test_a_change_that_is_lost_ends_in_a_cross() -> None:
    """In the link's lane, with no arrowhead."""
    told = around_worst(library("lost-for-good"))
    axes = panel(told)
    crosses = [line for line in axes.lines if line.get_marker() == "X"]
    lost = [message.sent for message in told.messages if message.received == float("inf")]
    assert [_corners(line) for line in crosses] == [[(sent, heights(axes)["link"])] for sent in lost]


def test_the_stale_window_is_shaded_and_named() -> None:
    """From the commit of what was missed until it can be seen."""
    told = around_worst(library("polling"))
    axes = panel(told)
    [hidden] = told.hidden
    [shade] = axes.patches
    assert shade.get_extents().transformed(axes.transData.inverted()).intervalx == pytest.approx(
        [hidden.since, hidden.shown]
    )
    assert "v27 is committed, yet invisible for 998 ms" in words(axes)
    assert axes.get_title(loc="left") == "How a read came to be 976 ms stale"


def test_what_is_left_out_is_said() -> None:
    """How many messages, and about what."""
    said = words(panel(around_worst(library("flash-sale"))))[0]
    assert said == "The flatter an arrow, the slower its message. Left out: 301 more about product 2."


def test_titles_name_the_case() -> None:
    """One's own write that was not seen yet; a read that missed nothing; one product."""
    story = library("story")
    titles = [panel(told).get_title(loc="left") for told in (around_query(story, 2), around_query(story, 3))]
    assert titles == ["Reading your own write, too early: 500 ms stale", "A read that missed nothing"]
    assert panel(exchange(story, product=1)).get_title(loc="left").startswith("Every message about product 1")


def test_nothing_to_show_is_said() -> None:
    """A stretch in which nobody said anything."""
    silent = space_time(exchange(library("story"), (3.6, 3.9)))
    assert figures.said(silent) == "Nobody said anything between 3.6 s and 3.9 s."


CASES: dict[str, Callable[[], Exchange]] = {
    "the story": lambda: exchange(library("story")),
    "a read of the story": lambda: around_query(library("story"), 2),
    **{
        f"worst of {name}": lambda name=name: around_worst(library(name))  # type: ignore[misc]
        for name in (
            "flash-sale",
            "outage",
            "overtaking",
            "polling",
            "twice",
            "slow-projection",
            "lost-for-good",
            "back-pressure",
            "dual-write",
            "restart",
        )
    },
    **{
        f"forty, {order}, from {start} s": lambda order=order, start=start: as_much_as_can_be_read(  # type: ignore[misc]
            crowd(order), start
        )
        for order in ("independent", "fifo", "serial")
        for start in (1.0, 5.0)
    },
    "forty, of many people": lambda: as_much_as_can_be_read(crowd(clerks=30)),
    "forty, with long names": lambda: as_much_as_can_be_read(crowd(askers=LONG)),
    "forty at once": lambda: evolve(as_much_as_can_be_read(crowd()), window=(1.0, 100.0)),
}


TELLING = (  # what differs most; the others take their time
    "the story",
    "worst of flash-sale",
    "worst of overtaking",
    "worst of dual-write",
    "forty, independent, from 1.0 s",
    "forty, serial, from 5.0 s",
    "forty, with long names",
)


@pytest.mark.parametrize(
    "case", [case if case in TELLING else pytest.param(case, marks=pytest.mark.slow) for case in CASES]
)
def test_no_label_is_cut_or_stands_on_another(case: str) -> None:
    """Every text lies inside the figure, no two overlap, and none stands on a line or on a dot."""
    told = CASES[case]()
    assert 0 < len(told.messages) <= MOST
    figure = space_time(told)
    assert figures.flaws(figure) == []
    [axes] = figure.axes
    labels = [text for text in axes.texts[1:] if text.get_text()]
    assert figures.labels_on_lines(axes, labels) == []
    assert [text.get_text() for text in labels if _on_a_dot(axes, text)] == []
    assert len(labels) >= 4


def _on_a_dot(axes: Axes, text: Text) -> bool:
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    places = [axes.transData.transform(_corners(line)[0]) for line in dots]
    box = text.get_window_extent()
    return any(box.contains(float(x), float(y)) for x, y in places)
