"""`sim fit`: makes a scenario of a run, with the durations that were measured in it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.commands.shell import AS_JSON, Failure, Refusal, folder_of_run, saved_run

if TYPE_CHECKING:
    from sim.families import Likeness
    from sim.scenario import Scenario

NAMED_HELP = "Known distributions, each the nearest to what was measured, instead of files of durations."
LOST = "off by: the most that its distribution function is away from that of what was measured"


@click.command("fit")
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
@click.option("--named", "wants_names", is_flag=True, help=NAMED_HELP)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Where to write it; else in the run."
)
@AS_JSON
def fit_run(run: Path, wants_names: bool, out: Path | None, as_json: bool) -> None:
    """Make a scenario of a saved run: its load, and what its writer, link and reader took."""
    from sim.fit import fit, named
    from sim.scenario_file import write_scenario

    folder = folder_of_run(run)
    trace = saved_run(folder)
    try:
        fitted = fit(trace)
    except ValueError as error:
        raise Refusal(f"{folder}: {error}") from None
    fitted, likenesses = named(fitted) if wants_names else (fitted, {})
    path = out or folder / "fitted" / "scenario.toml"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_scenario(fitted, path)
    except OSError as error:
        raise Failure(f"not saved in {path}: {error.strerror}") from None
    if as_json:
        found = {"schema": 1, "scenario": str(path), "durations": _durations(fitted, likenesses)}
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    for key, facts in _durations(fitted, likenesses).items():
        off = f", off by {100 * facts['distance']:.2g}%" if "distance" in facts else ""
        click.echo(f"   {key:<15} {facts['law']}, {1000 * facts['mean']:.3g} ms on average{off}")
    if likenesses:
        click.echo(f"   {LOST}")
    click.echo(f"   saved {path}    next: sim run {path}")


def _durations(fitted: "Scenario", likenesses: "dict[str, Likeness]") -> dict[str, dict[str, Any]]:
    """Give each duration that was fitted, with what was lost by a known distribution in its place."""
    from sim.fit import DURATIONS

    found: dict[str, dict[str, Any]] = {}
    for part, name in DURATIONS:
        law, key = getattr(getattr(fitted, part), name), f"{part}.{name}"
        found[key] = {"law": str(law), "mean": law.mean}
        if key in likenesses:
            found[key]["distance"] = likenesses[key].distance
    return found
