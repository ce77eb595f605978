"""From a trace back to a scenario: how long writer, link and reader took, as durations to draw from."""

import attrs
import numpy as np
import polars as pl

from sim.distributions import Constant, Distribution, Empirical, Floats
from sim.scenario import Scenario
from sim.trace import Trace
from sim.visibility import VisibilityCurve

INSTANTS = 1000
MOST = 10_000  # durations that a file keeps; more say nothing new


def fit(trace: Trace) -> Scenario:
    """Give the scenario of a trace with the durations that were measured in its window.

    A batch of n commands takes commit + n·service: the slope of a straight
    line is the service, and what is left of each batch is its commit. The
    link's delay is the time from sending until the first copy came out, less
    what it waited in line and for outages; of a live run, that of the store
    and the feed are part of it. The reader's handler is the time from taking
    a change up until it was visible, shared out over its batch.

    ValueError if nothing was committed and shown in the window.
    """
    scenario, (start, end) = trace.scenario, trace.window
    inside = pl.col("started").is_between(start, end)
    commands = trace.commands.drop_nulls(["started", "finished"]).filter(inside)
    changes = trace.changes.filter(pl.col("committed").is_between(start, end)).drop_nulls(
        ["visible", "taken"]
    )
    if not len(commands) or not len(changes):
        raise ValueError("nothing was committed and shown in the measured window: there is nothing to fit")
    commit, service = _writer(commands)
    writer = attrs.evolve(scenario.writer, commit=commit, service=service)
    reader = attrs.evolve(scenario.reader, handler=_handler(changes))
    link = attrs.evolve(scenario.link, delay=_delay(changes))
    return attrs.evolve(scenario, writer=writer, link=link, reader=reader)


def curve_error(measured: VisibilityCurve, predicted: VisibilityCurve) -> float:
    """Give the root mean square by which two t-visibility curves differ, as a share.

    At a thousand instants, from the commit to when the later of the two has
    99.9 % of the changes; PBS (Bailis et al. 2012, section 5.6) reports this
    number of its predictions.
    """
    times = np.linspace(0.0, max(measured.reached(0.999), predicted.reached(0.999)), INSTANTS)
    gaps = [measured.at(float(time)) - predicted.at(float(time)) for time in times]
    return float(np.sqrt(np.mean(np.square(gaps))))


def _writer(commands: pl.DataFrame) -> tuple[Distribution, Distribution]:
    """Fit the time for a batch, and for each command in it."""
    batches = commands.group_by("started", maintain_order=True).agg(pl.len(), pl.col("finished").max())
    took = (batches["finished"] - batches["started"]).to_numpy()
    sizes = batches["len"].to_numpy().astype(float)
    if sizes.max() == 1:
        return Constant(0.0), _empirical("service.csv", took)
    varies = float(np.var(sizes)) > 0
    slope = max(0.0, float(np.polyfit(sizes, took, 1)[0])) if varies else 0.0
    return _empirical("commit.csv", took - slope * sizes), Constant(slope)


def _delay(changes: pl.DataFrame) -> Distribution:
    arrived = pl.col("delivered").list.min()
    delays = changes.select(arrived - pl.col("sent") - pl.col("line") - pl.col("outage")).to_series()
    return _empirical("delay.csv", delays.drop_nulls().to_numpy())


def _handler(changes: pl.DataFrame) -> Distribution:
    share = (pl.col("visible") - pl.col("taken")) / pl.len().over("taken")
    return _empirical("handler.csv", changes.select(share).to_series().to_numpy())


def _empirical(file: str, seconds: Floats) -> Empirical:
    """Keep durations, or so many of them in even steps of their order."""
    ordered = np.sort(np.maximum(seconds, 0.0))
    places = np.linspace(0, len(ordered) - 1, min(MOST, len(ordered))).round().astype(int)
    return Empirical(file, tuple(ordered[places].tolist()))
