import json
import math
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve

import sim
from sim.fit import fit
from sim.measures.visibility import VisibilityCurve, pooled, visibility_curve
from sim.scenario_file import parse_scenario
from sim.studies.forecast import Forecast, forecast, one_more
from sim.trace import Trace
from tests.test_cli import called
from tests.test_fit import KNOWN

LOOKED_AT = (
    KNOWN
    + """
[[queries]]
pace = "poisson(100/s)"
"""
)


def measured(rate: int = 50, seed: int = 1, duration: str = "20s") -> Trace:
    """Play what is known at some load: the real system of these tests, of which nobody needs to wait."""
    settings = {"workers.pace": f"poisson({rate}/s)", "seed": str(seed), "duration": duration}
    return sim.run(parse_scenario(LOOKED_AT, settings=settings))


def test_a_run_at_one_load_predicts_another_load() -> None:
    """Its curve to 2 %, and each metric within what one more run may come to, of seven all but one."""
    there = measured(rate=100, seed=2)
    found = forecast(fit(measured()), there, 5, jobs=1)
    assert found.error < 0.02
    assert found.values["stale_read_fraction"] != 0
    outside = [
        name
        for name, expected in found.expected.items()
        if expected.low is not None and not expected.low <= found.values[name] <= (expected.high or math.inf)
    ]
    assert len(outside) <= 1


def test_a_wrong_model_is_found_out() -> None:
    """With a link twice as slow as the real one, the curve is far off."""
    there = measured()
    slow = evolve(fit(there), link=parse_scenario(KNOWN, settings={"link.delay": "40ms"}).link)
    assert forecast(slow, there, 2, jobs=1).error > 0.3


def test_processes_change_nothing() -> None:
    """The same prediction on one core and on two."""
    there, fitted = measured(duration="5s"), fit(measured(duration="5s"))
    one, two = (forecast(fitted, there, 2, jobs=jobs) for jobs in (1, 2))
    assert (one.expected, one.error) == (two.expected, two.error)


def test_one_more_run_lies_where_student_says() -> None:
    """2 ± t(2)·1·√(4/3) of 1, 2 and 3; of one run, or of what was never seen, nothing is known."""
    known = one_more([1.0, 2.0, 3.0, math.nan])
    assert (known.estimate, known.low) == (2.0, 0.0)
    assert known.high == pytest.approx(2 + 4.302653 * math.sqrt(4 / 3), abs=1e-5)
    assert (one_more([2.0]).estimate, one_more([2.0]).low) == (2.0, None)
    assert math.isnan(one_more([]).estimate)


def test_curves_are_pooled_by_their_changes() -> None:
    """One change seen after 1 s, and three after 2 s: a quarter of the four after 1 s."""
    nothing = np.zeros(2)
    curves = [
        VisibilityCurve(np.array([0.0, at]), np.array([0.0, 1.0]), nothing, nothing, n)
        for at, n in ((1.0, 1), (2.0, 3))
    ]
    together = pooled(curves)
    assert (together.n, [together.at(time) for time in (0.5, 1.0, 2.0)]) == (4, [0.0, 0.25, 1.0])


def test_predicted_against_measured_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One saved run predicted by another, by its name; by a scenario's file; and by itself."""
    monkeypatch.chdir(tmp_path)
    measured().save(_made(tmp_path / "runs" / "base"))
    measured(rate=100).save(_made(tmp_path / "runs" / "twice"))
    status, shown, _ = called(capsys, "compare", "base", "--live", "twice", "--replications", "2")
    assert (status, "twice on trio   predicted by base, 2 replications" in shown) == (0, True)
    assert (tmp_path / "runs" / "twice" / "predicted.png").stat().st_size > 10_000
    Path("known.toml").write_text(KNOWN, encoding="utf-8")
    for name in (["known.toml"], []):
        status, shown, _ = called(
            capsys, "compare", *name, "--live", "twice", "--replications", "2", "--json"
        )
        found = json.loads(shown)
        assert (status, found["replications"], found["rmse"] < 0.05) == (0, 2, True)
        assert found["metrics"]["visibility_lag.p50"]["measured"] == pytest.approx(0.021, rel=0.1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--live", "nowhere"], "nowhere: no run was saved here"),
        (["--live", "run", "--with", "link.delay=1s"], "--live goes with --seed, --replications, --engine"),
        (["one-lock", "--live", "run"], "one-lock: under 'locked' there is one model"),
        ([], "compare what? sim list names the scenarios that come along"),
    ],
)
def test_what_cannot_be_predicted_is_refused(
    words: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In one line, with exit 2."""
    monkeypatch.chdir(tmp_path)
    measured(duration="2s").save(_made(tmp_path / "run"))
    status, _, errors = called(capsys, "compare", *words)
    assert (status, errors.count("\n"), errors.startswith(message)) == (2, 1, True)


def test_a_locked_run_has_nothing_to_predict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its one model is never late."""
    monkeypatch.chdir(tmp_path)
    sim.run("one-lock", settings={"duration": "2s", "warmup": "0s"}).save(_made(tmp_path / "run"))
    status, _, errors = called(capsys, "compare", "--live", "run")
    assert (status, errors) == (
        2,
        "run: under 'locked' there is one model, and nothing to be visible later\n",
    )


def known_forecast(delay: str = "uniform(10ms, 30ms)") -> Forecast:
    """Predict a short run by itself."""
    there = sim.run(parse_scenario(LOOKED_AT, settings={"duration": "5s", "link.delay": delay}))
    return forecast(fit(there), there, 2, jobs=1)


def nothing_seen() -> Forecast:
    """Take a run in which nothing was committed."""
    empty = visibility_curve(evolve(measured(duration="2s"), until=0.0))
    return Forecast(empty, empty, {}, {}, 1)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
