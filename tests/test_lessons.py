"""The scenarios that come along keep what they say: their expectations, and the claims of their comments.

Statistical tests: ten replications of the seed in the file, |z| < 4 against
the null that the docstring states.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from functools import cache

import numpy as np
import polars as pl
import pytest

import sim
from sim.library import names
from sim.metrics import Summary, diverged
from sim.pool.processes import cores, process_pool
from sim.replicate import combine, play
from sim.scenario import Scenario
from sim.terminal.summary import summary_lines

Runs = Callable[..., tuple[Summary, ...]]
LESSONS = [name for name in names() if sim.load_scenario(name).expect]


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    """Keep some processes for all tests of this module."""
    with process_pool(cores()) as processes:
        yield processes


@pytest.fixture(scope="module")
def runs(pool: Executor) -> Runs:
    """Play a scenario's replications, once for each set of settings."""

    @cache
    def played(name: str, *settings: tuple[str, str]) -> tuple[Summary, ...]:
        scenario = sim.load_scenario(name, dict(settings))
        return tuple(one.summary for one in pool.map(play, *_each_replication(scenario)))

    return played


@pytest.mark.slow
@pytest.mark.parametrize("name", LESSONS)
def test_what_a_scenario_expects_holds(runs: Runs, name: str) -> None:
    """With its own seed and all its replications."""
    assert _missed(name, runs(name)) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 11))
@pytest.mark.parametrize("name", LESSONS)
def test_what_a_scenario_expects_holds_whatever_the_seed(runs: Runs, name: str, seed: int) -> None:
    """It does not hang on one seed's luck."""
    assert _missed(name, runs(name, ("seed", str(seed)))) == []


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "settings"), [(90, ()), (50, (("workers.pace", "poisson(50/s)"),))])
def test_the_time_to_commit_is_one_over_the_capacity_left(
    runs: Runs, rate: int, settings: tuple[tuple[str, str], ...]
) -> None:
    """Null: its mean is 1/(μ − λ) (M/M/1, THEORY 3.1): 20 ms half way, and 100 ms at 90 %, not 36 ms."""
    assert abs(_z(_each(runs("saturation", *settings), "command_latency.mean"), 1 / (100 - rate))) < 4


@pytest.mark.slow
def test_over_capacity_the_queue_grows_as_long_as_the_run_lasts(runs: Runs) -> None:
    """At 110/s against 100/s, twice the time leaves twice the queue. Null: 10 more a second, over 10 s."""
    over = (("workers.pace", "poisson(110/s)"), ("warmup", "0s"))
    short = _each(runs("saturation", *over, ("duration", "10s")), "inbox_depth.max")
    long = _each(runs("saturation", *over, ("duration", "20s")), "inbox_depth.max")
    assert abs(_z(long - short, 100)) < 4


@pytest.mark.parametrize(("metric", "rate"), [("hot_stale_fraction", 48), ("cold_stale_fraction", 12 / 49)])
def test_a_reader_is_late_only_for_what_it_reads(runs: Runs, metric: str, rate: float) -> None:
    """Null: the share of stale reads is 1 − exp(−λd), λ the commits of that one product (THEORY 3.3).

    Many keys, fixed delay. Nothing is rejected and the writer is an M/M/1
    queue, so that commits are Poisson (Burke).
    """
    found = runs("hot-product")
    assert _each(found, "rejected_fraction").max() == 0
    assert abs(_z(_each(found, metric), -math.expm1(-rate * 0.05))) < 4


def test_the_other_products_gain_by_what_the_hot_one_draws(runs: Runs) -> None:
    """Against the same load spread evenly, their share of stale reads falls: paired, z > 4."""
    even = _each(runs("hot-product", ("products.popularity", "uniform")), "stale_read_fraction")
    assert _z(even - _each(runs("hot-product"), "cold_stale_fraction"), 0) > 4


