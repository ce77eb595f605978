import json
import math
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve

import sim
from sim.cli import main
from sim.metrics import Estimate, Summary
from sim.replicate import CutShort, conclude, interval, play_all
from sim.scenario_file import parse_scenario
from sim.studies.precision import FIRST_LOOK, Aim, play_until, width
from sim.terminal.summary import precision_line

LINE = """
title = "a fixed delay, and luck only in when it is asked"
duration = "4s"
[products]
count = 1
[[workers]]
pace = "poisson(2/s)"
[[queries]]
pace = "poisson(20/s)"
[writer]
service = "0s"
[link]
delay = "500ms"
"""
STALE = Aim("stale_read_fraction", 0.05, 1000)


@pytest.fixture(scope="module")
def summary() -> Summary:
    """Measure one run of the line, as a summary to put other numbers into."""
    return sim.summarise(sim.run(parse_scenario(LINE)))


def put(summary: Summary, estimate: Estimate, replications: int = 10) -> Summary:
    """Give a summary another stale read fraction."""
    metrics = {**summary.metrics, "stale_read_fraction": {"value": estimate}}
    return evolve(summary, metrics=metrics, replications=replications)


def test_replications_are_added_until_the_interval_is_narrow_enough() -> None:
    """The first ten are the usual ten; the last look found what was wanted, and the first did not."""
    scenario, aim = parse_scenario(LINE), Aim("stale_read_fraction", 0.1, 1000)
    played = play_until(scenario, aim, jobs=1)
    numbers = [one.replication for one in played]
    assert numbers == list(range(len(played)))
    assert 15 <= len(played) < 150
    usual = [one.summary.fingerprint for one in play_all(scenario, jobs=1)]
    assert [one.summary.fingerprint for one in played[:10]] == usual
    found = conclude(scenario, played)
    assert aim.reached(found)
    assert not aim.reached(conclude(scenario, played[:10]))
    off = f"{100 * width(found.estimate('stale_read_fraction')):.1f}%"
    shown = f"stale_read_fraction is {100 * found.value('stale_read_fraction'):.1f}% ± {off}"
    assert precision_line(aim, found, scenario) == f"   {shown} after {len(played)} replications"


def test_the_limit_ends_it() -> None:
    """Twelve runs and no more, and it is said that they were too few."""
    scenario, aim = parse_scenario(LINE), Aim("stale_read_fraction", 0.001, 12)
    played = play_until(scenario, aim, jobs=1)
    assert len(played) == 12
    line = precision_line(aim, conclude(scenario, played), scenario)
    assert line.startswith("!  stale_read_fraction is ")
    assert line.endswith(" after 12 replications, not yet 0.1%. Set a longer duration, or a higher --limit.")
    assert len(play_until(scenario, Aim("stale_read_fraction", 0.001, 3), jobs=1)) == 3


@pytest.mark.parametrize(
    ("metric", "settings", "why"),
    [
        ("shed_fraction", {}, "shed_fraction is 0: no interval is a share of that"),
        ("hot_stale_fraction", {}, "hot_stale_fraction was never seen"),
        (
            "t_visibility.p99",
            {"link.loss": "50%"},
            "t_visibility.p99 is infinite: no interval is a share of that",
        ),
        (
            "command_latency.mean",
            {"writer.service": "1s"},
            "command_latency.mean has no steady state here: the longer the run, the larger it is",
        ),
    ],
)
def test_what_no_number_of_runs_makes_exact_ends_it(metric: str, settings: dict[str, str], why: str) -> None:
    """The first look says why, and it is the only one."""
    scenario, aim = parse_scenario(LINE, settings=settings), Aim(metric, 0.02, 1000)
    played = play_until(scenario, aim, jobs=1)
    assert len(played) == FIRST_LOOK
    assert precision_line(aim, conclude(scenario, played), scenario) == f"!  {why} (after 10 replications)."


@pytest.mark.parametrize(
    ("half", "replications", "limit", "wanted"),
    [
        (0.09, 10, 1000, 36),
        (0.09, 10, 30, 30),
        (0.051, 10, 1000, 15),
        (0.051, 100, 1000, 150),
        (9.0, 10, 1000, 1000),
    ],
)
def test_the_next_look_comes_where_the_spread_makes_it_likely(
    summary: Summary, half: float, replications: int, limit: int, wanted: int
) -> None:
    """A width of 1.8 times takes 1.8² times as many and a tenth; half more at least, the limit at most."""
    aim = Aim("stale_read_fraction", 0.05, limit)
    assert aim.next_look(replications, put(summary, Estimate(1.0, 1 - half, 1 + half))) == wanted


def test_few_looks_cost_little_of_what_an_interval_promises(summary: Summary) -> None:
    """Of 1,000 intervals that were narrow enough to stop at, about 95 % hold the truth.

    The replications are normal, sd a quarter of the mean, and 5 % is wanted. Null:
    a coverage of 93 %, which is refused below 898, z < −4.
    """
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(1000):
        values = rng.normal(1, 0.25, FIRST_LOOK)
        while not STALE.reached(now := put(summary, interval(values), len(values))):
            more = STALE.next_look(len(values), now) - len(values)
            values = np.append(values, rng.normal(1, 0.25, more))
        found = interval(values)
        assert found.low is not None
        assert found.high is not None
        held += found.low < 1 < found.high
    assert held >= 930 - 4 * math.sqrt(1000 * 0.93 * 0.07)


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_keeps_what_was_finished(jobs: int) -> None:
    """Thirteen replications were done; the second look had not come."""
    finished = 0

    def stop() -> None:
        nonlocal finished
        finished += 1
        if finished == 13:
            raise KeyboardInterrupt

    with pytest.raises(CutShort) as cut:
        play_until(parse_scenario(LINE), STALE, jobs, stop)
    assert len(cut.value.played) == 13
    assert str(cut.value).startswith("interrupted: 13 of ")


def test_the_command_says_what_it_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside --json on standard error, and the same number of runs inside."""
    monkeypatch.chdir(tmp_path)
    Path("line.toml").write_text(LINE)
    with pytest.raises(SystemExit) as end:
        main(["run", "line.toml", "--precision", "20%", "--metric", "staleness.mean", "--json"])
    captured = capsys.readouterr()
    assert end.value.code == 0
    assert json.loads(captured.out)["replications"] == 10
    line, _ = captured.err.splitlines()
    assert line.startswith("   staleness.mean is ")
    assert line.endswith(" after 10 replications")
