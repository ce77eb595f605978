import math
from functools import cache

import attrs
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.inventory import Apply
from sim.metrics import summarise
from sim.replay.timeline import Curve, Gap, Lag, Steps, Timeline, telling_product, timeline
from sim.scenario_file import parse_scenario
from sim.stage import run
from sim.trace import Trace
from tests.doctored import doctored

STORY = """
title = "The story"
duration = "4s"
[writer]
service = "0ms"
[link]
delay = "1000ms"
[[steps]]
at = "0s"
do = "add"
quantity = 10
[[steps]]
at = "2s"
do = "remove"
quantity = 4
[[steps]]
at = "3.5s"
do = "query"
"""

CROWD = """
title = "A crowd"
duration = "{duration}"
seed = {seed}
[products]
count = 3
[[workers]]
count = 5
pace = "poisson({pace})"
[writer]
service = "exponential(5ms)"
[link]
delay = "exponential(150ms)"
order = "{order}"
[reader]
apply = "{apply}"
"""


@cache
def crowd(
    order: str = "fifo",
    apply: str = "newest",
    seed: int = 1,
    pace: str = "30/s",
    duration: str = "2s",
) -> Trace:
    """Run a small crowd on three products."""
    return run(
        parse_scenario(CROWD.format(order=order, apply=apply, seed=seed, pace=pace, duration=duration))
    )


def steps(*points: tuple[float, int]) -> Steps:
    """Write steps as points."""
    times, versions = zip(*points, strict=True)
    return Steps(np.array(times), np.array(versions))


def curve(*points: tuple[float, float]) -> Curve:
    """Write a curve as points."""
    times, seconds = zip(*points, strict=True)
    return Curve(np.array(times), np.array(seconds))


def staleness_at(trace: Trace, product: int | None, time: float) -> float:
    """Count again, change by change, since when the oldest version that is not shown was committed."""
    oldest = math.inf
    for number in {*trace.changes["product"]} if product is None else {product}:
        changes = [row for row in trace.changes.iter_rows(named=True) if row["product"] == number]
        applied = [(c["visible"], c["version"]) for c in changes if (c["visible"] or math.inf) <= time]
        shown = last_shown(trace.scenario.reader.apply, applied)
        missed = [c["committed"] for c in changes if c["version"] > shown and c["committed"] <= time]
        oldest = min([oldest, *missed])
    return max(0.0, time - oldest)


def last_shown(apply: Apply, applied: list[tuple[float, int]]) -> int:
    """Say which version a reader shows that has applied these, each at its time."""
    versions = {version for _, version in applied}
    if apply == "delta":
        return next(n for n in range(len(versions) + 1) if n + 1 not in versions)
    return max(applied, default=(0, 0))[1] if apply == "arrival" else max(versions, default=0)


def height(line: Curve, times: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float]:
    """Read a curve at instants that are none of its jumps."""
    right = np.searchsorted(line.times, times).clip(1)
    left = right - 1
    share = (times - line.times[left]) / (line.times[right] - line.times[left])
    heights: list[float] = (line.seconds[left] + share * (line.seconds[right] - line.seconds[left])).tolist()
    return heights


def test_the_story_as_a_whole() -> None:
    """Two changes, each shown a second after its commit."""
    seen = timeline(run(parse_scenario(STORY)), 1)
    assert attrs.evolve(seen, p95=round(seen.p95, 9)) == Timeline(
        product=1,
        window=(0.0, 4.0),
        commits=2,
        written=steps((0, 1), (2, 2), (4, 2)),
        shown=steps((0, 0), (1, 1), (3, 2), (4, 2)),
        staleness=curve((0, 0), (1, 1), (1, 0), (2, 0), (3, 1), (3, 0), (4, 0)),
        p95=0.9,  # 2 s fresh, and 2 × 0.9 s below it, are 95 % of 4 s
        lag=Lag(product=1, version=1, level=1, committed=0.0, shown=1.0),
        gap=Gap(at=2.5, written=2, shown=1),
    )


def test_a_window_cuts_the_story() -> None:
    """What is under way at either end is shown as far as the window goes, and measures nothing."""
    seen = timeline(run(parse_scenario(STORY)), None, (0.5, 2.5))
    assert attrs.evolve(seen, p95=round(seen.p95, 9)) == Timeline(
        product=None,
        window=(0.5, 2.5),
        commits=1,
        written=steps((0.5, 1), (2, 2), (2.5, 2)),
        shown=steps((0.5, 0), (1, 1), (2.5, 1)),
        staleness=curve((0.5, 0.5), (1, 1), (1, 0), (2, 0), (2.5, 0.5)),
        p95=0.9,
        lag=None,
        gap=Gap(at=2.25, written=2, shown=1),
    )


