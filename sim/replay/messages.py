"""The messages of a stretch of a run, one by one: who sent what to whom, when it left, and when it came.

Pure data, ready to be drawn as a space-time diagram. A command that came to
nothing has left its stations without a trace: only that it was issued is known.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import polars as pl
from attrs import evolve, frozen

from sim.inventory import Apply
from sim.measures.window import measured_queries
from sim.plan import SCRIPT, numbered
from sim.scenario import Scenario
from sim.trace import VIRTUAL_TIME, Trace
from sim.wording import count, readable

MOST = 40  # messages that a person can tell apart in one picture
AROUND = 22  # messages that say what happened around one query
PEOPLE = 7  # lanes for single people; more of them share the lane of their crowd
AIR = 0.05  # of a stretch, left free at either end
WRITER, LINK, READER = "writer", "link", "reader"

Row = dict[str, Any]


class TooMany(ValueError):
    """More messages than a person can read in one picture; str() says how many, and what would do."""


class NoSuchQuery(ValueError):
    """There is no such query to look around; str() says which there are."""


@frozen
class Message:
    """One arrow: from one lane to another, and what it says; `received` is infinite if it never came.

    `held` is from when until when a change was kept on the link: behind its
    predecessors, by an outage, or lost and not sent again yet. `stale` says
    whether a query's answer was.
    """

    kind: Literal["command", "answer", "change", "query"]
    sender: str
    receiver: str
    sent: float
    received: float
    words: str
    held: tuple[float, float] | None = None
    stale: bool = False


@frozen
class Stay:
    """A stretch of time in which something is worked on in a lane, or waits there."""

    lane: str
    kind: Literal["work", "wait"]
    start: float
    end: float


@frozen
class Event:
    """A version that is committed, or shown, and in which lane."""

    lane: str
    version: int
    time: float


@frozen
class Hidden:
    """A version that is committed, and cannot be seen from then until then; infinity if it never is.

    `by` is the older version that was put in its place, if it had been seen before.
    """

    version: int
    since: float
    shown: float
    by: int | None = None


@frozen
class Exchange:
    """What was said in a window: lanes from top to bottom, messages, stays, versions and what was hidden.

    `product` is None where all are told. `focus` is the query that it is
    about, as a message; `left_out` counts the messages that were too many.
    """

    window: tuple[float, float]
    product: int | None
    lanes: tuple[str, ...]
    messages: tuple[Message, ...]
    stays: tuple[Stay, ...]
    events: tuple[Event, ...]
    hidden: tuple[Hidden, ...]
    focus: Message | None = None
    own: bool = False
    staleness: float = 0.0
    left_out: int = 0
    clock: str = VIRTUAL_TIME


def exchange(trace: Trace, window: tuple[float, float] | None = None, product: int | None = None) -> Exchange:
    """Tell every message of a window, of one product or of all; of the whole run if none is given.

    TooMany if nobody could read them.
    """
    start, end = window or _whole(trace)
    if not start < end:
        raise ValueError(f"a window needs a start before its end, not {start:g} s to {end:g} s")
    commands, queries = _commands(trace, start, end, product), _queries(trace, start, end, product)
    n = sum(_messages_of(row, (start, end)) for row in commands) + len(queries)
    if n > MOST:
        stretch = f"between {readable(start)} and {readable(end)}"
        raise TooMany(
            f"{count(n, 'message')} {stretch}, and nobody can tell more than {MOST} apart: "
            "choose a shorter stretch, or one product"
        )
    return _tell(trace, (start, end), product, commands, queries)


def around_query(trace: Trace, number: int) -> Exchange:
    """Tell what led to one query, counted from 0: the change that it missed, and what else has room."""
    if not 0 <= number < len(trace.queries):
        known = f"query:0 to query:{len(trace.queries) - 1}" if len(trace.queries) else "no queries at all"
        raise NoSuchQuery(f"there is no query:{number}: the run has {known}")
    asked = {**trace.queries.row(number, named=True), "number": number}
    changes = _with_shown(trace, asked["product"])
    missed = next((c for c in changes if c["version"] == asked["seen_version"] + 1), None)
    stale = missed is not None and missed["committed"] < asked["asked"]
    return _tell_focus(trace, asked, missed if stale else None, changes)


def around_worst(trace: Trace) -> Exchange:
    """Tell what led to the stalest query of the measured window; or to its first, if none is stale."""
    queries = measured_queries(trace)
    if queries.is_empty():
        raise NoSuchQuery("nobody asked for anything in the measured window")
    worst = queries.with_columns(staleness=pl.col("asked") - pl.col("missed_since")).sort(
        "staleness", descending=True, nulls_last=True, maintain_order=True
    )
    wanted = worst.row(0, named=True)
    same = (pl.col(name) == wanted[name] for name in ("asked", "session", "product", "seen_version"))
    number = trace.queries.with_row_index("number").filter(*same)["number"][0]
    return around_query(trace, int(number))


def _tell_focus(trace: Trace, asked: Row, missed: Row | None, changes: list[Row]) -> Exchange:
    """Choose a window and the messages around a query, those that explain it first."""
    product, when = asked["product"], asked["asked"]
    start, end = _window_around(trace, asked, missed, changes)
    commands = _commands(trace, start, end, product)
    queries = _queries(trace, start, end, product)
    first = missed["version"] if missed else asked["seen_version"]
    newest = max((c["version"] for c in changes if c["committed"] < when), default=first)

    def matters(row: Row) -> tuple[bool, bool, float]:
        version = row["version"] or math.inf
        return version != first, version != newest, abs(version - first)

    kept: list[Row] = []
    sizes = {row["id"]: _messages_of(row, (start, end)) for row in commands}
    room = AROUND - 1
    for row in sorted(commands, key=matters):
        if sizes[row["id"]] <= room:
            kept.append(row)
            room -= sizes[row["id"]]
    near = sorted(queries, key=lambda q: (q["number"] != asked["number"], abs(q["asked"] - when)))[: room + 1]
    left_out = sum(sizes.values()) - sum(sizes[row["id"]] for row in kept) + len(queries) - len(near)
    told = _tell(trace, (start, end), product, sorted(kept, key=lambda r: r["issued"]), near)
    names = _names(trace.scenario, _people(kept, near))
    mine = missed is not None and trace.commands["session"][_row_of(trace, missed)] == asked["session"]
    return evolve(
        told,
        focus=_query(asked, names, stale=missed is not None),
        own=mine,
        staleness=when - missed["committed"] if missed else 0.0,
        hidden=(*_hidden([missed]), *_overwritten(missed, asked, changes)) if missed else (),
        left_out=left_out,
    )


def _window_around(trace: Trace, asked: Row, missed: Row | None, changes: list[Row]) -> tuple[float, float]:
    """Choose a stretch from the command behind the change until the query and the change have been seen."""
    first = missed or next((c for c in changes if c["version"] == asked["seen_version"]), None)
    start = asked["asked"]
    if first:
        command = trace.commands.row(_row_of(trace, first), named=True)
        start = min(start, command["issued"])
    end = max(asked["answered"], first["shown"] if first and math.isfinite(first["shown"]) else 0.0)
    air = AIR * (end - start) or 0.5
    late = 4 * air if first and not math.isfinite(first["shown"]) else air
    return start - air, end + late


def _whole(trace: Trace) -> tuple[float, float]:
    """Give the run from its first message to its last, with some air."""
    first = min([*trace.commands["issued"].to_list(), *trace.queries["asked"].to_list()], default=0.0)
    air = AIR * (trace.until - first) or 0.5
    return first - air, trace.until + air


def _row_of(trace: Trace, change: Row) -> int:
    """Find the row of the command behind a change."""
    return int(trace.commands["id"].search_sorted(change["command"]))


def _commands(trace: Trace, start: float, end: float, product: int | None) -> list[Row]:
    """List the commands that anything of falls into the window, each with its change, if it made one."""
    changes = trace.changes.select(
        pl.col("command").alias("id"),
        *("committed", "sent", "delivered", "delay", "line", "outage", "taken", "handled", "visible"),
    )
    rows = trace.commands.join(changes, on="id", how="left")
    if product is not None:
        rows = rows.filter(product=product)
    last = pl.max_horizontal("issued", "finished", "committed", pl.col("delivered").list.max(), "visible")
    return rows.filter((pl.col("issued") <= end) & (last >= start)).sort("issued", "id").to_dicts()


def _queries(trace: Trace, start: float, end: float, product: int | None) -> list[Row]:
    """List the queries that were asked or answered in the window, each with its number."""
    rows = trace.queries.with_row_index("number")
    if product is not None:
        rows = rows.filter(product=product)
    rows = rows.filter((pl.col("asked") <= end) & (pl.col("answered") >= start)).sort("asked", "number")
    return rows.to_dicts()


def _messages_of(row: Row, window: tuple[float, float]) -> int:
    """Count the messages of a command in a window: itself, its answer, and each copy of its change."""
    return sum(_falls(message, window) for message in [*_way_in(row), *_way_out(row)])


def _with_shown(trace: Trace, product: int) -> list[Row]:
    """List a product's changes, each with when it was first shown, or a newer one; infinity for never."""
    return _shown(trace.changes.filter(product=product), trace.scenario.reader.apply).to_dicts()


