"""What a notebook shows for itself: words without quotes, a table, an actor's source, a figure."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import polars as pl
from attrs import field, frozen

from sim import plots
from sim.glossary import METRICS, Unit, split_name
from sim.metrics import Estimate, Summary, numbers
from sim.replay.backlog import backlog
from sim.replay.messages import exchange
from sim.replay.timeline import timeline
from sim.trace import Trace
from sim.wording import number_text

LIKE_CODE = "font: 12px/1.3 var(--jp-code-font-family, monospace)"


class Words(str):
    """Text that a notebook shows as it stands."""

    __slots__ = ()
    __repr__ = str.__str__


class Table(Words):
    """Rows in Markdown, which a notebook sets as a table."""

    __slots__ = ()

    def _repr_markdown_(self) -> str:
        return str(self)


class Source(Words):
    """Python text, which a notebook shows in colour."""

    __slots__ = ()

    def _repr_html_(self) -> Any:
        from IPython.display import Code  # who asks for HTML is IPython

        coloured = Code(self, language="python")._repr_html_()  # type: ignore[no-untyped-call]
        return f'<div style="{LIKE_CODE}">{coloured}</div>'


@frozen
class Picture:
    """A figure as it is drawn, in the form that a notebook shows."""

    svg: str = field(repr=False)

    def _repr_svg_(self) -> str:
        return self.svg


def told(trace: Trace, metrics: Iterable[str]) -> dict[str, str]:
    """Measure some numbers of a run by their names, and write each in its unit."""
    found = numbers(trace, metrics)
    return {name: number_text(value, METRICS[split_name(name)[0]].unit) for name, value in found.items()}


def table(runs: Mapping[str, Trace], *metrics: str) -> Table:
    """Set some numbers of several runs side by side, a column for each run."""
    columns = [told(trace, metrics) for trace in runs.values()]
    rows = [[metric, *(column[metric] for column in columns)] for metric in metrics]
    head = [["", *runs], ["---", *("---:" for _ in runs)]]
    return Table("\n".join(f"| {' | '.join(row)} |" for row in [*head, *rows]))


def source(thing: Callable[..., Any]) -> Source:
    """Give the source of a function or class, as the package has it."""
    return Source(inspect.getsource(thing).rstrip())


def lag(trace: Trace, product: int | None = None, window: tuple[float, float] | None = None) -> Any:
    """Draw how the read model follows the write model, of one product or of all, in a window of time."""
    return plots.lag_over_time(timeline(trace, product, window))


def queue(trace: Trace) -> Any:
    """Draw how many commands wait, in the channel and at its door, and how busy the writer is."""
    return plots.queue_over_time(backlog(trace))


def hockey_stick(found: Mapping[float, Summary], theory: Sequence[tuple[float, float]]) -> Any:
    """Draw the mean time to commit, measured at several loads, and beside it what a formula says."""
    estimates = [summary.estimate("command_latency.mean") for summary in found.values()]
    return plots.hockey_stick(list(found), [plots.Line("measured", estimates, theory)])


def messages(trace: Trace, product: int | None = None, window: tuple[float, float] | None = None) -> Any:
    """Draw who sent what to whom, about one product or about all, in a window of time."""
    return plots.space_time(exchange(trace, window, product))


def heatmap(
    swept: pl.DataFrame,
    metric: str,
    title: str,
    units: tuple[Unit, Unit],
    theory: Sequence[tuple[float, float]] = (),
    note: str = "",
) -> Any:
    """Draw a metric of a sweep over two keys, with the units of these; `note` says what the line means."""
    (name, statistic), keys = split_name(metric), (swept.columns[0], swept.columns[2])
    cells = swept.filter(metric=name, statistic=statistic).sort(*reversed(keys))
    found = [Estimate(*row) for row in cells.select("estimate", "low", "high").iter_rows()]
    across, upright = (
        plots.Side(key, cells[key].unique().sort().to_list(), unit)
        for key, unit in zip(keys, units, strict=True)
    )
    rows = [found[first : first + len(across)] for first in range(0, len(found), len(across))]
    return plots.heatmap(across, upright, rows, metric, METRICS[name].unit, title, theory, note)


def show(figure: Any) -> Picture:
    """Draw a figure in the look of the package, whatever the notebook's own settings are."""
    return Picture(plots.as_svg(figure))
