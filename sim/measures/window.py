"""The window: what a run is measured by, as frames, for whoever looks at single rows."""

from typing import TYPE_CHECKING

import numpy as np

from sim.measures.evidence import Evidence
from sim.trace import Trace

if TYPE_CHECKING:
    import polars as pl


def measured_commands(trace: Trace) -> "pl.DataFrame":
    """Give the commands that the plan wanted inside the window."""
    return trace.commands[Evidence(trace).commands.chosen]


def measured_changes(trace: Trace) -> "pl.DataFrame":
    """Give the changes that were committed inside the window."""
    return trace.changes[Evidence(trace).changes.chosen]


def measured_queries(trace: Trace) -> "pl.DataFrame":
    """Give the queries that were asked inside the window, in the order of time, each with what it missed.

    Adds `latest` (the product's newest version committed before it was
    asked), `missed_since` (the commit of the oldest version it missed; null
    if fresh) and `shown_since` (the commit of the version it was shown; 0
    for what was there from the start).
    """
    import polars as pl

    evidence = Evidence(trace)
    queries = evidence.queries
    latest, missed_since = queries["seen_version"].copy(), np.full(len(queries), np.nan)
    latest[evidence.stale] += evidence.behind
    missed_since[evidence.stale] = queries["asked"].take(evidence.stale) - evidence.staleness
    measured = trace.queries[queries.chosen].with_columns(
        latest=pl.Series(latest),
        missed_since=pl.Series(missed_since, nan_to_null=True),
        shown_since=pl.Series(evidence.shown_since),
    )
    return measured.sort("asked", maintain_order=True)


def by_worker(trace: Trace) -> "pl.DataFrame":
    """Say who bore what, a row for each worker with commands in the window.

    `commands`; `admission_wait` and `command_latency`, their means in seconds;
    `blocked`, how many of them had to wait at a full channel; `shed`, how
    many were dropped there, and `items_shed`, with how many items.
    """
    import polars as pl

    shed = pl.col("outcome") == "shed"
    return (
        measured_commands(trace)
        .group_by("worker")
        .agg(
            commands=pl.len(),
            admission_wait=(pl.col("admitted") - pl.col("issued")).mean(),
            command_latency=(pl.col("finished") - pl.col("intended")).mean(),
            blocked=(pl.col("admitted") > pl.col("issued")).sum(),
            shed=shed.sum(),
            items_shed=pl.col("quantity").filter(shed).sum(),
        )
        .sort("worker")
    )
