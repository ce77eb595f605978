"""The same answer by array arithmetic, for scenarios without feedback.

Where nobody waits for an answer, nothing that happens later on the way changes
what happened before. So one station after the other is worked out for the
whole run: the order of the commands, the writer, the link, the reader, the
queries. Streams, sums and their order are those of the actors, and so is every
number, to the last bit.

Whatever else a scenario asks for is refused with the reason. So is a run in
which it matters which of two things came first in one instant, where that
cannot be told from the instants at which the clock took them down.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any

import numpy as np
import polars as pl
from attrs import frozen
from numpy.typing import NDArray

from sim.clock import stream, take
from sim.distributions import Constant, Distribution, Floats, Ints, Uniform
from sim.groups import before, begins, by_number
from sim.inventory import NOT_ENOUGH
from sim.link import copies_of, first_of
from sim.plan import Plan, plan_commands, plan_queries
from sim.reader import next_poll
from sim.scenario import Inbox, Link, Reader, Scenario, Workers
from sim.stage import PATIENCE, draw_from, open_chances
from sim.trace import (
    ACCEPTED,
    CHANGES,
    COMMANDS,
    KINDS,
    MODELS,
    OUTCOMES,
    QUERIES,
    REJECTED,
    UNKNOWN,
    Trace,
    delivered,
    floats,
    known,
    words,
)

Flags = NDArray[np.bool_]
Rounds = tuple[Floats, Floats, Floats, Floats, Floats]

AT_FIRST = -1.0  # when the clock took down what was planned before anything had happened


class Refused(ValueError):
    """A scenario, or a run of it, that array arithmetic cannot play; str() says why."""


def run(scenario: Scenario, replication: int = 0) -> Trace:
    """Work out what happens in one run; Refused says why that cannot be done without the actors."""
    reason = why_not(scenario)
    if reason:
        raise Refused(reason)
    commands, queries = plan_commands(scenario, replication), plan_queries(scenario, replication)
    work = write(commands, scenario, replication)
    journeys = send(work, scenario.link, scenario, replication)
    shows = read(work, journeys, scenario, replication)
    answers = ask(queries, work, journeys, shows, scenario.products.stock)
    until = max(scenario.duration, *map(_latest, (queries.when, work.finished, journeys.out, shows.handled)))
    if until > PATIENCE * scenario.duration + 86400:
        raise Refused(f"it is not done by {until:g} s, far beyond its duration")
    return Trace(
        scenario=scenario,
        replication=replication,
        engine="array",
        until=until,
        complete=True,
        commands=_commands_table(commands, work),
        changes=_changes_table(work, journeys, shows),
        queries=_queries_table(queries, answers),
        models=_models_table(work, journeys, shows, scenario.products.stock),
    )


def why_not(scenario: Scenario) -> str | None:
    """Say what in a scenario array arithmetic cannot follow, or nothing."""
    return next((reason for says_so, reason in _BEYOND if says_so(scenario)), None)


def _any_crowd(ways: Callable[[Workers], object]) -> Callable[[Scenario], bool]:
    return lambda scenario: any(ways(crowd) for crowd in scenario.workers)


_BEYOND: list[tuple[Callable[[Scenario], object], str]] = [
    (
        lambda s: s.architecture != "cqrs",
        "everybody waits for everybody at one model (architecture), so what happens next depends on it",
    ),
    (
        _any_crowd(lambda crowd: crowd.think),
        "workers wait for answers (think), so what happens next depends on them",
    ),
    (
        _any_crowd(lambda crowd: crowd.look_first),
        "workers look before they command (look_first), so what happens next depends on what they see",
    ),
    (
        _any_crowd(lambda crowd: crowd.reads_back),
        "workers read back what they wrote (reads_back), so their queries depend on the answers",
    ),
    (
        _any_crowd(lambda crowd: crowd.timeout),
        "workers ask again when no answer comes (timeout), so what happens next depends on the answers",
    ),
    (
        lambda s: s.writer.batch > 1 or s.writer.commit.mean > 0,
        "the writer commits what waits together (writer.batch, writer.commit), so each waits for others",
    ),
    (lambda s: s.writer.crashes, "the writer crashes (writer.crashes), which undoes what it had begun"),
    (lambda s: s.reader.crashes, "the reader crashes (reader.crashes), which undoes what it had begun"),
    (
        lambda s: s.reader.apply in ("delta", "fetch"),
        "what the reader shows depends on more than the change itself (reader.apply)",
    ),
    (
        lambda s: s.reader.batch > 1 and s.link.duplicates,
        "two copies of a change can share a batch (reader.batch, link.duplicates)",
    ),
]


@frozen
class Work:
    """What the writer did: of each command, in the order in which they came; and of each change.

    `command` is the row in the plan. `change` says which of them were
    accepted; what follows it has one element for each of those.
    """

    command: Ints
    started: Floats
    finished: Floats
    change: Flags
    product: Ints
    version: Ints
    quantity: Ints
    committed: Floats
    sent: Floats


@frozen
class Journeys:
    """How changes travelled: of each change, what held its first copy; and of each copy, in order of arrival.

    `row` is the change of which it is a copy.
    """

    copies: Ints
    delay: Floats
    line: Floats
    outage: Floats
    row: Ints
    out: Floats


@frozen
class Shows:
    """What the reader did with each copy, in the order of arrival.

    `seen` says whether it was shown, at the instant `visible`; `noted` is when
    the clock took that instant down.
    """

    polled: Floats
    taken: Floats
    handled: Floats
    visible: Floats
    noted: Floats
    seen: Flags


@frozen
class Answers:
    """What each query was shown."""

    version: Ints
    quantity: Ints


def write(plan: Plan, scenario: Scenario, replication: int) -> Work:
    """Let the writer do one command after the other."""
    row = in_turn(plan)
    came = plan.when[row]
    moved = np.where(plan.add == 1, plan.quantity, -plan.quantity)[row]
    accepted, version, quantity = settle(plan.product[row], moved, scenario.products.stock)
    ways = scenario.writer
    service = _drawn(ways.service, len(row), scenario, replication, "writer", "service")
    publish = np.zeros(len(row))
    publish[accepted] = _drawn(ways.publish, int(accepted.sum()), scenario, replication, "writer", "publish")
    finished = _one_by_one(came, service, publish)
    started = np.maximum(came, _before(finished))
    _insist_on_room(came, started, finished, scenario.inbox)
    committed = started + service
    return Work(
        row,
        started,
        finished,
        accepted,
        plan.product[row][accepted],
        version[accepted],
        quantity[accepted],
        committed[accepted],
        finished[accepted],
    )


def in_turn(plan: Plan) -> Ints:
    """Give the rows of a plan in the order in which they are done; none is late."""
    order = np.argsort(plan.when, kind="stable")
    together = np.diff(plan.when[order]) == 0
    if np.any(together & (np.diff(plan.who[order]) != 0)):
        return np.fromiter(_agenda(plan), np.int64, len(plan))
    return order


def _agenda(plan: Plan) -> Iterator[int]:
    """Give the rows as the clock would: of two people who wake at one instant, who lay down first."""
    agenda: list[tuple[float, int, deque[int]]] = []
    number = count()
    when = plan.when.tolist()
    order = np.argsort(plan.who, kind="stable")
    for rows_of_one in np.split(order, begins(plan.who[order])[1:]):
        heappush(agenda, (0.0, next(number), deque(rows_of_one.tolist())))
    while agenda:
        now, _, rows = heappop(agenda)
        while rows and when[rows[0]] <= now:
            yield rows.popleft()
        if rows:
            heappush(agenda, (when[rows[0]], next(number), rows))


def settle(product: Ints, moved: Ints, stock: int) -> tuple[Flags, Ints, Ints]:
    """Decide one command after the other: whether it is accepted, which version it makes, what is left.

    More than there is cannot be removed. Only the products that run out are
    gone through one command at a time.
    """
    order = by_number(product)
    starts = begins(product[order])
    moved = moved[order]
    accepted = np.ones(len(order), np.bool_)
    left = stock + _running(moved, starts)
    for start, end in zip(starts, _ends(starts, len(order)), strict=True):
        if left[start:end].min() < 0:
            accepted[start:end] = np.fromiter(_affordable(moved[start:end], stock), np.bool_, end - start)
    version = _running(accepted.astype(np.int64), starts)
    quantity = stock + _running(moved * accepted, starts)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return accepted[back], version[back], quantity[back]


def _affordable(moved: Ints, stock: int) -> Iterator[bool]:
    """Say of each command in turn whether there is enough for it."""
    for move in moved.tolist():
        enough = move > 0 or stock + move >= 0
        stock += move if enough else 0
        yield enough


def _insist_on_room(came: Floats, started: Floats, finished: Floats, inbox: Inbox) -> None:
    """Refuse a run in which the channel is full when a command comes.

    What leaves the channel in the very instant counts as still in there.
    """
    if math.isinf(inbox.capacity):
        return
    waiting = np.arange(len(came)) - np.searchsorted(started, came)
    hand_to_hand = (waiting <= 0) & (_before(finished) < came)
    if not np.all((waiting < inbox.capacity) | hand_to_hand):
        raise Refused(
            f"the command channel fills up (inbox.capacity = {inbox.capacity:g}),"
            " so what happens next depends on who waits"
        )


def send(work: Work, ways: Link, scenario: Scenario, replication: int) -> Journeys:
    """Let each change travel."""
    if ways.loss or ways.duplicates or ways.outages or ways.slow:
        return _with_faults(work, ways, scenario, replication)
    sent, n = work.sent, len(work.sent)
    delay = _drawn(ways.delay, n, scenario, replication, "link", "delay")
    if ways.order == "serial":
        out = _one_by_one(sent, delay, np.zeros(n))
    elif ways.order == "fifo":
        out = np.maximum.accumulate(sent + delay)
    else:
        out = sent + delay
    row = _in_order(out)
    return Journeys(np.ones(n, np.int64), delay, out - sent - delay, np.zeros(n), row, out[row])


def _with_faults(work: Work, ways: Link, scenario: Scenario, replication: int) -> Journeys:
    """Let one change after the other travel, by the link's own rule."""
    chances = open_chances(ways, partial(draw_from, scenario.seed, replication))
    n, last = len(work.sent), 0.0
    copies, held = np.zeros(n, np.int64), np.full((3, n), math.nan)
    row, out = [], []
    for number, sent in enumerate(work.sent.tolist()):
        arriving = copies_of(ways, sent, chances, last)
        if arriving:
            first = first_of(arriving)
            copies[number], held[:, number] = len(arriving), (first.delay, first.line, first.outage)
        for way in arriving:
            row.append(number)
            out.append(way.out)
            last = max(last, way.out)
    order = _in_order(np.array(out))
    delay, line, outage = held
    return Journeys(copies, delay, line, outage, np.array(row, np.int64)[order], np.array(out)[order])


