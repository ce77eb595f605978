"""`sim verify`: holds the simulation against every closed form that a scenario can express."""

import json
from typing import TYPE_CHECKING

import click

from sim.commands.shell import AS_JSON, DISAGREES, INTERRUPTED, Failure, progress

if TYPE_CHECKING:
    from sim.studies.certificate import Certificate, Coverage, Row


@click.command("verify")
@click.option("--quick", is_flag=True, help="A twelfth of each run; no quantiles, no coverage.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, help="Other luck; the same seed is the same table."
)
@AS_JSON
def verify(quick: bool, seed: int, as_json: bool) -> int:
    """Hold the simulation against every closed form that a scenario can express.

    Exit status 1 if a row lies four standard errors off, if all of them
    together stray too much or too little, or if intervals miss the truth.
    """
    from sim.studies.certificate import certificate_json
    from sim.terminal.certificate import certificate_lines

    certificate, interrupted = _certify(quick, seed)
    if as_json:
        click.echo(json.dumps(certificate_json(certificate), indent=1, ensure_ascii=False))
    elif certificate.rows:
        for line in certificate_lines(certificate):
            click.secho(line, bold=line.isupper())
    if interrupted:
        rows = f"{len(certificate.rows)} of {certificate.planned} rows were finished"
        click.echo(f"interrupted: {rows}", err=True)
        return INTERRUPTED
    return 0 if certificate.holds else DISAGREES


def _certify(quick: bool, luck: int) -> "tuple[Certificate, bool]":
    """Play every case and every experiment; after Ctrl-C keep what was finished, and say so."""
    from sim.clock import Stuck
    from sim.studies import cases
    from sim.studies.certificate import EXPERIMENTS, FULL, QUICK, Certificate, chosen, compare, cover

    effort, experiments = (QUICK, ()) if quick else (FULL, cases.COVERAGE)
    listed = chosen(cases.SECTIONS, luck, effort)
    plays = effort.replications * len(listed)
    rows: list[Row] = []
    coverage: list[Coverage] = []
    interrupted = False
    try:
        with progress(plays + len(experiments) * EXPERIMENTS) as advance:
            for row in compare(listed, on_done=advance):
                rows.append(row)
            for one in cover(experiments, luck, on_done=advance):
                coverage.append(one)
    except Stuck as stuck:
        raise Failure(f"verify: {stuck}") from None
    except KeyboardInterrupt:
        interrupted = True
    planned = sum(len(case.metrics) for _, case in listed)
    return Certificate(tuple(rows), tuple(coverage), effort.replications, planned), interrupted
