"""The figures of a page, each with what it says in words, for whoever cannot see it.

Of many runs, most figures show the first one; the blame is of all of them.
"""

import math
from collections.abc import Callable

from attrs import frozen

from sim import plots
from sim.backlog import Backlog, backlog
from sim.drawing import Drawing, drawing
from sim.glossary import QUANTILES
from sim.messages import Exchange, NoSuchQuery, around_worst
from sim.metrics import Summary, numbers, quantiles_of
from sim.terminal import BLAME, LITTLE, WHERE
from sim.theory import Law, law
from sim.timeline import Timeline, telling_product, timeline
from sim.trace import Trace
from sim.visibility import VisibilityCurve, visibility_curve
from sim.wording import count, number_text, readable

NINES = {  # whose percentiles are drawn
    "staleness": "staleness",
    "visibility_lag": "visibility lag",
    "command_latency": "time to commit",
}

QUOTED = ("p50", "p99", "p99.9")
SHARES = tuple(QUANTILES[p] for p in QUOTED)


@frozen
class Picture:
    """A figure as it stands in a page, with its name there, its title, and what it says."""

    name: str
    title: str
    words: str
    drawing: Drawing


def pictures(trace: Trace, summary: Summary) -> list[Picture]:
    """Draw each figure that fits a run, those that tell most first."""
    drawn = (draw(trace, summary) for draw in FIGURES)
    return [picture for picture in drawn if picture]


def _lag(trace: Trace, _: Summary) -> Picture:
    seen = timeline(trace, telling_product(trace))
    svg = plots.as_svg_without_halos(plots.lag_over_time(seen))
    return _picture("lag-over-time", "Lag over time", lag_words(seen), svg)


def _blame(_: Trace, summary: Summary) -> Picture | None:
    if math.isnan(summary.value("blame.delay")):
        return None  # no read was stale
    svg = plots.as_svg_without_halos(plots.blame_waterfall(summary.metrics))
    return _picture("blame", "Where the stale time went", blame_words(summary), svg)


def _visibility(trace: Trace, _: Summary) -> Picture | None:
    if trace.scenario.scripted:
        return None  # a story's few changes tell themselves, and so do its commands
    curve, theory = visibility_curve(trace), law(trace.scenario, "t_visibility")
    svg = plots.as_svg_without_halos(plots.t_visibility({"": curve}, theory))
    return _picture("visibility", "Visibility", visibility_words(curve, theory), svg)


def _queue(trace: Trace, _: Summary) -> Picture | None:
    if trace.scenario.scripted or trace.scenario.architecture == "unsafe":
        return None  # where there is no lock, nobody waits
    waiting = backlog(trace)
    svg = plots.as_svg_without_halos(plots.queue_over_time(waiting))
    return _picture("queue", "What waits", queue_words(waiting), svg)


def _percentiles(trace: Trace, _: Summary) -> Picture | None:
    if trace.scenario.scripted:
        return None
    curves = {label: quantiles_of(trace, name) for name, label in NINES.items()}
    laws = {label: found for name, label in NINES.items() if (found := law(trace.scenario, name))}
    svg = plots.as_svg_without_halos(plots.percentiles_by_nines(curves, laws))
    measured = numbers(trace, [f"{name}.{p}" for name in NINES for p in QUOTED])
    seconds = {label: [measured[f"{name}.{p}"] for p in QUOTED] for name, label in NINES.items()}
    return _picture("percentiles", "Percentiles", percentile_words(seconds), svg)


def _messages(trace: Trace, _: Summary) -> Picture | None:
    try:
        told = around_worst(trace)
    except NoSuchQuery:
        return None
    svg = plots.as_svg_without_halos(plots.space_time(told))
    return _picture("space-time", "How the stalest read came about", message_words(told), svg)


def lag_words(seen: Timeline) -> str:
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


def blame_words(summary: Summary) -> str:
    """Name the places where the missing changes were, the one with most of the time first."""
    said = []
    for name, label in BLAME.items():
        shares = {place: summary.value(f"{name}.{place}") for place in WHERE}
        most = sorted((place for place in WHERE if shares[place] > LITTLE), key=lambda place: -shares[place])
        parts = (f"{number_text(shares[place], 'share')} {WHERE[place]}" for place in most)
        said.append(f"{label}, {', '.join(parts)}")
    return f"Where the change was that a stale read missed: {'; '.join(said)}."


def visibility_words(curve: VisibilityCurve, theory: Law | None) -> str:
    """Say after what time a half, 99 % and 99.9 % of the changes can be seen, and which theory is drawn."""
    if not curve.n:
        return "Nothing was committed in the measured window."
    said = []
    for share in SHARES:
        time = curve.reached(share)
        when = "never" if math.isinf(time) else f"within {readable(time)}"
        said.append(f"{number_text(share, 'share')} {when}")
    beside = f" The dashed curve is theory: {theory.model}." if theory else ""
    seen = f"Of {count(curve.n, 'change')}, so many can be seen after their commit, or newer ones"
    return f"{seen}: {', '.join(said)}.{beside}"


def queue_words(waiting: Backlog) -> str:
    """Say how long the queue gets, how much of the time senders are blocked, and how busy it is behind it."""
    if not waiting.commands:
        return "No command came in the measured window."
    said = [f"At most {count(int(waiting.inside.max()), 'command')} wait in the channel"]
    if waiting.outside.any():
        blocked = number_text(waiting.blocked, "share")
        said.append(
            f"at most {waiting.outside.max():,} at its door, where somebody waits {blocked} of the time"
        )
    busy, most = (number_text(share, "share") for share in (waiting.utilisation, float(waiting.busy.max())))
    said.append(f"the {waiting.station} is busy {busy} of the time, and {most} in its busiest stretch")
    return f"{'; '.join(said)}."


def percentile_words(seconds: dict[str, list[float]]) -> str:
    """Say which durations, under their names, a half, 99 % and 99.9 % do not exceed."""
    known = {label: row for label, row in seconds.items() if not math.isnan(row[0])}
    if not known:
        return "Too little was measured."
    shares = ", ".join(number_text(share, "share") for share in SHARES)
    said = (f"{label} {', '.join(map(readable, row))}" for label, row in known.items())
    return f"What {shares} of them do not exceed: {'; '.join(said)}."


def message_words(told: Exchange) -> str:
    """Say what the read asked for missed, when that was committed, and when it could be seen."""
    assert told.focus is not None, "it is about one read"
    asked = f"At {readable(told.focus.sent, 4)} somebody asks for product {told.product}"
    if not told.hidden:
        return f"{asked}, and is shown all that was committed: no read was stale."
    missed = told.hidden[0]
    seen = "never seen" if math.isinf(missed.shown) else f"seen from {readable(missed.shown, 4)} on"
    return (
        f"{asked}, and misses version {missed.version:,}, which was committed at "
        f"{readable(missed.since, 4)} and is {seen}: the answer is {readable(told.staleness)} stale."
    )


def _picture(name: str, title: str, words: str, svg: str) -> Picture:
    """Make a picture of which the words are found at "words-", followed by its name."""
    return Picture(name, title, words, drawing(svg, title, described_by=f"words-{name}"))


FIGURES: tuple[Callable[[Trace, Summary], Picture | None], ...] = (
    _lag,
    _blame,
    _visibility,
    _queue,
    _percentiles,
    _messages,
)
