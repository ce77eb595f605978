import asyncio
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator

import hypothesis.strategies as st
import polars as pl
import pytest
import trio
from hypothesis import given, settings

import sim
from sim.clock import Stuck
from sim.distributions import Constant
from sim.durations import Seconds
from sim.inventory import NOT_ENOUGH, Intent
from sim.scenario import Link, Order, Products, Scenario, Step
from sim.scenario_file import parse_scenario
from sim.stage import Failed, Interrupted
from sim.trace import Trace, check
from sim.worker import Person, Worker, worker

QUICK = """
title = "quick"
duration = "3s"
[products]
count = 5
popularity = "zipf(1.0)"
stock = 3
[[workers]]
count = 7
pace = "poisson(200/s)"
add = 0.5
quantity = "integers(1, 4)"
[[queries]]
count = 3
pace = "poisson(100/s)"
[inbox]
capacity = 4
[writer]
service = "exponential(4ms)"
[link]
delay = "lognormal(p50=20ms, p99=200ms)"
order = "fifo"
"""

TOGETHER = """
title = "all wake at the same instants"
duration = "2s"
[[workers]]
name = "left"
count = 5
pace = "constant(50/s)"
[[workers]]
name = "right"
count = 5
pace = "constant(50/s)"
[[queries]]
count = 5
pace = "constant(50/s)"
[writer]
service = "20ms"
[link]
delay = "20ms"
"""


def test_the_story_happens_to_the_instant() -> None:
    """Ten are added, zero is read, a second later ten; 25 cannot be removed; the run goes on."""
    trace = sim.run("story")
    commands = trace.commands.select("issued", "kind", "quantity", "outcome", "reason", "finished")
    assert commands.rows() == [
        (0.0, "add", 10, "accepted", None, 0.0),
        (1.8, "remove", 25, "rejected", NOT_ENOUGH, 1.8),
        (2.0, "remove", 4, "accepted", None, 2.0),
    ]
    changes = trace.changes.select("version", "quantity_after", "committed", "delivered", "visible", "copies")
    assert changes.rows() == [(1, 10, 0.0, [1.0], 1.0, 1), (2, 6, 2.0, [3.0], 3.0, 1)]
    queries = trace.queries.select("asked", "answered", "seen_version", "seen_quantity")
    assert queries.rows() == [(0.0, 0.0, 0, 0), (1.5, 1.5, 1, 10), (2.5, 2.5, 1, 10), (3.5, 3.5, 2, 6)]


def test_the_link_is_a_delay_line() -> None:
    """Two changes sent 1 ms apart with a delay of 1 s arrive 1 ms apart."""
    trace = _scripted(("0s", "add", 1), ("1ms", "add", 1), delay="1s")
    assert trace.changes["visible"].to_list() == pytest.approx([1.0, 1.001], abs=1e-12)


@pytest.mark.parametrize(
    ("order", "visible"),
    [
        ("independent", [1.0, 1.001, 1.002]),
        ("fifo", [1.0, 1.001, 1.002]),
        ("serial", [1.0, 2.0, 3.0]),
    ],
)
def test_a_serial_link_is_a_server_and_the_others_are_not(order: str, visible: list[float]) -> None:
    """Under a constant delay only `serial` makes a change wait for its predecessor."""
    trace = _scripted(("0s", "add", 1), ("1ms", "add", 1), ("2ms", "add", 1), delay="1s", order=order)
    assert trace.changes["visible"].to_list() == pytest.approx(visible, abs=1e-12)


def test_a_link_without_delay_delivers_to_the_last_change() -> None:
    """What arrives at the very instant at which it was sent still arrives."""
    trace = _scripted(("0s", "add", 1), ("1s", "add", 1), delay="0s")
    assert trace.changes["visible"].to_list() == [0.0, 1.0]


def test_under_fifo_no_change_arrives_before_its_predecessor_and_independently_some_do() -> None:
    """Head-of-line blocking keeps the order that chance would break."""
    fifo = _quick(link_order="fifo").changes["delivered"].list.first()
    free = _quick(link_order="independent").changes["delivered"].list.first()
    assert fifo.is_sorted()
    assert not free.is_sorted()
    assert (fifo >= free).all()  # the same luck: who waits for a predecessor only comes later


