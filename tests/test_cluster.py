import json
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from attrs import evolve, frozen

from tests.test_cli import SIM

pytestmark = pytest.mark.slow
DASK = str(Path(sys.executable).with_name("dask"))
ALONE = ("--host", "127.0.0.1", "--no-dashboard")
SWEEP = (
    *(SIM, "sweep", "saturation", "--replications", "10"),
    *("--vary", "link.delay=10ms..320ms", "--vary", "writer.service=exponential(1ms..6ms/1ms)"),
    *("--set", "workers.pace=poisson(100/s)", "--set", "duration=100s", "--set", "warmup=0s"),
)


@frozen
class Cluster:
    """A dask scheduler and its workers, as processes."""

    address: str
    scheduler: "subprocess.Popen[bytes]"
    workers: tuple["subprocess.Popen[bytes]", ...] = ()


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[Cluster]:
    """Start a scheduler from the command line."""
    told = tmp_path / "scheduler.json"
    words = [DASK, "scheduler", *ALONE, "--port", "0", "--scheduler-file", str(told)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            while not told.exists():
                assert process.poll() is None
                time.sleep(0.1)
            time.sleep(0.1)  # it is written in one piece, soon after it is made
            yield Cluster(json.loads(told.read_text())["address"], process)
        finally:
            process.kill()


@pytest.fixture
def cluster(idle: Cluster) -> Iterator[Cluster]:
    """Start two workers of one thread each, without nannies that would start them again."""
    words = [DASK, "worker", idle.address, *ALONE, "--nthreads", "1", "--no-nanny"]
    workers = [subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in "12"]
    try:
        yield evolve(idle, workers=tuple(workers))
    finally:
        for process in workers:
            process.kill()
            process.wait()


def test_a_cluster_finds_what_one_core_and_two_find(tmp_path: Path, cluster: Cluster) -> None:
    """6 × 6 cells × 10 replications of 10⁴ commands each: the same table, byte for byte."""
    places = {"one": ("--jobs", "1"), "two": ("--jobs", "2"), "cluster": ("--dask", cluster.address)}
    for name, where in places.items():
        done = _sweep(tmp_path, *where, "--out", name)
        assert (done.returncode, done.stderr) == (0, "")
    assert "36 cells    360 runs of 100 s" in done.stdout
    tables = [(tmp_path / name / "sweep.parquet").read_bytes() for name in places]
    assert len({sha256(table).hexdigest() for table in tables}) == 1


def test_a_worker_of_the_cluster_that_is_killed_loses_nothing(tmp_path: Path, cluster: Cluster) -> None:
    """The scheduler gives its runs to the other one."""
    journal = tmp_path / "kept" / "runs.jsonl"
    with _started(tmp_path, "--dask", cluster.address, "--out", "kept") as process:
        _wait_for_runs(journal, process)
        cluster.workers[0].kill()
        _, errors = process.communicate(timeout=300)
    assert (process.returncode, errors) == (0, "")
    assert journal.read_bytes().count(b"\n") == 361


def test_a_cluster_that_goes_away_costs_nothing_that_is_finished(tmp_path: Path, cluster: Cluster) -> None:
    """One message, exit 3, and the runs that had come back are kept."""
    journal = tmp_path / "kept" / "runs.jsonl"
    with _started(tmp_path, "--dask", cluster.address, "--out", "kept") as process:
        _wait_for_runs(journal, process)
        cluster.scheduler.kill()
        _, errors = process.communicate(timeout=120)
    kept = journal.read_bytes().count(b"\n") - 1
    assert process.returncode == 3
    assert errors == (
        f"the cluster's scheduler has gone: {kept} of 360 runs were finished and are kept; "
        "the same command with --resume goes on\n"
    )


def test_a_cluster_that_cannot_be_used_is_refused_with_what_would_do(tmp_path: Path, idle: Cluster) -> None:
    """Exit 2, one message, nothing played: nobody answers, or there is nobody to play."""
    for address in ("tcp://127.0.0.1:1", "tcp://127.0.0.1", "nonsense://x"):
        done = _sweep(tmp_path, "--dask", address)
        message = f"--dask: no dask scheduler answers at {address}: start one with dask scheduler\n"
        assert (done.returncode, done.stdout, done.stderr) == (2, "", message)
    done = _sweep(tmp_path, "--dask", idle.address)
    message = f"--dask: {idle.address} has no worker yet: start some with dask worker {idle.address}\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)
    assert not (tmp_path / "runs").exists()


def _sweep(folder: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*SWEEP, *more], cwd=folder, capture_output=True, text=True, timeout=300)


def _started(folder: Path, *more: str) -> "subprocess.Popen[str]":
    words = [*SWEEP, *more]
    return subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _wait_for_runs(journal: Path, process: "subprocess.Popen[str]") -> None:
    """Wait until some runs are kept."""
    while not (journal.exists() and journal.read_bytes().count(b"\n") > 10):
        assert process.poll() is None
        time.sleep(0.05)