def read(work: Work, journeys: Journeys, scenario: Scenario, replication: int) -> Shows:
    """Let the reader take up what arrives, and show it."""
    ways, came, sent = scenario.reader, journeys.out, work.sent[journeys.row]
    if ways.handler == Constant(0.0) and not ways.poll:
        polled = taken = handled = visible = came
        noted = sent
    else:
        takes = _drawn(ways.handler, len(came), scenario, replication, "reader", "handler")
        phase = next(
            draw_from(scenario.seed, replication, Uniform(0.0, ways.poll or 0.0).draw, "reader", "poll")
        )
        rounds = _in_line(came, takes) if ways.batch == 1 and not ways.poll else None
        polled, taken, handled, visible, noted = (
            _rounds(came, sent, takes, ways, phase) if rounds is None else rounds
        )
    seen = np.ones(len(came), np.bool_)
    if ways.apply == "newest" and np.any(np.diff(journeys.row) <= 0):
        seen = _newer(work.product[journeys.row], work.version[journeys.row])
    return Shows(polled, taken, handled, visible, noted, seen)


def _in_line(came: Floats, takes: Floats) -> Rounds | None:
    """Give what `_rounds` gives where each copy waits for its turn alone; None if some coincide."""
    handled = _one_by_one(came, takes, np.zeros(len(came)))
    ready = _before(handled)
    taken = np.maximum(came, ready)
    if np.any(handled == taken) or np.any(came == ready):
        return None
    return taken, taken, handled, handled, taken


