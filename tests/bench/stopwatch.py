"""What every program of the benchmark prints when it is done, as one JSON object."""

import json
import resource
import sys
import time
from collections.abc import Callable

from tests.bench.warehouse import Tally


def report(play: Callable[[], Tally]) -> None:
    """Play, and print how long it took and what came of it.

    seconds: around the play alone, without imports and without reading the
    workload. cpu_seconds: how much of that the process had a core for; on a
    machine where nobody else works it is the same. peak_bytes: the most
    memory that the whole process ever had, the interpreter, its libraries and
    the workload included.
    """
    began, cpu_began = time.perf_counter(), time.process_time()
    tally = play()
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
