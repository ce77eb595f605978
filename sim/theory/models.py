"""Models of the system, each with the closed forms that it gives.

The module is a table, MODELS, at its end. A model is a way of seeing the
system (one queue, a fixed delay, a projector behind a writer); it says under
which conditions it is right, and has forms, each of which is one formula for
one metric. The formulas and their letters stand in formulas.py; here pᵢ is
product i's share of the changes, and qᵢ, its share of the looks, is the same.

All forms are of the steady state: they hold once the warm-up is long against
every delay, wait and gap between commits. What a run measures strays around
them by chance. A form is used only where it is exact; one that is nearly
right is refused like any other.
"""

import math
from collections.abc import Callable

import numpy as np
from attrs import frozen

from sim.distributions import Floats
from sim.scenario import Scenario
from sim.theory import conditions as when
from sim.theory import formulas, laws
from sim.theory.conditions import ALL, COLD, HOT, Condition, load, one_look, products, projector, rate
from sim.theory.laws import Tail


@frozen
class Form:
    """One formula for one metric.

    Named by its statistic ("staleness.mean", "throughput"), it works out a
    number; named by the metric alone ("staleness"), the tail P(X > x), which
    gives all quantiles. `given` is what it needs beyond its model.
    """

    metric: str
    formula: str
    work_out: Callable[[Scenario], "float | Tail"]
    given: tuple[Condition, ...] = ()


@frozen
class Model:
    """A way of seeing the system: when it is right, where it comes from, and its forms."""

    name: str
    source: str
    given: tuple[Condition, ...]
    forms: tuple[Form, ...]


def service(s: Scenario) -> float:
    """Give the mean service time in seconds."""
    return s.writer.service.mean


def pk_sojourn(s: Scenario) -> float:
    """Give the mean of wait and service together."""
    return formulas.pollaczek_khinchine(rate(s), s.writer.service) + service(s)


def channel_law(s: Scenario) -> Floats:
    """M/M/1/K: the law of the commands in the channel and in service, K of them at most."""
    return formulas.birth_and_death(np.full(int(s.inbox.capacity) + 1, rate(s)), 1 / service(s))


def kept(s: Scenario) -> float:
    """M/M/1/K: give how many commands a second find room."""
    return rate(s) * (1 - float(channel_law(s)[-1]))


def crowd(s: Scenario) -> tuple[int, float, float]:
    """Give N, Z and s of a closed loop."""
    think = s.workers[0].think
    return s.workers[0].count, think.mean if think else 0.0, service(s)


def loop_throughput(s: Scenario) -> float:
    """X = μ(1 − p₀)."""
    return (1 - float(formulas.repairman(*crowd(s))[0])) / service(s)


def loop_blocked(s: Scenario) -> float:
    """Give the chance that whoever comes finds the channel full, and a command in service before it."""
    workers, think, mean = crowd(s)
    return float(formulas.repairman(workers - 1, think, mean)[int(s.inbox.capacity) + 1 :].sum())


def loop_at_the_door(s: Scenario) -> float:
    """Give the mean wait at a full channel: those in line beyond its capacity, over X (Little)."""
    law = formulas.repairman(*crowd(s))
    return (formulas.waiting(law) - formulas.waiting(law, s.inbox.capacity)) / loop_throughput(s)


def loop_staleness(s: Scenario, shares: Floats) -> Floats:
    """Give P(stale) and E[S] of each kind of product, a row each."""
    return np.array([formulas.closed_staleness(float(share), *crowd(s), way(s)) for share in shares])


def loop_behind(s: Scenario, lag: float) -> float:
    """E[K] = Σ qᵢpᵢX E[V]."""
    return one_look(s, lambda p: p * loop_throughput(s) * lag)


def behind(s: Scenario, lag: float) -> float:
    """E[K] = Σ qᵢpᵢΛ E[V]: Little's law, a change being behind from its commit until it is visible."""
    return one_look(s, lambda p: p * rate(s) * lag)


def way(s: Scenario) -> float:
    """Give d."""
    return s.link.delay.mean


