"""The nearest that Ciw has to the workload: a network of three nodes, fed with the same numbers.

Ciw knows customers and nodes and no data, so there is no product, no model
and no answer: commands queue at the writer and are under way at a node with
endless servers; looks, if wanted, are served at once at a node of their own.
All workers are one stream, and what is rejected travels as well. Ciw keeps a
record of every visit and cannot be told not to.
"""

import sys
from functools import partial
from pathlib import Path
from typing import Any

import ciw
import numpy as np
from ciw.dists import Deterministic, Sequential

from tests.bench.stopwatch import report
from tests.bench.warehouse import NO_DATA, Tally
from tests.bench.workload import Workload, read_workload

WRITER, NEVER = 1, np.inf


def gaps(when: Any) -> Any:
    """Give the times between arrivals; after the last one nobody comes."""
    return Sequential([*np.diff(np.sort(when), prepend=0.0).tolist(), NEVER])


def play(load: Workload, looks: bool) -> Tally:
    """Play the workload once, with or without those who only look."""
    arrays = load.arrays
    network = ciw.create_network(
        arrival_distributions=[
            gaps(arrays["worker_when"]),
            None,
            gaps(arrays["visitor_when"]) if looks else None,
        ],
        service_distributions=[
            Sequential(arrays["services"].tolist()),
            Sequential(arrays["delays"].tolist()),
            Deterministic(0.0),
        ],
        number_of_servers=[1, np.inf, np.inf],
        routing=[[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(NEVER)
    waits = [visit.waiting_time for visit in simulation.get_all_records() if visit.node == WRITER]
    return Tally(len(waits), sum(waits), NO_DATA, NO_DATA)


if __name__ == "__main__":
    report(partial(play, looks="looks=no" not in sys.argv), read_workload, Path(sys.argv[1]))
