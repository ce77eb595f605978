import json
import math
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import sim
from sim.cli import main
from sim.distributions import Floats
from sim.metrics import Estimate
from sim.replicate import student
from sim.scenario_file import parse_scenario
from sim.studies.comparison import (
    Comparison,
    Unfinished,
    Variant,
    compare,
    difference,
    measured,
    play_variants,
    ratio,
    replications_needed,
    resolved,
)
from sim.terminal.what_if import comparison_lines, doubts_about, verdict

LINE = """
title = "line"
duration = "20s"
seed = 3
[products]
count = 1
[[workers]]
pace = "poisson(5/s)"
[[queries]]
pace = "poisson(20/s)"
[writer]
service = "0s"
[link]
delay = "200ms"
"""
TEN_PERCENT = {"link.delay": "220ms"}


def variant(name: str, **settings: str) -> Variant:
    """Change the line, with a double underscore for the dot in a key."""
    keys = {key.replace("__", "."): value for key, value in settings.items()}
    return Variant(name, parse_scenario(LINE, settings=keys))


def made_up(metric: str, *columns: list[float]) -> Comparison:
    """Make a comparison of variants A, B, C … with these numbers."""
    names = [Variant(name, parse_scenario(LINE)) for name, _ in zip("ABC", columns, strict=False)]
    values = {name: np.array(columns).T for name in (metric, "throughput")}
    return Comparison(metric, tuple(names), values)


def test_a_scenario_does_not_differ_from_itself() -> None:
    """Exactly zero in every metric, and the sentence says so."""
    found = play_variants([variant("A"), variant("B", link__delay="200ms")], jobs=1)
    seen = [metric for metric, values in found.values.items() if not np.isnan(values).any()]
    assert len(seen) > 10
    assert {found.difference(metric=metric) for metric in seen} == {Estimate(0.0, 0.0, 0.0)}
    assert found.ratio() == Estimate(1.0, 1.0, 1.0)
    assert found.replications_needed() is None
    assert verdict(found) == (
        "A and B do not differ at all: staleness.mean is the same in each of 10 replications."
    )


@pytest.mark.parametrize("metric", ["stale_read_fraction", "staleness.mean"])
def test_common_luck_makes_the_interval_three_times_narrower(metric: str) -> None:
    """Of a delay that is 10 % longer, over 30 replications; independent luck is that of 30 others."""
    here, there = variant("A").scenario, variant("B", link__delay="220ms").scenario
    one, same = ([measured(s, n, [metric], "array")[metric] for n in range(30)] for s in (here, there))
    other = [measured(there, n, [metric], "array")[metric] for n in range(30, 60)]
    common, independent = (difference(np.array(them), np.array(one)) for them in (same, other))
    assert resolved(common)
    assert wide(independent) > 3 * wide(common)


def wide(estimate: Estimate) -> float:
    """Give the width of an interval."""
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.high - estimate.low


def test_what_is_compared_is_what_the_runs_say() -> None:
    """A row for each replication and a column for each variant, whatever the number of processes."""
    variants = [variant("A", replications="3"), variant("B", replications="3", link__delay="1s")]
    alone, together = (play_variants(variants, "staleness.p95", jobs, "trio") for jobs in (1, 2))
    expected = [
        [sim.summarise(sim.run(one.scenario, n)).value("staleness.p95") for one in variants] for n in range(3)
    ]
    assert alone.values["staleness.p95"].tolist() == expected
    assert {m: v.tolist() for m, v in alone.values.items() if not np.isnan(v).any()} == {
        m: v.tolist() for m, v in together.values.items() if not np.isnan(v).any()
    }
    assert alone.replications == 3


def test_in_python_a_comparison_takes_a_name_and_changes() -> None:
    """The scenario as it is comes first, then one variant for each set of changes, named after them."""
    short = {"duration": "10s", "warmup": "0s", "replications": "2"}
    changes = {"link.delay": "250ms", "writer.service": "2ms"}
    found = sim.compare("slow-link", changes, {"link.delay": "0ms"}, settings=short, jobs=1)
    assert [one.name for one in found.variants] == [
        "slow-link", "link.delay=250ms, writer.service=2ms", "link.delay=0ms",
    ]  # fmt: skip
    assert found.variants[1].scenario == sim.load_scenario("slow-link", {**short, **changes})
    assert found.ranking() == [2, 0, 1]
    with pytest.raises(ValueError, match="unknown metric 'stalness'"):
        compare("slow-link", {"link.delay": "1s"}, metric="stalness")
    with pytest.raises(ValueError, match="seed is the same for all variants"):
        compare("slow-link", {"seed": "2"})


