"""A sweep's grid as the terminal shows it: one number of each cell, with its interval."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from sim.glossary import METRICS, split_name
from sim.grid import Cell, Grid
from sim.steady import unsteady
from sim.studies.sweeps import Finding
from sim.terminal.estimates import estimate_text
from sim.wording import count, number_text, readable

Written = Mapping[tuple[str, ...], str]  # what to write in the cell with these values


def sweep_lines(
    grid: Grid, found: Sequence[Finding | None], name: str, metric: str, elapsed: float
) -> Iterator[str]:
    """Lay a sweep out, line by line: the last key across, the one before it down, a block for the others."""
    yield from _heading(grid, name, metric, elapsed)
    pairs = [*zip(grid.cells, found, strict=True)]
    written = {_values(cell): _written(cell, finding, metric) for cell, finding in pairs}
    if len(grid.axes) == 1:
        theory = {_values(cell): _theory(finding, metric) for cell, finding in pairs}
        yield ""
        yield from _column(grid, metric, written, theory)
        return
    *others, _, _ = grid.axes
    for values in product(*(axis.values for axis in others)):
        yield ""
        if others:
            yield "   ".join(f"{axis.key}={value}" for axis, value in zip(others, values, strict=True))
        yield from _block(grid, values, written)


def _heading(grid: Grid, name: str, metric: str, elapsed: float) -> Iterator[str]:
    base = grid.base
    yield f"{name}  seed {base.seed}   {metric}: {METRICS[split_name(metric)[0]].meaning}"
    runs = sum(cell.scenario.replications for cell in grid.cells)
    cells = count(len(grid.cells), "cell")
    yield f"{cells}    {count(runs, 'run')} of {readable(base.duration)} simulated in {elapsed:.2f} s"


def _column(grid: Grid, metric: str, found: Written, theory: Written) -> Iterator[str]:
    """Lay out what varies down, and theory beside what was measured, where it says anything."""
    [axis] = grid.axes
    headings = [metric, "theory"] if any(theory.values()) else [metric]
    rows = [[value, found[value,], theory[value,]][: len(headings) + 1] for value in axis.values]
    return _aligned([[axis.key, *headings], *rows])


def _block(grid: Grid, before: tuple[str, ...], found: Written) -> Iterator[str]:
    """Lay out the last two axes, the first of them down and the second across."""
    *_, down, across = grid.axes
    rows = [[value, *(found[*before, value, other] for other in across.values)] for value in down.values]
    return _aligned([["", across.key], [down.key, *across.values], *rows])


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Write a table, the first column to the left, the others to the right; a lone heading may stick out."""
    full = [row for row in rows if len(row) == max(map(len, rows))]
    first, *others = (max(map(len, column)) for column in zip(*full, strict=True))
    for row in rows:
        side = ">" if row in full else "<"
        cells = "".join(f"   {cell:{side}{width}}" for cell, width in zip(row[1:], others, strict=False))
        yield f"   {row[0]:<{first}}{cells}".rstrip()


def _values(cell: Cell) -> tuple[str, ...]:
    return tuple(value for _, value in cell.settings)


def _written(cell: Cell, finding: Finding | None, metric: str) -> str:
    """Write a cell's number; a dash where no run was finished."""
    if finding is None:
        return "–"
    name, _ = split_name(metric)
    grows = name in unsteady(cell.scenario, finding.summary.value("throughput"))
    number = estimate_text(finding.summary.estimate(metric), METRICS[name].unit)
    return f"{number} grows" if grows else number


def _theory(finding: Finding | None, metric: str) -> str:
    """Write what theory says of a cell's number, if it says anything."""
    name, _ = split_name(metric)
    found = finding and finding.theory.get(metric.removesuffix(".value"))
    return number_text(found.value, METRICS[name].unit) if found else ""
