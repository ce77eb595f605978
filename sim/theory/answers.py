"""What closed forms say of a scenario: which ones hold, what they come to, and why the others do not hold."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from attrs import frozen

from sim.distributions import Floats
from sim.glossary import METRICS, QUANTILES, split_name
from sim.scenario import Scenario
from sim.theory.laws import Tail, quantile
from sim.theory.models import MODELS, Form, Model

TOO_EXTREME = "its numbers are too extreme to be worked out"


@frozen
class Prediction:
    """What a closed form says of a scenario; in the metric's unit, seconds for durations."""

    metric: str
    value: float
    formula: str
    model: str
    source: str
    holds_because: str


@frozen
class Refusal:
    """A closed form that does not hold for a scenario, and the first reason why."""

    metric: str
    formula: str
    model: str
    because: str


@frozen
class Law:
    """What a closed form says of a metric as a whole: the tail P(X > x), and the model that gives it."""

    metric: str
    tail: Tail
    formula: str
    model: str

    def beyond(self, values: Iterable[float]) -> Floats:
        """Give P(X > x) for each x; nan where that cannot be worked out."""

        def one(x: float) -> float:
            try:
                return float(self.tail(x))
            except ArithmeticError:
                return math.nan

        with np.errstate(all="ignore"):
            return np.array([one(float(x)) for x in values])


def law(scenario: Scenario, metric: str) -> Law | None:
    """Give the law of a metric, where a closed form for all of it holds: the first that does."""
    for model in MODELS:
        for form in model.forms:
            if form.metric != metric:
                continue
            try:
                found = None if _objection(model, form, scenario) else form.work_out(scenario)
            except ArithmeticError:
                continue
            if callable(found):
                return Law(metric, found, form.formula, model.name)
    return None


def predictions(scenario: Scenario) -> list[Prediction]:
    """Give the value of every closed form that holds, one at most for each statistic of a metric."""
    return [answer for answer in _answers(scenario) if isinstance(answer, Prediction)]


def prediction(scenario: Scenario, metric: str) -> Prediction | None:
    """Give what a closed form says of one statistic, or None where none holds; no other is worked out."""
    names = (metric, metric.split(".")[0])
    forms = ((model, form) for model in MODELS for form in model.forms if form.metric in names)
    answers = (answer for model, form in forms for answer in _answer(model, form, scenario))
    return next((one for one in answers if isinstance(one, Prediction) and one.metric == metric), None)


def refusals(scenario: Scenario) -> list[Refusal]:
    """Give the closed forms that do not hold, each with the reason."""
    return [answer for answer in _answers(scenario) if isinstance(answer, Refusal)]


def theory_json(found: Iterable[Prediction]) -> dict[str, Any]:
    """Give predictions as --json has them: by metric, and by statistic where it has more than one."""
    tables: dict[str, Any] = {}
    for one in found:
        metric, statistic = split_name(one.metric)
        entry = {"value": one.value, "holds_because": one.holds_because}
        if statistic == "value":
            tables[metric] = entry
        else:
            tables.setdefault(metric, {})[statistic] = entry
    return tables


def _answers(scenario: Scenario) -> Iterator[Prediction | Refusal]:
    """Go through the table, row by row."""
    for model in MODELS:
        for form in model.forms:
            if form.metric.split(".")[0] in METRICS:
                yield from _answer(model, form, scenario)


def _answer(model: Model, form: Form, scenario: Scenario) -> Iterator[Prediction | Refusal]:
    """Work a form out if all its conditions are met and it comes to a number."""
    values: dict[str, float] = {}
    try:
        with np.errstate(all="ignore"):
            because = _objection(model, form, scenario)
            if not because:
                values = _statistics(form, form.work_out(scenario))
    except ArithmeticError:
        because = TOO_EXTREME
    if not because and not all(math.isfinite(value) for value in values.values()):
        because = TOO_EXTREME
    if because:
        yield Refusal(form.metric, form.formula, model.name, because)
        return
    holds = "; ".join(dict.fromkeys(condition.words for condition in (*model.given, *form.given)))
    for metric, value in values.items():
        yield Prediction(metric, value, form.formula, model.name, model.source, holds)


def _objection(model: Model, form: Form, scenario: Scenario) -> str:
    """Give the first reason why a form does not hold; nothing if it does."""
    given = (*model.given, *form.given)
    return next(filter(None, (condition.objection(scenario) for condition in given)), "")


def _statistics(form: Form, found: "float | Tail") -> dict[str, float]:
    """Name what a form found: one number, or every quantile that the metric has."""
    if not callable(found):
        return {form.metric: float(found)}
    metric = METRICS[form.metric]
    at = {p: quantile(found, share) for p, share in QUANTILES.items() if p in metric.statistics}
    return {f"{form.metric}.{p}": round(x) if metric.unit == "1" else x for p, x in at.items()}
