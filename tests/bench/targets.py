"""What is asked of the speed: ratios of measurements, what they must be, and what they should be."""

from collections.abc import Callable
from statistics import median

from attrs import frozen

from tests.bench.contest import Case, Measured, Results

RECORDED, SILENT = "trio engine, all recorded and summarised", "trio engine, recording nothing"
ARRAY = "array engine, all recorded and summarised"
SIMPY, CIW, CIW_ALONE = "SimPy", "Ciw, its nearest equivalent", "Ciw, without the looks"
ASYNCIO, TRIO = "asyncio, virtual loop", "trio, MockClock"

Number = Callable[[Results, Case], float | None]


@frozen
class Target:
    """A number that `measure` finds, and its bounds: `aim` is better than `needed`, be it more or less."""

    words: str
    measure: Number
    needed: float
    aim: float
    unit: str = "×"

    def met(self, number: float) -> bool:
        """Say whether a number is as good as it needs to be."""
        return number >= self.needed if self.aim > self.needed else number <= self.needed


def faster(ours: str, theirs: str) -> Number:
    """Compare two programs' speeds round by round, and give the median."""

    def measure(results: Results, contest: Case) -> float | None:
        mine, other = (results.get(_by(name, contest), []) for name in (ours, theirs))
        return median(a.speed / b.speed for a, b in zip(mine, other, strict=True)) if mine else None

    return measure


def growth(engine: str) -> Number:
    """Say how many times as long a command takes in the largest run as in the smallest."""

    def measure(results: Results, contest: Case) -> float | None:
        runs = grown(results, engine, contest)
        return middle(runs[0], "speed") / middle(runs[-1], "speed") if runs else None

    return measure


def memory(engine: str) -> Number:
    """Say how many MB the peak grows by with a million commands and as many looks."""

    def measure(results: Results, contest: Case) -> float | None:
        runs = grown(results, engine, contest)
        if not runs:
            return None
        bytes_, commands = (
            middle(runs[-1], name) - middle(runs[0], name) for name in ("peak_bytes", "commands")
        )
        return bytes_ / commands  # bytes a command are MB a million of them

    return measure


def grown(results: Results, engine: str, contest: Case) -> list[list[Measured]]:
    """Give an engine's runs with the contest's workers, from the smallest to the largest."""
    cases = [case for case in results if case == _by(engine, contest, case.commands)]
    return [results[case] for case in sorted(cases, key=lambda case: case.commands)]


def middle(runs: list[Measured], name: str) -> float:
    """Give the median of one number over the rounds."""
    return float(median(getattr(run, name) for run in runs))


def _by(name: str, contest: Case, commands: int | None = None) -> Case:
    return Case(name, commands or contest.commands, contest.workers, contest.rate)


TARGETS = (
    Target("trio engine against trio with MockClock, recording nothing", faster(SILENT, TRIO), 4, 6),
    Target("trio engine against asyncio, recording nothing", faster(SILENT, ASYNCIO), 1.3, 2),
    Target("trio engine, all recorded, against SimPy recording nothing", faster(RECORDED, SIMPY), 0.6, 1),
    Target("trio engine, all recorded, against Ciw's nearest equivalent", faster(RECORDED, CIW), 1.5, 3),
    Target("   the same against Ciw without the looks", faster(RECORDED, CIW_ALONE), 1.5, 3),
    Target("array engine, all recorded and summarised, against SimPy", faster(ARRAY, SIMPY), 30, 60),
    Target("trio engine: time per command, largest run against 10⁴", growth(RECORDED), 1.3, 1.1),
    Target("array engine: time per command, largest run against 10⁴", growth(ARRAY), 1.3, 1.1),
    Target("array engine: memory per million commands and looks", memory(ARRAY), 400, 200, " MB"),
)
