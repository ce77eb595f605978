"""What every program of the benchmark prints when it is done, as one JSON object."""

import gc
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tests.bench import SMALL
from tests.bench.warehouse import Tally

Load = TypeVar("Load")


def report(play: Callable[[Load], Tally], read: Callable[[Path], Load], folder: Path) -> None:
    """Play the workload in a folder, and print how long it took and what came of it.

    Before that, a small one of the same kind is played, and what is left of it
    and of the imports is collected: what a program and its libraries do but
    once, when they are first used, is no part of what a command costs.

    seconds: around the play alone, without imports and without reading the
    workload, which is nobody's business but the benchmark's. Ours draw their
    plan in the play, as they do in any run; the others are given what was
    drawn. cpu_seconds: how much of that the process had a core for; on a
    machine where nobody else works it is the same. peak_bytes: the most memory
    that the whole process ever had, the interpreter, its libraries and the
    workload included.
    """
    play(read(folder / SMALL))
    load = read(folder)
    gc.collect()
    began, cpu_began = time.perf_counter(), time.process_time()
    tally = play(load)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = {
        "commands": tally.commands,
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "mean_wait": tally.waited / tally.commands,
        "accepted": tally.accepted,
        "seen": tally.seen,
        "peak_bytes": peak if sys.platform == "darwin" else 1024 * peak,
    }
    print(json.dumps(told))
