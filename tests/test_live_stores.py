"""One body of tests for every store, the simulated one among them where it can be."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import polars as pl
import psycopg
import pytest
import trio
from attrs import evolve

import sim
from sim.cli import main
from sim.durations import Seconds
from sim.inventory import Change, Intent, Stock
from sim.live import servers
from sim.live.ports import Entry, NoStore, StoreLost
from sim.live.proxy import LOCAL
from sim.live.stage import run
from sim.live.stores import store_at
from sim.scenario import Crash, Scenario
from sim.scenario_file import parse_scenario
from sim.stage import Failed
from sim.trace import Trace, check, load_trace
from sim.worker import Person, worker
from tests.test_live import busy

STORES = ["sqlite", "postgresql", "valkey"]
SERVERS = {"postgresql": servers.postgresql, "valkey": servers.valkey}


@contextmanager
def address_of(kind: str) -> Iterator[str]:
    """Start the server of a store, if it has one; skip with the reason where there is none."""
    if kind not in SERVERS:
        yield kind
        return
    try:
        with SERVERS[kind]() as address:
            yield address
    except NoStore as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module", params=STORES)
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the address of a store of each kind."""
    with address_of(request.param) as address:
        yield address


def play(scenario: Scenario, address: str, folder: Path) -> Trace:
    """Play on a store, or simulate, and check what must always hold."""
    trace = sim.run(scenario) if address == "simulated" else run(scenario, address, folder).trace
    check(trace)
    return trace


def test_simulated_commands_queries_and_restarts(tmp_path: Path) -> None:
    """What holds for every store holds for the model of one."""
    assert_nothing_is_lost(play(crashing(4, 0.5, seed=1), "simulated", tmp_path))


def test_commands_queries_and_restarts(address: str, tmp_path: Path) -> None:
    """Whoever hears nothing asks again; what was accepted before is known by its id, after a restart too."""
    assert_nothing_is_lost(play(crashing(4, 0.5, seed=1), address, tmp_path))


def test_the_ports(address: str, tmp_path: Path) -> None:
    """Committed together, given in order, applied once; all of it is there for whoever opens it again."""
    first, second, third = Change(1, 1, 4, 4), Change(1, 2, 7, 3), Change(2, 1, 5, 5)

    async def use() -> None:
        async with store_at(address, tmp_path)(True) as stores:
            assert await stores.read.see(1) is None
            assert await stores.write.commit([Entry(9, first), Entry(None, second)]) == 2
            assert await stores.write.commit([Entry(None, third)]) == 3
            await stores.read.apply([second], 2)
            await stores.read.apply([first], 1)
        async with store_at(address, tmp_path)(False) as stores:
            held = await stores.write.load()
            assert (held.model, held.last) == ({1: Stock(7, 2), 2: Stock(5, 1)}, 3)
            assert held.accepted == {9: first}
            assert [tuple(note) for note in await stores.feed.next(1)] == [(2, second), (3, third)]
            assert (await stores.read.load(), await stores.read.position()) == ({1: Stock(7, 2)}, 2)

    trio.run(use)


def test_a_feed_hears_of_a_commit_at_once(address: str, tmp_path: Path) -> None:
    """Long before it would look again by itself."""

    async def use() -> float:
        async with store_at(address, tmp_path)(True) as stores, trio.open_nursery() as nursery:
            heard = trio.Event()

            async def listen() -> None:
                while not await stores.feed.next(0):
                    pass
                heard.set()

            nursery.start_soon(listen)
            await trio.sleep(0.2)
            began = trio.current_time()
            await stores.write.commit([Entry(None, Change(1, 1, 1, 1))])
            await heard.wait()
            return trio.current_time() - began

    assert trio.run(use) < 0.5


@pytest.mark.slow
def test_two_hundred_cancellations(address: str, tmp_path: Path) -> None:
    """The reader and the writer, a hundred times each: nothing answered is lost, nothing doubled."""
    for seed in range(5):
        trace = play(crashing(20, 4.0, seed), address, tmp_path)
        assert_nothing_is_lost(trace)


def crashing(times: int, duration: float, seed: int) -> Scenario:
    """Let both actors crash so often, at random; their workers ask again after 50 ms."""
    luck = random.Random(seed)

    def crashes() -> tuple[Crash, ...]:
        return tuple(
            Crash(Seconds(at), Seconds(0.001))
            for at in sorted(luck.uniform(0, duration) for _ in range(times))
        )

    scenario = busy(duration=f"{duration}s", workers__timeout="50ms", workers__attempts="9", seed=str(seed))
    return evolve(
        scenario,
        writer=evolve(scenario.writer, crashes=crashes()),
        reader=evolve(scenario.reader, crashes=crashes()),
    )


