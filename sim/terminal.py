"""A summary as the terminal shows it: what ran, what it found, what it means, what to do next."""

import math
from collections.abc import Iterator

from sim.glossary import METRICS, split_name
from sim.metrics import Estimate, Summary
from sim.scenario import Expect, Scenario
from sim.wording import count, readable, significant, time_unit

COLUMNS = ("p50", "p95", "p99", "max")
THIN = 20  # a quantile with fewer observations beyond it is not worth quoting

STALENESS = {
    "staleness": "staleness",
    "versions_behind": "versions behind",
    "visibility_lag": "visibility lag",
    "stale_read_fraction": "stale reads",
    "read_your_writes_violations": "own writes missed",
}
CONTENTION = {
    "command_latency": "time to commit",
    "admission_wait": "wait at the door",
    "inbox_depth": "commands waiting",
    "writer_utilisation": "writer busy",
    "rejected_fraction": "rejected",
    "shed_fraction": "shed",
}


def summary_lines(summary: Summary, scenario: Scenario, name: str, elapsed: float) -> Iterator[str]:
    """Lay a summary out, line by line; headings are in capitals."""
    yield from _heading(summary, scenario, name, elapsed)
    yield ""
    yield from _section("STALENESS", "how old is the view?", STALENESS, summary)
    yield from _section("CONTENTION", "what does sharing cost?", CONTENTION, summary)
    if scenario.expect:
        yield "EXPECTED"
        yield from (expectation_line(expect, summary) for expect in scenario.expect)
    warnings = list(_warnings(summary))
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
    off = abs(actual - bound) / bound if bound else math.inf
    side = "over" if actual > bound else "under"
    return f"✗  {found}" + (f"     {off:.0%} {side}" if math.isfinite(off) else "")


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
    way = f"{crowds or 'nobody'} → 1 writer → {scenario.link.delay} → 1 reader"
    yield f"{name}  seed {summary.seed}   {way}     {summary.loop} loop"
    runs = f"{summary.replications} × " if summary.replications > 1 else ""
    facts = [
        f"{runs}{readable(summary.virtual_seconds)} simulated in {elapsed:.2f} s",
        f"{readable(scenario.warmup)} warm-up dropped" if scenario.warmup else "",
        count(summary.counts["shed_fraction"], "command"),
        count(summary.counts["stale_read_fraction"], "read"),
        f"run {summary.fingerprint[:6]}",
    ]
    yield "    ".join(filter(None, facts))


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


QUIET = ("admission_wait", "shed_fraction", "rejected_fraction")  # worth a line only where they happen


def _warnings(summary: Summary) -> Iterator[str]:
    """Say which of the numbers above should not be quoted yet."""
    reads, commands = summary.counts["staleness"], summary.counts["command_latency"]
    for n, what in ((reads, "read"), (commands, "command")):
        if 0 < n * 0.01 < THIN:
            beyond = count(math.ceil(n * 0.01), what)
            yield f"!  p99 rests on {beyond}. Set a longer duration before quoting it."
    if summary.replications == 1:
        yield "!  One run has no intervals. Use --replications 10 before quoting a number."
