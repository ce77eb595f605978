"""One stretch of a run, instant by instant: the steps of both models, and the staleness between them.

Pure data, ready to be drawn. What the read model shows is taken from when
each change was first visible: under "arrival" it may fall back, else it only
goes up; where differences are added, up to the first gap. Under "arrival" a
change that comes again may be shown again, and that is not told here.
"""

import heapq
import math
from collections import defaultdict
from collections.abc import Iterator

import attrs
import numpy as np
import polars as pl
from attrs import frozen

from sim.distributions import Floats, Ints
from sim.inventory import Apply
from sim.metrics import diverged
from sim.trace import VIRTUAL_TIME, Trace

FEW = 30  # so many commits can be told apart in one picture
STRETCH = 25  # commits in the stretch that stands for a longer run
AIR = 0.02  # of such a stretch, left free at either end

_ARRAY = attrs.cmp_using(eq=np.array_equal)


@frozen
class Steps:
    """A count that jumps: each version holds from its time until the next.

    The first time is the start of the window, the last one its end.
    """

    times: Floats = attrs.field(eq=_ARRAY)
    versions: Ints = attrs.field(eq=_ARRAY)

    def corners(self) -> tuple[Floats, Ints]:
        """Give the points that a pen passes when it draws the steps."""
        return np.repeat(self.times, 2)[1:], np.repeat(self.versions, 2)[:-1]

    def around(self, time: float) -> tuple[int, int]:
        """Give the versions just before a time and at it."""
        before = int(np.searchsorted(self.times, time, side="left")) - 1
        now = int(np.searchsorted(self.times, time, side="right")) - 1
        return int(self.versions[max(before, 0)]), int(self.versions[now])


@frozen
class Curve:
    """Straight lines from point to point; where two points share a time, it jumps."""

    times: Floats = attrs.field(eq=_ARRAY)
    seconds: Floats = attrs.field(eq=_ARRAY)

    def quantile(self, share: float) -> float:
        """Give the least height that the curve keeps to for at least that share of the time.

        Exact for a curve that rises by a second a second or lies at 0, as staleness does.
        """
        low, high, lasts = self.seconds[:-1], self.seconds[1:], np.diff(self.times)
        rises = (lasts > 0) & (high > low)
        low, high, flat = np.sort(low[rises]), np.sort(high[rises]), float(lasts[~rises].sum())
        heights = np.unique(np.concatenate([[0.0], low, high]))
        rising = np.searchsorted(low, heights, side="right") - np.searchsorted(high, heights, side="right")
        below = flat + np.append(0.0, np.cumsum(rising[:-1] * np.diff(heights)))
        wanted = share * below[-1]
        place = int(np.searchsorted(below, wanted * (1 - 1e-12)))
        if place == 0:
            return 0.0
        return float(heights[place - 1] + (wanted - below[place - 1]) / rising[place - 1])


@frozen
class Lag:
    """How late one version was: from its commit until the read model showed it, or a newer one.

    Where differences are added, a newer one shows nothing while this one is missing.
    `level` is how many versions the write model counted with it; of one
    product, that is the version itself.
    """

    product: int
    version: int
    level: int
    committed: float
    shown: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.shown - self.committed


@frozen
class Gap:
    """How far the read model was behind at one instant, in versions."""

    at: float
    written: int
    shown: int

    @property
    def versions(self) -> int:
        """How many versions were missing."""
        return self.written - self.shown


@frozen
class Timeline:
    """What both models showed in a window, of one product or (None) of all together.

    `commits` counts those in the window. `lag` and `gap` are the greatest
    that lie wholly in it; None where there is none. `p95` is the staleness
    that is not exceeded for 95 % of the window's time. `for_good` says
    whether a version that is missing at its end is still missing when all has drained.
    """

    product: int | None
    window: tuple[float, float]
    commits: int
    written: Steps
    shown: Steps
    staleness: Curve
    p95: float
    lag: Lag | None
    gap: Gap | None
    for_good: bool = False
    clock: str = VIRTUAL_TIME

    @property
    def eventless(self) -> bool:
        """Whether nothing was committed, shown or missing in the window."""
        steady = len(np.unique(self.shown.versions)) == 1
        return self.commits == 0 and steady and not self.staleness.seconds.any()