def assert_nothing_is_lost(trace: Trace) -> None:
    """Every answer stands, each command was done at most once, and both models agree."""
    summary = sim.summarise(trace)
    assert summary.value("divergence_at_end") == 0
    key = pl.coalesce("repeats", "id")
    done = trace.commands.filter(pl.col("outcome") == "accepted").select(key=key)
    assert done["key"].is_unique().all()
    answered = trace.commands.filter(pl.col("finished").is_not_null() & pl.col("version").is_not_null())
    committed = trace.changes.select("product", "version")
    assert answered.join(committed, on=["product", "version"], how="anti").is_empty()
    last = trace.changes.group_by("product").agg(pl.col("quantity_after").last())
    models = trace.models.join(last, on="product")
    assert models.filter(pl.col("held") != pl.col("quantity_after")).is_empty()


CHILD = """
import sys
from pathlib import Path
from sim.live.stage import run
from sim.scenario_file import parse_scenario

async def tell(me, intents):
    for intent in intents:
        print("asks", intent.product, flush=True)
        answer = await me.ask(intent)
        if hasattr(answer, "version"):
            print("done", answer.product, answer.version, answer.quantity, flush=True)

scenario, folder, address, *replica = sys.argv[1:]
run(parse_scenario(Path(scenario).read_text()), address, Path(folder), 0, tell, False, *replica)
"""
ENDLESS = """
title = "until it is killed"
duration = "1h"
[products]
count = 5
[[workers]]
count = 8
think = "exponential(1ms)"
[writer]
batch = 8
[link]
delay = "exponential(2ms)"
"""


def killed(times: int, folder: Path, luck: random.Random, *addresses: str) -> list[str]:
    """Kill a live run on a store at random, so many times, and give what it had said."""
    (folder / "endless.toml").write_text(ENDLESS)
    said = []
    for _ in range(times):
        command = [sys.executable, "-c", CHILD, str(folder / "endless.toml"), str(folder), *addresses]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout
            said.append(child.stdout.readline())
            time.sleep(luck.uniform(0, 0.5))
            child.send_signal(signal.SIGKILL)
            whole, _, _ = child.stdout.read().rpartition("\n")  # the last line may be cut
            said += whole.splitlines()
    return said


def assert_the_store_keeps(said: list[str], address: str, folder: Path) -> None:
    """Once the reader has caught up, each answer stands."""
    quiet = parse_scenario('title = "catch up"\nduration = "10ms"')
    run(quiet, address, folder, fresh=False)

    async def read() -> tuple[dict[int, Stock], dict[int, Stock], list[Change]]:
        async with store_at(address, folder)(False) as stores:
            held, shown = await stores.write.load(), await stores.read.load()
            notes = await stores.feed.next(0)
        return dict(held.model), dict(shown), [note.change for note in notes]

    assert_each_answer_stands(said, *trio.run(read))


def assert_each_answer_stands(
    said: list[str], held: dict[int, Stock], shown: dict[int, Stock], changes: list[Change]
) -> None:
    """Each answer is a commit with that quantity; none was done twice; both models agree in the end."""
    done = [tuple(map(int, line.split()[1:])) for line in said if line.startswith("done ")]
    asked = sum(line.startswith("asks") for line in said)
    assert held == shown
    assert {*done} <= {(c.product, c.version, c.quantity) for c in changes}
    assert len({*done}) == len(done) <= len(changes) <= asked
    assert sum(c.moved for c in changes) == sum(stock.quantity for stock in held.values())


@pytest.mark.slow
def test_twenty_kills(address: str, tmp_path: Path) -> None:
    """One after the other, upon the same store; the server lives on."""
    trio.run(_emptied, address, tmp_path)
    assert_the_store_keeps(killed(20, tmp_path, random.Random(2), address), address, tmp_path)


async def _emptied(address: str, folder: Path) -> None:
    async with store_at(address, folder)(True):
        pass


def test_a_killed_process_loses_no_answer(tmp_path: Path) -> None:
    """After SIGKILL, the reader catches up when it starts again."""
    assert_the_store_keeps(killed(1, tmp_path, random.Random(1), "sqlite"), "sqlite", tmp_path)


# What can be the matter with a server.


@pytest.mark.parametrize("kind", SERVERS)
def test_a_server_that_dies_ends_the_run_and_keeps_the_trace(kind: str, tmp_path: Path) -> None:
    """One message without the password; nothing hangs."""
    with ExitStack() as server:
        address = server.enter_context(address_of(kind))

        async def kills_it(me: Person, intents: Iterator[Intent]) -> None:
            if me.number == 1:
                await me.clock.sleep_until(0.2)
                await trio.to_thread.run_sync(server.close)
            await worker(me, intents)

        with pytest.raises(Failed) as failed:
            run(busy(duration="20s"), address, tmp_path, worker=kills_it)
    assert isinstance(failed.value.__cause__, StoreLost)
    assert str(failed.value.__cause__).startswith(f"{kind}://127.0.0.1:")
    assert password_in(address) not in str(failed.value)
    assert len(failed.value.trace.changes) > 10
    assert failed.value.trace.until < 10
    check(failed.value.trace)


