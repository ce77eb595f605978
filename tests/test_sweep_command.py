import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from sim.grid import lay_out, parse_axis
from sim.studies.journal import begin, keep
from sim.studies.sweeps import identity, play_cells
from tests.test_cli import SIM, called

VARY = ("link.delay=50ms..200ms", "writer.service=exponential(2ms),exponential(8ms)")
SHORT = {"duration": "2s", "warmup": "0s", "replications": "2"}
SWEEP = ("sweep", "saturation", *(w for text in VARY for w in ("--vary", text)))
BRIEF = (*SWEEP, *(w for key, value in SHORT.items() for w in ("--set", f"{key}={value}")), "--jobs", "1")
LONG = (*SWEEP, "--set", "duration=10s", "--set", "warmup=0s", "--engine", "trio", "--out", "kept")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_sweep_shows_its_grid_and_saves_all_of_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One number of each cell in the terminal, all of them in the table; nothing on standard error."""
    status, printed, errors = called(capsys, *BRIEF, "--metric", "throughput", "--seed", "3")
    lines = printed.splitlines()
    assert (status, errors) == (0, "")
    assert lines[0] == "saturation  seed 3   throughput: accepted commands per second"
    assert lines[1].startswith("6 cells    12 runs of 2 s simulated in ")
    assert lines[3:5] == [
        "                writer.service",
        "   link.delay   exponential(2ms)   exponential(8ms)",
    ]
    [folder] = Path("runs").iterdir()
    assert folder.name.startswith("saturation-sweep-")
    assert lines[-1] == f"   saved {folder}/    next: open {folder}/sweep.png"
    names = ["runs.jsonl", "scenario.toml", "sweep.parquet", "sweep.png"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert pl.read_parquet(folder / "sweep.parquet")["link.delay"].unique().to_list() == [0.05, 0.1, 0.2]


def test_a_sweep_as_json_is_one_object(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every cell with its settings, all metrics, and what theory says."""
    status, printed, errors = called(capsys, *BRIEF, "--json")
    found = json.loads(printed)
    assert (status, errors[:20]) == (0, "   saved runs/saturat"[:20])
    assert list(found) == ["schema", "title", "seed", "vary", "wall_seconds", "cells", "lost"]
    assert found["vary"]["link.delay"] == ["50ms", "100ms", "200ms"]
    assert len(found["cells"]) == 6
    assert list(found["cells"][0]) == ["settings", "replications", "metrics", "theory"]
    assert found["cells"][5]["settings"] == {"link.delay": "200ms", "writer.service": "exponential(8ms)"}
    assert found["cells"][5]["theory"]["visibility_lag"]["mean"]["value"] == 0.2


