"""The closed forms of queues and of staleness: plain functions of numbers, in the letters of the field.

    Λ    commands, and so commits, per second; p a product's share of them, λ = pΛ
    s    the mean time of service, μ = 1/s, ρ = Λs
    d    a fixed delay of the link; D a random one, G its law
    T    how often a reader polls
    N, Z workers of a closed loop, and how long they think on average
    V    commit to visible; S staleness, K versions behind, A age of information

Durations are seconds, rates are per second. Where a formula is one of a
product, it takes and gives an array: one number for each kind of product.
When a formula is right is said in models.py.
"""

import math
from collections.abc import Callable

import numpy as np

from sim.distributions import Distribution, Exponential, Floats
from sim.theory import laws
from sim.theory.laws import Tail, integral, integral_over


def each(numbers: Floats, one: Callable[[float], float]) -> Floats:
    """Work one kind of product out after the other."""
    return np.array([one(float(number)) for number in numbers])


# One queue before the writer.


def pollaczek_khinchine(rate: float, service: Distribution) -> float:
    """Give the mean wait in M/G/1, in seconds: ΛE[S²] / 2(1 − ρ)."""
    return rate * laws.second_moment(service) / (2 * (1 - rate * service.mean))


def mm1_wait(rate: float, mean: float) -> Tail:
    """M/M/1: P(wait > t) = ρ e^(−(μ − Λ)t)."""
    return lambda t: rate * mean * math.exp(-(1 / mean - rate) * t)


def mm1_sojourn(rate: float, mean: float) -> Tail:
    """M/M/1: P(wait + service > t) = e^(−(μ − Λ)t)."""
    return lambda t: math.exp(-(1 / mean - rate) * t)


def md1_wait(rate: float, mean: float) -> Tail:
    """M/D/1: P(wait > t), by the law of the number in the system, all of whose terms are positive.

    Whoever waits at most t = ks − u sees, u later, no more than those still
    in line whom k − 1 services leave there (Franx 2001; for one server). The
    textbook's sum, (1 − ρ)Σ (Λ(js − t))ʲ/j! e^(−Λ(js − t)), is the same, but
    its terms alternate and cancel each other in floating point.
    """
    from scipy.special import gammainc, gammaln

    rho = rate * mean
    behind = 1 - np.cumsum(md1_number(rho, int(8 / (1 - rho)) + 20))[1:]  # P(more than 0, 1, 2 … in line)

    def tail(t: float) -> float:
        k = math.floor(t / mean) + 1
        if k > len(behind):
            return 0.0
        rest, j = rho * (k - t / mean), np.arange(min(k, 60))
        arrive = np.exp(j * math.log(rest) - rest - gammaln(j + 1)) if rest else (j == 0) * 1.0
        return float(arrive @ behind[k - 1 - j] + gammainc(k, rest))

    return tail


def md1_number(rho: float, most: int) -> Floats:
    """M/D/1: P(0, 1, 2 … most in the system), from those that arrive during what is left of a service.

    pₙ = p₀βₙ₋₁ + Σ_{k=1}^{n} pₖβₙ₋ₖ, with βⱼ = P(Poisson(ρ) > j) (Tijms).
    """
    from scipy.special import gammainc

    more = gammainc(np.arange(most) + 1, rho)
    law = np.zeros(most + 1)
    law[0] = 1 - rho
    for n in range(1, most + 1):
        law[n] = (law[0] * more[n - 1] + law[1:n] @ more[n - 1 : 0 : -1]) / (1 - more[0])
    return law


def birth_and_death(births: Floats, death: float) -> Floats:
    """Give the stationary law on 0, 1, 2 … of births at these rates and deaths at one rate."""
    logs = np.concatenate([[0.0], np.cumsum(np.log(births / death))])
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())


def waiting(law: Floats, most: float = math.inf) -> float:
    """Give the mean number in line, of whom at most so many, from the law of the number in the system."""
    return float(law @ np.minimum(np.maximum(np.arange(len(law)) - 1, 0), most))


def repairman(workers: int, think: float, mean: float) -> Floats:
    """Give the law of the commands in the system: births (N − n)/Z, deaths μ.

    Its mean throughput is X = μ(1 − p₀), and N = X(Z + R). The law of the
    think time does not matter, only its mean (Baskett et al. 1975).
    """
    return birth_and_death((workers - np.arange(workers)) / think, 1 / mean)


