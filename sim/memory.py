"""Memory: what is freed is kept for the next array, rather than given back and asked for anew.

Linux hands memory out in pages of 4 kB, each when it is first written to, and
glibc gives a large array's back as soon as it is freed. A fifth of a run of
10⁵ commands would pass with that, and an eighth of one of 10⁷. On other
systems nothing here does anything.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX = -1, -3, -4  # glibc's, by their numbers in malloc.h
LARGE = 32 * 2**20  # bytes of an array that the system is asked for alone: the most that glibc takes
SOME, ALL = 2 * LARGE, 2**31 - 1  # bytes that are kept of what is freed
OFTEN = 65536  # how many large arrays the system may be asked for: what glibc begins with

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
_glibc = _libc if hasattr(_libc, "malloc_trim") else None


@contextmanager
def kept(numbers: int) -> Iterator[None]:
    """Keep all that is freed while arrays of so many numbers are made, and afterwards what smaller ones need.

    What is kept lies in large pages, where such can be had: numpy asks for
    them where it makes a large array, which is never written to here.
    """
    if _glibc is None:
        yield
        return
    _glibc.mallopt(MMAP_THRESHOLD, LARGE)
    _glibc.mallopt(TRIM_THRESHOLD, SOME)
    np.empty(LARGE - 2**20, np.int8)
    if 8 * numbers < LARGE:
        yield
        return
    _glibc.mallopt(MMAP_MAX, 0)
    _glibc.mallopt(TRIM_THRESHOLD, ALL)
    try:
        yield
    finally:
        _glibc.mallopt(MMAP_MAX, OFTEN)
        _glibc.mallopt(TRIM_THRESHOLD, SOME)
        _glibc.malloc_trim(0)
