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
from itertools import count, pairwise
from typing import Any

import attrs
import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from sim.clock import stream, take
from sim.columns import UNKNOWN, Lists, alike, delivered
from sim.distributions import Constant, Distribution, Floats, Ints, Uniform
from sim.groups import Groups, before, begins, group, highest_before, lowest_from
from sim.link import copies_of, first_of
from sim.memory import kept
from sim.plan import Plan, plan_commands, plan_queries
from sim.reader import next_poll
from sim.scenario import Inbox, Link, Reader, Scenario, Workers
from sim.stage import PATIENCE, draw_from, open_chances
from sim.tables import Rows, table
from sim.trace import (
    ACCEPTED,
    CHANGES,
    COMMANDS,
    MODELS,
    QUERIES,
    REJECTED,
    Trace,
    reasons,
)

Flags = NDArray[np.bool_]
Rounds = tuple[Floats, Floats, Floats, Floats, Floats]

VAST = 2.0**200  # seconds: any sum of durations and this is this
CELLS = 2**16 - 1  # of times that are sorted, numbered in 16 bits
AT_FIRST = -1.0  # when the clock took down what was planned before anything had happened


class Refused(ValueError):
    """A scenario, or a run of it, that array arithmetic cannot play; str() says why."""


def run(scenario: Scenario, replication: int = 0) -> Trace:
    """Work out what happens in one run; Refused says why that cannot be done without the actors."""
    reason = why_not(scenario)
    if reason:
        raise Refused(reason)
    commands, queries = plan_commands(scenario, replication), plan_queries(scenario, replication)
    with kept(max(len(commands), len(queries))):
        return _play(commands, queries, scenario, replication)


def _play(commands: Plan, queries: Plan, scenario: Scenario, replication: int) -> Trace:
    """Work out what happens to what is planned, from one station to the next."""
    work = write(commands, scenario, replication)
    journeys = send(work, scenario.link, scenario, replication)
    if not _alone(scenario):
        journeys = journeys.in_order()
    shows = read(work, journeys, scenario, replication)
    answers = ask(queries, work, journeys, shows, scenario.products.stock)
    models = _models_table(work, journeys, shows, scenario.products.stock)
    changes = _changes_table(work, journeys, shows)  # which needs room, before the commands' table takes it
    until = max(scenario.duration, *map(_latest, (queries.when, work.finished, journeys.out, shows.handled)))
    if until > PATIENCE * scenario.duration + 86400:
        raise Refused(f"it is not done by {until:g} s, far beyond its duration")
    return Trace(
        scenario=scenario,
        replication=replication,
        engine="array",
        until=until,
        complete=True,
        tables={
            "commands": _commands_table(commands, work),
            "changes": changes,
            "queries": _queries_table(queries, answers),
            "models": models,
        },
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

    `row` is where it is in the plan: a slice of all of them, where they came as
    it lists them. `command` has the rows of those that were accepted; what
    follows it has one element for each of them.
    """

    row: slice | Ints
    started: Floats
    finished: Floats
    command: Ints
    product: Ints
    version: Ints
    quantity: Ints
    committed: Floats
    sent: Floats

    def as_planned(self, times: Floats) -> Floats:
        """Put times of the commands in the order of the plan."""
        if isinstance(self.row, slice):
            return times
        planned = np.empty(len(times))
        planned[self.row] = times
        return planned


@frozen
class Journeys:
    """How changes travelled: of each change, what held its first copy; and of each copy, when it came `out`.

    `row` is the change of which it is a copy; where each change has one, listed
    as they were sent, a slice of all of them. Otherwise copies are listed as
    they were sent, or in order of arrival.
    """

    copies: Ints
    delay: Floats
    line: Floats
    outage: Floats
    row: slice | Ints
    out: Floats

    def changes(self, copies: Ints) -> Ints:
        """Say of which changes these are copies."""
        return copies if isinstance(self.row, slice) else self.row.take(copies)

    def overtaken(self) -> bool:
        """Say whether any copy comes after one of a newer change, or after another of its own."""
        return not isinstance(self.row, slice) and bool(np.any(np.diff(self.row) <= 0))

    def in_order(self) -> "Journeys":
        """List the copies in order of arrival; of two that come at once, the first sent is first."""
        order = _in_order(self.out)
        return attrs.evolve(self, row=self.changes(order), out=self.out.take(order))


@frozen
class Shows:
    """What the reader did with each copy.

    `seen` says whether it was shown, at the instant `visible`; `noted` is when
    the clock took that instant down. `shown` has those that were, by product.
    """

    polled: Floats
    taken: Floats
    handled: Floats
    visible: Floats
    noted: Floats
    seen: Flags
    shown: Groups


@frozen
class Answers:
    """What each query was shown."""

    version: Ints
    quantity: Ints


def write(plan: Plan, scenario: Scenario, replication: int) -> Work:
    """Let the writer do one command after the other."""
    row = in_turn(plan)
    came, product = plan.when[row], plan.product[row]
    moved = (plan.quantity * (2 * plan.add - 1))[row]
    accepted, version, quantity = settle(product, moved, scenario.products.stock)
    ways, change = scenario.writer, np.flatnonzero(accepted)
    works = [_drawn(ways.service, len(came), scenario, replication, "writer", "service")]
    if ways.publish != Constant(0.0):
        publish = np.zeros(len(came))
        publish[change] = _drawn(ways.publish, len(change), scenario, replication, "writer", "publish")
        works.append(publish)
    finished = _one_by_one(came, *works)
    started = np.maximum(came, _before(finished))
    _insist_on_room(came, started, finished, scenario.inbox)
    committed = (started + works[0]).take(change)
    return Work(
        row,
        started,
        finished,
        (change if isinstance(row, slice) else row.take(change)).astype(np.int32),
        product.take(change),
        version.take(change),
        quantity.take(change),
        committed,
        committed if len(works) == 1 else finished.take(change),
    )


def in_turn(plan: Plan) -> slice | Ints:
    """Give the rows of a plan in the order in which they are done; none is late."""
    if np.all(plan.when[:-1] < plan.when[1:]):
        return slice(None)
    order = np.argsort(plan.when, kind="stable")
    together = np.flatnonzero(np.diff(plan.when.take(order)) == 0)
    if np.any(plan.who[order[together]] != plan.who[order[together + 1]]):
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

    More than there is cannot be removed. Only where there is less of a product
    than ever before, and less than nothing, one command at a time is looked at.
    """
    by_product = group(product)
    order, sizes = by_product.rows, np.diff(by_product.starts)
    product, moved = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes), moved.take(order)
    left = stock + _running(moved, by_product.starts)
    enough = np.ones(len(order), np.bool_)
    enough[_too_much(product, moved, left)] = False
    if not enough.all():
        left = stock + _running(moved * enough, by_product.starts)
    accepted, version, quantity = np.empty_like(enough), np.empty(len(order), np.int32), np.empty_like(left)
    accepted[order], version[order], quantity[order] = enough, _running(enough, by_product.starts), left
    return accepted, version, quantity


