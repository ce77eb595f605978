"""`sim fit`: makes a scenario of a run, with the durations that were measured in it."""

from pathlib import Path

import click

from sim.commands.shell import Failure, Refusal, folder_of_run, saved_run


@click.command("fit")
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Where to write it; else in the run."
)
def fit_run(run: Path, out: Path | None) -> None:
    """Make a scenario of a saved run: its load, and what its writer, link and reader took."""
    from sim.fit import fit
    from sim.scenario_file import write_scenario

    folder = folder_of_run(run)
    try:
        fitted = fit(saved_run(folder))
    except ValueError as error:
        raise Refusal(f"{folder}: {error}") from None
    path = out or folder / "fitted" / "scenario.toml"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_scenario(fitted, path)
    except OSError as error:
        raise Failure(f"not saved in {path}: {error.strerror}") from None
    for key, found in (
        ("writer.commit", fitted.writer.commit),
        ("writer.service", fitted.writer.service),
        ("link.delay", fitted.link.delay),
        ("reader.handler", fitted.reader.handler),
    ):
        click.echo(f"   {key:<15} {found}, {1000 * found.mean:.3g} ms on average")
    click.echo(f"   saved {path}    next: sim run {path}")
