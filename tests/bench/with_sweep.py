"""A sweep of 6 × 6 cells of 10⁴ commands each, on some cores of this machine: CORES REPLICATIONS ENGINE.

The time is that of the whole sweep, with the start of its processes and what
is imported on the way, but without what is imported with the function itself.
"""

import json
import os
import sys
import time

import sim

VARY = {"link.delay": "10ms..320ms", "writer.service": "exponential(1ms..6ms/1ms)"}
SETTINGS = {"workers.pace": "poisson(100/s)", "duration": "100s", "warmup": "0s"}


def main(cores: int, replications: str, engine: str) -> dict[str, float]:
    """Play the sweep on so many cores, one process on each; give the seconds that it took."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cores:])
    play = sim.sweep  # which is loaded here
    began = time.perf_counter()
    play("saturation", VARY, settings=SETTINGS | {"replications": replications}, jobs=cores, engine=engine)
    return {"seconds": time.perf_counter() - began}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), sys.argv[2], sys.argv[3])))
