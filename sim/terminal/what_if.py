"""Comparisons, twins, forecasts and solutions as the terminal shows them, and what they rest on."""

import math
from collections.abc import Iterator, Sequence
from textwrap import wrap

import polars as pl
from attrs import frozen

from sim.glossary import METRICS, split_name
from sim.knob import Knob
from sim.metrics import Estimate
from sim.steady import LAG, overloads
from sim.studies.comparison import COMMITS, GREATER_IS_BETTER, Comparison, Variant, resolved
from sim.studies.forecast import Forecast
from sim.studies.solution import Point, Solution
from sim.studies.twins import Twins, worst
from sim.terminal import WIDTH
from sim.terminal.estimates import NARROW, decimals, estimate_text, scale
from sim.wording import count, number_text, readable, significant

BAR = 40  # characters of the longest one
NAME = 36  # characters beside it
EIGHTHS = " ▏▎▍▌▋▊▉"  # how a bar ends
LATENCIES = frozenset(name for name in METRICS if name.endswith(("_latency", "_wait", "_time")))


@frozen
class Words:
    """How one says that a variant is the best of all, and by how much."""

    best: str
    better: str
    off: str = "less"


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """Lay a comparison out: bars, the answer in one sentence, then every main metric side by side."""
    first, runs = comparison.variants[0].scenario, count(comparison.replications, "replication")
    yield f"{comparison.metric}   seed {first.seed}   {runs} of each, on the same luck     {first.loop} loop"
    yield from _bars(comparison)
    yield ""
    yield from wrap(verdict(comparison), WIDTH)
    for variant in range(1, len(comparison.variants)):
        yield ""
        yield from _table(comparison, variant)
    if comparison.pairs > 1 and comparison.replications > 1:
        yield ""
        yield from wrap(
            f"Intervals of differences and ratios are so wide that those of all {comparison.pairs} pairs of "
            "variants hold together, 95 times in 100 (Bonferroni); each metric by itself.",
            WIDTH,
        )
    doubts = list(doubts_about(comparison))
    if doubts:
        yield ""
        yield from (f"!  {doubt}" for doubt in doubts)


def verdict(comparison: Comparison) -> str:
    """Say in one sentence which variant is the best, by how much, or that this is not resolved."""
    best, second = comparison.ranking()[:2]
    apart, metric = comparison.difference(second, best), comparison.metric
    names = name, other = [comparison.variants[variant].name for variant in (best, second)]
    words, runs = _words(metric), count(comparison.replications, "replication")
    if math.isnan(apart.estimate):
        return f"Nothing can be said: {metric} was not seen, or is infinite, in {' or in '.join(names)}."
    if no_difference(apart):
        return f"{name} and {other} do not differ at all: {metric} is the same in each of {runs}."
    if apart.low is None:
        off = _difference_text(apart, metric).lstrip("+−")
        return f"{name} is {words.best} in this one replication, by {off}: that says nothing of chance."
    if not resolved(apart):
        return _unresolved(comparison, best, second)
    if len(comparison.variants) > 2:
        other = f"the next, {other}"
    over, under = _in_order(metric, best, second)
    times = comparison.ratio(over, under)
    if times.low is None or times.low <= 0:
        off = _difference_text(comparison.difference(over, under), metric).lstrip("+−")
        return f"{name} is {words.best}: {metric} is {off} {words.off} than with {other}."
    return f"{name} is {words.best}: {_times_text(times)} times {words.better} than {other}."


def _in_order(metric: str, best: int, second: int) -> tuple[int, int]:
    """Put first the one with the larger number."""
    return (best, second) if _greater(metric) else (second, best)


def no_difference(apart: Estimate) -> bool:
    """Say whether two variants came to the same in every replication."""
    return apart.estimate == 0 and apart.low == apart.high


def _unresolved(comparison: Comparison, best: int, second: int) -> str:
    """Say that two variants cannot be told apart yet, and how many replications would do."""
    over, under = _in_order(comparison.metric, best, second)
    more, less = (comparison.variants[variant].name for variant in (over, under))
    off = _difference_text(comparison.difference(over, under), comparison.metric).lstrip("+−")
    needed = comparison.replications_needed(second, best)
    enough = f"about {needed:,} replications would do" if needed else "no number of replications is in sight"
    return (
        f"Not resolved: with {more}, {comparison.metric} is {off} above that of {less}. "
        f"If the difference is what it looks like, {enough}."
    )


def doubts_about(comparison: Comparison) -> Iterator[str]:
    """Say what should be known before the comparison is quoted."""
    for number, variant in enumerate(comparison.variants):
        commits = comparison.estimate(number, COMMITS).estimate
        yield from (f"{variant.name}: {overload}" for overload in overloads(variant.scenario, commits))
    if comparison.replications == 1:
        yield "One replication has no intervals. Use --replications 10 before quoting a number."


