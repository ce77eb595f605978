"""One run's page, or many runs' with sliders: a static HTML file that asks nothing of the network.

Text goes through jinja2, which escapes all of it. What a slider changes is
rendered ahead, a piece of HTML for each slot and position, and unpacked in
the page. Nothing in it depends on when or where it was made.
"""

import base64
import hashlib
import json
import math
import zlib
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

import sim
from sim.glossary import METRICS, split_name
from sim.metrics import Summary
from sim.page.captions import Picture
from sim.page.drawing import sheet
from sim.scenario import WRITE, Expect, Scenario, Workers
from sim.terminal.claims import claim
from sim.terminal.estimates import estimate_text
from sim.terminal.summary import Table, facts, tables, way
from sim.theory.answers import Prediction
from sim.wording import number_text

HEADLINES = {
    "stale_read_fraction": "stale reads",
    "staleness.p99": "staleness, p99",
    "visibility_lag.p99": "visibility lag, p99",
    "command_latency.p99": "time to commit, p99",
    "throughput": "committed",
}

LARGEST = 2_000_000  # bytes of a page with sliders

Slots = dict[str, Markup]


@frozen
class Outcome:
    """What one scenario came to, how that was found, and the command that plays it again."""

    scenario: Scenario
    summary: Summary
    theory: tuple[Prediction, ...]
    warnings: tuple[str, ...]
    pictures: tuple[Picture, ...]
    command: str


@frozen
class Slider:
    """A key of the scenario, the values that it can be given, and which of them the page opens with."""

    key: str
    values: tuple[str, ...]
    start: int


@frozen
class Report:
    """What a page shows: an outcome for each position of the sliders, of which the last counts fastest.

    `left_out` are the titles of figures for which there was no room.
    """

    name: str
    outcomes: tuple[Outcome, ...]
    command: str
    sliders: tuple[Slider, ...] = ()
    left_out: tuple[str, ...] = ()
    program: str = sim.__version__

    @property
    def start(self) -> int:
        """The position that the page opens with."""
        position = 0
        for slider in self.sliders:
            position = position * len(slider.values) + slider.start
        return position


@frozen
class Key:
    """A key of a scenario: where it stands, what it is, and whether that is what it is when left out."""

    path: str
    text: str
    default: bool


def page(report: Report) -> str:
    """Write a report as one HTML file; the same report gives the same text.

    With sliders, the last figures are left out if it would be too large with them.
    """
    html = _render(report)
    while report.sliders and len(html.encode()) > LARGEST and len(_titles(report)) > 1:
        report = _without_last_figure(report)
        html = _render(report)
    return html


def _titles(report: Report) -> dict[str, str]:
    """Give the title of each figure that the page has at any position, under its name."""
    return {one.name: one.title for outcome in report.outcomes for one in outcome.pictures}


def _without_last_figure(report: Report) -> Report:
    *_, (last, title) = _titles(report).items()
    outcomes = (
        attrs.evolve(outcome, pictures=tuple(one for one in outcome.pictures if one.name != last))
        for outcome in report.outcomes
    )
    return attrs.evolve(report, outcomes=tuple(outcomes), left_out=(title, *report.left_out))


def _render(report: Report) -> str:
    filled = [_fill(outcome) for outcome in report.outcomes]
    slots = {name: Markup("") for each in filled for name in each}
    positions = [slots | each for each in filled]
    drawings = (one.drawing for outcome in report.outcomes for one in outcome.pictures)
    script = _read("report.js")
    return _TEMPLATES.get_template("report.html").render(
        report=report,
        scenario=report.outcomes[report.start].scenario,
        found=positions[report.start],
        titles=_titles(report),
        outlines=Markup(sheet(drawings)),
        meanings=_meanings(report.outcomes),
        style=Markup(_read("report.css")),
        script=Markup(script),
        script_hash="sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        positions=Markup(_pack(positions)) if report.sliders else "",
    )