def test_a_newest_wins_read_model_never_goes_back_and_a_last_arrival_one_does() -> None:
    """With changes that overtake, only the version check keeps a reader from showing older stock."""
    newest = sim.summarise(_quick(link_order="independent"))
    arrival = sim.summarise(_quick(link_order="independent", apply="arrival"))
    assert newest.value("monotonic_read_violations") == 0
    assert arrival.value("monotonic_read_violations") > 0


def test_changing_one_knob_leaves_every_other_draw_as_it_was() -> None:
    """With another link, everything up to the commits is the same, row by row."""
    one, other = _quick(), _quick(delay="1s")
    columns = ["product", "version", "committed"]
    assert one.commands.equals(other.commands)
    assert one.changes.select(columns).equals(other.changes.select(columns))
    assert not one.changes.equals(other.changes)


def test_a_full_channel_makes_workers_wait_or_drops_what_they_bring() -> None:
    """Under `wait` everything is decided in the end; under `shed` the rest is counted."""
    waited, shed = _quick(), _quick(when_full="shed")
    assert (waited.commands["admitted"] > waited.commands["issued"]).any()
    assert waited.commands["outcome"].is_in(["accepted", "rejected"]).all()
    assert (shed.commands["outcome"] == "shed").any()
    assert (
        shed.commands.filter(outcome="shed")["admitted"].null_count()
        == (shed.commands["outcome"] == "shed").sum()
    )


@pytest.mark.slow
def test_the_same_seed_is_the_same_run_in_eight_processes() -> None:
    """Fingerprints agree whatever PYTHONHASHSEED says, also where all wake at the same instants."""
    code = "import sys, sim; from sim.scenario_file import parse_scenario as p; "
    code += "print(*(sim.run(p(text)).fingerprint for text in sys.argv[1:]))"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, QUICK, TOGETHER],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in range(1, 9)
    ]
    prints = [process.communicate(timeout=60)[0].split() for process in processes]
    assert prints == [[sim.run(parse_scenario(text)).fingerprint for text in (QUICK, TOGETHER)]] * 8


def test_another_seed_is_another_run() -> None:
    """Nothing but the seed differs, and nothing is the same."""
    one, other = (sim.run(parse_scenario(f"seed = {seed}\n{QUICK}")) for seed in (1, 2))
    assert one.fingerprint != other.fingerprint


STEPS = st.lists(
    st.builds(
        Step,
        at=st.integers(0, 50).map(lambda tick: tick / 10),
        do=st.sampled_from(["add", "remove"]),
        product=st.integers(1, 3),
        quantity=st.integers(1, 20),
    ),
    max_size=40,
)


@settings(max_examples=100)
@given(
    STEPS,
    st.integers(0, 5),
    st.sampled_from(["independent", "fifo", "serial"]),
    st.sampled_from([0.0, 0.1, 1.0]),
)
def test_once_drained_the_read_model_is_the_write_model(
    steps: list[Step], stock: int, order: Order, delay: float
) -> None:
    """Whatever is added and removed: versions 1, 2, 3…, no negative stock, every change seen once."""
    link, products = Link(delay=Constant(delay), order=order), Products(count=3, stock=stock)
    trace = sim.run(Scenario("any", duration=Seconds(10), products=products, link=link, steps=tuple(steps)))
    check(trace)
    held = dict.fromkeys((1, 2, 3), stock)
    for row in trace.commands.sort("started", "id", maintain_order=True).iter_rows(named=True):
        if row["outcome"] == "accepted":
            held[row["product"]] += row["quantity"] if row["kind"] == "add" else -row["quantity"]
    shown = dict.fromkeys((1, 2, 3), stock)
    last = trace.changes.drop_nulls("visible").sort("product", "version").group_by("product").last()
    shown.update(last.select("product", "quantity_after").iter_rows())
    assert shown == held
    assert trace.changes["quantity_after"].min() in (None, *range(1000))
    assert trace.changes["delivered"].list.len().to_list() == [1] * len(trace.changes)
    assert sim.summarise(trace).value("divergence_at_end") == 0


def test_a_run_works_where_asyncios_loop_is_running() -> None:
    """As in a notebook's cell."""

    async def cell() -> str:
        await asyncio.sleep(0)
        return sim.run("story").fingerprint

    assert asyncio.run(cell()) == sim.run("story").fingerprint


