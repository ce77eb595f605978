"""`sim run`: plays a scenario, shows what it found, saves it, and holds its expectations."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click
from attrs import frozen

from sim.commands.live import Broken, folder_of, kind_of, play_live
from sim.commands.shell import (
    AS_JSON,
    ENGINE_HELP,
    EXPECTATION_MISSED,
    FAILED,
    INTERRUPTED,
    SET,
    CutOff,
    Failure,
    Refusal,
    begin_processes,
    progress,
    scenario_of,
    settings_of,
)

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from sim.metrics import Summary
    from sim.scenario import Scenario
    from sim.studies.precision import Aim
    from sim.theory.answers import Prediction
    from sim.trace import Trace

ALONE = "leave out --engine, --precision, --realtime and --check-determinism"
UNSEEN = "--realtime tells a story line by line: it needs a scenario of steps or a terminal, and no --json"
LIMIT = 1000  # replications that --precision may take, where nothing else is said
REPLICA_HELP = "With --on: read from the hot standby postgresql://…; postgresql alone starts a pair."
OUT_HELP = "Where to save, with every figure; else in runs/, with the first."


@click.command("run")
@click.argument("name", metavar="NAME_OR_FILE", required=False)
@click.option(
    "--all", "all_of_them", is_flag=True, help="Run all that come along; a row each, nothing saved."
)
@click.option("--seed", type=click.IntRange(min=0), help="Other luck; the same seed is the same run.")
@SET
@click.option("--replications", type=click.IntRange(min=1), help="Independent runs behind every interval.")
@click.option("--precision", metavar="SHARE", help="Add replications until --metric is that exact: 2%.")
@click.option("--metric", metavar="NAME", help="The number that --precision is about: staleness.mean")
@click.option(
    "--limit", type=click.IntRange(min=2), help=f"Replications that --precision may take, {LIMIT} if not set."
)
@click.option("--engine", type=click.Choice(["trio", "array", "auto"]), default="trio", help=ENGINE_HELP)
@click.option("--on", metavar="STORE", help="In real time, on sqlite, postgresql://…, valkey://…")
@click.option("--replica", metavar="STANDBY", help=REPLICA_HELP)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help=OUT_HELP)
@AS_JSON
@click.option("--realtime", is_flag=True, help="Show it in the time that it takes.")
@click.option("--check-determinism", is_flag=True, help="Play it all again, in new processes, and compare.")
def run_scenario(
    name: str | None,
    all_of_them: bool,
    seed: int | None,
    settings: tuple[str, ...],
    replications: int | None,
    precision: str | None,
    metric: str | None,
    limit: int | None,
    engine: str,
    on: str | None,
    replica: str | None,
    out: Path | None,
    as_json: bool,
    realtime: bool,
    check_determinism: bool,
) -> int:
    """Run a scenario and show what it found.

    Exit status 1 if one of its expectations fails: if the 95% interval of that
    number lies beyond the bound. One whose interval holds the bound is not
    resolved, which is said, and is no failure.
    """
    _check(click.get_current_context().params)
    changed = settings_of(settings, seed, replications)
    if on:  # it takes as long as it says: once is enough where nobody asks for more
        changed = {"replications": "1"} | changed
    else:
        begin_processes(replications)
    if name is None:
        return _run_all(changed, engine, as_json)
    scenario, aim = scenario_of(name, changed), _aim(precision, metric, limit)
    if realtime and not (scenario.scripted or sys.stdout.isatty()):
        raise Refusal(UNSEEN)
    if on:
        out = out or folder_of(Path(name).stem, on)
        result = _play_live(Path(name).stem, scenario, on, replica, out)
    else:
        result = _play(Path(name).stem, scenario, engine, aim)
    if check_determinism:
        again = attrs.evolve(scenario, replications=result.summary.replications)
        _agree(result, _play(result.name, again, engine, jobs=max(2, again.replications)))
    if realtime:
        result = _watch(result)
    _print(result, aim, as_json, told=realtime)
    folder = out or Path("runs", f"{result.name}-{result.summary.fingerprint[:6]}")
    status = _save(result, folder, as_json, every=out is not None)
    if result.interrupted:
        click.echo(result.interrupted, err=True)
    return result.status if result.interrupted else status or _verdict(result)


def _check(given: dict[str, Any]) -> None:
    """Refuse options that do not go together."""
    exact = [name for name in ("precision", "metric", "limit") if given[name] is not None]
    again = given["realtime"] or given["check_determinism"]
    alone = any(given[name] for name in ("name", "on", "replica", "out"))
    if given["all_of_them"] and (exact or again or alone):
        raise Refusal("--all goes with --seed, --set, --replications, --engine and --json alone")
    if not (given["all_of_them"] or given["name"]):
        raise Refusal("which scenario? sim list names those that come along; --all runs them all")
    if given["realtime"] and given["as_json"]:
        raise Refusal(UNSEEN)
    if given["on"] and (exact or again or given["engine"] != "trio"):
        raise Refusal(f"--on {kind_of(given['on'])} plays in real time, and never the same twice: {ALONE}")
    if given["replica"] and not given["on"]:
        raise Refusal("--replica goes with --on: --on postgresql --replica postgresql")


@frozen
class Result:
    """What a run command has to show: a trace if the first replication ended, how far it got if cut short."""

    name: str
    scenario: "Scenario"
    summary: "Summary"
    trace: "Trace | None"
    elapsed: float
    theory: "list[Prediction]"
    interrupted: str = ""
    status: int = INTERRUPTED


def _aim(precision: str | None, metric: str | None, limit: int | None) -> "Aim | None":
    """Read how exact which number shall be, or refuse; None where nobody asked."""
    if precision is None and metric is None and limit is None:
        return None
    if precision is None or metric is None:
        raise Refusal("--precision and --metric go together: --precision 2% --metric staleness.mean")
    from sim.durations import Share, parse_share
    from sim.glossary import split_name
    from sim.studies.precision import Aim

    try:
        split_name(metric)
    except ValueError as error:
        raise Refusal(str(error)) from None
    try:
        share = parse_share(precision)
    except ValueError:
        share = Share(0.0)
    if not 0 < share < 1:
        raise Refusal(f"--precision takes a share between 0% and 100%: --precision 2%, not {precision!r}")
    return Aim(metric, share, limit or LIMIT)


def _play(
    name: str,
    scenario: "Scenario",
    engine: str,
    aim: "Aim | None" = None,
    jobs: int | None = None,
    executor: "Executor | None" = None,
) -> Result:
    """Play all replications, with a bar that shows how far they are; keep what Ctrl-C leaves."""
    from sim.arrays import Refused
    from sim.clock import Stuck
    from sim.pool.executors import Died
    from sim.replicate import CutShort, conclude, play_all
    from sim.studies.precision import play_until
    from sim.theory.answers import predictions

    began, interrupted = time.perf_counter(), ""
    try:
        with progress(None if aim else scenario.replications) as advance:
            if aim:
                played = play_until(scenario, aim, jobs, advance, engine)
            else:
                played = play_all(scenario, jobs, advance, engine, executor)
    except Refused as reason:
        raise Refusal(f"--engine array: {reason}; use --engine trio") from None
    except (Stuck, Died) as why:
        raise Failure(f"{name}: {why}") from None
    except CutShort as cut:
        played, interrupted = cut.played, str(cut)
        if not played:
            raise CutOff(str(cut)) from None
    elapsed = time.perf_counter() - began
    summary, theory = conclude(scenario, played), predictions(scenario)
    return Result(name, scenario, summary, played[0].trace, elapsed, theory, interrupted)


def _play_live(name: str, scenario: "Scenario", on: str, replica: str | None, folder: Path) -> Result:
    """Play in real time on a store; keep what there is when it is cut short, or fails."""
    from sim.replicate import CutShort, conclude

    began, interrupted, status = time.perf_counter(), "", INTERRUPTED
    try:
        played = play_live(scenario, on, folder, replica)
    except CutShort as cut:
        played, interrupted = cut.played, str(cut)
    except Broken as broken:
        played, interrupted, status = broken.played, f"{name}: {broken.message}", FAILED
    as_played = played[0].trace.scenario if played[0].trace else scenario
    summary, elapsed = conclude(as_played, played), time.perf_counter() - began
    return Result(name, as_played, summary, played[0].trace, elapsed, [], interrupted, status)


def _agree(first: Result, second: Result) -> None:
    """Insist that playing again has given the same run."""
    one, other = first.summary.fingerprint, second.summary.fingerprint
    if one != other:
        raise Failure(f"{first.name}: the same seed gave two runs, {one[:12]} and {other[:12]}")
    click.echo(f"✓  played twice, {one[:12]} both times", err=True)


def _json(result: Result) -> dict[str, Any]:
    """Give everything that --json prints."""
    from sim.expectations import verdict
    from sim.metrics import as_json, number_or_null
    from sim.terminal.summary import warnings
    from sim.theory.answers import theory_json

    summary = result.summary
    claims = [
        {
            **attrs.asdict(expect, filter=lambda _, bound: bound is not None),
            "actual": number_or_null(summary.value(expect.metric)),
            "low": number_or_null(summary.estimate(expect.metric).low),
            "high": number_or_null(summary.estimate(expect.metric).high),
            "holds": expect.holds(summary.value(expect.metric)),
            "verdict": verdict(expect, summary),
        }
        for expect in result.scenario.expect
    ]
    found = as_json(attrs.evolve(summary, wall_seconds=result.elapsed))
    found["theory"] = theory_json(result.theory)
    return {**found, "expectations": claims, "warnings": list(warnings(summary, result.scenario))}


def _watch(result: Result) -> Result:
    """Show a run in the time it takes, in pictures on a terminal, else line by line; Ctrl-C ends it early."""
    from sim.terminal.tale import in_real_time, tell

    if result.interrupted or not result.trace:
        return result
    try:
        if sys.stdout.isatty():
            from rich.console import Console

            from sim.terminal.watch import watch

            watch(result.trace, Console())
        else:
            for line in in_real_time(tell(result.trace)):
                click.echo(str(line))
                sys.stdout.flush()
    except KeyboardInterrupt:
        return attrs.evolve(result, interrupted="interrupted: not watched to the end")
    return result


def _tell(result: Result) -> None:
    """Tell a story line by line."""
    from sim.terminal.tale import tell

    for line in tell(result.trace) if result.trace else []:
        click.echo(str(line))


def _print(result: Result, aim: "Aim | None", as_json: bool, told: bool) -> None:
    """Print JSON, or a story that is not told yet, or the summary; and what --precision took."""
    if as_json:
        click.echo(json.dumps(_json(result), indent=1, ensure_ascii=False))
    elif not result.scenario.scripted:
        _show(result)
    elif not told:
        _tell(result)
    if aim:
        click.echo(_precision(aim, result), err=as_json)


def _show(result: Result) -> None:
    """Print the summary."""
    from sim.terminal.summary import summary_lines

    for line in summary_lines(result.summary, result.scenario, result.name, result.elapsed, result.theory):
        click.secho(line, bold=line.isupper())


def _precision(aim: "Aim", result: Result) -> str:
    """Say what --precision took."""
    from sim.terminal.summary import precision_line

    return precision_line(aim, result.summary, result.scenario)


def _save(result: Result, folder: Path, as_json: bool, every: bool) -> int:
    """Write tables, summary and figures, and say where; what cannot be written is said."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if result.trace:
            result.trace.save(folder)
        text = json.dumps(_json(result), indent=1, ensure_ascii=False)
        (folder / "summary.json").write_text(text + "\n", encoding="utf-8")
        figure = ""
        if result.trace and not result.interrupted:  # whoever pressed Ctrl-C will not wait for a picture
            figure = _draw(result.trace, folder, every)
    except OSError as error:
        click.echo(f"!  not saved in {folder}: {error.strerror}", err=True)
        return FAILED
    click.echo(f"   saved {folder}/{figure}", err=as_json)
    return 0


