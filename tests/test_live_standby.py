import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trio
from attrs import evolve

import sim
from sim.cli import main
from sim.durations import Seconds
from sim.inventory import Change, Intent, Stock
from sim.live import servers
from sim.live.announced import Announced
from sim.live.clock import RealClock
from sim.live.limits import Unfit, measured
from sim.live.ports import Entry, NoStore, StoreLost
from sim.live.postgres import name_of, open_postgresql, session
from sim.live.proxy import Wire
from sim.live.stage import run
from sim.live.standby import catch_up, open_pair
from sim.live.watcher import Watch
from sim.log import Log
from sim.plan import plan_commands, plan_queries
from sim.scenario import Crash, Link, Outage, Reader, Scenario, Slow
from sim.stage import Failed, stocked
from sim.trace import Trace, check
from sim.worker import Person, worker
from sim.writer import Store
from tests.test_live import busy, complaint
from tests.test_live_stores import (
    address_of,
    assert_each_answer_stands,
    assert_nothing_is_lost,
    crashing,
    kept,
    killed,
    password_in,
)

Addresses = tuple[str, str]


@pytest.fixture(scope="module")
def pair() -> Iterator[Addresses]:
    """Give the addresses of a PostgreSQL and of its hot standby."""
    with address_of("postgresql") as primary, servers.standby_of(primary) as standby:
        yield primary, standby


def play(scenario: Scenario, pair: Addresses, folder: Path) -> Trace:
    """Play on a pair, and check what must always hold."""
    primary, standby = pair
    trace = run(scenario, primary, folder, replica=standby).trace
    check(trace)
    return trace


def steady(scenario: Scenario) -> Scenario:
    """Leave out the crashes of the reader, for there is none."""
    return evolve(scenario, reader=evolve(scenario.reader, crashes=()))


def test_commands_queries_and_restarts(pair: Addresses, tmp_path: Path) -> None:
    """As on every other store; what the link took is measured, and is what the scenario says afterwards."""
    trace = play(steady(crashing(4, 0.5, seed=1)), pair, tmp_path)
    assert_nothing_is_lost(trace)
    assert trace.engine == "postgresql with a standby"
    lag = trace.changes["visible"] - trace.changes["sent"]
    assert lag.to_list() == trace.changes["delay"].to_list()
    assert trace.scenario.link.delay.mean == pytest.approx(lag.mean())


def test_the_ports(pair: Addresses) -> None:
    """What is committed here can be seen there; what was there before is seen by whoever opens it again."""

    async def use() -> None:
        async with open_pair(*pair, fresh=True) as stores:
            assert (await stores.read.see(1), await stores.read.position()) == (None, 0)
            assert (
                await stores.write.commit([Entry(9, Change(1, 1, 4, 4)), Entry(None, Change(1, 2, 7, 3))])
                == 2
            )
        async with open_pair(*pair, fresh=False) as stores:
            assert await stores.read.see(1) == Stock(7, 2)
            assert (await stores.read.load(), await stores.read.position()) == ({1: Stock(7, 2)}, 2)
            assert (await stores.write.load()).accepted == {9: Change(1, 1, 4, 4)}

    trio.run(use)


def test_a_look_may_be_ahead_of_the_writer(pair: Addresses, tmp_path: Path) -> None:
    """The primary answers once the standby shows it: who looks knows first, and waits for the writer."""
    on_the_primary(pair, "alter system set synchronous_standby_names = '*'", "select pg_reload_conf()")
    on_the_primary(pair, "alter role sim set synchronous_commit = 'remote_apply'")
    try:
        play(busy(queries__pace="poisson(2000/s)", products__count="1"), pair, tmp_path)
    finally:
        on_the_primary(pair, "alter system reset synchronous_standby_names", "select pg_reload_conf()")
        on_the_primary(pair, "alter role sim reset synchronous_commit")


def on_the_primary(pair: Addresses, *statements: str) -> None:
    """Say something to the primary."""
    with session(pair[0]) as primary:
        for statement in statements:
            primary.connection.execute(statement.encode())


