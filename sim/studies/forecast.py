"""A measured run beside what a fitted scenario makes of its load: metrics, t-visibility, and how far off."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from attrs import frozen

from sim.engines import run
from sim.fit import curve_error, with_durations_of
from sim.measures.visibility import VisibilityCurve, pooled, visibility_curve
from sim.metrics import Estimate, estimate_json, number_or_null, numbers
from sim.pool.executors import side_by_side
from sim.pool.processes import cores
from sim.replicate import student
from sim.scenario import Scenario
from sim.trace import Trace, check

SIDE_BY_SIDE = (
    "stale_read_fraction",
    "staleness.mean",
    "staleness.p99",
    "visibility_lag.p50",
    "visibility_lag.p99",
    "naive_latency.p50",  # from issuing it: that the generator came late to it is no fault of the store
    "naive_latency.p99",
)


@frozen(eq=False)
class Forecast:
    """What was measured in one run, and what was predicted of it.

    `expected` has for each metric the mean over the replications, and between
    which bounds one more run lies 95 times in 100 (None of a single one): the measured one is such a run.
    """

    measured: VisibilityCurve
    predicted: VisibilityCurve
    values: dict[str, float]
    expected: dict[str, Estimate]
    replications: int

    @property
    def error(self) -> float:
        """The root mean square by which the two curves differ, as a share; nan where either has nothing."""
        return curve_error(self.measured, self.predicted)


def forecast(
    fitted: Scenario,
    measured: Trace,
    replications: int,
    jobs: int | None = None,
    engine: str = "auto",
    on_done: Callable[[], object] = lambda: None,
) -> Forecast:
    """Play the load of a measured run with the durations of a fitted scenario, and put both side by side.

    Everything but these durations is the measured run's. The replications
    have its seed, so the first one plays the very commands that it did.
    ValueError if two files of durations share a name.
    """
    scenario = with_durations_of(fitted, measured.scenario)
    tasks = [(scenario, number, engine) for number in range(replications)]
    played = []
    for one in side_by_side(_played, tasks, min(jobs or cores(), replications)):
        played.append(one)
        on_done()
    expected = {name: one_more([values[name] for values, _ in played]) for name in SIDE_BY_SIDE}
    return Forecast(
        measured=visibility_curve(measured),
        predicted=pooled([curve for _, curve in played]),
        values=numbers(measured, SIDE_BY_SIDE),
        expected=expected,
        replications=replications,
    )


def one_more(values: Sequence[float]) -> Estimate:
    """Give the mean of independent runs, and between which bounds one more lies 95 times in 100.

    Student's t of n − 1 degrees times s·sqrt(1 + 1/n); nan values say nothing.
    """
    sample = np.array([value for value in values if not math.isnan(value)])
    mean = float(sample.mean()) if len(sample) else math.nan
    if len(sample) < 2 or not math.isfinite(mean):
        return Estimate(mean)
    n = len(sample)
    half = student(n - 1) * float(sample.std(ddof=1)) * math.sqrt(1 + 1 / n)
    return Estimate(mean, max(0.0, mean - half), mean + half)


def forecast_json(found: Forecast) -> dict[str, Any]:
    """Give a forecast as --json prints it."""
    return {
        "schema": 1,
        "rmse": number_or_null(found.error),
        "changes": found.measured.n,
        "replications": found.replications,
        "metrics": {
            name: {
                "measured": number_or_null(found.values[name]),
                "predicted": estimate_json(found.expected[name]),
            }
            for name in SIDE_BY_SIDE
        },
    }


def _played(scenario: Scenario, replication: int, engine: str) -> tuple[dict[str, float], VisibilityCurve]:
    """Play one replication, check what must always hold, and measure it."""
    trace = run(scenario, replication, engine=engine)
    check(trace)
    return numbers(trace, SIDE_BY_SIDE), visibility_curve(trace)
