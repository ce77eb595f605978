"""Expectations as the terminal shows them: what was claimed, what was found, and by how much that is off."""

import math
from collections.abc import Sequence

from attrs import frozen

from sim.expectations import Verdict, verdict, would_tell
from sim.glossary import METRICS, split_name
from sim.metrics import Summary
from sim.scenario import Expect, Scenario
from sim.terminal.estimates import estimate_text
from sim.wording import count, number_text, significant

MANY = 10_000  # replications, which nobody wants to be told of
MARKS: dict[Verdict, str] = {"fails": "✗", "not resolved": "?", "holds": "✓"}  # the worst one first
UNMET = {"fails": "fail", "not resolved": "not resolved"}


@frozen
class Claim:
    """What became of an expectation: what was claimed, what was found, and by how much that is off."""

    verdict: Verdict
    expected: str
    found: str
    off: str

    @property
    def mark(self) -> str:
        """One sign that says what became of it."""
        return MARKS[self.verdict]


def claim(expect: Expect, summary: Summary) -> Claim:
    """Hold an expectation against what was found, and say by how much it was missed, or what would tell."""
    estimate, unit = summary.estimate(expect.metric), METRICS[split_name(expect.metric)[0]].unit
    how = verdict(expect, summary)
    if how == "not resolved":
        return Claim(how, expected(expect), estimate_text(estimate, unit), _undecided(expect, summary))
    off = _how_far_off(estimate.estimate, expect.bound) if how == "fails" else ""
    return Claim(how, expected(expect), number_text(estimate.estimate, unit), off)


def expected(expect: Expect) -> str:
    """Write an expectation: "staleness.p99 < 1 s"."""
    sign = "<" if expect.below is not None else ">"
    return f"{expect.metric} {sign} {number_text(expect.bound, METRICS[split_name(expect.metric)[0]].unit)}"


def expectation_line(expect: Expect, summary: Summary) -> str:
    """Say what became of an expectation, what was found, and by how much that is off, or what would tell."""
    one = claim(expect, summary)
    found = f"{one.mark}  {one.expected:<36}{one.found:>10}"
    doubt = one.verdict if one.verdict == "not resolved" else ""
    told = ": ".join(filter(None, (doubt, one.off)))
    return f"{found}     {told}" if told else found


def verdict_row(name: str, scenario: Scenario, summary: Summary, elapsed: float) -> str:
    """Put a run into one row: whether what is expected of it holds, what was found, and how long it took."""
    told = "   ".join(_shortly(expect, summary) for expect in scenario.expect)
    return f"{_mark(scenario, summary)}  {name}{elapsed:>7.2f} s   {told or 'nothing is expected'}"


def verdicts_line(found: Sequence[tuple[Scenario, Summary]]) -> str:
    """Count the expectations of several runs that hold, fail, and are not resolved."""
    verdicts = [verdict(expect, summary) for scenario, summary in found for expect in scenario.expect]
    told = [f"{verdicts.count('holds')} of {count(len(verdicts), 'expectation')} hold"]
    told += [f"{verdicts.count(how)} {words}" for how, words in UNMET.items() if how in verdicts]
    return f"   {count(len(found), 'scenario')}: {', '.join(told)}"


def _mark(scenario: Scenario, summary: Summary) -> str:
    """Mark a run by the worst that became of what is expected of it."""
    found = {verdict(expect, summary) for expect in scenario.expect}
    return next((mark for how, mark in MARKS.items() if how in found), MARKS["holds"])


def _shortly(expect: Expect, summary: Summary) -> str:
    """Say what is expected and what was found, in a few words."""
    unit = METRICS[split_name(expect.metric)[0]].unit
    how = verdict(expect, summary)
    return f"{expected(expect)}: {estimate_text(summary.estimate(expect.metric), unit)}" + (
        "" if how == "holds" else f" ({how})"
    )


def _undecided(expect: Expect, summary: Summary) -> str:
    """Say how many replications may move a bound out of an interval that it lies in."""
    enough = would_tell(expect, summary)
    return "" if enough > MANY else f"--replications {math.ceil(enough)} may tell"


def _how_far_off(actual: float, bound: float) -> str:
    """Say by how much a bound was missed: as a share of it, or as so many times it."""
    off = (actual - bound) / bound if bound else math.inf
    if not math.isfinite(off):
        return ""
    if off >= 10:
        return f"{significant(actual / bound)} times that"
    return f"{abs(off):.0%} {'over' if off > 0 else 'under'}"
