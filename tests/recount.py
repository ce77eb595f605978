"""The metrics once more, in plain loops over a trace, from the definitions and not from metrics.py.

A metric is recounted as the sample that it is made of, in `samples`, or as one
number, in `values`; that of which there is nothing to count is left out.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import define, field

from sim.glossary import PLACES
from sim.trace import Trace

Row = dict[str, Any]
Sample = list[tuple[float, float]]  # values, each with its weight


@define
class Recount:
    """What was found: a sample per distribution, a number per value, and how many stand behind each."""

    samples: dict[str, Sample] = field(factory=dict)
    values: dict[str, float] = field(factory=dict)
    counts: dict[str, int] = field(factory=dict)

    def sample(self, name: str, values: Iterable[float]) -> None:
        """Note the sample of a distribution, every value of which weighs the same."""
        self.samples[name] = [(value, 1.0) for value in values]
        self.counts[name] = len(self.samples[name])

    def value(self, name: str, value: float, n: int) -> None:
        """Note a single number."""
        self.values[name], self.counts[name] = value, n

    def share(self, name: str, hits: Iterable[bool]) -> None:
        """Note how large a share of some truth values is true; nan of none."""
        seen = list(hits)
        self.value(name, sum(seen) / len(seen) if seen else math.nan, len(seen))


def recount(trace: Trace) -> Recount:
    """Recount every metric of the glossary."""
    found = Recount()
    start, end = trace.window
    commands = trace.commands.rows(named=True)
    changes = trace.changes.rows(named=True)
    queries = trace.queries.sort("asked", maintain_order=True).rows(named=True)
    _commands(found, trace, [c for c in commands if start <= c["intended"] < end])
    _stations(found, trace, commands)
    _changes(found, trace, commands, changes, [c for c in changes if start <= c["committed"] < end])
    _queries(found, trace, commands, changes, queries)
    return found


def _commands(found: Recount, trace: Trace, commands: list[Row]) -> None:
    """Recount what each command of the window went through, and who bore it."""
    ways = {
        "command_latency": ("intended", "finished"),
        "naive_latency": ("issued", "finished"),
        "admission_wait": ("issued", "admitted"),
        "queue_wait": ("admitted", "started"),
        "service_time": ("started", "finished"),
    }
    for name, (begin, end) in ways.items():
        found.sample(name, (c[end] - c[begin] for c in commands if None not in (c[begin], c[end])))
    found.share("rejected_fraction", (c["outcome"] == "rejected" for c in commands))
    let_in = [c for c in commands if c["outcome"] != "shed"]
    found.share("unanswered_fraction", (c["finished"] is None for c in let_in))
    found.share("shed_fraction", (c["outcome"] == "shed" for c in commands))
    admitted = [c for c in commands if c["admitted"] is not None]
    found.share("blocked_fraction", (c["admitted"] > c["issued"] for c in admitted))
    careful, number = set(), 1
    for crowd in trace.scenario.workers:
        careful |= set(range(number, number + crowd.count)) if crowd.look_first else set()
        number += crowd.count
    found.share("stale_decisions", (c["outcome"] == "rejected" for c in commands if c["worker"] in careful))

    latencies: dict[int, list[float]] = defaultdict(list)
    for command in commands:
        if command["finished"] is not None:
            latencies[command["worker"]].append(command["finished"] - command["intended"])
    means = [math.fsum(own) / len(own) for own in latencies.values()]
    squares = len(means) * math.fsum(mean * mean for mean in means)
    found.value("fairness", math.fsum(means) ** 2 / squares if squares else math.nan, len(means))


def _stations(found: Recount, trace: Trace, commands: list[Row]) -> None:
    """Recount over time what the writer and its channel did within the window."""
    start, end = trace.window
    busy: dict[object, float] = {}  # commands of one batch are worked on together
    together = trace.scenario.architecture == "cqrs" and trace.scenario.writer.batch > 1
    turns = []
    for command in commands:
        if command["started"] is not None:
            until = end if command["finished"] is None else command["finished"]
            work = max(0.0, min(until, end) - max(command["started"], start))
            batch = command["started"] if together else command["id"]
            busy[batch] = max(work, busy.get(batch, 0.0))
        if command["admitted"] is not None:
            until = end if command["started"] is None else command["started"]
            if command["admitted"] < end and until > start:
                turns += [(max(command["admitted"], start), 1), (min(until, end), -1)]
    found.value("writer_utilisation", sum(busy.values()) / (end - start), len(commands))

    depth, since = 0, start
    found.samples["inbox_depth"] = []
    for time, step in [*sorted(turns), (end, 0)]:
        if time > since:
            found.samples["inbox_depth"].append((depth, time - since))
        depth, since = depth + step, time
    found.counts["inbox_depth"] = len(turns) // 2


def _changes(
    found: Recount, trace: Trace, commands: list[Row], changes: list[Row], measured: list[Row]
) -> None:
    """Recount what was committed in the window, when it could be seen, and what is left at the end."""
    start, end = trace.window
    found.value("throughput", len(measured) / (end - start), len(measured))
    found.sample(
        "visibility_lag", (c["visible"] - c["committed"] for c in measured if c["visible"] is not None)
    )
    shown = {c["product"]: list(_shown(trace, changes, c["product"])) for c in changes}
    offsets = [list(_sights(change, shown[change["product"]])) for change in measured]
    found.counts["t_visibility"] = len(measured)
    for name, share in (("p99", 0.99), ("p99.9", 0.999)):
        found.values[f"t_visibility.{name}"] = _reached(offsets, share)

    stocks: dict[int, int] = defaultdict(lambda: trace.scenario.products.stock)
    for command in commands:
        if command["outcome"] == "accepted":
            stocks[command["product"]] += command["quantity"] * (1 if command["kind"] == "add" else -1)
    held = {c["product"]: c["quantity_after"] for c in sorted(changes, key=lambda c: c["version"])}
    lost = sum(abs(stocks[product] - quantity) for product, quantity in held.items())
    found.value("lost_updates", lost, len(changes))
    done, twice = set(), 0
    accepted = [c for c in commands if c["outcome"] == "accepted"]
    for command in accepted:
        first = command["id"] if command["repeats"] is None else command["repeats"]
        twice += command["quantity"] if first in done else 0
        done.add(first)
    found.value("double_updates", twice, len(accepted))
    newest = {c["product"]: c["version"] for c in sorted(changes, key=lambda c: c["version"])}
    models = trace.models.rows(named=True)
    assert {row["product"]: row["held_version"] for row in models} == newest
    both = [((row["held"], row["held_version"]), (row["shown"], row["shown_version"])) for row in models]
    off = sum(held != shown for held, shown in both)
    found.value("divergence_at_end", off, trace.scenario.products.count)


def _shown(trace: Trace, changes: list[Row], product: int) -> Iterator[tuple[float, int]]:
    """Give which version of a product the read model shows from when on."""
    apply = trace.scenario.reader.apply
    newest_wins = apply in ("newest", "fetch")
    if apply == "delta":
        yield from _added_up(change for change in changes if change["product"] == product)
        return
    copies = []
    for change in changes:
        if change["product"] == product and change["visible"] is not None:
            arrivals = change["delivered"] or [change["visible"]]  # none, if it was fetched upon another's
            for arrival in arrivals:
                time = change["visible"] if arrival == arrivals[0] else arrival
                copies.append((max(time, change["visible"]), arrival, change["version"]))
    newest = 0
    for time, _, version in sorted(copies):
        if version > newest or not newest_wins:
            newest = version
            yield time, version


def _added_up(changes: Iterable[Row]) -> Iterator[tuple[float, int]]:
    """Give from when on each version is shown with all those before it."""
    since = 0.0
    for change in sorted(changes, key=lambda c: c["version"]):
        if change["visible"] is None:
            return
        since = max(since, change["visible"])
        yield since, change["version"]


def _sights(change: Row, shown: list[tuple[float, int]]) -> Iterator[tuple[float, int]]:
    """Give how long after its commit a change, or a newer one, comes into sight (1), and goes again (−1)."""
    seen = False
    for time, version in shown:
        if (version >= change["version"]) != seen:
            seen = not seen
            yield time - change["committed"], 1 if seen else -1


def _reached(offsets: list[list[tuple[float, int]]], share: float) -> float:
    """Give the least time from which on that share of the changes is in sight."""
    if not offsets:
        return math.nan
    steps: dict[float, int] = defaultdict(int)
    for own in offsets:
        for offset, step in own:
            steps[offset] += step
    seen, since = 0, math.inf
    for offset in sorted({0.0, *steps}):
        seen += steps[offset]
        enough = seen >= share * len(offsets) * (1 - 1e-12)
        since = min(since, offset) if enough else math.inf
    return since


def _queries(
    found: Recount, trace: Trace, commands: list[Row], changes: list[Row], queries: list[Row]
) -> None:
    """Recount what every query of the window missed, in the order of asking."""
    start, end = trace.window
    commits: dict[int, list[float]] = defaultdict(list)  # of each product, the commit of version 1, 2, 3…
    for change in sorted(changes, key=lambda c: c["version"]):
        commits[change["product"]].append(change["committed"])
    answered = (c for c in commands if None not in (c["finished"], c["version"]))
    own = sorted(answered, key=lambda c: c["finished"])
    newest_seen: dict[tuple[int, int], int] = defaultdict(int)

    samples: dict[str, list[Any]] = defaultdict(list)
    by_version = {(c["product"], c["version"]): c for c in changes}
    stale = []
    for query in queries:
        asked, seen, product = query["asked"], query["seen_version"], query["product"]
        whose = (query["session"], product)
        went_back = seen < newest_seen[whose]
        newest_seen[whose] = max(newest_seen[whose], seen)
        if not start <= asked < end:
            continue
        missed = [time for time in commits[product][seen:] if time < asked]
        shown = commits[product][seen - 1] if seen else 0.0
        samples["staleness"].append(asked - missed[0] if missed else 0.0)
        samples["versions_behind"].append(len(missed))
        samples["age_of_information"].append(max(0.0, asked - shown))
        samples["query_latency"].append(query["answered"] - asked)
        samples["stale"].append(bool(missed))
        if missed:
            stale.append((asked, by_version[product, seen + 1]))
        samples["hot" if product <= _hot(trace) else "cold"].append(bool(missed))
        samples["back"].append(went_back)
        mine = [c["version"] for c in own if (c["session"], c["product"]) == whose and c["finished"] <= asked]
        if mine:
            samples["own"].append(seen < max(mine))
    _blame(found, trace, sorted(stale, key=lambda pair: pair[0] - pair[1]["committed"]))
    for name in ("staleness", "versions_behind", "age_of_information", "query_latency"):
        found.sample(name, samples[name])
    found.share("stale_read_fraction", samples["stale"])
    found.share("hot_stale_fraction", samples["hot"] if _hot(trace) else [])
    found.share("cold_stale_fraction", samples["cold"] if _hot(trace) else [])
    found.share("monotonic_read_violations", samples["back"])
    found.share("read_your_writes_violations", samples["own"])


def _blame(found: Recount, trace: Trace, stale: list[tuple[float, Row]]) -> None:
    """Recount where the change was that each stale read missed, from its commit until the asking."""
    n = len(stale)
    for name, first, last in (
        ("blame", 0, n),
        ("blame_p50", int(0.45 * n), int(0.55 * n)),
        ("blame_p99", int(0.99 * n), n),
    ):
        spent: dict[str, float] = dict.fromkeys(PLACES, 0.0)
        for asked, change in stale[min(first, n - 1) : max(last, first + 1)]:
            since, place = change["committed"], "lost" if change["visible"] is None else "overwritten"
            for next_place, until in _stations_of(trace, change, since):
                spent[next_place] += max(0.0, min(until, asked) - since)
                since = max(since, min(until, asked))
            spent[place] += asked - since
        total = math.fsum(spent.values())
        for place in PLACES:
            found.values[f"{name}.{place}"] = spent[place] / total if n else math.nan
        found.counts[name] = n


def _stations_of(trace: Trace, change: Row, committed: float) -> Iterator[tuple[str, float]]:
    """Give until when a change was at each place, in its order; a place that it did not reach is left out."""
    if change["sent"] is None:
        return
    yield "publish", change["sent"]
    if not change["delivered"]:
        return
    arrived = min(change["delivered"])
    free = arrived - change["outage"]
    if trace.scenario.link.order == "serial":
        yield "resend", free - change["delay"] - change["line"]
        yield "line", free - change["delay"]
        yield "delay", free
    else:
        yield "resend", free - change["line"] - change["delay"]
        yield "delay", free - change["line"]
        yield "line", free
    yield "outage", arrived
    if change["taken"] is not None and trace.scenario.reader.poll:
        yield "poll", max(change["polled"], arrived)
    taken = change["visible"] if change["taken"] is None else change["taken"]
    if taken is not None:
        yield "queue", taken
    if change["handled"] is not None:
        yield "handler", change["handled"]
    if change["visible"] is not None:
        yield "batch", change["visible"]


def _hot(trace: Trace) -> int:
    """Count the hot products: a share of all, one at least; none where there is no hotspot."""
    popularity, count = trace.scenario.products.popularity, trace.scenario.products.count
    if popularity.kind != "hotspot":
        return 0
    return min(count, max(1, round(popularity.numbers[0] * count)))


def mean(sample: Sample) -> float:
    """Give the mean of a sample, each value with its weight."""
    return math.fsum(x * weight for x, weight in sample) / math.fsum(weight for _, weight in sample)


def quantile(sample: Sample, share: float) -> float:
    """Give the smallest element that at least that share of the sample does not exceed."""
    ordered = sorted(sample, key=lambda pair: pair[0])
    total = sum(weight for _, weight in ordered)
    reached = 0.0
    for value, weight in ordered:
        reached += weight
        if reached >= share * total * (1 - 1e-12):
            return value
    raise ValueError("a sample of nothing has no quantiles")
