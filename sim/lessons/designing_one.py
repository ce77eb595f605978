"""The exercises of lesson 10, designing one: a budget of time, what breaks first, a shop of one's own."""

import math
from functools import cache

from sim.engines import run
from sim.lessons.exercise import Exercise, Luck, Solution, ask, choose
from sim.metrics import numbers
from sim.scenario_file import parse_scenario
from sim.wording import readable

STALE = "stale_read_fraction"
PROMISED = 10  # percent of the looks, in exercise 2
CROWDS = (
    'workers = [{{name = "clerks", count = 10, pace = "poisson({pace}/s)"}}]',
    'queries = [{{name = "customers", count = 10, pace = "poisson(200/s)"}}]',
)


def exercises(seed: int = 1) -> list[Exercise]:
    """Give the three exercises, with the numbers of a seed."""
    return ask(seed, how_often_it_looks, which_breaks_first, a_shop_of_ones_own)


def how_often_it_looks(luck: Luck) -> Exercise:
    """Ask for the poll that the budget of a promise leaves: 2·(−ln(1 − share)/λ − d)."""
    products, rate, share = choose(luck, 20, 50, 2), choose(luck, 20, 40), choose(luck, 20, 30, 5)
    budget = -math.log(1 - share / 100) * products / rate
    delay = round(1000 * budget * choose(luck, 20, 30) / 100) / 1000

    def solve() -> Solution:
        return Solution(
            2 * (budget - delay),
            {
                "That is what is left for a wait. A change waits for half of a poll, on average.": budget
                - delay,
                "Then the poll alone uses up the budget. The link takes of it, too.": 2 * budget,
                "That is the whole budget of time. Who spends it?": budget,
                "The link takes its part of it once, and so does the wait.": 2 * budget - delay,
                "Nearly. The share is 1 − e^(−x), which is less than x.": (
                    2 * (share / 100 * products / rate - delay)
                ),
            },
        )

    return Exercise(
        question=(
            f"**Exercise 1.** A shop has {products} products and {rate} orders a second. A change takes "
            f"{readable(delay)} to the reader, which polls. {share}% of the looks may be stale. By the rule "
            "of this lesson: how long may the reader pause from poll to poll?"
        ),
        unit="s",
        solve=solve,
        way="What is the rate of one product? What time does that leave a change? Who else needs some of it?",
        why="A promise is a budget of time, and the link is paid first.",
    )


def which_breaks_first(luck: Luck) -> Exercise:
    """Ask for the orders that a shop can take under two promises: the smaller of what each allows."""
    work, late = choose(luck, 5, 10) / 1000, choose(luck, 100, 150, 5) / 1000
    products, part = choose(luck, 20, 60, 5), (0.25, 0.35, 1.3, 1.5)[choose(luck, 0, 3)]
    lost = -math.log(1 - PROMISED / 100)
    delay = round(1000 * lost * products * work / part) / 1000

    def solve() -> Solution:
        prompt, fresh = 1 / work - math.log(100) / late, lost * products / delay
        slower, other = sorted((prompt, fresh))
        return Solution(
            slower,
            {
                "That is kept, but the other promise is broken long before.": other,
                "So many the writer can do. How long does each wait then?": 1 / work,
                "So it is for the mean. 99 in 100 are promised.": 1 / work - 1 / late,
            },
        )

    return Exercise(
        question=(
            f"**Exercise 2.** A command is {readable(work)} of work on average, exponential. A change takes "
            f"{readable(delay)}, and the reader need not poll. There are {products} products, and two "
            f"promises: 99 in 100 commands take less than {readable(late)}, and {PROMISED}% of the looks at "
            "most are stale. How many orders a second can this shop take, in the long run?"
        ),
        unit="1/s",
        solve=solve,
        way=(
            "Work out each promise by itself: 1 in 100 takes longer than ln 100/(capacity − load), and a "
            "look is stale with 1 − e^(−λd)."
        ),
        why="Two promises, two limits, and the lower one is the shop's.",
    )


def a_shop_of_ones_own(luck: Luck) -> Exercise:
    """Ask for the stale share of a scenario that the reader writes."""
    seed, products, pace = choose(luck, 1, 9999), choose(luck, 10, 40), choose(luck, 20, 60)
    delay, poll = choose(luck, 20, 50), choose(luck, 100, 300, 10)
    crowds = "\n".join(CROWDS).format(pace=pace)
    keys = {
        "count": f"products.count = {products}",
        "delay": f'link.delay = "{delay}ms"',
        "poll": f'reader.poll = "{poll}ms"',
    }

    def solve() -> Solution:
        def without(left_out: str) -> float:
            return stale("\n".join([crowds, *(text for key, text in keys.items() if key != left_out)]), seed)

        return Solution(
            without(""),
            {
                "Is your reader told how often to look? A key left out has its default: no poll.": without(
                    "poll"
                ),
                "Is your link told how long a change takes? A key left out has its default.": without(
                    "delay"
                ),
                "How many products has your shop? A key left out has its default.": without("count"),
            },
        )

    shown = "` and `".join(crowds.split("\n"))
    return Exercise(
        question=(
            f"**Exercise 3.** Write a scenario: `{shown}`, {products} products, a change takes "
            f"{readable(delay / 1000)}, the reader polls every {readable(poll / 1000)}, and "
            f"`seed = {seed}`. All else is as it comes. Play it once. Which share of the looks is stale?"
        ),
        unit="share",
        solve=solve,
        way="Read it with `parse_scenario`, play it with `sim.run`, and ask `sim.summarise` for the share.",
        why="A scenario is a page of text, and every number in it is yours.",
    )


@cache
def stale(keys: str, seed: int) -> float:
    """Play a scenario of these keys once, and give the share of stale looks."""
    scenario = parse_scenario(f'title = "A shop"\nseed = {seed}\n{keys}')
    return numbers(run(scenario, engine="auto"), [STALE])[STALE]