def _rounds(came: Floats, sent: Floats, takes: Floats, ways: Reader, phase: float) -> Rounds:
    """Go from round to round as the reader does; give polled, taken, handled, visible and noted.

    A copy that comes in the instant in which the reader wakes is there if it
    was sent before the reader lay down.
    """
    arrivals, takes_of = [*zip(came.tolist(), sent.tolist(), strict=True)], takes.tolist()
    worked: list[tuple[float, float, float]] = []
    shown: list[tuple[float, float]] = []
    done = there = 0
    while done < len(arrivals):
        (now, noted), there = arrivals[done], done + 1
        due = next_poll(now, ways.poll, phase) if ways.poll else now
        if due > now:
            now, noted = due, now
            there = _there(arrivals, there, now, noted)
        began = now
        while done < there:
            began = began if ways.poll else now
            batch = range(done, min(there, done + ways.batch))
            for number in batch:
                taken, now = now, now + takes_of[number]
                if now > taken:
                    noted = taken
                    there = _there(arrivals, there, now, noted)
                worked.append((began, taken, now))
            shown += [(now, noted)] * len(batch)
            done = batch.stop
    polled, begun, handled = np.reshape(worked, (-1, 3)).T
    visible, lay_down = np.reshape(shown, (-1, 2)).T
    return polled, begun, handled, visible, lay_down


