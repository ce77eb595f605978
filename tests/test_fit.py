import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import sim
from sim.cli import main
from sim.distributions import Constant, Empirical, Exponential, Uniform
from sim.durations import Seconds
from sim.fit import curve_error, fit, named, with_durations_of
from sim.measures.visibility import VisibilityCurve, visibility_curve
from sim.scenario_file import parse_scenario, read_scenario
from tests.doctored import doctored

KNOWN = """
title = "of which everything is known"
duration = "60s"
[products]
count = 5
[[workers]]
count = 10
pace = "poisson(50/s)"
[writer]
service = "exponential(2ms)"
[link]
delay = "uniform(10ms, 30ms)"
order = "independent"
[reader]
handler = "1ms"
"""


def test_what_is_known_is_found_again() -> None:
    """Each duration has the mean that it was drawn with: 3,000 of each, so within a tenth."""
    fitted = fit(sim.run(parse_scenario(KNOWN)))
    means = [fitted.writer.service.mean, fitted.link.delay.mean, fitted.reader.handler.mean]
    assert means == [pytest.approx(0.002, rel=0.1), pytest.approx(0.02, rel=0.03), pytest.approx(0.001)]


def test_a_batch_is_taken_apart() -> None:
    """20 ms for a commit and 2 ms for each command in it."""
    batched = 'service = "2ms"\ncommit = "20ms"\nbatch = 100'
    fitted = fit(sim.run(parse_scenario(KNOWN.replace('service = "exponential(2ms)"', batched))))
    assert isinstance(fitted.writer.service, Constant)
    assert fitted.writer.service.mean == pytest.approx(0.002, abs=1e-6)
    assert fitted.writer.commit.mean == pytest.approx(0.02, abs=1e-5)


def test_a_batch_of_the_reader_is_shared_out() -> None:
    """1 ms for each of the 20 changes or so that a poll finds; the wait for the poll is no work."""
    polling = 'handler = "1ms"\npoll = "400ms"\nbatch = 100'
    handler = fit(sim.run(parse_scenario(KNOWN.replace('handler = "1ms"', polling)))).reader.handler
    assert isinstance(handler, Empirical)
    assert handler.values == pytest.approx(np.full(len(handler.values), 0.001))


def test_who_wakes_late_takes_longer() -> None:
    """A real writer and reader are told a while after they could begin, and that is part of their time.

    Here they begin half-way through; the fit is that of those who began at once.
    """
    trace = sim.run(parse_scenario(KNOWN, settings={"link.order": "fifo"}))  # so that all is shown
    woken = doctored(
        trace,
        commands=trace.commands.with_columns(started=(pl.col("started") + pl.col("finished")) / 2),
        changes=trace.changes.with_columns(taken=(pl.col("taken") + pl.col("visible")) / 2),
    )
    one, other = fit(trace), fit(woken)
    for fitted in ("writer.service", "reader.handler"):
        part, key = fitted.split(".")
        laws = [getattr(getattr(scenario, part), key).values for scenario in (one, other)]
        assert laws[0] == pytest.approx(laws[1])


def test_publishing_is_part_of_both() -> None:
    """It keeps the writer busy, and comes between the commit and the link; once fitted, it takes no time."""
    publishes = KNOWN.replace('service = "exponential(2ms)"', 'service = "2ms"\npublish = "3ms"')
    fitted = fit(sim.run(parse_scenario(publishes)))
    means = [fitted.writer.service.mean, fitted.writer.publish.mean, fitted.link.delay.mean]
    assert means == pytest.approx([0.005, 0.0, 0.023], rel=0.03)


def test_what_goes_wrong_is_no_duration() -> None:
    """A lost copy, a crash of either: the durations are those without, and the faults are still there."""
    faults = """
[[writer.crashes]]
at = "10s"
lasts = "5s"
[[reader.crashes]]
at = "30s"
lasts = "5s"
"""
    trace = sim.run(parse_scenario(KNOWN + faults, settings={"link.loss": "20%", "link.resend": "1s"}))
    fitted = fit(trace)
    assert fitted.link.delay.mean == pytest.approx(0.02, rel=0.03)
    assert fitted.reader.handler.mean == pytest.approx(0.001)
    assert fitted.writer.service.mean == pytest.approx(0.002, rel=0.1)
    assert (fitted.link.resend, fitted.writer.crashes) == (Seconds(1.0), trace.scenario.writer.crashes)


