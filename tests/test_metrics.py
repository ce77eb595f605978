import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings

import sim
from sim.glossary import DISTRIBUTION, METRICS, QUANTILES
from sim.measures.evidence import Evidence
from sim.measures.window import measured_queries
from sim.metrics import as_json, numbers, quantiles_of, summarise
from sim.pieces import ROWS
from sim.scenario import Scenario
from sim.scenario_file import parse_scenario
from sim.trace import Trace, TraceError, check
from tests.doctored import doctored
from tests.recount import Recount, mean, quantile, recount
from tests.strategies import scenarios

SMALL = """
title = "small"
duration = "4s"
warmup = "500ms"
[products]
count = 3
stock = 5
popularity = "hotspot(30%, 60%)"
[[workers]]
count = 3
pace = "poisson(20/s)"
add = 0.6
[[queries]]
count = 4
pace = "poisson(40/s)"
[writer]
service = "exponential(20ms)"
[link]
delay = "exponential(100ms)"
"""
SCRIPT = "".join(
    f'[[steps]]\nat = "{at}ms"\ndo = "{do}"\nproduct = {product}\n'
    for at, do, product in [
        (100, "add", 1), (110, "query", 1), (300, "add", 2), (600, "query", 2), (620, "query", 1),
        (700, "add", 1), (710, "query", 1), (1500, "remove", 1), (1510, "query", 1), (3000, "query", 2),
    ]
)  # fmt: skip


def assert_recounted(trace: Trace) -> None:
    """Insist that a second program finds the same: each element and share to the last digit, means to 1e-12.

    Sums of floats depend on their order; nothing else does.
    """
    summary, found = summarise(trace), recount(trace)
    assert summary.counts == found.counts
    for name, table in summary.metrics.items():
        measured = {statistic: estimate.estimate for statistic, estimate in table.items()}
        near = 1e-9 if name in BLAME else 1e-15
        assert measured == pytest.approx(expected(found, name), rel=1e-12, abs=near, nan_ok=True), name
        exact = {s: x for s, x in measured.items() if s != "mean"} if name not in (*SUMS, *BLAME) else {}
        assert exact == pytest.approx({s: expected(found, name)[s] for s in exact}, rel=0, abs=0, nan_ok=True)


def expected(found: Recount, name: str) -> dict[str, float]:
    """Give the statistics of one metric as the recount has them."""
    if name == "t_visibility" or name in BLAME:
        return {s: found.values[f"{name}.{s}"] for s in METRICS[name].statistics}
    if name not in found.samples:
        return {"value": found.values[name]}
    sample = found.samples[name]
    if not sample:
        return dict.fromkeys(DISTRIBUTION, math.nan)
    quantiles = {statistic: quantile(sample, share) for statistic, share in QUANTILES.items()}
    return {"mean": mean(sample), **quantiles, "max": max(x for x, _ in sample)}


BLAME = ("blame", "blame_p50", "blame_p99")  # whose parts are differences of instants, and add up to 1e-9
SUMS = ("writer_utilisation", "fairness")  # of floats, and so no more exact than a mean


TIES = {"workers.pace": "constant(20/s)", "queries.pace": "constant(40/s)", "writer.service": "0s"}


@pytest.mark.parametrize(
    "ways",
    [
        pytest.param({"link.order": "independent"}, id="newest"),
        pytest.param({"link.order": "independent", "reader.apply": "arrival"}, id="arrival"),
        pytest.param(
            {"link.duplicates": "50%", "reader.apply": "arrival", "reader.poll": "200ms"}, id="twice"
        ),
        pytest.param({"link.loss": "20%", "warmup": "0s"}, id="lost"),
        pytest.param({"architecture": "locked", "inbox.capacity": "0"}, id="locked"),
        pytest.param(TIES | {"duration": "5s", "warmup": "0s"}, id="at the same instant"),
        pytest.param({"inbox.capacity": "1", "inbox.when_full": "shed"}, id="shed"),
    ],
)
def test_every_metric_agrees_with_a_plain_recount_of_a_busy_run(ways: dict[str, str]) -> None:
    """Stale reads, rejections, a hotspot and a script: a second program finds the same in all of it."""
    trace = sim.run(parse_scenario(SMALL + SCRIPT, settings=ways))
    check(trace)
    assert_recounted(trace)