def poll(s: Scenario) -> float:
    """Give T."""
    return s.reader.poll or 0.0


def poll_mean(s: Scenario) -> float:
    """E[V] = d + T/2."""
    return way(s) + poll(s) / 2


def newest_tail(s: Scenario) -> Tail:
    """Newest wins, exponential delays: P(S > x)."""
    return lambda x: one_look(s, lambda p: formulas.newest_staleness(p * rate(s), s.link.delay.mean, x))


def fifo_hidden(s: Scenario) -> Tail:
    """First in, first out: P(V > t)."""
    return lambda t: 1 - formulas.fifo_visible(rate(s), s.link.delay, t)


def projector_lag(s: Scenario) -> float:
    """E[V]: the way, and wait and service at the second queue."""
    server, d = projector(s)
    return d + formulas.pollaczek_khinchine(rate(s), server) + server.mean


def projector_tail(s: Scenario) -> Tail:
    """V ~ d + Exp(μ − Λ)."""
    server, d = projector(s)
    return shifted(formulas.mm1_sojourn(rate(s), server.mean), d)


def projector_any(s: Scenario) -> float:
    """Give the chance that a change is on its way or at the server, whatever the law of its work."""
    server, d = projector(s)
    return 1 - (1 - rate(s) * server.mean) * math.exp(-rate(s) * d)


def projector_work(s: Scenario) -> float:
    """E[S] of one product: the work in line, as Poisson commits find it, and what is on its way."""
    server, d = projector(s)
    idle = 1 - rate(s) * server.mean
    return formulas.pollaczek_khinchine(rate(s), server) + d + idle * math.expm1(-rate(s) * d) / rate(s)


def projector_age(s: Scenario, age: Callable[[float, float], float]) -> float:
    """Give the age behind a queue; a way before it makes every answer older by as much."""
    server, d = projector(s)
    return d + age(rate(s), server.mean)


def own(s: Scenario, missed: Callable[[Floats], Floats]) -> float:
    """Take a mean over products of what a session misses, from the share that it and the product have."""
    return one_look(s, lambda p: missed(p / s.workers[0].count))


def read_back(s: Scenario) -> float:
    """Give Z, how long workers wait before they read back."""
    back = s.workers[0].reads_back
    return back.mean if back else 0.0


def own_in_line(s: Scenario, shares: Floats) -> Floats:
    """Give what sessions with these shares of all changes miss behind a projector."""
    server, _ = projector(s)
    return formulas.each(
        shares, lambda p: formulas.own_behind_projector(p, rate(s), server.mean, read_back(s))
    )


def shifted(tail: Tail, by: float) -> Tail:
    """P(X + by > t)."""
    return lambda t: tail(t - by) if t >= by else 1.0


def step(d: float) -> Tail:
    """P(d > t)."""
    return lambda t: float(t < d)


def stale_forms(
    formula: str, stale: Callable[[Scenario, Floats], Floats], given: tuple[Condition, ...] = ()
) -> tuple[Form, ...]:
    """Make the three forms of a share of stale looks: of all, of the hot products, and of the others."""

    def of(which: str) -> Callable[[Scenario], float]:
        return lambda s: one_look(s, lambda p: stale(s, p), which)

    return (
        Form("stale_read_fraction", formula, of(ALL), (*given, when.looks_apart)),
        Form("hot_stale_fraction", formula, of(HOT), (*given, when.looks_apart, when.hotspot)),
        Form("cold_stale_fraction", formula, of(COLD), (*given, when.looks_apart, when.beside_hotspot)),
    )


COMMANDS = (
    when.one_at_a_time,
    when.untroubled_commands,
    when.poisson_commands,
    when.stable,
    when.nothing_shed,
)
ONE_LINE = (when.cqrs, when.roomy)
COMMITS = (when.cqrs, *COMMANDS, when.only_adds)
POISSON = (*COMMITS, when.memoryless)
CHANGES = (when.cqrs, when.untroubled_changes)
STRAIGHT = (*CHANGES, when.fixed_delay, when.at_once)
LOOP = (
    when.cqrs,
    when.untroubled_commands,
    when.closed_loop,
    when.one_crowd,
    when.takes_thought,
    when.exponential_service,
    when.waits,
)
METRONOME = (when.untroubled_commands, when.constant_commands, when.only_adds, when.no_service)
PROJECTOR = (*CHANGES, *POISSON, when.one_projector, when.projector_stable)