pairs = st.lists(
    st.tuples(st.floats(0.5, 10), st.floats(0.5, 10)), min_size=3, max_size=12, unique_by=lambda pair: pair[0]
)


@given(pairs, st.integers(1, 6))
def test_a_ratio_is_held_between_the_bounds_that_a_paired_test_would_refuse(
    sample: list[tuple[float, float]], among: int
) -> None:
    """Fieller's definition: at either bound θ, over − θ·under is just told from nothing."""
    over, under = np.array(sample).T
    found = ratio(over, under, among)
    if found.low is None or found.high is None:
        assert abs(t_of(under)) <= student(len(under) - 1, among) * (1 + 1e-9)
        return
    for theta in (found.low, found.high):
        assert abs(t_of(over - theta * under)) == pytest.approx(student(len(under) - 1, among), rel=1e-5)
    assert found.low <= found.estimate <= found.high


def t_of(sample: Floats) -> float:
    """Give Student's t of a sample, against 0."""
    return float(sample.mean() / sample.std(ddof=1) * math.sqrt(len(sample)))


@given(pairs)
def test_ratio_and_difference_are_resolved_together(sample: list[tuple[float, float]]) -> None:
    """The interval of the ratio leaves 1 out just where that of the difference leaves 0 out."""
    over, under = np.array(sample).T
    found, apart = ratio(over, under), difference(over, under)
    if found.low is not None and found.high is not None and abs(t_of(over - under)) < 1e6:
        assert (found.low > 1 or found.high < 1) == resolved(apart)


def test_a_ratio_of_normal_samples_is_held_as_often_as_it_promises() -> None:
    """Of 4,000 intervals from ten pairs, correlation 0.9, 95 % hold the truth; the null is 0.95, |z| < 4."""
    rng = np.random.default_rng(1)
    x, noise = rng.standard_normal((2, 4000, 10))
    y = 0.9 * x + math.sqrt(1 - 0.81) * noise
    found = [ratio(2 * (1 + 0.2 * a), 1 + 0.1 * b) for a, b in zip(x, y, strict=True)]
    held = sum(one.low < 2 < one.high for one in found if one.low is not None and one.high is not None)
    assert abs(held - 3800) / math.sqrt(4000 * 0.95 * 0.05) < 4


def test_so_many_replications_as_are_named_resolve_it_nine_times_in_ten() -> None:
    """A difference of 1 with a spread of 3 takes 97; of 2,000 such trials 90 % resolve it, |z| < 4."""
    spread = np.tile([1 - 3 * math.sqrt(0.9), 1 + 3 * math.sqrt(0.9)], 5)  # mean 1, standard deviation 3
    needed = replications_needed(spread, np.zeros(10))
    assert needed == 97
    rng = np.random.default_rng(1)
    trials = rng.normal(1, 3, (2000, needed))
    told = sum(resolved(difference(trial, np.zeros(needed))) for trial in trials)
    assert abs(told - 1800) / math.sqrt(2000 * 0.9 * 0.1) < 4


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=8), st.integers(1, 10))
def test_the_number_that_is_named_is_the_least_that_would_do(sample: list[float], among: int) -> None:
    """One fewer is too few, by the formula; nothing is named where there is no difference."""
    values = np.array(sample)
    needed = replications_needed(values, np.zeros(len(values)), among)
    if not needed:
        return
    spread = values.std(ddof=1) / abs(values.mean())

    def enough(n: int) -> bool:
        t = float(stats.t.ppf(1 - 0.025 / among, n - 1))
        return bool(n >= ((t + stats.norm.ppf(0.9)) * spread) ** 2 * (1 - 1e-9))

    assert enough(needed)
    assert needed == 2 or not enough(needed - 1) or needed > 1000


