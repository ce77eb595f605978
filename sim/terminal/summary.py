"""Summaries as the terminal shows them: what ran, what it found, what it means, what to do next."""

import math
import re
from collections.abc import Iterable, Iterator, Set

from attrs import frozen

from sim.durations import duration_text
from sim.glossary import METRICS, QUANTILES, VALUE, split_name
from sim.metrics import Summary
from sim.scenario import Scenario
from sim.steady import overloads, unsteady
from sim.studies.precision import Aim, width
from sim.terminal.claims import expectation_line
from sim.terminal.estimates import estimate_text, percent
from sim.theory.answers import Prediction
from sim.trace import SIMULATED
from sim.wording import count, number_text, readable, significant

COLUMNS = ("p50", "p95", "p99", "max")
BESIDE = "p99"  # the column for which theory speaks, where there are several
SOME = 5  # products are named where many differ
THIN = 20  # a quantile with fewer observations beyond it is not worth quoting
NO_END = 0.45  # a cut beyond so much of the run lies at the end of the half in which it is looked for

STALENESS = {
    "staleness": "staleness",
    "versions_behind": "versions behind",
    "visibility_lag": "visibility lag",
    "t_visibility": "visible, or a newer one",
    "stale_read_fraction": "stale reads",
    "hot_stale_fraction": "of the hot products",
    "cold_stale_fraction": "of the others",
    "read_your_writes_violations": "own writes missed",
    "monotonic_read_violations": "went back in time",
}
QUIET = (  # worth a line only where they happen
    "visibility_lag",
    "t_visibility",
    "admission_wait",
    "queue_wait",
    "query_latency",
    "inbox_depth",
    "blocked_fraction",
    "rejected_fraction",
    "shed_fraction",
    "monotonic_read_violations",
    "lost_updates",
    "unanswered_fraction",
    "double_updates",
)
COUNTED = {  # what a distribution is one of; the others are of commands
    "staleness": "read",
    "versions_behind": "read",
    "age_of_information": "read",
    "query_latency": "read",
    "visibility_lag": "change",
    "t_visibility": "change",
}
HIDES = 0.1  # what differs from the row above it by no more than so much of it is not worth a line

BLAME = {"blame": "of all stale time", "blame_p50": "of the median", "blame_p99": "of the worst 1%"}
WHERE = {
    "publish": "not yet sent",
    "resend": "lost, not yet sent again",
    "delay": "under way",
    "line": "behind its predecessors",
    "outage": "held by an outage",
    "poll": "waiting for a poll",
    "queue": "waiting for the reader",
    "handler": "in the reader's work",
    "batch": "waiting for its batch",
    "overwritten": "overwritten",
    "lost": "lost for ever",
}
LITTLE = 0.001  # a share of the blame that is not worth a line

CONTENTION = {
    "command_latency": "time to commit",
    "naive_latency": "as senders see it",
    "admission_wait": "wait at the door",
    "queue_wait": "wait in the channel",
    "query_latency": "time to look",
    "inbox_depth": "commands waiting",
    "writer_utilisation": "writer busy",
    "throughput": "committed",
    "blocked_fraction": "sends that had to wait",
    "rejected_fraction": "rejected",
    "stale_decisions": "stale decisions",
    "shed_fraction": "shed",
    "unanswered_fraction": "never answered",
    "lost_updates": "lost updates",
    "double_updates": "done twice",
}


@frozen
class Finding:
    """One line of a table: the name of a metric or a place, its label, its cells, and theory beside them."""

    name: str
    label: str
    cells: tuple[str, ...]
    theory: str = ""


@frozen
class Table:
    """What a summary says about one side of a run, in words and numbers, ready to be laid out."""

    title: str
    question: str
    columns: tuple[str, ...]
    rows: tuple[Finding, ...]


def summary_lines(
    summary: Summary, scenario: Scenario, name: str, elapsed: float, theory: Iterable[Prediction] = ()
) -> Iterator[str]:
    """Lay a summary out, line by line, with what theory says beside it; headings are in capitals."""
    yield from _heading(summary, scenario, name, elapsed)
    yield ""
    for table in tables(summary, scenario, theory):
        yield from _table_lines(table)
    if scenario.expect:
        yield "EXPECTED"
        yield from (expectation_line(expect, summary) for expect in scenario.expect)
    doubts = [line for doubt in warnings(summary, scenario) for line in f"!  {doubt}".split("\n")]
    if doubts:
        yield ""
        yield from doubts


def tables(summary: Summary, scenario: Scenario, theory: Iterable[Prediction] = ()) -> Iterator[Table]:
    """Say what a summary found: about staleness, about blame where any read was stale, about contention."""
    growing = unsteady(scenario, summary.value("throughput"))
    foretold = {one.metric: one.value for one in theory}
    yield _table("STALENESS", "how old is the view?", STALENESS, summary, growing, foretold)
    yield from _blame(summary)
    contention = _contention(scenario)
    yield _table("CONTENTION", "what does sharing cost?", contention, summary, growing, foretold)


