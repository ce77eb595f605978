"""From a trace back to a scenario: how long writer, link and reader took, as durations to draw from.

Writer and reader are servers: each begins with the next thing when that is
there and the one before is done (Lindley 1952). So what they take for it is
counted from that instant, and the time that a real one needs to wake is part
of it. Taken apart like this and put together again in the same order, a live
trace gives its own t-visibility curve, to the last change; what drawing from
the parts loses is what binds them together: of a slow moment, all are slow.
"""

from collections.abc import Sequence

import attrs
import numpy as np
import polars as pl

from sim.distributions import Constant, Distribution, Empirical, Floats
from sim.families import Likeness, nearest
from sim.measures.visibility import VisibilityCurve
from sim.scenario import Crash, Scenario, Writer
from sim.trace import Trace

INSTANTS = 1000
MOST = 10_000  # durations that a file keeps; more say nothing new
DURATIONS = (("writer", "commit"), ("writer", "service"), ("link", "delay"), ("reader", "handler"))


def fit(trace: Trace) -> Scenario:
    """Give the scenario of a trace with the durations that were measured in its window.

    A batch of n commands takes commit + n·service: the slope of a straight
    line is the service, and what is left of each batch is its commit. The
    link's delay is the time from the commit until the first copy came out,
    less what it waited in line, for outages and for copies that were lost; so
    publishing is part of it, and of a live run the store and its feed. The
    reader's handler is what it took for a change until that was visible,
    shared out over its batch. What a crash fell into says nothing.

    ValueError if nothing was committed and shown in the window.
    """
    scenario, inside = trace.scenario, pl.col("committed").is_between(*trace.window)
    changes = trace.changes.filter(inside)
    if not len(changes.drop_nulls(["visible", "taken"])):
        raise ValueError("nothing was committed and shown in the measured window: there is nothing to fit")
    commit, service = _writer(trace)
    writer = attrs.evolve(scenario.writer, commit=commit, service=service, publish=Constant(0.0))
    link = attrs.evolve(scenario.link, delay=_delay(changes, scenario.writer))
    reader = attrs.evolve(scenario.reader, handler=_handler(trace))
    return attrs.evolve(scenario, writer=writer, link=link, reader=reader)


def named(fitted: Scenario) -> tuple[Scenario, dict[str, Likeness]]:
    """Put the nearest known distribution in the place of each measured one; say by its key what is lost."""
    likenesses = {}
    for part, key in DURATIONS:
        actor = getattr(fitted, part)
        measured = getattr(actor, key)
        if isinstance(measured, Empirical):
            likeness = nearest(measured.values)
            likenesses[f"{part}.{key}"] = likeness
            fitted = attrs.evolve(fitted, **{part: attrs.evolve(actor, **{key: likeness.law})})
    return fitted, likenesses


def with_durations_of(fitted: Scenario, scenario: Scenario) -> Scenario:
    """Give a scenario whose writer, link and reader take as long as those of another one.

    ValueError if a file of durations that it names itself is called like one of theirs.
    """
    writer, link, reader = fitted.writer, fitted.link, fitted.reader
    return attrs.evolve(
        scenario,
        writer=attrs.evolve(
            scenario.writer, commit=writer.commit, service=writer.service, publish=writer.publish
        ),
        link=attrs.evolve(scenario.link, delay=link.delay),
        reader=attrs.evolve(scenario.reader, handler=reader.handler),
    )


def curve_error(measured: VisibilityCurve, predicted: VisibilityCurve) -> float:
    """Give the root mean square by which two t-visibility curves differ, as a share.

    At a thousand instants, from the commit to when the later of the two has
    99.9 % of the changes that it ever shows; PBS (Bailis et al. 2012, section
    5.6) reports this number of its predictions.
    """
    ends = [curve.reached(0.999 * float(curve.shares.max())) for curve in (measured, predicted)]
    times = np.linspace(0.0, max(ends), INSTANTS)
    gaps = [measured.at(float(time)) - predicted.at(float(time)) for time in times]
    return float(np.sqrt(np.mean(np.square(gaps))))


def _writer(trace: Trace) -> tuple[Distribution, Distribution]:
    """Fit the time for a batch, and for each command in it."""
    batches = (
        trace.commands.drop_nulls(["started", "finished"])
        .group_by("started")
        .agg(pl.len(), pl.col("admitted").min(), pl.col("finished").max())
        .sort("started")
        .with_columns(began=pl.max_horizontal("admitted", pl.col("finished").shift(1, fill_value=0.0)))
        .filter(pl.col("started").is_between(*trace.window))
        .filter(_undisturbed("began", "finished", trace.scenario.writer.crashes))
    )
    took = (batches["finished"] - batches["began"]).to_numpy()
    sizes = batches["len"].to_numpy().astype(float)
    if not len(sizes) or sizes.max() == 1:
        return Constant(0.0), _empirical("service.csv", took)
    varies = float(np.var(sizes)) > 0
    slope = max(0.0, float(np.polyfit(sizes, took, 1)[0])) if varies else 0.0
    return _empirical("commit.csv", took - slope * sizes), Constant(slope)


def _delay(changes: pl.DataFrame, ways: Writer) -> Distribution:
    delay = pl.col("delay") + pl.col("sent") - pl.col("committed")
    sent = changes.filter(_undisturbed("committed", "sent", ways.crashes))
    return _empirical("delay.csv", sent.select(delay).to_series().drop_nulls().to_numpy())


def _handler(trace: Trace) -> Distribution:
    """Share what each batch took out over its changes.

    A batch ends when it is shown: what is taken no sooner is of the next one.
    Where the one before was not shown, for what it brought was old, nobody
    knows when it was done, and the next one began when it was taken.
    """
    ways = trace.scenario.reader
    there = pl.col("polled") if ways.poll else pl.col("delivered").list.min()
    batches = (
        trace.changes.drop_nulls("taken")
        .sort("taken")
        .with_columns(there=there, done=pl.max_horizontal("visible", "handled"))
        .with_columns(first=(pl.col("taken") >= pl.col("done").cum_max().shift(1)).fill_null(value=True))
        .group_by(pl.col("first").cum_sum(), maintain_order=True)
        .agg(pl.len(), pl.col("committed", "there", "taken").min(), pl.col("visible").max())
        .with_columns(free=pl.col("visible").shift(1, fill_value=0.0))
        .with_columns(began=pl.max_horizontal("there", pl.coalesce("free", "taken")))
        .drop_nulls("visible")
        .filter(pl.col("committed").is_between(*trace.window))
        .filter(_undisturbed("began", "visible", ways.crashes))
    )
    share = ((batches["visible"] - batches["began"]) / batches["len"]).to_numpy()
    return _empirical("handler.csv", np.repeat(share, batches["len"].to_numpy()))


def _undisturbed(began: str, ended: str, crashes: Sequence[Crash]) -> pl.Expr:
    """Choose the rows whose stretch no crash falls into."""
    hit = [(pl.col(began) < c.at + c.lasts) & (pl.col(ended) > c.at) for c in crashes]
    return ~pl.any_horizontal(pl.lit(value=False), *hit)


def _empirical(file: str, seconds: Floats) -> Empirical:
    """Keep durations, or so many of them in even steps of their order."""
    if not len(seconds):
        raise ValueError("whatever was done in the measured window, a crash fell into it: nothing to fit")
    ordered = np.sort(np.maximum(seconds, 0.0))
    places = np.linspace(0, len(ordered) - 1, min(MOST, len(ordered))).round().astype(int)
    return Empirical(file, tuple(ordered[places].tolist()))