def _bars(comparison: Comparison) -> Iterator[str]:
    """Draw a bar for each variant, as long as its number is large."""
    estimates = [comparison.estimate(variant) for variant in range(len(comparison.variants))]
    most = max((one.estimate for one in estimates if math.isfinite(one.estimate)), default=0.0)
    names = [_short(variant.name) for variant in comparison.variants]
    for name, estimate in zip(names, estimates, strict=True):
        share = estimate.estimate / most if most > 0 and math.isfinite(estimate.estimate) else 0.0
        found = estimate_text(estimate, _unit(comparison.metric))
        yield f"   {name:<{max(map(len, names))}}   {_bar(share):<{BAR}}   {found}"


def _short(name: str) -> str:
    """Cut a name that leaves no room for its bar."""
    return name if len(name) <= NAME else f"{name[: NAME - 1]}…"


def _bar(share: float) -> str:
    """Draw a share of the longest bar, to an eighth of a character."""
    whole, eighths = divmod(round(share * BAR * 8), 8)
    return "█" * whole + EIGHTHS[eighths].strip()


def _table(comparison: Comparison, variant: int) -> Iterator[str]:
    """Lay out the main metrics of a variant beside those of the first one."""
    yield f"   {comparison.variants[variant].name}, beside {comparison.variants[0].name}"
    yield _row("", "before", "after", "difference", "times")
    for metric in comparison.values:
        if _worth_a_row(comparison, variant, metric):
            yield _row(metric, *_cells(comparison, variant, metric))


def _row(*cells: str) -> str:
    metric, before, after, apart, times = cells
    return f"   {metric:<27} {before:>18} {after:>18} {apart:>21} {times:>12}".rstrip()


def _worth_a_row(comparison: Comparison, variant: int, metric: str) -> bool:
    """Say whether a metric was seen in one of the two, and is not 0 in both."""
    both = [comparison.estimate(one, metric).estimate for one in (0, variant)]
    return any(value and not math.isnan(value) for value in both) or metric == comparison.metric


def _cells(comparison: Comparison, variant: int, metric: str) -> tuple[str, str, str, str]:
    """Write a metric before, after, their difference and their ratio."""
    before, after = (estimate_text(comparison.estimate(one, metric), _unit(metric)) for one in (0, variant))
    apart, times = comparison.difference(variant, 0, metric), comparison.ratio(variant, 0, metric)
    if no_difference(apart):
        return before, after, "none", ""
    told = _times_text(times) if times.low is not None and times.low > 0 else ""
    if apart.low is not None and not resolved(apart):
        told = "not resolved"
    return before, after, _difference_text(apart, metric), told


def _difference_text(apart: Estimate, metric: str) -> str:
    """Write a difference with its sign, in the unit of the larger of itself and its error."""
    value, low, high, unit = apart.estimate, apart.low, apart.high, _unit(metric)
    half = 0.0 if low is None or high is None else (high - low) / 2
    if half <= NARROW * abs(value):
        text = f"{'−' if value < 0 else '+'}{number_text(abs(value), unit)}"
    else:
        size, sign = scale(max(abs(value), half), unit)
        digits = decimals(half / size)
        text = f"{value / size:+,.{digits}f} ± {half / size:,.{digits}f}{sign}"
    return text.replace("-", "−").replace("%", " points")


def _times_text(times: Estimate) -> str:
    """Write a ratio with the longer arm of its interval, which need not be even."""
    assert times.low is not None
    assert times.high is not None
    arm = max(times.estimate - times.low, times.high - times.estimate)
    return estimate_text(Estimate(times.estimate, times.estimate - arm, times.estimate + arm), "1")


def _greater(metric: str) -> bool:
    return split_name(metric)[0] in GREATER_IS_BETTER


def _words(metric: str) -> Words:
    """Choose the words for a metric: fresh, fast, or just low or high."""
    name, _ = split_name(metric)
    if _greater(metric):
        return Words(f"highest in {metric}", "higher", "more")
    if name in LAG - {"stale_decisions"}:
        return Words("freshest", "fresher")
    return Words("fastest", "faster") if name in LATENCIES else Words(f"lowest in {metric}", "lower")


def _unit(metric: str) -> str:
    return METRICS[split_name(metric)[0]].unit


def twins_lines(found: Twins, here: Variant, there: Variant) -> Iterator[str]:
    """Lay out which queries a change has flipped: how many of how many, the first, and the worst."""
    yield f"TWINS   {here.name} and {there.name} in one replication, query by query"
    if found.only_here or found.only_there:
        yield from wrap(f"!  {_without_twin(found, here, there)}", WIDTH, subsequent_indent="   ")
    if not found.asked:
        return
    for flips, turned in ((found.turned_stale, "stale"), (found.turned_fresh, "fresh")):
        yield f"   {f'{len(flips):,}' if len(flips) else 'none'} of {found.asked:,} queries turned {turned}"
        if len(flips):
            yield f"      first   {_told(flips.head(1), here, there)}"
            yield f"      worst   {_told(worst(flips), here, there)}"