def _too_much(product: Ints, moved: Ints, left: Ints) -> list[int]:
    """Find the commands for which there is not enough; `left` is what there would be if there always were.

    They come product by product. Whoever is turned away leaves more for all
    who follow, so that only a new low of the product can be too low.
    """
    lows = _new_lows(product, left)
    of_each = zip(lows.tolist(), *(column[lows].tolist() for column in (product, moved, left)), strict=True)
    turned_away: list[int] = []
    last = spared = 0
    for place, one, more, least in of_each:
        if one != last:
            last, spared = one, 0
        if least + spared < 0:
            turned_away.append(place)
            spared -= more
    return turned_away


def _new_lows(product: Ints, left: Ints) -> Ints:
    """Give the places where a product has less than nothing, and less than ever before."""
    below = np.flatnonzero(left < 0)
    lowest, starts = left.take(below), begins(product.take(below))
    for start, end in pairwise([*starts.tolist(), len(below)]):
        np.minimum.accumulate(lowest[start:end], out=lowest[start:end])
    new = np.ones(len(below), np.bool_)
    new[1:] = lowest[1:] != lowest[:-1]
    new[starts] = True
    return below[new]


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
        out = _one_by_one(sent, delay)
    elif ways.order == "fifo":
        out = np.maximum.accumulate(sent + delay)
    else:
        out = sent + delay
    never, once = alike(np.float64(0), n), alike(np.int32(1), n)
    line = never if ways.order == "independent" else out - sent - delay
    return Journeys(once, delay, line, never, slice(None), out)


def _with_faults(work: Work, ways: Link, scenario: Scenario, replication: int) -> Journeys:
    """Let one change after the other travel, by the link's own rule."""
    chances = open_chances(ways, partial(draw_from, scenario.seed, replication))
    n, last = len(work.sent), 0.0
    copies, held = np.zeros(n, np.int32), np.full((3, n), math.nan)
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
    delay, line, outage = held
    return Journeys(copies, delay, line, outage, np.array(row, np.int64), np.array(out, np.float64))


