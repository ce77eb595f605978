import os
import subprocess
import sys
import threading
from contextlib import suppress
from functools import partial

import pytest
import trio
from trio._core import _run as trio_run

import sim
from sim.channels import Receiver, Sender, open_channel
from sim.clock import Clock, Stuck, draws, run, stream, take
from sim.distributions import Exponential, Gamma, Lognormal, Mixture, Pareto, Uniform

Ends = tuple[Sender[str], Receiver[str]]


def test_time_jumps_from_one_entry_of_the_agenda_to_the_next() -> None:
    """A thousand virtual seconds pass between two lines, and none in reality."""

    async def main(clock: Clock) -> list[float]:
        await clock.sleep(1000)
        return [clock.now, trio.current_time()]

    assert run(main) == [1000.0, 1000.0]


def test_what_is_due_together_comes_in_the_order_in_which_it_was_arranged() -> None:
    """Tasks, calls and trio's own sleeps that end at one instant never swap places."""
    came: list[str] = []

    async def sleeper(clock: Clock, name: str) -> None:
        await clock.sleep(1)
        came.append(name)

    async def trio_sleeper(name: str) -> None:
        await trio.sleep(2)
        came.append(name)

    async def main(clock: Clock) -> None:
        clock.call_at(1, came.append, "call")
        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(sleeper, clock, f"sleeper {number}")
            for number in range(20):
                nursery.start_soon(trio_sleeper, f"trio's {number}")

    run(main)
    assert came == ["call"] + [f"sleeper {n}" for n in range(20)] + [f"trio's {n}" for n in range(20)]


def test_an_instant_that_has_come_is_not_waited_for() -> None:
    """Sleeping until now, or for nothing, lets nobody else in between."""
    came: list[str] = []

    async def other() -> None:
        came.append("other")

    async def main(clock: Clock) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(other)
            await clock.sleep(0)
            await clock.sleep_until(-1)
            came.append("main")

    run(main)
    assert came == ["main", "other"]


def test_trios_own_sleeps_and_timeouts_run_on_virtual_time() -> None:
    """trio.sleep, move_on_after and the agenda share one time."""

    async def main(clock: Clock) -> tuple[bool, float, float]:
        with trio.move_on_after(5) as scope:
            await clock.sleep(100)
        gave_up = clock.now
        await trio.sleep(1)
        return scope.cancelled_caught, gave_up, clock.now

    assert run(main) == (True, 5.0, 6.0)


def test_who_gave_up_one_sleep_is_woken_by_the_next_alone() -> None:
    """At the end of the one that was given up, the second goes on."""

    async def main(clock: Clock) -> float:
        with trio.move_on_after(1):
            await clock.sleep_until(5)
        await clock.sleep_until(10)
        return clock.now

    assert run(main) == 10


def test_time_does_not_run_on_to_what_was_given_up() -> None:
    """A cancelled sleep leaves no trace on the agenda: the run ends when its last event does."""

    async def main(clock: Clock) -> float:
        with trio.move_on_after(1):
            await clock.sleep(50)
        await clock.sleep(1)
        return clock.now

    assert run(main) == 2.0


def test_a_deadlock_ends_with_a_message_that_names_who_waits_for_whom() -> None:
    """Two actors that each wait for the other's message are both named, and so are the channels."""

    async def main(clock: Clock) -> None:
        questions: Ends = open_channel("the questions", sender="Ann", receiver="Ben", capacity=0)
        answers: Ends = open_channel("the answers", sender="Ben", receiver="Ann")
        (questions_in, questions_out), (answers_in, answers_out) = questions, answers

        async def ann() -> None:
            async with questions_in, answers_out:
                async for _ in answers_out:
                    await questions_in.send("why?")

        async def ben() -> None:
            async with answers_in, questions_out:
                async for _ in questions_out:
                    await answers_in.send("because")

        await clock.sleep(2.5)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ann, name="Ann")
            nursery.start_soon(ben, name="Ben")

    with pytest.raises(Stuck) as stuck:
        run(main)
    assert str(stuck.value).splitlines() == [
        "deadlock at 2.500 s: nobody can go on",
        "  Ann waits to receive from the answers, which Ben should fill",
        "  Ben waits to receive from the questions, which Ann should fill",
    ]


def test_a_deadlock_outside_any_channel_is_told_by_its_line() -> None:
    """Whoever waits for something else is named with the function in which it stands."""

    async def hopeful() -> None:
        await trio.sleep_forever()

    async def main(_: Clock) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hopeful, name="Vladimir")

    with pytest.raises(Stuck, match=r"Vladimir waits in hopeful, line \d+, for something that nobody"):
        run(main)


def test_a_run_that_goes_on_for_ever_ends_at_its_limit() -> None:
    """Virtual time has an end, so that a loop that only sleeps has one too."""

    async def main(clock: Clock) -> None:
        while True:
            await clock.sleep(1)

    with pytest.raises(Stuck, match=r"not done by 100 s, the limit of virtual time, at 100\.000 s"):
        run(main, Clock(limit=100))


def test_an_error_in_an_actor_comes_out_of_the_run() -> None:
    """What a task raises is not swallowed by the clock."""

    async def main(clock: Clock) -> None:
        await clock.sleep(1)
        raise ValueError("oh")

    with pytest.raises(ValueError, match=r"^oh$"):
        run(main)


