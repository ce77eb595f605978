"""A summary as the terminal shows it: what ran, what it found, what it means, what to do next."""

import math
from collections.abc import Iterator

from sim.glossary import METRICS, split_name
from sim.metrics import Estimate, Summary
from sim.scenario import Expect, Scenario
from sim.wording import count, readable, significant, time_unit

COLUMNS = ("p50", "p95", "p99", "max")
NARROW = 0.0005  # an interval narrower than this share of its number is lost in three digits
SOME = 5  # products are named where many differ
THIN = 20  # a quantile with fewer observations beyond it is not worth quoting

STALENESS = {
    "staleness": "staleness",
    "versions_behind": "versions behind",
    "visibility_lag": "visibility lag",
    "stale_read_fraction": "stale reads",
    "hot_stale_fraction": "of the hot products",
    "cold_stale_fraction": "of the others",
    "read_your_writes_violations": "own writes missed",
}
QUIET = (  # worth a line only where they happen
    "visibility_lag",
    "admission_wait",
    "queue_wait",
    "query_latency",
    "inbox_depth",
    "blocked_fraction",
    "rejected_fraction",
    "shed_fraction",
    "lost_updates",
    "unanswered_fraction",
    "double_updates",
)
HIDES = 0.1  # the naive latency is worth a line where it hides more than so much of the true one

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


def summary_lines(summary: Summary, scenario: Scenario, name: str, elapsed: float) -> Iterator[str]:
    """Lay a summary out, line by line; headings are in capitals."""
    yield from _heading(summary, scenario, name, elapsed)
    yield ""
    contention = {name: label for name, label in _contention(scenario).items() if _telling(name, summary)}
    yield from _section("STALENESS", "how old is the view?", STALENESS, summary)
    yield from _section("CONTENTION", "what does sharing cost?", contention, summary)
    if scenario.expect:
        yield "EXPECTED"
        yield from (expectation_line(expect, summary) for expect in scenario.expect)
    warnings = [*_overloads(summary, scenario), *_divergences(summary), *_warnings(summary)]
    if warnings:
        yield ""
        yield from warnings


def expectation_line(expect: Expect, summary: Summary) -> str:
    """Say whether an expectation holds, what was found, and by how much it was missed."""
    bound = expect.below if expect.below is not None else expect.above
    assert bound is not None
    actual = summary.value(expect.metric)
    unit = METRICS[split_name(expect.metric)[0]].unit
    sign = "<" if expect.below is not None else ">"
    claim = f"{expect.metric} {sign} {number_text(bound, unit)}"
    found = f"{claim:<36}{number_text(actual, unit):>10}"
    if expect.holds(actual):
        return f"✓  {found}"
    return f"✗  {found}{_how_far_off(actual, bound)}"


def _how_far_off(actual: float, bound: float) -> str:
    """Say by how much a bound was missed: as a share of it, or as so many times it."""
    off = (actual - bound) / bound if bound else math.inf
    if not math.isfinite(off):
        return ""
    if off >= 10:
        return f"     {significant(actual / bound)} times that"
    return f"     {abs(off):.0%} {'over' if off > 0 else 'under'}"


def number_text(value: float, unit: str) -> str:
    """Write a number of the glossary in its unit."""
    if math.isnan(value):
        return "–"
    if unit == "s":
        return readable(value)
    if unit == "share":
        return f"{significant(100 * value)}%"
    return significant(value) + ("/s" if unit == "1/s" else "")


def estimate_text(estimate: Estimate, unit: str) -> str:
    """Write an estimate with half the width of its interval, to the digits that it is good for."""
    value, low, high = estimate.estimate, estimate.low, estimate.high
    if low is None or high is None or math.isnan(value) or high == low:
        return number_text(value, unit)
    if value == low == 0:
        return f"≤ {number_text(high, unit)}"  # nothing was seen: 3/n
    size, sign = _scale(value, unit)
    half = (high - low) / 2 / size
    if half < NARROW * abs(value / size):
        return number_text(value, unit)
    exponent = math.floor(math.log10(half))
    places = max(0, (half < 2 * 10**exponent) - exponent)  # one digit of error, two where the first is a 1
    return f"{value / size:,.{places}f} ± {half:,.{places}f}{sign}"


def _scale(value: float, unit: str) -> tuple[float, str]:
    """Choose the unit in which a value and its error are both written."""
    if unit == "s":
        size, name = time_unit(value)
        return size, f" {name}"
    return (0.01, "%") if unit == "share" else (1.0, "/s" if unit == "1/s" else "")