MODELS = (
    Model(
        "M/G/1",
        "Pollaczek–Khinchine; Little",
        (*COMMANDS,),
        (
            Form("writer_utilisation", "Λs", load, (when.takes_time,)),
            Form("throughput", "Λ", rate, (when.only_adds,)),
            Form(
                "command_latency.mean",
                "ΛE[S²]/2(1 − ρ) + s",
                pk_sojourn,
                (when.takes_time, when.tame_service),
            ),
            Form(
                "queue_wait.mean",
                "ΛE[S²]/2(1 − ρ)",
                lambda s: formulas.pollaczek_khinchine(rate(s), s.writer.service),
                (*ONE_LINE, when.takes_time, when.tame_service),
            ),
            Form(
                "inbox_depth.mean",
                "Λ²E[S²]/2(1 − ρ)",
                lambda s: rate(s) * formulas.pollaczek_khinchine(rate(s), s.writer.service),
                (*ONE_LINE, when.takes_time, when.tame_service),
            ),
        ),
    ),
    Model(
        "M/M/1",
        "Kleinrock 1975",
        (*COMMANDS, *ONE_LINE, when.exponential_service),
        (
            Form(
                "command_latency",
                "P(R > t) = e^(−(μ − Λ)t)",
                lambda s: formulas.mm1_sojourn(rate(s), service(s)),
            ),
            Form("queue_wait", "P(W > t) = ρe^(−(μ − Λ)t)", lambda s: formulas.mm1_wait(rate(s), service(s))),
            Form("inbox_depth", "P(more than n) = ρⁿ⁺²", lambda s: lambda n: load(s) ** (math.floor(n) + 2)),
        ),
    ),
    Model(
        "M/D/1",
        "Erlang 1909; Franx 2001",
        (*COMMANDS, *ONE_LINE, when.fixed_service, when.takes_time, when.not_on_the_edge),
        (
            Form(
                "command_latency",
                "P(R > t) = P(W > t − s)",
                lambda s: shifted(formulas.md1_wait(rate(s), service(s)), service(s)),
            ),
            Form(
                "queue_wait",
                "P(W ≤ t) = (1 − ρ)Σⱼ (Λ(js − t))ʲ/j! · e^(−Λ(js − t))",
                lambda s: formulas.md1_wait(rate(s), service(s)),
            ),
        ),
    ),
    Model(
        "M/M/1/K",
        "Kleinrock 1975; Little",
        (when.cqrs, when.untroubled_commands, when.poisson_commands, when.exponential_service, when.sheds),
        (
            Form("shed_fraction", "(1 − ρ)ρᴷ/(1 − ρᴷ⁺¹)", lambda s: float(channel_law(s)[-1])),
            Form("throughput", "Λ(1 − shed)", kept, (when.only_adds,)),
            Form("writer_utilisation", "ρ(1 − shed)", lambda s: kept(s) * service(s)),
            Form("inbox_depth.mean", "Σ pₙ(n − 1)", lambda s: formulas.waiting(channel_law(s))),
            Form("queue_wait.mean", "Σ pₙ(n − 1)/X", lambda s: formulas.waiting(channel_law(s)) / kept(s)),
            Form(
                "command_latency.mean",
                "Σ pₙ(n − 1)/X + s",
                lambda s: formulas.waiting(channel_law(s)) / kept(s) + service(s),
            ),
        ),
    ),
    Model(
        "machine repairman",
        "M/M/1//N; any law of thinking (Baskett et al. 1975); Little",
        LOOP,
        (
            Form("throughput", "μ(1 − p₀)", loop_throughput, (when.only_adds,)),
            Form("writer_utilisation", "1 − p₀", lambda s: loop_throughput(s) * service(s)),
            Form("command_latency.mean", "N/X − Z", lambda s: crowd(s)[0] / loop_throughput(s) - crowd(s)[1]),
            Form(
                "command_latency",
                "Σ πₙ(N − 1) P(Erlang(n + 1) > t)",
                lambda s: formulas.repairman_sojourn(*crowd(s)),
            ),
            Form(
                "inbox_depth.mean",
                "Σ pₙ min(n − 1, B)",
                lambda s: formulas.waiting(formulas.repairman(*crowd(s)), s.inbox.capacity),
            ),
            Form(
                "queue_wait.mean",
                "Σ pₙ min(n − 1, B)/X",
                lambda s: (
                    formulas.waiting(formulas.repairman(*crowd(s)), s.inbox.capacity) / loop_throughput(s)
                ),
            ),
            Form("admission_wait.mean", "Σ pₙ max(n − 1 − B, 0)/X", loop_at_the_door, (when.narrow,)),
            Form("blocked_fraction", "P(n > B) of N − 1 workers", loop_blocked, (when.narrow,)),
        ),
    ),
    Model(
        "fixed delay",
        "commits of the last d are unseen; PASTA, Little",
        STRAIGHT,
        (
            Form("visibility_lag.mean", "d", way),
            Form("visibility_lag", "V = d", lambda s: step(way(s))),
            Form("t_visibility", "V = d", lambda s: step(way(s))),
            Form(
                "versions_behind.mean", "Σ qᵢpᵢΛd", lambda s: behind(s, way(s)), (*COMMITS, when.looks_apart)
            ),
            Form(
                "versions_behind",
                "Σ qᵢ P(Poisson(pᵢΛd) > k)",
                lambda s: lambda k: one_look(s, lambda p: formulas.fixed_behind(p * rate(s), way(s), k)),
                (*POISSON, when.looks_apart),
            ),
            *stale_forms(
                "Σ qᵢ(1 − e^(−pᵢΛd))",
                lambda s, p: formulas.fixed_staleness(p * rate(s), way(s)),
                given=POISSON,
            ),
            Form(
                "staleness.mean",
                "Σ qᵢ(d − (1 − e^(−pᵢΛd))/pᵢΛ)",
                lambda s: one_look(s, lambda p: formulas.fixed_staleness_mean(p * rate(s), way(s))),
                (*POISSON, when.looks_apart),
            ),
            Form(
                "staleness",
                "P(S > s) = Σ qᵢ(1 − e^(−pᵢΛ(d − s)))",
                lambda s: lambda x: one_look(s, lambda p: formulas.fixed_staleness(p * rate(s), way(s), x)),
                (*POISSON, when.looks_apart),
            ),
            Form(
                "age_of_information.mean",
                "d + Σ qᵢ/pᵢΛ",
                lambda s: way(s) + one_look(s, lambda p: 1 / (p * rate(s))),
                (*POISSON, when.looks_apart, when.long_known),
            ),
            Form(
                "age_of_information",
                "P(A > a) = Σ qᵢ e^(−pᵢΛ(a − d))",
                lambda s: lambda a: one_look(s, lambda p: np.exp(-p * rate(s) * max(a - way(s), 0.0))),
                (*POISSON, when.looks_apart, when.long_known),
            ),
            Form(
                "read_your_writes_violations",
                "Σ pᵢ(1 − e^(−d(1/Z + pᵢΛ/N)))",
                lambda s: own(s, lambda p: formulas.own_behind_delay(p, rate(s), way(s), read_back(s))),
                (*POISSON, when.one_crowd, when.reads_back),
            ),
        ),
    ),
    Model(
        "fixed delay after a closed loop",
        "a Markovian arrival process (Neuts 1979); Little",
        (*STRAIGHT, *LOOP, when.only_adds, when.looks_apart),
        (
            Form("versions_behind.mean", "Σ qᵢpᵢXd", lambda s: loop_behind(s, way(s))),
            *stale_forms(
                "Σ qᵢ(1 − π e^(D₀d) 1)",
                lambda s, p: loop_staleness(s, p)[:, 0],
                given=(when.exponential_think, when.few_states),
            ),
            Form(
                "staleness.mean",
                "Σ qᵢ(d − ∫₀ᵈ π e^(D₀u) 1 du)",
                lambda s: one_look(s, lambda p: loop_staleness(s, p)[:, 1]),
                (when.exponential_think, when.few_states),
            ),
        ),
    ),
    Model(
        "polling",
        "a uniform delay; for d = 0 Cho & Garcia-Molina 2000; Little",
        (*CHANGES, when.fixed_delay, when.polls, when.no_handler),
        (
            Form("visibility_lag.mean", "d + T/2", poll_mean),
            Form("visibility_lag", "V uniform on d … d + T", lambda s: formulas.poll_lag(way(s), poll(s))),
            Form("t_visibility", "V uniform on d … d + T", lambda s: formulas.poll_lag(way(s), poll(s))),
            Form(
                "versions_behind.mean",
                "Σ qᵢpᵢΛ(d + T/2)",
                lambda s: behind(s, poll_mean(s)),
                (*COMMITS, when.looks_apart, when.poisson_looks),
            ),
            *stale_forms(
                "Σ qᵢ(1 − e^(−pᵢΛd)(1 − e^(−pᵢΛT))/pᵢΛT)",
                lambda s, p: formulas.poll_staleness(p * rate(s), way(s), poll(s)),
                given=(*POISSON, when.poisson_looks),
            ),
            Form(
                "staleness.mean",
                "Σ qᵢ/T ∫₀ᵀ (u + d − (1 − e^(−pᵢΛ(u + d)))/pᵢΛ) du",
                lambda s: one_look(s, lambda p: formulas.poll_staleness_mean(p * rate(s), way(s), poll(s))),
                (*POISSON, when.looks_apart, when.poisson_looks),
            ),
            Form(
                "staleness",
                "P(S > s) = Σ qᵢ/T ∫₀ᵀ (1 − e^(−pᵢΛ max(u + d − s, 0))) du",
                lambda s: (
                    lambda x: one_look(s, lambda p: formulas.poll_staleness(p * rate(s), way(s), poll(s), x))
                ),
                (*POISSON, when.looks_apart, when.poisson_looks),
            ),
            Form(
                "age_of_information.mean",
                "d + T/2 + Σ qᵢ/pᵢΛ",
                lambda s: poll_mean(s) + one_look(s, lambda p: 1 / (p * rate(s))),
                (*POISSON, when.looks_apart, when.poisson_looks, when.long_known),
            ),
        ),
    ),
    Model(
        "newest wins",
        "commits on their way are M/G/∞",
        (
            *CHANGES,
            when.independent,
            when.newest_wins,
            when.random_delay,
            when.tame_delay,
            when.at_once,
            *POISSON,
        ),
        (
            *stale_forms(
                "Σ qᵢ(1 − E[e^(−pᵢΛD)])", lambda s, p: formulas.newest_stale(p * rate(s), s.link.delay)
            ),
            Form(
                "versions_behind.mean",
                "Σ qᵢ ∫ λ(1 − G(u)) e^(−λ∫₀ᵘ G) du",
                lambda s: one_look(s, lambda p: formulas.newest_behind(p * rate(s), s.link.delay)),
                (when.looks_apart,),
            ),
            Form(
                "age_of_information.mean",
                "Σ qᵢ ∫ e^(−λ∫₀ᵃ G) da",
                lambda s: one_look(s, lambda p: formulas.newest_age(p * rate(s), s.link.delay)),
                (when.looks_apart, when.long_known),
            ),
            Form(
                "age_of_information",
                "P(A > a) = Σ qᵢ e^(−λ∫₀ᵃ G)",
                lambda s: (
                    lambda a: one_look(s, lambda p: np.exp(-p * rate(s) * laws.covered(s.link.delay, a)))
                ),
                (when.looks_apart, when.long_known),
            ),
            Form(
                "staleness.mean",
                "∫ P(S > s) ds",
                lambda s: laws.integral_over(s.link.delay, newest_tail(s), 1 / rate(s)),
                (when.looks_apart, when.exponential_delay),
            ),
            Form(
                "staleness",
                "P(S > s) = Σ qᵢ λ/(λ + 1/E[D]) e^(−s/E[D] − λ∫₀ˢ G)",
                lambda s: newest_tail(s),
                (when.looks_apart, when.exponential_delay),
            ),
            Form(
                "visibility_lag.mean",
                "E[D h(D)]/E[h(D)], h(v) = e^(−λ∫₀ᵛ G)",
                lambda s: formulas.newest_lag(products(s)[0] * rate(s), products(s)[1], s.link.delay),
            ),
            Form(
                "t_visibility",
                "1 − Σ pᵢ(1 − G(t)) e^(−λ∫₀ᵗ G)",
                lambda s: (
                    lambda t: one_look(s, lambda p: formulas.newest_hidden(p * rate(s), s.link.delay, t))
                ),
            ),
        ),
    ),
    Model(
        "first in, first out",
        "the oldest commit on its way holds the younger ones back; Little",
        (*CHANGES, when.fifo, when.random_delay, when.tame_delay, when.at_once, *POISSON),
        (
            *stale_forms(
                "Σ qᵢ ∫ f(a)(1 − (1 − pᵢ)e^(−λa)) da; one product: 1 − e^(−ΛE[D])",
                lambda s, p: formulas.fifo_stale(p, rate(s), s.link.delay),
            ),
            Form(
                "versions_behind.mean",
                "Σ qᵢpᵢΛE[V]",
                lambda s: behind(s, formulas.fifo_lag(rate(s), s.link.delay)),
                (when.looks_apart, when.even_delay),
            ),
            Form(
                "staleness.mean",
                "Σ qᵢ ∫ f(a)(a − (1 − pᵢ)(1 − e^(−λa))/λ) da",
                lambda s: one_look(s, lambda p: formulas.fifo_staleness_mean(p, rate(s), s.link.delay)),
                (when.looks_apart, when.even_delay),
            ),
            Form(
                "staleness",
                "P(S > s) = 1 − e^(−Λ∫ₛ^∞ (1 − G))",
                lambda s: lambda x: -math.expm1(-rate(s) * laws.excess(s.link.delay, x)),
                (when.looks_apart, when.one_product),
            ),
            Form(
                "visibility_lag.mean",
                "∫ P(V > v) dv",
                lambda s: formulas.fifo_lag(rate(s), s.link.delay),
                (when.even_delay,),
            ),
            Form("visibility_lag", "P(V ≤ v) = G(v) e^(−Λ∫ᵥ^∞ (1 − G))", fifo_hidden),
            Form("t_visibility", "P(V ≤ t) = G(t) e^(−Λ∫ₜ^∞ (1 − G))", fifo_hidden),
        ),
    ),
    Model(
        "last to arrive wins",
        "the last of independent exponential delays",
        (
            *CHANGES,
            when.independent,
            when.arrival_wins,
            when.random_delay,
            when.exponential_delay,
            when.at_once,
            *POISSON,
        ),
        stale_forms(
            "Σ qᵢ(1 − ∫₀¹ yʳ e^(−r(1 − y)) dy), r = pᵢΛE[D]",
            lambda s, p: formulas.last_arrival_stale(p * rate(s), s.link.delay.mean),
        ),
    ),
    Model(
        "M/G/1 projector",
        "commits are Poisson (Burke 1956); Pollaczek–Khinchine; Little",
        (*PROJECTOR, when.tame_projector),
        (
            Form("visibility_lag.mean", "d + ΛE[S²]/2(1 − ρ) + s", projector_lag),
            Form(
                "versions_behind.mean",
                "Σ qᵢpᵢΛE[V]",
                lambda s: behind(s, projector_lag(s)),
                (when.looks_apart,),
            ),
            Form(
                "stale_read_fraction",
                "1 − (1 − ρ)e^(−Λd)",
                projector_any,
                (when.looks_apart, when.one_product, when.general_projector),
            ),
            Form(
                "staleness.mean",
                "ΛE[S²]/2(1 − ρ) + d − (1 − ρ)(1 − e^(−Λd))/Λ",
                projector_work,
                (when.looks_apart, when.one_product, when.general_projector),
            ),
        ),
    ),
    Model(
        "M/M/1 projector",
        "commits are Poisson (Burke 1956); Kleinrock 1975",
        (*PROJECTOR, when.exponential_projector),
        (
            Form("visibility_lag", "V ~ d + Exp(μ − Λ)", projector_tail),
            Form("t_visibility", "V ~ d + Exp(μ − Λ)", projector_tail),
            *stale_forms(
                "1 − Σ qᵢ e^(−pᵢΛd)(1 − ρ)/(1 − ρ + ρpᵢ)",
                lambda s, p: formulas.projector_staleness(p, rate(s), projector(s)[0].mean, projector(s)[1]),
            ),
            Form(
                "staleness.mean",
                "∫ P(S > s) ds",
                lambda s: one_look(
                    s,
                    lambda p: formulas.projector_staleness_mean(
                        p, rate(s), projector(s)[0].mean, projector(s)[1]
                    ),
                ),
                (when.looks_apart,),
            ),
            Form(
                "staleness",
                "P(S > s + d) = Σ qᵢ ρpᵢ/(1 − ρ + ρpᵢ) e^(−(μ − Λ)s)",
                lambda s: (
                    lambda x: one_look(
                        s,
                        lambda p: formulas.projector_staleness(
                            p, rate(s), projector(s)[0].mean, projector(s)[1], x
                        ),
                    )
                ),
                (when.looks_apart,),
            ),
            Form(
                "versions_behind",
                "P(K > k) = Σ qᵢ (ρpᵢ/(1 − ρ + ρpᵢ))ᵏ⁺¹",
                lambda s: (
                    lambda k: one_look(
                        s,
                        lambda p: (
                            formulas.projector_stale(p, rate(s) * projector(s)[0].mean) ** (math.floor(k) + 1)
                        ),
                    )
                ),
                (when.looks_apart, when.no_way),
            ),
            Form(
                "age_of_information.mean",
                "d + (1/μ)(1 + 1/ρ + ρ²/(1 − ρ))",
                lambda s: projector_age(s, formulas.mm1_age),
                (when.looks_apart, when.one_product, when.long_known),
            ),
            Form(
                "read_your_writes_violations",
                "g/(g + μ − Λ), g = 1/Z, of strangers; of sessions more",
                lambda s: own(s, lambda p: own_in_line(s, p)),
                (when.one_crowd, when.reads_back, when.no_way),
            ),
        ),
    ),
    Model(
        "M/D/1 projector",
        "commits are Poisson (Burke 1956); Kaul, Yates & Gruteser 2012",
        (*PROJECTOR, when.fixed_projector, when.one_product, when.looks_apart, when.long_known),
        (
            Form(
                "age_of_information.mean",
                "d + (1/μ)(1/2(1 − ρ) + 1/2 + (1 − ρ)e^ρ/ρ)",
                lambda s: projector_age(s, formulas.md1_age),
            ),
        ),
    ),
    Model(
        "D/M/1 projector",
        "Kaul, Yates & Gruteser 2012",
        (
            *CHANGES,
            *METRONOME,
            when.one_projector,
            when.projector_stable,
            when.exponential_projector,
            when.one_product,
            when.looks_apart,
            when.poisson_looks,
            when.long_known,
        ),
        (
            Form(
                "age_of_information.mean",
                "d + (1/μ)(1/2ρ + 1/(1 − β)), β = −ρW₀(−e^(−1/ρ)/ρ)",
                lambda s: projector_age(s, formulas.dm1_age),
            ),
        ),
    ),
)