@settings(max_examples=15)
@given(scenarios())
def test_every_metric_agrees_with_a_plain_recount(scenario: Scenario) -> None:
    """Whatever the scenario, a second program finds the same."""
    assert_recounted(sim.run(scenario))


@pytest.mark.slow
@settings(max_examples=200)
@given(scenarios())
def test_every_metric_agrees_with_a_plain_recount_on_two_hundred_traces(scenario: Scenario) -> None:
    """Whatever the scenario, a second program finds the same."""
    assert_recounted(sim.run(scenario))


def test_what_is_measured_in_pieces_is_right_across_their_edges() -> None:
    """Three pieces of commands and of queries: depths by one sum over all, what was missed by a join."""
    busy = {"workers.pace": "poisson(1000/s)", "queries.pace": "poisson(1000/s)", "warmup": "0s"}
    ways = {"writer.service": "exponential(700us)", "duration": f"{2.2 * ROWS / 1000}s"}
    trace = sim.run(parse_scenario(SMALL, settings=busy | ways), engine="array")
    assert min(len(trace.commands), len(trace.queries)) > 2 * ROWS
    measured = numbers(trace, ["inbox_depth.mean", "inbox_depth.p99", "inbox_depth.max"])
    measured |= numbers(trace, ["stale_read_fraction", "age_of_information.mean", "age_of_information.max"])
    assert measured == pytest.approx(depths(trace) | missed(trace), rel=1e-9)


def depths(trace: Trace) -> dict[str, float]:
    """Say from all comings and goings in their order how deep the channel was, and for how long."""
    times = pl.concat([trace.commands["admitted"], trace.commands["started"]]).clip(*trace.window)
    turns = pl.DataFrame({"time": times, "step": [1] * len(trace.commands) + [-1] * len(trace.commands)})
    lasted = pl.col("time").shift(-1, fill_value=trace.window[1]) - pl.col("time")
    told = turns.sort("time", "step").select(depth=pl.col("step").cum_sum(), lasted=lasted)
    sample = told.filter(pl.col("lasted") > 0).group_by("depth").agg(pl.col("lasted").sum()).rows()
    sample.append((0, trace.window[1] - sum(lasted for _, lasted in sample)))  # before anybody came
    most = max(depth for depth, _ in sample)
    found = {"mean": mean(sample), "p99": quantile(sample, 0.99), "max": most}
    return {f"inbox_depth.{statistic}": value for statistic, value in found.items()}


def missed(trace: Trace) -> dict[str, float]:
    """Say by joins which queries missed the next version, and how old what they saw was."""
    changes = trace.changes.select("product", "committed", seen_version="version")
    after = changes.select("product", pl.col("seen_version") - 1, next="committed")
    told = trace.queries.join(changes, on=["product", "seen_version"], how="left")
    told = told.join(after, on=["product", "seen_version"], how="left")
    stale, age = pl.col("next") < pl.col("asked"), pl.col("asked") - pl.col("committed").fill_null(0.0)
    of_all = told.select(stale.fill_null(value=False).mean().alias("stale"), mean=age.mean(), most=age.max())
    [(stale_reads, middle, oldest)] = of_all.rows()
    ages = {"age_of_information.mean": middle, "age_of_information.max": oldest}
    return {"stale_read_fraction": stale_reads, **ages}


def test_the_metrics_of_the_story_are_known_beforehand() -> None:
    """Two changes a second late; one query of four is stale, by half a second and one version."""
    summary = sim.summarise(sim.run("story"))
    names = ["stale_read_fraction", "staleness.max", "versions_behind.max", "visibility_lag.mean"]
    names += ["rejected_fraction", "throughput", "age_of_information.mean", "read_your_writes_violations"]
    assert {name: summary.value(name) for name in names} == {
        "stale_read_fraction": 0.25,
        "staleness.max": 0.5,
        "versions_behind.max": 1,
        "visibility_lag.mean": 1.0,
        "rejected_fraction": pytest.approx(1 / 3),
        "throughput": 0.5,
        "age_of_information.mean": pytest.approx((0 + 1.5 + 2.5 + 1.5) / 4),
        "read_your_writes_violations": 0.5,
    }


