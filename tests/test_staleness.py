"""The simulation against the closed forms of staleness.

Rows, seeds and nulls are those of tests/seeds.py. Commands come at λ a second
and looks at instants of their own, both Poisson; except before the tandem,
the writer takes no time. r is λ·E[D], D the delay of the link.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor

import numpy as np
import polars as pl
import pytest
import trio
from attrs import evolve, frozen
from msgspec.structs import replace
from scipy.integrate import quad
from scipy.special import ndtr

from sim.distributions import Floats
from sim.inventory import Intent
from sim.measures.visibility import visibility_curve
from sim.measures.window import measured_changes, measured_queries
from sim.metrics import summarise
from sim.scenario import Scenario
from sim.scenario_file import parse_scenario
from sim.trace import Trace
from sim.worker import Person, Worker, see_through, worker
from tests import seeds
from tests.seeds import Numbers, assert_close, ten_runs

pool = seeds.pool

WRITES = """
title = "how stale the reads are"
duration = "{seconds}s"
warmup = "{warmup}s"
[products]
count = 1
[[workers]]
pace = "poisson({commands}/s)"
add = 1.0
[writer]
service = "0s"
[link]
[reader]
"""
LOOKS = """
[[queries]]
pace = "poisson({looks}/s)"
"""

STALE, BEHIND, LATE, AGE = (
    "stale_read_fraction",
    "versions_behind.mean",
    "staleness.mean",
    "age_of_information.mean",
)
LAG, LAG_P99, RYW = "visibility_lag.mean", "visibility_lag.p99", "read_your_writes_violations"
NAMES = (STALE, BEHIND, LATE, AGE, LAG, LAG_P99, RYW)
TWO_BEHIND, FIVE_BEHIND = "two or more versions behind", "five or more versions behind"
LATE_IF_STALE, END_TO_END = "staleness of the stale", "from the intent until visible"
IN_FLIGHT, SPREAD = "changes in flight", "variance of the changes in flight"
WITHIN = {t: f"visible within {t} s, or a newer one" for t in (0.25, 0.5, 1.0)}

NEWEST = {"link.order": "independent", "reader.apply": "newest"}
FIFO = {"link.order": "fifo"}
ARRIVAL = {"link.order": "independent", "reader.apply": "arrival"}

slow = pytest.mark.slow


def scene(commands: float, looks: float, seconds: float, *ways: Mapping[str, str]) -> Scenario:
    """Give a scenario of commands and looks per second, with some of its keys set otherwise."""
    text = WRITES + (LOOKS if looks else "")
    text = text.format(commands=commands, looks=looks, seconds=seconds, warmup=seconds / 20)
    return parse_scenario(text, settings={key: value for way in ways for key, value in way.items()})


def reads(trace: Trace) -> Numbers:
    """Measure what those who look are shown."""
    summary = summarise(trace)
    numbers = {name: summary.value(name) for name in NAMES}
    queries = measured_queries(trace)
    behind = (queries["latest"] - queries["seen_version"]).to_numpy()
    numbers |= {TWO_BEHIND: float(np.mean(behind >= 2)), FIVE_BEHIND: float(np.mean(behind >= 5))}
    return numbers | {LATE_IF_STALE: numbers[LATE] / numbers[STALE]}


def ways_of_changes(trace: Trace) -> Numbers:
    """Measure how long changes take: within t (one product), from the intent on, how many are under way."""
    changes = measured_changes(trace).sort("version")
    curve = visibility_curve(trace)
    intents = trace.commands.select("intended", command="id")
    whole = changes.join(intents, on="command").select(pl.col("visible") - pl.col("intended")).to_series()
    under_way = in_flight(trace)
    return {
        **{name: curve.at(t) for t, name in WITHIN.items()},
        END_TO_END: float(whole.drop_nulls().to_numpy().mean()),
        IN_FLIGHT: float(under_way.mean()),
        SPREAD: float(under_way.var()),
    }


def in_flight(trace: Trace) -> Floats:
    """Count the changes inside the link whenever somebody looks."""
    committed = trace.changes["committed"].sort().to_numpy()
    delivered = trace.changes["delivered"].list.first().sort().to_numpy()
    asked = measured_queries(trace)["asked"].to_numpy()
    return (np.searchsorted(committed, asked) - np.searchsorted(delivered, asked)).astype(np.float64)


def everything(trace: Trace) -> Numbers:
    """Measure both."""
    return {**reads(trace), **ways_of_changes(trace)}


@frozen
class Exponential:
    """An exponential delay."""

    mean: float

    def __str__(self) -> str:
        return f"exponential({self.mean}s)"

    def tail(self, u: float) -> float:
        """P(D > u)."""
        return math.exp(-u / self.mean)

    def over(self, v: float) -> float:
        """∫ᵥ^∞ P(D > u) du."""
        return self.mean * self.tail(v)


@frozen
class Lognormal:
    """A lognormal delay; cv is sd/mean."""

    mean: float
    cv: float

    def __str__(self) -> str:
        return f"lognormal(mean={self.mean}s, cv={self.cv})"

    @property
    def sigma(self) -> float:
        """The standard deviation of ln D."""
        return math.sqrt(math.log1p(self.cv**2))

    def _below(self, v: float) -> float:
        """(E[ln D] − ln v) / σ."""
        return (math.log(self.mean / v) - self.sigma**2 / 2) / self.sigma if v > 0 else math.inf

    def tail(self, u: float) -> float:
        """P(D > u)."""
        return float(ndtr(self._below(u)))

    def over(self, v: float) -> float:
        """∫ᵥ^∞ P(D > u) du = E[max(D − v, 0)]."""
        return float(self.mean * ndtr(self._below(v) + self.sigma) - v * self.tail(v))


Delay = Exponential | Lognormal
SMOOTH, RUGGED = Exponential(0.5), Lognormal(0.5, 2)
DELAYS = [pytest.param(SMOOTH, id="exponential"), pytest.param(RUGGED, id="lognormal", marks=slow)]


def integral(f: Callable[[float], float], end: float = math.inf) -> float:
    """Integrate from 0, in two pieces."""
    middle = min(1.0, end / 2)
    return float(quad(f, 0, middle, limit=200)[0] + quad(f, middle, end, limit=200)[0])


def fixed(rate: float, d: float) -> Numbers:
    """Give what a fixed delay d does: K ~ Poisson(λd), S dates from the oldest commit of the last d."""
    fresh = math.exp(-rate * d)
    return {
        STALE: 1 - fresh,
        BEHIND: rate * d,
        TWO_BEHIND: 1 - fresh * (1 + rate * d),
        LATE: d - (1 - fresh) / rate,
        LATE_IF_STALE: d / (1 - fresh) - 1 / rate,
        AGE: d + 1 / rate,
    }


def newest(rate: float, delay: Delay) -> Numbers:
    """Newest wins: 1 − E[e^−λD]; P(A > a) = exp(−λ∫₀ᵃ G); E[K] = λE[A] − 1; exponential P(K ≥ 2)."""
    age = integral(lambda a: math.exp(-rate * (a - delay.mean + delay.over(a))))
    truth = {
        STALE: rate * integral(lambda u: math.exp(-rate * u) * delay.tail(u)),
        BEHIND: rate * age - 1,
        AGE: age,
    }
    if isinstance(delay, Exponential):
        truth[TWO_BEHIND] = math.prod(rate / (rate + j / delay.mean) for j in (1, 2))
    return truth


def newest_within(rate: float, delay: Delay, t: float) -> float:
    """Newest wins: a change, or a newer one, is visible within t: 1 − (1 − G(t)) exp(−λ∫₀ᵗ G)."""
    return 1 - delay.tail(t) * math.exp(-rate * (t - delay.mean + delay.over(t)))


def fifo(rate: float, delay: Delay, end: float = math.inf) -> Numbers:
    """First in, first out: P(V ≤ v) as below; P(S > s) = 1 − exp(−λ∫ₛ^∞ (1 − G)); E[K] = λE[V].

    `end` is how far V and S are followed.
    """
    lag = integral(lambda v: 1 - fifo_within(rate, delay, v), end)
    return {
        STALE: 1 - math.exp(-rate * delay.mean),
        LAG: lag,
        BEHIND: rate * lag,
        LATE: integral(lambda s: -math.expm1(-rate * delay.over(s)), end),
    }


def fifo_within(rate: float, delay: Delay, t: float) -> float:
    """First in, first out: P(V ≤ t) = G(t) exp(−λ∫ₜ^∞ (1 − G))."""
    return (1 - delay.tail(t)) * math.exp(-rate * delay.over(t))


def last_arrival(r: float) -> float:
    """Whatever arrives last wins, exponential: 1 − ∫₀¹ yʳ e^(−r(1−y)) dy."""
    return 1 - integral(lambda y: y**r * math.exp(-r * (1 - y)), 1.0)


def polled(rate: float, every: float, d: float) -> Numbers:
    """Give what polls every T do after a way of d: a delay uniform on d … d + T, S as if it were fixed."""
    return {
        STALE: 1 + math.exp(-rate * d) * math.expm1(-rate * every) / (rate * every),
        BEHIND: rate * (d + every / 2),
        LATE: integral(lambda u: fixed(rate, d + u)[LATE] if d + u else 0.0, every) / every,
    }


def zipf(count: int, exponent: float = 1.0) -> list[float]:
    """Give the shares of products whose popularity falls with their rank."""
    weights = [rank**-exponent for rank in range(1, count + 1)]
    return [weight / sum(weights) for weight in weights]


def many_products(shares: list[float], rate: float, d: float) -> float:
    """Σ qᵢ (1 − exp(−qᵢΛd)), written and read by the same shares."""
    return sum(q * -math.expm1(-q * rate * d) for q in shares)


def tandem(rate: float, writer: float, projector: float) -> Numbers:
    """M/M/1 after M/M/1: by Burke two M/M/1 on their own; V ~ Exp(μ₂ − λ), K geometric in ρ₂."""
    lag, rho = 1 / (projector - rate), rate / projector
    return {
        END_TO_END: 1 / (writer - rate) + lag,
        LAG: lag,
        LAG_P99: -math.log(0.01) * lag,
        STALE: rho,
        BEHIND: rho / (1 - rho),
        FIVE_BEHIND: rho**5,
    }


def one_of_many(rho: float, share: float) -> Numbers:
    """M/M/1 projector, a product with a share q of the changes: ρq/(1 − ρ + ρq) stale, mean K qρ/(1 − ρ)."""
    return {STALE: rho * share / (1 - rho + rho * share), BEHIND: share * rho / (1 - rho)}


def unseen_after_fixed(rate: float, d: float, think: float, people: float) -> float:
    """Nothing of one's own within the last d: neither what one thinks of, nor another by chance."""
    return -math.expm1(-d * (1 / think + rate / people))


