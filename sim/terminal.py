"""Summaries and certificates as the terminal shows them: what ran, what it found, what to do next."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import groupby
from textwrap import wrap

from attrs import frozen

from sim.certificate import FAR, LEAST, MOST, Certificate, Coverage, Row
from sim.durations import duration_text
from sim.expectations import Verdict, verdict, would_tell
from sim.glossary import METRICS, QUANTILES, VALUE, split_name
from sim.metrics import Estimate, Summary
from sim.precision import Aim, width
from sim.scenario import Expect, Scenario
from sim.steady import overloads, unsteady
from sim.theory import Prediction, Refusal
from sim.trace import SIMULATED
from sim.wording import count, number_text, readable, significant, time_unit

WIDTH = 100  # of what is broken into lines
FORMULA = 42  # of the column that it has in the certificate
COLUMNS = ("p50", "p95", "p99", "max")
BESIDE = "p99"  # the column for which theory speaks, where there are several
NARROW = 0.0005  # an interval narrower than this share of its number is lost in three digits
SOME = 5  # products are named where many differ
MANY = 10_000  # replications, which nobody wants to be told of
MARKS: dict[Verdict, str] = {"fails": "✗", "not resolved": "?", "holds": "✓"}  # the worst one first
UNMET = {"fails": "fail", "not resolved": "not resolved"}
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


@frozen
class Claim:
    """What became of an expectation: what was claimed, what was found, and by how much that is off."""

    verdict: Verdict
    expected: str
    found: str
    off: str

    @property
    def mark(self) -> str:
        """One sign that says what became of it."""
        return MARKS[self.verdict]


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


def theory_lines(
    scenario: Scenario, name: str, holding: Sequence[Prediction], refused: Sequence[Refusal]
) -> Iterator[str]:
    """Lay out which closed forms hold, model by model, and what is in the way of the others."""
    yield f"{name}   {way(scenario)}     {scenario.loop} loop"
    yield ""
    yield "HOLDS"
    for model, alike in groupby(holding, key=lambda one: one.model):
        yield from _model_lines(model, list(alike))
    yield "DOES NOT HOLD"
    for (model, because), forms in groupby(refused, key=lambda one: (one.model, one.because)):
        yield from _wrapped(f"{model}: {because}", indent=3)
        yield from _wrapped(", ".join(form.metric for form in forms), indent=6)


def _model_lines(model: str, holding: Sequence[Prediction]) -> Iterator[str]:
    """Lay out one model: why it holds, and each of its numbers, with the formula where it is a new one."""
    yield f"   {model}   ({holding[0].source})"
    reasons = dict.fromkeys(reason for one in holding for reason in one.holds_because.split("; "))
    yield from _wrapped(f"because: {'; '.join(reasons)}", indent=6)
    before = ""
    for one in holding:
        value = number_text(one.value, METRICS[split_name(one.metric)[0]].unit)
        formula = "" if one.formula == before else one.formula
        yield f"      {one.metric:<30}{value:>10}   {formula}".rstrip()
        before = one.formula


def _wrapped(text: str, indent: int) -> list[str]:
    """Break a text into indented lines."""
    margin = " " * indent
    return wrap(text, WIDTH, initial_indent=margin, subsequent_indent=margin)


def claim(expect: Expect, summary: Summary) -> Claim:
    """Hold an expectation against what was found, and say by how much it was missed, or what would tell."""
    estimate, unit = summary.estimate(expect.metric), METRICS[split_name(expect.metric)[0]].unit
    how = verdict(expect, summary)
    if how == "not resolved":
        return Claim(how, expected(expect), estimate_text(estimate, unit), _undecided(expect, summary))
    off = _how_far_off(estimate.estimate, expect.bound) if how == "fails" else ""
    return Claim(how, expected(expect), number_text(estimate.estimate, unit), off)


def expected(expect: Expect) -> str:
    """Write an expectation: "staleness.p99 < 1 s"."""
    sign = "<" if expect.below is not None else ">"
    return f"{expect.metric} {sign} {number_text(expect.bound, METRICS[split_name(expect.metric)[0]].unit)}"


def expectation_line(expect: Expect, summary: Summary) -> str:
    """Say what became of an expectation, what was found, and by how much that is off, or what would tell."""
    one = claim(expect, summary)
    found = f"{one.mark}  {one.expected:<36}{one.found:>10}"
    doubt = one.verdict if one.verdict == "not resolved" else ""
    told = ": ".join(filter(None, (doubt, one.off)))
    return f"{found}     {told}" if told else found


def verdict_row(name: str, scenario: Scenario, summary: Summary, elapsed: float) -> str:
    """Put a run into one row: whether what is expected of it holds, what was found, and how long it took."""
    told = "   ".join(_shortly(expect, summary) for expect in scenario.expect)
    return f"{_mark(scenario, summary)}  {name}{elapsed:>7.2f} s   {told or 'nothing is expected'}"


def verdicts_line(found: Sequence[tuple[Scenario, Summary]]) -> str:
    """Count the expectations of several runs that hold, fail, and are not resolved."""
    verdicts = [verdict(expect, summary) for scenario, summary in found for expect in scenario.expect]
    told = [f"{verdicts.count('holds')} of {count(len(verdicts), 'expectation')} hold"]
    told += [f"{verdicts.count(how)} {words}" for how, words in UNMET.items() if how in verdicts]
    return f"   {count(len(found), 'scenario')}: {', '.join(told)}"


def _mark(scenario: Scenario, summary: Summary) -> str:
    """Mark a run by the worst that became of what is expected of it."""
    found = {verdict(expect, summary) for expect in scenario.expect}
    return next((mark for how, mark in MARKS.items() if how in found), MARKS["holds"])


def _shortly(expect: Expect, summary: Summary) -> str:
    """Say what is expected and what was found, in a few words."""
    unit = METRICS[split_name(expect.metric)[0]].unit
    how = verdict(expect, summary)
    return f"{expected(expect)}: {estimate_text(summary.estimate(expect.metric), unit)}" + (
        "" if how == "holds" else f" ({how})"
    )


def _undecided(expect: Expect, summary: Summary) -> str:
    """Say how many replications may move a bound out of an interval that it lies in."""
    enough = would_tell(expect, summary)
    return "" if enough > MANY else f"--replications {math.ceil(enough)} may tell"


def precision_line(aim: Aim, summary: Summary, scenario: Scenario) -> str:
    """Say how exact a number is, whether that is as exact as was wanted, and what it took."""
    after = f"after {count(summary.replications, 'replication')}"
    if why := aim.hopeless(summary, scenario):
        return f"!  {why} ({after})."
    estimate, unit = summary.estimate(aim.metric), METRICS[split_name(aim.metric)[0]].unit
    found = f"{aim.metric} is {number_text(estimate.estimate, unit)} ± {_percent(width(estimate))}"
    if aim.reached(summary):
        return f"   {found} {after}"
    return (
        f"!  {found} {after}, not yet {_percent(aim.precision)}. Set a longer duration, or a higher --limit."
    )


def certificate_lines(certificate: Certificate) -> Iterator[str]:
    """Lay the certificate out, section by section and case by case; headings are in capitals."""
    yield _columns("", "", "formula", "theory", "measured", "z")
    for section, rows in groupby(certificate.rows, key=lambda row: row.section):
        yield section.upper()
        for case, alike in groupby(rows, key=lambda row: row.case):
            yield f"   {case}"
            for row in alike:
                yield from _row_lines(row)
    if certificate.coverage:
        yield "COVERAGE"
        yield from map(_coverage_line, certificate.coverage)
    if certificate.rows:
        yield ""
        yield from _how_to_read(certificate)
        yield verdict_line(certificate)


def verdict_line(certificate: Certificate) -> str:
    """Say in one sentence whether the simulation agrees with the closed forms."""
    facts = (
        f"{count(len(certificate.rows), 'row')}, largest |z| {certificate.largest:.2f}, "
        f"mean square {certificate.mean_square:.2f}"
    )
    far = sum(not row.holds for row in certificate.rows)
    wrong = [f"{count(far, 'row')} with |z| ≥ {FAR:g}"] if far else []
    if not certificate.usual:
        wrong.append(f"a mean square outside {LEAST:g} … {MOST:g}")
    wrong += [
        f"the truth in {one.held} of {count(one.experiments, 'interval')} for {one.metric}"
        for one in certificate.coverage
        if not one.holds
    ]
    if wrong:
        return f"{facts}: simulation and theory disagree, with {' and '.join(wrong)}."
    if not certificate.complete:
        return f"{facts}: no disagreement so far."
    return f"{facts}: the simulation agrees with every closed form."


def _how_to_read(certificate: Certificate) -> Iterator[str]:
    """Say what z is, and how often chance alone would fail a row."""
    n, alarms = certificate.replications, _percent(certificate.false_alarm)
    text = (
        f"Each number is the mean of {n} independent replications, ± its 95% interval; z is its distance "
        f"from theory in standard errors. Were all of it right, z would be Student's t with {n - 1} degrees "
        f"of freedom: a mean square of {(n - 1) / (n - 3):.2f}, and, in {alarms} of such "
        f"tables, a row with |z| ≥ {FAR:g} by chance. Try another --seed before you believe a lone one."
    )
    return iter(wrap(text, WIDTH))


def _row_lines(row: Row) -> Iterator[str]:
    """Lay out one row; a long formula goes on below itself."""
    first, *more = wrap(row.formula, FORMULA - 2)
    theory, measured = _side_by_side(row)
    yield _columns("" if row.holds else "✗", row.metric, first, theory, measured, f"{row.z:.2f}")
    yield from (_columns("", "", rest) for rest in more)


def _columns(mark: str, metric: str, formula: str, theory: str = "", measured: str = "", z: str = "") -> str:
    return f"{mark:<5}{metric:<29}{formula:<{FORMULA}}{theory:>9}{measured:>18}{z:>7}".rstrip()


def _side_by_side(row: Row) -> tuple[str, str]:
    """Write what theory says and what was measured in one unit, to the digits that the error leaves."""
    unit, low, high = METRICS[split_name(row.metric)[0]].unit, row.measured.low, row.measured.high
    if low is None or high is None or not low < high or math.isnan(row.theory):
        return number_text(row.theory, unit), number_text(row.measured.estimate, unit)
    size, sign = scale(row.theory, unit)
    half = (high - low) / 2 / size
    places = decimals(half)
    measured = f"{row.measured.estimate / size:,.{places}f} ± {half:,.{places}f}{sign}"
    return f"{row.theory / size:,.{places}f}{sign}", measured


def _coverage_line(one: Coverage) -> str:
    """Say how many of the intervals held the truth."""
    mark = "" if one.holds else "✗"
    truth = number_text(one.truth, METRICS[split_name(one.metric)[0]].unit)
    return (
        f"{mark:<5}{one.metric}, {one.case}: 95% intervals contained the truth, {truth}, "
        f"in {one.held} of {count(one.experiments, 'experiment')}"
    )


def _percent(share: float) -> str:
    return f"{significant(100 * share, 2)}%"


def _how_far_off(actual: float, bound: float) -> str:
    """Say by how much a bound was missed: as a share of it, or as so many times it."""
    off = (actual - bound) / bound if bound else math.inf
    if not math.isfinite(off):
        return ""
    if off >= 10:
        return f"{significant(actual / bound)} times that"
    return f"{abs(off):.0%} {'over' if off > 0 else 'under'}"


def estimate_text(estimate: Estimate, unit: str) -> str:
    """Write an estimate with half the width of its interval, to the digits that it is good for."""
    value, low, high = estimate.estimate, estimate.low, estimate.high
    if low is None or high is None or math.isnan(value) or high == low:
        return number_text(value, unit)
    if value == low == 0:
        return f"≤ {number_text(high, unit)}"  # nothing was seen: 3/n
    size, sign = scale(value, unit)
    half = (high - low) / 2 / size
    if half < NARROW * abs(value / size):
        return number_text(value, unit)
    places = decimals(half)
    return f"{value / size:,.{places}f} ± {half:,.{places}f}{sign}"


def decimals(half: float) -> int:
    """Leave one digit of an error, two where the first is a 1; give the decimal places of that."""
    exponent = math.floor(math.log10(half))
    return max(0, (half < 2 * 10.0**exponent) - exponent)


def scale(value: float, unit: str) -> tuple[float, str]:
    """Choose the unit in which a value and its error are both written."""
    if unit == "s":
        size, name = time_unit(value)
        return size, f" {name}"
    return (0.01, "%") if unit == "share" else (1.0, "/s" if unit == "1/s" else "")


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
