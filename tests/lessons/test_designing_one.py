"""What is right is worked out here from the numbers in the question, and from nothing else."""

import math
import re

import pytest

import sim
from sim.lessons.designing_one import exercises
from sim.scenario_file import parse_scenario
from tests.lessons.reading import numbers, seconds

SEEDS = range(10)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_poll_gets_what_the_link_leaves(seed: int) -> None:
    """Put back into the rule it gives the promised share; half of it, and all of the budget, are refused."""
    exercise = exercises(seed)[0]
    products, rate, _, share = numbers(exercise.question)
    [delay] = seconds(exercise.question)
    budget = math.log(100 / (100 - share)) / (rate / products)
    poll = 2 * (budget - delay)
    assert poll > 0.03
    assert 1 - math.exp(-rate / products * (delay + poll / 2)) == pytest.approx(share / 100)
    assert exercise.check(poll).right
    assert exercise.check(f"{1000 * poll:.1f}ms").right
    for wrong in (poll / 2, budget, 2 * budget, poll + delay, 1000 * poll):
        assert not exercise.check(wrong).right


@pytest.mark.parametrize("seed", SEEDS)
def test_the_promise_that_breaks_first_is_the_limit(seed: int) -> None:
    """At the limit one of the two is just kept and the other is; the other's limit is refused."""
    exercise = exercises(seed)[1]
    work, delay, late = seconds(exercise.question)
    products = float(re.findall(r"(\d+) products", exercise.question)[0])
    prompt, fresh = 1 / work + math.log(0.01) / late, products * math.log(1 / 0.9) / delay
    limit = min(prompt, fresh)
    assert exercise.check(limit).right
    for wrong in (max(prompt, fresh), (prompt + fresh) / 2, 1 / work, 1 / work - 1 / late):
        assert not exercise.check(wrong).right


def test_each_of_the_two_promises_breaks_first_for_some() -> None:
    """Who always answers with the same one is wrong now and then."""
    told = [exercises(seed)[1] for seed in SEEDS]
    times = [seconds(one.question) for one in told]
    alone = [1 / work - math.log(100) / late for work, _, late in times]
    assert {one.check(limit).right for one, limit in zip(told, alone, strict=True)} == {True, False}


@pytest.mark.parametrize("seed", range(3))
def test_the_share_is_that_of_a_scenario_written_as_it_is_told(seed: int) -> None:
    """Written anew in tables, played by the actors; without the poll it is refused."""
    exercise = exercises(seed)[2]
    crowds = "\n".join(re.findall(r"`(\w+ = \[.*?\])`", exercise.question))
    products = re.findall(r"(\d+) products", exercise.question)[0]
    delay, poll = (f"{time}s" for time in seconds(exercise.question))
    luck = re.findall(r"`(seed = \d+)`", exercise.question)[0]
    text = f'title = "Mine"\n{luck}\n{crowds}\n[products]\ncount = {products}\n[link]\ndelay = "{delay}"'
    shop = parse_scenario(f'{text}\n[reader]\npoll = "{poll}"')
    share = sim.summarise(sim.run(shop)).value("stale_read_fraction")
    assert exercise.check(share).right
    assert exercise.check(f"{100 * share:.2f}%").right
    eager = sim.summarise(sim.run(parse_scenario(text), engine="auto")).value("stale_read_fraction")
    for wrong in (eager, 100 * share, 1 - share, share / 2):
        assert not exercise.check(wrong).right
