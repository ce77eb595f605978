"""Small scenarios of which closed forms are known, in the order of THEORY.md: what the certificate plays.

A case has few statistics, and those that lean on each other least: they share
their luck. Times are in seconds, and most writers and projectors take 1 s on
average, so that a rate is a load. Each run is long enough for its means and
quantiles to be near normal over replications, and for the empty start to be
forgotten in the warm-up, a fortieth of it.

Some closed forms are of no scenario or of no metric, and are left to the
tests: senders that wait for no answer, the variance of what is in flight, the
chance of k versions behind, staleness of the stale alone, peak age. Nor is
there a scenario of two replicas.
"""

from attrs import frozen

from sim.scenario import Scenario
from sim.scenario_file import parse_scenario

Ways = dict[str, str]

SCENE = """
title = "{name}"
duration = "{seconds}s"
warmup = "{warmup}s"
[products]
count = 1
[[workers]]
{workers}
[inbox]
capacity = "unbounded"
[writer]
service = "0s"
[link]
delay = "0s"
[reader]
"""
LOOKS = """
[[queries]]
pace = "poisson({looks}/s)"
"""


@frozen
class Case:
    """A scenario, and the statistics of it that are held against their closed forms."""

    name: str
    scenario: Scenario
    metrics: tuple[str, ...]


def scene(name: str, workers: str, ways: Ways, metrics: str, seconds: float, looks: float = 0) -> Case:
    """Make a case of one product, no service and no delay, with some keys set otherwise.

    `metrics` is a list of names with blanks between them.
    """
    text = (SCENE + LOOKS if looks else SCENE).format(
        name=name,
        workers=workers,
        seconds=seconds,
        warmup=seconds / 40,
        looks=looks,
    )
    return Case(name, parse_scenario(text, name, ways), tuple(metrics.split()))


def queue(name: str, rate: float, service: str, metrics: str, seconds: float, **inbox: str) -> Case:
    """Make a case of Poisson commands before a writer, whom nobody reads."""
    ways = {"writer.service": service} | {f"inbox.{key}": value for key, value in inbox.items()}
    return scene(name, f'pace = "poisson({rate}/s)"', ways, metrics, seconds)


def shedding(name: str, rate: float, room: int, metrics: str, seconds: float) -> Case:
    """Make a case of a channel that sheds what finds it full."""
    return queue(name, rate, SERVICE, metrics, seconds, capacity=str(room), when_full="shed")


def closed(
    name: str, workers: int, think: str, ways: Ways, metrics: str, seconds: float, looks: float = 0
) -> Case:
    """Make a case of workers who wait for their answers."""
    crowd = f'count = {workers}\nthink = "{think}"'
    return scene(name, crowd, {"writer.service": SERVICE} | ways, metrics, seconds, looks)


def reads(name: str, rate: float, ways: Ways, metrics: str, seconds: float = 3000, looks: float = 3) -> Case:
    """Make a case of Poisson commits that are read."""
    return scene(name, f'pace = "poisson({rate}/s)"', ways, metrics, seconds, looks)


def projected(name: str, rate: float, ways: Ways, metrics: str, seconds: float, looks: float = 0.5) -> Case:
    """Make a case of a projector behind the writer, exponential if nothing else is said."""
    return reads(name, rate, {"reader.handler": SERVICE} | ways, metrics, seconds, looks)


def metronome(name: str, rate: float, metrics: str, seconds: float, looks: float = 0.5) -> Case:
    """Make a case of commits at a constant pace before an exponential projector."""
    return scene(name, f'pace = "constant({rate}/s)"', {"reader.handler": SERVICE}, metrics, seconds, looks)


SERVICE = "exponential(1s)"
NEWEST = {"link.order": "independent"}
ARRIVAL = {"link.order": "independent", "reader.apply": "arrival"}
SMOOTH = {"link.delay": "exponential(0.5s)"}
RUGGED = {"link.delay": "lognormal(mean=0.5s, cv=2)"}
ZIPF = {"products.count": "20", "products.popularity": "zipf(1.0)"}
HOTSPOT = {"products.count": "10", "products.popularity": "hotspot(10%, 80%)"}
TEN = {"products.count": "10"}
TANDEM = {"writer.service": SERVICE, "reader.handler": "exponential(0.9s)"}
FIVE_READ_BACK = {"workers.count": "5", "workers.reads_back": "exponential(1s)"}

STALE, BEHIND, LATE, AGE = (
    "stale_read_fraction",
    "versions_behind.mean",
    "staleness.mean",
    "age_of_information.mean",
)
LAG, OWN = "visibility_lag.mean", "read_your_writes_violations"
WAIT, LATENCY = "queue_wait.mean", "command_latency.mean"