def test_a_product_without_commits_has_an_eventless_timeline() -> None:
    """Of what was never written, both models show version 0, and nothing is missing."""
    seen = timeline(run(parse_scenario(STORY)), 2)
    assert seen == Timeline(
        product=2,
        window=(0.0, 4.0),
        commits=0,
        written=steps((0, 0), (4, 0)),
        shown=steps((0, 0), (4, 0)),
        staleness=curve((0, 0), (4, 0)),
        p95=0.0,
        lag=None,
        gap=None,
    )
    assert seen.eventless


def test_a_run_without_anything_lasts_as_long_as_planned() -> None:
    """Where there is no end to go by, the window is the plan's."""
    seen = timeline(run(parse_scenario('title = "Nothing"\nduration = "4s"')))
    assert (seen.window, seen.commits, seen.eventless) == ((0.0, 4.0), 0, True)


def test_a_change_that_is_never_shown_is_missing_to_the_end() -> None:
    """Its staleness grows until the window ends, and it has no lag."""
    trace = run(parse_scenario(STORY))
    lost = _seen_at(trace, pl.lit(None, dtype=pl.Float64))
    seen = timeline(lost, 1)
    assert (seen.lag, seen.gap) == (None, Gap(at=3.0, written=2, shown=0))
    assert seen.staleness == curve((0, 0), (4, 4))
    assert seen.p95 == pytest.approx(0.95 * 4)


def _seen_at(trace: Trace, visible: pl.Series | pl.Expr) -> Trace:
    return doctored(trace, changes=trace.changes.with_columns(visible=visible))


def test_a_newer_version_ends_the_wait_for_an_overtaken_one() -> None:
    """Version 1 was overtaken: it was late until version 2 was shown."""
    trace = run(parse_scenario(STORY))
    overtaken = _seen_at(trace, pl.Series([None, 3.0]))
    assert timeline(overtaken, 1).lag == Lag(product=1, version=1, level=1, committed=0.0, shown=3.0)


def test_the_read_model_falls_back_only_if_the_last_to_arrive_wins() -> None:
    """Under newest the shown version only goes up; under arrival an overtaken change takes it back."""
    falls = {
        apply: bool((np.diff(timeline(crowd("independent", apply), 1).shown.versions) < 0).any())
        for apply in ("newest", "arrival")
    }
    assert falls == {"newest": False, "arrival": True}


def test_the_greatest_lag_is_the_metric() -> None:
    """In a window that holds the whole run, it is the greatest visibility_lag, and the sawtooth's peak."""
    trace = crowd()
    seen = timeline(trace, None, (0.0, trace.until))
    assert seen.lag is not None
    assert seen.lag.seconds == summarise(trace).value("visibility_lag.max")
    assert seen.lag.seconds == pytest.approx(seen.staleness.seconds.max())


def test_the_greatest_gap_is_between_the_two_lines() -> None:
    """At its instant, the lines are as far apart as anywhere."""
    seen = timeline(crowd("serial"), 1)
    assert seen.gap is not None
    assert seen.gap.written == seen.written.around(seen.gap.at)[1]
    assert seen.gap.shown == seen.shown.around(seen.gap.at)[1]
    moments = np.linspace(*seen.window, 5000)[1:-1]
    missing = [seen.written.around(t)[1] - seen.shown.around(t)[1] for t in moments]
    assert max(missing) == seen.gap.versions


def test_a_long_run_shows_a_stretch_around_its_worst_staleness() -> None:
    """Some 25 commits, or three times the worst staleness where that is longer; the worst is in it."""
    trace = crowd(pace="60/s", duration="20s")
    whole = timeline(trace, 2, (0.0, trace.until))
    seen = timeline(trace, 2)
    start, end = seen.window
    worst = float(whole.staleness.seconds.max())
    assert whole.commits > 300
    assert 25 <= seen.commits < 100
    assert seen.staleness.seconds.max() == pytest.approx(worst)
    assert end - start >= 3 * worst


def test_a_short_run_is_shown_whole() -> None:
    """With some more at its end, so that both lines can be seen to meet."""
    trace = crowd(pace="4/s")
    seen = timeline(trace)
    assert list(seen.window) == pytest.approx([0.0, 1.04 * trace.until])
    assert seen.commits == len(trace.changes)
    assert seen.written.versions[-1] == seen.shown.versions[-1] == len(trace.changes)


def test_a_window_must_not_run_backwards() -> None:
    """Its ends are named, as they were given."""
    with pytest.raises(ValueError, match="a window needs a start before its end, not 2 s to 1 s"):
        timeline(crowd(), 1, (2.0, 1.0))


