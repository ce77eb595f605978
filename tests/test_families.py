import numpy as np
import pytest

from sim.distributions import parse_distribution
from sim.families import nearest

LAWS = [
    "20ms",
    "uniform(10ms, 30ms)",
    "exponential(20ms)",
    "lognormal(p50=20ms, p99=200ms)",
    "gamma(mean=20ms, cv=0.3)",
    "pareto(minimum=5ms, alpha=2.5)",
]


@pytest.mark.parametrize("text", LAWS)
def test_a_family_is_found_again(text: str) -> None:
    """From 5,000 draws: the family and about the mean; off by no more than chance: P < 1e-4 for 2.23/√n."""
    law = parse_distribution(text)
    likeness = nearest(law.draw(np.random.default_rng(5), 5000).tolist())
    assert type(likeness.law) is type(law)
    assert likeness.law.mean == pytest.approx(law.mean, rel=0.1)
    assert likeness.distance < 2.23 / np.sqrt(5000)


def test_what_is_found_is_short_enough_to_read() -> None:
    """Four digits of each parameter, which is what the text says and the same law again."""
    draws = parse_distribution("gamma(mean=20ms, cv=0.3)").draw(np.random.default_rng(5), 5000)
    law = nearest(draws.tolist()).law
    assert parse_distribution(str(law)) == law
    assert len(str(law)) < len("gamma(mean=20.12ms, cv=0.3012)") + 2


def test_what_no_family_looks_like() -> None:
    """Three in four take no time: the constant 0 is off by the fourth, and any other by more."""
    likeness = nearest([0.0, 0.0, 0.0, 0.1])
    assert (str(likeness.law), likeness.distance) == ("0s", 0.25)


def test_two_kinds_of_durations() -> None:
    """As many of 10 ms as of 1 s: whatever stands in for them, half of one kind is somewhere else."""
    assert nearest([0.01] * 50 + [1.0] * 50).distance > 0.2
