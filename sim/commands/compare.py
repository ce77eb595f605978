"""`sim compare`: plays variants of a scenario on the same luck, and says which is best and by how much."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.commands.forecast import compare_live
from sim.commands.shell import (
    AS_JSON,
    INTERRUPTED,
    CutOff,
    Failure,
    Refusal,
    begin_processes,
    progress,
    runs_of_each,
    settings_of,
)

if TYPE_CHECKING:
    from sim.studies.comparison import Comparison, Variant
    from sim.studies.twins import Twins

LIVE_HELP = "Predicted against measured: a saved run, beside its load played with NAME's durations."


@click.command("compare")
@click.argument("name", metavar="[NAME_OR_FILE]", required=False)
@click.option(
    "--with",
    "changes",
    metavar="KEY=VALUE,...",
    multiple=True,
    help="A variant: link.delay=250ms, or several keys with commas between. Give it again for a further one.",
)
@click.option("--metric", metavar="NAME", help="What is compared in the first place; else staleness.mean")
@runs_of_each("variant")
@click.option("--twins", "wants_twins", is_flag=True, help="List the queries that the change has flipped.")
@click.option("--live", type=click.Path(path_type=Path), metavar="RUN", help=LIVE_HELP)
@AS_JSON
def compare(
    name: str | None,
    changes: tuple[str, ...],
    settings: tuple[str, ...],
    metric: str | None,
    seed: int | None,
    replications: int | None,
    engine: str,
    jobs: int | None,
    wants_twins: bool,
    live: Path | None,
    as_json: bool,
) -> int:
    """Play variants of a scenario on the same luck, and say which one is best.

    The scenario as it is comes first; each --with is one more variant.

    With --live, hold a saved run against what was predicted of it: its own
    load, played with the durations of the scenario that is named; or of the
    saved run that is named, fitted; or of itself, where none is named.
    """
    if live:
        if changes or settings or metric or jobs or wants_twins:
            raise Refusal("--live goes with --seed, --replications, --engine and --json alone")
        compare_live(name, live, seed, replications, engine, as_json)
        return 0
    if name is None:
        raise Refusal("compare what? sim list names the scenarios that come along")
    from sim.studies.comparison import HEADLINE
    from sim.terminal.what_if import comparison_lines, twins_lines

    begin_processes(jobs)
    variants = _variants(name, changes, settings_of(settings, seed, replications))
    comparison, interrupted = _play(variants, metric or HEADLINE, engine, jobs)
    pairs = [*_twins(comparison.variants, engine)] if wants_twins and not interrupted else []
    if as_json:
        click.echo(json.dumps(_json(comparison, pairs), indent=1, ensure_ascii=False))
    else:
        for line in comparison_lines(comparison):
            click.echo(line)
        for variant, found in zip(comparison.variants[1:], pairs, strict=False):
            click.echo()
            for line in twins_lines(found, comparison.variants[0], variant):
                click.echo(line)
    if interrupted:
        click.echo(interrupted, err=True)
    return INTERRUPTED if interrupted else 0


def _variants(name: str, changes: tuple[str, ...], settings: dict[str, str]) -> "list[Variant]":
    """Read every variant, or refuse with what is wrong."""
    from sim import library
    from sim.scenario_file import BadScenario
    from sim.studies.comparison import variants_of

    if not changes:
        raise Refusal("compare with what? --with link.delay=250ms makes a variant")
    try:
        return variants_of(name, [_change(text) for text in changes], settings)
    except (library.NoSuchScenario, BadScenario) as error:
        raise Refusal(str(error)) from None
    except ValueError as error:
        raise Refusal(f"--with: {error}; use --set") from None


def _change(text: str) -> dict[str, str]:
    """Read the keys that one --with sets: "link.delay=250ms,writer.service=1ms"."""
    from sim.distributions import split_at_commas

    change = {}
    for setting in split_at_commas(text):
        key, equals, value = setting.partition("=")
        if not (key.strip() and equals):
            raise Refusal(f"--with takes keys and values: --with link.delay=250ms, not {setting!r}")
        change[key.strip()] = value.strip()
    return change


def _play(variants: "list[Variant]", metric: str, engine: str, jobs: int | None) -> "tuple[Comparison, str]":
    """Play all of them; keep what Ctrl-C leaves, and say how far it got."""
    from sim.arrays import Refused
    from sim.clock import Stuck
    from sim.glossary import split_name
    from sim.studies.comparison import Unfinished, play_variants

    try:
        split_name(metric)
    except ValueError as error:
        raise Refusal(str(error)) from None
    try:
        with progress(len(variants) * variants[0].scenario.replications) as advance:
            return play_variants(variants, metric, jobs, engine, advance), ""
    except Refused as reason:
        raise Refusal(f"--engine array: {reason}; use --engine auto") from None
    except Stuck as stuck:
        raise Failure(f"compare: {stuck}") from None
    except Unfinished as cut:
        if cut.comparison is None:
            raise CutOff(str(cut)) from None
        return cut.comparison, str(cut)


def _twins(variants: "tuple[Variant, ...]", engine: str) -> "list[Twins]":
    """Play the first replication of all, and match the queries of each with those of the first one."""
    from sim.engines import run
    from sim.studies.twins import twins

    here, *others = (run(variant.scenario, engine=engine) for variant in variants)
    return [twins(here, there) for there in others]


def _json(comparison: "Comparison", pairs: "list[Twins]") -> dict[str, Any]:
    """Give everything that --json prints."""
    from sim.studies.comparison import comparison_json
    from sim.studies.twins import twins_json
    from sim.terminal.what_if import doubts_about, verdict

    found = comparison_json(comparison)
    found |= {"verdict": verdict(comparison), "warnings": list(doubts_about(comparison))}
    if pairs:
        found["twins"] = [twins_json(one) for one in pairs]
    return found
