"""The command line: the commands a person can type, and how each of them ends."""

import atexit
import gc
import os
import signal
import sys

import click

from sim import __version__
from sim.commands.compare import compare
from sim.commands.fit import fit_run
from sim.commands.plot import plot_run
from sim.commands.report import report
from sim.commands.run import run_scenario
from sim.commands.shell import FAILED, INTERRUPTED, PIPE_CLOSED
from sim.commands.solve import solve
from sim.commands.sweep import sweep_scenario
from sim.commands.theory import show_theory
from sim.commands.verify import verify


@click.group("sim", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sim")
def commands() -> None:
    """Run, measure and watch eventual consistency.

    \b
    sim list               the scenarios that come along
    sim run story          ten items are added; why does the warehouse still say zero?
    sim run flash-sale     how stale is the shop window while the queue is deepest?
    sim plot RUN           the figures of a run that was saved
    sim report flash-sale  the same as a page to read, to print and to pass on
    sim compare slow-link --with link.delay=250ms
                           what one change does, on the same luck
    sim sweep saturation --vary link.delay=10ms..80ms
                           the same for each of some values
    sim solve slow-link --metric stale_read_fraction --below 1% --by link.delay
                           what it would take
    sim theory saturation  what closed forms say of it, and why others do not hold
    sim verify             the whole program against all closed forms
    """  # noqa: D301, for click wants the character and not how it is written


@commands.command("list")
def list_scenarios() -> None:
    """Name the scenarios that come along, each with its question."""
    from sim import library

    known = library.names()
    for name in known:
        click.echo(f"{name:<{max(map(len, known))}}   {library.load_scenario(name).question}")


for command in (run_scenario, plot_run, report, compare, sweep_scenario, solve, show_theory, verify, fit_run):
    commands.add_command(command)


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
    atexit.register(gc.freeze)  # or all that was imported would be searched for garbage, before it is let go
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)  # all is said: Ctrl-C comes too late
    sys.exit(status)


def _silence_output() -> None:
    """Keep Python from trying once more, at its end, to write where nobody reads."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
