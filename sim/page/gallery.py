"""The gallery: which figures a run has, and how each of them is drawn from its trace."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from attrs import frozen

from sim import plots
from sim.measures.visibility import visibility_curve
from sim.metrics import quantiles_of, summarise
from sim.plots.canvas import READ, READ_TEXT, WRITE, Figure
from sim.replay.backlog import backlog
from sim.replay.messages import Exchange, TooMany, around_query, around_worst, exchange
from sim.replay.timeline import telling_product, timeline
from sim.theory.answers import law
from sim.trace import Trace


class NoFigure(ValueError):
    """A run has no such figure; str() says which, and why."""


@frozen
class View:
    """What of a run is looked at: around what, which product, between which instants; None: as it fits."""

    around: str | None = None
    product: int | None = None
    window: tuple[float, float] | None = None


@frozen
class Picture:
    """One of the figures: why a run has none (nothing, if it has), and how it is drawn."""

    why_not: Callable[[Trace], str]
    draw: Callable[[Trace, View], Figure]
    chosen_by: tuple[str, ...] = ()


def fitting(trace: Trace) -> list[str]:
    """Name the figures that have something to show of a run, where nobody says what to look at."""
    there = [name for name, picture in PICTURES.items() if not picture.why_not(trace)]
    return [name for name in there if name != "spacetime" or _readable(trace)]


def draw(trace: Trace, name: str, view: View | None = None) -> Figure:
    """Draw one of PICTURES; NoFigure says why a run has none, or what a view of it cannot be."""
    picture = PICTURES[name]
    if because := picture.why_not(trace):
        raise NoFigure(f"{name}: {because}")
    try:
        return picture.draw(trace, view or View())
    except ValueError as error:
        raise NoFigure(f"{name}: {error}") from None


def save_all(trace: Trace, names: Iterable[str], folder: Path) -> list[Path]:
    """Draw some figures and write them into a folder, as pictures; give their paths."""
    paths = [folder / f"{name}.png" for name in names]
    for path in paths:
        plots.save(draw(trace, path.stem), path)
    return paths


def _lag(trace: Trace, view: View) -> Figure:
    product = telling_product(trace) if view.product is None else view.product
    return plots.lag_over_time(timeline(trace, product, view.window))


def _visibility(trace: Trace, _: View) -> Figure:
    curves = {trace.scenario.title: visibility_curve(trace)}
    return plots.t_visibility(curves, law(trace.scenario, "t_visibility"))


def _queue(trace: Trace, _: View) -> Figure:
    return plots.queue_over_time(backlog(trace))


def _percentiles(trace: Trace, _: View) -> Figure:
    names = costs(trace)
    curves = {label: quantiles_of(trace, name) for label, name in names.items()}
    laws = {label: law(trace.scenario, name) for label, name in names.items()}
    theory = {label: found for label, found in laws.items() if found}
    return plots.percentiles_by_nines(curves, theory, colors=[(WRITE, WRITE), (READ, READ_TEXT)])


def costs(trace: Trace) -> dict[str, str]:
    """Name what writing costs, and what reading does: staleness, or with one model the wait for an answer."""
    reading = "staleness" if trace.scenario.architecture == "cqrs" else "query_latency"
    return {"time to commit": "command_latency", READING[reading]: reading}


def _blame(trace: Trace, _: View) -> Figure:
    return plots.blame_waterfall(summarise(trace).metrics)


def _spacetime(trace: Trace, view: View) -> Figure:
    return plots.space_time(telling(trace, view))


def telling(trace: Trace, view: View) -> Exchange:
    """Choose what to tell: what is asked for; or all of it, or what led to the worst if that is too much."""
    if view.around == "worst":
        return around_worst(trace)
    if view.around:
        return around_query(trace, _query_number(view.around))
    if view.window or view.product:
        return exchange(trace, view.window, view.product)
    return exchange(trace) if _few(trace) else around_worst(trace)


def _readable(trace: Trace) -> bool:
    """Say whether there is a query to look around, or little enough to tell all of it."""
    start, end = trace.window
    return bool(trace.queries["asked"].is_between(start, end, "left").any()) or _few(trace)


def _few(trace: Trace) -> bool:
    try:
        exchange(trace)
    except TooMany:
        return False
    return True


def _query_number(around: str) -> int:
    number = re.fullmatch(r"query:(\d{1,12})", around)
    if not number:
        raise ValueError(f'--around takes "worst" or a query by its number, "query:17", not {around!r}')
    return int(number[1])


def _no_messages(trace: Trace) -> str:
    if trace.scenario.architecture != "cqrs":
        return "there is one model, and no messages between a writer and a reader"
    return "" if len(trace.queries) or len(trace.commands) else "nobody said anything"


def _no_changes(trace: Trace) -> str:
    return "" if len(trace.changes) else "nothing was committed"


def _no_delay(trace: Trace) -> str:
    if trace.scenario.architecture != "cqrs":
        return "there is one model, which is never behind"
    return _no_changes(trace)


def _no_queue(trace: Trace) -> str:
    if trace.scenario.architecture == "unsafe":
        return "without a lock nobody waits"
    return "" if len(trace.commands) else "nobody sent a command"


def _no_work(trace: Trace) -> str:
    return "" if len(trace.commands) or len(trace.queries) else "nobody sent a command, and nobody asked"


def _no_reads(trace: Trace) -> str:
    if trace.scenario.architecture != "cqrs":
        return "there is one model, and no read of it is stale"
    return "" if len(trace.queries) else "nobody asked for anything"


READING = {"staleness": "staleness", "query_latency": "time to look"}
PICTURES = {
    "lag": Picture(_no_changes, _lag, ("product", "window")),
    "visibility": Picture(_no_delay, _visibility),
    "queue": Picture(_no_queue, _queue),
    "percentiles": Picture(_no_work, _percentiles),
    "blame": Picture(_no_reads, _blame),
    "spacetime": Picture(_no_messages, _spacetime, ("around", "product", "window")),
}
