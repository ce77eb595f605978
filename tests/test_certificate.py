"""The certificate: its table of cases, its arithmetic, how it looks, and that it passes."""

import json
import math
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from attrs import evolve

from sim.glossary import split_name
from sim.metrics import Estimate
from sim.scenario import Scenario
from sim.studies import cases
from sim.studies.cases import SECTIONS, STALE, Case, reads
from sim.studies.certificate import (
    FULL,
    QUICK,
    Certificate,
    Coverage,
    Effort,
    Row,
    chosen,
    compare,
    cover,
    judge,
    play_for,
    standing,
)
from sim.terminal.certificate import certificate_lines, verdict_line
from sim.theory.answers import Prediction, predictions
from sim.theory.models import MODELS
from tests.test_cli import SIM, called

EVERY = [(section, case) for section, listed in SECTIONS.items() for case in listed]
SHORT = reads("a short one", 2, {"link.delay": "0.5s"}, STALE, seconds=40)
FEW = evolve(SHORT, scenario=evolve(SHORT.scenario, replications=4))


def doctored(scenario: Scenario) -> list[Prediction]:
    """Say that everything is twice what it is."""
    return [evolve(one, value=2 * one.value) for one in predictions(scenario)]


def test_every_row_has_a_closed_form_and_every_model_a_row() -> None:
    """At least 40 rows of one to three statistics a case; none is without truth, no model untested."""
    foretold = [{one.metric: one.model for one in predictions(case.scenario)} for _, case in EVERY]
    rows = [
        (case.name, metric, models.get(metric))
        for (_, case), models in zip(EVERY, foretold, strict=True)
        for metric in case.metrics
    ]
    assert [row for row in rows if row[2] is None] == []
    assert {model for _, _, model in rows} == {model.name for model in MODELS}
    sizes = [len(case.metrics) for _, case in EVERY]
    assert (sum(sizes) >= 40, min(sizes), max(sizes) <= 3) == (True, 1, True)


def test_no_two_cases_share_their_luck() -> None:
    """Each has a seed of its own, and another one with other luck."""
    seeds = [[case.scenario.seed for _, case in chosen(SECTIONS, luck, FULL)] for luck in (1, 2)]
    assert len({*seeds[0], *seeds[1]}) == 2 * len(EVERY)


def test_quick_runs_are_shorter_and_have_no_quantiles() -> None:
    """A twelfth of what is measured, after the same warm-up, twenty times; at least 40 rows are left."""
    quick = chosen(SECTIONS, 1, QUICK)
    wholes = {(section, case.name): case.scenario for section, case in EVERY}
    for section, case in quick:
        whole = wholes[section, case.name]
        assert (case.scenario.warmup, case.scenario.replications) == (whole.warmup, 20)
        assert case.scenario.duration == pytest.approx(whole.duration * (1 / 40 + 39 / 480))
    statistics = [split_name(metric)[1] for _, case in quick for metric in case.metrics]
    assert (len(statistics) >= 40, {*statistics}) == (True, {"mean", "value"})


@pytest.mark.parametrize(
    ("values", "truth", "z"),
    [
        ([1.0, 2.0, 3.0], 2.0, 0.0),
        ([1.0, 2.0, 3.0], 1.0, math.sqrt(3)),
        ([1.0, 2.0, 3.0], 4.0, -2 * math.sqrt(3)),
        ([2.0, 2.0], 2.0, 0.0),
        ([2.0, 2.0], 3.0, -math.inf),
    ],
)
def test_z_is_a_distance_in_standard_errors(values: list[float], truth: float, z: float) -> None:
    """(mean − truth) / (sd / √n); what never varies is right or infinitely wrong."""
    assert standing(values, truth) == pytest.approx(z)


def test_what_cannot_be_compared_fails() -> None:
    """A statistic without a closed form, or one that some replication did not see, is no row that holds."""
    case = Case("a case", FEW.scenario, (STALE, "fairness"))
    runs = [{STALE: value, "fairness": 1.0} for value in (0.6, 0.7, math.nan)]
    rows = list(judge("a section", case, predictions(case.scenario), runs))
    assert [(row.metric, row.holds) for row in rows] == [(STALE, False), ("fairness", False)]