def test_a_wire_plays_the_link(tmp_path: Path) -> None:
    """Between servers of the run's own: 50 ms, and nothing comes out of an outage but at its end."""
    scenario = busy(link__delay="50ms")
    scenario = evolve(scenario, link=evolve(scenario.link, outages=(Outage(Seconds(0.15), Seconds(0.2)),)))
    trace = play(scenario, ("postgresql", "postgresql"), tmp_path)
    assert (trace.complete, trace.scenario.link) == (True, scenario.link)
    assert sim.summarise(trace).value("divergence_at_end") == 0
    visible = trace.changes["visible"]
    lag = visible - trace.changes["committed"]
    assert lag.min() > 0.025  # type: ignore[operator]  # the writer hears of a commit a little later
    assert visible.is_between(0.25, 0.35).sum() == 0
    assert (trace.changes["committed"] < 0.3).sum() > 50
    assert lag.max() > 0.15  # type: ignore[operator]


@pytest.mark.slow
def test_forty_crashes_over_a_wire(tmp_path: Path) -> None:
    """Of the writer; what is lost on the wire is sent again."""
    scenario = steady(crashing(40, 4.0, seed=3))
    scenario = evolve(scenario, link=evolve(scenario.link, loss=0.1, resend=Seconds(0.02)))
    assert_nothing_is_lost(play(scenario, ("postgresql", "postgresql"), tmp_path))


@pytest.mark.slow
def test_ten_kills(pair: Addresses, tmp_path: Path) -> None:
    """One after the other, upon the same servers, which live on."""

    async def read(fresh: bool) -> tuple[dict[int, Stock], dict[int, Stock]]:
        async with open_pair(*pair, fresh) as stores:
            return dict((await stores.write.load()).model), dict(await stores.read.load())

    async def changes() -> list[Change]:
        async with open_postgresql(pair[0], fresh=False) as stores:
            return [note.change for note in await stores.feed.next(0)]

    trio.run(read, True)
    said = killed(10, tmp_path, random.Random(4), *pair)
    assert_each_answer_stands(said, *trio.run(read, False), trio.run(changes))


# What can be the matter with a pair.


@pytest.mark.parametrize(
    ("replica", "refused"),
    [
        (
            "postgresql",
            "reader.batch reader.poll reader.crashes link.order link.duplicates link.resend",
        ),
        (
            "postgresql://standby/db",
            "reader.batch reader.poll reader.crashes link.order link.duplicates "
            "link.loss link.outages link.slow",
        ),
    ],
)
def test_what_a_standby_cannot_do_is_refused_by_name(replica: str, refused: str, tmp_path: Path) -> None:
    """All of it at once, and nothing is run."""
    crash, when = Crash(Seconds(1.0), Seconds(1.0)), (Seconds(1.0), Seconds(1.0))
    link = Link(order="independent", loss=0.1, duplicates=0.1, outages=(Outage(*when),), slow=(Slow(*when),))
    reader = Reader(batch=2, poll=Seconds(1.0), crashes=(crash,))
    with pytest.raises(Unfit) as unfit:
        run(evolve(busy(), link=link, reader=reader), "postgresql", tmp_path, replica=replica)
    first, *lines = str(unfit.value).splitlines()
    assert first == "this cannot be played on a standby:"
    assert [line.partition(":")[0].strip() for line in lines] == refused.split()


