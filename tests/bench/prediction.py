"""How well a run at one load predicts a store at half and at twice of it: `python -m tests.bench.prediction`.

A scenario is played live at a load, fitted, and held against live runs at half
and at twice that load; against its own run, too, which shows how much of the
error is the model's shape. All three are played in pieces that take turns, for
a disk that is slow for a minute shall not be slow for one load alone.
`--pieces 1` plays each in one go. Beside it stands by how much runs of two
rounds differ that were played alike: what the machine did in the meantime,
and chance.

PBS (Bailis et al. 2012, section 5.6) had a mean error of 0.28 % on Cassandra, with
50,000 writes in each run and exponential delays of 5 to 20 ms put in between.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median

import click
from attrs import frozen

from sim.fit import curve_error, fit
from sim.live.ports import NoStore
from sim.live.stage import run
from sim.measures.visibility import VisibilityCurve, pooled
from sim.scenario_file import parse_scenario
from sim.studies.forecast import Forecast, forecast
from sim.trace import Trace, check

STORES = ("sqlite", "postgresql", "valkey")
DELAYS = ("exponential(10ms)", "0ms")
LOADS = (1.0, 0.5, 2.0)  # times the one that is fitted, which comes first
NEEDED, AIM, MOST_OF = 0.02, 0.0028, (3, 5)
REPLICATIONS = 10  # of the simulation, so that it adds no noise to speak of
WARMUP = 0.3  # seconds of each piece

SCENARIO = """
title = "prediction"
duration = "{seconds}s"
warmup = "{warmup}s"
seed = {seed}
replications = 1
[products]
count = 1000
[[workers]]
count = 50
pace = "poisson({rate}/s)"
[link]
delay = "{delay}"
order = "independent"
"""


@frozen
class Round:
    """For each load the curve that was measured, and how far off the predicted one is."""

    measured: dict[float, VisibilityCurve]
    errors: dict[float, float]

    @property
    def worst(self) -> float:
        """The greater error of the two loads that were not fitted."""
        return max(self.errors[load] for load in LOADS[1:])


@click.command()
@click.option(
    "--on", "stores", multiple=True, default=STORES, show_default=True, help="A store; again: more."
)
@click.option("--delay", "delays", multiple=True, default=DELAYS, show_default=True, help="Of the link.")
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
@click.option(
    "--rate", type=float, default=200.0, show_default=True, help="Commands a second that are fitted."
)
@click.option("--changes", type=click.IntRange(min=100), default=2500, show_default=True, help="In each run.")
@click.option("--pieces", type=click.IntRange(min=1), default=5, show_default=True, help="Of each run.")
def main(
    stores: Sequence[str], delays: Sequence[str], rounds: int, rate: float, changes: int, pieces: int
) -> None:
    """Play each store live, predict it, and print by how much the t-visibility curves differ (RMSE)."""
    for store in stores:
        for delay in delays:
            click.echo(
                f"{store}, link.delay = {delay}: fitted at {rate:g}/s, {changes:,} changes in each run"
            )
            click.echo("   " + _row("round", [f"at {load * rate:g}/s" for load in LOADS]))
            done: list[Round] = []
            try:
                for number in range(rounds):
                    done.append(_round(store, delay, rate, changes, pieces, number))
                    click.echo(
                        "   " + _row(str(number + 1), _percent(done[-1].errors[load] for load in LOADS))
                    )
            except NoStore as error:
                click.echo(f"   not measured: {error}\n")
                continue
            click.echo("\n".join(f"   {line}" for line in _verdict(done)) + "\n")


def _round(store: str, delay: str, rate: float, changes: int, pieces: int, number: int) -> Round:
    """Play all loads piece by piece, fit the first, predict each, and put the pieces together."""
    found: dict[float, list[Forecast]] = {load: [] for load in LOADS}
    for piece in range(pieces):
        seed = 1 + number * pieces + piece
        traces = {load: _play(store, delay, load * rate, changes / pieces, seed) for load in LOADS}
        fitted = fit(traces[LOADS[0]])
        for load, trace in traces.items():
            found[load].append(forecast(fitted, trace, REPLICATIONS, jobs=1))
    measured = {load: pooled([one.measured for one in found[load]]) for load in LOADS}
    predicted = {load: pooled([one.predicted for one in found[load]]) for load in LOADS}
    return Round(measured, {load: curve_error(measured[load], predicted[load]) for load in LOADS})


def _play(store: str, delay: str, rate: float, changes: float, seed: int) -> Trace:
    """Play one run live, with luck of its own."""
    text = SCENARIO.format(seconds=changes / rate + WARMUP, warmup=WARMUP, seed=seed, rate=rate, delay=delay)
    with tempfile.TemporaryDirectory() as folder:
        trace = run(parse_scenario(text), store, Path(folder), replication=int(rate)).trace
    check(trace)
    return trace


def _verdict(rounds: Sequence[Round]) -> Iterator[str]:
    """Give the medians, what two runs differ by that were played alike, and whether it is good enough."""
    yield _row("median", _percent(median(one.errors[load] for one in rounds) for load in LOADS))
    if len(rounds) > 1:
        alike = [
            median(curve_error(a.measured[load], b.measured[load]) for a, b in pairwise(rounds))
            for load in LOADS
        ]
        yield _row("two measured runs", _percent(alike))
    good, (most, of) = sum(one.worst <= NEEDED for one in rounds), MOST_OF
    tick = "✓" if good * of >= most * len(rounds) else "✗"
    yield (
        f"{tick} at most {NEEDED:.0%} at half and twice the load in {good} of {len(rounds)} rounds "
        f"(needed {most} of {of}; aim {AIM:.2%})"
    )


def _row(name: str, cells: Sequence[str]) -> str:
    return f"{name:<18}" + "".join(f"{cell:>12}" for cell in cells)


def _percent(shares: Iterable[float]) -> list[str]:
    return [f"{share:.2%}" for share in shares]


if __name__ == "__main__":
    main(prog_name="python -m tests.bench.prediction")
