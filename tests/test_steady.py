import math

import numpy as np
import pytest
from attrs import evolve

import sim
from sim.durations import Seconds
from sim.library import names
from sim.metrics import Estimate, Summary
from sim.plan import plan_commands
from sim.replicate import conclude, play_all
from sim.scenario import Scenario
from sim.scenario_file import parse_scenario
from sim.steady import LAG, Latencies, latencies, mser, overloads, settles_after, unsteady
from sim.terminal.summary import summary_lines, warnings

QUEUE = """
title = "M/M/1 at ρ = 0.9"
duration = "120s"
warmup = "10s"
replications = 10
[products]
count = 1
[[workers]]
name = "crowd"
count = 5
pace = "poisson(90/s)"
[inbox]
capacity = "unbounded"
[writer]
service = "exponential(10ms)"
[link]
delay = "0s"
"""
BACKLOG = '[[steps]]\nat = "0s"\ndo = "add"\n' * 300  # three seconds of work, on top of a load of 0.9

QUEUED = {"command_latency", "naive_latency", "queue_wait", "inbox_depth"}
AT_THE_DOOR = {"command_latency", "naive_latency", "admission_wait"}


def queue(**settings: str) -> Scenario:
    """Give the queue with some keys set otherwise; __ stands for the dot."""
    return parse_scenario(QUEUE, settings={key.replace("__", "."): value for key, value in settings.items()})


OVER = {"workers__pace": "poisson(110/s)"}
SMALL = OVER | {"inbox__capacity": "10"}
UNSAFE = {"architecture": "unsafe"}


@pytest.mark.parametrize(
    ("settings", "growing"),
    [
        pytest.param({}, set(), id="0.9"),
        pytest.param({"workers__pace": "poisson(100/s)"}, QUEUED, id="just 1"),
        pytest.param(OVER, QUEUED, id="1.1"),
        pytest.param({"writer__service": "pareto(1ms, 1.0)"}, QUEUED, id="work without a mean"),
        pytest.param(SMALL, {"command_latency"}, id="small inbox"),
        pytest.param(SMALL | {"workers__count": "1000"}, AT_THE_DOOR, id="many senders"),
        pytest.param(SMALL | {"workers__reads_back": "1s"}, AT_THE_DOOR, id="a sender each"),
        pytest.param(SMALL | {"inbox__when_full": "shed"}, set(), id="shed"),
        pytest.param(OVER | {"architecture": "locked"}, {"command_latency", "query_latency"}, id="lock"),
        pytest.param(UNSAFE | {"workers__pace": "poisson(490/s)"}, set(), id="side by side"),
        pytest.param(UNSAFE | {"workers__pace": "poisson(510/s)"}, {"command_latency"}, id="overworked"),
        pytest.param(OVER | {"workers__look_first": "true", "workers__add": "0.5"}, set(), id="lookers"),
        pytest.param({"workers__think": "1ms", "workers__count": "1000"}, set(), id="closed loop"),
    ],
)
def test_what_grows_is_known_from_the_scenario(settings: dict[str, str], growing: set[str]) -> None:
    """A load of 1 or more has no steady state, but for what a bound keeps within the warm-up."""
    text = QUEUE.replace('pace = "poisson(90/s)"', "") if "workers__think" in settings else QUEUE
    scenario = parse_scenario(text, settings={k.replace("__", "."): v for k, v in settings.items()})
    assert unsteady(scenario, 90.0) == growing


PHASES = "[{lasts='60s', pace='poisson(%d/s)'}, {lasts='60s', pace='poisson(%d/s)'}]"


@pytest.mark.parametrize(("before", "after", "grows"), [(150, 50, False), (50, 150, True)])
def test_of_phases_the_last_one_counts(before: int, after: int, grows: bool) -> None:
    """A rush that is over is an experiment like any other; one that goes on to the end is an overload."""
    text = QUEUE.replace('pace = "poisson(90/s)"', "")
    scenario = parse_scenario(text, settings={"workers.phases": PHASES % (before, after)})
    assert bool(unsteady(scenario, 90.0)) is grows
    assert bool(unsteady(evolve(scenario, duration=Seconds(60)), 90.0)) is not grows


