import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

from sim.pool.executors import crew, in_any_order, side_by_side
from sim.pool.processes import process_pool

SCRIPT = """
import sim
settings = {"duration": "500ms", "warmup": "0s", "replications": "2"}
print(sim.measure("flash-sale", jobs=2, settings=settings).replications)
"""
PRESSED = """
import sys
from sim.pool.processes import get_ready
try:
    get_ready("pressed", "wave")
except KeyboardInterrupt:
    print("wave" in sys.modules)
"""
ONLY_MEASURED = """
import sys
import sim.pool.provisions
from sim.library import load_scenario
from sim.replicate import play
for engine in ("array", "trio"):
    play(load_scenario("slow-link", {"duration": "5s", "warmup": "1s"}), 0, engine)
print("polars" in sys.modules)
"""


def fragile(parent: int, number: int) -> int:
    """Give the number back; of the second one, a process other than the parent dies."""
    if number == 1 and os.getpid() != parent:
        os._exit(1)
    return number


def deadly(folder: Path, number: int) -> int:
    """Give the number back; the first process that is given 0 dies, and each that is given 1."""
    if number == 1 or (number == 0 and not (folder / "tried").exists()):
        (folder / "tried").touch()
        os._exit(1)
    return number


@pytest.mark.parametrize("jobs", [1, 2])
def test_work_that_costs_a_process_its_life_is_done_here(jobs: int) -> None:
    """Results come in the order of the tasks, and none is missing though a process was killed."""
    tasks = [(os.getpid(), number) for number in range(5)]
    assert list(side_by_side(fragile, tasks, jobs)) == [0, 1, 2, 3, 4]


def test_ctrl_c_waits_for_imports_and_is_not_lost(tmp_path: Path) -> None:
    """Pressed while one of two modules is imported; both are there when it is heard."""
    (tmp_path / "pressed.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n")
    assert told_by(PRESSED, tmp_path) == ["True"]


def test_polars_is_imported_by_no_process_that_only_measures() -> None:
    """It takes a tenth of a second; frames are made but where the last to arrive wins, or models differ."""
    assert told_by(ONLY_MEASURED) == ["False"]


def told_by(script: str, folder: Path | None = None) -> list[str]:
    """Run a script in a fresh process, in a folder; give the words that it prints."""
    words = [sys.executable, "-c", script]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.stdout.split()


def test_what_dies_with_its_process_is_tried_again(tmp_path: Path) -> None:
    """A second death of the same work leaves it without a result; a process that was killed loses nothing."""
    deaths: list[int] = []
    tasks = [(tmp_path, number) for number in range(4)]
    found = in_any_order(deadly, tasks, jobs=2, on_death=lambda: deaths.append(1))
    assert dict(found) == {0: 0, 1: None, 2: 2, 3: 3}
    assert len(deaths) == 1


def test_a_crew_keeps_its_processes_until_one_of_them_dies(tmp_path: Path) -> None:
    """One lot of tasks after the other is done by the same ones; then there are others."""
    lots = [[(tmp_path, 2), (tmp_path, 3)], [(tmp_path, 4)], [(tmp_path, 0), (tmp_path, 5)], [(tmp_path, 6)]]
    there: list[set[int | None]] = []
    with crew(jobs=2) as hands:
        for lot in lots:
            assert dict(hands.do(deadly, lot)) == {place: number for place, (_, number) in enumerate(lot)}
            there.append({process.pid for process in multiprocessing.active_children()})
    first, second, _, last = there
    assert (len(first), first == second, first & last) == (2, True, set())


def test_work_is_done_here_or_by_whatever_executor_is_given() -> None:
    """Each task has its number, in whatever order they end."""
    tasks = [(number, 2) for number in range(100)]
    here = dict(in_any_order(pow, tasks, jobs=1))
    with ThreadPoolExecutor(3) as threads:
        assert dict(in_any_order(pow, tasks, executor=threads)) == here
    assert here[9] == 81


def test_a_process_of_the_pool_keeps_to_one_core() -> None:
    """With as many processes as cores, more threads would only be in each other's way."""
    with process_pool(1) as pool:
        assert pool.submit(pl.thread_pool_size).result() == 1


def test_all_processes_of_a_pool_begin_at_once() -> None:
    """None begins later, when there is work and nobody idle: it would hear of Ctrl-C, and run the script."""
    before = multiprocessing.active_children()
    with process_pool(24) as pool:
        begun = {process.pid for process in multiprocessing.active_children() if process not in before}
        assert (len(begun), pool.submit(os.getpid).result() in begun) == (24, True)


def test_a_pool_that_fails_takes_only_its_own_processes_with_it() -> None:
    """Whoever has begun processes of their own keeps them."""
    theirs = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    theirs.start()
    try:
        with suppress(KeyboardInterrupt), process_pool(2) as pool:
            ours = pool.submit(os.getpid).result()
            raise KeyboardInterrupt
        assert theirs.is_alive()
        with pytest.raises(ProcessLookupError):
            os.kill(ours, 0)
    finally:
        theirs.kill()
        theirs.join()


@pytest.mark.slow
def test_a_script_need_not_ask_whether_it_is_the_main_one(tmp_path: Path) -> None:
    """The processes that it opens do not start it again."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("2\n", "")


GOES_AWAY = """
import time
from sim.pool.processes import process_pool
try:
    with process_pool(2) as pool:
        pool.submit(time.sleep, 0.01).result()
        for _ in range(4):
            pool.submit(bytes, 400_000_000)
        time.sleep(0.5)
        raise KeyboardInterrupt
except KeyboardInterrupt:
    print("gone")
"""


@pytest.mark.slow
def test_who_goes_away_does_not_wait_for_the_rest_of_a_result() -> None:
    """Of a process that is killed while it sends a large one, half of it has come, and no more will."""
    done = subprocess.run([sys.executable, "-c", GOES_AWAY], capture_output=True, text=True, timeout=60)
    assert done.stdout == "gone\n"