def test_a_change_that_came_too_late_to_be_shown() -> None:
    """One product, and overtaking: what is superseded takes the reader's time, and nobody else's."""
    overtaking = {"products.count": "1", "link.delay": "exponential(100ms)", "reader.handler": "5ms"}
    trace = sim.run(parse_scenario(KNOWN, settings=overtaking))
    assert trace.changes["visible"].null_count() > 100
    assert fit(trace).reader.handler.mean == pytest.approx(0.005)


def test_known_distributions_stand_in() -> None:
    """For the writer the exponential one that was drawn from, for the link the uniform one."""
    found, likenesses = named(fit(sim.run(parse_scenario(KNOWN))))
    laws = (found.writer.service, found.link.delay, found.reader.handler)
    assert [type(law) for law in laws] == [Exponential, Uniform, Constant]
    assert [*likenesses] == ["writer.service", "link.delay", "reader.handler"]
    assert all(likeness.distance < 0.04 for likeness in likenesses.values())


def test_a_fitted_scenario_predicts_twice_the_load() -> None:
    """The t-visibility curve at 100/s, from a run at 50/s: the root mean square error is below 2 %."""
    fitted = fit(sim.run(parse_scenario(KNOWN)))
    faster = {"workers.pace": "poisson(100/s)"}
    truth = visibility_curve(sim.run(parse_scenario(KNOWN, settings=faster)))
    text = KNOWN.replace("poisson(50/s)", "poisson(100/s)")
    guess = visibility_curve(
        sim.run(with_durations_of(fitted, parse_scenario(text.replace("duration", "seed = 9\nduration", 1))))
    )
    assert curve_error(truth, guess) < 0.02


def test_the_error_between_two_curves() -> None:
    """All seen after 10 ms, against all after 20 ms: they differ by 1 for half of the 20 ms."""
    nothing = np.zeros(2)
    one, two = (
        VisibilityCurve(np.array([0.0, at]), np.array([0.0, 1.0]), nothing, nothing, 1) for at in (0.01, 0.02)
    )
    assert curve_error(one, two) == pytest.approx(np.sqrt(0.5), abs=1e-3)
    assert curve_error(one, one) == 0


def test_the_error_of_curves_that_do_not_reach_the_top() -> None:
    """A third is never seen: what is compared ends where the last of the others come into sight."""
    nothing = np.zeros(2)
    curves = [
        VisibilityCurve(np.array([0.0, at]), np.array([0.0, 2 / 3]), nothing, nothing, 3)
        for at in (0.01, 0.02)
    ]
    assert curve_error(*curves) == pytest.approx(2 / 3 * np.sqrt(0.5), abs=1e-3)


def test_fit_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A scenario file with its durations beside it, which can be run."""
    sim.run(parse_scenario(KNOWN.replace("60s", "5s"))).save(tmp_path / "run")
    with pytest.raises(SystemExit) as end:
        main(["fit", str(tmp_path / "run")])
    assert end.value.code == 0
    assert "link.delay      empirical" in capsys.readouterr().out
    again = read_scenario(tmp_path / "run" / "fitted" / "scenario.toml")
    assert again.link.delay.mean == pytest.approx(0.02, rel=0.1)
    with pytest.raises(SystemExit) as end:
        main(["fit", str(tmp_path / "run"), "--named", "--json"])
    durations = json.loads(capsys.readouterr().out)["durations"]
    assert (end.value.code, durations["reader.handler"]) == (0, {"law": "1ms", "mean": 0.001, "distance": 0})
    assert durations["link.delay"]["law"].startswith("uniform(10")
    with pytest.raises(SystemExit) as end:
        main(["fit", str(tmp_path)])
    assert (end.value.code, "no run was saved here" in capsys.readouterr().err) == (2, True)
