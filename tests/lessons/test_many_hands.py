"""What is right is worked out here from the numbers in the question, and from nothing else."""

import pytest

import sim
from sim.lessons.many_hands import exercises
from tests.lessons.reading import numbers, seconds

SEEDS = range(10)


@pytest.mark.parametrize("seed", SEEDS)
def test_of_all_who_read_in_one_instant_one_is_left(seed: int) -> None:
    """All write the same; the sum of all is refused."""
    exercise = exercises(seed)[0]
    stock, clerks, _, quantity = numbers(exercise.question)
    assert exercise.check(stock + quantity).right
    for wrong in (stock + clerks * quantity, clerks * quantity, stock):
        assert not exercise.check(wrong).right


@pytest.mark.parametrize("seed", SEEDS)
def test_the_last_in_line_is_done_after_the_work_of_all(seed: int) -> None:
    """Its wait alone is refused, and so are milliseconds without a unit."""
    exercise = exercises(seed)[1]
    clerks, _ = numbers(exercise.question)
    [work] = seconds(exercise.question)
    assert exercise.check(clerks * work).right
    for wrong in ((clerks - 1) * work, work, (clerks + 1) * work / 2, 1000 * clerks * work):
        assert not exercise.check(wrong).right


@pytest.mark.parametrize("seed", SEEDS)
def test_the_share_that_is_lost_is_r_over_one_and_r(seed: int) -> None:
    """In the long run; r itself is refused, and what is kept, and the percentage without its sign."""
    exercise = exercises(seed)[2]
    _, rate, products = numbers(exercise.question)
    [work] = seconds(exercise.question)
    r = rate / products * work
    assert exercise.check(r / (1 + r)).right
    assert exercise.check(f"{100 * r / (1 + r):.1f}%").right
    for wrong in (r, 1 / (1 + r), rate * work / (1 + rate * work), 100 * r / (1 + r)):
        assert not exercise.check(wrong).right


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_whoever_plays_it_instead_is_right_as_well(seed: int) -> None:
    """Ten minutes of it stray from the long run by less than the checker allows."""
    exercise = exercises(seed)[2]
    _, rate, products = numbers(exercise.question)
    [work] = seconds(exercise.question)
    settings = {
        "duration": "10min",
        "workers.pace": f"poisson({rate:g}/s)",
        "products.count": f"{products:g}",
        "writer.service": f"exponential({1000 * work:g}ms)",
    }
    trace = sim.run("lost-updates", settings=settings)
    assert exercise.check(sim.summarise(trace).value("lost_updates") / len(trace.commands)).right
