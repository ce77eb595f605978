"""The exercises of lesson 3, how stale is stale: a share, a delay that keeps to it, a run of one's own."""

import math

from sim.durations import duration_text
from sim.engines import run
from sim.lessons.exercise import Exercise, Luck, Solution, ask, choose
from sim.measures.visibility import visibility_curve
from sim.wording import readable

TOGETHER = (
    "That is of all products together. Only changes of the product that is asked for make a look stale."
)


def exercises(seed: int = 1) -> list[Exercise]:
    """Give the three exercises, with the numbers of a seed."""
    return ask(seed, how_many_are_stale, how_slow_it_may_be, when_all_can_be_seen)


def how_many_are_stale(luck: Luck) -> Exercise:
    """Ask for the share of stale looks: 1 − e^(−λd)."""
    products, rate, delay = choose(luck, 4, 9), choose(luck, 12, 30), choose(luck, 110, 290, 10) / 1000
    one = rate / products

    def solve() -> Solution:
        return Solution(
            -math.expm1(-one * delay),
            {
                "That is how many changes are under way on average. Two may be of the same moment, and "
                "make no more stale than one.": one * delay,
                TOGETHER: -math.expm1(-rate * delay),
            },
        )

    return Exercise(
        question=(
            f"**Exercise 1.** {rate} changes a second come at random, evenly over {products} products. "
            f"Each takes {readable(delay)} until it can be seen. Which share of the looks is stale?"
        ),
        unit="share",
        solve=solve,
        way="How many changes of one product does a second bring? That is λ, and the share is 1 − e^(−λd).",
        why="A look is fresh if nothing has happened to its product for as long as a change travels.",
    )


def how_slow_it_may_be(luck: Luck) -> Exercise:
    """Ask for the longest delay at which no more than a share of the looks is stale: −ln(1 − p)/λ."""
    products, rate, percent = choose(luck, 4, 9), choose(luck, 12, 30), choose(luck, 15, 40)
    one, share = rate / products, percent / 100

    def solve() -> Solution:
        return Solution(
            -math.log1p(-share) / one,
            {
                "Nearly: that is the straight line at the foot of the curve. The curve lies below it.": (
                    share / one
                ),
                "Then so many would be fresh.": -math.log(share) / one,
                TOGETHER: -math.log1p(-share) / rate,
            },
        )

    return Exercise(
        question=(
            f"**Exercise 2.** {rate} changes a second come at random, evenly over {products} products. "
            f"How long may a change take, so that no more than {percent}% of the looks are stale?"
        ),
        unit="s",
        solve=solve,
        way="Set 1 − e^(−λd) to that share, with the λ of one product, and solve it for d.",
        why="Twice the changes of a product leave half the time for each.",
    )


def when_all_can_be_seen(luck: Luck) -> Exercise:
    """Ask for the t-visibility at 99% of a run of the reader's own."""
    mean, seed = choose(luck, 40, 240, 5) / 1000, choose(luck, 1, 9999)
    settings = {
        "link.delay": f"exponential({duration_text(mean)})",
        "link.order": "independent",
        "seed": str(seed),
    }

    def solve() -> Solution:
        curve = visibility_curve(run("slow-link", settings=settings, engine="auto"))
        return Solution(
            curve.reached(0.99),
            {
                "So long it takes until half of them can be seen.": curve.reached(0.5),
                "So long it takes until 95 of 100 can be seen.": curve.reached(0.95),
                "That is the mean. The slowest hundredth takes longer.": mean,
                "By then every single one can be seen.": curve.reached(1.0),
            },
        )

    told = ", ".join(f'"{key}": "{value}"' for key, value in settings.items())
    return Exercise(
        question=(
            "**Exercise 3.** Play `slow-link` with these settings: "
            f"`{{{told}}}`. How long after its commit can 99% of the changes be seen?"
        ),
        unit="s",
        solve=solve,
        way='It is "t_visibility.p99" in the summary, or `visibility_curve(trace).reached(0.99)`.',
        why="An average hides its slowest hundredth, and that is what somebody will complain about.",
    )
