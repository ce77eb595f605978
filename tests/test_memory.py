import resource
import sys
from pathlib import Path

import numpy as np
import pytest

from sim.memory import kept

N = 2 * 10**7


def held() -> float:
    """Say how much memory this process has, as so many arrays of N numbers."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * resource.getpagesize() / (8 * N)


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is told")
def test_what_is_freed_is_kept_while_it_lasts_and_given_back_afterwards() -> None:
    """A large array's memory is there for the next one, and nobody has it when all is done."""
    with kept(N):
        pass  # whatever there was before is given back
    before = held()
    np.ones(N)
    given_back = held()
    with kept(N):
        np.ones(N)
        still_there = held()
    after = held()
    assert [round(now - before, 1) for now in (given_back, still_there, after)] == [0.0, 1.0, 0.0]
