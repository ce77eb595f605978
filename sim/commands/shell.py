"""What every command needs: its settings, its scenario, a bar, and messages that end it.

Nothing heavy is imported on top of any command, so that --help answers at once.
"""

import atexit
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from sim.grid import Grid
    from sim.scenario import Scenario
    from sim.trace import Trace

RUNS = Path("runs")

EXPECTATION_MISSED = DISAGREES = 1
BAD_INPUT, FAILED, INTERRUPTED, PIPE_CLOSED = 2, 3, 130, 141

SET = click.option(
    "--set", "settings", metavar="KEY=VALUE", multiple=True, help="Change a key: link.delay=50ms"
)
ENGINE_HELP = "The actors; or array arithmetic, faster, where nobody waits for an answer; or whatever can."
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")

Command = TypeVar("Command", bound=Callable[..., Any])


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


def runs_of_each(what: str) -> Callable[[Command], Command]:
    """Give a command the options of all that play many runs of each variant, cell or setting."""
    options = (
        SET,
        click.option("--seed", type=click.IntRange(min=0), help=f"Other luck, the same for each {what}."),
        click.option("--replications", type=click.IntRange(min=1), help=f"Independent runs of each {what}."),
        click.option(
            "--engine", type=click.Choice(["trio", "array", "auto"]), default="auto", help=ENGINE_HELP
        ),
        click.option("--jobs", type=click.IntRange(min=1), help="Processes; else one a core."),
    )
    return lambda command: reduce(lambda inner, option: option(inner), reversed(options), command)


def settings_of(given: tuple[str, ...], seed: int | None, replications: int | None) -> dict[str, str]:
    """Collect the keys that the command line sets."""
    settings = {}
    for setting in given:
        key, equals, value = setting.partition("=")
        if not (key.strip() and equals):
            raise Refusal(f"--set takes a key and a value: --set link.delay=50ms, not {setting!r}")
        settings[key.strip()] = value.strip()
    options = {"seed": seed, "replications": replications}
    return settings | {key: str(value) for key, value in options.items() if value is not None}


def scenario_of(name: str, settings: dict[str, str]) -> "Scenario":
    """Read a scenario, or refuse with all that is wrong with it."""
    from sim import library
    from sim.scenario_file import BadScenario

    try:
        return library.load_scenario(name, settings)
    except (library.NoSuchScenario, BadScenario) as error:
        raise Refusal(str(error)) from None


def grid_of(name: str, varied: tuple[str, ...], settings: dict[str, str], most: int | None = None) -> "Grid":
    """Lay out the grid that --vary asks for, of so many cells at most, or refuse with what is wrong."""
    from sim import library
    from sim.grid import MOST_CELLS, BadGrid, lay_out, parse_axis
    from sim.scenario_file import BadScenario

    try:
        return lay_out(name, [parse_axis(text) for text in varied], settings, most or MOST_CELLS)
    except (BadGrid, library.NoSuchScenario, BadScenario) as error:
        raise Refusal(str(error)) from None


def folder_of_run(name: Path) -> Path:
    """Find the folder of a run by its path, or by its name among the runs."""
    return name if name.exists() or not (RUNS / name).exists() else RUNS / name


def saved_run(folder: Path) -> "Trace":
    """Load the run that was saved in a folder, or refuse, with one that may be meant."""
    from sim.trace import TraceError, load_trace
    from sim.wording import did_you_mean

    try:
        return load_trace(folder)
    except TraceError as error:
        saved = [str(path.parent) for path in sorted(RUNS.glob("*/trace.json"))]
        raise Refusal(f"{error}{did_you_mean(folder, saved)}") from None


def begin_processes(jobs: int | None = None) -> None:
    """Let the processes of a pool begin to import what they need, beside whatever this one does next."""
    from sim.pool.processes import call_off, prepare

    if jobs != 1:
        atexit.register(call_off)
        prepare()


@contextmanager
def progress(total: int | None) -> Iterator[Callable[[], None]]:
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


def report_death() -> None:
    """Report what nothing is lost by."""
    click.echo("!  a worker process died; what it was playing is tried again", err=True)
