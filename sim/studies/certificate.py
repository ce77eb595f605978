"""The certificate: every closed form that a scenario can express, held against the simulation.

A row is one statistic of one case: z = (mean − theory) / standard error, both
of independent replications. Each case has a seed of its own, so rows of two
cases share no luck. Were the program and all formulas right, z would be
Student's t with n − 1 degrees of freedom for n replications, whose mean
square is (n − 1)/(n − 3).
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter
from zlib import crc32

import attrs
import numpy as np
from attrs import frozen

from sim.durations import Seconds
from sim.engines import run
from sim.glossary import QUANTILES, split_name
from sim.metrics import Estimate, number_or_null, numbers
from sim.pool.executors import side_by_side
from sim.replicate import interval
from sim.scenario import Scenario
from sim.studies.cases import Case
from sim.theory.answers import Prediction, predictions
from sim.trace import check

FAR = 4.0  # standard errors, at which a row fails
LEAST, MOST = 0.5, 1.7  # of the mean square of all z
EXPERIMENTS = 400  # behind each line of coverage
EACH = 10  # replications of an experiment
COVERED = (0.92, 0.98)  # of the intervals; of 400 it is within 2.75 standard deviations of 95 %
NO_FORM = Prediction("", math.nan, "no closed form holds", "", "", "")

Numbers = Mapping[str, float]


@frozen
class Effort:
    """How much is played: the share of each run that is measured, and how many replications of it.

    The quantiles of a short run lean to one side; whoever plays short ones leaves them out.
    """

    share: float
    replications: int
    quantiles: bool


FULL, QUICK = Effort(1.0, 30, True), Effort(1 / 12, 20, False)


@frozen
class Row:
    """One statistic of one case: what theory says, what was measured, and how far apart that is.

    z is in standard errors; nan where a replication saw nothing or no closed form holds.
    """

    section: str
    case: str
    metric: str
    formula: str
    source: str
    theory: float
    measured: Estimate
    z: float

    @property
    def holds(self) -> bool:
        """Say whether measurement and theory agree."""
        return abs(self.z) < FAR


@frozen
class Coverage:
    """Of so many experiments, how many had a 95 % interval that holds the truth."""

    case: str
    metric: str
    truth: float
    held: int
    experiments: int

    @property
    def holds(self) -> bool:
        """Say whether that is near enough to 95 %."""
        low, high = COVERED
        return low <= self.held / self.experiments <= high


@frozen
class Certificate:
    """What was compared, and whether it agrees. `planned` counts the rows there would be in the end."""

    rows: tuple[Row, ...]
    coverage: tuple[Coverage, ...]
    replications: int
    planned: int

    @property
    def largest(self) -> float:
        """Give the largest |z|; nan if one is."""
        return float(np.max(np.abs([row.z for row in self.rows]), initial=0.0))

    @property
    def mean_square(self) -> float:
        """Give the mean of all z²: near 1 if the errors are as large as they claim to be."""
        return float(np.mean(np.square([row.z for row in self.rows]))) if self.rows else math.nan

    @property
    def failed(self) -> tuple[Row | Coverage, ...]:
        """Give what does not agree."""
        tested: tuple[Row | Coverage, ...] = (*self.rows, *self.coverage)
        return tuple(one for one in tested if not one.holds)

    @property
    def usual(self) -> bool:
        """Say whether the z-values spread as they should, all together; a part of them says nothing yet."""
        return not self.complete or LEAST < self.mean_square < MOST

    @property
    def complete(self) -> bool:
        """Say whether every row is there."""
        return len(self.rows) == self.planned

    @property
    def holds(self) -> bool:
        """Say whether every row is there and agrees, and all together do."""
        return self.complete and not self.failed and self.usual

    @property
    def false_alarm(self) -> float:
        """Give the chance that some row fails though all is right, were they independent."""
        from scipy.special import stdtr  # a fifth of a second to import

        return float(1 - (1 - 2 * stdtr(self.replications - 1, -FAR)) ** len(self.rows))


def chosen(sections: Mapping[str, Sequence[Case]], luck: int, effort: Effort) -> list[tuple[str, Case]]:
    """List the cases with their sections, each with a seed of its own; those without a statistic stay out."""
    listed = [(section, case) for section, cases in sections.items() for case in cases]
    ready = [(section, _prepared(section, case, luck, effort)) for section, case in listed]
    return [(section, case) for section, case in ready if case.metrics]


def _prepared(section: str, case: Case, luck: int, effort: Effort) -> Case:
    """Give a case its seed, all of its warm-up, and as much of what comes after it as is wanted."""
    scenario = case.scenario
    scenario = attrs.evolve(
        scenario,
        seed=_seed(luck, section, case.name),
        duration=Seconds(scenario.warmup + effort.share * (scenario.duration - scenario.warmup)),
        replications=effort.replications,
    )
    metrics = tuple(m for m in case.metrics if effort.quantiles or split_name(m)[1] not in QUANTILES)
    return Case(case.name, scenario, metrics)


def _seed(luck: int, *names: object) -> int:
    """Make a seed of a name: a new case leaves the luck of all others as it was."""
    return crc32(repr((luck, *names)).encode())


def compare(
    cases: Sequence[tuple[str, Case]],
    jobs: int | None = None,
    on_done: Callable[[], object] = lambda: None,
) -> Iterator[Row]:
    """Play all replications of all cases over some processes; give the rows of each case when it is done.

    `on_done` is called after each replication.
    """
    plays = [(pair, number) for pair in cases for number in range(pair[1].scenario.replications)]
    tasks = [(case.scenario, number, case.metrics) for (_, case), number in plays]
    played = zip((pair for pair, _ in plays), side_by_side(play_for, tasks, jobs), strict=True)
    for (section, case), group in groupby(played, key=itemgetter(0)):
        runs = []
        for _, found in group:
            runs.append(found)
            on_done()
        yield from judge(section, case, predictions(case.scenario), runs)


def play_for(scenario: Scenario, replication: int, metrics: Sequence[str], engine: str = "trio") -> Numbers:
    """Play one replication, check what must always hold, and measure some numbers."""
    trace = run(scenario, replication, engine=engine)
    check(trace)
    return numbers(trace, metrics)


def judge(section: str, case: Case, foretold: Sequence[Prediction], runs: Sequence[Numbers]) -> Iterator[Row]:
    """Hold each statistic of a case against its closed form; where there is none, the row fails."""
    forms = {one.metric: one for one in foretold}
    for metric in case.metrics:
        form, values = forms.get(metric, NO_FORM), [one[metric] for one in runs]
        yield Row(
            section,
            case.name,
            metric,
            form.formula,
            form.source,
            form.value,
            interval(values),
            standing(values, form.value),
        )


def standing(values: Sequence[float], truth: float) -> float:
    """Give z: how many standard errors the mean of independent values lies above the truth."""
    sample = np.array(values)
    error = float(sample.std(ddof=1)) / math.sqrt(len(sample))
    off = float(sample.mean()) - truth
    return off / error if error else math.copysign(math.inf, off) if off else 0.0


def cover(
    cases: Sequence[Case],
    luck: int,
    experiments: int = EXPERIMENTS,
    jobs: int | None = None,
    on_done: Callable[[], object] = lambda: None,
) -> Iterator[Coverage]:
    """Do many experiments of ten replications each, and count the intervals that hold the truth."""
    for case in cases:
        [metric] = case.metrics
        truth = {one.metric: one.value for one in predictions(case.scenario)}[metric]
        tasks = [(case.scenario, _seed(luck, case.name, number), metric) for number in range(experiments)]
        held = 0
        for found in side_by_side(experiment, tasks, jobs):
            held += found.low is not None and found.high is not None and found.low < truth < found.high
            on_done()
        yield Coverage(case.name, metric, truth, held, experiments)


def experiment(scenario: Scenario, seed: int, metric: str) -> Estimate:
    """Play ten replications of a seed, and give the interval of a number.

    What the actors do is held against theory row by row; here it is the
    intervals, of many more runs than actors could play.
    """
    play = partial(play_for, attrs.evolve(scenario, seed=seed), metrics=(metric,), engine="auto")
    return interval(play(number)[metric] for number in range(EACH))


def certificate_json(certificate: Certificate) -> dict[str, object]:
    """Give a certificate as the plain table that --json prints; what is not finite is null."""
    return {
        "schema": 1,
        "rows": [
            attrs.asdict(row, value_serializer=_plain) | {"holds": row.holds} for row in certificate.rows
        ],
        "coverage": [attrs.asdict(one) | {"holds": one.holds} for one in certificate.coverage],
        "replications": certificate.replications,
        "planned_rows": certificate.planned,
        "largest": number_or_null(certificate.largest),
        "mean_square": number_or_null(certificate.mean_square),
        "false_alarm": certificate.false_alarm,
        "holds": certificate.holds,
    }


def _plain(_: object, __: object, value: object) -> object:
    return number_or_null(value) if isinstance(value, float) else value
