"""What every process of a pool begins with: imported once, before the first of them begins."""

import gc

import numpy.ma  # noqa: F401  # by polars, when it meets the first array

import sim.comparison
import sim.sweeps  # noqa: F401

gc.freeze()  # what is there now stays: no process looks through it for garbage, or copies it for that
