"""The exercises of lesson 5, pushing back: who is held up, what must be shed, how large a channel may be."""

from sim.lessons.exercise import Exercise, Luck, Solution, ask, choose
from sim.wording import readable


def exercises(seed: int = 1) -> list[Exercise]:
    """Give the three exercises, with the numbers of a seed."""
    return ask(seed, who_is_held_up, what_must_be_shed, how_large_it_may_be)


def who_is_held_up(luck: Luck) -> Exercise:
    """Ask for the share of senders who find the channel full: ρ^(places + 1), an M/M/1 queue."""
    work = choose(luck, 4, 6)
    rate = choose(luck, 500, 720, 20) // work
    places = choose(luck, 4, 6)
    load = rate * work / 1000

    def solve() -> Solution:
        return Solution(
            load ** (places + 1),
            {
                "So many find the writer busy. That is not yet a full channel.": load,
                "Nearly: the command that the writer has in its hands stands in no place.": load**places,
            },
        )

    return Exercise(
        question=(
            f"**Exercise 1.** {rate} commands a second come by chance, and each is {readable(work / 1000)} "
            f"of work on average, by chance more or less. The channel has {places} places, and who finds it "
            "full waits. Which share of the senders has to?"
        ),
        unit="share",
        solve=solve,
        within=0.05,
        way="Each further place is needed by a share of those who needed the one before it. By which share?",
        why="Against chance, every further place helps as much as the one before it: by a constant factor.",
    )


def what_must_be_shed(luck: Luck) -> Exercise:
    """Ask for the share that a channel of any size has to shed in the long run: 1 − μ/λ."""
    work = choose(luck, 4, 10)
    rate = round(10 * choose(luck, 115, 150) / work)
    capacity = 1000 / work

    def solve() -> Solution:
        return Solution(
            1 - capacity / rate,
            {
                "Of those that can be done, that is. And of those who come?": rate / capacity - 1,
                "For a while, yes. But even the largest channel is full one day.": 0.0,
            },
        )

    return Exercise(
        question=(
            f"**Exercise 2.** {rate} commands a second come, each is {readable(work / 1000)} of work on "
            "average, and a full channel sheds. You may make it as large as you like. Which share is shed in "
            "the long run, at the least?"
        ),
        unit="share",
        solve=solve,
        way="How many can the writer do in a second, if it never rests? What becomes of all the others?",
        why="A channel can put off what is too much; it cannot do it.",
    )


def how_large_it_may_be(luck: Luck) -> Exercise:
    """Ask for the places that a promise allows: who gets the last of c waits (c + 1)·S at most."""
    work, rounds = 2 * choose(luck, 2, 12), choose(luck, 8, 99)
    promise = work * rounds + work // 2

    def solve() -> Solution:
        return Solution(
            rounds - 1,
            {
                "One less: somebody is in the writer's hands, and stands in no place.": rounds,
                "One more would do: whose work have you counted twice?": rounds - 2,
            },
        )

    return Exercise(
        question=(
            f"**Exercise 3.** A command is {readable(work / 1000)} of work, always, and a full channel "
            f"sheds. Whoever gets in shall be answered within {readable(promise / 1000, 5)}, however many "
            "come. How many places may the channel have at the most?"
        ),
        unit="1",
        solve=solve,
        within=0,
        way="Take whoever gets the last place: how many are before it, and whose work is still to be done?",
        why="The places are a promise: so long, and no longer, for whoever gets one.",
    )
