"""Rows that belong together because they bear the same number, found in arrays of all of them."""

import numpy as np

from sim.distributions import Floats, Ints


def before(product: Ints, time: Floats, wanted: Ints, asked: Floats) -> tuple[Ints, Ints, Ints, Ints]:
    """Find, for each who asks for a product at an instant, what had happened to it before.

    Events come in the order of time. Given are their rows, product by product;
    and for each who asks, where in those rows the product's events begin, which
    is the first that did not come before the instant, and where they end.
    """
    rows, asking = by_number(product), by_number(wanted)
    products, times = product[rows], time[rows]
    starts = begins(wanted[asking])
    different = wanted[asking][starts]
    lows, highs = np.searchsorted(products, different), np.searchsorted(products, different, side="right")
    place = np.empty(len(wanted), np.int64)
    spans = np.diff(starts, append=len(wanted))
    for some, low, high in zip(np.split(asking, starts[1:]), lows, highs, strict=False):
        place[some] = low + np.searchsorted(times[low:high], asked[some])
    low, high = np.empty_like(place), np.empty_like(place)
    low[asking], high[asking] = np.repeat(lows, spans), np.repeat(highs, spans)
    return rows, low, place, high


def by_number(numbers: Ints) -> Ints:
    """Give the places of numbers in their order, equal ones in theirs; small ones are sorted by digits."""
    small = numbers.max(initial=0) < 2**15
    return np.argsort(numbers.astype(np.int16) if small else numbers, kind="stable")


def begins(grouped: Ints) -> Ints:
    """Give the places at which another number begins."""
    return np.flatnonzero(np.diff(grouped, prepend=-1))
