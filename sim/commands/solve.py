"""`sim solve`: finds the setting of one key at which a metric comes to what is wanted."""

import json
from typing import TYPE_CHECKING, Any

import click

from sim.commands.shell import (
    AS_JSON,
    CutOff,
    Failure,
    Refusal,
    begin_processes,
    progress,
    report_death,
    runs_of_each,
    scenario_of,
    settings_of,
)

if TYPE_CHECKING:
    from sim.knob import Knob
    from sim.scenario import Expect, Scenario
    from sim.studies.solution import Solution


@click.command("solve")
@click.argument("name", metavar="NAME_OR_FILE")
@click.option("--metric", metavar="NAME", required=True, help="What shall come out: stale_read_fraction")
@click.option("--below", metavar="BOUND", help="What it shall be below: 1%, 400ms, 20/s, 3")
@click.option("--above", metavar="BOUND", help="Or above.")
@click.option("--by", metavar="KEY", required=True, help="What is set: link.delay, workers.pace …")
@click.option("--from", "low", metavar="VALUE", help="Look for no smaller setting; goes with --to.")
@click.option("--to", "high", metavar="VALUE", help="Look for no larger setting.")
@runs_of_each("setting")
@AS_JSON
def solve(
    name: str,
    metric: str,
    below: str | None,
    above: str | None,
    by: str,
    low: str | None,
    high: str | None,
    settings: tuple[str, ...],
    seed: int | None,
    replications: int | None,
    engine: str,
    jobs: int | None,
    as_json: bool,
) -> int:
    """Find the setting of one key at which a metric comes to what is wanted.

    A key with a distribution is set by its mean, workers.pace by its rate.
    Where nothing is said of --from and --to, the search begins where the
    scenario stands, and doubles and halves.
    """
    from sim.studies.solution import solution_json
    from sim.terminal.what_if import solution_lines

    begin_processes(jobs)
    scenario = scenario_of(name, settings_of(settings, seed, replications))
    wanted = _wanted(metric, below, above)
    knob, between = _knob(scenario, by, low, high)
    solution = _search(knob, wanted, between, engine, jobs)
    if as_json:
        click.echo(json.dumps(solution_json(solution), indent=1, ensure_ascii=False))
        return 0
    for line in solution_lines(solution):
        click.echo(line)
    return 0


def _wanted(metric: str, below: str | None, above: str | None) -> "Expect":
    """Read what is wanted, or refuse."""
    from sim.glossary import split_name
    from sim.scenario import Expect

    if (below is None) == (above is None):
        raise Refusal("one bound is needed: --below 1%, or --above")
    side, bound = ("below", below) if below is not None else ("above", above)
    assert bound is not None
    try:
        split_name(metric)
        return Expect.read({"metric": metric, side: _value(bound)})
    except ValueError as error:
        raise Refusal(str(error) if "metric" in str(error) else f"--{side}: {error}") from None


def _value(text: str) -> Any:
    """Read a bound as a scenario file would have it: a plain number, or text with a unit."""
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def _knob(
    scenario: "Scenario", key: str, low: str | None, high: str | None
) -> "tuple[Knob, tuple[float, float] | None]":
    """Find what is to be set and between which ends, or refuse."""
    from sim.knob import Knob

    if (low is None) != (high is None):
        raise Refusal("--from and --to go together: --from 1ms --to 10s")
    try:
        knob = Knob.find(scenario, key)
        if low is None or high is None:
            return knob, None
        ends = knob.read(low), knob.read(high)
        for end in ends:
            knob.at(end)
    except ValueError as error:
        raise Refusal(str(error)) from None
    if not ends[0] < ends[1]:
        raise Refusal(f"--from must be less than --to, and {low} is not less than {high}")
    return knob, ends


def _search(
    knob: "Knob", wanted: "Expect", between: tuple[float, float] | None, engine: str, jobs: int | None
) -> "Solution":
    """Search, with a bar that shows that something is done; say what is known when it is cut short."""
    from sim.arrays import Refused
    from sim.clock import Stuck
    from sim.pool.executors import Died
    from sim.studies.solution import Unfinished, Unsolved, search
    from sim.terminal.what_if import curve_lines

    try:
        with progress(None) as advance:
            return search(knob, wanted, between, jobs, engine, advance, on_death=report_death)
    except Refused as reason:
        raise Refusal(f"--engine array: {reason}; use --engine auto") from None
    except (Stuck, Died) as why:
        raise Failure(f"solve: {why}") from None
    except Unsolved as unsolved:
        hint = "" if between else "; --from and --to look elsewhere"
        raise Refusal(f"{unsolved}{hint}") from None
    except ValueError as error:
        raise Refusal(str(error)) from None
    except Unfinished as cut:
        for line in curve_lines(knob, wanted.metric, cut.curve) if cut.curve else ():
            click.echo(line, err=True)
        raise CutOff(str(cut)) from None