async def presses_ctrl_c(me: Person, intents: Iterator[Intent]) -> None:
    """Work as everybody does; the first one presses Ctrl-C after two and a half minutes."""
    async with trio.open_nursery() as hands:
        hands.start_soon(worker, me, intents)
        if me.number == 1:
            await me.clock.sleep_until(150.0)
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_keeps_what_was_recorded() -> None:
    """The trace so far comes with the interrupt, and can be checked and measured."""
    endless = parse_scenario(QUICK.replace('"3s"', '"10min"'))
    with pytest.raises(Interrupted, match=r"interrupted at 15\d\.\d{3} s of 600 s") as interrupted:
        sim.run(endless, worker=presses_ctrl_c)
    trace = interrupted.value.trace
    check(trace)
    assert not trace.complete
    assert 150 <= trace.until < 160
    summary = sim.summarise(trace)
    assert summary.counts["command_latency"] > 0
    assert (summary.virtual_seconds, summary.diverged) == (trace.until, ())
    assert trace.commands["issued"].max() <= trace.until  # type: ignore[operator]


def test_a_run_lasts_as_long_as_it_was_meant_to() -> None:
    """A last event before the end of the duration does not shorten what is measured."""
    trace = _scripted(("0s", "add", 1), ("1s", "query", 1), delay="10ms")
    assert (trace.until, trace.window) == (5.0, (0.0, 5.0))
    assert sim.summarise(trace).counts["staleness"] == 1


def _quick(**changed: str) -> Trace:
    """Play the quick scenario, with some lines put differently."""
    text = QUICK.replace('order = "fifo"', f'order = "{changed.pop("link_order", "fifo")}"')
    if "delay" in changed:
        text = text.replace("lognormal(p50=20ms, p99=200ms)", changed.pop("delay"))
    if "apply" in changed:
        text += f'[reader]\napply = "{changed.pop("apply")}"\n'
    if "when_full" in changed:
        text = text.replace("capacity = 4", f'capacity = 4\nwhen_full = "{changed.pop("when_full")}"')
    assert not changed
    trace = sim.run(parse_scenario(text))
    check(trace)
    return trace


def _scripted(*steps: tuple[str, str, int], delay: str, order: str = "fifo") -> Trace:
    """Play a script of (at, do, product) on an instant writer and one product."""
    text = 'title = "x"\nduration = "5s"\n[writer]\nservice = "0s"\n'
    text += f'[link]\ndelay = "{delay}"\norder = "{order}"\n'
    for at, do, product in steps:
        text += f'[[steps]]\nat = "{at}"\ndo = "{do}"\nproduct = {product}\n'
    trace = sim.run(parse_scenario(text))
    check(trace)
    return trace


def test_the_tables_have_the_columns_that_were_agreed() -> None:
    """Name, order and type of every column, as the design says."""
    trace = _quick()
    assert {name: str(kind) for name, kind in trace.queries.schema.items()} == {
        "session": "Int32",
        "product": "Int32",
        "asked": "Float64",
        "answered": "Float64",
        "seen_version": "Int32",
        "seen_quantity": "Int64",
    }
    assert trace.changes.schema["delivered"] == pl.List(pl.Float64)
    assert trace.commands.columns == [
        "id", "worker", "session", "product", "kind", "quantity", "intended", "issued",
        "admitted", "started", "finished", "outcome", "version", "reason", "repeats",
    ]  # fmt: skip


async def clumsy(me: Person, intents: Iterator[Intent]) -> None:
    """Divide by zero at once."""
    raise ZeroDivisionError("a hand slipped")


async def waits_for_ever(me: Person, intents: Iterator[Intent]) -> None:
    """Wait for something that nobody will do."""
    await trio.sleep_forever()


@pytest.mark.parametrize(("act", "what"), [(clumsy, Failed), (waits_for_ever, Stuck)])
def test_how_a_run_ended_can_be_told_to_another_process(act: Worker, what: type[Exception]) -> None:
    """An error that could not be made again there would break the pool that it came from."""
    with pytest.raises(what) as ended:
        sim.run(parse_scenario(QUICK), worker=act)
    told = pickle.loads(pickle.dumps(ended.value))
    assert (type(told), str(told)) == (what, str(ended.value))
    assert vars(told).keys() == vars(ended.value).keys()


def test_how_far_an_interrupted_run_got_can_be_told_to_another_process() -> None:
    """With all that had happened until then."""
    interrupted = Interrupted(sim.run(parse_scenario(QUICK)))
    told = pickle.loads(pickle.dumps(interrupted))
    assert (str(told), told.trace.fingerprint) == (str(interrupted), interrupted.trace.fingerprint)
