import contextlib
import os
import re
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

import sim
from sim.cli import main
from sim.inventory import Change, Intent, Stock
from sim.live.clock import RealClock
from sim.live.limits import Unfit
from sim.live.ports import NoStore, Seat, StoreLost
from sim.live.sqlite import open_sqlite
from sim.live.stage import Recording, run
from sim.replay.timeline import timeline
from sim.scenario import Scenario
from sim.scenario_file import parse_scenario
from sim.stage import Failed
from sim.trace import check, load_trace
from sim.worker import Person, worker

LOAD = """
title = "busy"
duration = "400ms"
[products]
count = 5
stock = 3
[[workers]]
count = 20
pace = "poisson(400/s)"
add = 0.5
quantity = "integers(1, 3)"
[[queries]]
count = 5
pace = "poisson(200/s)"
[writer]
batch = 16
[link]
delay = "exponential(2ms)"
"""


def busy(**keys: str) -> Scenario:
    """Give a busy while, with some keys set otherwise."""
    return parse_scenario(LOAD, settings={key.replace("__", "."): value for key, value in keys.items()})


def played(scenario: Scenario, folder: Path, address: str = "sqlite") -> Recording:
    """Play live, and check what must always hold."""
    recording = run(scenario, address, folder)
    check(recording.trace)
    return recording


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recording, Path]:
    """Play once for all who only look at what came of it, and give it with its folder."""
    folder = tmp_path_factory.mktemp("live")
    return played(busy(), folder), folder


def test_a_live_trace_is_measured_like_any_other(recorded: tuple[Recording, Path]) -> None:
    """Every metric, on what really happened; both models agree in the end, and stand in the files."""
    recording, folder = recorded
    trace, summary = recording.trace, sim.summarise(recording.trace)
    assert (trace.engine, trace.complete, summary.value("divergence_at_end")) == ("sqlite", True, 0)
    assert timeline(trace).clock == "real time"
    assert summary.value("visibility_lag.p50") > 0.0005
    assert 0 < summary.value("writer_utilisation") < 1
    assert summary.value("blocked_fraction") == 0
    rows = "select product, quantity, version from products where version > 0 order by product"
    for name, columns in (("write", ["held", "held_version"]), ("read", ["shown", "shown_version"])):
        with contextlib.closing(sqlite3.connect(folder / f"{name}.sqlite")) as database:
            assert database.execute(rows).fetchall() == trace.models.select("product", *columns).rows()


def test_the_same_plan_is_played_live(recorded: tuple[Recording, Path]) -> None:
    """Who wants what when is the simulation's; each look is asked no sooner than it was meant."""
    live, simulated = recorded[0].trace, sim.run(busy())
    plan = ["worker", "product", "kind", "quantity", "intended"]
    assert live.commands.select(plan).equals(simulated.commands.select(plan))
    late = live.queries["asked"].sort() - simulated.queries["asked"].sort()
    assert len(live.queries) == len(simulated.queries)
    assert late.min() >= 0  # type: ignore[operator]


def test_the_instruments_are_measured(recorded: tuple[Recording, Path]) -> None:
    """The clock ticks, a look takes its time, and a sleeper wakes no sooner than it wanted to."""
    apparatus = recorded[0].apparatus
    median, p99, worst = apparatus.late
    assert 0 < apparatus.resolution < 1e-3
    assert 1e-6 < apparatus.look < 1
    assert 0 < median <= p99 <= worst
    assert "the generator was late by" in str(apparatus)


def test_a_live_trace_is_saved_and_loaded(recorded: tuple[Recording, Path], tmp_path: Path) -> None:
    """With the scenario as it was played: the writer's service is the one that was measured."""
    trace = recorded[0].trace
    trace.save(tmp_path / "saved")
    loaded = load_trace(tmp_path / "saved")
    assert (loaded.fingerprint, loaded.scenario) == (trace.fingerprint, trace.scenario)
    assert 1e-5 < trace.scenario.writer.service.mean != busy().writer.service.mean


def test_the_link_means_the_same_live(tmp_path: Path) -> None:
    """A change takes its 50 ms, and one that is lost for good is never seen."""
    trace = played(busy(link__delay="50ms", link__loss="0.2"), tmp_path).trace
    lag = (trace.changes["visible"] - trace.changes["committed"]).drop_nulls()
    assert lag.min() >= 0.05  # type: ignore[operator]
    assert 0.02 < trace.changes["visible"].null_count() / len(trace.changes) < 0.5


def test_a_poll_waits_in_real_time(tmp_path: Path) -> None:
    """Nobody sees anything but at a poll, ten times a second."""
    trace = played(busy(reader__poll="100ms", reader__batch="1000"), tmp_path).trace
    assert trace.changes["polled"].n_unique() <= 6


def test_what_cannot_be_played_live_is_refused_by_name(tmp_path: Path) -> None:
    """All of it at once, and nothing is run."""
    scenario = busy(architecture="unsafe", writer__publish="1ms", reader__apply="delta")
    with pytest.raises(Unfit, match=r"(?s)architecture: .*writer.publish: .*reader.apply: "):
        run(scenario, "sqlite", tmp_path)
    with pytest.raises(NoStore, match="--on oracle: no such store; there is sqlite, postgresql, valkey"):
        run(busy(), "oracle", tmp_path)


