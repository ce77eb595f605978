"""Sweeps: every cell of a grid played on the same luck, and one table of all that was found."""

import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from sim.glossary import METRICS
from sim.grid import Cell, Grid, Run, lay_out, make_axis
from sim.metrics import Summary
from sim.pool.cluster import versions
from sim.pool.executors import in_any_order
from sim.pool.processes import get_ready, prepare
from sim.replicate import conclude_short
from sim.scenario import samples
from sim.scenario_file import toml_text
from sim.studies.lots import lots_of, play_lot
from sim.theory.answers import Prediction, predictions

if TYPE_CHECKING:
    import polars as pl


def sweep(
    scenario: str | Path,
    vary: Mapping[str, str | Iterable[object]],
    *,
    settings: Mapping[str, str] | None = None,
    engine: str = "auto",
    jobs: int | None = None,
    executor: Executor | None = None,
) -> "pl.DataFrame":
    """Play a scenario once more for each combination of the values of some keys, and give one table.

    The values are a list, or a text as after `--vary`: sweep("saturation",
    {"link.delay": "10ms..80ms", "workers.pace": ["poisson(50/s)",
    "poisson(90/s)"]}). All cells share the seed, so they differ by what
    varies and not by luck. `settings` holds in all of them; "replications" is
    one of its keys. For `engine`, `jobs` and `executor` see `run` and `measure`.

    The table has a row for each cell, metric and statistic: see `table`. A run
    that costs a process its life twice is missing in it, with a warning.
    """
    if executor is None and jobs != 1:
        prepare()
    grid = lay_out(scenario, [make_axis(key, values) for key, values in vary.items()], settings)
    get_ready("scipy.special", "polars")
    findings = Findings(grid)
    for run, summary in play_cells(grid, engine=engine, jobs=jobs, executor=executor):
        if summary is None:
            warnings.warn(lost(grid, run), stacklevel=2)
        else:
            findings.add(run, summary)
    return table(grid, findings.conclude())


def runs(grid: Grid) -> list[Run]:
    """List all runs of a sweep, cell by cell."""
    return [(n, r) for n, cell in enumerate(grid.cells) for r in range(cell.scenario.replications)]


def play_cells(
    grid: Grid,
    done: Collection[Run] = (),
    engine: str = "auto",
    jobs: int | None = None,
    executor: Executor | None = None,
    on_death: Callable[[], object] = lambda: None,
) -> Iterator[tuple[Run, Summary | None]]:
    """Play all runs that are not done yet, and give each as soon as it is there; None for one that is lost.

    For `on_death` see executors.in_any_order; if a lot costs two processes their
    life, its runs are played alone. Unplayable says which cell cannot be played.
    """
    lots = lots_of(grid, [run for run in runs(grid) if run not in done], engine)
    while lots:
        alone: list[list[Run]] = []
        tasks = [([(grid.cells[n], r) for n, r in lot], engine) for lot in lots]
        with closing(in_any_order(play_lot, tasks, jobs, executor, on_death)) as results:
            for number, summaries in results:
                lot = lots[number]
                if summaries is not None:
                    yield from zip(lot, summaries, strict=True)
                elif len(lot) > 1:
                    alone += [[run] for run in lot]
                else:
                    yield lot[0], None
        lots = alone


def lost(grid: Grid, run: Run) -> str:
    """Say which run has been lost."""
    number, replication = run
    return f"{grid.cells[number]}, replication {replication}: the process that played it died, twice"


@frozen
class Finding:
    """What a cell has shown, and what theory says of it, by the name of the number."""

    summary: Summary
    theory: dict[str, Prediction]


@define
class Findings:
    """What a sweep has found so far: which runs are done, and what they say.

    A cell is concluded, and theory asked about it, as soon as its last
    replication is there, while others are being played; of its runs nothing
    else is kept.
    """

    grid: Grid
    done: set[Run] = field(factory=set)
    _open: dict[int, dict[int, Summary]] = field(factory=dict)
    _concluded: dict[int, Finding] = field(factory=dict)

    def add(self, run: Run, summary: Summary) -> None:
        """Take a finished run in."""
        cell, replication = run
        self.done.add(run)
        self._open.setdefault(cell, {})[replication] = summary
        if len(self._open[cell]) == self.grid.cells[cell].scenario.replications:
            self._conclude(cell)

    def conclude(self) -> list[Finding | None]:
        """Give what each cell has shown, by the replications that are there; None where there is none."""
        for cell in [*self._open]:
            self._conclude(cell)
        return [self._concluded.get(number) for number in range(len(self.grid.cells))]

    def _conclude(self, cell: int) -> None:
        scenario, played = self.grid.cells[cell].scenario, self._open.pop(cell)
        summary = conclude_short(scenario, [played[replication] for replication in sorted(played)])
        theory = {one.metric: one for one in predictions(scenario)}
        self._concluded[cell] = Finding(summary, theory)


def table(grid: Grid, found: Sequence[Finding | None]) -> "pl.DataFrame":
    """Put all cells into one table, with a row for each cell, metric and statistic.

    For each key that varies there is a column with its value as a number in SI
    units (of a distribution the mean, of a pace the rate; null if it is none),
    and one with what was written, "link.delay as written". `estimate`, `low`
    and `high` are null where nothing was seen, the bounds also where there is
    no interval: of one replication, or of what grows as long as the run lasts.
    `theory` is null where no closed form holds; `n` is the number of
    observations.
    """
    import polars as pl  # a tenth of a second to import

    rows = [
        row
        for cell, finding in zip(grid.cells, found, strict=True)
        if finding is not None
        for row in _rows(cell, finding)
    ]
    whole = pl.DataFrame(rows, schema=_schema(grid), orient="row")
    return whole.with_columns(pl.col(pl.Float64).fill_nan(None))


def _rows(cell: Cell, finding: Finding) -> Iterator[list[Any]]:
    """Give the rows of one cell."""
    summary = finding.summary
    texts = (text for _, text in cell.settings)
    place = [*chain.from_iterable(zip(cell.numbers, texts, strict=True))]
    for name in METRICS:
        for statistic, found in summary.metrics[name].items():
            theory = finding.theory.get(name if statistic == "value" else f"{name}.{statistic}")
            what = [name, statistic, found.estimate, found.low, found.high, theory and theory.value]
            yield [*place, *what, summary.replications, summary.counts[name]]


def _schema(grid: Grid) -> dict[str, type]:
    """Name the columns."""
    where: dict[str, type] = {}
    for axis in grid.axes:
        where |= {axis.key: float, f"{axis.key} as written": str}
    numbers = dict.fromkeys(("estimate", "low", "high", "theory"), float)
    counts = dict.fromkeys(("replications", "n"), int)
    return {**where, "metric": str, "statistic": str, **numbers, **counts}


def identity(grid: Grid) -> list[str]:
    """Say line by line what a sweep is, and what plays it: two with the same lines find the same."""
    return [*(f"{name} {version}" for name, version in versions().items()), *description(grid)]


def description(grid: Grid) -> list[str]:
    """Say line by line what a sweep is: its scenario, the durations it reads from files, its axes."""
    return [
        *toml_text(grid.base).splitlines(),
        *(f"{sample.file} {sha256(repr(sample.values).encode()).hexdigest()}" for sample in _samples(grid)),
        *(f"{axis.key} from {', '.join(axis.values)}" for axis in grid.axes),
    ]


def _samples(grid: Grid) -> Iterator[Any]:
    """Find the measured durations of all cells, each once."""
    yield from {s.file: s for cell in grid.cells for s in samples(cell.scenario)}.values()