def _alone(scenario: Scenario) -> bool:
    """Say whether no arrival waits for another, so that only their order within a product matters."""
    ways = scenario.reader
    at_once = ways.handler == Constant(0.0) and not ways.poll
    return at_once and ways.apply == "newest" and not scenario.link.duplicates


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
    seen, shown = np.ones(len(came), np.bool_), group(work.product[journeys.row])
    if _alone(scenario):
        seen = came == lowest_from(came, shown)  # then no newer one came before it
        shown = shown.only(seen)
    elif ways.apply == "newest" and journeys.overtaken():
        version = work.version[journeys.row]
        seen = version > highest_before(version, shown)
        shown = shown.only(seen)
    return Shows(polled, taken, handled, visible, noted, seen, shown)


def _in_line(came: Floats, takes: Floats) -> Rounds | None:
    """Give what `_rounds` gives where each copy waits for its turn alone; None if some coincide."""
    handled = _one_by_one(came, takes)
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
                if takes_of[number] > 0:  # be it so little that no time passes
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


def ask(plan: Plan, work: Work, journeys: Journeys, shows: Shows, stock: int) -> Answers:
    """Let each query see what was shown last of its product."""
    visible = shows.visible.take(shows.shown.rows)
    place = before(shows.shown, visible, group(plan.product), plan.when)
    _pass_just_shown(place, visible, plan, shows)
    place[place == shows.shown.begin(plan.product)] = 0  # nothing was shown yet
    last = np.append(-1, journeys.changes(shows.shown.rows)).take(place)
    return Answers(
        np.append(work.version, np.int32(0)).take(last), np.append(work.quantity, stock).take(last)
    )


def _pass_just_shown(place: Ints, times: Floats, plan: Plan, shows: Shows) -> None:
    """Move each query's place past what it sees of that which is shown in the very instant.

    It sees what the clock had noted before it noted the query.
    """
    near = np.flatnonzero(np.append(times, math.nan).take(place) == plan.when)
    if len(near):
        planned, noted = _noted(plan), shows.noted.take(shows.shown.rows)
    for query, high in zip(near.tolist(), shows.shown.end(plan.product.take(near)).tolist(), strict=True):
        here, now = slice(place[query], high), plan.when[query]
        at_once = noted[here][: np.searchsorted(times[here], now, side="right")]
        if np.any(at_once == planned[query]):
            raise _at_once("a query comes and a change is shown", now)
        place[query] += np.sum(at_once < planned[query])


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


def _one_by_one(came: Floats, *works: Floats) -> Floats:
    """Say when a server is done with each of those who come, on whom it works once or more.

    A busy period is added up from its beginning, in the actors' order, for a
    sum in another order is not the same to the last bit. Which ones begin one
    is guessed from such a sum, and wrong at most where the server is done in
    the very instant in which the next one comes.
    """
    work = sum(works[1:], works[0])
    early = came - (np.cumsum(work) - work)
    begins = _later(early, np.maximum.accumulate(early))
    while True:
        done = _busy(came, works, begins)
        guessed, begins = begins, _later(came, done)
        if np.array_equal(guessed, begins):
            return done


def _later(times: Floats, others: Floats) -> Flags:
    """Say which times are later than the one before them among the others; the first always is."""
    later = np.ones(len(times), np.bool_)
    np.greater(times[1:], others[:-1], out=later[1:])
    return later


def _busy(came: Floats, works: tuple[Floats, ...], begins: Flags) -> Floats:
    """Add up all busy periods, one step of the server after the other.

    One sum runs through all of them, for that takes no time beside a sum for
    each. At a beginning it is made to start anew: what has come together is
    lost in a number beside which it is nothing, and when that is taken away
    again, exactly 0 is left.
    """
    first = np.flatnonzero(begins)
    place = 3 * np.cumsum(begins)
    place += len(works) * np.arange(len(came))
    start = place.take(first)
    steps = np.empty(len(works) * len(came) + 3 * len(first))
    steps[start - 3], steps[start - 2], steps[start - 1] = VAST, -VAST, came.take(first)
    for work in works:
        steps[place] = work
        place += 1
    place -= 1
    return np.cumsum(steps, out=steps).take(place)


def _before(values: NDArray[Any]) -> NDArray[Any]:
    """Give to each the value before it; 0 to the first."""
    return np.concatenate([np.zeros(1, values.dtype), values[:-1]])[: len(values)]


