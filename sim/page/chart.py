"""A sweep as a figure: a line where one key varies, a heatmap where two do."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import frozen

from sim import plots
from sim.glossary import METRICS, Unit, split_name
from sim.grid import Axis, Cell, Grid
from sim.knob import Knob
from sim.metrics import Estimate
from sim.plots.canvas import Figure
from sim.steady import unsteady
from sim.studies.sweeps import Finding
from sim.terminal.summary import CONTENTION, STALENESS

UNKNOWN = Estimate(math.nan)

Places = tuple[str, ...]  # what a cell's keys are set to


@frozen
class Spot:
    """What a figure shows of a cell: the number, and what theory says of it; nan where there is none."""

    estimate: Estimate
    theory: float


def draw(grid: Grid, found: Sequence[Finding | None], metric: str, path: Path) -> bool:
    """Draw one number of a sweep, and save it; False, and nothing is, where more than two keys vary.

    What grows as long as the run lasts is left out.
    """
    if len(grid.axes) > 2:
        return False
    spots = {
        tuple(value for _, value in cell.settings): _spot(cell, finding, metric)
        for cell, finding in zip(grid.cells, found, strict=True)
    }
    figure = _line(grid, spots, metric) if len(grid.axes) == 1 else _heatmap(grid, spots, metric)
    plots.save(figure, path)
    return True


def _spot(cell: Cell, finding: Finding | None, metric: str) -> Spot:
    """Choose a cell's number, and theory's."""
    name, _ = split_name(metric)
    if finding is None or name in unsteady(cell.scenario, finding.summary.value("throughput")):
        return Spot(UNKNOWN, math.nan)
    theory = finding.theory.get(metric.removesuffix(".value"))
    return Spot(finding.summary.estimate(metric), theory.value if theory else math.nan)


def _line(grid: Grid, spots: Mapping[Places, Spot], metric: str) -> Figure:
    """Draw the number over one key, and theory beside it."""
    side, texts = _side(grid, 0)
    theory = [(place, spots[text,].theory) for place, text in zip(side.positions, texts, strict=True)]
    curve = [(x, y) for x, y in theory if isinstance(x, float) and not math.isnan(y)]
    line = plots.Line(metric, [spots[text,].estimate for text in texts], curve)
    knob, unit = plots.Knob(side.name, side.unit), _unit(metric)
    title, note = f"{_name(metric)} over {side.name}", "theory" if curve else ""
    return plots.hockey_stick(side.positions, [line], knob, _name(metric), unit, title=title, note=note)


def _heatmap(grid: Grid, spots: Mapping[Places, Spot], metric: str) -> Figure:
    """Draw the number for each pair of values, the last key across and the other one up."""
    (upright, rows), (across, columns) = _side(grid, 0), _side(grid, 1)
    numbers = [[spots[row, column].estimate for column in columns] for row in rows]
    title = f"{_name(metric)} over {across.name} and {upright.name}"
    return plots.heatmap(across, upright, numbers, _name(metric), _unit(metric), title=title)


def _side(grid: Grid, number: int) -> tuple[plots.Side, list[str]]:
    """Give an axis in the order in which it is drawn: numbers as they grow, words as they were written."""
    axis = grid.axes[number]
    numbers = {cell.settings[number][1]: cell.numbers[number] for cell in grid.cells}
    known = {text: value for text, value in numbers.items() if value is not None and math.isfinite(value)}
    if len({*known.values()}) < len(axis.values):
        return plots.Side(axis.key, axis.values), [*axis.values]
    texts = sorted(known, key=known.__getitem__)
    return plots.Side(axis.key, [known[text] for text in texts], _unit_of(axis, grid)), texts


def _unit_of(axis: Axis, grid: Grid) -> Unit:
    """Say in which unit the numbers of a key are."""
    return Knob.find(grid.cells[0].scenario, axis.key).kind.unit


def _name(metric: str) -> str:
    """Name a number as the terminal does, where it does: "Time to commit, p99"."""
    name, statistic = split_name(metric)
    words = (STALENESS | CONTENTION).get(name, name)
    return f"{words[:1].upper()}{words[1:]}{'' if statistic == 'value' else f', {statistic}'}"


def _unit(metric: str) -> Unit:
    return METRICS[split_name(metric)[0]].unit