def test_the_product_that_tells_most_has_the_most_commits() -> None:
    """Of equals, the first; of none, none."""
    trace = crowd()
    products = trace.changes["product"].to_list()
    assert telling_product(trace) == max((1, 2, 3), key=products.count)
    assert telling_product(run(parse_scenario(STORY))) == 1
    assert telling_product(run(parse_scenario('title = "Nothing"'))) is None


def test_a_product_that_is_wrong_in_the_end_tells_more_than_a_busy_one() -> None:
    """Product 1 has two changes; of product 2 the only one is lost."""
    outage = '[[link.outages]]\nat = "9s"\nlasts = "5s"\nchanges = "lost"\n'
    step = '[[steps]]\nat = "{}s"\ndo = "add"\nproduct = {}\n'
    steps = "".join(step.format(at, product) for at, product in ((1, 1), (2, 1), (10, 2)))
    assert telling_product(run(parse_scenario(f'title = "lost"\n{outage}{steps}'))) == 2


RUNS = st.builds(
    crowd,
    order=st.sampled_from(["independent", "fifo", "serial"]),
    apply=st.sampled_from(["newest", "arrival", "delta", "fetch"]),
    seed=st.integers(1, 8),
)
WINDOWS = st.tuples(st.floats(0, 1.5), st.floats(0.05, 1.5)).map(lambda w: (w[0], w[0] + w[1]))


@settings(max_examples=60)
@given(trace=RUNS, product=st.none() | st.integers(1, 3), window=WINDOWS, share=st.floats(0.001, 0.999))
def test_staleness_is_what_a_recount_says(
    trace: Trace, product: int | None, window: tuple[float, float], share: float
) -> None:
    """At any instant that is no jump, the curve is the age of the oldest version not shown."""
    time = window[0] + share * (window[1] - window[0])
    seen = timeline(trace, product, window)
    if np.abs(seen.staleness.times[1:-1] - time).min(initial=1.0) > 1e-9:
        assert height(seen.staleness, np.array([time])) == pytest.approx([staleness_at(trace, product, time)])


@settings(max_examples=60)
@given(trace=RUNS, product=st.integers(1, 3), window=WINDOWS)
def test_a_version_is_late_until_it_is_shown(trace: Trace, product: int, window: tuple[float, float]) -> None:
    """The greatest lag ends when the read model comes to that version, or past it."""
    seen = timeline(trace, product, window)
    if seen.lag:
        reached = seen.shown.times[seen.shown.versions >= seen.lag.version]
        assert seen.lag.shown == reached[0]


@settings(max_examples=60)
@given(trace=RUNS, product=st.none() | st.integers(1, 3), window=WINDOWS)
def test_p95_is_what_fine_sampling_says(
    trace: Trace, product: int | None, window: tuple[float, float]
) -> None:
    """Of very many instants, 95 % lie at or below it, and no more than that clearly below."""
    seen = timeline(trace, product, window)
    moments = np.linspace(*window, 40_001)[:-1] + (window[1] - window[0]) / 80_000
    heights = np.array(height(seen.staleness, moments))
    error = 2 * len(seen.staleness.times) / 40_000
    assert np.mean(heights <= seen.p95 + 1e-9) >= 0.95 - error
    assert np.mean(heights < seen.p95 - 1e-9) <= 0.95 + error


@pytest.mark.parametrize(
    ("line", "p50"),
    [
        (curve((0, 0), (4, 4)), 2.0),
        (curve((0, 0), (4, 0)), 0.0),
        (curve((0, 0), (2, 0), (4, 2)), 0.0),
        (curve((0, 0), (1, 0), (4, 3)), 1.0),
        (curve((0, 0), (1, 1), (1, 5), (3, 7)), 5.5),
        (curve((0, 3), (1, 4), (1, 3), (2, 4)), 3.5),
    ],
)
def test_a_quantile_weighs_heights_by_the_time_they_last(line: Curve, p50: float) -> None:
    """Half the time, the curve is no higher than that."""
    assert line.quantile(0.5) == pytest.approx(p50)


def test_what_is_missing_at_the_end_is_missing_for_good_only_if_it_never_comes() -> None:
    """The story's change is on its way at 0.5 s; a change that is lost is not."""
    story = run(parse_scenario(STORY))
    assert [timeline(story, 1, (0.0, end)).for_good for end in (0.5, 4.0)] == [False, False]
    torn = run(parse_scenario(STORY + '[[link.outages]]\nat = "0s"\nlasts = "9s"\nchanges = "lost"\n'))
    assert [timeline(torn, 1, (0.0, end)).for_good for end in (0.5, 4.0)] == [True, True]
    assert not timeline(attrs.evolve(torn, complete=False), 1).for_good