def timeline(trace: Trace, product: int | None = None, window: tuple[float, float] | None = None) -> Timeline:
    """Tell what both models showed, of one product or of all together, in a window of time.

    Without a window: the whole run if it holds few commits, else a stretch
    around the worst staleness.
    """
    changes = _changes(trace, product)
    history = _history(changes, trace.scenario.reader.apply)
    start, end = window or _readable(history, changes["committed"].to_numpy(), _whole(trace, history))
    if not start < end:
        raise ValueError(f"a window needs a start before its end, not {start:g} s to {end:g} s")
    seen = history.between(start, end)
    staleness = seen.staleness()
    lag = _greatest_lag(changes, trace.scenario.reader.apply, start, end)
    return Timeline(
        product=product,
        window=(start, end),
        commits=len(changes.filter(pl.col("committed").is_between(start, end))),
        written=_steps(seen.times, seen.written),
        shown=_steps(seen.times, seen.shown),
        staleness=staleness,
        p95=staleness.quantile(0.95),
        lag=lag,
        gap=seen.greatest_gap(lag),
        for_good=trace.complete and bool(seen.oldest[-1] == history.oldest[-1] < math.inf),
        clock=trace.clock,
    )


def telling_product(trace: Trace) -> int | None:
    """Name the busiest of the products that the read model has wrong in the end, or else of all.

    Busy is what has many commits, the first of equals; None where nothing was committed.
    """
    wrong = [one.product for one in diverged(trace)]
    changes = trace.changes.filter(pl.col("product").is_in(wrong)) if wrong else trace.changes
    commits = changes.group_by("product").len().sort("len", "product", descending=[True, False])
    return int(commits["product"][0]) if len(commits) else None


@frozen(eq=False)
class _History:
    """What was true from each time on: both counts, and when the oldest missing version was committed.

    The oldest is infinite while nothing is missing, so that its age comes out below 0.
    """

    times: Floats
    written: Ints
    shown: Ints
    oldest: Floats

    def between(self, start: float, end: float) -> "_History":
        """Cut it to a window, with a time at its very start and at its very end."""
        first, last = np.searchsorted(self.times, [start, end], side="right")
        rows = np.arange(first - 1, last)
        times = np.maximum(self.times[rows], start)
        if times[-1] < end:
            rows, times = np.append(rows, rows[-1]), np.append(times, end)
        return _History(times, self.written[rows], self.shown[rows], self.oldest[rows])

    def staleness(self) -> Curve:
        """Draw the age of the oldest missing version; 0 while nothing is missing."""
        rows = _turns(self.oldest)
        times = np.repeat(self.times[rows], 2)[1:]
        ages = np.maximum(times - np.repeat(self.oldest[rows], 2)[:-1], 0.0)
        moved = np.append(True, (np.diff(times) != 0) | (np.diff(ages) != 0))
        return Curve(times[moved], ages[moved])

    def greatest_gap(self, lag: Lag | None) -> Gap | None:
        """Find where most versions are missing, for longest; rather beside the greatest lag than in it."""
        missing = self.written - self.shown
        if not missing.max():
            return None
        lasts = np.diff(self.times, append=self.times[-1])
        middles = self.times + lasts / 2
        beside = (middles < lag.committed) | (middles > lag.shown) if lag else np.ones(len(lasts), dtype=bool)
        row = int(np.lexsort((lasts, beside & (lasts > 0), missing))[-1])
        return Gap(float(middles[row]), int(self.written[row]), int(self.shown[row]))


def _changes(trace: Trace, product: int | None) -> pl.DataFrame:
    """Select the changes in the order of their commits, each with its level in the write model's count."""
    changes = trace.changes.select("product", "version", "committed", "visible")
    chosen = changes if product is None else changes.filter(product=product)
    return chosen.sort("committed", "product", "version").with_row_index("level", offset=1)


def _history(changes: pl.DataFrame, apply: Apply) -> _History:
    """Replay the changes and note, after each instant at which something happened, what was then true."""
    rows = np.array([(-math.inf, 0, 0, math.inf), *_replay(changes, apply)])
    settled = np.append(np.diff(rows[:, 0]) > 0, True)  # of one instant, only what it led to
    times, written, shown, oldest = rows[settled].T
    return _History(times, written.astype(np.int64), shown.astype(np.int64), oldest)


