"""What every process of a pool begins with: imported once, before the first of them begins."""

import gc

gc.disable()  # an import makes much that stays: to look through it for garbage takes a seventh of the time

import sim.studies.comparison  # noqa: E402
import sim.studies.lots  # noqa: E402, F401

gc.enable()
gc.freeze()  # what is there now stays: no process looks through it for garbage, or copies it for that