def test_a_resumed_sweep_is_what_an_uninterrupted_one_is(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Byte for byte, though of twelve runs five were kept and one was cut short."""
    called(capsys, *BRIEF, "--out", "whole")
    grid = lay_out("saturation", [parse_axis(text) for text in VARY], SHORT)
    journal = Path("part", "runs.jsonl")
    begin(journal, identity(grid))
    for _, (run, summary) in zip(range(5), play_cells(grid, jobs=1), strict=False):
        assert summary
        keep(journal, run, summary)
    with journal.open("ab") as file:
        file.write(b'{"cell":5,"replicat')
    status, _, _ = called(capsys, *BRIEF, "--out", "part", "--resume")
    assert status == 0
    assert len(journal.read_bytes().splitlines()) == 13
    assert Path("part/sweep.parquet").read_bytes() == Path("whole/sweep.parquet").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stori", "--vary", "link.delay=1s"], "no such scenario: stori (did you mean 'story'?)"),
        (["story"], "nothing varies: --vary link.delay=10ms,50ms\n"),
        (["story", "--vary", "link.delay"], "--vary takes a key and its values"),
        (["story", "--vary", "link.dely=1s"], "link.dely: unknown key (did you mean 'delay'?)"),
        (["story", "--vary", "link.delay=1..3"], 'a duration needs a unit: write "1ms" or "1s"'),
        (["story", "--vary", "link.delay=1s", "--metric", "stalness"], "(did you mean 'staleness'?)"),
        (["story", "--vary", "link.delay=1s", "--resume"], "there is nothing to resume in runs/story-sweep-"),
        (
            ["story", "--vary", "link.delay=1s", "--jobs", "2", "--dask", "tcp://127.0.0.1:1"],
            "--jobs and --dask stand instead of each other: keep one\n",
        ),
        (
            ["oversold", "--vary", "link.delay=1s", "--engine", "array"],
            "--engine array: link.delay=1s: workers look before they command (look_first)",
        ),
        (
            ["story", "--vary", "link.delay=1s", "--resume", "--out", "other"],
            "other/runs.jsonl is of another sweep: it says 'another' where this one says 'sim ",
        ),
    ],
)
def test_bad_input_is_refused_with_what_would_do(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """Exit 2, a message on standard error, nothing played."""
    begin(Path("other", "runs.jsonl"), ["another"])
    status, printed, errors = called(capsys, "sweep", *arguments)
    assert (status, printed) == (2, "")
    assert message in errors
    assert not Path("runs").exists()


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_played(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 3 and the reason."""
    Path("file").touch()
    status, printed, errors = called(capsys, *BRIEF, "--out", "file/below")
    assert (status, printed) == (3, "")
    assert errors == "file/below/runs.jsonl cannot be written: Not a directory\n"


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_finished_and_resume_goes_on(tmp_path: Path) -> None:
    """Exit 130, twice; then the table is that of a sweep that nobody interrupted, byte for byte."""
    for _ in range(2):
        with _started(tmp_path, "--resume" if (tmp_path / "kept").exists() else "--jobs=2") as process:
            before = _kept(tmp_path)
            _wait_until(partial(_more_than, before + 10, tmp_path))
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
        assert process.returncode == 130
        assert errors == (
            f"interrupted: {_kept(tmp_path) - 1} of 60 runs were finished and are kept; "
            "the same command with --resume goes on\n"
        )
    assert subprocess.run([SIM, *LONG, "--resume"], cwd=tmp_path).returncode == 0
    resumed = _fingerprint(tmp_path)
    assert subprocess.run([SIM, *LONG], cwd=tmp_path).returncode == 0
    assert _fingerprint(tmp_path) == resumed


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="this system has no /proc")
def test_a_worker_process_that_is_killed_loses_nothing_and_is_reported(tmp_path: Path) -> None:
    """The sweep goes on, says so, and finds what it would have found."""
    assert subprocess.run([SIM, *LONG], cwd=tmp_path).returncode == 0
    untroubled = _fingerprint(tmp_path)
    (tmp_path / "kept" / "runs.jsonl").unlink()
    with _started(tmp_path, "--jobs=2") as process:
        _wait_until(lambda: _kept(tmp_path) > 11)
        os.kill(next(_workers(process.pid)), signal.SIGKILL)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 0
    assert errors == "!  a worker process died; what it was playing is tried again\n"
    assert _kept(tmp_path) == 61
    assert _fingerprint(tmp_path) == untroubled


@contextmanager
def _started(folder: Path, *more: str) -> "Iterator[subprocess.Popen[str]]":
    """Start the long sweep; end it if it does not end itself, for that is a failure and no reason to wait."""
    words, pipe = [SIM, *LONG, *more], subprocess.PIPE
    with subprocess.Popen(words, cwd=folder, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _workers(pid: int) -> Iterator[int]:
    """Find the processes that play: the children of a process, or of the one that makes copies of itself."""
    for child in _children(pid):
        words = Path(f"/proc/{child}/cmdline").read_text()
        if "forkserver" in words:
            yield from _children(child)
        elif "spawn_main" in words:
            yield child


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _kept(folder: Path) -> int:
    """Count the lines of the journal."""
    journal = folder / "kept" / "runs.jsonl"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def _more_than(lines: int, folder: Path) -> bool:
    return _kept(folder) > lines


def _fingerprint(folder: Path) -> str:
    return sha256((folder / "kept" / "sweep.parquet").read_bytes()).hexdigest()


def _wait_until(condition: Callable[[], bool]) -> None:
    """Wait until something is so, a minute at most."""
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it was never so")
