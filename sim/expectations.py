"""What a scenario expects, held against what was found, with the doubt that there is about it."""

import math
from typing import Literal

from sim.metrics import Summary
from sim.scenario import Expect

Verdict = Literal["holds", "fails", "not resolved"]
MARGIN = 1.1  # so many times what the spread so far makes likely, for the spread itself is uncertain


def verdict(expect: Expect, summary: Summary) -> Verdict:
    """Hold an expectation against the 95 % interval of its number.

    It is not resolved if the bound lies inside the interval: other luck might
    say otherwise. Where there is no interval the number decides alone: of one
    run, or of what grows as long as the run lasts. What was never seen fails.
    """
    found = summary.estimate(expect.metric)
    ends = {expect.holds(found.estimate if end is None else end) for end in (found.low, found.high)}
    return "not resolved" if len(ends) > 1 else "holds" if ends == {True} else "fails"


def would_tell(expect: Expect, summary: Summary) -> float:
    """Say how many replications are likely to resolve an expectation that is not; infinite if none are.

    Half an interval shrinks as 1/√n; the bound on what was never seen, 3/n, as 1/n.
    """
    found = summary.estimate(expect.metric)
    assert found.low is not None
    assert found.high is not None
    off = abs(found.estimate - expect.bound)
    if not off:
        return math.inf
    if found.estimate == found.low:
        return summary.replications * found.high / off
    return MARGIN * summary.replications * ((found.high - found.low) / 2 / off) ** 2
