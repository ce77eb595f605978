"""The checker, with a question of its own; and what must hold for every exercise of every lesson."""

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import sim.lessons
from sim.lessons.exercise import HINTS, Exercise, Solution

FRAME = {"__init__", "amount", "display", "exercise", "guess", "slider"}
LESSONS = sorted({path.stem for path in Path(sim.lessons.__path__[0]).glob("*.py")} - FRAME)
SEEDS = range(20)
MILLI, THOUSANDTH, PERCENT = HINTS["s"][1000.0], HINTS["s"][0.001], HINTS["share"][100.0]

EXERCISES = [(lesson, number) for lesson in LESSONS for number in (1, 2, 3)]


def of(lesson: str, number: int) -> Callable[[int], Exercise]:
    """Give an exercise of a lesson for any seed."""
    exercises = import_module(f"sim.lessons.{lesson}").exercises
    return lambda seed: exercises(seed)[number - 1]


def made_up(unit: Any, value: float, **ways: Any) -> Exercise:
    """Ask something of which the answer is known here."""
    slips = {"That is the other one.": 3 * value}
    return Exercise(
        "How much?", unit, lambda: Solution(value, slips), way="Look again.", why="So it is.", **ways
    )


@pytest.mark.parametrize(
    ("unit", "answer", "said"),
    [
        ("s", 0.2, "Right, 200 ms. So it is."),
        ("s", "200ms", "Right, 200 ms. So it is."),
        ("s", "201 ms", "Right, 201 ms. So it is."),
        ("s", "205ms", "Not yet. Look again."),
        ("s", "0.6s", "Not yet. That is the other one."),
        ("s", 200, f"Not yet. {MILLI}"),
        ("s", "0.2ms", f"Not yet. {THOUSANDTH}"),
        ("s", "200", 'That cannot be read: a duration needs a unit: write "200ms" or "200s".'),
        ("share", "20%", "Right, 20%. So it is."),
        ("share", 0.2, "Right, 20%. So it is."),
        ("share", 20, f"Not yet. {PERCENT}"),
        ("share", 0.8, "Not yet. That is the share of all the others."),
        ("share", "much", "That cannot be read: 'much' is not a share: write 0.1 or \"10%\"."),
        ("1", 0.2, "Right, 0.2. So it is."),
        ("1", None, "That cannot be read: None is not a number."),
        ("1", ..., "How much?\n\nPut your answer in the place of the three dots."),
    ],
)
def test_an_answer_is_right_or_gets_a_hint(unit: Any, answer: Any, said: str) -> None:
    """Of a wrong answer nothing is said that tells the right one."""
    verdict = made_up(unit, 0.2).check(answer)
    assert repr(verdict) == verdict._repr_markdown_() == said
    assert verdict.right == said.startswith("Right")


def test_a_count_must_be_exact() -> None:
    """One off is wrong."""
    exact = made_up("1", 1000, within=0)
    assert [exact.check(answer).right for answer in (999, 1000, 1001)] == [False, True, False]


@pytest.mark.parametrize("seed", [-1, 0.5, True, "mine"])
def test_a_seed_is_a_whole_number(seed: Any) -> None:
    """It is said what would do."""
    with pytest.raises(ValueError, match="a seed is a whole number, 0 or more, not "):
        import_module(f"sim.lessons.{LESSONS[0]}").exercises(seed)


@pytest.mark.parametrize("lesson", LESSONS)
def test_each_lesson_has_three_exercises(lesson: str) -> None:
    """Numbered, and each begins with its number."""
    asked = import_module(f"sim.lessons.{lesson}").exercises(1)
    assert [re.match(r"\*\*Exercise (\d)\.\*\* ", repr(one))[1] for one in asked] == ["1", "2", "3"]  # type: ignore[index]


@pytest.mark.parametrize(("lesson", "number"), EXERCISES)
def test_the_checker_accepts_what_is_right_and_no_likely_mistake(lesson: str, number: int) -> None:
    """Whatever the seed: each mistake gets its hint, and none is so near that it would pass."""
    for seed in SEEDS:
        exercise = of(lesson, number)(seed)
        solution = exercise.solve()
        assert exercise.check(solution.value).right
        assert solution.slips
        for hint, slip in solution.slips.items():
            assert repr(exercise.check(slip)) == f"Not yet. {hint}", (seed, slip, solution)


@pytest.mark.parametrize(("lesson", "number"), EXERCISES)
def test_neighbours_have_different_answers(lesson: str, number: int) -> None:
    """Of twenty seeds, hardly two have the same; the same seed always has the same."""
    exercise = of(lesson, number)
    answers = [exercise(seed).solve().value for seed in SEEDS]
    assert len(set(answers)) >= 14
    assert [exercise(seed).solve().value for seed in SEEDS[:3]] == answers[:3]


@pytest.mark.parametrize(("lesson", "number"), EXERCISES)
def test_no_hint_gives_the_answer_away(lesson: str, number: int) -> None:
    """Neither what is asked nor what is said of a wrong answer holds the right one."""
    for seed in SEEDS:
        exercise = of(lesson, number)(seed)
        solution = exercise.solve()
        said = " ".join([exercise.way, *solution.slips])
        assert not {f"{solution.value:.3g}", f"{100 * solution.value:.3g}"} & set(re.findall(r"[\d.]+", said))
