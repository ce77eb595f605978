"""Measures, and prints one table on standard output; what is going on goes to standard error.

Adding a program is one line of CONTESTANTS.
"""

import sys
from importlib.util import find_spec

import click
from attrs import frozen

from tests.bench import FEW, table
from tests.bench.contest import (
    Case,
    Contestant,
    after_the_first_start,
    flash_sale,
    flash_sale_in_use,
    knobs,
    measure_all,
    sweeps,
)
from tests.bench.targets import ARRAY, ASYNCIO, CIW, CIW_ALONE, RECORDED, SILENT, SIMPY, TRIO

CONTESTANTS = (
    Contestant(RECORDED, "with_sim", draws_itself=True, grows_to=10**6),
    Contestant(SILENT, "with_sim_silent", draws_itself=True),
    Contestant(ARRAY, "with_sim", ("engine=array",), draws_itself=True, grows_to=10**7),
    Contestant(SIMPY, "with_simpy"),
    Contestant(CIW, "with_ciw"),
    Contestant(CIW_ALONE, "with_ciw", ("looks=no",)),
    Contestant(ASYNCIO, "with_asyncio"),
    Contestant(TRIO, "with_trio"),
)
ENGINES = tuple(program for program in CONTESTANTS if program.grows_to)

ABOUT = """\
{workers} workers, open loop, {rate:.0f} commands and {rate:.0f} looks a second in all; one writer, 80 % busy;
exponential services; an independent link with exponential delays; the reader applies the newest.
All play the same numbers. Medians over {rounds} rounds, in turns, each in a process of its own, on one core.
Time: processor time of the run, after {few} commands of the same kind for what a program does but once, and
without imports or reading. Ours draw their plan in it, which the others are given; "all recorded" makes the
tables, the fingerprint and every metric. Memory: the most the whole process ever had (ru_maxrss), with the
interpreter, libraries and plan. Ciw has no data: see tests/bench/with_ciw.py.
"""


@frozen
class Size:
    """How much is measured: rounds and commands of the contest, then of growth, then of the rest."""

    rounds: int
    commands: int
    growth_rounds: int
    commands_grow: tuple[int, ...]
    workers_grow: tuple[int, ...]
    crowd: int
    crowd_seconds: int
    flash_sales: int
    replications: int


FULL = Size(5, 10**5, 3, (10**4, 10**5, 10**6, 10**7), (1, 20, 100, 1_000, 10_000), 10_000, 60, 3, 10)
QUICK = Size(1, 1_000, 1, (500, 1_000), (1, 20), 100, 2, 1, 1)


@click.command()
@click.option("--quick", is_flag=True, help="A small run, which shows that it works and measures nothing.")
def main(quick: bool) -> None:
    """Measure this project beside SimPy, Ciw, asyncio and trio, and print one table."""
    if not (find_spec("simpy") and find_spec("ciw")):
        raise click.ClickException("SimPy and Ciw are missing: uv run --group bench python -m tests.bench")
    size = QUICK if quick else FULL
    contest = [Case(program.name, size.commands) for program in CONTESTANTS]
    growth = [
        Case(program.name, n) for program in ENGINES for n in size.commands_grow if n <= program.grows_to
    ]
    growth += [Case(program.name, size.commands, w) for program in ENGINES for w in size.workers_grow]
    growth = list(dict.fromkeys(growth))
    crowd = Case(RECORDED, size.crowd * size.crowd_seconds, size.crowd, float(size.crowd))
    rounds = dict.fromkeys([*contest, *growth], size.growth_rounds)
    rounds |= dict.fromkeys(contest, size.rounds) | {crowd: 1}

    results = measure_all(CONTESTANTS, rounds, _say)
    with after_the_first_start():
        sales = flash_sale(size.replications, size.flash_sales, _say)
        in_use = flash_sale_in_use(size.replications, size.flash_sales)
        by_actors = sweeps("trio", size.replications, 1, _say)
        by_arrays = sweeps("array", size.replications, size.flash_sales, _say)
    turns = knobs(size.flash_sales, _say)
    differences = list(table.differences(results))

    click.echo(ABOUT.format(workers=contest[0].workers, rate=contest[0].rate, rounds=size.rounds, few=FEW))
    for lines in (
        table.contest_lines(results, contest),
        table.verdict_lines(differences),
        table.growth_lines(results, [*growth, crowd]),
        table.target_lines(results, contest[0]),
        [table.crowd_line(results[crowd], crowd.workers)],
        [table.sweep_line(by_actors, "by actors"), table.sweep_line(by_arrays, "by arrays")],
        table.flash_sale_lines(sales, in_use),
        table.knob_lines(turns),
    ):
        click.echo("\n".join(lines) + "\n")
    sys.exit(bool(differences))


def _say(progress: str) -> None:
    click.echo(progress, err=True)


if __name__ == "__main__":
    main(prog_name="python -m tests.bench")