def unseen_behind_queue(rate: float, server: float, look: float, people: float) -> float:
    """Something of one's own is in an M/M/1 an Exp(g) after one's own arrival; g/(g + μ − λ) for strangers.

    The look misses the last of its session's writes if any of them is still
    in the queue: the one it thinks of, or a later one. With z = 1 − 1/N,
    L the number in the queue and τ ~ Exp(g), what is not missed is E[z^L(τ)]
    on V < τ. V leaves n behind with density in g of aλⁿ/(a + g + λ)ⁿ⁺¹, a = μ − λ;
    from there fₙ = E[z^L(τ)] solves (λ + μ + g)fₙ = λfₙ₊₁ + μfₙ₋₁ + gzⁿ,
    which A rⁿ + B zⁿ does, with the root r < 1 of λr² − (λ + μ + g)r + μ = 0.
    """
    z, total, a = 1 - 1 / people, rate + server + look, server - rate
    r = (total - math.sqrt(total**2 - 4 * rate * server)) / (2 * rate)
    b = look * z / (total * z - rate * z**2 - server)
    c = (look - b * (rate + look - rate * z)) / (rate + look - rate * r)
    y = rate / (a + look + rate)
    return 1 - a / (a + look + rate) * (c / (1 - y * r) + b / (1 - y * z))


