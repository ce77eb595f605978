import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from tests.bench.contest import Case, Measured
from tests.bench.table import differences
from tests.bench.warehouse import NO_DATA

ROOT = Path(__file__).parent.parent
OURS = Measured(commands=10, seconds=1.0, cpu_seconds=1.0, mean_wait=0.004, accepted=9, seen=70, peak_bytes=1)


def test_programs_that_played_the_same_do_not_differ() -> None:
    """Slower, with more memory, rounded otherwise, or without data: it is the same play."""
    theirs = evolve(OURS, seconds=2.0, peak_bytes=2, mean_wait=0.004 * (1 + 1e-12))
    without_data = evolve(OURS, accepted=NO_DATA, seen=NO_DATA)
    results = {Case("ours", 10): [OURS], Case("theirs", 10): [theirs], Case("Ciw", 10): [without_data]}
    assert list(differences(results)) == []


@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        ({"mean_wait": 0.004001}, "theirs: mean wait 0.004001 s instead of 0.004 s"),
        ({"commands": 11}, "theirs: (11, 9, 70) instead of (10, 9, 70)"),
        ({"accepted": 8}, "theirs: (10, 8, 70) instead of (10, 9, 70)"),
        ({"seen": 71}, "theirs: (10, 9, 71) instead of (10, 9, 70)"),
    ],
)
def test_a_program_that_played_something_else_is_named(other: dict[str, Any], complaint: str) -> None:
    """Whatever it got wrong."""
    results = {Case("ours", 10): [OURS], Case("theirs", 10): [evolve(OURS, **other)]}
    assert list(differences(results)) == [complaint]


@pytest.mark.slow
def test_the_benchmark_runs_and_all_play_the_same() -> None:
    """A small run of the real thing: every program, every table."""
    pytest.importorskip("simpy", reason="uv run --group bench pytest -m ''")
    command = [sys.executable, "-m", "tests.bench", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓  all played the same" in done.stdout
    assert "sim run flash-sale, all cores: " in done.stdout
    assert "a turn of the knob in 04-the-queue, run and picture: " in done.stdout
