"""What of a scenario cannot be played on real stores, and what is measured there instead."""

from collections.abc import Callable

from sim.scenario import Scenario

Rule = tuple[Callable[[Scenario], object], str]


class Unfit(ValueError):
    """A scenario that cannot be played on real stores; str() names what stands in the way."""


_BEYOND: list[Rule] = [
    (lambda s: s.architecture != "cqrs", "architecture: a live run has a write store and a read store"),
    (
        lambda s: s.writer.publish.mean > 0,
        "writer.publish: the outbox is committed with the state",
    ),
    (lambda s: not s.writer.outbox, "writer.outbox = false: the outbox is committed with the state"),
    (lambda s: s.reader.apply != "newest", "reader.apply: a live reader keeps the newest version"),
    (lambda s: s.reader.restart != "checkpoint", "reader.restart: a live reader goes on from its position"),
    (lambda s: s.reader.checkpoint > 1, "reader.checkpoint: the position is kept with every batch"),
]
_BEYOND_A_STANDBY: list[Rule] = [
    (lambda s: s.reader.batch > 1, "reader.batch: a standby replays by itself"),
    (lambda s: s.reader.poll, "reader.poll: a standby replays by itself"),
    (lambda s: s.reader.crashes, "reader.crashes: a standby goes on by itself"),
    (lambda s: s.link.order != "fifo", "link.order: a standby is sent a stream, which is fifo"),
    (lambda s: s.link.duplicates, "link.duplicates: in a stream, nothing comes twice"),
]
_BEYOND_A_STREAM: list[Rule] = [
    (
        lambda s: s.link.resend is None and (s.link.loss or any(o.changes == "lost" for o in s.link.outages)),
        "link.resend: in a stream, nothing is lost for good",
    ),
]
_BEYOND_THEIR_STANDBY: list[Rule] = [
    (lambda s: s.link.loss, "link.loss: nothing can come between two servers of your own"),
    (lambda s: s.link.outages, "link.outages: nothing can come between two servers of your own"),
    (lambda s: s.link.slow, "link.slow: nothing can come between two servers of your own"),
]


def refuse(scenario: Scenario, replica: str | None = None) -> None:
    """Insist that a scenario can be played live; Unfit names all that cannot."""
    rules = [*_BEYOND]
    if replica:
        rules += [*_BEYOND_A_STANDBY, *(_BEYOND_THEIR_STANDBY if theirs(replica) else _BEYOND_A_STREAM)]
    reasons = [reason for says_so, reason in rules if says_so(scenario)]
    if reasons:
        where = "a standby" if replica else "a real store"
        raise Unfit("\n  ".join([f"this cannot be played on {where}:", *reasons]))


def measured(scenario: Scenario, replica: str | None = None) -> list[str]:
    """Name the keys that a live run measures, whatever the scenario says of them."""
    keys = ["writer.service and writer.commit"]
    if scenario.reader.handler.mean > 0:
        keys.append("reader.handler")
    return [*keys, "link.delay"] if theirs(replica) else keys


def theirs(replica: str | None) -> bool:
    """Say whether a standby has an address, so that no wire of ours leads to it."""
    return bool(replica) and ":" in str(replica)
