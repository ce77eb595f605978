from functools import cache

import numpy as np
import pytest
from attrs import evolve
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

import sim
from sim.plots import queue_over_time
from sim.plots.canvas import QUEUE, READ
from sim.replay.backlog import Backlog, backlog
from sim.scenario_file import parse_scenario
from tests import figures
from tests.figures import points, words

dejavu = figures.dejavu


@cache
def queue(name: str) -> Backlog:
    """Count what waits in one of the scenarios that come along."""
    return backlog(sim.run(name, engine="auto"))


def small(capacity: float = 2) -> Backlog:
    """Make up a queue that grows beyond its channel."""
    inside, outside = np.array([0, 2, 2, 1, 0]), np.array([0, 0, 3, 0, 0])
    times, edges, busy = np.arange(5.0), np.array([0.0, 2.0, 4.0]), np.array([0.5, 1.0])
    return Backlog("writer", 9, times, inside, outside, capacity, edges, busy, 0.75, 0.25)


def panels(backlog: Backlog) -> tuple[Axes, Axes]:
    """Draw, and give the two panels."""
    upper, lower = queue_over_time(backlog).axes
    return upper, lower


def test_both_panels_draw_what_was_counted() -> None:
    """The outline steps where the count does; the busy share is constant in each slice."""
    upper, lower = panels(small())
    steps = [[0, 1, 1, 2, 2, 3, 3, 4, 4], [0, 0, 2, 2, 5, 5, 1, 1, 0]]
    assert points(upper, "inside") == points(upper, "outside") == steps
    assert points(lower, "busy") == [[0, 2, 2, 4], [0.5, 0.5, 1, 1]]
    assert points(lower, "mean")[1] == [0.75, 0.75]
    assert upper.get_xlim() == lower.get_xlim() == (0, 4)


def test_the_colour_changes_where_the_channel_is_full() -> None:
    """The same outline is green below the capacity, and orange above it."""
    upper, _ = panels(small())
    lines = {line.get_label(): line for line in upper.lines}
    inside, outside = (lines[name].get_clip_box() for name in ("inside", "outside"))
    assert inside
    assert outside
    assert (inside.y1, outside.y0) == pytest.approx((upper.transData.transform((0, 2))[1],) * 2)
    assert [to_hex(lines[name].get_color()).upper() for name in ("inside", "outside")] == [QUEUE, READ]


def test_the_share_of_time_blocked_is_written_on_the_figure() -> None:
    """Beside it the channel's end, and what is inside."""
    upper, lower = panels(small())
    assert words(upper)[1:] == ["senders blocked\n25% of the time", "channel is full", "in the channel"]
    assert words(lower) == ["mean 75%"]
    assert upper.get_title(loc="left") == "A full channel turns waiting into back-pressure"


def half_full() -> Backlog:
    """Have a queue that comes half as far as there is room."""
    return evolve(small(2 * float(small().inside.max())), outside=0 * small().outside)


def test_where_the_channel_ends_is_seen_from_half_way_on() -> None:
    """The line lies inside the picture, and its name beside it."""
    upper, _ = panels(half_full())
    ends, (low, high) = points(upper, "full")[1], upper.get_ylim()
    assert ends == [2 * small().inside.max()] * 2
    assert low < ends[0] < high
    assert "channel is full" in words(upper)


def test_nobody_who_waits_is_said() -> None:
    """And without any command there is nothing to draw."""
    assert words(panels(queue("story"))[0]) == ["Nobody ever waited."]
    empty = backlog(sim.run(parse_scenario('title = "quiet"\nduration = "1s"\n')))
    assert figures.said(queue_over_time(empty)) == "No command came in the measured window."


def test_a_very_long_queue_is_drawn_with_the_points_that_can_be_told_apart() -> None:
    """Of 200,000 steps some thousand are left, the highest and the lowest among them."""
    times, depths = np.linspace(0, 4, 200_001), np.arange(200_001) % 2
    depths[[777, 150_000]] = 90
    crowded = evolve(small(), times=times, inside=depths, outside=0 * depths)
    drawn = points(panels(crowded)[0], "inside")
    assert len(drawn[0]) < 9000
    assert [drawn[0][i] for i in np.flatnonzero(np.array(drawn[1]) == 90)[::2]] == times[
        [777, 150_000]
    ].tolist()


CASES = {
    "few": lambda: small(),
    "room for none": lambda: evolve(small(0), inside=0 * small().inside),
    "room for all": lambda: evolve(small(np.inf), outside=0 * small().outside),
    "half full": lambda: half_full(),
    "hardly full": lambda: evolve(small(1000), inside=small().inside + 998),
    "nobody waits": lambda: queue("story"),
    "flash sale": lambda: queue("flash-sale"),
    "back-pressure": lambda: queue("back-pressure"),
    "lock": lambda: queue("one-lock"),
}


@pytest.mark.parametrize("case", CASES)
def test_no_label_is_cut_or_stands_on_another(case: str) -> None:
    """Every text lies inside the figure, and no two overlap."""
    assert figures.flaws(queue_over_time(CASES[case]())) == []
