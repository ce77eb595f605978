import subprocess
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings

import sim
from sim.commands.plot import plot_run
from sim.page.gallery import PICTURES, NoFigure, View, draw, fitting, save_all
from sim.plots import as_svg
from sim.scenario import Scenario
from sim.scenario_file import parse_scenario
from sim.trace import Trace
from tests import figures
from tests.strategies import scenarios

dejavu = figures.dejavu

QUIET = 'title = "quiet"\nduration = "1s"\n'
CLERKS = QUIET + '[[workers]]\npace = "poisson(100/s)"\n'


@cache
def library(name: str) -> Trace:
    """Run one of the scenarios that come along."""
    return sim.run(name, engine="auto")


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("story", ["lag", "visibility", "queue", "percentiles", "blame", "spacetime"]),
        ("flash-sale", ["lag", "visibility", "queue", "percentiles", "blame", "spacetime"]),
        ("one-lock", ["lag", "queue", "percentiles"]),
        ("lost-updates", ["lag", "percentiles"]),
    ],
)
def test_a_run_has_the_figures_that_fit(name: str, there: list[str]) -> None:
    """Behind one lock nobody is late; without a lock nobody waits."""
    assert fitting(library(name)) == there


def test_what_nobody_did_has_no_figure() -> None:
    """A run without commands has nothing to show, and one without queries no stale reads."""
    assert fitting(sim.run(parse_scenario(QUIET))) == []
    assert fitting(sim.run(parse_scenario(CLERKS))) == ["lag", "visibility", "queue", "percentiles"]


def test_a_figure_that_a_run_does_not_have_says_why() -> None:
    """In plain words, with its name."""
    with pytest.raises(NoFigure, match=r"^blame: there is one model, and no read of it is stale$"):
        draw(library("one-lock"), "blame")
    with pytest.raises(NoFigure, match=r"^queue: without a lock nobody waits$"):
        draw(library("lost-updates"), "queue")
    with pytest.raises(NoFigure, match=r"^spacetime: .* choose a shorter stretch, or one product$"):
        draw(library("flash-sale"), "spacetime", View(product=1))
    with pytest.raises(NoFigure, match=r"^spacetime: --around takes \"worst\" or a query by its number"):
        draw(library("story"), "spacetime", View(around="query:x"))


def test_a_view_says_what_to_look_at() -> None:
    """A product, a stretch, a query."""
    lag = draw(library("flash-sale"), "lag", View(product=60, window=(10.0, 12.0)))
    assert "product 60" in figures.words(lag.axes[0])[0]
    assert lag.axes[0].get_xlim() == (10, 12)
    around = draw(library("story"), "spacetime", View(around="query:2"))
    assert around.axes[0].get_title(loc="left") == "Reading your own write, too early: 500 ms stale"
    worst = draw(library("flash-sale"), "spacetime", View(around="worst"))
    assert as_svg(worst) == as_svg(draw(library("flash-sale"), "spacetime"))


def theories(run: str, name: str) -> list[str]:
    """List the lines of theory in a figure of a run."""
    labels = [str(line.get_label()) for line in draw(library(run), name).axes[0].lines]
    return [label for label in labels if "theory" in label]


def test_theory_is_in_the_figures_where_it_holds() -> None:
    """Visibility and percentiles of a queue that is solved; and nothing where nothing is known."""
    assert theories("saturation", "visibility") == ["theory"]
    assert theories("saturation", "percentiles") == ["theory of command_latency", "theory of staleness"]
    assert theories("flash-sale", "visibility") == theories("flash-sale", "percentiles") == []


@pytest.mark.slow
@settings(max_examples=25, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # to shrink takes minutes
@given(scenarios())
def test_whatever_fits_a_run_can_be_drawn(scenario: Scenario) -> None:
    """Whatever happens in it; and nothing that is written is cut, or stands on anything else."""
    trace = sim.run(scenario)
    for name in fitting(trace):
        assert figures.flaws(draw(trace, name)) == []


def test_figures_are_saved_under_their_names(tmp_path: Path) -> None:
    """As pictures of some thousand bytes."""
    paths = save_all(library("story"), ["lag", "blame"], tmp_path)
    assert paths == [tmp_path / "lag.png", tmp_path / "blame.png"]
    assert all(1000 < path.stat().st_size < 200_000 for path in paths)


def svg_hashes() -> list[str]:
    """Hash two figures of the flash sale."""
    trace = sim.run("flash-sale")
    return [sha256(as_svg(draw(trace, name)).encode()).hexdigest() for name in ("visibility", "spacetime")]


@pytest.mark.slow
def test_another_process_draws_the_same_bytes() -> None:
    """The hashes of the SVG are the same, whatever the settings are there."""
    program = (
        "import matplotlib; matplotlib.rcParams['font.size'] = 20\n"
        "from sim.plots import canvas\n"
        "canvas.STYLE.append({'font.sans-serif': ['DejaVu Sans']})\n"
        "from tests.test_gallery import svg_hashes; print(*svg_hashes())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == svg_hashes()


def test_each_picture_has_a_line_in_the_help() -> None:
    """What `sim plot --help` lists is what there is."""
    lines = [line.split() for line in (plot_run.help or "").split("\b")[1].splitlines()]
    assert [line[0] for line in lines if line] == list(PICTURES)