def repairman_sojourn(workers: int, think: float, mean: float) -> Tail:
    """Give P(latency > t): whoever comes finds the law of N − 1 workers, and Σ πₙ P(Erlang(n + 1) > t)."""
    from scipy.special import pdtr

    found = repairman(workers - 1, think, mean)
    ahead = np.arange(len(found))
    return lambda t: float(found @ pdtr(ahead, t / mean))


# How far a read model is behind Poisson commits. `rates` has one λ for each kind of product.


def fixed_staleness(rates: Floats, d: float, s: float = 0.0) -> Floats:
    """After a fixed delay, P(S > s) = 1 − e^(−λ(d − s)), the chance of a commit between s and d ago."""
    return np.asarray(-np.expm1(-rates * max(d - s, 0.0)))


def fixed_staleness_mean(rates: Floats, d: float) -> Floats:
    """After a fixed delay, E[S] = d − (1 − e^(−λd))/λ."""
    return np.asarray(d + np.expm1(-rates * d) / rates)


def fixed_behind(rates: Floats, d: float, k: float) -> Floats:
    """After a fixed delay, P(K > k): K is Poisson(λd)."""
    from scipy.special import pdtrc

    return np.asarray(pdtrc(math.floor(k), rates * d))


def poll_staleness(rates: Floats, d: float, every: float, s: float = 0.0) -> Floats:
    """With polling, P(S > s): the delay is uniform on d … d + T, and the same for all that is on its way."""
    if s >= d + every:
        return np.zeros_like(rates)
    first = max(s - d, 0.0)
    fresh = (np.exp(-rates * (d + first - s)) - np.exp(-rates * (d + every - s))) / rates
    return np.asarray((every - first - fresh) / every)


def poll_staleness_mean(rates: Floats, d: float, every: float) -> Floats:
    """With polling, E[S]: the mean over a uniform delay of what a fixed one does."""

    def one(rate: float) -> float:
        return integral(lambda u: d + u + math.expm1(-rate * (d + u)) / rate, [0.0, every]) / every

    return each(rates, one)


def poll_lag(d: float, every: float) -> Tail:
    """With polling, V is uniform on d … d + T."""
    return lambda v: min(max((d + every - v) / every, 0.0), 1.0)


def newest_stale(rates: Floats, delay: Distribution) -> Floats:
    """Newest wins: 1 − E[e^(−λD)], the chance that the last commit is still on its way."""
    return each(
        rates,
        lambda rate: integral_over(
            delay, lambda u: rate * math.exp(-rate * u) * laws.tail(delay, u), 1 / rate
        ),
    )


def newest_behind(rates: Floats, delay: Distribution) -> Floats:
    """Newest wins: E[K] = ∫ λ(1 − G(u)) e^(−λ∫₀ᵘ G) du, the commits younger than all that is visible."""
    return each(
        rates,
        lambda rate: integral_over(
            delay, lambda u: rate * laws.tail(delay, u) * math.exp(-rate * laws.covered(delay, u)), 1 / rate
        ),
    )


def newest_age(rates: Floats, delay: Distribution) -> Floats:
    """Newest wins: E[A] = ∫ e^(−λ∫₀ᵃ G) da."""
    return each(
        rates, lambda rate: integral_over(delay, lambda a: math.exp(-rate * laws.covered(delay, a)), 1 / rate)
    )


def newest_lag(rates: Floats, weights: Floats, delay: Distribution) -> float:
    """Newest wins: E[V] of the changes that are ever shown.

    One is, if no newer one was there before: with chance h(v) = e^(−λ∫₀ᵛ G)
    if it takes v. So E[V] = E[D h(D)]/E[h(D)], and ∫ f dG = f(0) + ∫ (1 − G) f′.
    The weights are those of the rates among all changes.
    """

    def overtaken(v: float) -> float:
        hidden = (
            laws.tail(delay, v) * rates * (1 - laws.tail(delay, v)) * np.exp(-rates * laws.covered(delay, v))
        )
        return float(weights @ hidden)

    def reached(v: float) -> float:
        grows = np.exp(-rates * laws.covered(delay, v)) * (1 - v * rates * (1 - laws.tail(delay, v)))
        return float(laws.tail(delay, v) * (weights @ grows))

    scale = float(1 / rates.max())
    return integral_over(delay, reached, scale) / (1 - integral_over(delay, overtaken, scale))


