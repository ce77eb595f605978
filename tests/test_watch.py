import io
from functools import cache

import pytest
from rich.console import Console

import sim
from sim.scenario_file import parse_scenario
from sim.terminal.tale import tell
from sim.terminal.watch import Shelf, Travel, View, about, show, view, watch, watched
from sim.trace import Trace

PASSED = """
title = "One passes the other"
duration = "1s"
[link]
delay = "uniform(0ms, 1s)"
order = "independent"
loss = {loss}
[reader]
apply = "{apply}"
"""
STEPS = "".join(f'[[steps]]\nat = "{at}ms"\ndo = "add"\nquantity = 5\n' for at in range(0, 1000, 50))


@cache
def story() -> Trace:
    """Run the story."""
    return sim.run("story")


def seen(trace: Trace, at: float) -> View:
    """See an instant of a run."""
    products = watched(trace)
    return view(trace, tell(about(trace, products)), at, products)


def printed(view: View, width: int = 100, height: int = 16) -> list[str]:
    """Show a view on a terminal of so many columns, without colours."""
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=width, height=height)
    console.print(show(view, height))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_in_the_story_both_models_are_seen_and_what_is_between_them() -> None:
    """Four tenths of a second after its commit, a change has four tenths of its second behind it."""
    assert seen(story(), 0.4) == View(
        at=0.4,
        until=4.0,
        shelves=(Shelf(1, held=10, held_version=1, shown=0, shown_version=0),),
        travels=(Travel(1, version=1, quantity=10, behind=0.4),),
        told=tuple(tell(story())[:4]),
    )


@pytest.mark.parametrize(
    ("at", "held", "shown", "on_the_way"), [(1.2, 10, 10, 0), (2.5, 6, 10, 1), (3.5, 6, 6, 0)]
)
def test_the_read_model_follows(at: float, held: int, shown: int, on_the_way: int) -> None:
    """What was committed is held at once and shown a second later."""
    [shelf], travels = seen(story(), at).shelves, seen(story(), at).travels
    assert (shelf.held, shelf.shown, len(travels)) == (held, shown, on_the_way)


@pytest.mark.parametrize("apply", ["newest", "arrival", "delta"])
def test_in_the_end_the_shelves_hold_what_the_models_did(apply: str) -> None:
    """However changes are applied, and whichever overtakes whom."""
    trace = sim.run(parse_scenario(PASSED.format(apply=apply, loss=0.2) + STEPS))
    [shelf] = seen(trace, trace.until).shelves
    model = trace.models.row(0, named=True)
    assert (shelf.held, shelf.held_version, shelf.shown) == (
        model["held"],
        model["held_version"],
        model["shown"],
    )


def test_a_change_that_was_lost_never_comes() -> None:
    """It stays on its way for ever, and the picture says so."""
    trace = sim.run(parse_scenario(PASSED.format(apply="newest", loss=0.5) + STEPS))
    lost = trace.changes["visible"].null_count()
    end = seen(trace, trace.until)
    assert [travel.behind is None for travel in end.travels] == [True] * lost
    assert sum("never" in line for line in printed(end, height=30)) == min(lost, 6)


def test_of_a_crowd_the_product_that_tells_most_is_watched() -> None:
    """Nothing is told of the others."""
    trace = sim.run("hot-product", settings={"duration": "2s", "warmup": "0s"})
    assert watched(trace) == [1]
    assert {line.text for line in seen(trace, 1.0).told if "product" in line.text} <= {
        line.text for line in tell(trace) if "product 1" in line.text
    }


def test_what_the_terminal_shows_of_an_instant() -> None:
    """The clock, three boxes side by side, and below them what has happened."""
    assert printed(seen(story(), 2.5), width=80, height=13) == [
        "    2.500 s   of 4 s",
        "╭──── write model ─────╮╭───────── on the way ─────────╮╭───── read model ─────╮",
        "│ product 1: 6         ││ ───────●──────  6 of produc… ││ product 1: 10        │",
        "│ version 2            ││                              ││ version 1, 1 behind  │",
        "╰──────────────────────╯╰──────────────────────────────╯╰──────────────────────╯",
        "╭─────────────────────────────── what happened ────────────────────────────────╮",
        "│     1.800 s     answer      Not enough stock!                                │",
        "│     2.000 s   command       remove 4 from product 1                          │",
        "│     2.000 s     answer      accepted: the write model says 6                 │",
        "│     2.500 s   query         how many of product 1?                           │",
        "│     2.500 s     answer      the read model says 10 (1 change behind)         │",
        "╰──────────────────────────────────────────────────────────────────────────────╯",
    ]


@pytest.mark.parametrize(("width", "height"), [(60, 12), (80, 24), (200, 60)])
def test_a_picture_fits_the_terminal(width: int, height: int) -> None:
    """No line is longer than the terminal is wide, and there are no more of them than it is high."""
    lines = printed(seen(story(), 3.5), width, height)
    assert max(map(len, lines)) <= width
    assert len(lines) <= height


def test_many_changes_on_their_way_are_counted() -> None:
    """Six are drawn, and the others are a number."""
    trace = sim.run("hot-product", settings={"duration": "2s", "warmup": "0s", "link.delay": "2s"})
    on_the_way = seen(trace, 1.9)
    assert len(on_the_way.travels) > 6
    lines = printed(on_the_way, height=30)
    assert sum("●" in line for line in lines) == 6
    assert any(f"and {len(on_the_way.travels) - 6} more" in line for line in lines)


def test_watching_takes_as_long_as_the_run_and_leaves_the_terminal_whole() -> None:
    """The last picture stays, and the cursor is there again."""
    steps = 'duration = "200ms"\n[link]\ndelay = "50ms"\n[[steps]]\nat = "0s"\ndo = "add"\n'
    console = Console(file=io.StringIO(), force_terminal=True, width=80, height=24)
    watch(sim.run(parse_scenario(f'title = "Short"\n{steps}')), console)
    assert isinstance(console.file, io.StringIO)
    output = console.file.getvalue()
    assert "0.200 s" in output.split("of 200 ms")[-2]
    assert output.count("\x1b[?25l") == output.count("\x1b[?25h") == 1