def every_key(value: Any, place: str = "") -> Iterator[Key]:
    """List all the keys of a scenario or of a part of it, with the path that --set knows them by."""
    if isinstance(value, Expect):
        yield from (Key(f"{place}{name}", _plain(text), False) for name, text in value.write().items())
        return
    for field in attrs.fields(type(value)):
        path, inner = f"{place}{field.name}", getattr(value, field.name)
        if isinstance(inner, tuple):
            for number, part in enumerate(inner, 1):
                yield from every_key(part, f"{path}.{getattr(part, 'name', number)}.")
        elif not field.metadata:
            yield from every_key(inner, f"{path}.")
        elif isinstance(value, Workers) and field.name == "pace" and not (value.think or value.phases):
            yield Key(path, str(value.schedule[0].pace), inner is None)
        else:
            written = None if inner is None else field.metadata[WRITE](inner)
            yield Key(path, _plain(written), inner == field.default)


def _plain(value: Any) -> str:
    """Write a key's value as one would read it in a scenario file."""
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value)


def _fill(outcome: Outcome) -> Slots:
    """Fill the slots of the page from one outcome."""
    said = _said(outcome)
    macros: Any = _TEMPLATES.get_template("slots.html").module
    slots = {name: getattr(macros, name)(said) for name in ("headline", "tables", "keys", "again")}
    slots |= {one.name: Markup(one.drawing.svg) for one in outcome.pictures}
    slots |= {f"words-{one.name}": escape(one.words) for one in outcome.pictures}
    return slots


def _said(outcome: Outcome) -> dict[str, Any]:
    """Put what an outcome says into words and numbers."""
    scenario, summary = outcome.scenario, outcome.summary
    return {
        "headline": list(_headline(summary)),
        "way": f"{way(scenario)}, {summary.loop} loop",
        "facts": facts(summary, scenario),
        "warnings": outcome.warnings,
        "tables": list(tables(summary, scenario, outcome.theory)),
        "claims": [claim(expect, summary) for expect in scenario.expect],
        "theory": list(_theory(outcome)),
        "every_key": list(every_key(scenario)),
        "command": outcome.command,
        "seed": summary.seed,
        "fingerprint": summary.fingerprint,
    }


def _headline(summary: Summary) -> Iterator[tuple[str, str]]:
    """Choose the few numbers that say most, of those that were seen."""
    for name, label in HEADLINES.items():
        if not math.isnan(summary.value(name)):
            yield label, _found(summary, name)


def _found(summary: Summary, name: str) -> str:
    return estimate_text(summary.estimate(name), METRICS[split_name(name)[0]].unit)


def _theory(outcome: Outcome) -> Iterator[dict[str, Any]]:
    """Put what theory predicted beside what was found, model by model."""
    for name, alike in groupby(outcome.theory, key=lambda one: one.model):
        predictions = list(alike)
        reasons = dict.fromkeys(reason for one in predictions for reason in one.holds_because.split("; "))
        rows = [
            {
                "metric": one.metric,
                "theory": number_text(one.value, METRICS[split_name(one.metric)[0]].unit),
                "found": _found(outcome.summary, one.metric),
                "formula": one.formula,
            }
            for one in predictions
        ]
        yield {"name": name, "source": predictions[0].source, "because": "; ".join(reasons), "rows": rows}


def _meanings(outcomes: Iterable[Outcome]) -> dict[str, str]:
    """Say what the rows mean that any of the tables has."""
    shown: list[Table] = [table for one in outcomes for table in tables(one.summary, one.scenario)]
    rows = (row for table in shown for row in table.rows if row.name in METRICS)
    return {row.label: METRICS[row.name].meaning for row in rows}


def _pack(positions: list[Slots]) -> str:
    """Pack what each slot holds at each position; side by side, what is alike is stored once."""
    contents = {name: [slots[name] for slots in positions] for name in positions[0]}
    text = json.dumps(contents, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


_FOLDER = Path(__file__).parent
_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
