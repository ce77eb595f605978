"""What the benchmark prints, line by line."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median

from sim.wording import readable, significant
from tests.bench.contest import Case, Measured, Results
from tests.bench.targets import TARGETS, Target, middle
from tests.bench.warehouse import NO_DATA

SAME = 1e-9  # relative: how well mean waits must agree, which are sums of a million floats


def contest_lines(results: Results, cases: Sequence[Case]) -> Iterator[str]:
    """Lay one workload's programs out, each with its speed, memory and mean wait."""
    yield (
        f"{'':<42}{'commands/s':>12}{'lowest–highest':>20}{'had a core':>12}"
        f"{'peak memory':>13}{'mean wait':>15}"
    )
    for case in cases:
        runs = results[case]
        speeds = [run.speed for run in runs]
        spread = f"{min(speeds):,.0f}–{max(speeds):,.0f}"
        yield (
            f"{case.contestant:<42}{median(speeds):>12,.0f}{spread:>20}{middle(runs, 'core'):>12.0%}"
            f"{_megabytes(runs):>13}{1e3 * runs[0].mean_wait:>12.6f} ms"
        )


def growth_lines(results: Results, cases: Sequence[Case]) -> Iterator[str]:
    """Lay out how time and memory grow."""
    yield f"{'':<42}{'commands':>12}{'workers':>10}{'rounds':>8}{'per command':>15}{'peak memory':>14}"
    for case in cases:
        runs = results[case]
        each = readable(1 / middle(runs, "speed"))
        yield (
            f"{case.contestant:<42}{runs[0].commands:>12,}{case.workers:>10,}{len(runs):>8}"
            f"{each:>15}{_megabytes(runs):>14}"
        )


def target_lines(results: Results, contest: Case) -> Iterator[str]:
    """Say of each target what was measured, and whether that is enough."""
    yield f"{'':<62}{'measured':>12}{'needed':>12}{'aim':>12}"
    for target in TARGETS:
        yield _target_line(target, target.measure(results, contest))


def _target_line(target: Target, number: float | None) -> str:
    sign = "≥" if target.aim > target.needed else "≤"
    needed, aim = (f"{sign} {significant(bound)}{target.unit}" for bound in (target.needed, target.aim))
    if number is None:
        return f"–  {target.words:<59}{'not there yet':>12}{needed:>12}{aim:>12}"
    tick = "✓" if target.met(number) else "✗"
    return f"{tick}  {target.words:<59}{significant(number) + target.unit:>12}{needed:>12}{aim:>12}"


def crowd_line(runs: Sequence[Measured], workers: int) -> str:
    """Say whether a large crowd can be played, and within what memory: 1 GB is the target."""
    peak = max(run.peak_bytes for run in runs)
    tick = "✓" if peak < 1e9 else "✗"
    return f"{tick}  {workers:,} workers, a command each a second: runs, {peak / 1e6:,.0f} MB (≤ 1,000 MB)"


def sweep_line(runs: Sequence[dict[int, float]], who: str) -> str:
    """Say which share of its time on one core a sweep takes on two: 0.6 at most is the target."""
    share = median(run[2] / run[1] for run in runs)
    one, two = (readable(median(run[cores] for run in runs)) for cores in (1, 2))
    tick = "✓" if share <= 0.6 else "✗"
    times = f"{one} on one core, {two} on two, {share:.2f} of it (≤ 0.6)"
    return f"{tick}  a sweep of 36 cells, 10⁴ commands a run, {who}: {times}"


def flash_sale_lines(runs: Sequence[dict[str, float]], in_use: Sequence[float]) -> Iterator[str]:
    """Say how long `sim run flash-sale` takes, and how much of that is not the engine."""
    summary, end, engine = (median(run[name] for run in runs) for name in ("to_summary", "to_end", "engine"))
    yield f"sim run flash-sale, all cores: {readable(median(in_use))} to the summary"
    yield (
        f"on one core: {readable(summary)} to the summary, of which {1 - engine / summary:.0%} outside the"
        f" engine; {readable(end)} to the end, of which {1 - engine / end:.0%}"
    )


def knob_lines(turns: Mapping[str, Sequence[float]]) -> Iterator[str]:
    """Say of each lesson's knob how long a turn takes: 0.3 s at most is the target, for the worst."""
    for lesson, seconds in turns.items():
        tick = "✓" if max(seconds) <= 0.3 else "✗"
        times = f"median {readable(median(seconds))}, worst {readable(max(seconds))} (≤ 300 ms)"
        yield f"{tick}  a turn of the knob in {lesson}, run and picture: {times}"


def differences(results: Results) -> Iterator[str]:
    """Name the programs that did not play what the first one with the same workload played."""
    first: dict[object, Measured] = {}
    for case, runs in results.items():
        for run in runs:
            same = first.setdefault(case.workload, run)
            if _played(run) not in (_played(same), (same.commands, NO_DATA, NO_DATA)):
                yield f"{case.contestant}: {_played(run)} instead of {_played(same)}"
            if not math.isclose(run.mean_wait, same.mean_wait, rel_tol=SAME):
                yield f"{case.contestant}: mean wait {run.mean_wait!r} s instead of {same.mean_wait!r} s"


def verdict_lines(differences: Iterable[str]) -> Iterator[str]:
    """Say whether all have played the same."""
    yield from (
        [f"✗  {difference}" for difference in differences]
        or ["✓  all played the same: the mean waits agree, what was accepted and what the looks saw is equal"]
    )


def _played(run: Measured) -> tuple[int, int, int]:
    return run.commands, run.accepted, run.seen


def _megabytes(runs: list[Measured]) -> str:
    return f"{middle(runs, 'peak_bytes') / 1e6:,.0f} MB"
