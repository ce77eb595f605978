"""Blame: where the missing change was, all the time that a stale read was stale for.

A stale read's staleness runs from the commit of the oldest version that it
missed until it was asked. In that time the change was somewhere: on its way
from one place of the glossary to the next. The parts add up to the whole.
Time in the inbox and at the writer does not count, for nothing was committed
yet.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from sim.distributions import Floats, Ints
from sim.glossary import PLACES
from sim.measures.samples import at
from sim.scenario import Scenario
from sim.tables import Rows

RANKS = {  # of the stale reads by staleness: those that stand for the median, and for the 99th percentile
    "blame_p50": (0.45, 0.55),
    "blame_p99": (0.99, 1.0),
}

Parts = Iterator[tuple[str, Floats]]  # of each place, the seconds that each query's change was there


def splits(changes: Rows, staleness: Floats, scenario: Scenario) -> Parts:
    """Split the staleness of queries by where the change was in the meantime that each missed.

    Place by place, for all of them together would take much memory.
    """
    left = staleness.copy()
    for place, stay in _stays(changes, scenario):
        part = np.fmax(stay, 0.0)
        np.minimum(left, part, out=part)
        left -= part
        yield place, part
    shown = ~np.isnan(changes["visible"])
    yield from (("overwritten", left * shown), ("lost", left * ~shown))


def shares(spent: Mapping[str, float]) -> dict[str, float]:
    """Give each place's share of the time spent at all of them; nan where none was."""
    seconds = np.array([spent[place] for place in PLACES])
    with np.errstate(invalid="ignore"):
        return dict(zip(PLACES, (seconds / seconds.sum()).tolist(), strict=True))


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
    arrived, sent = change["delivered"], change["sent"]
    yield "publish", sent - change["committed"]
    yield "resend", arrived - sent - change["delay"] - change["line"] - change["outage"]
    held = ("delay", "line", "outage")
    if scenario.link.order == "serial":  # there a change waits first, and then takes its time
        held = ("line", "delay", "outage")
    yield from ((place, change[place]) for place in held)
    begun = np.fmax(change["polled"], arrived) if scenario.reader.poll else arrived
    yield "poll", begun - arrived
    taken, visible = change["taken"], change["visible"]
    fetched = np.isnan(taken)  # upon another's notice, while its own still waited
    yield "queue", np.where(fetched, visible, taken) - begun
    yield "handler", change["handled"] - taken
    yield "batch", visible - change["handled"]