def ein(r: float) -> float:
    """Ein(r) = ∫₀ʳ (1 − e⁻ᵗ)/t dt."""
    return integral(lambda t: -math.expm1(-t) / t, r)


def test_the_closed_forms_are_those_of_the_reference() -> None:
    """The formulas here against values worked out elsewhere, to as many digits as those have.

    The reference follows the lags of lognormal delays to 60 s, and no further;
    those beyond add half a percent, and the rows below count them in.
    """
    for found, expected in [
        (fixed(2, 0.5), [0.6321205588285577, 1, 0.264241, 0.36787944117144233 / 2, 0.290988, 1]),
        (newest(2, SMOOTH), [0.5, 0.718281828459045, 1.7182818284590469 / 2, 1 / 6]),
        (newest(2, RUGGED), [0.425229, 0.571112, 0.785556]),
        (fifo(2, SMOOTH), [0.6321205588285577, 0.714360, 1.4287201581256108, 0.7965995992970532 / 2]),
        (fifo(2, RUGGED, 60), [0.6321205588285577, 1.396692, 2.793384, 1.080742]),
        (polled(2, 1, 0), [0.5676676416183064, 1, 0.43233235838169365 / 2]),
        (polled(2, 1, 0.3), [0.762731, 1.6, 0.418635]),
        (tandem(0.7, 1, 0.9), [8.333333, 5, 23.025851, 0.777778, 3.5, (7 / 9) ** 5]),
        (one_of_many(0.7, 0.1), [0.18918918918918914, 0.23333333333333328]),
    ]:
        assert list(found.values()) == pytest.approx(expected, rel=2e-6)
    for one, value in [
        (newest(4, SMOOTH)[STALE], 2 / 3),
        (fifo(4, SMOOTH)[STALE], 0.8646647167633873),
        (last_arrival(2), 0.7838338208091531),
        (last_arrival(1), 0.6321205588285577),
        (many_products(zipf(20), 10, 0.2), 0.202637),
        (fifo(2, SMOOTH)[LAG], (ein(1) + 1 - math.exp(-1)) / 2),
        (fifo(2, SMOOTH)[LATE], ein(1) / 2),
        (fifo(2, RUGGED)[BEHIND], 2.806302),
        (unseen_after_fixed(2, 0.5, 1, math.inf), 0.393469),
        (unseen_behind_queue(0.7, 0.9, 0.5, math.inf), 0.714286),
        *((fifo_within(2, SMOOTH, t), p) for t, p in [(0.25, 0.214535), (0.5, 0.437554), (1, 0.755218)]),
        *((newest_within(2, SMOOTH, t), p) for t, p in [(0.25, 0.454761), (0.5, 0.745354), (1, 0.956515)]),
    ]:
        assert one == pytest.approx(value, rel=3e-6)