def test_intervals_of_several_variants_are_wider_so_that_all_hold() -> None:
    """Three variants make three pairs: each interval is one of 1 − 0.05/3."""
    found = made_up("staleness.mean", [1, 2, 3], [2, 4, 4], [5, 5, 5])
    half = stats.t.ppf(1 - 0.025 / 3, 2) * np.std([1, 2, 1], ddof=1) / math.sqrt(3)
    assert found.pairs == 3
    assert wide(found.difference()) == pytest.approx(2 * half, rel=1e-9)
    assert any("all 3 pairs" in line for line in comparison_lines(found))


def test_rounding_is_no_difference() -> None:
    """The same duration, once from 1.1 s on and once from 2.2 s on."""
    assert difference(np.array([1.1 - 1.0, 0.1]), np.array([0.1, 2.2 - 2.1])) == Estimate(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("metric", "columns", "sentence"),
    [
        ("staleness.mean", ([4, 5, 6.1], [2, 2.5, 3]), "B is freshest: 2.01 ± 0.09 times fresher than A."),
        (
            "command_latency.p99",
            ([2, 2.5, 3], [4, 5, 6.1], [8, 9, 10]),
            "A is fastest: 2.0 ± 0.7 times faster than the next, B.",
        ),
        (
            "throughput",
            ([2, 2.5, 3], [4, 5, 6.1]),
            "B is highest in throughput: 2.01 ± 0.09 times higher than A.",
        ),
        (
            "staleness.mean",
            ([0, 0, 0], [0.02, 0.021, 0.022]),
            "A is freshest: staleness.mean is 21 ± 2 ms less than with B.",
        ),
        (
            "shed_fraction",
            ([0.1, 0.2, 0.3], [0.1, 0.3, 0.2]),
            "Not resolved: with B, shed_fraction is 0 ± 25 points above that of A. If the difference is "
            "what it looks like, no number of replications is in sight.",
        ),
        (
            "rejected_fraction",
            ([0.1, 0.2, 0.3], [0.11, 0.19, 0.35]),
            "Not resolved: with B, rejected_fraction is 2 ± 8 points above that of A. If the difference is "
            "what it looks like, about 37 replications would do.",
        ),
        (
            "staleness.mean",
            ([1], [2]),
            "A is freshest in this one replication, by 1 s: that says nothing of chance.",
        ),
        (
            "staleness.mean",
            ([math.nan, math.nan], [2, 3]),
            "Nothing can be said: staleness.mean was not seen, or is infinite, in B or in A.",
        ),
    ],
)
def test_the_answer_is_one_sentence(metric: str, columns: tuple[list[float], ...], sentence: str) -> None:
    """Who is best and how many times; or by how much; or that nobody knows yet."""
    assert verdict(made_up(metric, *columns)) == sentence


def test_what_has_no_steady_state_is_said_of_the_variant_that_has_none() -> None:
    """A writer that cannot keep up, in one of the two."""
    slow = variant("slow", writer__service="1s", duration="20s", replications="2")
    found = play_variants([variant("A", replications="2"), slow], jobs=1)
    assert list(doubts_about(found)) == [
        "slow: The writer cannot keep up with 5 commands a second of 1 s each: "
        "the time to commit grows as long as the run lasts."
    ]


def test_ctrl_c_keeps_the_replications_that_all_variants_had_finished() -> None:
    """Of seven runs of two variants, three whole replications; of one, nothing."""
    for stop_at, kept in ((7, 3), (1, 0)):
        finished = 0

        def stop() -> None:
            nonlocal finished
            finished += 1
            if finished == stop_at:  # noqa: B023
                raise KeyboardInterrupt

        with pytest.raises(Unfinished) as cut:
            play_variants([variant("A"), variant("B", link__delay="1s")], jobs=1, on_done=stop)
        assert str(cut.value) == f"interrupted: {kept} of 10 replications were finished"
        assert (cut.value.comparison.replications if cut.value.comparison else 0) == kept


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str, str]:
    """Run `sim compare` in this process, on one core; give its status and what it printed."""
    with pytest.raises(SystemExit) as end:
        main(["compare", *arguments, "--jobs", "1"])
    printed = capsys.readouterr()
    return end.value.code, printed.out, printed.err


