import math
from functools import cache

import attrs
import numpy as np
import pytest

import sim
from sim.measures.visibility import visibility_curve
from sim.metrics import Summary
from sim.page.captions import (
    Picture,
    blame_words,
    lag_words,
    message_words,
    percentile_words,
    pictures,
    queue_words,
    visibility_words,
)
from sim.replay.backlog import backlog
from sim.replay.messages import around_worst, exchange
from sim.replay.timeline import timeline
from sim.theory.answers import law
from sim.trace import Trace
from sim.wording import readable


@cache
def ran(name: str) -> tuple[Trace, Summary]:
    """Play a few seconds of a scenario."""
    settings = {} if name == "story" else {"duration": "3s", "warmup": "0s"}
    trace = sim.run(name, settings=settings)
    return trace, sim.summarise(trace)


@cache
def drawn(name: str) -> list[Picture]:
    """Draw all that fits it."""
    return pictures(*ran(name))


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("story", ["lag", "blame", "spacetime"]),
        ("saturation", ["lag", "blame", "visibility", "queue", "percentiles", "spacetime"]),
        ("one-lock", ["lag", "queue", "percentiles"]),
        ("lost-updates", ["lag", "percentiles"]),
    ],
)
def test_a_run_has_the_figures_that_fit_it(name: str, fits: list[str]) -> None:
    """No blame where no read is stale, no queue where there is no lock, no curves of a story's few events."""
    assert [picture.name for picture in drawn(name)] == fits


def test_each_picture_has_a_title_and_words_of_its_own() -> None:
    """Whoever cannot see them can tell them apart."""
    made = drawn("saturation")
    assert len({one.title for one in made}) == len({one.words for one in made}) == len(made)
    assert all(f'aria-describedby="words-{one.name}"' in one.drawing.svg for one in made)
    assert all(one.words.endswith(".") and "nan" not in one.words for one in made)


def test_the_lag_in_words() -> None:
    """From which version to which, how late, how far behind, how stale; or that nothing happened."""
    assert lag_words(timeline(ran("story")[0], 1)) == (
        "Between 0 s and 4 s the write model takes product 1 from version 1 to 2, and the read model from 0 "
        "to 2; the longest that a change took to be seen is 1 s; at worst the read model is 1 version "
        "behind; for 95% of that time, staleness is at most 900 ms."
    )
    nothing = timeline(ran("story")[0], 1, (3.2, 3.4))
    assert lag_words(nothing) == "Between 3.2 s and 3.4 s, nothing was committed of product 1."


def test_the_blame_in_words() -> None:
    """The largest share first, as often as the figure has panels."""
    summary = ran("story")[1]
    shares = summary.metrics["blame"]
    split = shares | {"delay": attrs.evolve(shares["delay"], estimate=0.3)}
    split |= {"line": attrs.evolve(shares["line"], estimate=0.7)}
    told = blame_words(attrs.evolve(summary, metrics=summary.metrics | {"blame": split}))
    assert told == (
        "Where the change was that a stale read missed: of all stale time, 70% behind its predecessors, "
        "30% under way; of the median, 100% under way; of the worst 1%, 100% under way."
    )


def test_visibility_in_words() -> None:
    """When a half, 99 % and 99.9 % can be seen, or never; with theory where it is drawn."""
    trace = ran("saturation")[0]
    curve = visibility_curve(trace)
    assert visibility_words(curve, law(trace.scenario, "t_visibility")) == (
        f"Of {curve.n} changes, so many can be seen after their commit, or newer ones: 50% within 50 ms, "
        "99% within 50 ms, 99.9% within 50 ms. The dashed curve is theory: fixed delay."
    )
    lost = attrs.evolve(curve, shares=np.minimum(curve.shares, 0.9))
    assert visibility_words(lost, None).endswith("50% within 50 ms, 99% never, 99.9% never.")
    assert visibility_words(attrs.evolve(curve, n=0), None) == "Nothing was committed in the measured window."


def test_the_queue_in_words() -> None:
    """How long it gets, how much of the time somebody is kept out, and how busy the one behind it is."""
    waiting = backlog(ran("back-pressure")[0])
    assert queue_words(attrs.evolve(waiting, blocked=0.25, utilisation=0.9, busy=np.array([0.8, 1.0]))) == (
        f"At most {waiting.inside.max()} commands wait in the channel; at most {waiting.outside.max():,} at "
        "its door, where somebody waits 25% of the time; the writer is busy 90% of the time, and 100% in its "
        "busiest stretch."
    )
    free = attrs.evolve(waiting, outside=0 * waiting.outside, station="lock")
    assert "door" not in queue_words(free)
    assert "the lock is busy" in queue_words(free)
    assert queue_words(attrs.evolve(waiting, commands=0)) == "No command came in the measured window."


def test_percentiles_in_words() -> None:
    """Those of the run itself; nothing of what was not measured."""
    seconds = {"staleness": [0.0, 0.05, 0.0999], "time to commit": [math.nan] * 3}
    told = percentile_words(seconds)
    assert told == "What 50%, 99%, 99.9% of them do not exceed: staleness 0 s, 50 ms, 99.9 ms."
    assert percentile_words({"staleness": [math.nan] * 3}) == "Too little was measured."
    [words] = [one.words for one in drawn("saturation") if one.name == "percentiles"]
    summary = ran("saturation")[1]
    stale = (readable(summary.value(f"staleness.{p}")) for p in ("p50", "p99", "p99.9"))
    assert f"staleness {', '.join(stale)}." in words


def test_messages_in_words() -> None:
    """Of one read, what it missed; of all that was said, what could not be seen at once."""
    assert message_words(around_worst(ran("story")[0])) == (
        "At 2.5 s somebody asks for product 1, and the answer is 500 ms stale: version 2 is committed at "
        "2 s and seen from 3 s on."
    )
    fresh = around_worst(sim.run("story", settings={"link.delay": "0ms"}))
    assert message_words(fresh).endswith("and is shown all that was committed: no read was stale.")
    whole = exchange(ran("story")[0])
    assert message_words(whole).endswith(
        f", {len(whole.messages)} messages: version 1 is committed at 0 s and seen from 1 s on; "
        "version 2 is committed at 2 s and seen from 3 s on."
    )
    lost = attrs.evolve(whole.hidden[0], shown=math.inf)
    assert "version 1 is committed at 0 s and never seen" in message_words(
        attrs.evolve(whole, hidden=(lost,))
    )
    assert message_words(attrs.evolve(whole, hidden=(lost,) * 6)).endswith("; and 2 versions more.")
    assert message_words(attrs.evolve(whole, hidden=())).endswith(" messages.")
