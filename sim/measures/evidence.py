"""Evidence: what of a trace is measured, as arrays, and what each query missed.

Only what falls into the measured window counts: commands that were intended,
changes that were committed and queries that were asked in it.
"""

from functools import cached_property

import numpy as np
from attrs import field, frozen

from sim.columns import Rows
from sim.distributions import Floats, Ints
from sim.groups import Groups, before, group
from sim.measures.blame import RANKS, Parts, ranked, shares, splits
from sim.measures.samples import Measured, distribution
from sim.trace import Trace

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

    @property
    def _next(self) -> Ints:
        """Of each query, the row of the change that came after what it was shown; −1 if there was none."""
        return self.by_product.nth(self.queries["product"], self.queries["seen_version"] + 1)

    @cached_property
    def stale(self) -> Ints:
        """Which of the queries were stale: what came next had been committed before they were asked."""
        since = np.append(self.all_changes["committed"], np.inf)
        return np.flatnonzero(since.take(self._next) < self.queries["asked"])

    @cached_property
    def missed(self) -> Ints:
        """Of each stale query, the row of the oldest change that it missed."""
        return self._next.take(self.stale)

    @cached_property
    def staleness(self) -> Floats:
        """Of each stale query, the seconds since the commit of the oldest version that it missed."""
        missed_since = self.all_changes["committed"].take(self.missed)
        staleness: Floats = self.queries["asked"].take(self.stale) - missed_since
        return staleness

    @cached_property
    def behind(self) -> Ints:
        """Of each stale query, how many versions it missed."""
        changes, product = self.by_product, self.queries["product"].take(self.stale)
        asked, seen = (self.queries[name].take(self.stale) for name in ("asked", "seen_version"))
        committed, begin, end = self.all_changes["committed"], changes.begin(product), changes.end(product)
        times, place = np.append(committed.take(changes.rows), np.inf), begin + seen + 1
        more = np.arange(len(place))
        for _ in range(FEW):
            more = more[(times.take(place.take(more)) < asked.take(more)) & (place < end).take(more)]
            place[more] += 1
        place[more] = before(changes, committed, group(product.take(more)), asked.take(more))
        behind: Ints = place - begin - seen
        return behind

    @property
    def parts(self) -> Parts:
        """Where the time of each stale query went."""
        changes = self.all_changes.only(self.missed)
        return splits(changes, self.staleness, self.trace.scenario)

    @cached_property
    def blame(self) -> dict[str, dict[str, float]]:
        """Each place's share of the time of all stale queries, and of those that rank as RANKS has it."""
        parts, asked = self.parts, self.queries["asked"].take(self.stale)
        of_some = {rank: ranked(self.staleness, asked, between) for rank, between in RANKS.items()}
        return {"blame": shares(parts), **{rank: shares(parts, some) for rank, some in of_some.items()}}

    @property
    def shown_since(self) -> Floats:
        """Of each query, the commit of the version that it was shown; 0 for what was there from the start."""
        shown = self.by_product.nth(self.queries["product"], self.queries["seen_version"])
        since: Floats = np.append(self.all_changes["committed"], 0.0).take(shown)
        return since

    def _within(self, rows: Rows, name: str) -> Rows:
        """Choose the rows of which the time lies in the window, by a slice where they are neighbours."""
        start, end = self.trace.window
        inside = (rows[name] >= start) & (rows[name] < end)
        n, first = int(np.count_nonzero(inside)), int(inside.argmax()) if len(inside) else 0
        neighbours = slice(first, first + n)
        return rows.only(neighbours if inside[neighbours].all() else np.flatnonzero(inside))


def in_order(time: Floats) -> Ints:
    """Give the places of instants in their order, equal ones in theirs."""
    return np.argsort(time, kind="stable")