def _there(arrivals: list[tuple[float, float]], there: int, now: float, noted: float) -> int:
    """Count the copies that have come when the reader wakes; `there` had come before."""
    while there < len(arrivals) and arrivals[there] < (now, noted):
        there += 1
    if there < len(arrivals) and arrivals[there] == (now, noted):
        raise _at_once("a change arrives and the reader is done", now)
    return there


def _newer(product: Ints, version: Ints) -> Flags:
    """Say of each version whether it is newer than all that had come before of its product."""
    order = by_number(product)
    lengths = np.diff(begins(product[order]), append=len(order))
    lifted = version[order] + (version.max(initial=0) + 1) * np.repeat(np.arange(len(lengths)), lengths)
    newer = np.empty(len(order), np.bool_)
    newer[order] = lifted > _before(np.maximum.accumulate(lifted))
    return newer


def ask(plan: Plan, work: Work, journeys: Journeys, shows: Shows, stock: int) -> Answers:
    """Let each query see what was shown last of its product."""
    row, visible = journeys.row[shows.seen], shows.visible[shows.seen]
    order, low, place, high = before(work.product[row], visible, plan.product, plan.when)
    row, visible, noted = row[order], visible[order], shows.noted[shows.seen][order]
    place += _just_shown(plan, place, high, visible, noted)
    last = row[place[place > low] - 1]
    version, quantity = np.zeros(len(plan), np.int64), np.full(len(plan), stock)
    version[place > low], quantity[place > low] = work.version[last], work.quantity[last]
    return Answers(version, quantity)


def _just_shown(plan: Plan, place: Ints, high: Ints, visible: Floats, noted: Floats) -> Ints:
    """Count what each query sees of that which is shown in the very instant.

    It sees what the clock had noted before it noted the query.
    """
    more = np.zeros(len(plan), np.int64)
    near = np.flatnonzero(place < high)
    near = near[visible[place[near]] == plan.when[near]]
    if len(near):
        planned = _noted(plan)
    for query in near.tolist():
        here, now = slice(place[query], high[query]), plan.when[query]
        at_once = noted[here][: np.searchsorted(visible[here], now, side="right")]
        if np.any(at_once == planned[query]):
            raise _at_once("a query comes and a change is shown", now)
        more[query] = np.sum(at_once < planned[query])
    return more


def _noted(plan: Plan) -> Floats:
    """Say when the clock noted each look: when the one before it was taken, whoever's that was."""
    order = np.argsort(plan.when, kind="stable")
    noted = np.empty(len(plan))
    noted[order] = np.append(AT_FIRST, plan.when[order])[:-1]
    return noted


def _at_once(what: str, now: float) -> Refused:
    return Refused(f"{what} in one instant, {now:g} s, and only the actors know which comes first")


def _drawn(distribution: Distribution, n: int, scenario: Scenario, replication: int, *name: str) -> Floats:
    """Draw the first n values of the stream of that name."""
    return take(distribution.draw, stream(scenario.seed, replication, *name), n)


def _one_by_one(came: Floats, first: Floats, then: Floats) -> Floats:
    """Say when a server is done with each of those who come, on whom it works twice.

    A sum in another order would be as good, and not the same to the last bit.
    """

    def done() -> Iterator[float]:
        now = 0.0
        for ready, one, two in zip(came.tolist(), first.tolist(), then.tolist(), strict=True):
            now = (ready if ready > now else now) + one + two
            yield now

    return np.fromiter(done(), np.float64, len(came))


def _before(values: NDArray[Any]) -> NDArray[Any]:
    """Give to each the value before it; 0 to the first."""
    return np.concatenate([np.zeros(1, values.dtype), values[:-1]])[: len(values)]