def test_a_larger_channel_moves_the_waiting_and_does_no_work() -> None:
    """The same commits at the same instants, and the same mean time to commit; the waiting moves inside."""
    small, large = (
        sim.run("back-pressure", settings={"inbox.capacity": capacity, "warmup": "0s", "duration": "10s"})
        for capacity in ("2", "2000")
    )
    assert np.allclose(small.changes["committed"], large.changes["committed"], rtol=0, atol=1e-9)
    outside, inside = sim.summarise(small), sim.summarise(large)
    assert outside.value("throughput") == inside.value("throughput")
    mean = inside.value("command_latency.mean")
    assert outside.value("command_latency.mean") == pytest.approx(mean, rel=1e-9)
    assert (outside.value("queue_wait.p99") < 0.05, inside.value("admission_wait.max")) == (True, 0)
    assert outside.value("admission_wait.mean") > 0.9 * inside.value("queue_wait.mean") > 0.3


def test_a_few_senders_that_are_held_up_do_not_see_what_they_hold_back() -> None:
    """Measured from the send, forty senders hide more than four fifths of the time to commit."""
    few = sim.summarise(sim.run("back-pressure", settings={"workers.count": "40"}))
    assert few.value("naive_latency.mean") < 0.2 * few.value("command_latency.mean")


@pytest.mark.slow
def test_the_queue_of_a_rush_is_gone_when_the_spare_capacity_has_worked_it_off(pool: Executor) -> None:
    """Null: 750 calls too many and 50 a second to spare, 15 s after the rush on average."""
    scenario = sim.load_scenario("spike", {"duration": "45s", "queries": "[]"})
    assert abs(_z(list(pool.map(_empty_again, *_each_replication(scenario))), 15)) < 4


@pytest.mark.slow
def test_over_a_faster_link_fewer_come_too_late(runs: Runs) -> None:
    """Ten times faster, on the same luck: the share of stale decisions falls by half at least, z > 4."""
    slow, fast = (
        _each(runs("oversold", *settings), "stale_decisions") for settings in ((), (("link.delay", "50ms"),))
    )
    assert _z(slow / 2 - fast, 0) > 4


def test_without_a_link_only_those_come_too_late_whom_others_overtook(runs: Runs) -> None:
    """No read is stale, and still not every decision holds: somebody was in the queue before."""
    found = runs("oversold", ("link.delay", "0ms"), ("duration", "30s"))
    assert _each(found, "stale_read_fraction").max() == 0
    assert 0 < _each(found, "stale_decisions").mean() < 0.01


def test_whoever_writes_back_what_it_has_read_wipes_out_what_came_in_between(runs: Runs) -> None:
    """Null: the share of lost updates is r/(1 + r), r = commits of a product per time of work = 0.1.

    Back from the last commit, each is built on the newest one before its work
    began: a step of S plus an exponential gap of mean 1/λ, whatever the
    distribution of S, if work begins by chance and nobody waits. So one in
    λ·E[S] + 1 is kept. What was added is one item each.
    """
    found = runs("lost-updates")
    lost = _each(found, "lost_updates") / [one.counts["command_latency"] for one in found]
    assert abs(_z(lost, 0.1 / 1.1)) < 4


@pytest.mark.parametrize("architecture", ["cqrs", "locked"])
def test_with_one_writer_or_one_lock_no_update_is_lost(runs: Runs, architecture: str) -> None:
    """The same storekeepers, the same luck, not a single item missing."""
    found = runs("lost-updates", ("architecture", architecture))
    assert _each(found, "lost_updates").tolist() == [0] * 10


@pytest.mark.slow
def test_under_one_lock_no_look_is_stale_and_each_waits_for_the_writers(runs: Runs) -> None:
    """Null: a look waits ρ/(μ − λ) = 90 ms on average, as an arriving command would (PASTA, THEORY 3.1).

    In the worst of a hundred it waits for more than ten commands' work.
    """
    locked = runs("one-lock")
    assert _each(locked, "stale_read_fraction").tolist() == [0] * 10
    assert abs(_z(_each(locked, "query_latency.mean"), 0.9 / (100 - 90))) < 4
    both = combine(locked)
    assert both.value("query_latency.p99") > 10 * both.value("service_time.mean")


