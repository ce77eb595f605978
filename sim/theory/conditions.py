"""When a closed form holds: conditions, each a few words and a predicate that says what is in the way.

An objection is a sentence; none, "", means that the condition is met. It may
rely on those that stand before it where it is used.
"""

import math
from collections.abc import Callable, Iterable
from functools import lru_cache

import numpy as np
from attrs import frozen

from sim.distributions import Constant, Distribution, Exponential, Floats, Pace
from sim.scenario import Phase, Products, Scenario
from sim.theory import laws

Objection = Callable[[Scenario], str]

NEVER = 1e-9  # a chance that nobody will ever see
MOST_STATES = 1_000_000  # of a channel or a crowd whose law is worked out state by state
MOST_WORK = 1e8  # products × states³, of the matrix exponentials


@frozen
class Condition:
    """Something that must be so: a few words that say it, and what is said where it is not so."""

    words: str
    objection: Objection


# What the forms read off a scenario.


def pace(schedule: tuple[Phase, ...]) -> Pace:
    """Give the pace of a schedule that has but one."""
    return schedule[0].pace


def rate(s: Scenario) -> float:
    """Λ: how many commands come a second, of all crowds."""
    return sum(pace(crowd.schedule).rate for crowd in s.workers)


def load(s: Scenario) -> float:
    """ρ = Λs."""
    return rate(s) * s.writer.service.mean


def never_full(s: Scenario) -> bool:
    """Say whether an open loop never fills the channel, but for one chance in a thousand million.

    In M/M/1 it is full with chance ρ^(capacity + 1), in M/D/1 less; of other
    services nothing so simple is known.
    """
    if math.isinf(s.inbox.capacity) or load(s) == 0:
        return True
    plain = isinstance(s.writer.service, Exponential) or laws.fixed(s.writer.service) is not None
    return plain and load(s) < 1 and load(s) ** (s.inbox.capacity + 1) < NEVER


def projector(s: Scenario) -> tuple[Distribution, float]:
    """Give the server behind the writer, and how long changes are on their way to it."""
    if s.link.order == "serial" and laws.fixed(s.link.delay) != 0:
        return s.link.delay, 0.0
    return s.reader.handler, s.link.delay.mean


ALL, HOT, COLD = "all", "hot", "cold"


def products(s: Scenario, which: str = ALL) -> tuple[Floats, Floats]:
    """Give the products' shares of the changes, each share once, and their weight among the looks."""
    return _shares(s.products, which)


@lru_cache(maxsize=8)  # whoever looks for a quantile asks a hundred times
def _shares(there: Products, which: str) -> tuple[Floats, Floats]:
    shares, hot = there.popularity.shares(there.count), there.popularity.hot(there.count)
    chosen = {ALL: shares, HOT: shares[:hot], COLD: shares[hot:]}[which]
    each, times = np.unique(chosen[chosen > 0], return_counts=True)
    weights = each * times
    return each, weights / weights.sum()


def one_look(s: Scenario, per_product: Callable[[Floats], Floats], which: str = ALL) -> float:
    """Σ qᵢ f(pᵢ): what a look at any product finds, from what one at each finds."""
    shares, weights = products(s, which)
    return float(weights @ per_product(shares))


def condition(words: str) -> Callable[[Objection], Condition]:
    """Make a condition of the function that objects to a scenario."""
    return lambda objection: Condition(words, objection)


BEFORE_THE_COMMIT: tuple[tuple[Callable[[Scenario], bool], str], ...] = (
    (lambda s: bool(s.steps), "a script commands and looks at instants of its own"),
    (lambda s: any(crowd.look_first for crowd in s.workers), "workers look first, and may then send nothing"),
    (lambda s: any(crowd.timeout for crowd in s.workers), "workers give up waiting, and send again"),
    (lambda s: bool(s.writer.crashes), "the writer crashes"),
    (lambda s: s.writer.batch > 1, "commands are committed together"),
    (lambda s: s.writer.commit.mean > 0, "a commit takes time beside its commands"),
    (lambda s: s.writer.publish.mean > 0, "a command is answered only when its change has been sent"),
)
BEHIND_THE_COMMIT: tuple[tuple[Callable[[Scenario], bool], str], ...] = (
    (lambda s: s.writer.batch > 1, "changes are committed together"),
    (lambda s: s.writer.commit.mean > 0, "a commit takes time beside its commands"),
    (lambda s: s.writer.publish.mean > 0, "a change is sent some time after its commit"),
    (lambda s: bool(s.writer.crashes), "the writer crashes"),
    (lambda s: s.link.loss > 0, "the link loses changes"),
    (lambda s: s.link.duplicates > 0, "the link doubles changes"),
    (lambda s: bool(s.link.outages), "the link has outages"),
    (lambda s: bool(s.link.slow), "the link has slow spells"),
    (lambda s: bool(s.reader.crashes), "the reader crashes"),
    (lambda s: s.reader.apply not in ("newest", "arrival"), "changes do not carry the whole state"),
)


