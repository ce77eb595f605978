"""The exercises of lesson 9, how sure are you: an interval, how many runs it takes, two on the same luck."""

import math
from functools import cache

import numpy as np

from sim.distributions import Floats
from sim.engines import run
from sim.lessons.exercise import Exercise, Luck, Solution, ask, choose
from sim.metrics import numbers
from sim.replicate import interval
from sim.wording import readable

TIMED = "command_latency.mean"
PAIRS = 5  # replications of each variant
NORMAL = 1.96  # standard errors, if the spread were known


def exercises(seed: int = 1) -> list[Exercise]:
    """Give the three exercises, with the numbers of a seed."""
    return ask(seed, how_wide_it_is, how_many_runs_it_takes, how_much_it_helps)


def how_wide_it_is(luck: Luck) -> Exercise:
    """Ask for half the 95 % interval of five runs: t(4)·s/√5."""
    centre = choose(luck, 60, 140, 5)
    runs = [(centre + step + choose(luck, -3, 3)) / 1000 for step in (-21, 16, 0, -9, 12)]

    def solve() -> Solution:
        estimate, spread = interval(runs), float(np.std(runs, ddof=1))
        half = (estimate.high or math.nan) - estimate.estimate
        return Solution(
            half,
            {
                "That is from end to end. How far is it to either side?": 2 * half,
                "So it would be if the spread were known. It is guessed from five runs, which takes "
                "Student's t.": NORMAL * spread / math.sqrt(len(runs)),
                "So far does a single run stray. The mean of several strays less.": half
                * math.sqrt(len(runs)),
                "That is the spread of the runs.": spread,
                "That is the standard error. How many of them does an interval reach?": spread
                / math.sqrt(len(runs)),
            },
        )

    told = ", ".join(readable(one) for one in runs)
    return Exercise(
        question=(
            f"**Exercise 1.** Five runs gave {told}. How far does the 95% interval reach to either side of "
            "their mean?"
        ),
        unit="s",
        solve=solve,
        way="`interval` gives its ends. Or work out t·s/√n, with Student's t for one less than n.",
        why="Five numbers say how far they stray from each other, and so how far their mean may stray.",
    )


def how_many_runs_it_takes(luck: Luck) -> Exercise:
    """Ask how many runs make an interval so many times narrower: as many times, squared."""
    runs, times, narrow = choose(luck, 8, 24), choose(luck, 3, 6), choose(luck, 2, 7)

    def solve() -> Solution:
        return Solution(
            runs * times**2,
            {
                "That would do if the interval shrank as fast as the runs grow. It goes by the root.": (
                    runs * times
                ),
                "So many more. How many are there in all?": runs * (times**2 - 1),
            },
        )

    return Exercise(
        question=(
            f"**Exercise 2.** After {runs} runs the interval reaches {times * narrow}% of the mean to either "
            f"side. How many runs in all will bring it down to {narrow}%, more or less?"
        ),
        unit="1",
        solve=solve,
        way="The interval is as wide as s/√n. By how much does n grow for √n to grow so many times?",
        why="Twice as exact takes four times the runs.",
    )


def how_much_it_helps(luck: Luck) -> Exercise:
    """Ask for the difference of two variants on the same luck, played by the reader."""
    seed, tenths = choose(luck, 1, 9999), choose(luck, 95, 98)
    faster = f"exponential({tenths / 10:g}ms)"

    def solve() -> Solution:
        before, after = (float(timed(seed, work).mean()) for work in ("exponential(10ms)", faster))
        return Solution(
            before - after,
            {
                "That is how long it takes now. How much shorter is that than before?": after,
                "The other way round: before less after.": after - before,
                "So long it took before.": before,
            },
        )

    return Exercise(
        question=(
            f'**Exercise 3.** Play `saturation` with `{{"seed": "{seed}", "replications": "{PAIRS}", '
            f'"duration": "40s"}}`, and once more with `"writer.service": "{faster}"` beside these. By how '
            "much is the mean time to commit shorter, on average over the replications?"
        ),
        unit="s",
        solve=solve,
        way=f'`sim.measure` plays all of them: ask for "{TIMED}", and subtract; or use `sim.compare`.',
        why="Both had the same customers and the same work, so luck has no part in the difference.",
    )


@cache
def timed(seed: int, service: str) -> Floats:
    """Play the replications of one variant, and give the mean time to commit of each."""
    settings = {"seed": str(seed), "duration": "40s", "writer.service": service}
    runs = [run("saturation", number, settings, engine="auto") for number in range(PAIRS)]
    return np.array([numbers(trace, [TIMED])[TIMED] for trace in runs])