@pytest.fixture
def line(tmp_path: Path) -> str:
    """Give the line as a file."""
    (tmp_path / "line.toml").write_text(LINE)
    return str(tmp_path / "line.toml")


def test_the_command_draws_bars_says_it_and_lays_the_metrics_side_by_side(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The longest bar is forty characters; what has not changed has no difference."""
    status, printed, errors = called(capsys, line, "--with", "link.delay=400ms")
    lines = printed.splitlines()
    assert (status, errors) == (0, "")
    assert lines[0] == "staleness.mean   seed 3   10 replications of each, on the same luck     open loop"
    assert [name.split()[0] for name in lines[1:3]] == ["line", "link.delay=400ms"]
    assert lines[2].count("█") == 40
    assert lines[4].startswith("line is freshest: ")
    assert lines[4].endswith(" times fresher than link.delay=400ms.")
    assert lines[6] == "   link.delay=400ms, beside line"
    rows = {row.split()[0]: row for row in lines[8:]}
    assert rows["visibility_lag.mean"].split()[1:] == ["200", "ms", "400", "ms", "+200", "ms", "2"]
    assert rows["throughput"].endswith(" none")


def test_json_holds_every_difference(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One object; of each variant but the first what it is above that one."""
    _, printed, _ = called(
        capsys, line, "--with", "link.delay=400ms,writer.service=uniform(1ms, 2ms)", "--json",
        "--replications", "3", "--metric", "visibility_lag.max", "--twins",
    )  # fmt: skip
    found = json.loads(printed)
    keys = ["schema", "seed", "loop", "replications", "metric", "pairs", "variants"]
    assert list(found) == [*keys, "verdict", "warnings", "twins"]
    first, second = found["variants"]
    assert second["name"] == "link.delay=400ms, writer.service=uniform(1ms, 2ms)"
    assert list(first["metrics"]["throughput"]) == ["estimate", "low", "high"]
    lag = second["metrics"]["visibility_lag.max"]
    assert lag["difference"]["estimate"] == pytest.approx(0.2)
    assert (lag["resolved"], lag["ratio"]["estimate"]) == (True, pytest.approx(2.0))
    assert list(found["twins"][0]) == ["queries", "only_here", "only_there", "turned_stale", "turned_fresh"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stori", "--with", "link.delay=1s"], "no such scenario: stori (did you mean 'story'?)"),
        (["story"], "compare with what? --with link.delay=250ms makes a variant\n"),
        (["story", "--with", "link.delay"], "--with takes keys and values: --with link.delay=250ms, not "),
        (["story", "--with", "link.dely=1s"], "  link.dely: unknown key (did you mean 'delay'?)\n"),
        (["story", "--with", "link.delay=5"], 'a duration needs a unit: write "5ms" or "5s"\n'),
        (
            ["story", "--with", "seed=5"],
            "--with: seed is the same for all variants, or they would ",
        ),
        (
            ["story", "--with", "link.delay=1s", "--metric", "stalness.p99"],
            "unknown metric 'stalness' (did you mean 'staleness'?)",
        ),
        (
            ["oversold", "--with", "link.delay=1s", "--engine", "array", "--replications", "1"],
            "--engine array: workers look before they command (look_first), ",
        ),
    ],
)
def test_bad_input_is_refused_with_what_would_do(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """Exit 2, a message on standard error, no traceback, nothing on standard output."""
    status, printed, errors = called(capsys, *arguments)
    assert (status, printed) == (2, "")
    assert message in errors


def test_ctrl_c_shows_what_is_known_so_far(
    line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 130, after the sentence that two replications allow; of nothing finished there is none."""
    whole = compare(line, TEN_PERCENT, jobs=1)
    two = evolve(whole, values={metric: values[:2] for metric, values in whole.values.items()})
    for known, begins in ((two, "staleness.mean   seed 3   2 replications"), (None, "")):

        def cut(*_: object, known: Comparison | None = known) -> Comparison:
            raise Unfinished("interrupted", known)

        monkeypatch.setattr("sim.studies.comparison.play_variants", cut)
        status, printed, errors = called(capsys, line, "--with", "link.delay=220ms")
        assert (status, errors, printed.startswith(begins)) == (130, "interrupted\n", True)
        assert bool(printed) == bool(begins)
