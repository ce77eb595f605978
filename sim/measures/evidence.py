"""Evidence: what of a trace is measured, as arrays, and what each query missed.

Only what falls into the measured window counts: commands that were intended,
changes that were committed and queries that were asked in it.
"""

from functools import cached_property

import numpy as np
from attrs import field, frozen

from sim.distributions import Floats, Ints
from sim.groups import Groups, before, group
from sim.measures.blame import RANKS, Parts, ranked, shares, splits
from sim.measures.samples import Measured, distribution
from sim.pieces import each
from sim.tables import Rows
from sim.trace import Flags, Trace

SPANS = {  # the metrics that are a time from one instant of a row to another
    "command_latency": ("commands", "intended", "finished"),
    "naive_latency": ("commands", "issued", "finished"),
    "admission_wait": ("commands", "issued", "admitted"),
    "queue_wait": ("commands", "admitted", "started"),
    "service_time": ("commands", "started", "finished"),
    "visibility_lag": ("changes", "committed", "visible"),
    "query_latency": ("queries", "asked", "answered"),
}
FEW = 6  # versions that most stale queries have missed at most, found one by one before any are searched for


@frozen(slots=False, eq=False)
class Evidence:
    """The rows of a trace's window, and what several metrics want to know about them.

    What has a number for each query is not kept: that takes little time, and much memory.
    """

    trace: Trace = field(repr=False)

    @cached_property
    def all_commands(self) -> Rows:
        """The commands of the whole run."""
        return self.trace.tables["commands"]

    @cached_property
    def all_changes(self) -> Rows:
        """The changes of the whole run."""
        return self.trace.tables["changes"]

    @cached_property
    def all_queries(self) -> Rows:
        """The queries of the whole run."""
        return self.trace.tables["queries"]

    @cached_property
    def commands(self) -> Rows:
        """The commands that the plan wanted inside the window."""
        return self._within(self.all_commands, "intended")

    @cached_property
    def changes(self) -> Rows:
        """The changes that were committed inside the window."""
        return self._within(self.all_changes, "committed")

    @cached_property
    def queries(self) -> Rows:
        """The queries that were asked inside the window."""
        return self._within(self.all_queries, "asked")

    def span(self, name: str) -> Floats:
        """Give how long each of something took, for a metric of SPANS, in seconds; nan if it never ended."""
        rows, begin, end = SPANS[name]
        of: Rows = getattr(self, rows)
        took: Floats = of[end] - of[begin]
        return took

    @cached_property
    def command_latency(self) -> Measured:
        """How long the commands took."""
        return distribution(self.span("command_latency"))

    @cached_property
    def by_product(self) -> Groups:
        """All changes by their product; the n-th of one made its version n."""
        return group(self.all_changes["product"])

    @cached_property
    def stale(self) -> Ints:
        """Which of the queries were stale: what came next had been committed before they were asked."""
        since = np.append(self.all_changes["committed"], np.inf)

        def late(product: Ints, seen: Ints, asked: Floats) -> Flags:
            missed: Flags = since.take(self.by_product.nth(product, seen + 1)) < asked
            return missed

        columns = (self.queries[name] for name in ("product", "seen_version", "asked"))
        return np.flatnonzero(each(late, *columns, gives=np.bool_))

    @cached_property
    def missed(self) -> Ints:
        """Of each stale query, the row of the oldest change that it missed."""
        product, seen = (self.queries[name].take(self.stale) for name in ("product", "seen_version"))
        return self.by_product.nth(product, seen + 1)

    @cached_property
    def staleness(self) -> Floats:
        """Of each stale query, the seconds since the commit of the oldest version that it missed."""
        missed_since = self.all_changes["committed"].take(self.missed)
        staleness: Floats = self.queries["asked"].take(self.stale) - missed_since
        return staleness

    @cached_property
    def behind(self) -> Ints:
        """Of each stale query, how many versions it missed."""
        changes = self.by_product
        times = self.all_changes["committed"].take(changes.rows)

        def versions(product: Ints, seen: Ints, asked: Floats) -> Ints:
            shown, end = changes.begin(product) + seen, changes.end(product)
            place = shown + 1
            more = np.arange(len(place))
            for _ in range(FEW):
                since = times.take(place.take(more), mode="clip")
                more = more[(since < asked.take(more)) & (place < end).take(more)]
                place[more] += 1
            place[more] = before(changes, times, group(product.take(more)), asked.take(more))
            return place - shown

        columns = (self.queries[name].take(self.stale) for name in ("product", "seen_version", "asked"))
        return each(versions, *columns, gives=np.int64)

    @property
    def parts(self) -> Parts:
        """Where the time of each stale query went, place by place."""
        return splits(self.all_changes.only(self.missed), self.staleness, self.trace.scenario)

    @cached_property
    def blame(self) -> dict[str, dict[str, float]]:
        """Each place's share of the time of all stale queries, and of those that rank as RANKS has it."""
        asked = self.queries["asked"].take(self.stale)
        of_some = {rank: ranked(self.staleness, asked, between) for rank, between in RANKS.items()}
        spent: dict[str, dict[str, float]] = {name: {} for name in ("blame", *RANKS)}
        for place, part in self.parts:
            spent["blame"][place] = float(part.sum())
            for rank, some in of_some.items():
                spent[rank][place] = float(part[some].sum())
        return {name: shares(seconds) for name, seconds in spent.items()}

    @property
    def shown_since(self) -> Floats:
        """Of each query, the commit of the version that it was shown; 0 for what was there from the start."""
        since = np.append(self.all_changes["committed"], 0.0)

        def shown(product: Ints, seen: Ints) -> Floats:
            return since.take(self.by_product.nth(product, seen))

        return each(shown, self.queries["product"], self.queries["seen_version"], gives=np.float64)

    def _within(self, rows: Rows, name: str) -> Rows:
        """Choose the rows of which the time lies in the window."""
        start, end = self.trace.window
        return rows.only(places((rows[name] >= start) & (rows[name] < end)))


def places(chosen: Flags) -> slice | Ints:
    """Give the places of those that are chosen: a slice, where they are neighbours."""
    n, first = int(np.count_nonzero(chosen)), int(chosen.argmax()) if len(chosen) else 0
    neighbours = slice(first, first + n)
    return neighbours if chosen[neighbours].all() else np.flatnonzero(chosen)


def in_order(time: Floats) -> slice | Ints:
    """Give the places of instants in their order, equal ones in theirs: a slice, where they are in order."""
    return slice(None) if np.all(time[:-1] <= time[1:]) else np.argsort(time, kind="stable")
