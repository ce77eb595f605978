"""`sim run`: plays a scenario, shows what it found, saves it, and holds its expectations."""

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click
from attrs import frozen

from sim.commands.live import Broken, folder_of, kind_of, play_live
from sim.commands.shell import (
    AS_JSON,
    EXPECTATION_MISSED,
    FAILED,
    INTERRUPTED,
    SET,
    CutOff,
    Failure,
    Refusal,
    progress,
    scenario_of,
    settings_of,
)

if TYPE_CHECKING:
    from sim.metrics import Summary
    from sim.precision import Aim
    from sim.scenario import Scenario
    from sim.theory import Prediction
    from sim.trace import Trace

ALONE = "leave out --engine, --precision, --realtime and --check-determinism"
LIMIT = 1000  # replications that --precision may take, where nothing else is said
ENGINE_HELP = "The actors; or array arithmetic, faster, where nobody waits for an answer; or whatever can."


@click.command("run")
@click.argument("name", metavar="NAME_OR_FILE")
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
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Where to save; else in runs/.")
@AS_JSON
@click.option("--realtime", is_flag=True, help="Tell a story in the time it takes.")
@click.option("--check-determinism", is_flag=True, help="Play it all again, in new processes, and compare.")
def run_scenario(
    name: str,
    seed: int | None,
    settings: tuple[str, ...],
    replications: int | None,
    precision: str | None,
    metric: str | None,
    limit: int | None,
    engine: str,
    on: str | None,
    out: Path | None,
    as_json: bool,
    realtime: bool,
    check_determinism: bool,
) -> int:
    """Run a scenario and show what it found."""
    live_once = 1 if on and replications is None else replications  # it takes as long as it says
    scenario = scenario_of(name, settings_of(settings, seed, live_once))
    if realtime and (as_json or not scenario.scripted):
        raise Refusal("--realtime tells a story line by line: it needs a scenario of steps, and no --json")
    aim = _aim(precision, metric, limit)
    if on and (aim or check_determinism or realtime or engine != "trio"):
        raise Refusal(f"--on {kind_of(on)} plays in real time, and never the same twice: {ALONE}")
    if on:
        out = out or folder_of(Path(name).stem, on)
        result = _play_live(Path(name).stem, scenario, on, out)
    else:
        result = _play(Path(name).stem, scenario, engine, aim)
    if check_determinism:
        again = attrs.evolve(scenario, replications=result.summary.replications)
        _agree(result, _play(result.name, again, engine, jobs=max(2, again.replications)))
    if as_json:
        click.echo(json.dumps(_json(result), indent=1, ensure_ascii=False))
    elif scenario.scripted:
        _tell(result, realtime)
    else:
        _show(result)
    if aim:
        click.echo(_precision(aim, result), err=as_json)
    status = _save(result, out or Path("runs", f"{result.name}-{result.summary.fingerprint[:6]}"), as_json)
    if result.interrupted:
        click.echo(result.interrupted, err=True)
    return result.status if result.interrupted else status or _verdict(result)


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
    from sim.precision import Aim

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
    name: str, scenario: "Scenario", engine: str, aim: "Aim | None" = None, jobs: int | None = None
) -> Result:
    """Play all replications, with a bar that shows how far they are; keep what Ctrl-C leaves."""
    from sim.arrays import Refused
    from sim.clock import Stuck
    from sim.precision import play_until
    from sim.replicate import CutShort, conclude, play_all
    from sim.theory import predictions

    began, interrupted = time.perf_counter(), ""
    try:
        with progress(None if aim else scenario.replications) as advance:
            if aim:
                played = play_until(scenario, aim, jobs, advance, engine)
            else:
                played = play_all(scenario, jobs, advance, engine)
    except Refused as reason:
        raise Refusal(f"--engine array: {reason}; use --engine trio") from None
    except Stuck as stuck:
        raise Failure(f"{name}: {stuck}") from None
    except CutShort as cut:
        played, interrupted = cut.played, str(cut)
        if not played:
            raise CutOff(str(cut)) from None
    elapsed = time.perf_counter() - began
    summary, theory = conclude(scenario, played), predictions(scenario)
    return Result(name, scenario, summary, played[0].trace, elapsed, theory, interrupted)


def _play_live(name: str, scenario: "Scenario", on: str, folder: Path) -> Result:
    """Play in real time on a store; keep what there is when it is cut short, or fails."""
    from sim.replicate import CutShort, conclude

    began, interrupted, status = time.perf_counter(), "", INTERRUPTED
    try:
        played = play_live(scenario, on, folder)
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
    from sim.metrics import as_json, number_or_null
    from sim.terminal import warnings
    from sim.theory import theory_json

    summary = result.summary
    claims = [
        {
            **attrs.asdict(expect, filter=lambda _, bound: bound is not None),
            "actual": number_or_null(summary.value(expect.metric)),
            "holds": expect.holds(summary.value(expect.metric)),
        }
        for expect in result.scenario.expect
    ]
    found = as_json(attrs.evolve(summary, wall_seconds=result.elapsed))
    found["theory"] = theory_json(result.theory)
    return {**found, "expectations": claims, "warnings": list(warnings(summary, result.scenario))}


def _tell(result: Result, realtime: bool) -> None:
    """Tell a story line by line."""
    from sim.tale import in_real_time, tell

    lines = tell(result.trace) if result.trace else []
    for line in in_real_time(lines) if realtime else lines:
        click.echo(str(line))
        sys.stdout.flush()


def _show(result: Result) -> None:
    """Print the summary."""
    from sim.terminal import summary_lines

    for line in summary_lines(result.summary, result.scenario, result.name, result.elapsed, result.theory):
        click.secho(line, bold=line.isupper())


def _precision(aim: "Aim", result: Result) -> str:
    """Say what --precision took."""
    from sim.terminal import precision_line

    return precision_line(aim, result.summary, result.scenario)


def _save(result: Result, folder: Path, as_json: bool) -> int:
    """Write tables, summary and figure, and say where; what cannot be written is said."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if result.trace:
            result.trace.save(folder)
        text = json.dumps(_json(result), indent=1, ensure_ascii=False)
        (folder / "summary.json").write_text(text + "\n", encoding="utf-8")
        figure = ""
        if result.trace and not result.interrupted:  # whoever pressed Ctrl-C will not wait for a picture
            figure = _draw(result.trace, folder)
    except OSError as error:
        click.echo(f"!  not saved in {folder}: {error.strerror}", err=True)
        return FAILED
    click.echo(f"   saved {folder}/{figure}", err=as_json)
    return 0


def _draw(trace: "Trace", folder: Path) -> str:
    """Draw the lag of the product that tells most, and say what to look at next."""
    from sim.plots import lag_over_time, save
    from sim.timeline import telling_product, timeline

    save(lag_over_time(timeline(trace, telling_product(trace))), folder / "lag.png")
    return f"    next: open {folder / 'lag.png'}"


def _verdict(result: Result) -> int:
    """Say by the exit status whether the scenario's expectations hold."""
    holds = [expect.holds(result.summary.value(expect.metric)) for expect in result.scenario.expect]
    return 0 if all(holds) else EXPECTATION_MISSED
