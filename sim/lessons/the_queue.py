"""The exercises of lesson 4, the queue: room for a load, a closed loop, and whom a tester leaves out."""

from sim.lessons.exercise import Exercise, Luck, Solution, ask, choose
from sim.wording import count, readable


def exercises(seed: int = 1) -> list[Exercise]:
    """Give the three exercises, with the numbers of a seed."""
    return ask(seed, how_many_may_come, how_long_a_circle_waits, how_many_were_due)


def how_many_may_come(luck: Luck) -> Exercise:
    """Ask for the load at which the mean time keeps to a limit: λ = μ − 1/T, an M/M/1 queue."""
    work = choose(luck, 5, 20) / 1000
    limit = work * choose(luck, 3, 6)
    capacity = 1 / work

    def solve() -> Solution:
        return Solution(
            capacity - 1 / limit,
            {
                "That is as many as it can do. At such a load the queue has no end.": capacity,
                "That is the share of the capacity. How many commands a second is it?": 1 - work / limit,
                "Then the waiting alone takes so long. The work comes on top of it.": (
                    limit * capacity**2 / (1 + limit * capacity)
                ),
                "So much must be left free. How many may come?": 1 / limit,
            },
        )

    return Exercise(
        question=(
            f"**Exercise 1.** The writer works on a command for {readable(work)} on average, by chance more "
            "or less, and commands come by chance. From when it comes until it is done, a command shall take "
            f"{readable(limit)} on average, and no more. How many may come in a second?"
        ),
        unit="1/s",
        solve=solve,
        within=0.01,
        way="It takes 1/(capacity − load), all three counted in seconds. Which load makes that the limit?",
        why="What is left free decides how long it takes, and not how much is done.",
    )


def how_long_a_circle_waits(luck: Luck) -> Exercise:
    """Ask for the time of a command in a closed loop that is too much for the writer: N·S − Z."""
    people, work = choose(luck, 12, 40), choose(luck, 10, 30) / 1000
    think = round(people * work * choose(luck, 20, 60) / 100, 2)

    def solve() -> Solution:
        return Solution(
            people * work - think,
            {
                "So long it takes until all have had their turn. For a part of that one thinks.": (
                    people * work
                ),
                "So long it takes if nobody else is there.": work,
                "That is how long the others take. Are all of them in the queue?": (people - 1) * work,
            },
        )

    return Exercise(
        question=(
            f"**Exercise 2.** {people} people go round in a circle: each sends a command, waits for the "
            f"answer, thinks for {readable(think)}, and sends the next. A command is {readable(work)} of "
            "work, always. The writer never rests. When all have found their places, how long does each wait "
            "for an answer?"
        ),
        unit="s",
        solve=solve,
        within=0.005,
        way="How long does it take until everybody has had one turn? What does one do in that time?",
        why="In a closed loop no more can wait than there are people, however fast they would like to be.",
    )


def how_many_were_due(luck: Luck) -> Exercise:
    """Ask for the share of commands that waited long, if those that were due are counted."""
    every = choose(luck, 4, 10) / 1000
    length, still = choose(luck, 60, 240, 5), choose(luck, 11, 20)
    long = choose(luck, 2, 5)

    def solve() -> Solution:
        return Solution(
            (still - long) / length,
            {
                "So many were due while it stood still. The last of them hardly waited.": still / length,
                "That is what a tester reports who waits for each answer: one command.": every / length,
                "So many had a shorter wait than that.": long / length,
            },
        )

    return Exercise(
        question=(
            f"**Exercise 3.** For {count(length, 'second')} one command is due every {readable(every)}. "
            f"Work takes next to no time, but once the writer stands still for {readable(still)}, and then "
            f"does at once whatever is due. Which share of all the commands took more than {readable(long)}?"
        ),
        unit="share",
        solve=solve,
        way="Whatever was due early in the standstill waited for nearly all of it, the last hardly at all.",
        why="One slow answer stands for all the commands that nobody sent meanwhile.",
    )