def _without_twin(found: Twins, here: Variant, there: Variant) -> str:
    """Say how many queries only one of the runs has, and what that means."""
    alone = f"{found.only_here:,} queries with {here.name} and {found.only_there:,} with {there.name} alone"
    why = "who asks, or when, depends on what was changed"
    left = "Only those that both have are compared." if found.asked else "There is nothing to compare."
    return f"{alone}: {why}. {left}"


def _told(flip: pl.DataFrame, here: Variant, there: Variant) -> str:
    """Tell what happened to one query."""
    session, product, asked, before, after = flip.row(0)
    stale, fresh = (there.name, here.name) if after else (here.name, there.name)
    return (
        f"{asked:.3f} s: session {session}, product {product}, "
        f"{readable(max(before, after))} stale with {stale}, fresh with {fresh}"
    )


def forecast_lines(found: Forecast, title: str, by: str) -> Iterator[str]:
    """Lay a forecast out: each metric as it was measured and as it was predicted, then how far off it is.

    What is beyond 95 in 100 of such runs is marked.
    """
    runs, changes = count(found.replications, "replication"), count(found.measured.n, "change")
    yield f"{title}   predicted by {by}, {runs}"
    yield f"   {'':<27} {'measured':>18} {'predicted':>18}"
    for name, expected in found.expected.items():
        value = found.values[name]
        if math.isnan(value) and math.isnan(expected.estimate):
            continue
        told = f"{number_text(value, _unit(name)):>18} {estimate_text(expected, _unit(name)):>18}"
        yield f"   {name:<27} {told}   {'' if _within(value, expected) else 'beyond'}".rstrip()
    yield ""
    if math.isnan(found.error):
        yield "There is no t-visibility curve to be compared: nothing was committed and seen."
        return
    yield from wrap(
        f"The t-visibility curve of {changes} is {significant(100 * found.error)}% off what was predicted "
        "(root mean square).",
        WIDTH,
    )


def _within(value: float, expected: Estimate) -> bool:
    """Say whether a run like those that were played may well come to this; yes, where nobody knows."""
    if expected.low is None or expected.high is None:
        return True
    return expected.low <= value <= expected.high


def solution_lines(solution: Solution) -> Iterator[str]:
    """Lay a solution out: the answer in one sentence, how exact it is, and what theory says."""
    knob, metric = solution.knob, solution.wanted.metric
    runs, tried = count(solution.replications, "replication"), count(len(solution.curve), "setting")
    yield from wrap(f"{metric} is {_claim(solution)} as long as {_condition(solution)}.", WIDTH)
    yield f"   found in {runs} of {tried}, on the same luck     {knob.scenario.loop} loop"
    yield f"   there, {metric} is {estimate_text(solution.reached, _unit(metric))}"
    if solution.closed_form:
        exact = number_text(solution.closed_form.setting, knob.kind.unit)
        form = solution.closed_form.form
        yield f"   theory {exact}   {form.formula}   ({form.model})"
    yield f'   to see it: --set {knob.key}="{knob.text(_rounded(solution))}"'
    if solution.doubts:
        yield ""
        yield from (f"!  {doubt}" for doubt in solution.doubts)


def _claim(solution: Solution) -> str:
    """Say what was wanted: "below 10%"."""
    wanted = solution.wanted
    side, bound = ("below", wanted.below) if wanted.below is not None else ("above", wanted.above)
    assert bound is not None
    return f"{side} {number_text(bound, _unit(wanted.metric))}"


def _condition(solution: Solution) -> str:
    """Say up to which setting, or from which on, and between what bounds that lies."""
    unit, found = solution.knob.kind.unit, solution.setting
    low, high = found.low, found.high
    side = "at most" if solution.at_most else "at least"
    said = f"{solution.knob.what} is {side}"
    if low is None and high is None:
        return f"{said} {number_text(found.estimate, unit)}"
    value, least, most = _together((found.estimate, low, high), unit)
    if low is None:
        return f"{said} {value} (95% interval: {most} or less)"
    return f"{said} {value} (95% interval: {least} {'or more' if high is None else f'to {most}'})"


def _together(numbers: tuple[float | None, ...], unit: str) -> list[str]:
    """Write a number and its bounds to the digits that the width between them leaves."""
    known = [number for number in numbers if number is not None]
    half = (max(known) - min(known)) / 2
    size, sign = scale(known[0], unit)
    if half < NARROW * abs(known[0]) or (float(known[0]).is_integer() and unit == "1"):
        return ["" if number is None else number_text(number, unit) for number in numbers]
    digits = decimals(half / size)
    return ["" if number is None else f"{number / size:,.{digits}f}{sign}" for number in numbers]


def _rounded(solution: Solution) -> float:
    """Round a setting to what is worth typing."""
    value = solution.setting.estimate
    return value if solution.knob.kind.whole else float(f"{value:.4g}")


def curve_lines(knob: Knob, metric: str, curve: Sequence[Point]) -> Iterator[str]:
    """Lay out what was measured at each setting that was tried."""
    yield f"   {knob.what:<24}{metric:>24}"
    for point in curve:
        reached = estimate_text(point.reached, _unit(metric))
        yield f"   {number_text(point.setting, knob.kind.unit):<24}{reached:>24}"