def test_staleness_is_nothing_exactly_when_no_version_is_missed() -> None:
    """A query at the very instant of a commit has missed nothing."""
    queries = measured_queries(sim.run(parse_scenario(SMALL + SCRIPT)))
    missed = queries["latest"] > queries["seen_version"]
    assert (missed == queries["missed_since"].is_not_null()).all()
    assert (queries.filter(missed)["asked"] > queries.filter(missed)["missed_since"]).all()
    assert missed.any()


def test_what_was_never_seen_is_at_most_three_in_n() -> None:
    """A proportion of nothing has an upper bound, even in a single run."""
    summary = sim.summarise(sim.run("story"))
    shed = summary.estimate("shed_fraction")
    assert (shed.estimate, shed.low, shed.high) == (0.0, 0.0, 1.0)
    assert summary.estimate("rejected_fraction").low is None


def test_what_cannot_be_measured_is_null_and_not_zero() -> None:
    """A run in which nobody asks says nothing about staleness."""
    trace = sim.run(parse_scenario('title = "x"\nduration = "1s"\n[[steps]]\nat = "0s"\ndo = "add"\n'))
    summary = sim.summarise(trace)
    assert math.isnan(summary.value("staleness.mean"))
    assert as_json(summary)["metrics"]["staleness"]["mean"] == {"estimate": None, "low": None, "high": None}


def test_depth_and_utilisation_are_weighted_by_time() -> None:
    """Three commands at once, 1 s of work each: depth 2, then 1, then 0; busy for 3 s of 6."""
    steps = '[[steps]]\nat = "0s"\ndo = "add"\n' * 3
    scenario = parse_scenario('title = "x"\nduration = "6s"\n[writer]\nservice = "1s"\n' + steps)
    summary = sim.summarise(sim.run(scenario))
    assert summary.value("writer_utilisation") == pytest.approx(0.5)
    assert summary.value("inbox_depth.mean") == pytest.approx(0.5)
    assert (summary.value("inbox_depth.p50"), summary.value("inbox_depth.max")) == (0, 2)
    assert summary.value("command_latency.mean") == pytest.approx(2.0)
    assert summary.value("queue_wait.max") == pytest.approx(2.0)


def test_the_warm_up_is_cut() -> None:
    """What was wanted, committed or asked before it does not count."""
    trace = sim.run("story", settings={"warmup": "1.6s"})
    summary = sim.summarise(trace)
    assert (summary.counts["command_latency"], summary.counts["visibility_lag"]) == (2, 1)
    assert (summary.counts["staleness"], summary.value("stale_read_fraction")) == (2, 0.5)


def test_a_few_numbers_are_those_of_the_summary() -> None:
    """Whoever wants only some of them gets the same ones."""
    trace = sim.run("flash-sale", settings={"duration": "5s"})
    names = ["staleness.p99", "throughput", "staleness.mean"]
    assert numbers(trace, names) == {name: summarise(trace).value(name) for name in names}


def test_every_name_of_the_glossary_is_measured() -> None:
    """The summary's tables and the glossary's are the same, statistic by statistic."""
    summary = sim.summarise(sim.run("story"))
    assert {name: tuple(table) for name, table in summary.metrics.items()} == {
        name: metric.statistics for name, metric in METRICS.items()
    }


