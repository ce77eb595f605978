"""`sim report`: one run, or many with sliders, as a page that opens by double-click."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sim.commands.shell import (
    SET,
    CutOff,
    Failure,
    Refusal,
    grid_of,
    progress,
    scenario_of,
    settings_of,
)

if TYPE_CHECKING:
    from sim.page.report import Outcome, Report
    from sim.scenario import Scenario

MOST = 1000  # positions of all sliders together
VARY_HELP = "A slider: link.delay=10ms,50ms; 1ms..64ms doubles; 10ms..50ms/10ms goes in steps."


@click.command("report")
@click.argument("name", metavar="NAME_OR_FILE_OR_RUN")
@click.option("--seed", type=click.IntRange(min=0), help="Other luck; the same seed is the same page.")
@SET
@click.option("--vary", "variations", metavar="KEY=VALUES", multiple=True, help=VARY_HELP)
@click.option("--replications", type=click.IntRange(min=1), help="Independent runs behind every interval.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write; else it is in runs/.",
)
def report(
    name: str,
    seed: int | None,
    settings: tuple[str, ...],
    variations: tuple[str, ...],
    replications: int | None,
    out: Path | None,
) -> None:
    """Make one page of a run: what was asked, predicted and found, and every number of it.

    A scenario is played first; the folder of a run that `sim run` saved is
    read. With --vary, every position of the sliders is played, on the same
    luck. The page is one file, needs no server, and asks nothing of the
    network.
    """
    from sim.page.report import page

    if (Path(name) / "trace.json").is_file():
        if settings or variations or seed is not None or replications is not None:
            raise Refusal(f"a saved run is what it is; to change it, name {Path(name) / 'scenario.toml'}")
        made, folder = _saved(Path(name)), Path(name)
    else:
        given = settings_of(settings, seed, replications)
        made = _slid(name, given, variations) if variations else _still(name, given)
        fingerprint = made.outcomes[made.start].summary.fingerprint
        folder = Path("runs", f"{made.name}-{fingerprint[:6]}")
    path = out or folder / ("sliders.html" if variations else "report.html")
    size = _write(page(made), path)
    click.echo(f"   saved {path} ({size / 1000:,.0f} kB)    next: open it in a browser")


def _still(name: str, settings: dict[str, str]) -> "Report":
    """Play a scenario."""
    from sim.page.report import Report

    outcomes = _play_all([(scenario_of(name, settings), _command("run", name, settings))])
    return Report(Path(name).stem, tuple(outcomes), _command("report", name, settings))


def _slid(name: str, settings: dict[str, str], varied: tuple[str, ...]) -> "Report":
    """Play a scenario at every position of the sliders, which begin where it stands, if that is one."""
    from sim.page.report import Report, Slider

    grid = grid_of(name, varied, settings, MOST)
    scenarios = [cell.scenario for cell in grid.cells]
    start = dict(grid.cells[scenarios.index(grid.base) if grid.base in scenarios else 0].settings)
    sliders = tuple(Slider(one.key, one.values, one.values.index(start[one.key])) for one in grid.axes)
    commands = (_command("run", name, settings | dict(cell.settings)) for cell in grid.cells)
    outcomes = _play_all(list(zip(scenarios, commands, strict=True)))
    return Report(Path(name).stem, tuple(outcomes), _command("report", name, settings, varied), sliders)


def _command(verb: str, name: str, settings: dict[str, str], varied: tuple[str, ...] = ()) -> str:
    """Write the command that does it again."""
    words = ["sim", verb, name]
    for key, value in settings.items():
        words += [f"--{key}", value] if key in ("seed", "replications") else ["--set", f"{key}={value}"]
    for variation in varied:
        words += ["--vary", variation]
    return shlex.join(words)


def _play_all(tasks: "list[tuple[Scenario, str]]") -> "list[Outcome]":
    """Play each scenario; of one, the replications side by side, of many, the scenarios."""
    from sim.clock import Stuck
    from sim.pool.executors import Died, side_by_side
    from sim.replicate import CutShort

    outcomes = []
    try:
        if len(tasks) == 1:
            [(scenario, command)] = tasks
            with progress(scenario.replications) as advance:
                return [outcome_of(scenario, command, None, advance)]
        with progress(len(tasks)) as advance:
            for one in side_by_side(outcome_of, tasks):
                outcomes.append(one)
                advance()
    except (Stuck, Died) as why:
        raise Failure(str(why)) from None
    except CutShort as cut:
        raise CutOff(f"{cut}; no page was made") from None
    return outcomes


def outcome_of(
    scenario: "Scenario", command: str, jobs: int | None = 1, on_done: Callable[[], object] = lambda: None
) -> "Outcome":
    """Play a scenario, and draw what the first of its runs shows."""
    from sim.page.captions import pictures
    from sim.page.report import Outcome
    from sim.replicate import conclude, play_all
    from sim.terminal.summary import warnings
    from sim.theory.answers import predictions

    played = play_all(scenario, jobs, on_done, engine="auto")
    summary, trace = conclude(scenario, played), played[0].trace
    assert trace is not None, "the first replication keeps its trace"
    doubts, drawn = warnings(summary, scenario), pictures(trace, summary)
    return Outcome(scenario, summary, tuple(predictions(scenario)), tuple(doubts), tuple(drawn), command)


def _saved(folder: Path) -> "Report":
    """Read a run that was saved, or say why that cannot be."""
    from polars.exceptions import PolarsError

    from sim.metrics import from_json
    from sim.page.captions import pictures
    from sim.page.report import Outcome, Report
    from sim.theory.answers import predictions
    from sim.trace import TraceError, load_trace

    try:
        trace = load_trace(folder)
        found = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        summary, doubts = from_json(found), tuple(found["warnings"])
    except (OSError, ValueError, KeyError, TypeError, PolarsError, TraceError) as error:
        raise Refusal(f"{folder}: this is not a run as it was saved: {error}") from None
    again = _command("run", str(folder / "scenario.toml"), {"replications": str(summary.replications)})
    theory, drawn = tuple(predictions(trace.scenario)), tuple(pictures(trace, summary))
    outcome = Outcome(trace.scenario, summary, theory, doubts, drawn, again)
    return Report(folder.name, (outcome,), _command("report", str(folder), {}), program=trace.program)


def _write(text: str, path: Path) -> int:
    """Write the page; give its size in bytes."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.write_bytes(text.encode())
    except OSError as error:
        raise Failure(f"not saved in {path}: {error.strerror}") from None