def test_what_is_measured_of_a_standby() -> None:
    """Between servers of their own, the link too."""
    assert measured(busy(), "postgresql") == ["writer.service and writer.commit"]
    assert measured(busy(), "postgresql://standby/db") == ["writer.service and writer.commit", "link.delay"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--replica", "postgresql"], "--replica goes with --on: --on postgresql --replica postgresql"),
        (
            ["--on", "sqlite", "--replica", "postgresql"],
            "--replica takes a hot standby of PostgreSQL: --on postgresql --replica postgresql",
        ),
        (
            ["--on", "postgresql", "--replica", "postgresql://me:secret@nowhere/db"],
            "--on and --replica: give the addresses of both servers, or of neither",
        ),
    ],
)
def test_addresses_that_do_not_go_together(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, exit 2, and nothing is started."""
    assert complaint(capsys, "run", "story", *arguments) == (2, f"{said}\n")


def test_servers_that_are_no_pair(pair: Addresses, capsys: pytest.CaptureFixture[str]) -> None:
    """Whichever is not what it should be is named, exit 2; nothing is written, and no password is said."""
    primary, standby = pair
    there, here = name_of(primary), name_of(standby)
    elsewhere = primary.replace("/postgres", "/template1")
    wrong = standby.replace(password_in(standby), "hunter2")

    def said(on: str, replica: str) -> str:
        status, words = complaint(capsys, "run", "story", "--on", on, "--replica", replica)
        assert (status, words.count("\n")) == (2, 1)
        assert not {password_in(primary), "hunter2"} & {*words.replace(":", " ").split()}
        return words.strip()

    assert said(primary, primary) == f"{there}: no standby: it replays nobody's log"
    assert said(standby, standby) == f"{here}: a standby, where --on takes the primary"
    assert said(elsewhere, standby) == f"{here}: another database than {name_of(elsewhere)}"
    assert said(primary, wrong) == f'{here}: password authentication failed for user "sim"'


@pytest.mark.slow
def test_a_standby_of_another_server(pair: Addresses) -> None:
    """It replays a log, but not that one."""
    with address_of("postgresql") as other, pytest.raises(NoStore, match="a standby of another server than"):
        trio.run(opened, other, pair[1])


async def opened(primary: str, standby: str) -> None:
    """Open a pair, and nothing more."""
    async with open_pair(primary, standby, fresh=True):
        pass


def test_a_standby_that_replays_no_more(pair: Addresses) -> None:
    """Nothing hangs, neither before a run nor in its middle; what the wire holds up is waited for."""

    async def use() -> None:
        async with open_pair(*pair, fresh=True) as stores:
            on_the_standby(pair, "select pg_wal_replay_pause()")
            log, change = Log(plan_commands(busy(), 0), plan_queries(busy(), 0)), Change(1, 1, 4, 4)
            await stores.write.commit([Entry(None, change)])
            log.commit(0, change, 0.0)
            with (
                session(pair[0]) as primary,
                session(pair[1]) as standby,
                pytest.raises(NoStore, match=r"has not caught up for 0\.1 s"),
            ):
                await catch_up(primary.connection, standby, 0.1)
            store, clock = Store(stocked(busy()), by_id=True, notes=True), RealClock()
            held_up = evolve(stores, wire=Wire(0, last=0.2))
            watch = Watch(held_up, Announced(0, 0, 0), store, {}, Stock(), clock, log, patience=0.1)
            try:
                await watch.watch()
            finally:
                assert clock.now > 0.3

    try:
        with pytest.raises(StoreLost, match=f"{name_of(pair[1])} has shown nothing new for 0.1 s"):
            trio.run(use)
    finally:
        on_the_standby(pair, "select pg_wal_replay_resume()")


def on_the_standby(pair: Addresses, statement: str) -> None:
    """Say something to the standby."""
    on_the_primary((pair[1], pair[0]), statement)


def test_a_standby_that_dies_ends_the_run_and_keeps_the_trace(pair: Addresses, tmp_path: Path) -> None:
    """One message without the password; nothing hangs."""
    with ExitStack() as server:
        standby = server.enter_context(servers.standby_of(pair[0]))

        async def kills_it(me: Person, intents: Iterator[Intent]) -> None:
            if me.number == 1:
                await me.clock.sleep_until(0.2)
                await trio.to_thread.run_sync(server.close)
            await worker(me, intents)

        with pytest.raises(Failed) as failed:
            run(busy(duration="20s"), pair[0], tmp_path, worker=kills_it, replica=standby)
    assert isinstance(failed.value.__cause__, StoreLost)
    assert str(failed.value.__cause__).startswith(name_of(standby))
    assert password_in(standby) not in str(failed.value)
    assert len(failed.value.trace.changes) > 10
    assert failed.value.trace.until < 10
    check(failed.value.trace)


@pytest.mark.slow
def test_no_password_of_a_pair_is_kept(
    pair: Addresses, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither in what is printed nor in what is saved, as tables or as a page."""
    short = ["--set", "duration=1s", "--set", "warmup=0s", "--set", "reader.batch=1"]
    for arguments in (
        ["run", "flash-sale", *short, "--on", pair[0], "--replica", pair[1], "--out", str(tmp_path)],
        ["report", str(tmp_path)],
    ):
        with pytest.raises(SystemExit):
            main(arguments)
    printed = "".join(capfd.readouterr())
    assert "1 s in real time on postgresql with a standby" in printed
    assert "measured, not played: writer.service and writer.commit, link.delay" in printed
    assert {path.name for path in tmp_path.iterdir()} >= {"report.html", "trace.json", "lag.png"}
    assert password_in(pair[0]) not in printed + kept(tmp_path)