def test_a_case_is_played_and_compared() -> None:
    """Of four replications, one after the other or side by side, the same row; a wrong theory fails it."""
    played: list[int] = []
    alone, together = (list(compare([("a section", FEW)], jobs, lambda: played.append(1))) for jobs in (1, 2))
    [row] = alone
    assert alone == together
    assert len(played) == 8
    assert row.theory == pytest.approx(1 - 1 / math.e)
    assert row.holds
    runs = [play_for(FEW.scenario, number, FEW.metrics) for number in range(4)]
    [wrong] = judge("a section", FEW, doctored(FEW.scenario), runs)
    assert wrong == evolve(row, theory=2 * row.theory, z=wrong.z)
    assert not wrong.holds


def test_intervals_are_counted_that_hold_the_truth() -> None:
    """Three experiments of ten replications each."""
    [found] = cover([FEW], luck=1, experiments=3, jobs=1)
    assert found == Coverage(FEW.name, STALE, found.truth, found.held, 3)
    assert found.truth == pytest.approx(1 - 1 / math.e)
    assert 1 <= found.held <= 3


def row(case: str, metric: str, formula: str, theory: float, half: float, z: float) -> Row:
    """Give a row whose mean lies above theory by a third of the interval's half width."""
    middle = theory + half / 3
    measured = Estimate(middle, middle - half, middle + half)
    return Row("3.9  Of everything", case, metric, formula, "", theory, measured, z)


FORMULA = "Σ qᵢ ∫ f(a)(1 − (1 − pᵢ)e^(−λa)) da; one product: 1 − e^(−ΛE[D])"
ROWS = (
    row("M/M/1", "queue_wait.mean", "ΛE[S²]/2(1 − ρ)", 4.0, 0.03, 0.71),
    row("M/M/1", STALE, FORMULA, 0.6321, 0.0014, -1.2),
    row("another", "throughput", "Λ", 0.5, 0.0, 4.0),
)
COVERED = Coverage("fixed delay", STALE, 0.6321, 381, 400)


TABLE = """\
                                  formula                                      theory          measured      z
3.9  OF EVERYTHING
   M/M/1
     queue_wait.mean              ΛE[S²]/2(1 − ρ)                              4.00 s     4.01 ± 0.03 s   0.71
     stale_read_fraction          Σ qᵢ ∫ f(a)(1 − (1 − pᵢ)e^(−λa)) da; one     63.21%     63.26 ± 0.14%  -1.20
                                  product: 1 − e^(−ΛE[D])
   another
✗    throughput                   Λ                                             0.5/s             0.5/s   4.00
COVERAGE
     stale_read_fraction, fixed delay: 95% intervals contained the truth, 63.2%, in 381 of 400 experiments

Each number is the mean of 20 independent replications, ± its 95% interval; z is its distance from
theory in standard errors. Were all of it right, z would be Student's t with 19 degrees of freedom:
a mean square of 1.12, and, in 0.23% of such tables, a row with |z| ≥ 4 by chance. Try another
--seed before you believe a lone one.
3 rows, largest |z| 4.00, mean square 5.98: simulation and theory disagree, with 1 row with |z| ≥ 4 \
and a mean square outside 0.5 … 1.7.
"""


def test_a_certificate_is_a_table() -> None:
    """Sections, cases, rows; as many digits as the error leaves; a mark where a row fails; one sentence."""
    lines = list(certificate_lines(Certificate(ROWS, (COVERED,), 20, 3)))
    assert [line for line in lines if len(line) > 110] == lines[-1:]
    assert lines == TABLE.splitlines()


def certificate(zs: Sequence[float], held: int = 380) -> Certificate:
    """Give one with such z-values."""
    rows = tuple(evolve(ROWS[0], z=z) for z in zs)
    return Certificate(rows, (evolve(COVERED, held=held),), 20, len(rows))