def _shown(changes: pl.DataFrame, apply: Apply) -> pl.DataFrame:
    visible = pl.col("visible").fill_null(math.inf)
    seen = visible.cum_max() if apply == "delta" else visible.cum_min(reverse=True)
    return changes.sort("product", "version").with_columns(shown=seen.over("product"))


def _tell(
    trace: Trace,
    window: tuple[float, float],
    product: int | None,
    commands: Sequence[Row],
    queries: Sequence[Row],
) -> Exchange:
    """Make lanes, messages, stays and versions of the commands and queries that are told."""
    names = _names(trace.scenario, _people(commands, queries))
    messages: list[Message] = []
    stays: list[Stay] = []
    events: list[Event] = []
    several = product is None and len({row["product"] for row in [*commands, *queries]}) > 1
    serial = trace.scenario.link.order == "serial"
    for row in commands:
        messages += _way_in(row, names[row["session"]], several)
        messages += _way_out(row, serial)
        stays += [*_at_the_writer(row), *_at_the_reader(row)]
        times = ((WRITER, row["committed"]), (READER, row["visible"]))
        events += [Event(lane, row["version"], time) for lane, time in times if time is not None]
    messages += [_query(row, names, several, _is_stale(trace, row)) for row in queries]
    told = [row["id"] for row in commands if row["committed"] is not None]
    shown = _shown(trace.changes, trace.scenario.reader.apply).filter(pl.col("command").is_in(told))
    speak = {lane for m in messages if _falls(m, window) for lane in (m.sender, m.receiver)}
    lanes = [lane for lane in dict.fromkeys(names[one] for one in sorted(names)) if lane in speak]
    return Exchange(
        window=window,
        product=product,
        lanes=(*lanes, WRITER, LINK, READER),
        messages=tuple(m for m in sorted(messages, key=lambda m: (m.sent, m.received)) if _falls(m, window)),
        stays=tuple(stay for stay in stays if stay.start <= window[1] and window[0] <= stay.end),
        events=tuple(e for e in sorted(events, key=lambda e: e.time) if window[0] <= e.time <= window[1]),
        hidden=tuple(_hidden(shown.to_dicts())),
        clock=trace.clock,
    )


