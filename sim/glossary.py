"""The metrics' names: one name, one meaning, one unit, the same in code, JSON, figures and lessons."""

from typing import Literal

from attrs import frozen

from sim.wording import unknown

Unit = Literal["s", "1", "share", "1/s"]

DISTRIBUTION = ("mean", "p50", "p95", "p99", "p99.9", "max")
TAIL = ("p99", "p99.9")
VALUE = ("value",)
PLACES = (  # where a change can be between its commit and the read model, in this order
    "publish",  # committed, not yet sent
    "resend",  # lost on the link, until it was sent once more
    "delay",  # under way, as long as its own delay
    "line",  # behind its predecessors
    "outage",  # held back until the link works again
    "poll",  # arrived, until the reader looks
    "queue",  # until the reader has time for it, or is up again
    "handler",  # in the reader's work
    "batch",  # done, until the rest of the batch is
    "overwritten",  # shown, and replaced by an older one
    "lost",  # it never comes
)
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}


@frozen
class Metric:
    """What a name stands for.

    The statistics are the keys below it in a summary; `of` says what a
    proportion is counted among.
    """

    meaning: str
    unit: Unit
    statistics: tuple[str, ...] = VALUE
    of: str = ""


METRICS = {
    "command_latency": Metric("from when the plan wanted it until it was answered", "s", DISTRIBUTION),
    "naive_latency": Metric("from issuing it until it was answered; hides overload", "s", DISTRIBUTION),
    "admission_wait": Metric("back-pressure: from issuing it until the channel took it", "s", DISTRIBUTION),
    "queue_wait": Metric("from entering the channel until the writer took it", "s", DISTRIBUTION),
    "service_time": Metric("from when the writer took it until it was answered", "s", DISTRIBUTION),
    "writer_utilisation": Metric("share of time the writer is busy", "share"),
    "inbox_depth": Metric("commands waiting in the channel, time-weighted", "1", DISTRIBUTION),
    "throughput": Metric("accepted commands per second", "1/s"),
    "rejected_fraction": Metric("share of the commands that were rejected", "share", of="commands"),
    "shed_fraction": Metric("share of the commands that were shed at a full channel", "share", of="commands"),
    "blocked_fraction": Metric(
        "share of the commands that had to wait at a full channel", "share", of="commands"
    ),
    "unanswered_fraction": Metric(
        "share of the commands that got in and were never answered", "share", of="commands"
    ),
    "stale_decisions": Metric(
        "share of look_first commands that were rejected though the look had shown enough stock",
        "share",
        of="commands",
    ),
    "lost_updates": Metric("accepted quantity that the write model does not hold", "1"),
    "double_updates": Metric("quantity accepted once more, of commands that were sent again", "1"),
    "visibility_lag": Metric("from a change's commit until the read model shows it", "s", DISTRIBUTION),
    "t_visibility": Metric(
        "from a commit until such a share of the changes, or newer ones, can be seen", "s", TAIL
    ),
    "stale_read_fraction": Metric("share of queries that missed a committed version", "share", of="queries"),
    "hot_stale_fraction": Metric(
        "share of queries for the products of the hotspot that missed a committed version",
        "share",
        of="queries for the products of the hotspot",
    ),
    "cold_stale_fraction": Metric(
        "share of queries for the products beside the hotspot that missed a committed version",
        "share",
        of="queries for the products beside the hotspot",
    ),
    "staleness": Metric("since the commit of the oldest version missed; 0 if fresh", "s", DISTRIBUTION),
    "blame": Metric("share of the stale time in which the missing change was there", "share", PLACES),
    "blame_p50": Metric("the same, of the stale reads around the median", "share", PLACES),
    "blame_p99": Metric("the same, of the hundredth of the stale reads that is worst", "share", PLACES),
    "versions_behind": Metric("versions of that product the answer missed", "1", DISTRIBUTION),
    "age_of_information": Metric("since the commit of the version shown", "s", DISTRIBUTION),
    "read_your_writes_violations": Metric(
        "share of a session's queries, after its own answered command on that product, that miss it",
        "share",
        of="queries",
    ),
    "monotonic_read_violations": Metric(
        "share of queries that show an older version than their session saw before",
        "share",
        of="queries",
    ),
    "query_latency": Metric("from asking until the answer", "s", DISTRIBUTION),
    "fairness": Metric("Jain's index of the workers' mean command latencies", "share"),
    "divergence_at_end": Metric("products whose read model differs once all has drained", "1"),
}


def split_name(name: str) -> tuple[str, str]:
    """Split "staleness.p99" or "throughput" into metric and statistic; ValueError names what there is."""
    metric, _, statistic = name.partition(".")
    if metric not in METRICS:
        raise ValueError(unknown("metric", metric, METRICS))
    statistics = METRICS[metric].statistics
    if not statistic and statistics == VALUE:
        return metric, "value"
    if statistic not in statistics:
        raise ValueError(f"{metric} has {', '.join(statistics)}: write {metric}.{statistics[-1]}")
    return metric, statistic