@pytest.mark.parametrize(
    ("settings", "growing"),
    [
        ({"link__order": "serial", "link__delay": "12ms"}, LAG),
        ({"link__order": "serial", "link__delay": "10ms"}, set()),
        ({"link__order": "fifo", "link__delay": "12ms"}, set()),
        ({"reader__handler": "12ms"}, LAG),
        ({"reader__handler": "12ms", "link__loss": "50%"}, set()),
        ({"reader__handler": "6ms", "link__duplicates": "100%"}, LAG),
        ({"reader__handler": "12ms", "architecture": "locked"}, set()),
    ],
)
def test_behind_the_writer_the_commits_count(settings: dict[str, str], growing: set[str]) -> None:
    """90 changes a second of 12 ms each are too much one by one, of 10 ms they are not."""
    assert unsteady(queue(**settings), 90.0) == growing


def test_a_link_that_was_overloaded_in_a_rush_has_a_steady_state_after_it() -> None:
    """Commits are scaled from the window's pace to that of the end: 95 a second on average, 45 in the end."""
    text = QUEUE.replace('pace = "poisson(90/s)"', "")
    ways = {"link.order": "serial", "link.delay": "12ms", "warmup": "0s"}
    early = parse_scenario(text, settings=ways | {"workers.phases": PHASES % (140, 50)})
    late = parse_scenario(text, settings=ways | {"workers.phases": PHASES % (5, 95)})
    assert unsteady(early, 95.0) == set()
    assert unsteady(late, 50.0) == LAG
    rush = "[{lasts='90s', pace='poisson(5/s)'}, {lasts='30s', pace='poisson(300/s)'}]"
    capped = parse_scenario(text, settings=ways | {"link.delay": "9.5ms", "workers.phases": rush})
    assert not LAG & unsteady(capped, 28.75)  # (90 · 5 + 30 · 100) / 120: the writer does 100 a second


@pytest.mark.parametrize("name", names())
def test_of_the_scenarios_that_come_along_two_have_no_steady_state(name: str) -> None:
    """They are about an overload; in no other does anybody get more than they can do."""
    scenario = sim.load_scenario(name)
    commands = len(plan_commands(scenario)) / scenario.duration
    overloaded = [overload.station for overload in overloads(scenario, commands)]
    assert overloaded == {"back-pressure": ["writer"], "slow-projection": ["reader"]}.get(name, [])


def test_what_grows_has_no_interval() -> None:
    """An overloaded queue: its waits are told without ±, the share of time that the writer works is not."""
    scenario = queue(workers__pace="poisson(150/s)", duration="4s", warmup="1s", replications="3")
    summary = conclude(scenario, play_all(scenario, jobs=1))
    assert summary.estimate("queue_wait.p50") == Estimate(summary.value("queue_wait.p50"))
    assert summary.estimate("throughput").low is not None
    lines = list(summary_lines(summary, scenario, "queue", 1.0))
    [row] = [line for line in lines if "wait in the channel" in line]
    assert row.count("grows") == 4
    assert "±" not in row
    assert (
        "!  The writer cannot keep up with 150 commands a second of 10 ms each: "
        "the time to commit grows as long as the run lasts." in lines
    )


def test_mser_cuts_what_is_unlike_the_rest() -> None:
    """By hand: ten numbers off the mark, then forty about it; and nothing of what is alike throughout."""
    level = np.tile([1.0, 2.0], 20)
    assert mser(np.append(np.linspace(30, 5, 10), level)) == 10
    assert mser(level) == 0
    assert mser(np.array([3.0])) == 0
    series = np.random.default_rng(1).standard_exponential(101)
    sums = [((series[d:] - series[d:].mean()) ** 2).sum() / (101 - d) ** 2 for d in range(51)]
    assert mser(series) == int(np.argmin(sums))


