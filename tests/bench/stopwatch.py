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
    workload. peak_bytes: the most memory that the whole process ever had,
    the interpreter, its libraries and the workload included.
    """
    began = time.perf_counter()
    tally = play()
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = {
        "commands": tally.commands,
        "seconds": seconds,
        "mean_wait": tally.waited / tally.commands,
        "accepted": tally.accepted,
        "seen": tally.seen,
        "peak_bytes": peak if sys.platform == "darwin" else 1024 * peak,
    }
    print(json.dumps(told))
