"""The link: the delayed channel between writer and reader.

A channel that gives away what is put in, only later; nobody has to carry it.

It is a delay line, not a server: changes are under way side by side, and two
that were sent 1 ms apart arrive 1 ms apart, however long they take. To
receive, sleep and forward in one task would be a queue of capacity 1/delay.

What goes wrong is decided when a change is sent, from streams of their own,
so that a fault leaves the luck of everything else as it was. An outage or a
slow spell hits whatever is under way then.
"""

from collections.abc import Iterator
from operator import attrgetter

from attrs import define, frozen
from msgspec import Struct

from sim.channels import Sender
from sim.clock import Time
from sim.log import Log
from sim.scenario import Link, Order, Outage
from sim.writer import Committed


@frozen
class Chances:
    """What a link draws: delays of first copies and of others, and whether one is lost or doubled."""

    delay: Iterator[float]
    other_delay: Iterator[float]
    lost: Iterator[bool]
    doubled: Iterator[bool]


class Way(Struct, frozen=True):
    """How a copy travels: when it comes out, and for how many seconds what held it.

    `delay` is its own, with what slow spells add to it; `line` the wait for
    its predecessors; `outage` that for an outage to end. What is left since it
    was sent was lost on earlier copies.
    """

    out: float
    delay: float
    line: float
    outage: float


@define
class Departures:
    """The link's sending end: what is sent comes out when its delay has passed; `async with` closes it.

    `last` is when the last of all copies comes out; then the link is empty.
    """

    deliveries: Sender[Committed]
    ways: Link
    chances: Chances
    clock: Time
    log: Log
    last: float = 0.0

    def send(self, committed: Committed) -> None:
        """Put a change on its way, in as many copies as come out."""
        out = copies_of(self.ways, self.clock.now, self.chances, self.last)
        if out:
            first = first_of(out)
            self.log.travel(committed.row, len(out), first.delay, first.line, first.outage)
        for way in out:
            self.clock.call_at(way.out, self._deliver, committed)
            self.last = max(self.last, way.out)

    def _deliver(self, committed: Committed) -> None:
        self.log.deliver(committed.row, self.clock.now)
        self.deliveries.send_nowait(committed)

    async def __aenter__(self) -> "Departures":
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close; what is under way still arrives."""
        self.clock.call_at(max(self.last, self.clock.now), Sender.close, self.deliveries)


def copies_of(ways: Link, now: float, chances: Chances, last: float) -> list[Way]:
    """Say how each copy travels that is sent now and comes out; if nothing goes wrong, there is one."""
    copies = [copy(ways, now, chances.delay, chances, last)]
    if next(chances.doubled):
        copies.append(copy(ways, now, chances.other_delay, chances, last))
    return [way for way in copies if way]


def first_of(copies: list[Way]) -> Way:
    """Give the copy that comes out first."""
    return copies[0] if len(copies) == 1 else min(copies, key=attrgetter("out"))


def copy(ways: Link, now: float, delay: Iterator[float], chances: Chances, last: float) -> Way | None:
    """Say how a copy that is sent now travels, or None if it never comes out."""
    sent = now
    while True:
        late = held_up(ways, sent, next(delay)) if ways.slow else next(delay)
        arrival = arrives(ways.order, sent, late, last)
        outage = outage_at(ways, arrival) if ways.outages else None
        lost = next(chances.lost) or (outage is not None and outage.changes == "lost")
        if not lost:
            out = arrival if outage is None else outage.at + outage.lasts
            line = 0.0 if ways.order == "independent" else arrival - sent - late
            return Way(out, late, line, out - arrival)
        if ways.resend is None:
            return None
        sent, delay = sent + ways.resend, chances.other_delay


def outage_at(ways: Link, time: float) -> Outage | None:
    """Find the outage that an instant falls into."""
    return next((o for o in ways.outages if o.at <= time < o.at + o.lasts), None)


def held_up(ways: Link, sent: float, delay: float) -> float:
    """Stretch a delay by the slow spells that the way falls into."""
    here, left = sent, delay
    for spell in sorted(ways.slow, key=lambda spell: spell.at):
        begin, end = max(here, spell.at), spell.at + spell.lasts
        before = begin - here
        if end <= here or left <= before:
            continue
        here, left = begin, left - before
        inside = min(left, (end - here) / spell.times)
        here, left = here + inside * spell.times, left - inside
    return here + left - sent


def arrives(order: Order, now: float, delay: float, last: float) -> float:
    """Say when a change that is sent now comes out, if the one before came out at `last`.

    independent: after its own delay; changes may overtake each other.
    fifo: never before its predecessor, for which it may have to wait.
    serial: its delay begins when its predecessor is out: a server of capacity 1/delay.
    """
    if order == "serial":
        return max(now, last) + delay
    if order == "fifo":
        return max(now + delay, last)
    return now + delay