SECTIONS = {
    "3.1  The writer's queue": (
        queue("M/M/1, ρ = 0.5", 0.5, SERVICE, f"{WAIT} command_latency.p99", 30_000),
        queue("M/M/1, ρ = 0.7", 0.7, SERVICE, "command_latency.p95 inbox_depth.mean", 25_000),
        queue("M/M/1, ρ = 0.8", 0.8, SERVICE, f"{LATENCY} writer_utilisation", 25_000),
        queue("M/M/1, ρ = 0.9", 0.9, SERVICE, LATENCY, 40_000),
        queue("M/D/1, ρ = 0.5", 0.5, "1s", f"{WAIT} throughput", 30_000),
        queue("M/D/1, ρ = 0.8", 0.8, "1s", f"{LATENCY} command_latency.p95", 25_000),
        queue("M/G/1, lognormal, cv² = 4, ρ = 0.5", 0.5, "lognormal(mean=1s, cv=2)", WAIT, 40_000),
        queue(
            "M/G/1, hyperexponential, ρ = 0.6",
            0.6,
            "mixture(90% exponential(0.5s), 10% exponential(5.5s))",
            LATENCY,
            30_000,
        ),
        queue("M/G/1, Erlang-4, ρ = 0.8", 0.8, "gamma(mean=1s, cv=0.5)", "inbox_depth.mean", 25_000),
        scene(
            "M/G/1 at one lock, uniform service, ρ = 0.7",
            'count = 5\npace = "poisson(0.7/s)"',
            {"architecture": "locked", "writer.service": "uniform(0s, 2s)"},
            LATENCY,
            20_000,
        ),
        shedding("M/M/1/5, ρ = 0.8", 0.8, 4, "shed_fraction", 15_000),
        shedding("M/M/1/10, ρ = 1", 1.0, 9, f"shed_fraction {WAIT}", 15_000),
        shedding("M/M/1/8, ρ = 1.2", 1.2, 7, "shed_fraction inbox_depth.mean", 12_000),
    ),
    "3.2  A closed loop": (
        closed("N = 4, Z = 5 s", 4, "exponential(5s)", {}, "throughput", 20_000),
        closed("N = 4, fixed Z = 5 s", 4, "5s", {}, LATENCY, 20_000),
        closed("N = 10, hyperexponential Z = 9 s", 10, "gamma(mean=9s, cv=2)", {}, "throughput", 15_000),
        closed("N = 10, Z = 9 s", 10, "exponential(9s)", {}, "command_latency.p95", 15_000),
        closed("N = 20, lognormal Z = 9 s", 20, "lognormal(mean=9s, cv=1)", {}, LATENCY, 15_000),
        closed("N = 10, Z = 0.5 s", 10, "exponential(0.5s)", {}, WAIT, 12_000),
        closed(
            "N = 4, Z = 2 s, a channel for one",
            4,
            "exponential(2s)",
            {"inbox.capacity": "1"},
            "blocked_fraction admission_wait.mean",
            15_000,
        ),
        closed("N = 1, Z = 1 s, d = 2 s", 1, "exponential(1s)", {"link.delay": "2s"}, STALE, 10_000, 1),
        closed("N = 4, Z = 5 s, d = 2 s", 4, "exponential(5s)", {"link.delay": "2s"}, LATE, 10_000, 1),
        closed("N = 10, Z = 9 s, d = 2 s", 10, "exponential(9s)", {"link.delay": "2s"}, STALE, 10_000, 1),
        closed("N = 20, Z = 9 s, d = 2 s", 20, "exponential(9s)", {"link.delay": "2s"}, BEHIND, 8_000, 1),
        closed(
            "N = 4, Z = 5 s, d = 2 s, 20 products",
            4,
            "exponential(5s)",
            {"link.delay": "2s"} | ZIPF,
            STALE,
            10_000,
            1,
        ),
    ),
    "3.3  How stale a read is": (
        reads("fixed delay, λd = 1", 2, {"link.delay": "0.5s"}, f"{STALE} {AGE}"),
        reads("fixed delay, λd = 2", 1, {"link.delay": "2s"}, f"{BEHIND} staleness.p95"),
        reads("fixed delay, λd = 0.5", 0.5, {"link.delay": "1s"}, LATE),
        reads("fixed delay, λd = 0.8", 4, {"link.delay": "0.2s"}, "age_of_information.p95", 2000),
        reads("newest wins, r = 1", 2, NEWEST | SMOOTH, f"{STALE} {AGE}"),
        reads("newest wins, r = 2", 4, NEWEST | SMOOTH, f"{STALE} {LAG}", 2000),
        reads("newest wins, r = 0.5", 1, NEWEST | SMOOTH, f"{BEHIND} staleness.p95", 4000),
        reads("newest wins, lognormal, r = 1", 2, NEWEST | RUGGED, f"{STALE} {BEHIND}"),
        reads("newest wins, r = 1.5", 3, NEWEST | SMOOTH, "t_visibility.p99", 4000, 0),
        reads("first in, first out, r = 1", 2, SMOOTH, f"{STALE} {LAG}"),
        reads("first in, first out, r = 2", 4, SMOOTH, f"{STALE} {BEHIND}", 2000),
        reads("first in, first out, r = 0.5", 1, SMOOTH, f"{LATE} t_visibility.p99", 6000, 1),
        reads("first in, first out, lognormal, r = 1", 2, RUGGED, f"{STALE} visibility_lag.p50", 5000, 2),
        reads("last to arrive wins, r = 1", 2, ARRIVAL | SMOOTH, STALE),
        reads("last to arrive wins, r = 2", 4, ARRIVAL | SMOOTH, STALE, 2000),
        reads("polling every 1 s", 2, {"reader.poll": "1s"}, f"{STALE} visibility_lag.p95"),
        reads("polling every 2 s", 1, {"reader.poll": "2s"}, LATE),
        reads(
            "polling every 1 s, d = 0.3 s", 2, {"reader.poll": "1s", "link.delay": "0.3s"}, f"{BEHIND} {AGE}"
        ),
        reads(
            "polling every 1 s, d = 0.3 s, λ = 1/s",
            1,
            {"reader.poll": "1s", "link.delay": "0.3s"},
            "staleness.p95",
        ),
        reads(
            "fixed delay, 20 products, zipf", 10, ZIPF | {"link.delay": "0.2s"}, f"{STALE} {LATE}", 800, 15
        ),
        reads(
            "fixed delay, a hotspot",
            4,
            HOTSPOT | {"link.delay": "0.3s"},
            "hot_stale_fraction cold_stale_fraction",
            1000,
            10,
        ),
        reads("newest wins, 20 products, zipf", 10, ZIPF | NEWEST | SMOOTH, STALE, 800, 10),
        reads(
            "own writes, d = 0.5 s, Z = 1 s, N = 5", 2, {"link.delay": "0.5s"} | FIVE_READ_BACK, OWN, looks=0
        ),
    ),
    "3.4  A projector behind the writer": (
        projected("M/M/1 → M/M/1, ρ = 0.7, 0.63", 0.7, TANDEM, f"{LATENCY} {LAG}", 15_000),
        projected("M/M/1 → M/M/1, ρ = 0.6, 0.54", 0.6, TANDEM, f"{STALE} visibility_lag.p99", 20_000),
        projected("M/M/1 → M/M/1, ρ = 0.5, 0.45", 0.5, TANDEM, BEHIND, 15_000),
        projected("→ M/M/1, one of ten products, ρ = 0.7", 0.7, TEN, f"{STALE} {BEHIND}", 15_000),
        reads(
            "→ M/M/1 on a serial link, ρ = 0.5, ten products",
            1,
            TEN | {"link.order": "serial", "link.delay": "exponential(0.5s)"},
            BEHIND,
            8_000,
            1,
        ),
        projected("→ M/M/1 after d = 0.5 s, ρ = 0.5", 0.5, {"link.delay": "0.5s"}, LATE, 15_000),
        projected(
            "→ M/G/1, lognormal, cv² = 1, ρ = 0.5",
            0.5,
            {"reader.handler": "lognormal(mean=1s, cv=1)"},
            f"{STALE} {LAG}",
            15_000,
        ),
        projected("→ M/D/1, ρ = 0.6", 0.6, {"reader.handler": "1s"}, LATE, 15_000),
        projected("own writes, ρ = 0.5, Z = 1 s, N = 5", 0.5, FIVE_READ_BACK, OWN, 20_000, 0),
    ),
    "3.5  Age of information": (
        projected("M/M/1, ρ = 0.5", 0.5, {}, AGE, 15_000),
        projected("M/M/1, ρ = 0.8", 0.8, {}, AGE, 20_000),
        projected("M/D/1, ρ = 0.5", 0.5, {"reader.handler": "1s"}, AGE, 15_000),
        projected("M/D/1, ρ = 0.8", 0.8, {"reader.handler": "1s"}, AGE, 15_000),
        metronome("D/M/1, ρ = 0.5", 0.5, AGE, 15_000),
        metronome("D/M/1, ρ = 0.8", 0.8, AGE, 15_000),
    ),
}

COVERAGE = (
    reads("fixed delay, λd = 1", 2, {"link.delay": "0.5s"}, STALE, seconds=60, looks=10),
    queue("M/M/1, ρ = 0.9", 0.9, SERVICE, "queue_wait.mean", seconds=24000),
)
