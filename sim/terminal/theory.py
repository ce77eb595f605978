"""Closed forms as the terminal shows them: which ones hold for a scenario, and why the others do not."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from textwrap import wrap

from sim.glossary import METRICS, split_name
from sim.scenario import Scenario
from sim.terminal import WIDTH
from sim.terminal.summary import way
from sim.theory.answers import Prediction, Refusal
from sim.wording import number_text


def theory_lines(
    scenario: Scenario, name: str, holding: Sequence[Prediction], refused: Sequence[Refusal]
) -> Iterator[str]:
    """Lay out which closed forms hold, model by model, and what is in the way of the others."""
    yield f"{name}   {way(scenario)}     {scenario.loop} loop"
    yield ""
    yield "HOLDS"
    for model, alike in groupby(holding, key=lambda one: one.model):
        yield from _model_lines(model, list(alike))
    yield "DOES NOT HOLD"
    for (model, because), forms in groupby(refused, key=lambda one: (one.model, one.because)):
        yield from _wrapped(f"{model}: {because}", indent=3)
        yield from _wrapped(", ".join(form.metric for form in forms), indent=6)


def _model_lines(model: str, holding: Sequence[Prediction]) -> Iterator[str]:
    """Lay out one model: why it holds, and each of its numbers, with the formula where it is a new one."""
    yield f"   {model}   ({holding[0].source})"
    reasons = dict.fromkeys(reason for one in holding for reason in one.holds_because.split("; "))
    yield from _wrapped(f"because: {'; '.join(reasons)}", indent=6)
    before = ""
    for one in holding:
        value = number_text(one.value, METRICS[split_name(one.metric)[0]].unit)
        formula = "" if one.formula == before else one.formula
        yield f"      {one.metric:<30}{value:>10}   {formula}".rstrip()
        before = one.formula


def _wrapped(text: str, indent: int) -> list[str]:
    """Break a text into indented lines."""
    margin = " " * indent
    return wrap(text, WIDTH, initial_indent=margin, subsequent_indent=margin)
