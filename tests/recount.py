"""The metrics once more, in one plain loop over a trace, from the definitions and not from metrics.py."""

from collections import defaultdict
from typing import Any

from sim.trace import Trace


def recount(trace: Trace) -> dict[str, Any]:
    """Recount what every query in the window missed; samples in the order of asking."""
    start, end = trace.window
    commits: dict[int, list[float]] = defaultdict(list)  # of each product, the commit of version 1, 2, 3…
    for change in trace.changes.sort("product", "version").iter_rows(named=True):
        commits[change["product"]].append(change["committed"])
    own = trace.commands.drop_nulls(["finished", "version"]).sort("finished").rows(named=True)
    newest_seen: dict[tuple[int, int], int] = defaultdict(int)

    found: dict[str, Any] = defaultdict(list)
    for query in trace.queries.sort("asked", maintain_order=True).iter_rows(named=True):
        asked, seen, product = query["asked"], query["seen_version"], query["product"]
        whose = (query["session"], product)
        went_back = seen < newest_seen[whose]
        newest_seen[whose] = max(newest_seen[whose], seen)
        if not start <= asked < end:
            continue
        missed = [time for time in commits[product][seen:] if time < asked]
        shown = commits[product][seen - 1] if seen else 0.0
        found["staleness"].append(asked - missed[0] if missed else 0.0)
        found["versions_behind"].append(len(missed))
        found["age_of_information"].append(asked - shown)
        found["stale_read_fraction"].append(bool(missed))
        found["monotonic_read_violations"].append(went_back)
        mine = [c["version"] for c in own if (c["session"], c["product"]) == whose and c["finished"] <= asked]
        if mine:
            found["read_your_writes_violations"].append(seen < max(mine))
    return found


def quantile(sample: list[float], share: float) -> float:
    """Give the smallest element that at least that share of the sample does not exceed."""
    ordered = sorted(sample)
    return next(x for n, x in enumerate(ordered, 1) if n >= share * len(ordered) * (1 - 1e-12))