@pytest.mark.slow
def test_cqrs_buys_readers_their_time_and_takes_freshness_for_it(runs: Runs) -> None:
    """Null: the share of stale reads is 1 − exp(−λd), λ = 0.9/s a product (THEORY 3.3).

    A look is free by construction: the program charges nothing for reading
    the read model, so its time is exactly 0 and no ratio to it means
    anything. Commands wait as long as under the lock, on the same luck.
    """
    cqrs, locked = runs("one-lock", ("architecture", "cqrs")), runs("one-lock")
    assert _each(cqrs, "query_latency.max").tolist() == [0] * 10
    assert abs(_z(_each(cqrs, "stale_read_fraction"), -math.expm1(-0.9 * 0.05))) < 4
    means = (_each(found, "command_latency.mean") for found in (cqrs, locked))
    assert next(means) == pytest.approx(next(means), rel=1e-3)


def test_a_link_is_no_server_unless_it_takes_one_at_a_time() -> None:
    """20 changes a second of 100 ms each: side by side 0.100 s late; else ever later, and it is said so."""
    side_by_side, silence = _late("independent", "60s")
    assert silence == ""
    assert side_by_side.value("visibility_lag.mean") == pytest.approx(0.1)
    assert side_by_side.value("visibility_lag.max") == pytest.approx(0.1)
    for seconds in (60, 120):
        one_by_one, said = _late("serial", f"{seconds}s")
        rate = one_by_one.value("throughput")
        after_all_others = (rate * 0.1 - 1) * seconds
        assert one_by_one.value("visibility_lag.max") == pytest.approx(after_all_others, rel=0.05)
        assert said == (
            f"!  The link cannot keep up with {rate:.1f} changes a second of 100 ms each: "
            "the lag grows as long as the run lasts."
        )


def _late(order: str, duration: str) -> tuple[Summary, str]:
    """Play the slow link once; give what was found, and the warning that it falls behind."""
    settings = {"link.order": order, "duration": duration, "warmup": "0s", "replications": "1"}
    scenario = sim.load_scenario("slow-link", settings)
    summary = sim.summarise(sim.run(scenario))
    lines = summary_lines(summary, scenario, "slow-link", 0.0)
    return summary, "".join(line for line in lines if "keep up" in line)


def test_what_comes_twice_counts_twice_and_no_version_tells() -> None:
    """Each product shows as much too much as was added again; to readers, all versions are the same."""
    added, newest = (sim.run("twice", settings={"reader.apply": apply}) for apply in ("delta", "newest"))
    again = added.changes.group_by("product").agg(again=(pl.col("applied") - 1).sum()).sort("product")
    models = added.models.sort("product")
    assert (models["shown"] - models["held"]).to_list() == again["again"].to_list()
    assert again["again"].sum() == (added.changes["copies"] - 1).sum() > 0
    assert diverged(newest) == ()
    assert added.queries["seen_version"].equals(newest.queries["seen_version"])


@pytest.mark.parametrize("settings", [{"link.resend": "500ms"}, {"link.loss": "0.0"}])
def test_differences_that_all_arrive_add_up(settings: dict[str, str]) -> None:
    """A change that is sent again until it arrives leaves no gap."""
    assert len(diverged(sim.run("lost-for-good"))) > 10
    assert diverged(sim.run("lost-for-good", settings=settings)) == ()


def test_an_outbox_keeps_the_changes_and_not_the_answers() -> None:
    """Without one, the changes that never travel are those of which no sender has heard; with one, all do."""
    without, outbox = sim.run("dual-write"), sim.run("outbox")
    unheard = without.commands.filter(pl.col("finished").is_null(), outcome="accepted")["id"]
    never_sent = without.changes.filter(pl.col("sent").is_null())["command"]
    assert sorted(never_sent) == sorted(unheard)
    assert 3 < len(never_sent) < 11
    assert len(diverged(without)) > 0
    assert outbox.changes["sent"].null_count() == 0
    assert diverged(outbox) == ()
    assert outbox.commands.filter(outcome="accepted")["finished"].null_count() > 3


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({}, True),
        ({"reader.restart": "checkpoint"}, False),
        ({"reader.restart": "checkpoint", "reader.apply": "delta"}, False),
        ({"reader.restart": "checkpoint", "reader.apply": "delta", "reader.checkpoint": "50"}, True),
    ],
)
def test_a_restart_forgets_or_repeats_what_lies_behind_its_checkpoint(
    settings: dict[str, str], wrong: bool
) -> None:
    """From memory, changes are gone; from an old checkpoint, differences are added once more."""
    assert (len(diverged(sim.run("restart", settings=settings))) > 0) is wrong


