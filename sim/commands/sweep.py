"""`sim sweep`: plays a scenario for each combination of some values, and shows the grid of one number."""

import json
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import frozen

from sim.commands.shell import (
    AS_JSON,
    FAILED,
    CutOff,
    Failure,
    Refusal,
    begin_processes,
    grid_of,
    progress,
    report_death,
    runs_of_each,
    settings_of,
)

if TYPE_CHECKING:
    from sim.grid import Grid, Run
    from sim.metrics import Summary
    from sim.studies.sweeps import Finding, Findings

JOURNAL, TABLE, SCENARIO, FIGURE = "runs.jsonl", "sweep.parquet", "scenario.toml", "sweep.png"


@click.command("sweep")
@click.argument("name", metavar="NAME_OR_FILE")
@click.option(
    "--vary",
    "varied",
    metavar="KEY=VALUES",
    multiple=True,
    help="What varies: link.delay=10ms,50ms; 1ms..64ms doubles; 10ms..50ms/10ms goes in steps.",
)
@click.option(
    "--metric",
    metavar="NAME",
    default="stale_read_fraction",
    help="The number to show, stale_read_fraction if not set; all are saved.",
)
@runs_of_each("cell")
@click.option("--dask", metavar="ADDRESS", help="Play on a dask cluster instead: tcp://host:8786")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Where to save; else in runs/.")
@AS_JSON
@click.option("--resume", is_flag=True, help="Go on with a sweep that was interrupted.")
def sweep_scenario(
    name: str,
    varied: tuple[str, ...],
    metric: str,
    seed: int | None,
    settings: tuple[str, ...],
    replications: int | None,
    engine: str,
    jobs: int | None,
    dask: str | None,
    out: Path | None,
    as_json: bool,
    resume: bool,
) -> int:
    """Play a scenario for each combination of some values, all on the same luck."""
    if jobs and dask:
        raise Refusal("--jobs and --dask stand instead of each other: keep one")
    _check_metric(metric)
    begin_processes(1 if dask else jobs)
    grid = grid_of(name, varied, settings_of(settings, seed, replications))
    folder = out or Path("runs", f"{Path(name).stem}-sweep-{_digest(grid)}")
    sweep = _play(Path(name).stem, grid, How(engine, jobs, dask, folder / JOURNAL, resume))
    if as_json:
        click.echo(json.dumps(_json(sweep), indent=1, ensure_ascii=False))
    else:
        _show(sweep, metric)
    figure = _save(sweep, metric, folder)
    for problem in sweep.lost:
        click.echo(f"!  {problem}", err=True)
    click.echo(f"   saved {folder}/{figure}", err=as_json)
    return FAILED if sweep.lost else 0


@frozen
class How:
    """How the runs are played and where they are kept: over so many processes, or on a cluster."""

    engine: str
    jobs: int | None
    dask: str | None
    journal: Path
    resume: bool


@frozen
class Sweep:
    """What a sweep has found: what each cell has shown, and what to say of the runs that are lost."""

    name: str
    grid: "Grid"
    found: "list[Finding | None]"
    elapsed: float
    lost: tuple[str, ...]


def _check_metric(metric: str) -> None:
    """Refuse a number that there is not."""
    from sim.glossary import split_name

    try:
        split_name(metric)
    except ValueError as error:
        raise Refusal(str(error)) from None


def _digest(grid: "Grid") -> str:
    """Name a sweep, so that the same command finds it again."""
    from sim.studies.sweeps import description

    return sha256("\n".join(description(grid)).encode()).hexdigest()[:6]


def _play(name: str, grid: "Grid", how: How) -> Sweep:
    """Play all runs that are not kept from before, keep each as soon as it is there, and conclude."""
    from sim.pool.cluster import NoCluster
    from sim.pool.processes import get_ready
    from sim.studies.journal import BadJournal
    from sim.studies.lots import Unplayable
    from sim.studies.sweeps import Findings

    get_ready("scipy.special", "polars")
    began = time.perf_counter()
    _can_play(grid, how.engine)
    findings = Findings(grid)
    for run, summary in _kept(grid, how.journal) if how.resume else ():
        findings.add(run, summary)
    try:
        with _executor(how.dask) as executor:
            lost = _play_missing(findings, how, executor)
    except KeyboardInterrupt:
        raise CutOff(f"interrupted: {_how_far(findings)}") from None
    except NoCluster as gone:
        raise Failure(f"{gone}: {_how_far(findings)}") from None
    except (Unplayable, BadJournal) as why:
        raise Failure(str(why)) from None
    return Sweep(name, grid, findings.conclude(), time.perf_counter() - began, lost)