def newest_staleness(rates: Floats, mean: float, s: float) -> Floats:
    """Newest wins, exponential delays: P(S > s) = λ/(λ + 1/E[D]) · e^(−s/E[D]) · e^(−λ∫₀ˢ G).

    Nothing younger than s is visible, and going back from there the first
    change that is not on its way any more comes after one that is.
    """
    late = rates / (rates + 1 / mean) * math.exp(-s / mean)
    return np.asarray(late * np.exp(-rates * laws.covered(Exponential(mean), s)))


def newest_hidden(rates: Floats, delay: Distribution, t: float) -> Floats:
    """Newest wins: P(neither it nor a newer one is shown t after the commit) = (1 − G(t)) e^(−λ∫₀ᵗ G)."""
    return np.asarray(laws.tail(delay, t) * np.exp(-rates * laws.covered(delay, t)))


def fifo_visible(rate: float, delay: Distribution, t: float) -> float:
    """First in, first out: P(V ≤ t) = G(t) e^(−Λ∫ₜ^∞ (1 − G)): neither it nor any before it takes longer.

    All products share the line, so the rate is that of all.
    """
    return (1 - laws.tail(delay, t)) * math.exp(-rate * laws.excess(delay, t))


def fifo_lag(rate: float, delay: Distribution) -> float:
    """First in, first out: E[V], the integral of its tail."""

    def tail(v: float) -> float:
        on_time = laws.tail(delay, v)
        return on_time - (1 - on_time) * math.expm1(-rate * laws.excess(delay, v))

    return integral_over(delay, tail, 1 / rate)


def fifo_oldest(rate: float, delay: Distribution, a: float) -> float:
    """Give the density of the age a of the oldest change on its way: Λ(1 − G(a)) e^(−Λ∫ₐ^∞ (1 − G))."""
    return rate * laws.tail(delay, a) * math.exp(-rate * laws.excess(delay, a))


def fifo_stale(shares: Floats, rate: float, delay: Distribution) -> Floats:
    """First in, first out: the oldest change on its way holds all younger ones back, of every product.

    Stale are products of which it, or a younger one, is: ∫ f(a)(1 − (1 − p)e^(−λa)) da.
    A product that gets all the traffic is with 1 − e^(−ΛE[D]), whatever the shape of G.
    """
    return each(
        shares,
        lambda p: integral_over(
            delay,
            lambda a: fifo_oldest(rate, delay, a) * (1 - (1 - p) * math.exp(-p * rate * a)),
            1 / rate,
        ),
    )


def fifo_staleness_mean(shares: Floats, rate: float, delay: Distribution) -> Floats:
    """First in, first out: E[S] = ∫ f(a)(a − (1 − p)(1 − e^(−λa))/λ) da, S from the oldest of one's own."""
    return each(
        shares,
        lambda p: integral_over(
            delay,
            lambda a: fifo_oldest(rate, delay, a) * (a + (1 - p) * math.expm1(-p * rate * a) / (p * rate)),
            1 / rate,
        ),
    )


def last_arrival_stale(rates: Floats, mean: float) -> Floats:
    """Last to arrive wins, exponential delays: 1 − ∫₀¹ yʳ e^(−r(1 − y)) dy are stale, r = λE[D]."""

    def shown(r: float) -> float:
        return integral(lambda y: y**r * math.exp(-r * (1 - y)), [0.0, 1.0])

    return each(rates * mean, lambda r: 1 - shown(r))


# A second queue, behind the writer: a projector of rate μ, after a way of d.


def projector_stale(shares: Floats, rho: float) -> Floats:
    """M/M/1: a product with a share p of the changes has one in line with chance ρp/(1 − ρ + ρp)."""
    return np.asarray(rho * shares / (1 - rho + rho * shares))


def projector_staleness(shares: Floats, rate: float, mean: float, d: float, s: float = 0.0) -> Floats:
    """M/M/1 after d: P(S > s); the last of one's own in line leaves it after Exp(μ − Λ)."""
    line = projector_stale(shares, rate * mean)
    if s >= d:
        return line * math.exp(-(1 / mean - rate) * (s - d))
    return 1 - (1 - line) * np.exp(-shares * rate * (d - s))


