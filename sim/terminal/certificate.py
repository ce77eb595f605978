"""The certificate as the terminal shows it: what theory says, what was measured, and the verdict."""

import math
from collections.abc import Iterator
from itertools import groupby
from textwrap import wrap

from sim.glossary import METRICS, split_name
from sim.studies.certificate import FAR, LEAST, MOST, Certificate, Coverage, Row
from sim.terminal import WIDTH
from sim.terminal.estimates import decimals, percent, scale
from sim.wording import count, number_text

FORMULA = 42  # of the column that it has in the certificate


def certificate_lines(certificate: Certificate) -> Iterator[str]:
    """Lay the certificate out, section by section and case by case; headings are in capitals."""
    yield _columns("", "", "formula", "theory", "measured", "z")
    for section, rows in groupby(certificate.rows, key=lambda row: row.section):
        yield section.upper()
        for case, alike in groupby(rows, key=lambda row: row.case):
            yield f"   {case}"
            for row in alike:
                yield from _row_lines(row)
    if certificate.coverage:
        yield "COVERAGE"
        yield from map(_coverage_line, certificate.coverage)
    if certificate.rows:
        yield ""
        yield from _how_to_read(certificate)
        yield verdict_line(certificate)


def verdict_line(certificate: Certificate) -> str:
    """Say in one sentence whether the simulation agrees with the closed forms."""
    facts = (
        f"{count(len(certificate.rows), 'row')}, largest |z| {certificate.largest:.2f}, "
        f"mean square {certificate.mean_square:.2f}"
    )
    far = sum(not row.holds for row in certificate.rows)
    wrong = [f"{count(far, 'row')} with |z| ≥ {FAR:g}"] if far else []
    if not certificate.usual:
        wrong.append(f"a mean square outside {LEAST:g} … {MOST:g}")
    wrong += [
        f"the truth in {one.held} of {count(one.experiments, 'interval')} for {one.metric}"
        for one in certificate.coverage
        if not one.holds
    ]
    if wrong:
        return f"{facts}: simulation and theory disagree, with {' and '.join(wrong)}."
    if not certificate.complete:
        return f"{facts}: no disagreement so far."
    return f"{facts}: the simulation agrees with every closed form."


def _how_to_read(certificate: Certificate) -> Iterator[str]:
    """Say what z is, and how often chance alone would fail a row."""
    n, alarms = certificate.replications, percent(certificate.false_alarm)
    text = (
        f"Each number is the mean of {n} independent replications, ± its 95% interval; z is its distance "
        f"from theory in standard errors. Were all of it right, z would be Student's t with {n - 1} degrees "
        f"of freedom: a mean square of {(n - 1) / (n - 3):.2f}, and, in {alarms} of such "
        f"tables, a row with |z| ≥ {FAR:g} by chance. Try another --seed before you believe a lone one."
    )
    return iter(wrap(text, WIDTH))


def _row_lines(row: Row) -> Iterator[str]:
    """Lay out one row; a long formula goes on below itself."""
    first, *more = wrap(row.formula, FORMULA - 2)
    theory, measured = _side_by_side(row)
    yield _columns("" if row.holds else "✗", row.metric, first, theory, measured, f"{row.z:.2f}")
    yield from (_columns("", "", rest) for rest in more)


def _columns(mark: str, metric: str, formula: str, theory: str = "", measured: str = "", z: str = "") -> str:
    return f"{mark:<5}{metric:<29}{formula:<{FORMULA}}{theory:>9}{measured:>18}{z:>7}".rstrip()


def _side_by_side(row: Row) -> tuple[str, str]:
    """Write what theory says and what was measured in one unit, to the digits that the error leaves."""
    unit, low, high = METRICS[split_name(row.metric)[0]].unit, row.measured.low, row.measured.high
    if low is None or high is None or not low < high or math.isnan(row.theory):
        return number_text(row.theory, unit), number_text(row.measured.estimate, unit)
    size, sign = scale(row.theory, unit)
    half = (high - low) / 2 / size
    places = decimals(half)
    measured = f"{row.measured.estimate / size:,.{places}f} ± {half:,.{places}f}{sign}"
    return f"{row.theory / size:,.{places}f}{sign}", measured


def _coverage_line(one: Coverage) -> str:
    """Say how many of the intervals held the truth."""
    mark = "" if one.holds else "✗"
    truth = number_text(one.truth, METRICS[split_name(one.metric)[0]].unit)
    return (
        f"{mark:<5}{one.metric}, {one.case}: 95% intervals contained the truth, {truth}, "
        f"in {one.held} of {count(one.experiments, 'experiment')}"
    )