@pytest.mark.parametrize("kind", SERVERS)
def test_no_server_and_a_wrong_password(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is one line, exit 2; no password is said, be it right or wrong."""
    with address_of(kind) as address:
        wrong = address.replace(password_in(address), "hunter2")
        status, said = complaint(capsys, "run", "story", "--on", wrong, "--out", str(tmp_path))
        assert (status, said.count("\n"), "hunter2" in said) == (2, 1, False)
        assert "password" in said
    status, said = complaint(capsys, "run", "story", "--on", address, "--out", str(tmp_path))
    assert (status, said.count("\n"), password_in(address) in said) == (2, 1, False)
    assert said.startswith(f"{kind}://127.0.0.1:")


OF_ANOTHER_VERSION = {"postgresql": "update sim_store.schema set version = 7", "valkey": "set sim:schema 7"}


@pytest.mark.parametrize("kind", SERVERS)
def test_a_store_of_another_version(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing in it is touched, exit 2."""
    with address_of(kind) as address:
        trio.run(_emptied, address, tmp_path)
        tell(address, OF_ANOTHER_VERSION[kind])
        status, said = complaint(capsys, "run", "story", "--on", address, "--out", str(tmp_path))
    assert (status, said.count("\n")) == (2, 1)
    assert "a store of schema version 7, where this program knows 1; " in said


COUNT = {"postgresql": "select count(*) from sim_store.outbox", "valkey": "xlen sim:outbox"}
HANG_UP = """
select count(pg_terminate_backend(pid)) from pg_stat_activity
where pid <> pg_backend_pid() and backend_type = 'client backend'
"""


@pytest.mark.parametrize("kind", SERVERS)
def test_a_connection_that_breaks(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line and exit 3; the trace so far is kept, and the password is not."""
    with ExitStack() as server:
        address = server.enter_context(address_of(kind))

        def cut() -> None:
            while committed(kind, address) < 20:
                time.sleep(0.02)
            if kind == "postgresql":
                tell(address, HANG_UP)
            else:  # whose client would connect again
                server.close()

        cutter = Thread(target=cut, daemon=True)
        cutter.start()
        endless = ("--set", "duration=60s", "--on", address, "--out", str(tmp_path))
        status, said = complaint(capsys, "run", "flash-sale", *endless)
        cutter.join()
    assert (status, said.count("\n")) == (3, 1)
    assert said.startswith(f"flash-sale: {kind}://127.0.0.1:")
    trace = load_trace(tmp_path)
    check(trace)
    assert (trace.complete, len(trace.changes) > 10) == (False, True)
    assert password_in(address) not in said + kept(tmp_path)


def committed(kind: str, address: str) -> int:
    """Count what is in the outbox; 0 if there is none yet."""
    try:
        return int(tell(address, COUNT[kind]).strip(":"))
    except psycopg.Error:
        return 0


def tell(address: str, words: str) -> str:
    """Say something to a server, and give its first answer."""
    if address.startswith("postgresql"):
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(words.encode())
            return str(cursor.fetchall()[0][0]) if cursor.description else ""
    with socket.create_connection((LOCAL, urlsplit(address).port or 0)) as connected:
        connected.sendall(f"AUTH {password_in(address)}\r\n{words}\r\n".encode())
        with connected.makefile(encoding="utf-8") as answers:
            return [answers.readline().strip() for _ in range(2)][1]


def kept(folder: Path) -> str:
    """Give all that a run has left in its folder, as if it were text."""
    return b"".join(path.read_bytes() for path in folder.iterdir()).decode(errors="ignore")


@pytest.mark.slow
def test_no_password_is_kept(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither in what is printed nor in what is saved, under its name or in a file."""
    with address_of("postgresql") as address, pytest.raises(SystemExit):
        main(["run", "story", "--on", address, "--out", str(tmp_path)])
    printed = "".join(capfd.readouterr())
    assert "the read model says 0" in printed
    assert password_in(address) not in printed + kept(tmp_path)


def test_a_server_that_ends_at_once_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that cannot start says so in its own log; here it is known as soon as it has gone."""
    broken = tmp_path / "valkey-server"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    gone = "valkey-server was started for this run, and has ended at once"
    with pytest.raises(NoStore, match=gone), servers.valkey():
        pytest.fail("it has no address")


@pytest.mark.parametrize(("kind", "module"), [("postgresql", "psycopg"), ("valkey", "coredis")])
def test_a_store_whose_extra_is_missing(
    kind: str, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what to install."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(NoStore, match=rf"--on {kind} needs {module}: pip install 'cqrs-sim\[\w+\]'"):
        store_at(kind, tmp_path)


def password_in(address: str) -> str:
    """Take the password out of an address."""
    return address.partition("@")[0].rpartition(":")[2]


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run `sim`, and give its status and what it says on standard error."""
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    return int(end.value.code or 0), capsys.readouterr().err