@pytest.mark.parametrize(
    ("zs", "held", "because"),
    [
        ([1.0, -1.0], 380, ""),
        ([1.0] * 30 + [-4.0], 380, "1 row with |z| ≥ 4"),
        ([1.0, math.nan], 380, "1 row with |z| ≥ 4 and a mean square outside 0.5 … 1.7"),
        ([0.1, 0.2], 380, "a mean square outside 0.5 … 1.7"),
        ([2.0, -2.0], 380, "a mean square outside 0.5 … 1.7"),
        ([1.0, -1.0], 367, "the truth in 367 of 400 intervals for stale_read_fraction"),
        ([1.0, -1.0], 393, "the truth in 393 of 400 intervals for stale_read_fraction"),
    ],
)
def test_a_certificate_holds_if_all_of_it_does(zs: list[float], held: int, because: str) -> None:
    """Each row, their mean square, and the coverage; the sentence says which does not."""
    found = certificate(zs, held)
    assert found.holds == (not because)
    said = verdict_line(found).partition(": ")[2]
    agrees = "the simulation agrees with every closed form."
    assert said == (f"simulation and theory disagree, with {because}." if because else agrees)


def test_a_part_of_a_certificate_certifies_nothing() -> None:
    """Two of three rows that agree, and no word on how they spread."""
    part = evolve(certificate([0.1, 0.2]), planned=3)
    assert (part.holds, part.failed) == (False, ())
    assert verdict_line(part) == "2 rows, largest |z| 0.20, mean square 0.03: no disagreement so far."


def test_chance_fails_a_row_now_and_then() -> None:
    """P(|t| ≥ 4) with 19 degrees of freedom is 0.00077: of 89 rows, one fails in 7 of 100 tables."""
    assert certificate([1.0]).false_alarm == pytest.approx(0.000766, rel=2e-3)
    assert certificate([1.0] * 89).false_alarm == pytest.approx(0.066, abs=0.001)
    assert evolve(certificate([1.0] * 89), replications=30).false_alarm == pytest.approx(0.035, abs=0.001)


def test_verify_prints_what_it_found(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table and exit 0; the same with --json, but exit 1, if theory says otherwise."""
    monkeypatch.setattr(cases, "SECTIONS", {"3.3  Staleness": (SHORT,), "3.9  Again": (SHORT,)})
    monkeypatch.setattr("sim.studies.certificate.LEAST", 0.0)  # of two rows, no mean square can be asked for
    status, printed, errors = called(capsys, "verify", "--quick")
    assert (status, errors) == (0, "")
    assert printed.splitlines()[-1].startswith("2 rows, largest |z| ")
    monkeypatch.setattr("sim.studies.certificate.predictions", doctored)
    status, printed, _ = called(capsys, "verify", "--quick", "--json")
    found = json.loads(printed)
    assert (status, found["holds"], found["planned_rows"], found["replications"]) == (1, False, 2, 20)
    assert [(row["section"], row["metric"], row["holds"]) for row in found["rows"]] == [
        ("3.3  Staleness", STALE, False),
        ("3.9  Again", STALE, False),
    ]


@pytest.mark.slow
def test_ctrl_c_leaves_the_rows_that_were_finished(tmp_path: Path) -> None:
    """Exit 130; a table of the cases that were done."""
    for patience in (10, 30, 90):  # seconds; an idle, a busy, a very busy machine
        process = subprocess.Popen(
            [SIM, "verify", "--quick"],
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        time.sleep(patience)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
        if "3.1" in output:
            break
    assert process.returncode == 130
    assert errors.startswith("interrupted: ")
    planned = sum(len(case.metrics) for _, case in chosen(SECTIONS, 1, QUICK))
    assert errors.endswith(f" of {planned} rows were finished\n")
    assert ": no disagreement so far." in output
    assert "3.1  THE WRITER'S QUEUE" in output


@pytest.mark.slow
def test_the_simulation_agrees_with_every_closed_form() -> None:
    """Null: each row's mean is its closed form, over twenty replications of a third of each run.

    |z| < 4 of every row: by chance one of so many fails in 7 of 100 suites,
    and the seeds are fixed. The mean square of z is 1.12 if the errors are
    what they claim to be, ± 0.2; between 0.5 and 1.7 is asked for.
    """
    rows = tuple(compare(chosen(SECTIONS, luck=2, effort=Effort(1 / 3, 20, quantiles=True))))
    found = Certificate(rows, (), 20, len(rows))
    assert found.failed == ()
    assert found.usual, found.mean_square
