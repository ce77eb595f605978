"""The figures that fit a run, each with what it says in words, for whoever cannot see it."""

from collections.abc import Callable

from attrs import frozen

from sim.drawing import Drawing, drawing
from sim.plots import as_svg_without_halos, lag_over_time
from sim.timeline import Timeline, telling_product, timeline
from sim.trace import Trace
from sim.wording import count, readable


@frozen
class Picture:
    """A figure as it stands in a page, with its name there, its title, and what it says."""

    name: str
    title: str
    words: str
    drawing: Drawing


def pictures(trace: Trace) -> list[Picture]:
    """Draw each figure that fits a run."""
    return [make(trace) for make in FIGURES]


def _lag_over_time(trace: Trace) -> Picture:
    seen = timeline(trace, telling_product(trace))
    svg = as_svg_without_halos(lag_over_time(seen))
    return _picture("lag-over-time", "Lag over time", _lag_words(seen), svg)


def _lag_words(seen: Timeline) -> str:
    """Say what both lines do, how late and how far behind the lower one is, and how stale that makes it."""
    whose = "all products" if seen.product is None else f"product {seen.product}"
    start, end = map(readable, seen.window)
    if seen.eventless:
        return f"Between {start} and {end}, nothing was committed of {whose}."
    said = [
        f"Between {start} and {end} the write model takes {whose} from version "
        f"{seen.written.versions[0]:,} to {seen.written.versions[-1]:,}, "
        f"and the read model from {seen.shown.versions[0]:,} to {seen.shown.versions[-1]:,}"
    ]
    if seen.lag:
        said.append(f"the longest that a change took to be seen is {readable(seen.lag.seconds)}")
    if seen.gap:
        said.append(f"at worst the read model is {count(seen.gap.versions, 'version')} behind")
    said.append(f"for 95% of that time, staleness is at most {readable(seen.p95)}")
    return f"{'; '.join(said)}."


def _picture(name: str, title: str, words: str, svg: str) -> Picture:
    """Make a picture of which the words are found at "words-", followed by its name."""
    return Picture(name, title, words, drawing(svg, title, described_by=f"words-{name}"))


FIGURES: tuple[Callable[[Trace], Picture], ...] = (_lag_over_time,)