def test_a_command_id_makes_asking_again_harmless() -> None:
    """The same commands are sent again at the same instants: done twice, or known."""
    blind, known = (sim.run("asks-again", settings={"writer.command_ids": ids}) for ids in ("false", "true"))
    again = blind.commands["repeats"].is_not_null()
    assert blind.commands["issued"].equals(known.commands["issued"])
    assert blind.commands["repeats"].equals(known.commands["repeats"])
    assert set(blind.commands["outcome"]) == {"accepted"}
    assert (known.commands["outcome"] == "repeated").to_list() == again.to_list()
    assert sim.summarise(blind).value("double_updates") == again.sum() > 30
    assert sim.summarise(known).value("double_updates") == 0


@pytest.mark.slow
def test_in_a_line_everybody_waits_for_the_slowest_in_front(runs: Runs) -> None:
    """In each run: a change is three times as late as with a steady delay, and without the line, less."""
    steady, free = runs("jitter", ("link.delay", "100ms")), runs("jitter", ("link.order", "independent"))
    assert _each(steady, "visibility_lag.mean").tolist() == pytest.approx([0.1] * 10)
    assert _each(free, "visibility_lag.mean").max() < 0.1
    assert _z(_each(runs("jitter"), "visibility_lag.mean"), 0.3) > 4


@pytest.mark.slow
@pytest.mark.parametrize(("poll", "every"), [("1s", 1.0), ("500ms", 0.5)])
def test_to_look_twice_as_often_does_not_halve_the_stale_reads(runs: Runs, poll: str, every: float) -> None:
    """Null: 1 − (1 − exp(−r))/r of the reads are stale, by T(½ − 1/r + (1 − exp(−r))/r²) on average.

    A poller (THEORY 3.3), r = λT, at λ = 2/s a product: 56.8 % and 36.8 %.
    """
    found, r = runs("polling", ("reader.poll", poll)), 2 * every
    fresh = -math.expm1(-r) / r
    assert abs(_z(_each(found, "stale_read_fraction"), 1 - fresh)) < 4
    assert abs(_z(_each(found, "staleness.mean"), every * (0.5 - 1 / r + fresh / r))) < 4


@pytest.mark.slow
def test_a_reader_that_is_too_slow_is_ever_later(runs: Runs) -> None:
    """Null: each second adds λ/μ − 1 = an eighth of one to the lag, once it has begun to grow."""
    short, long = runs("slow-projection", ("duration", "30s")), runs("slow-projection")
    grown = _each(long, "visibility_lag.max") - _each(short, "visibility_lag.max")
    assert abs(_z(grown, 30 / 8)) < 4
    assert _each(long, "writer_utilisation").max() < 0.06


def _each_replication(scenario: Scenario) -> tuple[list[Scenario], range]:
    return [scenario] * scenario.replications, range(scenario.replications)


def _missed(name: str, found: Sequence[Summary]) -> list[tuple[str, float]]:
    """Give the expectations that do not hold, with what was found."""
    summary = combine(found)
    actual = {expect: summary.value(expect.metric) for expect in sim.load_scenario(name).expect}
    return [(expect.metric, value) for expect, value in actual.items() if not expect.holds(value)]


def _empty_again(scenario: Scenario, replication: int) -> float:
    """Play it, and give the time from the end of the rush until nobody waits or is served."""
    commands = sim.run(scenario, replication).commands
    came, went = np.sort(commands["intended"].to_numpy()), np.sort(commands["finished"].to_numpy())
    after = went[went >= 10]
    inside = np.searchsorted(came, after, side="right") - np.searchsorted(went, after, side="right")
    return float(after[inside == 0][0]) - 10


def _each(found: Sequence[Summary], metric: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.array([one.value(metric) for one in found])


def _z(sample: Sequence[float] | np.ndarray[tuple[int], np.dtype[np.float64]], null: float) -> float:
    """Give how many standard errors the mean of independent values lies above the null."""
    values = np.asarray(sample)
    return float((values.mean() - null) / (values.std(ddof=1) / math.sqrt(len(values))))
