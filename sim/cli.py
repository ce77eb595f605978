"""The command line: what a person types, and what they see.

Nothing heavy is imported on top, so that --help answers at once.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click
from attrs import frozen

from sim import __version__

if TYPE_CHECKING:
    from sim.certificate import Certificate, Coverage, Row
    from sim.metrics import Summary
    from sim.precision import Aim
    from sim.scenario import Scenario
    from sim.theory import Prediction
    from sim.trace import Trace

LIMIT = 1000  # replications that --precision may take, where nothing else is said
EXPECTATION_MISSED = DISAGREES = 1
BAD_INPUT, FAILED, INTERRUPTED, PIPE_CLOSED = 2, 3, 130, 141
ENGINE_HELP = "The actors; or array arithmetic, faster, where nobody waits for an answer; or whatever can."


class Refusal(click.ClickException):
    """Bad input: a message, and nothing was run."""

    exit_code = BAD_INPUT

    def show(self, file: Any = None) -> None:
        """Print the message alone, on standard error."""
        click.echo(self.message, err=True, file=file)


class Failure(Refusal):
    """A run that could not end, or a result that could not be written."""

    exit_code = FAILED


class CutOff(Refusal):
    """Ctrl-C before there was anything to keep."""

    exit_code = INTERRUPTED


@click.group("sim", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sim")
def commands() -> None:
    r"""Run, measure and watch eventual consistency.

    \b
    sim list               the scenarios that come along
    sim run story          ten items are added; why does the warehouse still say zero?
    sim run flash-sale     how stale is the shop window while the queue is deepest?
    sim theory saturation  what closed forms say of it, and why others do not hold
    sim verify             the whole program against all closed forms
    """


@commands.command("list")
def list_scenarios() -> None:
    """Name the scenarios that come along, each with its question."""
    from sim import library

    known = library.names()
    for name in known:
        click.echo(f"{name:<{max(map(len, known))}}   {library.load_scenario(name).question}")


@commands.command("run")
@click.argument("name", metavar="NAME_OR_FILE")
@click.option("--seed", type=click.IntRange(min=0), help="Other luck; the same seed is the same run.")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="Change a key: link.delay=50ms")
@click.option("--replications", type=click.IntRange(min=1), help="Independent runs behind every interval.")
@click.option("--precision", metavar="SHARE", help="Add replications until --metric is that exact: 2%.")
@click.option("--metric", metavar="NAME", help="The number that --precision is about: staleness.mean")
@click.option(
    "--limit", type=click.IntRange(min=2), help=f"Replications that --precision may take, {LIMIT} if not set."
)
@click.option("--engine", type=click.Choice(["trio", "array", "auto"]), default="trio", help=ENGINE_HELP)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Where to save; else in runs/.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
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
    out: Path | None,
    as_json: bool,
    realtime: bool,
    check_determinism: bool,
) -> int:
    """Run a scenario and show what it found."""
    scenario = _scenario(name, _settings(settings, seed, replications))
    if realtime and (as_json or not scenario.scripted):
        raise Refusal("--realtime tells a story line by line: it needs a scenario of steps, and no --json")
    aim = _aim(precision, metric, limit)
    result = _play(Path(name).stem, scenario, engine, aim)
    if check_determinism:
        again = attrs.evolve(scenario, replications=result.summary.replications)
        _compare(result, _play(result.name, again, engine, jobs=max(2, again.replications)))
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
    return INTERRUPTED if result.interrupted else status or _verdict(result)


@commands.command("theory")
@click.argument("name", metavar="NAME_OR_FILE")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="Change a key: link.delay=50ms")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def show_theory(name: str, settings: tuple[str, ...], as_json: bool) -> None:
    """Name the closed forms that hold for a scenario, and say why the others do not."""
    from sim.terminal import theory_lines
    from sim.theory import predictions, refusals

    scenario = _scenario(name, _settings(settings, None, None))
    holding, refused = predictions(scenario), refusals(scenario)
    if as_json:
        found = {"schema": 1, "title": scenario.title}
        found |= {"holds": [*map(attrs.asdict, holding)], "does_not_hold": [*map(attrs.asdict, refused)]}
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    for line in theory_lines(scenario, Path(name).stem, holding, refused):
        click.secho(line, bold=line.isupper())


@commands.command("verify")
@click.option("--quick", is_flag=True, help="A twelfth of each run; no quantiles, no coverage.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, help="Other luck; the same seed is the same table."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def verify(quick: bool, seed: int, as_json: bool) -> int:
    """Hold the simulation against every closed form that a scenario can express.

    Exit status 1 if a row lies four standard errors off, if all of them
    together stray too much or too little, or if intervals miss the truth.
    """
    from sim.certificate import certificate_json
    from sim.terminal import certificate_lines

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


def main(arguments: list[str] | None = None) -> None:
    """Run the command line, and end with the status that says how it went."""
    try:
        status = commands(arguments, standalone_mode=False) or 0
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        status = INTERRUPTED
    except OSError as error:
        _silence_output()
        status = PIPE_CLOSED if isinstance(error, BrokenPipeError) else FAILED
        if status == FAILED:
            click.echo(f"cannot write: {error.strerror}", err=True)
    sys.exit(status)


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


def _settings(given: tuple[str, ...], seed: int | None, replications: int | None) -> dict[str, str]:
    """Collect the keys that the command line sets."""
    settings = {}
    for setting in given:
        key, equals, value = setting.partition("=")
        if not (key.strip() and equals):
            raise Refusal(f"--set takes a key and a value: --set link.delay=50ms, not {setting!r}")
        settings[key.strip()] = value.strip()
    options = {"seed": seed, "replications": replications}
    return settings | {key: str(value) for key, value in options.items() if value is not None}


def _scenario(name: str, settings: dict[str, str]) -> "Scenario":
    """Read a scenario, or refuse with all that is wrong with it."""
    from sim import library
    from sim.scenario_file import BadScenario

    try:
        return library.load_scenario(name, settings)
    except (library.NoSuchScenario, BadScenario) as error:
        raise Refusal(str(error)) from None


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
        with _progress(None if aim else scenario.replications) as advance:
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


def _certify(quick: bool, luck: int) -> "tuple[Certificate, bool]":
    """Play every case and every experiment; after Ctrl-C keep what was finished, and say so."""
    from sim import cases
    from sim.certificate import EXPERIMENTS, FULL, QUICK, Certificate, chosen, compare, cover
    from sim.clock import Stuck

    effort, experiments = (QUICK, ()) if quick else (FULL, cases.COVERAGE)
    listed = chosen(cases.SECTIONS, luck, effort)
    plays = effort.replications * len(listed)
    rows: list[Row] = []
    coverage: list[Coverage] = []
    interrupted = False
    try:
        with _progress(plays + len(experiments) * EXPERIMENTS) as advance:
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


@contextmanager
def _progress(total: int | None) -> Iterator[Callable[[], None]]:
    """Show a bar on standard error while replications are played, if that is a terminal.

    Where nobody knows how many there will be, `total` is None.
    """
    if total == 1 or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("replications", total=total)
        yield lambda: bar.advance(task)


def _compare(first: Result, second: Result) -> None:
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


def _silence_output() -> None:
    """Keep Python from trying once more, at its end, to write where nobody reads."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