def test_a_second_run_begins_with_nothing(tmp_path: Path) -> None:
    """In the same two files; the versions begin with 1 again, or the check would fail."""
    counts = [len(played(busy(duration="100ms"), tmp_path).trace.changes) for _ in range(2)]
    assert min(counts) > 10


# What can be the matter with a store.


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run `sim`, and give its status and what it says on standard error."""
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    return int(end.value.code or 0), capsys.readouterr().err


def test_a_file_that_is_no_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is left alone, and named."""
    (tmp_path / "write.sqlite").write_text("a letter to my aunt, which is longer than a header" * 9)
    assert complaint(capsys, "run", "story", "--on", "sqlite", "--out", str(tmp_path)) == (
        2,
        f"{tmp_path}/write.sqlite: no SQLite database; move it away, or choose another folder\n",
    )


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("pragma user_version = 7", "a store of schema version 7, where this program knows 1; move it away"),
        ("pragma application_id = 1", "a database of something else; choose another folder"),
    ],
)
def test_a_database_of_something_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], statement: str, said: str
) -> None:
    """Of another version of this program, or of another program: nothing in it is touched."""
    played(busy(duration="10ms"), tmp_path)
    with contextlib.closing(sqlite3.connect(tmp_path / "read.sqlite")) as database:
        database.execute(statement)
    status, err = complaint(capsys, "run", "story", "--on", "sqlite", "--out", str(tmp_path))
    assert (status, err) == (2, f"{tmp_path}/read.sqlite: {said}\n")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 1 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_ends_the_run_and_keeps_the_trace(small_disk: Path) -> None:
    """One message that names the file; what had happened until then is there."""
    with pytest.raises(Failed) as failed:
        run(busy(duration="60s", workers__pace="poisson(2000/s)"), "sqlite", small_disk)
    assert isinstance(failed.value.__cause__, StoreLost)
    assert str(failed.value.__cause__).endswith(".sqlite: the disk is full")
    check(failed.value.trace)
    assert len(failed.value.trace.changes) > 20


def test_a_full_disk_is_said_and_nothing_more(small_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 3: where the trace has no room either, that is said too."""
    arguments = ["--set", "duration=60s", "--set", "products.count=1000", "--on", "sqlite"]
    status, err = complaint(capsys, "run", "flash-sale", *arguments, "--out", str(small_disk))
    unsaved, full = err.splitlines()
    assert (status, unsaved) == (3, f"!  not saved in {small_disk}: No space left on device")
    assert re.fullmatch(rf"flash-sale: {small_disk}/\w+.sqlite: the disk is full \(after .* s\)", full)


@pytest.mark.slow
def test_a_file_that_somebody_else_has_locked(tmp_path: Path) -> None:
    """It is waited for a while, and then the run ends; what had happened until then is there."""
    with contextlib.closing(sqlite3.connect(tmp_path / "write.sqlite")) as other:

        async def locks_it(me: Person, intents: Iterator[Intent]) -> None:
            if me.number == 1:
                await me.clock.sleep_until(0.2)
                other.execute("begin immediate")
            await worker(me, intents)

        with pytest.raises(Failed, match=r"write\.sqlite: database is locked") as failed:
            run(busy(duration="60s"), "sqlite", tmp_path, worker=locks_it)
    check(failed.value.trace)
    assert len(failed.value.trace.changes) > 10


def test_a_store_that_does_not_answer_is_given_up() -> None:
    """Nothing hangs: the thread is left behind, and the run goes on to its end."""
    with pytest.raises(StoreLost, match=r"the store has not answered for 0.05 s"):
        trio.run(Seat("the store", patience=0.05).do, lambda: time.sleep(0.5))


def test_options_that_do_not_go_with_real_time(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is run; the password in an address is not repeated."""
    status, err = complaint(
        capsys, "run", "story", "--on", "postgresql://me:secret@nowhere/db", "--check-determinism"
    )
    assert (status, "leave out --engine" in err, "secret" in err) == (2, True, False)


async def test_the_agenda_keeps_real_time() -> None:
    """In the order of time, and of two for the same instant the first made comes first; none too early."""
    clock, done = RealClock(), []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(clock.keep)
        await trio.sleep(0.01)
        for at, name in ((0.05, "b"), (0.03, "a"), (0.05, "c")):
            clock.call_at(at, lambda name: done.append((name, clock.now)), name)
        await clock.sleep_until(0.08)
        nursery.cancel_scope.cancel()
    assert [name for name, _ in done] == ["a", "b", "c"]
    assert all(now >= at for (_, now), at in zip(done, (0.03, 0.05, 0.05), strict=True))


async def test_an_older_version_changes_nothing(tmp_path: Path) -> None:
    """The read store is idempotent, and its position never goes back."""
    async with open_sqlite(tmp_path, fresh=True) as stores:
        await stores.read.apply([Change(1, 2, 7, 3)], 2)
        await stores.read.apply([Change(1, 1, 4, 4)], 1)
        assert await stores.read.see(1) == Stock(7, 2)
        assert await stores.read.position() == 2
