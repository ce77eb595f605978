"""How many commands wait, instant by instant, and how busy whoever does them is.

Pure data of the measured window, ready to be drawn. A command that came to
nothing has left its stations without a trace, and is not counted.
"""

from typing import Literal

import attrs
import numpy as np
import polars as pl
from attrs import frozen

from sim.distributions import Floats, Ints
from sim.measures.evidence import Evidence
from sim.measures.window import measured_commands
from sim.metrics import numbers, work_of
from sim.trace import VIRTUAL_TIME, Trace

SLICES = 40  # stretches of the window, each with its own share of busy time

_ARRAY = attrs.cmp_using(eq=np.array_equal)


@frozen
class Backlog:
    """What waits in front of a station, the writer or the lock, in a window in which so many `commands` came.

    From `times[i]` on, until the next of them, `inside` commands wait in the
    channel and `outside` at its door; the last time is the window's end.
    `busy[i]` is the writer's share of busy time between `edges[i]` and the
    next. `blocked` is the share of the time in which anybody waits outside.
    """

    station: Literal["writer", "lock"]
    commands: int
    times: Floats = attrs.field(eq=_ARRAY)
    inside: Ints = attrs.field(eq=_ARRAY)
    outside: Ints = attrs.field(eq=_ARRAY)
    capacity: float
    edges: Floats = attrs.field(eq=_ARRAY)
    busy: Floats = attrs.field(eq=_ARRAY)
    utilisation: float
    blocked: float
    clock: str = VIRTUAL_TIME


def backlog(trace: Trace) -> Backlog:
    """Count the commands that wait in the channel and at its door, at each instant of the measured window."""
    start, end = trace.window
    inside, outside = _waits(trace, "admitted", "started"), _waits(trace, "issued", "admitted")
    times = np.unique(np.concatenate([[start, end], inside.ravel(), outside.ravel()]))
    times = times[(times >= start) & (times <= end)]
    waiting, blocked = _counts(inside, times), _counts(outside, times)
    edges = np.linspace(start, end, SLICES + 1)
    cqrs = trace.scenario.architecture == "cqrs"
    return Backlog(
        station="writer" if cqrs else "lock",
        commands=len(measured_commands(trace)),
        times=times,
        inside=waiting,
        outside=blocked,
        capacity=trace.scenario.inbox.capacity if cqrs else np.inf,
        edges=edges,
        busy=_busy(trace, edges),
        utilisation=numbers(trace, ["writer_utilisation"])["writer_utilisation"],
        blocked=float(np.diff(times)[blocked[:-1] > 0].sum() / (end - start)) if end > start else np.nan,
        clock=trace.clock,
    )


def _waits(trace: Trace, came: str, left: str) -> Floats:
    """List from when until when commands waited, a row each; the last may wait still."""
    waiting_still = pl.when(pl.col("outcome").is_null()).then(trace.until)
    waited = trace.commands.filter(pl.col("outcome").is_null() | (pl.col("outcome") != "lost"))
    rows = waited.select(came, pl.col(left).fill_null(waiting_still)).drop_nulls()
    return rows.filter(pl.col(came) < pl.col(left)).to_numpy()


def _counts(waits: Floats, times: Floats) -> Ints:
    """Count who waits from each of these times on; whoever leaves at it waits no longer."""
    came, left = np.sort(waits[:, 0]), np.sort(waits[:, 1])
    return np.searchsorted(came, times, side="right") - np.searchsorted(left, times, side="right")


def _busy(trace: Trace, edges: Floats) -> Floats:
    """Give the share of each slice in which the writer is at work, or the lock is held."""
    ends, starts = work_of(Evidence(trace))
    done = np.array([np.minimum(ends, edge).sum() - np.minimum(starts, edge).sum() for edge in edges])
    with np.errstate(invalid="ignore"):
        return np.asarray(np.diff(done) / np.diff(edges))
