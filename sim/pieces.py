"""Pieces of long arrays: what is asked of each row alone is worked out for some of them at a time.

What is made on the way then fits the processor's cache, and takes no memory to speak of.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

ROWS = 2**15  # of a piece


def pieces(rows: int) -> list[slice]:
    """Cut so many rows into pieces; there is at least one, be it empty."""
    return [slice(first, first + ROWS) for first in range(0, max(rows, 1), ROWS)]


def each(work: Callable[..., NDArray[Any]], *columns: NDArray[Any], gives: DTypeLike) -> NDArray[Any]:
    """Give what `work` makes of each row, from pieces of the columns."""
    found = np.empty(len(columns[0]), gives)
    for piece in pieces(len(found)):
        found[piece] = work(*(column[piece] for column in columns))
    return found