def precision_line(aim: Aim, summary: Summary, scenario: Scenario) -> str:
    """Say how exact a number is, whether that is as exact as was wanted, and what it took."""
    after = f"after {count(summary.replications, 'replication')}"
    if why := aim.hopeless(summary, scenario):
        return f"!  {why} ({after})."
    estimate, unit = summary.estimate(aim.metric), METRICS[split_name(aim.metric)[0]].unit
    found = f"{aim.metric} is {number_text(estimate.estimate, unit)} ± {percent(width(estimate))}"
    if aim.reached(summary):
        return f"   {found} {after}"
    return (
        f"!  {found} {after}, not yet {percent(aim.precision)}. Set a longer duration, or a higher --limit."
    )


def _heading(summary: Summary, scenario: Scenario, name: str, elapsed: float) -> Iterator[str]:
    yield f"{name}  seed {summary.seed}   {way(scenario)}     {summary.loop} loop"
    played, *seen = facts(summary, scenario)
    engine = [f"{summary.engine} engine"] if summary.engine != "trio" and not _live(summary) else []
    took = "" if _live(summary) else f" in {elapsed:.2f} s"
    yield "    ".join([played + took, *seen, f"run {summary.fingerprint[:6]}", *engine])


def facts(summary: Summary, scenario: Scenario) -> list[str]:
    """Say what was simulated, and how much was seen."""
    runs = f"{summary.replications} × " if summary.replications > 1 else ""
    how = f"in real time on {summary.engine}" if _live(summary) else "simulated"
    return [
        f"{runs}{readable(summary.virtual_seconds)} {how}",
        *([f"{readable(scenario.warmup)} warm-up dropped"] if scenario.warmup else []),
        count(summary.counts["shed_fraction"], "command"),
        count(summary.counts["stale_read_fraction"], "read"),
    ]


def _live(summary: Summary) -> bool:
    """Say whether a run was played on a real store: its engine is then the kind of it."""
    return not {*summary.engine.split(" and ")} <= {*SIMULATED}


def way(scenario: Scenario) -> str:
    """Say who commands, and what stands between them and those who look."""
    crowds = " + ".join(f"{crowd.count} {crowd.name}" for crowd in scenario.workers)
    return f"{crowds or 'nobody'} → {_house(scenario)}"


def _house(scenario: Scenario) -> str:
    """Say what stands between those who command and those who look."""
    if scenario.architecture == "cqrs":
        delay = re.sub(r"\d+\.\d{4,}", lambda number: significant(float(number[0])), str(scenario.link.delay))
        return f"1 writer → {delay} → 1 reader"
    return "1 model behind 1 lock" if scenario.architecture == "locked" else "1 model without a lock"


def _contention(scenario: Scenario) -> dict[str, str]:
    """Name the rows about contention as the architecture has them."""
    if scenario.architecture == "cqrs":
        return CONTENTION
    if scenario.architecture == "locked":
        return CONTENTION | {"queue_wait": "wait for the lock", "writer_utilisation": "lock busy"}
    return {name: label for name, label in CONTENTION.items() if name != "writer_utilisation"}  # nobody's


def _telling(rows: Iterable[str], summary: Summary) -> list[str]:
    """Choose the rows that say something: what was seen, and adds to the others."""
    return [name for name in rows if _seen(name, summary) and _adds(name, summary)]


def _seen(name: str, summary: Summary) -> bool:
    """Say whether there is anything to show of a metric, or anything but 0 where that says nothing."""
    shown = [estimate.estimate for s, estimate in summary.metrics[name].items() if s in (*COLUMNS, *VALUE)]
    return not all(map(math.isnan, shown)) and (any(shown) or name not in QUIET)


def _adds(name: str, summary: Summary) -> bool:
    """Say whether a row is more than the one above it.

    The naive latency is where it hides some of the true one, and t-visibility
    where it is not just the visibility lag: where changes overtake each
    other, or are lost.
    """
    if name == "naive_latency":
        return summary.value("naive_latency.mean") < (1 - HIDES) * summary.value("command_latency.mean")
    if name == "t_visibility":
        lag = summary.value("visibility_lag.p99")
        return not abs(summary.value("t_visibility.p99") - lag) <= HIDES * lag  # or there is no lag
    return True


def _table(
    title: str,
    question: str,
    rows: dict[str, str],
    summary: Summary,
    growing: Set[str],
    foretold: dict[str, float],
) -> Table:
    """Make one table: distributions with their quantiles, single values in the first column."""
    made = []
    for name in _telling(rows, summary):
        table, unit = summary.metrics[name], METRICS[name].unit
        grows = " grows" if name in growing else ""
        columns = VALUE if "value" in table else COLUMNS
        cells = (estimate_text(table[c], unit) + grows if c in table else "" for c in columns)
        made.append(Finding(name, rows[name], tuple(cells), _beside(name, foretold)))
    return Table(title, question, COLUMNS, tuple(made))