def _falls(message: Message, window: tuple[float, float]) -> bool:
    """Say whether any of a message's way falls into the window; one that never comes, only its start."""
    start, end = window
    last = message.sent if math.isinf(message.received) else message.received
    return message.sent <= end and start <= last


def _people(commands: Iterable[Row], queries: Iterable[Row]) -> list[int]:
    return sorted({row["session"] for row in [*commands, *queries]})


def _names(scenario: Scenario, people: Sequence[int]) -> dict[int, str]:
    """Name the lane of each person: the crowd's and their number in it, or of many the crowd's alone."""
    crowds = numbered(scenario)
    alone = len(people) <= PEOPLE
    names = {}
    for one in people:
        crowd = next((name for name, numbers in crowds.items() if one in numbers), "")
        several = crowd and len(crowds[crowd]) > 1
        names[one] = f"{crowd} {one - crowds[crowd].start + 1}" if several and alone else crowd or "you"
    return names if names else {SCRIPT: "you"}


def _way_in(row: Row, who: str = "", several: bool = False) -> list[Message]:
    """Make the command and its answer; one that came to nothing is still under way."""
    came = row["admitted"] if row["admitted"] is not None else math.inf
    if row["outcome"] == "shed":
        came = row["issued"]
    words = f"{row['kind']} {row['quantity']}" + (f" of {row['product']}" if several else "")
    command = Message("command", who, WRITER, row["issued"], came, words)
    if row["finished"] is None and row["outcome"] != "shed":
        return [command]
    answered = row["finished"] if row["finished"] is not None else row["issued"]
    says = {"rejected": row["reason"] or "rejected", "shed": "no room", "repeated": "done before"}
    return [command, Message("answer", WRITER, who, answered, answered, says.get(row["outcome"], "ok"))]