@pytest.mark.parametrize(
    ("table", "column", "value", "complaint"),
    [
        ("commands", "started", -1.0, "a command's times run backwards"),
        ("commands", "version", None, "a command has a version without being accepted"),
        ("changes", "version", 7, "a product's versions are not 1, 2, 3"),
        ("changes", "quantity_after", -1, "a stock is negative"),
        ("changes", "visible", -1.0, "a change was visible before its commit"),
        ("changes", "visible", 0.5, "a change was visible before it arrived"),
        ("changes", "command", 99, "the accepted commands and the changes are not the same"),
        ("changes", "committed", 2.5, "a version was committed before the one that it follows"),
        ("changes", "committed", 0.5, "a change was sent before its commit"),
        ("queries", "seen_version", 2, "a query saw a version that was not committed yet"),
        ("queries", "seen_version", 3, "a query saw a version that was not committed yet"),
        ("queries", "seen_version", 1, "a query saw a version before it was visible"),
        ("queries", "answered", -1.0, "a query was answered before it was asked"),
    ],
)
def test_a_doctored_trace_is_found_out(table: str, column: str, value: float | None, complaint: str) -> None:
    """Each promise that every run keeps is one that a changed table breaks."""
    trace = sim.run("story")
    frame: pl.DataFrame = getattr(trace, table)
    kind = frame.schema[column]
    first = pl.int_range(pl.len()) == 0
    changed = frame.with_columns(pl.when(first).then(pl.lit(value, kind)).otherwise(column).alias(column))
    with pytest.raises(TraceError, match=complaint):
        check(doctored(trace, **{table: changed}))


def test_a_version_that_was_missed_cannot_be_hidden() -> None:
    """A query of the story is half a second stale; with the commit moved behind it, it would not be.

    Staleness is 0 exactly when no version is missed, because versions are
    committed in their order, each during the work on its command.
    """
    trace = sim.run("story")
    assert summarise(trace).value("staleness.max") == 0.5
    later = [pl.when(version=2).then(2.6).otherwise(event).alias(event) for event in ("committed", "sent")]
    hidden = doctored(trace, changes=trace.changes.with_columns(later))
    assert summarise(hidden).value("staleness.max") == 0
    with pytest.raises(TraceError, match="a change was committed while nobody worked on its command"):
        check(hidden)


def test_commands_that_vanish_from_a_queue_break_littles_law() -> None:
    """A command that left the writer without having entered it is noticed."""
    trace = sim.run(parse_scenario(SMALL))
    lost = trace.commands.with_columns(started=pl.when(pl.col("id") == 3).then(None).otherwise("started"))
    with pytest.raises(TraceError, match="writer"):
        check(doctored(trace, commands=lost))


def test_a_saved_trace_comes_back_as_it_was(tmp_path: Path) -> None:
    """Tables, scenario, fingerprint and metrics survive a folder; a changed table does not."""
    folder = tmp_path / "run"
    trace = sim.run(parse_scenario(SMALL + SCRIPT))
    trace.save(folder)
    again = sim.load_trace(folder)
    assert again.fingerprint == trace.fingerprint
    assert (again.scenario, again.until, again.complete) == (trace.scenario, trace.until, trace.complete)
    assert as_json(sim.summarise(again)) == as_json(sim.summarise(trace))
    trace.queries.head(3).write_parquet(folder / "queries.parquet")
    with pytest.raises(TraceError, match="not those that were saved"):
        sim.load_trace(folder)


def test_a_curve_of_quantiles_is_made_of_the_sample() -> None:
    """Each is the least element that at least that share does not exceed; the last is the maximum."""
    trace = sim.run("saturation", settings={"duration": "20s"}, engine="array")
    sample, curve = np.sort(Evidence(trace).span("command_latency")), quantiles_of(trace, "command_latency")
    assert curve.n == len(sample)
    upto = np.searchsorted(sample, curve.values, side="right") / curve.n
    below = np.searchsorted(sample, curve.values, side="left") / curve.n
    assert (upto >= curve.shares - 1e-9).all()
    assert (below <= curve.shares + 1e-9).all()
    assert (curve.values[0], curve.values[-1]) == (sample[0], sample[-1])
    assert curve.trusted == 1 - 100 / curve.n
    story = quantiles_of(sim.run("story"), "staleness")
    assert (story.n, story.trusted, {*story.values}) == (4, 0, {0.0, 0.5})
