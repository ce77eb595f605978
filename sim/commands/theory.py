"""`sim theory`: names the closed forms that hold for a scenario, and what is in the way of the others."""

import json
from pathlib import Path

import attrs
import click

from sim.commands.shell import AS_JSON, SET, scenario_of, settings_of


@click.command("theory")
@click.argument("name", metavar="NAME_OR_FILE")
@SET
@AS_JSON
def show_theory(name: str, settings: tuple[str, ...], as_json: bool) -> None:
    """Name the closed forms that hold for a scenario, and say why the others do not."""
    from sim.terminal.theory import theory_lines
    from sim.theory.answers import predictions, refusals

    scenario = scenario_of(name, settings_of(settings, None, None))
    holding, refused = predictions(scenario), refusals(scenario)
    if as_json:
        found = {"schema": 1, "title": scenario.title}
        found |= {"holds": [*map(attrs.asdict, holding)], "does_not_hold": [*map(attrs.asdict, refused)]}
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    for line in theory_lines(scenario, Path(name).stem, holding, refused):
        click.secho(line, bold=line.isupper())