@pytest.mark.parametrize(("rate", "d"), [(2.0, 0.5), pytest.param(1.0, 2.0, marks=slow)])
def test_a_fixed_delay(pool: Executor, rate: float, d: float) -> None:
    """Null: 1 − e^−λd are stale, K is Poisson(λd), S and age have the means of `fixed`."""
    scenario = scene(rate, 3, 1_500, {"link.delay": f"{d}s"})
    assert_close(ten_runs(pool, scenario, reads), fixed(rate, d))


@pytest.mark.parametrize("delay", DELAYS)
def test_the_newest_wins(pool: Executor, delay: Delay) -> None:
    """Null: stale, K and age of `newest`, whatever the delay; exponential P(K ≥ 2) = 1/6 at r = 1."""
    scenario = scene(2, 4, 2_000, NEWEST, {"link.delay": str(delay)})
    assert_close(ten_runs(pool, scenario, reads), newest(2, delay))


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [
        pytest.param(SMOOTH, 1_500, id="exponential"),
        pytest.param(RUGGED, 40_000, id="lognormal", marks=slow),
    ],
)
def test_first_in_first_out(pool: Executor, delay: Delay, seconds: float) -> None:
    """Null: as many are stale whatever the shape of the delay, and 1.43 or 2.81 versions behind at r = 1."""
    scenario = scene(2, 2, seconds, FIFO, {"link.delay": str(delay)})
    assert_close(ten_runs(pool, scenario, reads), fifo(2, delay))