def _in_order(times: Floats) -> Ints:
    """Give the places of times in their order; of two that are equal, the first comes first."""
    return np.argsort(times, kind="stable")


def _ends(starts: Ints, n: int) -> Ints:
    """Give the places at which each run ends, the last of them at n."""
    return np.append(starts, n)[1:]


def _running(values: Ints, starts: Ints) -> Ints:
    """Add up, anew from each start on."""
    total = np.cumsum(values)
    so_far = (total - values)[starts]
    return total - np.repeat(so_far, np.diff(starts, append=len(values)))


def _latest(times: Floats) -> float:
    return float(times.max(initial=0.0))


def _commands_table(plan: Plan, work: Work) -> pl.DataFrame:
    n = len(plan)
    started, finished = np.empty(n), np.empty(n)
    outcome, version = np.full(n, REJECTED), np.full(n, UNKNOWN)
    started[work.command], finished[work.command] = work.started, work.finished
    outcome[work.command[work.change]] = ACCEPTED
    version[work.command[work.change]] = work.version
    who, when = pl.Series(plan.who), pl.Series(plan.when)
    reason = pl.when(outcome="rejected").then(pl.lit(NOT_ENOUGH))
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "worker": who,
            "session": who,
            "product": plan.product,
            "kind": words(plan.add, KINDS),
            "quantity": plan.quantity,
            **dict.fromkeys(("intended", "issued", "admitted"), when),
            "started": started,
            "finished": finished,
            "outcome": words(outcome, OUTCOMES),
            "version": known(version),
            "reason": None,
            "repeats": None,
        },
        schema=COMMANDS,
    ).with_columns(reason=reason)


def _changes_table(work: Work, journeys: Journeys, shows: Shows) -> pl.DataFrame:
    n, copies = len(work.sent), np.arange(len(journeys.row))
    first, last = np.full(n, -1), np.full(n, -1)
    first[journeys.row[::-1]], last[journeys.row] = copies[::-1], copies
    applied = np.bincount(journeys.row[shows.seen], minlength=n)
    told = np.where(applied > 0, first, last)  # what is never shown is taken down again with each copy
    shown = np.where(applied > 0, first, -1)
    columns = {id(times): _gathered(times, told) for times in (shows.polled, shows.taken, shows.handled)}
    return pl.DataFrame(
        {
            "command": work.command[work.change],
            "product": work.product,
            "version": work.version,
            "quantity_after": work.quantity,
            "committed": work.committed,
            "delivered": delivered(journeys.row, journeys.out, n),
            "visible": _gathered(shows.visible, shown),
            "copies": journeys.copies,
            "sent": work.sent,
            "delay": floats(journeys.delay),
            "line": floats(journeys.line),
            "outage": floats(journeys.outage),
            **{name: columns[id(getattr(shows, name))] for name in ("polled", "taken", "handled")},
            "applied": applied,
        },
        schema=CHANGES,
    )


def _gathered(times: Floats, rows: Ints) -> pl.Series:
    """Make a column of some rows of another; row −1 stands for what never was."""
    return floats(np.append(times, math.nan)[rows])


def _queries_table(plan: Plan, answers: Answers) -> pl.DataFrame:
    when = pl.Series(plan.when)
    columns = {
        "session": plan.who,
        "product": plan.product,
        "asked": when,
        "answered": when,
        "seen_version": answers.version,
        "seen_quantity": answers.quantity,
    }
    return pl.DataFrame(columns, schema=QUERIES)


def _models_table(work: Work, journeys: Journeys, shows: Shows, stock: int) -> pl.DataFrame:
    product, held = _last_of_each(work, np.arange(len(work.product)))
    showing, last = _last_of_each(work, journeys.row[shows.seen])
    quantity, version = np.full(len(product), stock), np.zeros(len(product), np.int64)
    place = np.searchsorted(product, showing)
    quantity[place], version[place] = work.quantity[last], work.version[last]
    columns = {
        "product": product,
        "held": work.quantity[held],
        "held_version": work.version[held],
        "shown": quantity,
        "shown_version": version,
    }
    return pl.DataFrame(columns, schema=MODELS)


def _last_of_each(work: Work, rows: Ints) -> tuple[Ints, Ints]:
    """Give the products of some changes, and the last change of each."""
    rows = rows[by_number(work.product[rows])]
    starts = begins(work.product[rows])
    return work.product[rows[starts]], rows[_ends(starts, len(rows)) - 1]
