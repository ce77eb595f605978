"""Which engine plays a scenario: the actors, or array arithmetic where it can."""

from collections.abc import Mapping
from pathlib import Path

from sim import arrays, library, stage
from sim.scenario import Scenario
from sim.trace import Trace
from sim.wording import unknown
from sim.worker import Worker, worker

ENGINES = ("trio", "array", "auto")


def run(
    scenario: Scenario | str | Path,
    replication: int = 0,
    settings: Mapping[str, str] | None = None,
    worker: Worker = worker,
    engine: str = "trio",
) -> Trace:
    """Play a scenario once, on virtual time, and return everything that happened.

    The scenario may be given by its name or path, with some keys set
    otherwise: run("flash-sale", settings={"link.delay": "50ms"}). Replications
    of one seed draw from independent streams. `worker` stands in for the
    workers that the scenario describes (see sim.worker).

    Every engine gives the same trace. "trio" plays the actors; "array" is
    faster, and raises arrays.Refused where workers wait for what happens;
    "auto" is "array" where it can be, and "trio" elsewhere. For what else may
    be raised, see stage.run.
    """
    scenario = library.load_scenario(scenario, settings)
    if engine not in ENGINES:
        raise ValueError(unknown("engine", engine, ENGINES))
    if engine != "trio":
        try:
            return _by_arrays(scenario, replication, worker)
        except arrays.Refused:
            if engine == "array":
                raise
    return stage.run(scenario, replication, worker)


def _by_arrays(scenario: Scenario, replication: int, act: Worker) -> Trace:
    if act is not worker:
        raise arrays.Refused("a worker of one's own may do anything, which only the actors can follow")
    return arrays.run(scenario, replication)