@pytest.mark.parametrize("rate", [2.0])
def test_the_last_to_arrive_wins(pool: Executor, rate: float) -> None:
    """Null: 1 − ∫₀¹ yʳ e^(−r(1−y)) dy are shown another version than the latest, at r = 1."""
    scenario = scene(rate, 4, 1_000, ARRIVAL, {"link.delay": str(SMOOTH)})
    assert_close(ten_runs(pool, scenario, reads), {STALE: last_arrival(rate * SMOOTH.mean)})


@pytest.mark.parametrize("d", [0.0, pytest.param(0.3, marks=slow)])
def test_a_reader_that_polls(pool: Executor, d: float) -> None:
    """Null: a change waits for the next poll, a uniform part of T = 1 s, after a way of d."""
    scenario = scene(2, 4, 1_500, {"reader.poll": "1s", "link.delay": f"{d}s"})
    assert_close(ten_runs(pool, scenario, reads), polled(2, 1, d))


@slow
@pytest.mark.parametrize(
    ("ways", "share"),
    [
        pytest.param(NEWEST, newest(4, SMOOTH)[STALE], id="newest"),
        pytest.param(FIFO, fifo(4, SMOOTH)[STALE], id="fifo"),
        pytest.param(ARRIVAL, last_arrival(2), id="arrival"),
    ],
)
def test_three_rules_tell_themselves_apart(pool: Executor, ways: Mapping[str, str], share: float) -> None:
    """Null: at r = 2 the same delays leave 2/3, 0.865 or 0.784 of the looks stale, by rule."""
    scenario = scene(4, 4, 1_500, ways, {"link.delay": str(SMOOTH)})
    assert_close(ten_runs(pool, scenario, reads), {STALE: share})


@pytest.mark.parametrize(("count", "rate", "d"), [pytest.param(20, 10, 0.2, marks=slow)])
def test_many_products(pool: Executor, count: int, rate: float, d: float) -> None:
    """Null: each product is a Poisson stream of its own; the looks are shared out like the changes."""
    ways = {"products.count": str(count), "products.popularity": "zipf(1.0)", "link.delay": f"{d}s"}
    scenario = scene(rate, 30, 200, ways)
    assert_close(ten_runs(pool, scenario, reads), {STALE: many_products(zipf(count), rate, d)})


@slow
@pytest.mark.parametrize(
    ("ways", "delay", "within"),
    [
        pytest.param(FIFO, SMOOTH, fifo_within, id="fifo"),
        pytest.param(FIFO, RUGGED, fifo_within, id="fifo, lognormal"),
        pytest.param(NEWEST, SMOOTH, newest_within, id="newest"),
    ],
)
def test_a_change_is_visible_within_a_while(
    pool: Executor, ways: Mapping[str, str], delay: Delay, within: Callable[[float, Delay, float], float]
) -> None:
    """Null: P(a change, or a newer one, is shown within t of its commit), counted over all changes."""
    scenario = scene(2, 1, 3_000, ways, {"link.delay": str(delay)})
    truth = {name: within(2, delay, t) for t, name in WITHIN.items()}
    assert_close(ten_runs(pool, scenario, ways_of_changes), truth)


