"""The exercises of lesson 7, things go wrong: what is shown, what is wrong for ever, what is never sent."""

from sim.inventory import Change, Stock, fold
from sim.lessons.exercise import Exercise, Luck, Solution, ask, choose
from sim.wording import readable


def exercises(seed: int = 1) -> list[Exercise]:
    """Give the three exercises, with the numbers of a seed."""
    return ask(seed, what_is_shown, how_many_stay_wrong, how_often_it_is_never_sent)


def what_is_shown(luck: Luck) -> Exercise:
    """Ask what a reader shows that adds differences, of which one came twice and one never."""
    first, less = choose(luck, 30, 95), choose(luck, 3, 9)
    lost, last = choose(luck, 11, 19), choose(luck, 21, 29)
    moves = [first, -less, lost, last]

    def solve() -> Solution:
        return Solution(
            shown(moves, [1, 2, 2, 4]),
            {
                "That is what the write model holds. What has reached the reader, and how often?": (
                    shown(moves, [1, 2, 3, 4])
                ),
                "One of them never came.": shown(moves, [1, 2, 2, 3, 4]),
                "One of them came twice, and this reader adds whatever comes.": shown(moves, [1, 2, 4]),
            },
        )

    return Exercise(
        question=(
            f"**Exercise 1.** Of a product of which there is none, {first} items are added, then {less} are "
            f"removed, then {lost} are added, then {last} are added. The reader adds up differences. The "
            "second change comes twice, the third never. What does the reader show in the end?"
        ),
        unit="1",
        solve=solve,
        within=0,
        way="Write down the differences that have reached the reader, one below the other, and add them up.",
        why="Whoever adds up differences is right only if each comes once.",
    )


def how_many_stay_wrong(luck: Luck) -> Exercise:
    """Ask of how many products the last change is lost; all others heal."""
    products, each, percent = choose(luck, 150, 600, 10), choose(luck, 15, 40), choose(luck, 2, 5)
    loss = percent / 100

    def solve() -> Solution:
        return Solution(
            products * loss,
            {
                "That is how many changes are lost. What does the next change of that product do?": (
                    products * each * loss
                ),
                "So it would be if differences were added up. Here what travels is the new state.": (
                    products * (1 - (1 - loss) ** each)
                ),
            },
        )

    return Exercise(
        question=(
            f"**Exercise 2.** Each of {products} products changes {each} times, and {percent}% of the "
            "changes are lost for good. What travels is the new state, and the newest wins. Of how many "
            "products is the read model wrong in the end, on average?"
        ),
        unit="1",
        solve=solve,
        way="Which of a product's changes must be lost, so that it is wrong in the end?",
        why="Any change but the last one is healed by the next.",
    )


def how_often_it_is_never_sent(luck: Luck) -> Exercise:
    """Ask for the share of crashes that hit between commit and send: rate times the time in between."""
    rate = choose(luck, 10, 19)
    service, publish = choose(luck, 7, 10) / 1000, choose(luck, 120, 150, 5) / 10_000

    def solve() -> Solution:
        return Solution(
            rate * publish,
            {
                "So it would be if the writer never had a moment to spare.": publish / (service + publish),
                "That is how busy it is. A crash before the commit leaves no change behind.": (
                    rate * (service + publish)
                ),
                "Before the commit there is nothing to send.": rate * service,
            },
        )

    return Exercise(
        question=(
            f"**Exercise 3.** {rate} commands a second come to a writer without an outbox. On each it works "
            f"for {readable(service)}, commits, and takes {readable(publish)} more to send the change. "
            "It crashes at some instant, whatever it is doing. With what probability is a change committed "
            "and never sent?"
        ),
        unit="share",
        solve=solve,
        way="For how much of each second is there a change that is committed and not yet sent?",
        why="The less time lies between commit and send, the less often it happens; never takes an outbox.",
    )


def shown(moves: list[int], arrived: list[int]) -> int:
    """Say what a reader shows that has added what arrived: the numbers of some moves, the first one is 1."""
    stock = Stock()
    for version in arrived:
        stock = fold({1: stock}, Change(1, version, sum(moves[:version]), moves[version - 1]), "delta")
    return stock.quantity
