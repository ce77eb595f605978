"""The exercises of lesson 6, slow is not far: one at a time, in a line, and out of order."""

from collections.abc import Sequence

from sim.inventory import Change, Stock, fold
from sim.lessons.exercise import Exercise, Luck, Solution, ask, choose
from sim.link import arrives
from sim.scenario import Order
from sim.wording import readable


def exercises(seed: int = 1) -> list[Exercise]:
    """Give the three exercises, with the numbers of a seed."""
    return ask(seed, how_late_the_last_one_is, who_is_held_up, what_is_shown_for_good)


def how_late_the_last_one_is(luck: Luck) -> Exercise:
    """Ask for the lag of the last of many changes, of which one at a time can be under way."""
    every = choose(luck, 30, 60)
    way, changes = every + choose(luck, 5, 40), choose(luck, 40, 200)
    sent = [i * every / 1000 for i in range(changes)]

    def solve() -> Solution:
        out = come_out("serial", sent, [way / 1000] * changes)
        return Solution(
            out[-1] - sent[-1],
            {
                "So it would be if they travelled side by side. Here each waits for all before it.": (
                    way / 1000
                ),
                "That is when it arrives. When was it sent?": out[-1],
                "So long it waits. Then it has its own way to go.": out[-2] - sent[-1],
            },
        )

    return Exercise(
        question=(
            f"**Exercise 1.** One change is sent every {readable(every / 1000)}, the first at 0 s, and the "
            f"way takes {readable(way / 1000)}. Only one can be under way at a time; the others wait. "
            f"{changes} are sent. How late is the last of them?"
        ),
        unit="s",
        solve=solve,
        within=0.001,
        way="How much later than the one before it is each change? What has that come to at the last one?",
        why="Each adds to the delay of all behind it: that is no way, that is work.",
    )


def who_is_held_up(luck: Luck) -> Exercise:
    """Ask for the lag of a fast change behind a slow one, in order."""
    second = choose(luck, 20, 60)
    sent = [0, second, second + choose(luck, 20, 90)]
    ways = [choose(luck, 30, 90), choose(luck, 250, 500, 10), choose(luck, 20, 90)]

    def solve() -> Solution:
        out = come_out("fifo", sent, ways)
        return Solution(
            (out[2] - sent[2]) / 1000,
            {
                "So it would be if it could overtake. Here it may not.": ways[2] / 1000,
                "That is when it can be seen. How long after it was sent is that?": out[2] / 1000,
                "So late is the one before it. This one was sent later.": ways[1] / 1000,
            },
        )

    return Exercise(
        question=(
            f"**Exercise 2.** Three changes are sent at {listed(sent)}, and their ways take {listed(ways)}. "
            "They stay in order: none comes out before the one that was sent before it. How late is the last?"
        ),
        unit="s",
        solve=solve,
        within=0.001,
        way="When does each come out, if nobody is in its way? Who is in whose way?",
        why="In a line, whoever is behind a slow one is as slow, however short its own way.",
    )


def what_is_shown_for_good(luck: Luck) -> Exercise:
    """Ask what the read model holds in the end if the last change to arrive wins."""
    stock, moves = choose(luck, 40, 90), [choose(luck, 3, 9), choose(luck, 11, 19), choose(luck, 21, 35)]
    sent, slow = [0, choose(luck, 20, 60), choose(luck, 70, 120)], choose(luck, 0, 1)
    ways = [choose(luck, 20, 60, 5), choose(luck, 70, 150, 5), choose(luck, 30, 60, 5)]
    ways[slow] = choose(luck, 300, 500, 10)
    after = [stock - moves[0], stock - moves[0] + moves[1], stock - moves[0] + moves[1] - moves[2]]

    def solve() -> Solution:
        out, model = come_out("independent", sent, ways), {1: Stock(stock, 0)}
        for i in sorted(range(3), key=out.__getitem__):
            model[1] = fold(model, Change(1, i + 1, after[i], 0), "arrival")
        return Solution(
            model[1].quantity,
            {
                "That is what the write model holds. Which change is the last to arrive?": after[2],
                "Look once more which of them arrives last.": after[1 - slow],
            },
        )

    return Exercise(
        question=(
            f"**Exercise 3.** There are {stock} items. At {listed(sent)} a command removes {moves[0]}, one "
            f"adds {moves[1]}, and one removes {moves[2]}. Each sends the new stock on its way, and the ways "
            f"take {listed(ways)}. They may overtake each other, and the last to arrive wins. What does the "
            "read model say in the end?"
        ),
        unit="1",
        solve=solve,
        within=0,
        way="Write down the new stock that each of them sends, and when it arrives.",
        why="Nobody will ever correct it, until that product is changed again.",
    )


def come_out(order: Order, sent: Sequence[float], ways: Sequence[float]) -> list[float]:
    """Say when each change comes out that is sent at these instants, over ways that take so long."""
    out = [0.0]
    for now, way in zip(sent, ways, strict=True):
        out.append(arrives(order, now, way, out[-1]))
    return out[1:]


def listed(times: list[int]) -> str:
    """Write times in milliseconds, one after the other."""
    *most, last = (readable(time / 1000) for time in times)
    return f"{', '.join(most)} and {last}"
