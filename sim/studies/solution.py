"""What would it take? The setting of one knob at which a metric comes to what is wanted.

At every setting the same replications are played, on the same luck. So what is
measured is a curve without noise of its own, whose crossing of the target can
be bracketed and closed in on. How far the true crossing may be from there is
found on the same curve: a setting may be it as long as the metric's 95 %
interval at that setting holds the target. Of 200 such intervals each, 94 % held
the delay for a tenth of stale reads, and 97 % the load of M/M/1 for a p99.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from attrs import define, field, frozen

from sim import library
from sim.distributions import Floats
from sim.glossary import METRICS, split_name
from sim.knob import Knob
from sim.metrics import Estimate, estimate_json
from sim.pool.executors import Died, crew
from sim.replicate import interval
from sim.scenario import Expect, Scenario
from sim.steady import unsteady
from sim.studies.comparison import COMMITS, difference, measured, resolved
from sim.theory.answers import Prediction, prediction
from sim.wording import count, number_text

DOUBLINGS = 8  # either way from where the knob stands, before the search is given up
DOUBLINGS_OF_A_RATE = 4  # upwards: each takes twice as long to play
LOOKS = 5  # settings between which a crossing is looked for, where the ends are given
EXACT = 1e-4  # how close a crossing is closed in on, as a share of the setting
EXACT_EDGE = 1e-3  # the same, of the ends of an interval
EXACT_THEORY = 1e-9  # the same, of a closed form
FINE = 0.01  # the first step away from a crossing, as a share of it
STEPS = 13  # of that kind, each twice the one before: the last leads to forty times the crossing
NEVER = 1e12  # stands for a metric that is infinite

Play = Callable[[Scenario], list[dict[str, float]]]


class Unsolved(ValueError):
    """No setting does it; str() says what was reached, and where."""

    def __init__(self, why: str, curve: "tuple[Point, ...]") -> None:
        super().__init__(why)
        self.curve = curve


class Unfinished(KeyboardInterrupt):
    """Ctrl-C in a search; `curve` holds what had been measured."""

    def __init__(self, curve: "tuple[Point, ...]") -> None:
        super().__init__(f"interrupted after {count(len(curve), 'setting')}")
        self.curve = curve


@frozen
class Point:
    """A setting that was tried, and what the metric came to there."""

    setting: float
    reached: Estimate


@frozen
class ClosedForm:
    """The setting at which theory comes to the target, and the form that says so."""

    setting: float
    form: Prediction


@frozen
class Solution:
    """The setting of a knob at which a metric crosses what is wanted.

    `setting` has a 95 % interval, in the knob's unit: seconds, a rate per
    second, a share or a number. A bound is None where the search came to its
    end before it, and both are where there is one replication. Of whole
    numbers, it is the last one that does. `at_most`: whether it is smaller
    settings that do, or larger ones. `doubts` are what should be known before it is quoted.
    """

    knob: Knob
    wanted: Expect
    setting: Estimate
    reached: Estimate
    at_most: bool
    replications: int
    curve: tuple[Point, ...] = field(repr=False)
    closed_form: ClosedForm | None = None
    doubts: tuple[str, ...] = ()


@define
class Curve:
    """A metric at every setting that was tried; another one is measured when it is asked for."""

    knob: Knob
    wanted: Expect
    play: Play
    known: dict[float, dict[str, Floats]] = field(factory=dict)

    def values(self, setting: float, metric: str = "") -> Floats:
        """Give the metric's number of each replication at a setting."""
        if setting not in self.known:
            runs = self.play(self.knob.at(setting))
            self.known[setting] = {name: np.array([run[name] for run in runs]) for name in runs[0]}
        return self.known[setting][metric or self.wanted.metric]

    def estimate(self, setting: float) -> Estimate:
        """Give the metric at a setting, with its interval; Unsolved if it was not seen there."""
        found = interval(self.values(setting))
        if math.isnan(found.estimate):
            where = f"{self.knob.key}={self.knob.text(setting)}"
            raise Unsolved(f"{self.wanted.metric} was not seen with {where}", self.points)
        return found

    def off(self, setting: float) -> float:
        """Say by how much the metric is above the target at a setting."""
        return min(self.estimate(setting).estimate - self.target, NEVER)

    def surely_off(self, setting: float) -> float:
        """Say how far the target is from the interval at a setting; below 0 inside it."""
        found = self.estimate(setting)
        half = 0.0 if found.low is None or found.high is None else (found.high - found.low) / 2
        return min(abs(found.estimate - self.target) - half, NEVER)

    @property
    def target(self) -> float:
        """The bound that is wanted, in the metric's unit."""
        bound = self.wanted.below if self.wanted.below is not None else self.wanted.above
        assert bound is not None
        return bound

    @property
    def points(self) -> tuple["Point", ...]:
        """What was tried, from the smallest setting to the largest."""
        return tuple(Point(setting, interval(self.values(setting))) for setting in sorted(self.known))