def first_trouble(troubles: Iterable[tuple[Callable[[Scenario], bool], str]], scenario: Scenario) -> str:
    """Name the first of the troubles that a scenario has."""
    return next((words for has, words in troubles if has(scenario)), "")


untroubled_commands = Condition(
    "nothing but the crowds commands", lambda s: first_trouble(BEFORE_THE_COMMIT, s)
)
untroubled_changes = Condition("no faults on the way", lambda s: first_trouble(BEHIND_THE_COMMIT, s))
cqrs = Condition(
    "a writer and a reader",
    lambda s: "" if s.architecture == "cqrs" else f"the architecture is {s.architecture}, not cqrs",
)
one_at_a_time = Condition(
    "one command at a time",
    lambda s: "commands are worked on side by side" if s.architecture == "unsafe" else "",
)
poisson_commands = Condition(
    "Poisson commands",
    lambda s: (
        steady_pace(s)
        or next(
            (f"{c.name} command at a constant pace" for c in s.workers if pace(c.schedule).kind != "poisson"),
            "",
        )
    ),
)


@condition("commands at a constant pace")
def constant_commands(s: Scenario) -> str:
    """Object to anything but one crowd that commands like a metronome."""
    if because := steady_pace(s) or one_crowd.objection(s):
        return because
    return "" if pace(s.workers[0].schedule).kind == "constant" else "commands are Poisson, not constant"


def steady_pace(s: Scenario) -> str:
    """Object to a load that is none, that waits for answers, or that changes."""
    if not s.workers:
        return "nobody commands"
    if s.loop == "closed":
        return "closed loop: workers wait for their answers, so commands are not Poisson"
    if any(len(crowd.schedule) > 1 for crowd in s.workers):
        return "phases: the pace changes, so there is no steady state"
    return ""


@condition("a closed loop")
def closed_loop(s: Scenario) -> str:
    """Object to workers that do not wait for their answers."""
    if any(crowd.think is None for crowd in s.workers) or not s.workers:
        return "open loop: commands do not wait for answers"
    if any(crowd.reads_back for crowd in s.workers):
        return "workers look at what they wrote before they think again"
    return ""


@condition("one crowd of workers")
def one_crowd(s: Scenario) -> str:
    """Object to crowds that differ, and to one that is too large to be worked out."""
    if len(s.workers) != 1:
        return "several crowds command" if s.workers else "nobody commands"
    return "" if s.workers[0].count <= MOST_STATES else "too many workers to be worked out"


takes_thought = Condition(
    "workers think",
    lambda s: "" if s.workers[0].think and s.workers[0].think.mean > 0 else "workers do not think",
)
exponential_think = Condition(
    "exponential thinking", lambda s: not_exponential("think is", s.workers[0].think or Constant(0.0))
)


@condition("few enough states")
def few_states(s: Scenario) -> str:
    """Object to matrices that take too long."""
    work = len(products(s)[0]) * (s.workers[0].count + 2) ** 3
    return "" if work <= MOST_WORK else "too many workers and products to be worked out"


only_adds = Condition(
    "commands that only add",
    lambda s: (
        "" if all(c.add == 1 for c in s.workers) else "what removes may be rejected, and is then no commit"
    ),
)
takes_time = Condition(
    "service that takes time", lambda s: "service takes no time" if laws.fixed(s.writer.service) == 0 else ""
)
no_service = Condition(
    "service that takes no time", lambda s: "" if laws.fixed(s.writer.service) == 0 else "service takes time"
)
exponential_service = Condition(
    "exponential service", lambda s: not_exponential("service is", s.writer.service)
)
fixed_service = Condition(
    "fixed service",
    lambda s: "" if laws.fixed(s.writer.service) is not None else f"service is {s.writer.service}, not fixed",
)