def _beside(name: str, foretold: dict[str, float]) -> str:
    """Say what theory says of a row, if it says anything."""
    unit = METRICS[name].unit
    if name in foretold:
        return f"theory {number_text(foretold[name], unit)}"
    one = foretold.get(f"{name}.{BESIDE}")
    return "" if one is None else f"theory {BESIDE} {number_text(one, unit)}"


def _blame(summary: Summary) -> Iterator[Table]:
    """Make the table of where the changes were that stale reads missed; none where no read was stale."""
    columns = [summary.metrics[name] for name in BLAME]
    told = [place for place in WHERE if any(column[place].estimate > LITTLE for column in columns)]
    if told:
        shares = {place: tuple(estimate_text(c[place], "share") for c in columns) for place in told}
        rows = tuple(Finding(place, WHERE[place], shares[place]) for place in told)
        yield Table("BLAME", "where was what they missed?", tuple(BLAME.values()), rows)


def _table_lines(table: Table) -> Iterator[str]:
    """Lay out one table."""
    label, cell = (34, 18) if table.title == "BLAME" else (24, 16)
    yield table.title
    yield f"   {table.question:<{label}}" + "".join(f"{column:>{cell}}" for column in table.columns)
    for row in table.rows:
        found = "".join(f" {text:>{cell - 1}}" for text in row.cells)
        yield f"   {row.label:<{label}}{found}   {row.theory}".rstrip()


def _divergences(summary: Summary) -> Iterator[str]:
    """Name the products of which the read model is wrong in the end, and say why."""
    if not summary.diverged:
        return
    mean = significant(summary.value("divergence_at_end"))
    first = "  In one run:" if summary.replications > 1 else ""
    told = [f"Wrong for ever: the read model of {mean} of the products, when all has drained.{first}"]
    for one in summary.diverged[:SOME]:
        told.append(f"   product {one.product} holds {one.held:,} and shows {one.shown:,}: {one.why}")
    if len(summary.diverged) > SOME:
        told.append(f"   and {count(len(summary.diverged) - SOME, 'product')} more")
    yield "\n".join(told)


def warnings(summary: Summary, scenario: Scenario) -> Iterator[str]:
    """Say which of the numbers should not be quoted yet, and why; a script leaves nothing to chance."""
    if scenario.scripted:
        yield from _divergences(summary)
        return
    yield from map(str, overloads(scenario, summary.value("throughput")))
    if summary.settles_after is not None:
        yield _too_short(summary.settles_after, scenario)
    yield from _divergences(summary)
    yield from _thin(summary, scenario)
    if summary.replications == 1:
        yield "One run has no intervals. Use --replications 10 before quoting a number."


def _thin(summary: Summary, scenario: Scenario) -> Iterator[str]:
    """Name the quantiles, shown or expected, with too few observations beyond them in all runs together.

    What counts reads has a line of its own, and what counts changes or
    commands, each with the least that any of its metrics has.
    """
    rows = [*_telling(STALENESS, summary), *_telling(_contention(scenario), summary)]
    quoted = {(name, column) for name in rows for column in COLUMNS}
    quoted |= {split_name(expect.metric) for expect in scenario.expect}
    fewest: dict[str, dict[str, int]] = {}
    for name, statistic in sorted(quoted):
        if statistic in QUANTILES and statistic in METRICS[name].statistics and summary.counts[name]:
            beyond = _beyond(summary.counts[name], QUANTILES[statistic])
            of = fewest.setdefault(COUNTED.get(name, "command"), {})
            of[statistic] = min(beyond, of.get(statistic, beyond))
    for noun, numbers in fewest.items():
        thin = [quantile for quantile in QUANTILES if numbers.get(quantile, THIN) < THIN]
        if thin:
            rests = ", ".join(f"{quantile} rests on {count(numbers[quantile], noun)}" for quantile in thin)
            yield f"{rests}. Set a longer duration before quoting {'it' if len(thin) == 1 else 'them'}."


def _beyond(n: int, share: float) -> int:
    """Count the observations beyond a quantile of n; where there is none, it is the last one itself."""
    return max(1, math.floor(n * (1 - share) + 1e-9))


def _too_short(settles: float, scenario: Scenario) -> str:
    """Say that the warm-up ends too soon, and what would do; a cut is looked for in the first half only."""
    if settles > NO_END * scenario.duration:
        return (
            "Commands do not settle in the first half of the run. Set a longer duration, and a longer warmup."
        )
    step = 10.0 ** (math.floor(math.log10(settles)) - 1)
    enough = float(f"{math.ceil(settles / step) * step:.3g}")
    return (
        f"The warm-up looks too short: the time to commit settles after about {readable(enough)}. "
        f"Set warmup={duration_text(enough)}."
    )