def _heading(summary: Summary, scenario: Scenario, name: str, elapsed: float) -> Iterator[str]:
    crowds = " + ".join(f"{crowd.count} {crowd.name}" for crowd in scenario.workers)
    way = f"{crowds or 'nobody'} → {_house(scenario)}"
    yield f"{name}  seed {summary.seed}   {way}     {summary.loop} loop"
    runs = f"{summary.replications} × " if summary.replications > 1 else ""
    facts = [
        f"{runs}{readable(summary.virtual_seconds)} simulated in {elapsed:.2f} s",
        f"{readable(scenario.warmup)} warm-up dropped" if scenario.warmup else "",
        count(summary.counts["shed_fraction"], "command"),
        count(summary.counts["stale_read_fraction"], "read"),
        f"run {summary.fingerprint[:6]}",
        f"{summary.engine} engine" if summary.engine != "trio" else "",
    ]
    yield "    ".join(filter(None, facts))


def _house(scenario: Scenario) -> str:
    """Say what stands between those who command and those who look."""
    if scenario.architecture == "cqrs":
        return f"1 writer → {scenario.link.delay} → 1 reader"
    return "1 model behind 1 lock" if scenario.architecture == "locked" else "1 model without a lock"


def _contention(scenario: Scenario) -> dict[str, str]:
    """Name the rows about contention as the architecture has them."""
    if scenario.architecture == "cqrs":
        return CONTENTION
    if scenario.architecture == "locked":
        return CONTENTION | {"queue_wait": "wait for the lock", "writer_utilisation": "lock busy"}
    return {name: label for name, label in CONTENTION.items() if name != "writer_utilisation"}  # nobody's


def _telling(name: str, summary: Summary) -> bool:
    """Say whether a row adds something: the naive latency does where it hides some of the true one."""
    if name != "naive_latency":
        return True
    return summary.value("naive_latency.mean") < (1 - HIDES) * summary.value("command_latency.mean")


def _section(title: str, question: str, rows: dict[str, str], summary: Summary) -> Iterator[str]:
    """Lay out one table: distributions with their quantiles, then single values."""
    yield title
    yield f"   {question:<24}" + "".join(f"{column:>16}" for column in COLUMNS)
    for name, label in rows.items():
        table, unit = summary.metrics[name], METRICS[name].unit
        shown = [table[c] for c in COLUMNS if c in table] or [table["value"]]
        if all(math.isnan(e.estimate) for e in shown) or (
            name in QUIET and not any(e.estimate for e in shown)
        ):
            continue
        yield f"   {label:<24}" + "".join(f"{estimate_text(e, unit):>16}" for e in shown)


def _overloads(summary: Summary, scenario: Scenario) -> Iterator[str]:
    """Name the stations behind the writer that get more changes than they can pass on."""
    if scenario.architecture != "cqrs":
        return
    rate = summary.value("throughput")
    works = {"reader": scenario.reader.handler.mean}
    if scenario.link.order == "serial":
        works["link"] = scenario.link.delay.mean
    for station, each in works.items():
        if rate * each >= 1:
            load = f"{significant(rate)} changes a second of {readable(each)} each"
            yield f"!  The {station} cannot keep up with {load}: the lag grows as long as the run lasts."


def _divergences(summary: Summary) -> Iterator[str]:
    """Name the products of which the read model is wrong in the end, and say why."""
    if not summary.diverged:
        return
    mean = significant(summary.value("divergence_at_end"))
    first = "  In one run:" if summary.replications > 1 else ""
    yield f"!  Wrong for ever: the read model of {mean} of the products, when all has drained.{first}"
    for one in summary.diverged[:SOME]:
        yield f"   product {one.product} holds {one.held:,} and shows {one.shown:,}: {one.why}"
    if len(summary.diverged) > SOME:
        yield f"   and {count(len(summary.diverged) - SOME, 'product')} more"


def _warnings(summary: Summary) -> Iterator[str]:
    """Say which of the numbers above should not be quoted yet."""
    reads, commands = summary.counts["staleness"], summary.counts["command_latency"]
    for n, what in ((reads, "read"), (commands, "command")):
        if 0 < n * 0.01 < THIN:
            beyond = count(math.ceil(n * 0.01), what)
            yield f"!  p99 rests on {beyond}. Set a longer duration before quoting it."
    if summary.replications == 1:
        yield "!  One run has no intervals. Use --replications 10 before quoting a number."