def _draw(trace: "Trace", folder: Path, every: bool) -> str:
    """Draw every figure that the run has, or the lag alone, and say what to look at next.

    Each takes a fifth of a second, and not everybody who runs something wants to look at all of them.
    """
    from sim.page.gallery import fitting, save_all

    names = fitting(trace)
    pictures = save_all(trace, names if every else names[:1], folder)
    return f"    next: open {pictures[0]}" if pictures else ""


def _verdict(result: Result) -> int:
    """Say by the exit status whether an expectation fails.

    One that is not resolved is told, and no failure: a build must not fail by luck.
    """
    from sim.expectations import verdict

    found = {verdict(expect, result.summary) for expect in result.scenario.expect}
    return EXPECTATION_MISSED if "fails" in found else 0


def _run_all(settings: dict[str, str], engine: str, as_json: bool) -> int:
    """Run every scenario that comes along, and give a row for each as soon as it is there."""
    from sim import library
    from sim.terminal.claims import verdict_row, verdicts_line

    names = library.names()
    scenarios = {name: scenario_of(name, settings) for name in names}
    results: list[Result] = []
    for result in _play_each(scenarios, engine):
        results.append(result)
        if not as_json:
            name = f"{result.name:<{max(map(len, names))}}"
            click.echo(verdict_row(name, result.scenario, result.summary, result.elapsed))
    if as_json:
        found = {"schema": 1, "scenarios": [_json(result) for result in results]}
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        click.echo(verdicts_line([(one.scenario, one.summary) for one in results]))
    return max(map(_verdict, results))


def _play_each(scenarios: "dict[str, Scenario]", engine: str) -> Iterator[Result]:
    """Play scenarios one after the other, all by the same processes."""
    from concurrent.futures.process import BrokenProcessPool

    from sim.pool.processes import cores, process_pool

    place = process_pool(cores()) if cores() > 1 else nullcontext()
    done = 0
    try:
        with place as pool:
            for name, scenario in scenarios.items():
                result = _play(name, scenario, engine, executor=pool)
                if result.interrupted:
                    raise KeyboardInterrupt
                yield result
                done += 1
    except (KeyboardInterrupt, CutOff):
        raise CutOff(f"interrupted: {done} of {len(scenarios)} scenarios were played") from None
    except BrokenProcessPool:
        raise Failure(f"{name}: a worker process died; sim run {name} tells more") from None