def _how_far(findings: "Findings") -> str:
    from sim.studies.sweeps import runs

    played = f"{len(findings.done)} of {len(runs(findings.grid))} runs were finished and are kept"
    return f"{played}; the same command with --resume goes on"


def _can_play(grid: "Grid", engine: str) -> None:
    """Refuse an engine that cannot play some cell."""
    from sim.arrays import why_not

    for cell in grid.cells if engine == "array" else ():
        if reason := why_not(cell.scenario):
            raise Refusal(f"--engine array: {cell}: {reason}; use --engine auto")


def _kept(grid: "Grid", journal: Path) -> "Iterable[tuple[Run, Summary]]":
    """Read what is kept of an interrupted sweep, or refuse to go on from there."""
    from sim.studies.journal import BadJournal, kept
    from sim.studies.sweeps import identity

    if not journal.exists():
        raise Refusal(f"there is nothing to resume in {journal.parent}: leave --resume away")
    try:
        return kept(journal, identity(grid)).items()
    except BadJournal as error:
        raise Refusal(str(error)) from None


@contextmanager
def _executor(address: str | None) -> "Iterator[Executor | None]":
    """Open the cluster, if there is to be one, or refuse."""
    from sim.pool.cluster import NoCluster, dask_cluster

    with ExitStack() as stack:
        try:
            executor = stack.enter_context(dask_cluster(address)) if address else None
        except NoCluster as error:
            raise Refusal(f"--dask: {error}") from None
        yield executor


def _play_missing(findings: "Findings", how: How, executor: "Executor | None") -> tuple[str, ...]:
    """Play what is missing, with a bar, and add it to the findings; say what is lost."""
    from sim.studies.journal import begin, keep, mend
    from sim.studies.sweeps import identity, lost, play_cells, runs

    grid = findings.grid
    if how.resume:
        mend(how.journal)
    else:
        begin(how.journal, identity(grid))
    problems: list[str] = []
    with progress(len(runs(grid)) - len(findings.done)) as advance:
        for run, summary in play_cells(grid, {*findings.done}, how.engine, how.jobs, executor, report_death):
            if summary is None:
                problems.append(lost(grid, run))
            else:
                keep(how.journal, run, summary)
                findings.add(run, summary)
            advance()
    return tuple(problems)


def _show(sweep: Sweep, metric: str) -> None:
    """Print the grid."""
    from sim.terminal.sheet import sweep_lines

    for line in sweep_lines(sweep.grid, sweep.found, sweep.name, metric, sweep.elapsed):
        click.echo(line)


def _save(sweep: Sweep, metric: str, folder: Path) -> str:
    """Write everything that was found as one table, and the figure; say what to look at next."""
    from sim.frames import parquet
    from sim.page.chart import draw
    from sim.scenario_file import write_scenario
    from sim.studies.sweeps import table

    try:
        (folder / TABLE).write_bytes(parquet(table(sweep.grid, sweep.found)))
        write_scenario(sweep.grid.base, folder / SCENARIO)
        drawn = draw(sweep.grid, sweep.found, metric, folder / FIGURE)
    except OSError as error:
        raise Failure(f"not saved in {folder}: {error.strerror}") from None
    return f"    next: open {folder / FIGURE}" if drawn else ""


def _json(sweep: Sweep) -> dict[str, Any]:
    """Give everything that --json prints."""
    from sim.metrics import as_json
    from sim.theory.answers import theory_json

    base = sweep.grid.base
    cells = [
        {
            "settings": dict(cell.settings),
            "replications": finding.summary.replications,
            "metrics": as_json(finding.summary)["metrics"],
            "theory": theory_json(finding.theory.values()),
        }
        for cell, finding in zip(sweep.grid.cells, sweep.found, strict=True)
        if finding is not None
    ]
    return {
        "schema": 1,
        "title": base.title,
        "seed": base.seed,
        "vary": {axis.key: axis.values for axis in sweep.grid.axes},
        "wall_seconds": sweep.elapsed,
        "cells": cells,
        "lost": sweep.lost,
    }