@condition("service of finite variance")
def tame_service(s: Scenario) -> str:
    """Object to a service so rugged that waits have no mean."""
    finite = math.isfinite(laws.second_moment(s.writer.service))
    return "" if finite else f"service is {s.writer.service}, without a finite variance"


@condition("Poisson commits")
def memoryless(s: Scenario) -> str:
    """Object to service that is neither exponential nor none: what leaves it is not Poisson (Burke)."""
    service = s.writer.service
    if laws.fixed(service) == 0 or isinstance(service, Exponential):
        return ""
    return f"service is {service}: only after exponential service, or none, are commits Poisson"


stable = Condition(
    "a load below 100%",
    lambda s: "" if load(s) < 1 else f"the writer gets {load(s):.3g} times what it can do: no steady state",
)
not_on_the_edge = Condition(
    "a load below 99.9%",
    lambda s: "" if load(s) < 0.999 else f"the load is {load(s):.2%}: too near the edge to be worked out",
)


@condition("nothing is shed")
def nothing_shed(s: Scenario) -> str:
    """Object to a channel that drops commands. One that makes them wait loses none of the writer's time."""
    shedding = s.architecture == "cqrs" and s.inbox.when_full == "shed" and not never_full(s)
    return "commands are shed at a full channel" if shedding else ""


roomy = Condition(
    "a channel that is never full",
    lambda s: "" if never_full(s) else "the channel may be full, and the line goes on before it",
)


@condition("a channel that sheds")
def sheds(s: Scenario) -> str:
    """Object to a channel at which nothing is dropped."""
    if s.inbox.when_full != "shed" or never_full(s):
        return "nothing is shed at a full channel"
    return "" if s.inbox.capacity < MOST_STATES else "too wide a channel to be worked out"


narrow = Condition(
    "a channel that may be full",
    lambda s: "" if s.inbox.capacity < s.workers[0].count - 1 else "the channel has room for everybody",
)


@condition("whoever finds it full waits")
def waits(s: Scenario) -> str:
    """Object to a closed loop whose commands are dropped."""
    everybody = s.workers[0].count - 1
    shedding = s.inbox.when_full == "shed" and s.inbox.capacity < everybody
    return "commands are shed at a full channel" if shedding else ""


@condition("looks at instants of their own")
def looks_apart(s: Scenario) -> str:
    """Object if nobody looks, or if somebody does because of a commit (PASTA needs the opposite)."""
    if not s.queries:
        return "nobody looks"
    if any(crowd.reads_back for crowd in s.workers):
        return "workers look at what they have just written"
    return ""


@condition("Poisson looks")
def poisson_looks(s: Scenario) -> str:
    """Object to looks that may keep step with something else that is periodic."""
    even = any(crowd.pace.kind != "poisson" for crowd in s.queries)
    return "looks at a constant pace may keep step with it" if even else ""


@condition("workers that read back after an exponential time")
def reads_back(s: Scenario) -> str:
    """Object to workers that do not look at what they wrote, or not by chance."""
    back = s.workers[0].reads_back
    return not_exponential("the time until workers read back is", back) if back else "nobody reads back"


@condition("a fixed delay")
def fixed_delay(s: Scenario) -> str:
    """Object to a link that is random, or a server."""
    if laws.fixed(s.link.delay) is None:
        return f"the delay is {s.link.delay}, not fixed"
    return "" if laws.fixed(s.link.delay) == 0 else not_serial.objection(s)


no_way = Condition(
    "no delay before it", lambda s: "the way to the reader takes time" if projector(s)[1] else ""
)
not_serial = Condition(
    "changes on their way side by side",
    lambda s: "the link is serial: a server, not a delay" if s.link.order == "serial" else "",
)
random_delay = Condition(
    "a random delay", lambda s: "" if laws.fixed(s.link.delay) is None else "the delay is fixed"
)
exponential_delay = Condition("exponential delays", lambda s: not_exponential("the delay is", s.link.delay))
tame_delay = Condition(
    "delays with a mean",
    lambda s: "" if math.isfinite(s.link.delay.mean) else f"the delay is {s.link.delay}, which has no mean",
)