def _in_order(times: Floats) -> Ints:
    """Give the places of times in their order; of two that are equal, the first comes first.

    They are sorted by whole numbers first, which costs little, and are as good
    as in order then: both together take half as long as the second alone.
    """
    if not len(times):
        return np.zeros(0, np.int64)
    first, last = times.min(), times.max()
    cell = (times - first) * (CELLS / max(last - first, 1e-9))
    nearly = np.argsort(cell.astype(np.uint16), kind="stable")
    return nearly.take(np.argsort(times.take(nearly), kind="stable"))


def _running(values: Ints | Flags, starts: Ints) -> Ints:
    """Add up, anew from each start on; the last one is where all end."""
    total = np.cumsum(values.astype(np.int64))  # to convert each as it is added takes twice as long
    begun, sizes = starts[:-1], np.diff(starts)
    begun, sizes = begun[sizes > 0], sizes[sizes > 0]
    return total - np.repeat(total[begun] - values[begun].astype(np.int64), sizes)


def _latest(times: Floats) -> float:
    return float(times.max(initial=0.0))


def _commands_table(plan: Plan, work: Work) -> Rows:
    n = len(plan)
    outcome, version = np.full(n, REJECTED, np.int8), np.full(n, UNKNOWN, np.int32)
    outcome[work.command], version[work.command] = ACCEPTED, work.version
    return table(
        COMMANDS,
        id=np.arange(n, dtype=np.int32),
        **dict.fromkeys(("worker", "session"), plan.who),
        product=plan.product,
        kind=plan.add,
        quantity=plan.quantity,
        **dict.fromkeys(("intended", "issued", "admitted"), plan.when),
        started=work.as_planned(work.started),
        finished=work.as_planned(work.finished),
        outcome=outcome,
        version=version,
        reason=reasons(outcome),
        repeats=alike(np.int32(UNKNOWN), n),
    )


def _changes_table(work: Work, journeys: Journeys, shows: Shows) -> Rows:
    n, row, seen = len(work.sent), journeys.row, np.flatnonzero(shows.seen)
    times = {name: getattr(shows, name) for name in ("polled", "taken", "handled")}
    if isinstance(row, slice):
        came, visible = Lists(journeys.copies, journeys.out), np.where(shows.seen, shows.visible, math.nan)
    else:
        told, shown = _told(row, seen, n)
        came, visible = delivered(row, journeys.out, n), _gathered(shows.visible, shown)
        each = {id(one): _gathered(one, told) for one in {id(one): one for one in times.values()}.values()}
        times = {name: each[id(one)] for name, one in times.items()}
    return table(
        CHANGES,
        command=work.command,
        product=work.product,
        version=work.version,
        quantity_after=work.quantity,
        committed=work.committed,
        delivered=came,
        visible=visible,
        copies=journeys.copies,
        sent=work.sent,
        delay=journeys.delay,
        line=journeys.line,
        outage=journeys.outage,
        **times,
        applied=np.bincount(journeys.changes(seen), minlength=n),
    )


def _told(row: Ints, seen: Ints, n: int) -> tuple[Ints, Ints]:
    """Say of which copy each change's times were taken down, and with which it was shown; −1 for none.

    It is shown with its first copy or never, and what is never shown is taken
    down again with each copy.
    """
    last, shown = np.full(n, -1), np.full(n, -1)
    last[row] = np.arange(len(row))
    shown[row.take(seen)[::-1]] = seen[::-1]
    never, told = np.flatnonzero(shown < 0), shown.copy()
    told[never] = last.take(never)
    return told, shown


def _gathered(times: Floats, rows: Ints) -> Floats:
    """Choose some times; row −1 stands for what never was."""
    return np.append(times, math.nan).take(rows)


def _queries_table(plan: Plan, answers: Answers) -> Rows:
    return table(
        QUERIES,
        session=plan.who,
        product=plan.product,
        **dict.fromkeys(("asked", "answered"), plan.when),
        seen_version=answers.version,
        seen_quantity=answers.quantity,
    )


def _models_table(work: Work, journeys: Journeys, shows: Shows, stock: int) -> Rows:
    last = np.full(int(work.product.max(initial=0)) + 1, -1)
    last[work.product] = np.arange(len(work.product))
    product = np.flatnonzero(last >= 0)
    held, copy = last[product], shows.shown.last(product)
    quantity, version = np.full(len(product), stock), np.zeros(len(product), np.int32)
    some = copy >= 0
    shown = journeys.changes(copy[some])
    quantity[some], version[some] = work.quantity[shown], work.version[shown]
    return table(
        MODELS,
        product=product,
        held=work.quantity[held],
        held_version=work.version[held],
        shown=quantity,
        shown_version=version,
    )
