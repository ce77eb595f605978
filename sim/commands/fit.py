"""`sim fit`: makes a scenario of a run, with the durations that were measured in it."""

from pathlib import Path

import click

from sim.commands.shell import Refusal


@click.command("fit")
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Where to write it; else in the run."
)
def fit_run(run: Path, out: Path | None) -> None:
    """Make a scenario of a saved run: its load, and what its writer, link and reader took."""
    from sim.fit import fit
    from sim.scenario_file import write_scenario
    from sim.trace import TraceError, load_trace

    try:
        fitted = fit(load_trace(run))
    except OSError as error:
        raise Refusal(f"{run}: no saved run ({error.strerror or 'cannot be read'})") from None
    except (TraceError, ValueError) as error:
        raise Refusal(f"{run}: {error}") from None
    path = out or run / "fitted" / "scenario.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_scenario(fitted, path)
    for key, found in (
        ("writer.commit", fitted.writer.commit),
        ("writer.service", fitted.writer.service),
        ("link.delay", fitted.link.delay),
        ("reader.handler", fitted.reader.handler),
    ):
        click.echo(f"   {key:<15} {found}, {1000 * found.mean:.3g} ms on average")
    click.echo(f"   saved {path}    next: sim run {path}")