def _at_the_writer(row: Row) -> list[Stay]:
    if row["admitted"] is None or row["started"] is None:
        return []
    left = row["finished"] if row["finished"] is not None else row["started"]
    stays = [
        Stay(WRITER, "wait", row["admitted"], row["started"]),
        Stay(WRITER, "work", row["started"], left),
    ]
    return [stay for stay in stays if stay.end > stay.start]


def _way_out(row: Row, serial: bool = False) -> list[Message]:
    """Make a message of each copy of a change, if there is one: from when it was sent until it came out."""
    if row["committed"] is None:
        return []
    sent = row["sent"] if row["sent"] is not None else row["committed"]
    came = sorted(row["delivered"] or [math.inf])
    change = Message("change", WRITER, READER, sent, came[0], f"v{row['version']}")
    first = evolve(change, held=_held(change, row["delay"] or 0.0, serial))
    return [first, *(evolve(change, received=time) for time in came[1:])]


def _held(change: Message, delay: float, serial: bool) -> tuple[float, float] | None:
    """Say when a change was held that took longer than its own delay; in a serial link, before it set out."""
    held = change.received - change.sent - delay
    if math.isinf(held) or held <= 1e-9 * max(change.received, 1.0):
        return None
    start = change.sent if serial else change.received - held
    return start, start + held


def _at_the_reader(row: Row) -> list[Stay]:
    if row["taken"] is None or not row["delivered"]:
        return []
    came, done = min(row["delivered"]), row["visible"] if row["visible"] is not None else row["handled"]
    stays = [Stay(READER, "wait", came, row["taken"])]
    if done is not None:
        stays.append(Stay(READER, "work", row["taken"], done))
    return [stay for stay in stays if stay.end > stay.start]


def _query(row: Row, names: dict[int, str], several: bool = False, stale: bool = False) -> Message:
    words = f"sees v{row['seen_version']}" + (f" of {row['product']}" if several else "")
    return Message("query", names[row["session"]], READER, row["asked"], row["answered"], words, stale=stale)


def _is_stale(trace: Trace, row: Row) -> bool:
    """Say whether a query missed a version that was committed before it was asked."""
    missed = trace.changes.filter(
        pl.col("product") == row["product"],
        pl.col("version") > row["seen_version"],
        pl.col("committed") < row["asked"],
    )
    return not missed.is_empty()


def _hidden(changes: Iterable[Row]) -> list[Hidden]:
    """List which versions could not be seen, from when until when."""
    found = [Hidden(c["version"], c["committed"], c["shown"]) for c in changes]
    return sorted((one for one in found if one.shown > one.since), key=lambda h: (h.since, h.version))


def _overwritten(missed: Row, asked: Row, changes: Iterable[Row]) -> list[Hidden]:
    """Say since when an older version stood in the place of one that had been seen, and until when."""
    older = next((c for c in changes if c["version"] == asked["seen_version"]), None)
    if not missed["shown"] < asked["asked"] or older is None or older["visible"] is None:
        return []
    later = [c["visible"] for c in changes if c["version"] >= missed["version"] and c["visible"] is not None]
    back = min((time for time in later if time > older["visible"]), default=math.inf)
    return [Hidden(missed["version"], older["visible"], back, by=older["version"])]
