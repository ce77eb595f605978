"""The figures: one function each, which takes data and axes, draws, and returns the figure.

They compute nothing that could be measured. What is imported from here is
loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.plots.blame import blame_waterfall as blame_waterfall
    from sim.plots.canvas import as_svg as as_svg
    from sim.plots.canvas import as_svg_without_halos as as_svg_without_halos
    from sim.plots.canvas import save as save
    from sim.plots.forecast import predicted as predicted
    from sim.plots.grid import Side as Side
    from sim.plots.grid import heatmap as heatmap
    from sim.plots.lag import lag_over_time as lag_over_time
    from sim.plots.load import LOAD as LOAD
    from sim.plots.load import Knob as Knob
    from sim.plots.load import Line as Line
    from sim.plots.load import hockey_stick as hockey_stick
    from sim.plots.percentiles import percentiles_by_nines as percentiles_by_nines
    from sim.plots.queue import queue_over_time as queue_over_time
    from sim.plots.spacetime import space_time as space_time
    from sim.plots.visibility import t_visibility as t_visibility

_HOMES = {
    "LOAD": "sim.plots.load",
    "Knob": "sim.plots.load",
    "Line": "sim.plots.load",
    "Side": "sim.plots.grid",
    "as_svg": "sim.plots.canvas",
    "as_svg_without_halos": "sim.plots.canvas",
    "blame_waterfall": "sim.plots.blame",
    "heatmap": "sim.plots.grid",
    "hockey_stick": "sim.plots.load",
    "lag_over_time": "sim.plots.lag",
    "percentiles_by_nines": "sim.plots.percentiles",
    "predicted": "sim.plots.forecast",
    "queue_over_time": "sim.plots.queue",
    "save": "sim.plots.canvas",
    "space_time": "sim.plots.spacetime",
    "t_visibility": "sim.plots.visibility",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'sim.plots' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
