"""`sim report`: one run, or many with sliders, as a page that opens by double-click."""

import json
import shlex
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sim.commands.shell import SET, CutOff, Failure, Refusal, progress, scenario_of, settings_of

if TYPE_CHECKING:
    from sim.report import Outcome, Report
    from sim.scenario import Scenario

Values = dict[str, list[str]]

MOST = 1000  # positions of all sliders together
VARY_HELP = "A slider for a key, with these values: link.delay=10ms,50ms,250ms"


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
    from sim.report import page

    if (Path(name) / "trace.json").is_file():
        if settings or variations or seed is not None or replications is not None:
            raise Refusal(f"a saved run is what it is; to change it, name {Path(name) / 'scenario.toml'}")
        made, folder = _saved(Path(name)), Path(name)
    else:
        given = settings_of(settings, seed, replications)
        made = _played(name, given, _values(variations))
        fingerprint = made.outcomes[made.start].summary.fingerprint
        folder = Path("runs", f"{made.name}-{fingerprint[:6]}")
    path = out or folder / ("sliders.html" if variations else "report.html")
    size = _write(page(made), path)
    click.echo(f"   saved {path} ({size / 1000:,.0f} kB)    next: open it in a browser")


def _values(variations: tuple[str, ...]) -> Values:
    """Read which keys take which values."""
    values: Values = {}
    for variation in variations:
        key, _, listed = variation.partition("=")
        values[key.strip()] = [value.strip() for value in listed.split(",") if value.strip()]
        if not (key.strip() and values[key.strip()]):
            raise Refusal(
                f"--vary takes a key and its values: --vary link.delay=10ms,50ms, not {variation!r}"
            )
    return values


def _played(name: str, settings: dict[str, str], values: Values) -> "Report":
    """Play a scenario at every position of the sliders; there is one position where there are none."""
    from sim.report import Report, Slider

    base = scenario_of(name, settings)
    places = list(product(*values.values()))
    if len(places) > MOST:
        raise Refusal(f"--vary: {len(places):,} positions, and a page holds at most {MOST:,}")
    everywhere = [settings | dict(zip(values, place, strict=True)) for place in places]
    scenarios = [scenario_of(name, given) for given in everywhere]
    start = places[scenarios.index(base) if base in scenarios else 0]
    sliders = (
        Slider(key, tuple(values[key]), values[key].index(at)) for key, at in zip(values, start, strict=True)
    )
    tasks = [(one, _command("run", name, given)) for one, given in zip(scenarios, everywhere, strict=True)]
    command = _command("report", name, settings, values)
    return Report(Path(name).stem, tuple(_play_all(tasks)), command, tuple(sliders))


def _command(verb: str, name: str, settings: dict[str, str], values: Values | None = None) -> str:
    """Write the command that does it again."""
    words = ["sim", verb, name]
    for key, value in settings.items():
        words += [f"--{key}", value] if key in ("seed", "replications") else ["--set", f"{key}={value}"]
    for key, listed in (values or {}).items():
        words += ["--vary", f"{key}={','.join(listed)}"]
    return shlex.join(words)


def _play_all(tasks: "list[tuple[Scenario, str]]") -> "list[Outcome]":
    """Play each scenario; of one, the replications side by side, of many, the scenarios."""
    from sim.clock import Stuck
    from sim.executors import side_by_side
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
    except Stuck as stuck:
        raise Failure(str(stuck)) from None
    except CutShort as cut:
        raise CutOff(f"{cut}; no page was made") from None
    return outcomes


def outcome_of(
    scenario: "Scenario", command: str, jobs: int | None = 1, on_done: Callable[[], object] = lambda: None
) -> "Outcome":
    """Play a scenario, and draw what the first of its runs shows."""
    from sim.captions import pictures
    from sim.replicate import conclude, play_all
    from sim.report import Outcome
    from sim.terminal import warnings
    from sim.theory import predictions

    played = play_all(scenario, jobs, on_done, engine="auto")
    summary, trace = conclude(scenario, played), played[0].trace
    assert trace is not None, "the first replication keeps its trace"
    doubts, drawn = warnings(summary, scenario), pictures(trace, summary)
    return Outcome(scenario, summary, tuple(predictions(scenario)), tuple(doubts), tuple(drawn), command)


def _saved(folder: Path) -> "Report":
    """Read a run that was saved, or say why that cannot be."""
    from polars.exceptions import PolarsError

    from sim.captions import pictures
    from sim.metrics import from_json
    from sim.report import Outcome, Report
    from sim.theory import predictions
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