@condition("delays of finite variance")
def even_delay(s: Scenario) -> str:
    """Object to delays so rugged that the lag has no mean."""
    finite = math.isfinite(laws.second_moment(s.link.delay))
    return "" if finite else f"the delay is {s.link.delay}, without a finite variance"


independent = Condition(
    "changes that may overtake",
    lambda s: "" if s.link.order == "independent" else f"the link is {s.link.order}, not independent",
)
fifo = Condition(
    "changes in order", lambda s: "" if s.link.order == "fifo" else f"the link is {s.link.order}, not fifo"
)
newest_wins = Condition(
    "the newest wins", lambda s: "" if s.reader.apply == "newest" else "the last to arrive wins, be it older"
)
arrival_wins = Condition(
    "the last to arrive wins",
    lambda s: "" if s.reader.apply == "arrival" else "the newest wins, whatever arrives last",
)
no_handler = Condition(
    "changes that are applied in no time",
    lambda s: "" if laws.fixed(s.reader.handler) == 0 else "the reader takes time for each change",
)
at_once = Condition(
    "a reader that is never busy", lambda s: "the reader polls" if s.reader.poll else no_handler.objection(s)
)
polls = Condition("a reader that polls", lambda s: "" if s.reader.poll else "the reader does not poll")


@condition("one server behind the writer")
def one_projector(s: Scenario) -> str:
    """Object unless either the reader or a serial link takes one change after the other."""
    if s.reader.poll:
        return "the reader polls"
    if s.link.order == "serial" and laws.fixed(s.link.delay) != 0:
        return "" if laws.fixed(s.reader.handler) == 0 else "both the link and the reader are servers"
    if laws.fixed(s.reader.handler) == 0:
        return "nothing behind the writer is a server"
    if s.reader.batch > 1:
        return "the reader shows whole batches"
    return fixed_delay.objection(s)


@condition("which keeps up")
def projector_stable(s: Scenario) -> str:
    """Object to a server behind the writer that gets more than it can do."""
    busy = rate(s) * projector(s)[0].mean
    return "" if busy < 1 else f"the reader's side gets {busy:.3g} times what it can do: no steady state"


exponential_projector = Condition(
    "and is exponential", lambda s: not_exponential("the reader's side takes", projector(s)[0])
)


@condition("and always takes the same time")
def fixed_projector(s: Scenario) -> str:
    """Object to a random server."""
    law = projector(s)[0]
    return "" if laws.fixed(law) is not None else f"the reader's side takes {law}, not always the same"


general_projector = Condition(
    "and is not exponential",
    lambda s: "the reader's side is exponential" if isinstance(projector(s)[0], Exponential) else "",
)


@condition("of finite variance")
def tame_projector(s: Scenario) -> str:
    """Object to a server so rugged that the lag has no mean."""
    law = projector(s)[0]
    finite = math.isfinite(laws.second_moment(law))
    return "" if finite else f"the reader's side takes {law}, without a finite variance"


one_product = Condition(
    "one product", lambda s: "" if products(s)[0][-1] == 1 else "there is more than one product"
)
hotspot = Condition("a hotspot", lambda s: "" if len(products(s, HOT)[0]) else "no product is hot")


@condition("products beside the hotspot")
def beside_hotspot(s: Scenario) -> str:
    """Object if no products are hot, or nobody asks for any other."""
    if s.products.popularity.kind != "hotspot":
        return "no product is hot"
    return "" if len(products(s, COLD)[0]) else "nobody asks for products beside the hotspot"


@condition("ten changes of every product in the warm-up")
def long_known(s: Scenario) -> str:
    """Object to an age that would count from the start of the run; but for e⁻¹⁰ of it, it must not."""
    changes = float(products(s)[0][0]) * rate(s) * s.warmup
    return "" if changes >= 10 else f"the warm-up sees {changes:.2g} changes of the rarest product, not ten"


def not_exponential(what: str, law: Distribution) -> str:
    """Object to a law that is not exponential."""
    if isinstance(law, Exponential) and law.mean > 0:
        return ""
    return f"{what} {law}, not exponential"