@slow
@pytest.mark.parametrize(
    ("order", "delay", "mean", "spread", "seconds"),
    [
        pytest.param("independent", SMOOTH, 1.0, 1.0, 3_000, id="exponential side by side"),
        pytest.param("independent", RUGGED, 1.0, 1.0, 3_000, id="lognormal side by side"),
        pytest.param("fifo", SMOOTH, fifo(2, SMOOTH)[BEHIND], None, 3_000, id="fifo"),
        pytest.param("serial", Exponential(0.25), 1.0, 2.0, 9_000, id="serial"),
    ],
)
def test_how_many_changes_are_under_way(
    pool: Executor, order: str, delay: Delay, mean: float, spread: float | None, seconds: float
) -> None:
    """Null: λ times the mean way (Little); Poisson side by side, geometric (M/M/1, ρ = 1/2) in series."""
    scenario = scene(2, 2, seconds, {"link.order": order, "link.delay": str(delay)})
    truth = {IN_FLIGHT: mean} | ({SPREAD: spread} if spread else {})
    assert_close(ten_runs(pool, scenario, ways_of_changes), truth)


QUEUES = {
    "link.delay": "0s",
    "writer.service": "exponential(1s)",
    "reader.handler": f"exponential({1 / 0.9}s)",
}


@slow
def test_a_projector_behind_a_writer(pool: Executor) -> None:
    """Null: λ = 0.7, μ₁ = 1, μ₂ = 0.9 a second, two M/M/1 on their own, as `tandem` says."""
    runs = ten_runs(pool, scene(0.7, 0.3, 45_000, QUEUES), everything)
    assert_close(runs, tandem(0.7, 1, 0.9))


@slow
def test_one_product_of_many_behind_a_projector(pool: Executor) -> None:
    """Null: ten products alike, λ = 0.7, μ = 1: only a product's own changes make it stale."""
    ways = {"link.delay": "0s", "reader.handler": "exponential(1s)", "products.count": "10"}
    assert_close(ten_runs(pool, scene(0.7, 0.7, 40_000, ways), reads), one_of_many(0.7, 0.1))


async def strangers(me: Person, intents: Iterator[Intent]) -> None:
    """Have every command come from somebody new, who looks once at what it did."""
    async with trio.open_nursery() as meanwhile:
        for number, intent in enumerate(intents):
            await me.clock.sleep_until(intent.when or 0.0)
            meanwhile.start_soon(see_through, evolve(me, number=number), replace(intent, row=None))


STRANGERS = pytest.param(strangers, 1, id="strangers")
ONE = pytest.param(worker, 1, id="one person", marks=slow)
FIVE = pytest.param(worker, 5, id="five people", marks=slow)


@pytest.mark.parametrize(("act", "people"), [STRANGERS, ONE, FIVE])
def test_what_one_wrote_oneself_after_a_fixed_delay(pool: Executor, act: Worker, people: int) -> None:
    """Null: 1 − exp(−d/Z) of strangers, each with one write, miss it; d = 0.5 s, Z = 1 s.

    A session with more writes is asked for its last one, which may be another
    than the one it thought about: 1 − exp(−d(1/Z + λ/N)), N sessions, λ = 2/s.
    """
    ways = {"link.delay": "0.5s", "workers.reads_back": "exponential(1s)", "workers.count": str(people)}
    truth = unseen_after_fixed(2, 0.5, 1, math.inf if act is strangers else people)
    assert_close(ten_runs(pool, scene(2, 0, 1_500, ways), reads, act), {RYW: truth})


@slow
@pytest.mark.parametrize(("act", "people"), [STRANGERS, FIVE])
def test_what_one_wrote_oneself_behind_a_projector(pool: Executor, act: Worker, people: int) -> None:
    """Null: g/(g + μ₂ − λ) of strangers miss their write, g = 0.5/s; of N sessions, unseen_behind_queue."""
    ways = {"workers.reads_back": "exponential(2s)", "workers.count": str(people)}
    truth = unseen_behind_queue(0.7, 0.9, 0.5, math.inf if act is strangers else people)
    assert_close(ten_runs(pool, scene(0.7, 0, 40_000, QUEUES, ways), reads, act), {RYW: truth})
