"""The link: the delayed channel between writer and reader.

It is a delay line, not a server: changes are under way side by side, and two
that were sent 1 ms apart arrive 1 ms apart, however long they take. To
receive, sleep and forward in one task would be a queue of capacity 1/delay.
"""

from collections.abc import Iterator

from sim.channels import Receiver, Sender
from sim.clock import Clock
from sim.scenario import Order
from sim.trace import Log
from sim.writer import Committed


async def link(
    changes: Receiver[Committed],
    deliveries: Sender[Committed],
    order: Order,
    delays: Iterator[float],
    clock: Clock,
    log: Log,
) -> None:
    """Take each change at once, and have it come out when its delay has passed."""

    def deliver(committed: Committed) -> None:
        log.deliver(committed.row, clock.now)
        deliveries.send_nowait(committed)

    last = 0.0
    async with changes, deliveries:
        async for committed in changes:
            arrival = arrives(order, clock.now, next(delays), last)
            clock.call_at(arrival, deliver, committed)
            last = arrival if order != "independent" else max(last, arrival)
        await clock.turn_at(max(last, clock.now))  # what is under way still arrives


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