def _replay(changes: pl.DataFrame, apply: Apply) -> Iterator[tuple[float, int, int, float]]:
    commits: dict[int, list[float]] = defaultdict(list)
    shown: dict[int, int] = defaultdict(int)
    ahead: dict[int, set[int]] = defaultdict(set)
    missing: list[
        tuple[float, int, int]
    ] = []  # a heap; what has been shown since leaves it when it is on top
    written = visible = 0
    for time, applied, product, version in _events(changes):
        if applied:
            now_shown = _now_shown(apply, version, shown[product], ahead[product])
            visible += now_shown - shown[product]
            shown[product] = now_shown
        else:
            commits[product].append(time)
            written += 1
        if shown[product] < len(commits[product]):
            oldest = commits[product][shown[product]]
            heapq.heappush(missing, (oldest, product, shown[product] + 1))
        while missing and missing[0][2] <= shown[missing[0][1]]:
            heapq.heappop(missing)
        yield time, written, visible, missing[0][0] if missing else math.inf


def _now_shown(apply: Apply, version: int, before: int, ahead: set[int]) -> int:
    """Say which version is shown when one has been applied; `ahead` are those beyond a gap."""
    if apply == "arrival":
        return version
    if apply != "delta":
        return max(version, before)
    ahead.add(version)
    while before + 1 in ahead:
        before += 1
        ahead.remove(before)
    return before


def _events(changes: pl.DataFrame) -> Iterator[tuple[float, bool, int, int]]:
    """Give the commits and the applications in the order of time; of one instant, commits first."""
    commits = changes.select(time="committed", applied=False, product="product", version="version")
    applied = changes.select(time="visible", applied=True, product="product", version="version")
    events = pl.concat([commits, applied.drop_nulls("time")])
    return events.sort("time", "applied", "product", "version").iter_rows()


def _greatest_lag(changes: pl.DataFrame, apply: Apply, start: float, end: float) -> Lag | None:
    """Find the version that took longest, of those committed and shown in the window; the first of equals."""
    visible = pl.col("visible").fill_null(math.inf)
    whole = visible.cum_max() if apply == "delta" else visible.cum_min(reverse=True)
    inside = changes.with_columns(shown=whole.over("product")).filter(
        pl.col("committed") >= start, pl.col("shown") <= end, pl.col("shown") > pl.col("committed")
    )
    if inside.is_empty():
        return None
    row = inside.row(int(np.argmax((inside["shown"] - inside["committed"]).to_numpy())), named=True)
    return Lag(**{name: row[name] for name in ("product", "version", "level", "committed", "shown")})


def _whole(trace: Trace, history: _History) -> tuple[float, float]:
    """Give the run from its start to its end; to the planned end, if all was over at once.

    Where the last version was shown at the very end, some more, so that one can see both models agree.
    """
    last = float(history.times[-1])
    agreed = last * (1 + 2 * AIR) if last > 0 and math.isinf(history.oldest[-1]) else 0.0
    return 0.0, max(trace.until, agreed) or trace.scenario.duration


def _readable(history: _History, commits: Floats, whole: tuple[float, float]) -> tuple[float, float]:
    """Choose a stretch around the worst staleness, at least three times as long; or all of a short run."""
    if len(commits) <= FEW:
        return whole
    staleness = history.between(*whole).staleness()
    peak = int(np.argmax(staleness.seconds))
    worst, over = float(staleness.seconds[peak]), float(staleness.times[peak])
    middle = int(np.searchsorted(commits, over - worst / 2))
    first = int(np.clip(middle - STRETCH // 2, 0, len(commits) - STRETCH))
    start, end = min(commits[first], over - 2 * worst), max(commits[first + STRETCH - 1], over + worst)
    air = AIR * (end - start)
    return max(whole[0], float(start - air)), min(whole[1], float(end + air))


def _steps(times: Floats, versions: Ints) -> Steps:
    rows = _turns(versions)
    return Steps(times[rows], versions[rows])


def _turns(values: Floats | Ints) -> Ints:
    """Find the rows at which something begins, changes or ends."""
    changes = np.flatnonzero(values[1:] != values[:-1]) + 1
    return np.unique(np.concatenate([[0], changes, [len(values) - 1]]))