def solve(
    scenario: Scenario | str | Path,
    metric: str,
    by: str,
    *,
    below: str | float | None = None,
    above: str | float | None = None,
    between: tuple[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
    jobs: int | None = None,
    engine: str = "auto",
    executor: Executor | None = None,
) -> Solution:
    """Find the setting of the key `by` from which on a metric lies below, or above, a bound.

    solve("slow-link", "stale_read_fraction", "link.delay", below="10%"). The
    bound is text in the metric's own unit, or a number where it has none.
    Nothing is looked for outside of `between`, two settings: ("1ms", "10s").
    ValueError says what is wrong; Unsolved, that no setting does it. For
    `engine`, `jobs` and `executor` see `run` and `measure`.
    """
    bounds = {"below": below, "above": above}
    wanted = Expect.read({"metric": metric} | {side: b for side, b in bounds.items() if b is not None})
    knob = Knob.find(library.load_scenario(scenario, settings), by)
    ends = (knob.read(between[0]), knob.read(between[1])) if between else None
    return search(knob, wanted, ends, jobs, engine, executor=executor)


def search(
    knob: Knob,
    wanted: Expect,
    between: tuple[float, float] | None = None,
    jobs: int | None = None,
    engine: str = "auto",
    on_done: Callable[[], object] = lambda: None,
    executor: Executor | None = None,
    on_death: Callable[[], object] = lambda: None,
) -> Solution:
    """Bracket the crossing, close in on it, and find how far off it may be.

    `on_done` is called after each setting. For `executor` and `on_death` see
    executors.crew. Unfinished carries what had been measured before Ctrl-C;
    Died says which run has cost two processes their life.
    """
    names = tuple(dict.fromkeys((wanted.metric, COMMITS)))
    with crew(jobs, executor, on_death) as hands:

        def play(scenario: Scenario) -> list[dict[str, float]]:
            tasks = [(scenario, number, names, engine) for number in range(scenario.replications)]
            found = sorted(hands.do(measured, tasks))
            on_done()
            return [one if one is not None else _give_up(knob, scenario, number) for number, one in found]

        curve = Curve(knob, wanted, play)
        try:
            return solve_on(curve, between)
        except KeyboardInterrupt:
            raise Unfinished(curve.points) from None


def _give_up(knob: Knob, scenario: Scenario, number: int) -> NoReturn:
    """Say which run has been lost."""
    here = Knob.find(scenario, knob.key)
    setting = f"{here.key}={here.text(here.number)}"
    raise Died(f"{setting}, replication {number}: the process that played it died, twice")


def solve_on(curve: Curve, between: tuple[float, float] | None = None) -> Solution:
    """Solve on a curve that is measured where it is asked for."""
    return _solved(curve, *_bracket(curve, between))


def _bracket(curve: Curve, between: tuple[float, float] | None) -> tuple[float, float]:
    """Find two settings between which the metric crosses the target, the first from below; or Unsolved."""
    if between:
        for setting in spaced(*between, curve.knob.kind.whole):
            curve.off(setting)
    else:
        _go(curve)
    crossings = _crossings(curve)
    if not crossings:
        raise Unsolved(_why_not(curve), curve.points)
    return crossings[0]


def spaced(low: float, high: float, whole: bool) -> list[float]:
    """Give some settings from one end to the other, evenly by their ratio if they have one."""
    settings = np.geomspace(low, high, LOOKS) if low > 0 else np.linspace(low, high, LOOKS)
    settings[0], settings[-1] = low, high
    return sorted({float(round(setting) if whole else setting) for setting in settings})


def _go(curve: Curve) -> None:
    """Double the setting until the target is passed, or halve it: first the way that leads closer."""
    knob = curve.knob
    start = knob.number if 0 < knob.number < math.inf else knob.kind.usual
    times = DOUBLINGS_OF_A_RATE if knob.kind.unit == "1/s" else DOUBLINGS
    up, down = _doubled(knob, start, 2.0, times), _doubled(knob, start, 0.5, DOUBLINGS)
    here, ahead = curve.off(start), next(up, start)
    ways = [chain([ahead], up), down] if abs(curve.off(ahead)) <= abs(here) else [chain([ahead], down), up]
    for setting in chain(*ways):
        if (curve.off(setting) >= 0) != (here >= 0):
            return


def _doubled(knob: Knob, setting: float, factor: float, times: int) -> Iterator[float]:
    """Double a setting, or halve it, so many times, as far as the knob goes."""
    for _ in range(times):
        before, setting = setting, min(setting * factor, max(setting, knob.kind.most))
        setting = float(round(setting)) if knob.kind.whole else setting
        if setting == before or not knob.takes(setting):
            return
        yield setting


def _crossings(curve: Curve) -> list[tuple[float, float]]:
    """Find the neighbours, among the settings that were tried, between which the target lies."""
    return [(a, b) for a, b in pairwise(sorted(curve.known)) if (curve.off(a) >= 0) != (curve.off(b) >= 0)]


def _solved(curve: Curve, a: float, b: float) -> Solution:
    """Close in on a crossing, and find how far off it may be."""
    knob, wanted, times = curve.knob, curve.wanted, len(_crossings(curve))
    at_most = (curve.off(a) < curve.off(b)) == (wanted.below is not None)
    a, b = crossing(curve.off, a, b, knob.kind.whole)
    setting = a if at_most else b
    low, high = _edge(curve, a, -1), _edge(curve, b, 1)
    if knob.kind.whole:  # of the two that surely do and surely do not, the one that does may be it
        low = low + (not at_most) if low is not None else None
        high = high - at_most if high is not None else None
    replications = len(curve.values(setting))
    doubts = tuple(_doubts(curve, setting, times, replications > 1 and None in (low, high)))
    return Solution(
        knob,
        wanted,
        Estimate(setting, low, high) if replications > 1 else Estimate(setting),
        curve.estimate(setting),
        at_most,
        replications,
        curve.points,
        _closed_form(curve, setting, at_most),
        doubts,
    )


def crossing(
    off: Callable[[float], float], a: float, b: float, whole: bool, exact: float = EXACT
) -> tuple[float, float]:
    """Close in on where a function crosses 0 between two settings.

    Of whole numbers, give the neighbours on either side; else the root, twice,
    by Brent's method (bisection, and interpolation where that is faster).
    """
    from scipy.optimize import brentq  # a fifth of a second to import

    if not whole:
        root = float(brentq(off, a, b, xtol=exact * (a or b), rtol=exact))
        return root, root
    while b - a > 1:
        middle = (a + b) // 2
        a, b = (middle, b) if (off(middle) >= 0) == (off(a) >= 0) else (a, middle)
    return a, b


def _edge(curve: Curve, start: float, way: int) -> float | None:
    """Go away from a crossing until the interval leaves the target out; None if the knob ends before."""
    if curve.surely_off(start) >= 0:
        return start
    inside = start
    for outside in _outward(curve.knob, start, way):
        if curve.surely_off(outside) >= 0:
            a, b = min(inside, outside), max(inside, outside)
            a, b = crossing(curve.surely_off, a, b, curve.knob.kind.whole, EXACT_EDGE)
            return a if way < 0 else b
        inside = outside
    return None


def _outward(knob: Knob, start: float, way: int) -> Iterator[float]:
    """Give settings ever farther from one, up or down, as far as the knob goes."""
    for step in range(STEPS):
        far = 2**step
        setting = start * (1 + FINE * far) ** way
        if knob.kind.whole:
            setting = start + way * far
        if not knob.takes(setting):
            return
        yield setting


def _closed_form(curve: Curve, near: float, at_most: bool) -> ClosedForm | None:
    """Find where theory comes to the target, in the stretch around a setting in which it has a form."""
    knob, metric, whole = curve.knob, curve.wanted.metric, curve.knob.kind.whole

    def form(setting: float) -> Prediction | None:
        return prediction(knob.at(setting), metric)

    def off(setting: float) -> float:
        found = form(setting)
        return found.value - curve.target if found else math.nan

    for way in (1, -1):
        inside = near
        for outside in _outward(knob, near, way):
            if math.isnan(off(inside) + off(outside)):
                break
            if (off(inside) >= 0) != (off(outside) >= 0):
                a, b = min(inside, outside), max(inside, outside)
                a, b = crossing(off, a, b, whole, EXACT_THEORY)
                found = form(a if at_most else b)
                return ClosedForm(a if at_most else b, found) if found else None
            inside = outside
    return None


def _doubts(curve: Curve, setting: float, crossings: int, is_open: bool) -> Iterator[str]:
    """Say what should be known before a solution is quoted."""
    metric, what = curve.wanted.metric, curve.knob.what
    commits = float(np.nanmean(curve.values(setting, COMMITS)))
    if split_name(metric)[0] in unsteady(curve.knob.at(setting), commits):
        yield f"{metric} has no steady state there: a longer run crosses elsewhere."
    if crossings > 1:
        yield f"{metric} crosses {crossings} times, or more; this is the first crossing."
    turns = _turns(curve)
    if len(turns) == 2:
        yield f"{metric} both rises and falls with {what}: there may be other settings that do."
    if is_open:
        yield "The interval is open: the knob, or the search, came to its end before it."
    if len(curve.values(setting)) == 1:
        yield "One replication has no interval. Use --replications 10 before quoting a number."


def _turns(curve: Curve) -> set[bool]:
    """Say whether the metric rises, and whether it falls, between neighbours among the settings tried."""
    steps = list(pairwise(sorted(curve.known)))
    apart = [difference(curve.values(b), curve.values(a), len(steps)) for a, b in steps]
    return {one.estimate > 0 for one in apart if resolved(one)}


def _why_not(curve: Curve) -> str:
    """Say that no setting does it, or that all do, and what was reached at both ends."""
    metric, knob, wanted = curve.wanted.metric, curve.knob, curve.wanted
    unit, found = METRICS[split_name(metric)[0]].unit, [point.reached.estimate for point in curve.points]
    first, last = (
        f"{number_text(point.setting, knob.kind.unit)} ({number_text(point.reached.estimate, unit)})"
        for point in (curve.points[0], curve.points[-1])
    )
    if math.isclose(min(found), max(found), rel_tol=1e-9):
        return f"{metric} does not respond to {knob.what}, from {first} to {last}"
    side = "below" if wanted.below is not None else "above"
    bound = number_text(curve.target, unit)
    if wanted.holds(found[0]):
        return f"every setting does: {metric} is {side} {bound} with {knob.what} from {first} to {last}"
    return f"no setting does: {metric} is not {side} {bound} with {knob.what} from {first} to {last}"


def solution_json(solution: Solution) -> dict[str, Any]:
    """Give a solution as --json prints it."""
    knob, wanted, theory = solution.knob, solution.wanted, solution.closed_form
    return {
        "schema": 1,
        "title": knob.scenario.title,
        "seed": knob.scenario.seed,
        "loop": knob.scenario.loop,
        "replications": solution.replications,
        "metric": wanted.metric,
        **{side: bound for side in ("below", "above") if (bound := getattr(wanted, side)) is not None},
        "by": knob.key,
        "setting": estimate_json(solution.setting),
        "does": "at most" if solution.at_most else "at least",
        "text": knob.text(solution.setting.estimate),
        "reached": estimate_json(solution.reached),
        "theory": theory and {"setting": theory.setting, "holds_because": theory.form.holds_because},
        "curve": [{"setting": one.setting, **estimate_json(one.reached)} for one in solution.curve],
        "warnings": list(solution.doubts),
    }