def test_trios_dice_are_as_they_were_after_a_run() -> None:
    """Neither the object nor its state has changed, after a run that ended well or badly."""

    async def good(clock: Clock) -> None:
        await clock.sleep(1)

    async def bad(_: Clock) -> None:
        raise ValueError

    before = (trio_run._r, trio_run._r.getstate(), trio_run._ALLOW_DETERMINISTIC_SCHEDULING)
    run(good)
    with pytest.raises(ValueError):  # noqa: PT011 - any will do
        run(bad)
    assert (trio_run._r, trio_run._r.getstate(), trio_run._ALLOW_DETERMINISTIC_SCHEDULING) == before


def test_trio_still_takes_its_order_from_the_dice_that_we_replace() -> None:
    """A guard: if trio schedules otherwise one day, tasks no longer run in the order they became ready."""

    async def main(clock: Clock) -> list[int]:
        came: list[int] = []

        async def note(number: int) -> None:
            for _ in range(3):
                await trio.lowlevel.checkpoint()
                came.append(number)

        async with trio.open_nursery() as nursery:
            for number in range(50):
                nursery.start_soon(note, number)
        return came

    assert run(main) == [*range(50)] * 3


async def busy(events: list[str], clock: Clock) -> None:
    """Do all that tasks do: sleep, give way, be cancelled, fail, wait for each other."""

    async def one(name: str, steps: int) -> None:
        for step in range(steps):
            await clock.sleep(0.5)
            events.append(f"{clock.now} {name} {step}")
            await trio.lowlevel.checkpoint()
            events.append(f"{clock.now} {name} gave way")
        if name == "b":
            raise ValueError(name)

    with suppress(ExceptionGroup):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(one, "a", 9)
            nursery.start_soon(one, "b", 3)
            with trio.move_on_after(1.0) as scope:
                await trio.sleep(5)
            events.append(f"{clock.now} cancelled {scope.cancelled_caught}")
            await one("c", 9)
    events.append(f"{clock.now} over")


def test_the_clock_steps_tasks_as_trios_own_loop_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one jump at a time trio's loop does all the stepping: the same events, in the same order."""
    ours: list[str] = []
    run(partial(busy, ours))
    fingerprint = sim.run("flash-sale", settings={"duration": "3s", "warmup": "0s"}).fingerprint
    monkeypatch.setattr("sim.clock.ROUNDS", 1)
    trios: list[str] = []
    run(partial(busy, trios))
    assert ours == trios
    assert {"1.0 cancelled True", "1.5 b 2", "1.5 over"} <= set(ours)
    assert sim.run("flash-sale", settings={"duration": "3s", "warmup": "0s"}).fingerprint == fingerprint


def test_runs_in_two_threads_do_not_disturb_each_other() -> None:
    """Each keeps its order to the end, whichever ends first, and trio's dice come back."""
    dice = trio_run._r
    orders: list[list[int]] = []

    async def main(clock: Clock) -> None:
        came: list[int] = []

        async def note(number: int) -> None:
            for _ in range(20):
                await trio.lowlevel.checkpoint()
            came.append(number)

        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(note, number)
        orders.append(came)

    threads = [threading.Thread(target=run, args=(main,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert orders == [[*range(20)]] * 4
    assert trio_run._r is dice


def test_a_stream_belongs_to_its_seed_replication_and_name() -> None:
    """The same three give the same numbers; any other gives others."""

    def first(*key: object) -> float:
        return stream(*key).random()  # type: ignore[arg-type]

    one = (1, 0, "writer", "service")
    others = [
        (2, 0, "writer", "service"),
        (1, 1, "writer", "service"),
        (1, 0, "link", "delay"),
        (1, 0, "writer"),
    ]
    assert first(*one) == first(*one)
    assert len({first(*key) for key in [one, *others]}) == 5


@pytest.mark.parametrize(
    "distribution",
    [
        Uniform(1, 2),
        Exponential(1),
        Lognormal(1, 5),
        Gamma(1, 0.5),
        Pareto(1, 2.5),
        Mixture(((0.3, Exponential(1)), (0.7, Pareto(1, 3)))),
    ],
)
@pytest.mark.parametrize("n", [0, 1, 16, 17, 5000])
def test_an_array_of_draws_is_the_draws_one_by_one(distribution: Exponential, n: int) -> None:
    """`take` and `draws` consume a stream alike, so that every engine has the same luck."""
    one_by_one = draws(distribution.draw, stream(3, 0, "x"))
    assert take(distribution.draw, stream(3, 0, "x"), n).tolist() == [next(one_by_one) for _ in range(n)]


def test_ctrl_c_comes_out_as_itself(tmp_path: object) -> None:
    """SIGINT in the middle of a busy run ends it with KeyboardInterrupt, within a second."""
    code = (
        "import os, signal, threading\n"
        "from sim.clock import run\n"
        "async def main(clock):\n"
        "    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "    while True:\n"
        "        await clock.sleep(1)\n"
        "try:\n"
        "    run(main)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    env = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, env=env)
    assert (done.stdout, done.stderr) == ("interrupted\n", "")
