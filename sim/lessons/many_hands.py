"""The exercises of lesson 2, many hands: lost updates, a line at a lock, what is lost in the long run."""

from sim.durations import duration_text
from sim.engines import run
from sim.lessons.exercise import Exercise, Luck, Solution, ask, choose
from sim.trace import Trace
from sim.wording import readable


def exercises(seed: int = 1) -> list[Exercise]:
    """Give the three exercises, with the numbers of a seed."""
    return ask(seed, what_is_left, the_last_in_line, how_much_is_lost)


def what_is_left(luck: Luck) -> Exercise:
    """Ask for the stock after all have read in one instant, and written back."""
    clerks, stock, quantity = choose(luck, 4, 12), choose(luck, 120, 180), choose(luck, 2, 9)

    def solve() -> Solution:
        trace = in_step("unsafe", clerks, 0.1, stock, quantity)
        return Solution(
            int(trace.models["held"][0]),
            {
                "So many would be there if each had seen what the one before it wrote.": stock
                + clerks * quantity,
                "So many were added, by their own account. What was there before, and who knew of whom?": (
                    clerks * quantity
                ),
                "That is what each of them read. What does the last one write?": stock,
            },
        )

    return Exercise(
        question=(
            f"**Exercise 1.** There are {stock} bolts on the shelf. {clerks} clerks read that in the same "
            f"instant, work for 100 ms, and each writes back what it has read plus {quantity}. How many are "
            "on the shelf in the end?"
        ),
        unit="1",
        solve=solve,
        within=0,
        way="Write down what one of them reads and what it writes; then the next one.",
        why="All of them write the same number, and each wipes out the one before it.",
    )


def the_last_in_line(luck: Luck) -> Exercise:
    """Ask how long the last one takes at a lock to which all come at once."""
    clerks, work = choose(luck, 5, 15), choose(luck, 15, 60) / 1000

    def solve() -> Solution:
        commands = in_step("locked", clerks, work).commands
        return Solution(
            float((commands["finished"] - commands["intended"]).to_numpy().max()),
            {
                "That is how long it waits. Then it has its own work to do.": (clerks - 1) * work,
                "So long it takes if nobody else is there.": work,
                "That is the average of all of them. The last one?": (clerks + 1) * work / 2,
            },
        )

    return Exercise(
        question=(
            f"**Exercise 2.** {clerks} clerks come to the lock in the same instant, and each works for "
            f"{readable(work)} while it holds it. After how long is the last of them done?"
        ),
        unit="s",
        solve=solve,
        within=0.01,
        way="While one works, all others wait. How many have worked when the last one is done?",
        why="One at a time: what all of them do together lasts as long as all of it one after the other.",
    )


def how_much_is_lost(luck: Luck) -> Exercise:
    """Ask for the share of lost updates in the long run."""
    rate, products, work = choose(luck, 60, 90), choose(luck, 3, 4), choose(luck, 14, 17) / 1000
    one, all_together = rate / products * work, rate * work

    def solve() -> Solution:
        return Solution(
            one / (1 + one),
            {
                "That is r, how many others write while one works. Some of those are lost themselves.": one,
                "Only those who write the same product are in each other's way.": (
                    all_together / (1 + all_together)
                ),
            },
        )

    return Exercise(
        question=(
            f"**Exercise 3.** Everybody reads, works for {readable(work)} on average, and writes back. "
            f"{rate} commands a second come, spread evenly over {products} products. Which share of the "
            "updates is lost in the long run? Work it out, or play `lost-updates` so for ten minutes."
        ),
        unit="share",
        solve=solve,
        within=0.05,
        way="How many others write the same product while one works? Of that r, the share is r/(1 + r).",
        why="The longer the work and the busier the product, the more is wiped out.",
    )


def in_step(architecture: str, clerks: int, work: float, stock: int = 0, quantity: int = 1) -> Trace:
    """Play clerks who all begin in the same instant, once each."""
    settings = {
        "architecture": architecture,
        "duration": "1.01s",
        "products.count": "1",
        "products.stock": str(stock),
        "workers": f'[{{name = "clerks", count = {clerks}, think = "1s", quantity = "{quantity}"}}]',
        "queries": "[]",
        "writer.service": duration_text(work),
    }
    return run("lost-updates", settings=settings)
