"""`sim compare --live`: a run that was measured beside what a fitted scenario predicts of its load."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sim.commands.shell import Failure, Refusal, folder_of_run, progress, saved_run, scenario_of

if TYPE_CHECKING:
    from sim.scenario import Scenario
    from sim.studies.forecast import Forecast
    from sim.trace import Trace

RUNS = 10  # of the simulation, unless told otherwise
ONE_MODEL = "there is one model, and nothing to be visible later"


def compare_live(
    name: str | None, run: Path, seed: int | None, replications: int | None, engine: str, as_json: bool
) -> None:
    """Predict a saved run from another one, from a fitted scenario, or from itself; draw and print both."""
    from sim.studies.forecast import forecast_json
    from sim.terminal.what_if import forecast_lines

    folder = folder_of_run(run)
    measured = saved_run(folder)
    if measured.scenario.architecture != "cqrs":
        raise Refusal(f"{folder}: under {measured.scenario.architecture!r} {ONE_MODEL}")
    by = name or f"itself, {folder}"
    found = _forecast(_durations(name, folder, measured), measured, seed, replications, engine)
    if as_json:
        facts = {"run": str(folder), "engine": measured.engine, "predicted_by": str(name or folder)}
        click.echo(json.dumps(forecast_json(found) | facts, indent=1, ensure_ascii=False))
    else:
        for line in forecast_lines(found, f"{folder.name} on {measured.engine}", by):
            click.echo(line)
    _save(found, folder / "predicted.png", as_json)


def _durations(name: str | None, folder: Path, measured: "Trace") -> "Scenario":
    """Find the durations to predict with: fitted to a run, or those that a scenario has."""
    base = folder_of_run(Path(name)) if name else folder
    if name and not (base / "trace.json").is_file():
        scenario = scenario_of(name, {})
    else:
        scenario = _fitted(base, measured if not name else saved_run(base))
    if scenario.architecture != "cqrs":
        raise Refusal(f"{name}: under {scenario.architecture!r} {ONE_MODEL}")
    return scenario


def _fitted(folder: Path, trace: "Trace") -> "Scenario":
    from sim.fit import fit

    try:
        return fit(trace)
    except ValueError as error:
        raise Refusal(f"{folder}: {error}") from None


def _forecast(
    fitted: "Scenario", measured: "Trace", seed: int | None, replications: int | None, engine: str
) -> "Forecast":
    import attrs

    from sim.arrays import Refused
    from sim.clock import Stuck
    from sim.studies.forecast import forecast

    runs = replications or RUNS
    if seed is not None:
        measured = attrs.evolve(measured, scenario=attrs.evolve(measured.scenario, seed=seed))
    try:
        with progress(runs) as advance:
            return forecast(fitted, measured, runs, engine=engine, on_done=advance)
    except Refused as reason:
        raise Refusal(f"--engine array: {reason}; use --engine auto") from None
    except Stuck as stuck:
        raise Failure(f"compare: {stuck}") from None
    except ValueError as error:
        raise Refusal(f"compare: {error}") from None


def _save(found: "Forecast", path: Path, as_json: bool) -> None:
    """Draw the two curves, and save them beside the run."""
    from sim import plots

    try:
        plots.save(plots.predicted(found), path)
    except OSError as error:
        raise Failure(f"not saved in {path}: {error.strerror}") from None
    click.echo(f"   saved {path}    next: open {path}", err=as_json)
