"""Blame: where the missing change was, all the time that a stale read was stale for.

A stale read's staleness runs from the commit of the oldest version that it
missed until it was asked. In that time the change was somewhere: on its way
from one place of the glossary to the next. The parts add up to the whole.
Time in the inbox and at the writer does not count, for nothing was committed
yet.
"""

import numpy as np

from sim.columns import Rows
from sim.distributions import Floats, Ints
from sim.glossary import PLACES
from sim.measures.samples import at
from sim.scenario import Scenario

RANKS = {  # of the stale reads by staleness: those that stand for the median, and for the 99th percentile
    "blame_p50": (0.45, 0.55),
    "blame_p99": (0.99, 1.0),
}

Parts = dict[str, Floats]


def splits(changes: Rows, staleness: Floats, scenario: Scenario) -> Parts:
    """Split the staleness of queries by where the change was in the meantime that each missed."""
    left = staleness
    parts: Parts = {}
    for place, stay in _stays(changes, scenario).items():
        parts[place] = np.minimum(left, np.fmax(stay, 0.0))
        left = left - parts[place]
    shown = ~np.isnan(changes["visible"])
    return parts | {"overwritten": left * shown, "lost": left * ~shown}


def shares(parts: Parts, chosen: slice | Ints = slice(None)) -> dict[str, float]:
    """Give each place's share of the stale time of these queries; nan where there is none."""
    spent = np.array([parts[place][chosen].sum() for place in PLACES])
    with np.errstate(invalid="ignore"):
        return dict(zip(PLACES, (spent / spent.sum()).tolist(), strict=True))


def ranked(staleness: Floats, asked: Floats, between: tuple[float, float]) -> Ints:
    """Give the places of queries that rank between two shares by staleness; of equals, who asked first."""
    n = len(staleness)
    if not n:
        return np.zeros(0, np.int64)
    first, last = (int(share * n) for share in between)
    first, last = min(first, n - 1), max(last, first + 1)
    low, high = at(staleness, np.array([first, last - 1]))
    near = np.flatnonzero((staleness >= low) & (staleness <= high))
    order = near[np.lexsort((asked[near], staleness[near]))]
    return order[first - np.count_nonzero(staleness < low) :][: last - first]


def _stays(change: Rows, scenario: Scenario) -> Parts:
    """Say how long each change was at each place, in the order of its way; nan where it never was."""
    arrived = change["delivered"]
    begun = np.fmax(change["polled"], arrived) if scenario.reader.poll else arrived
    sent, taken, handled, visible = (change[name] for name in ("sent", "taken", "handled", "visible"))
    fetched = np.isnan(taken)  # upon another's notice, while its own still waited
    held = {name: change[name] for name in ("delay", "line", "outage")}
    if scenario.link.order == "serial":  # there a change waits first, and then takes its time
        held = {name: held[name] for name in ("line", "delay", "outage")}
    return {
        "publish": sent - change["committed"],
        "resend": arrived - sent - held["delay"] - held["line"] - held["outage"],
        **held,
        "poll": begun - arrived,
        "queue": np.where(fetched, visible, taken) - begun,
        "handler": handled - taken,
        "batch": visible - handled,
    }
