"""The exercises of lesson 1, the warehouse: two models, and a way between them."""

from collections.abc import Iterable

from sim.durations import duration_text
from sim.engines import run
from sim.lessons.exercise import Exercise, Luck, Solution, ask, choose
from sim.trace import Trace
from sim.wording import readable

Step = tuple[float, str, int]  # when, what, how many


def exercises(seed: int = 1) -> list[Exercise]:
    """Give the three exercises, with the numbers of a seed."""
    return ask(seed, what_is_shown, when_it_is_shown, what_can_be_had)


def what_is_shown(luck: Luck) -> Exercise:
    """Ask what the read model says while changes are under way."""
    first, less, more = choose(luck, 20, 60), choose(luck, 3, 9), choose(luck, 11, 19)
    late = choose(luck, 300, 900, 50)
    delay, asked = late / 1000, (2400 + choose(luck, 21, late - 29, 10)) / 1000
    steps = [(0.0, "add", first), (2.0, "remove", less), (2.4, "add", more), (asked, "query", 1)]

    def solve() -> Solution:
        trace = tell(steps, delay)
        after = trace.changes["quantity_after"].to_list()
        shown = int(trace.queries["seen_quantity"][0])
        return Solution(
            shown,
            {
                "That is what the write model holds by then. Which changes have arrived?": after[2],
                "Look at the removal once more: when was it sent, and when does it arrive?": (
                    after[1] if shown == after[0] else after[0]
                ),
            },
        )

    return Exercise(
        question=(
            f"**Exercise 1.** {first} items are added at 0 s, {less} are removed at 2 s, {more} are added at "
            f"2.4 s. A change takes {readable(delay)} to travel. What does the read model say at "
            f"{readable(asked, 4)}?"
        ),
        unit="1",
        solve=solve,
        within=0,
        way="Write down for each of the three changes when it was sent, and when it arrives.",
        why="The read model shows what has arrived, whatever has been committed since.",
    )


def when_it_is_shown(luck: Luck) -> Exercise:
    """Ask at which instant a command's effect can first be seen."""
    sent = choose(luck, 1000, 3000, 100) / 1000
    work, delay = choose(luck, 110, 290, 10) / 1000, choose(luck, 320, 980, 20) / 1000

    def solve() -> Solution:
        trace = tell([(sent, "add", 10)], delay, work)
        return Solution(
            float(trace.changes["visible"][0]),
            {
                "The change is not sent before the writer has done its work.": sent + delay,
                "The answer is there then, and the change is still under way.": sent + work,
                "That is how long it takes. At which instant does the clock stand then?": work + delay,
                "That is the link alone, and not yet an instant on the clock.": delay,
            },
        )

    return Exercise(
        question=(
            f"**Exercise 2.** A command is sent at {readable(sent)}. The writer works on it for "
            f"{readable(work)}, and the change travels for {readable(delay)}. At which instant does the read "
            "model first show it?"
        ),
        unit="s",
        solve=solve,
        within=0.001,
        way="Go along with the command: the writer first, the link after it, the reader at once.",
        why="The writer's work and the way of the change come one after the other.",
    )


def what_can_be_had(luck: Luck) -> Exercise:
    """Ask how much the write model would give away while the read model shows more."""
    first, less = choose(luck, 40, 90), choose(luck, 5, 18)
    delay, later = choose(luck, 600, 1800, 100) / 1000, choose(luck, 100, 500, 50) / 1000
    asked = 3 + later

    def solve() -> Solution:
        trace = tell([(0.0, "add", first), (3.0, "remove", less), (asked, "query", 1)], delay)
        return Solution(
            int(trace.changes["quantity_after"][1]),
            {
                "That is what the read model shows. Who decides about a command?": int(
                    trace.queries["seen_quantity"][0]
                ),
                "So many have been removed. How many are left?": less,
            },
        )

    return Exercise(
        question=(
            f"**Exercise 3.** {first} items are added at 0 s, {less} are removed at 3 s, and a change takes "
            f"{readable(delay)} to travel. How many items at most can a command remove at {readable(asked)}, "
            "and be accepted?"
        ),
        unit="1",
        solve=solve,
        within=0,
        way="A command is decided by the write model alone. What does it hold at that instant?",
        why="The write model decides, and it is never behind itself.",
    )


def tell(steps: Iterable[Step], delay: float, work: float = 0.0) -> Trace:
    """Play the story with other steps, over another link, by another writer."""
    script = ", ".join(
        f'{{at = "{duration_text(at)}", do = "{do}", product = 1, quantity = {quantity}}}'
        for at, do, quantity in steps
    )
    settings = {
        "steps": f"[{script}]",
        "link.delay": duration_text(delay),
        "writer.service": duration_text(work),
    }
    return run("story", settings=settings)
