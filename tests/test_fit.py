from pathlib import Path

import numpy as np
import pytest
from attrs import evolve

import sim
from sim.cli import main
from sim.distributions import Constant
from sim.fit import curve_error, fit
from sim.scenario import Scenario
from sim.scenario_file import parse_scenario, read_scenario
from sim.visibility import VisibilityCurve, visibility_curve

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


def test_a_fitted_scenario_predicts_twice_the_load() -> None:
    """The t-visibility curve at 100/s, from a run at 50/s: the root mean square error is below 2 %."""
    fitted = fit(sim.run(parse_scenario(KNOWN)))
    faster = {"workers.pace": "poisson(100/s)"}
    truth = visibility_curve(sim.run(parse_scenario(KNOWN, settings=faster)))
    text = KNOWN.replace("poisson(50/s)", "poisson(100/s)")
    guess = visibility_curve(
        sim.run(_with_durations_of(fitted, parse_scenario(text.replace("duration", "seed = 9\nduration", 1))))
    )
    assert curve_error(truth, guess) < 0.02


def _with_durations_of(fitted: Scenario, other: Scenario) -> Scenario:
    return evolve(other, writer=fitted.writer, link=fitted.link, reader=fitted.reader)


def test_the_error_between_two_curves() -> None:
    """All seen after 10 ms, against all after 20 ms: they differ by 1 for half of the 20 ms."""
    nothing = np.zeros(2)
    one, two = (
        VisibilityCurve(np.array([0.0, at]), np.array([0.0, 1.0]), nothing, nothing, 1) for at in (0.01, 0.02)
    )
    assert curve_error(one, two) == pytest.approx(np.sqrt(0.5), abs=1e-3)
    assert curve_error(one, one) == 0


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
        main(["fit", str(tmp_path)])
    assert (end.value.code, "no run was saved here" in capsys.readouterr().err) == (2, True)