def projector_staleness_mean(shares: Floats, rate: float, mean: float, d: float) -> Floats:
    """M/M/1 after d: E[S], the integral of that tail."""
    line = projector_stale(shares, rate * mean)
    on_the_way = d + (1 - line) * np.expm1(-shares * rate * d) / (shares * rate)
    return np.asarray(line / (1 / mean - rate) + on_the_way)


def mm1_age(rate: float, mean: float) -> float:
    """M/M/1: E[A] = (1/μ)(1 + 1/ρ + ρ²/(1 − ρ))."""
    rho = rate * mean
    return mean * (1 + 1 / rho + rho**2 / (1 - rho))


def md1_age(rate: float, mean: float) -> float:
    """M/D/1: E[A] = (1/μ)(1/(2(1 − ρ)) + 1/2 + (1 − ρ)e^ρ/ρ)."""
    rho = rate * mean
    return mean * (1 / (2 * (1 - rho)) + 1 / 2 + (1 - rho) * math.exp(rho) / rho)


def dm1_age(rate: float, mean: float) -> float:
    """D/M/1: E[A] = (1/μ)(1/(2ρ) + 1/(1 − β)), β = −ρW₀(−e^(−1/ρ)/ρ)."""
    from scipy.special import lambertw

    rho = rate * mean
    beta = -rho * float(lambertw(-math.exp(-1 / rho) / rho).real)
    return mean * (1 / (2 * rho) + 1 / (1 - beta))


# Commits that are not Poisson: those of a closed loop.


def closed_staleness(share: float, workers: int, think: float, mean: float, d: float) -> tuple[float, float]:
    """Give P(stale) and E[S] of a product after a fixed delay d, exactly.

    The commits are a Markovian arrival process (Neuts 1979): the repairman's
    chain, with D₀ its generator without the commits of this product. None
    came in the last u with chance π e^(D₀u) 1, so P(stale) = 1 − π e^(D₀d) 1 and
    E[S] = d − ∫₀ᵈ π e^(D₀u) 1 du; a column of ones beside D₀ adds that up.
    """
    from scipy.linalg import expm

    births = (workers - np.arange(workers + 1)) / think
    deaths = np.where(np.arange(workers + 1) > 0, 1 / mean, 0.0)
    silent = np.diag(births[:-1], 1) + np.diag((1 - share) * deaths[1:], -1) - np.diag(births + deaths)
    states = workers + 1
    both = np.zeros((states + 1, states + 1))
    both[:states, :states], both[:states, states] = silent, 1.0
    reached = repairman(workers, think, mean) @ expm(both * d)[:states]
    return 1 - float(reached[:states].sum()), d - float(reached[states])


# What one wrote oneself. A session has one worker; 1/Z is how fast it comes back to look.


def own_behind_delay(shares: Floats, rate: float, d: float, back: float) -> Floats:
    """After a fixed delay, 1 − e^(−d(1/Z + λ)): λ one session's commits of one product."""
    return np.asarray(-np.expm1(-d * (1 / back + shares * rate)))


def own_behind_projector(share: float, rate: float, mean: float, back: float) -> float:
    """M/M/1: the chance that something of one's own is in line an Exp(g) after one's own arrival, g = 1/Z.

    z = 1 − p is the chance that another's change is not one's own product and
    session. One's own is seen if it has left, V < τ, and of the L changes then
    in line none is one's own: E[z^L(τ); V < τ]. V = v leaves Poisson(Λv) behind, so
    n with weight aΛⁿ/(a + g + Λ)ⁿ⁺¹, a = μ − Λ. From there fₙ = E[z^L(τ)] solves
    (Λ + μ + g)fₙ = Λfₙ₊₁ + μfₙ₋₁ + gzⁿ, and at an empty queue (Λ + g)f₀ = Λf₁ + g:
    fₙ = C rⁿ + B zⁿ does, with r < 1 the root of Λr² − (Λ + μ + g)r + μ = 0.
    """
    z, g, leave = 1 - share, 1 / back, 1 / mean
    total = rate + leave + g
    r = 2 * leave / (total + math.sqrt(total**2 - 4 * rate * leave))
    b = g * z / (total * z - rate * z**2 - leave)
    c = (g - b * (rate + g - rate * z)) / (rate + g - rate * r)
    a = leave - rate
    y = rate / (a + g + rate)
    return 1 - a / (a + g + rate) * (c / (1 - y * r) + b / (1 - y * z))
