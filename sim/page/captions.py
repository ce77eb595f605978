"""The figures of a page, each with what it says in words, for whoever cannot see it.

Of many runs, most figures show the first one; the blame is of all of them.
"""

import math
from collections.abc import Callable

from attrs import frozen

from sim import plots
from sim.glossary import QUANTILES
from sim.measures.visibility import VisibilityCurve, visibility_curve
from sim.metrics import Summary, numbers
from sim.page.drawing import Drawing, drawing
from sim.page.gallery import View, costs, draw, fitting, telling
from sim.replay.backlog import Backlog, backlog
from sim.replay.messages import Exchange, Hidden
from sim.replay.timeline import Timeline, telling_product, timeline
from sim.terminal.summary import BLAME, LITTLE, WHERE
from sim.theory.answers import Law, law
from sim.trace import Trace
from sim.wording import count, number_text, readable

QUOTED = ("p50", "p99", "p99.9")
SHARES = tuple(QUANTILES[p] for p in QUOTED)
SOME = 4  # versions that are told one by one
FOR_A_STORY = ("lag", "blame", "spacetime")  # the others are about many


@frozen
class Picture:
    """A figure as it stands in a page, with its name there, its title, and what it says."""

    name: str
    title: str
    words: str
    drawing: Drawing


@frozen
class Caption:
    """What a figure is called, and how one says in words what it shows of a run."""

    title: str
    words: Callable[[Trace, Summary], str]


def pictures(trace: Trace, summary: Summary) -> list[Picture]:
    """Draw each figure that fits a run, those that tell most first."""
    there = set(fitting(trace)) & set(FOR_A_STORY if trace.scenario.scripted else CAPTIONS)
    return [_picture(name, trace, summary) for name in CAPTIONS if name in there]


def _picture(name: str, trace: Trace, summary: Summary) -> Picture:
    """Draw a figure; the words about it are found at "words-", followed by its name."""
    figure = plots.blame_waterfall(summary.metrics) if name == "blame" else draw(trace, name)
    caption = CAPTIONS[name]
    drawn = drawing(plots.as_svg_without_halos(figure), caption.title, described_by=f"words-{name}")
    return Picture(name, caption.title, caption.words(trace, summary), drawn)


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
    if math.isnan(summary.value(f"blame.{next(iter(WHERE))}")):
        return "No read was stale."
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
    """Say what a read missed; or of all that was said, which versions could not be seen at once."""
    hidden = [_hidden_words(one) for one in told.hidden[:SOME]]
    more = f"; and {count(len(told.hidden) - SOME, 'version')} more" if len(told.hidden) > SOME else ""
    if told.focus is None:
        start, end = map(readable, told.window)
        said = f"Between {start} and {end}, {count(len(told.messages), 'message')}"
        return f"{said}: {'; '.join(hidden)}{more}." if hidden else f"{said}."
    asked = f"At {readable(told.focus.sent, 4)} somebody asks for product {told.product}"
    if not hidden:
        return f"{asked}, and is shown all that was committed: no read was stale."
    return f"{asked}, and the answer is {readable(told.staleness)} stale: {hidden[0]}."


def _hidden_words(one: Hidden) -> str:
    """Say when a version was committed, and from when on it can be seen."""
    seen = "never seen" if math.isinf(one.shown) else f"seen from {readable(one.shown, 4)} on"
    return f"version {one.version:,} is committed at {readable(one.since, 4)} and {seen}"


def _lag(trace: Trace, _: Summary) -> str:
    return lag_words(timeline(trace, telling_product(trace)))


def _visibility(trace: Trace, _: Summary) -> str:
    return visibility_words(visibility_curve(trace), law(trace.scenario, "t_visibility"))


def _queue(trace: Trace, _: Summary) -> str:
    return queue_words(backlog(trace))


def _percentiles(trace: Trace, _: Summary) -> str:
    names = costs(trace)
    found = numbers(trace, [f"{name}.{p}" for name in names.values() for p in QUOTED])
    return percentile_words({label: [found[f"{name}.{p}"] for p in QUOTED] for label, name in names.items()})


def _messages(trace: Trace, _: Summary) -> str:
    return message_words(telling(trace, View()))


CAPTIONS = {
    "lag": Caption("Lag over time", _lag),
    "blame": Caption("Where the stale time went", lambda _, summary: blame_words(summary)),
    "visibility": Caption("Visibility", _visibility),
    "queue": Caption("What waits", _queue),
    "percentiles": Caption("Percentiles", _percentiles),
    "spacetime": Caption("Who said what to whom", _messages),
}