def test_what_a_replication_hands_on_is_small_whatever_its_length() -> None:
    """Batches of five, or of as many times two as leave no more than 2,000, in the order of intention."""
    trace = sim.run(queue(duration="30s"))
    found = latencies(trace)
    whole = trace.commands.sort("intended").head(5 * len(found.means))
    assert (found.size, len(found.means)) == (5, len(trace.commands) // 5)
    each = (whole["finished"] - whole["intended"]).to_numpy().reshape(-1, 5)
    assert found.means == pytest.approx(each.mean(axis=1))
    assert found.began.tolist() == whole["intended"].gather_every(5).to_list()
    found = latencies(sim.run(queue(duration="250s")))
    assert (found.size, len(found.began)) == (20, len(found.means))
    assert 1000 < len(found.means) <= 2000


@pytest.mark.slow
def test_a_backlog_at_the_start_is_noticed_unless_the_warm_up_is_long() -> None:
    """300 commands at once before a load of 0.9 take half a minute to work off: 10 s are too few."""
    scenario = parse_scenario(QUEUE + BACKLOG)
    short = conclude(scenario, play_all(scenario))
    assert short.settles_after is not None
    assert 20 < short.settles_after < 60
    [told] = warnings(short, scenario)
    assert told.startswith("The warm-up looks too short: the time to commit settles after about ")
    assert f"Set warmup={math.ceil(short.settles_after)}s." in told
    patient = evolve(scenario, warmup=Seconds(45))
    assert list(warnings(conclude(patient, play_all(patient)), patient)) == []


def lindley(rho: float, n: int, experiments: int, start: float = 0.0) -> list[list[Latencies]]:
    """Give the waits of M/M/1 queues (service 1 s), by Lindley's recursion, as ten runs each would."""
    rng = np.random.default_rng(1)
    waits, wait = np.empty((n, 10 * experiments)), np.full(10 * experiments, start)
    for customer in range(n):
        waits[customer] = wait
        work, gap = rng.standard_exponential((2, len(wait)))
        wait = np.maximum(wait + work - gap / rho, 0)
    began = np.arange(0, n, 20) / rho
    runs = [Latencies(20, column.reshape(-1, 20).mean(axis=1), began) for column in waits.T]
    return [runs[first : first + 10] for first in range(0, len(runs), 10)]


@pytest.mark.parametrize(("start", "warmup", "least", "most"), [(0, 900, 0, 2), (200, 500, 90, 100)])
def test_a_warm_up_is_called_too_short_where_it_is_and_not_by_chance(
    start: float, warmup: int, least: int, most: int
) -> None:
    """M/M/1 at ρ = 0.9, a hundred experiments of ten runs of 8,000: empty at the start, 900 are enough.

    Of 1,500 such experiments without a trend none was called too short: a false
    alarm in 400 at most, where MSER alone gives one in ten. Begun with 200 s of
    work, which take 2,000 commands to work off, nearly all are.
    """
    told = [settles_after(warmup / 0.9, runs) for runs in lindley(0.9, 8000, 100, start)]
    assert least <= sum(cut is not None for cut in told) <= most


def test_one_replication_says_nothing_about_its_warm_up() -> None:
    """Without another one there is no telling chance from trend; nor is there of runs without commands."""
    [[one, other, *_]] = lindley(0.9, 2000, 1, 200.0)
    assert settles_after(0.0, [one]) is None
    assert settles_after(0.0, [Latencies(5, np.empty(0), np.empty(0)), other]) is None


def test_a_load_of_phases_has_nothing_to_settle_in() -> None:
    """A rush of 5 s, then calm: waits fall as they should. A cut would be found, and is not told."""
    phases = "[{lasts='5s', pace='poisson(200/s)'}, {lasts='5s', pace='poisson(50/s)'}]"
    settings = {"workers.phases": phases, "duration": "40s", "warmup": "0s", "replications": "4"}
    scenario = parse_scenario(QUEUE.replace('pace = "poisson(90/s)"', ""), settings=settings)
    played = play_all(scenario, jobs=1)
    assert settles_after(0.0, [one.latencies for one in played]) is not None
    assert conclude(scenario, played).settles_after is None


def test_a_cut_at_the_end_of_where_it_is_looked_for_says_nothing_but_that_it_is_late() -> None:
    """Half of the run is not enough to settle in: no number would do."""
    scenario = queue()
    summary: Summary = sim.summarise(sim.run(queue(duration="11s")))
    [told, *_] = warnings(evolve(summary, settles_after=58.0), scenario)
    assert (
        told
        == "Commands do not settle in the first half of the run. Set a longer duration, and a longer warmup."
    )
    [told, *_] = warnings(evolve(summary, settles_after=12.01), scenario)
    assert told.endswith("settles after about 13 s. Set warmup=13s.")
