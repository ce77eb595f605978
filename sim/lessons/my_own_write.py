"""The exercises of lesson 8, my own write; and a worker that looks until it sees what it has done."""

import math
from collections.abc import Iterator, Mapping
from functools import cache

from sim.durations import duration_text
from sim.engines import run
from sim.inventory import Change, Intent
from sim.lessons.exercise import Exercise, Luck, Solution, ask, choose
from sim.metrics import numbers
from sim.wording import readable
from sim.worker import Person


async def until_seen(me: Person, intents: Iterator[Intent]) -> None:
    """Command, and look every 30 ms until the version that the answer named is there."""
    for intent in intents:
        await me.clock.sleep_until(intent.when or 0.0)
        answer = await me.ask(intent)
        while isinstance(answer, Change) and (await me.look(intent.product)).version < answer.version:
            await me.clock.sleep(0.03)


def exercises(seed: int = 1) -> list[Exercise]:
    """Give the three exercises, with the numbers of a seed."""
    return ask(seed, how_many_miss_their_own, how_long_to_wait, how_many_come_too_late)


def how_many_miss_their_own(luck: Luck) -> Exercise:
    """Ask for the share of looks back that miss one's own write: 1 − e^(−d/m)."""
    delay, pause = choose(luck, 80, 150, 5) / 1000, choose(luck, 250, 400, 10) / 1000

    def solve() -> Solution:
        return Solution(
            -math.expm1(-delay / pause),
            {
                "That is the delay over the pause. Some pause for much longer than on average, so it is less "
                "than that.": delay / pause,
                "So it would be if the delay were left to chance as well. Here each change takes as long as "
                "the next.": delay / (delay + pause),
            },
        )

    return Exercise(
        question=(
            f"**Exercise 1.** Each change takes {readable(delay)} to the read model. Whoever has written "
            f"something looks back after {readable(pause)} on average, exponentially distributed. Which "
            "share of these looks misses what was written?"
        ),
        unit="share",
        solve=solve,
        way="A look misses it if the pause is shorter than the delay: 1 − e^(−d/m).",
        why="What counts is how soon one looks, and not how often something changes.",
    )


def how_long_to_wait(luck: Luck) -> Exercise:
    """Ask how long to wait until no more than a share miss their own write: −m·ln p."""
    mean, percent = choose(luck, 40, 190, 10) / 1000, choose(luck, 2, 12)
    share = percent / 100

    def solve() -> Solution:
        return Solution(
            -mean * math.log(share),
            {
                "By then so many would have seen it; all others would not.": -mean * math.log1p(-share),
                "That is the mean: more than a third of the changes take longer.": mean,
                "Nearly: that is the mean over the share. The slow ones get fewer and fewer, and faster than "
                "that.": mean / share,
            },
        )

    return Exercise(
        question=(
            f"**Exercise 2.** A change takes {readable(mean)} to the read model on average, exponentially "
            "distributed. How long does somebody have to wait after a write before looking back, so that no "
            f"more than {percent}% miss what they wrote?"
        ),
        unit="s",
        solve=solve,
        way="After a time t, e^(−t/m) of the changes are still under way. Set that to the share.",
        why="To wait for the slowest takes several times the mean; who carries the version along need not.",
    )


def how_many_come_too_late(luck: Luck) -> Exercise:
    """Ask for the stale decisions of a run of the reader's own."""
    delay, seed = choose(luck, 150, 300, 5) / 1000, choose(luck, 1, 9999)
    settings = {"link.delay": duration_text(delay), "duration": "30s", "seed": str(seed)}

    def solve() -> Solution:
        found = oversold(**settings)
        return Solution(
            found["stale_decisions"],
            {
                "That is of all commands; those of the suppliers, who do not look, are among them.": (
                    found["rejected_fraction"]
                ),
                "That many looks were stale. Not every one of them led to the till in vain.": (
                    found["stale_read_fraction"]
                ),
            },
        )

    told = ", ".join(f'"{key}": "{value}"' for key, value in settings.items())
    return Exercise(
        question=(
            f"**Exercise 3.** Play `oversold` with these settings: `{{{told}}}`. Of the shoppers who saw the "
            "item on the shelf and went to the till, which share was turned away?"
        ),
        unit="share",
        solve=solve,
        way='It is "stale_decisions" in the summary.',
        why="A look is no promise; only the writer decides.",
    )


@cache
def oversold(**settings: str) -> Mapping[str, float]:
    """Play `oversold` and measure what is asked about it."""
    trace = run("oversold", settings=settings)
    return numbers(trace, ["stale_decisions", "rejected_fraction", "stale_read_fraction"])
