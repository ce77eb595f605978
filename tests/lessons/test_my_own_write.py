"""What is right is worked out here from the numbers in the question, and from nothing else."""

import json
import math
import re

import polars as pl
import pytest

import sim
from sim.lessons.my_own_write import exercises, until_seen
from tests.lessons.reading import numbers, seconds

SEEDS = range(10)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_look_misses_ones_own_write_if_the_pause_is_shorter_than_the_delay(seed: int) -> None:
    """1 − e^(−d/m); the ratio itself is refused."""
    exercise = exercises(seed)[0]
    delay, pause = seconds(exercise.question)
    share = 1 - math.exp(-delay / pause)
    assert exercise.check(share).right
    assert exercise.check(f"{100 * share:.1f}%").right
    for wrong in (delay / pause, delay / (delay + pause), 1 - share, 100 * share):
        assert not exercise.check(wrong).right


@pytest.mark.parametrize("seed", SEEDS)
def test_one_waits_until_so_few_are_still_under_way(seed: int) -> None:
    """−m·ln p, in seconds."""
    exercise = exercises(seed)[1]
    percent = numbers(exercise.question)[-1]
    [mean] = seconds(exercise.question)
    wait = -mean * math.log(percent / 100)
    assert exercise.check(wait).right
    assert exercise.check(f"{1000 * wait:.1f}ms").right
    for wrong in (mean, -mean * math.log(1 - percent / 100), 100 * mean / percent, 1000 * wait):
        assert not exercise.check(wrong).right


@pytest.mark.parametrize("seed", range(3))
def test_who_came_too_late_is_in_the_readers_own_run(seed: int) -> None:
    """As `sim.run` and the summary give it with the settings that the question shows."""
    exercise = exercises(seed)[2]
    shown = re.search(r"\{.*\}", exercise.question)
    assert shown
    summary = sim.summarise(sim.run("oversold", settings=json.loads(shown[0])))
    share = summary.value("stale_decisions")
    assert exercise.check(share).right
    assert exercise.check(f"{100 * share:.1f}%").right
    for wrong in ("rejected_fraction", "stale_read_fraction"):
        assert not exercise.check(summary.value(wrong)).right


def test_whoever_looks_until_it_is_there_goes_away_content() -> None:
    """The last look after each command shows it, and no look before that does."""
    trace = sim.run("slow-link", settings={"duration": "10s"}, worker=until_seen)
    looks = trace.queries.filter(pl.col("session").is_in(trace.commands["session"].implode()))
    looks = looks.sort("asked").join_asof(
        trace.commands.select("session", "product", "finished", "version").sort("finished"),
        left_on="asked",
        right_on="finished",
        by=["session", "product"],
        check_sortedness=False,
    )
    seen = looks.with_columns(seen=pl.col("seen_version") >= pl.col("version"))
    each = seen.group_by("session", "finished").agg(pl.col("seen").sum(), last=pl.col("seen").last())
    assert len(each) == len(trace.commands)
    assert each.select(pl.col("seen") == 1, "last").to_numpy().all()
