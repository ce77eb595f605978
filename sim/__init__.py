"""A laboratory for eventual consistency: run a CQRS system on virtual time and measure its reads.

    import sim

    trace = sim.run("flash-sale")            # everything that happened, as tables
    summary = sim.summarise(trace)           # every metric of that one run
    summary = sim.measure("flash-sale")      # of ten runs, with intervals
    table = sim.sweep("flash-sale", {"link.delay": "10ms..80ms"})

What is imported from here is loaded when it is first used, so that
`sim --help` need not wait for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from sim.engines import run as run
    from sim.library import load_scenario as load_scenario
    from sim.metrics import Summary as Summary
    from sim.metrics import summarise as summarise
    from sim.replicate import measure as measure
    from sim.scenario import Scenario as Scenario
    from sim.studies.comparison import compare as compare
    from sim.studies.solution import solve as solve
    from sim.studies.sweeps import sweep as sweep
    from sim.trace import Trace as Trace
    from sim.trace import check as check
    from sim.trace import load_trace as load_trace

_HOMES = {
    "Scenario": "sim.scenario",
    "Summary": "sim.metrics",
    "Trace": "sim.trace",
    "check": "sim.trace",
    "compare": "sim.studies.comparison",
    "load_scenario": "sim.library",
    "load_trace": "sim.trace",
    "measure": "sim.replicate",
    "run": "sim.engines",
    "solve": "sim.studies.solution",
    "summarise": "sim.metrics",
    "sweep": "sim.studies.sweeps",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'sim' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
