"""Measurements: every one in a process of its own, in turns, on one core.

This process stays small: on Linux the peak memory of a child begins with
what its parent had when it started it. So it imports no numpy; workloads are
drawn by a child as well.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen

from tests.bench import PLAN_FILE

ROOT = Path(__file__).parent.parent.parent
WORKERS, RATE = 20, 800.0  # unless a case says otherwise


@frozen
class Contestant:
    """A program: what it is, its module, and what else that is told.

    draws_itself: it makes its plan from the scenario, and needs none drawn
    for it. grows_to: up to how many commands it is grown.
    """

    name: str
    module: str
    words: tuple[str, ...] = ()
    draws_itself: bool = False
    grows_to: int = 0


@frozen
class Case:
    """A program with a workload: about so many commands from so many workers, at so many a second."""

    contestant: str
    commands: int
    workers: int = WORKERS
    rate: float = RATE

    @property
    def workload(self) -> tuple[str, str, str]:
        """Tell `tests.bench.workload` what to draw."""
        return str(self.commands), str(self.workers), str(self.rate)


@frozen
class Measured:
    """What one process printed; see `stopwatch.report`."""

    commands: int
    seconds: float
    cpu_seconds: float
    mean_wait: float
    accepted: int
    seen: int
    peak_bytes: int

    @property
    def speed(self) -> float:
        """Commands a second of processor time: what others do on this machine counts least there."""
        return self.commands / self.cpu_seconds

    @property
    def core(self) -> float:
        """Of the time that it took, the share for which it had a core."""
        return self.cpu_seconds / self.seconds


Results = Mapping[Case, list[Measured]]


def measure_all(
    contestants: Iterable[Contestant], rounds: Mapping[Case, int], say: Callable[[str], object]
) -> Results:
    """Measure each case so many times, one round of all after the other."""
    programs = {contestant.name: contestant for contestant in contestants}
    results: dict[Case, list[Measured]] = {case: [] for case in rounds}
    with on_one_core(), tempfile.TemporaryDirectory() as folder:
        for turn in range(max(rounds.values())):
            for case in (case for case, times in rounds.items() if turn < times):
                one = _measure(programs[case.contestant], case, Path(folder))
                results[case].append(one)
                say(
                    f"{turn + 1}/{rounds[case]}  {case.contestant}, {case.workers:,} workers:"
                    f" {one.commands:,} commands in {one.seconds:.2f} s"
                )
    return results


def flash_sale(replications: int, rounds: int, say: Callable[[str], object]) -> list[dict[str, float]]:
    """Measure `sim run flash-sale` on one core, after one start that warms the disk."""
    runs = []
    with on_one_core(), tempfile.TemporaryDirectory() as folder:
        for turn in range(rounds + 1):
            runs.append(_child("tests.bench.with_cli", repr(time.monotonic()), folder, str(replications)))
            say(f"{turn}/{rounds}  sim run flash-sale: {runs[-1]['to_end']:.2f} s")
    return runs[1:]


def flash_sale_in_use(replications: int, rounds: int) -> list[float]:
    """Measure the seconds from the start of `sim run flash-sale` to its summary, on all cores."""
    with tempfile.TemporaryDirectory() as folder:
        return [_to_summary(folder, replications) for _ in range(rounds)]


def sweeps(
    engine: str, replications: int, rounds: int, say: Callable[[str], object]
) -> list[dict[int, float]]:
    """Measure a sweep on one core and on two, in turns; give the seconds of each round, by cores."""
    runs: list[dict[int, float]] = []
    for turn in range(1, rounds + 1):
        words = (str(replications), engine)
        runs.append({n: _child("tests.bench.with_sweep", str(n), *words)["seconds"] for n in (1, 2)})
        say(f"{turn}/{rounds}  a sweep: {runs[-1][1]:.2f} s on one core, {runs[-1][2]:.2f} s on two")
    return runs


def knobs(rounds: int, say: Callable[[str], object]) -> dict[str, list[float]]:
    """Turn the knob of each lesson that has one to all of its positions; give the seconds of each turn."""
    turns: dict[str, list[float]] = {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        if "knob = slider(" in path.read_text(encoding="utf-8"):
            turns[path.stem] = _child("tests.bench.with_knob", str(path), str(rounds))
            say(f"the knob of {path.stem}: {len(turns[path.stem])} turns")
    return turns


def _to_summary(folder: str, replications: int) -> float:
    words = ["run", "flash-sale", "--replications", str(replications)]
    began = time.monotonic()
    program = [sys.executable, "-u", "-c", "from sim.cli import main; main()"]
    with subprocess.Popen([*program, *words], stdout=subprocess.PIPE, text=True, cwd=folder) as process:
        assert process.stdout is not None
        lines = {line: time.monotonic() - began for line in process.stdout}
    return max(seconds for line, seconds in lines.items() if "saved" not in line)


@contextmanager
def on_one_core() -> Iterator[None]:
    """Keep this process and its children on one core, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@contextmanager
def after_the_first_start() -> Iterator[None]:
    """Let modules be compiled once, as they are where nobody forbids it; otherwise each start does."""
    ours = dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(ours)


def _measure(program: Contestant, case: Case, folder: Path) -> Measured:
    """Describe and draw a case's workload, if that has not been done, and have the program play it."""
    mine = folder / "-".join(case.workload)
    if not mine.exists():
        mine.mkdir()
        _run("tests.bench.workload", str(mine), *case.workload)
    if not program.draws_itself and not (mine / PLAN_FILE).exists():
        _run("tests.bench.workload", str(mine))
    return Measured(**_child(f"tests.bench.{program.module}", str(mine), *program.words))


def _child(module: str, *words: str) -> Any:
    """Run a module in a new process and read the JSON that it prints."""
    return json.loads(_run(module, *words))


def _run(module: str, *words: str) -> str:
    command = [sys.executable, "-m", module, *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout
