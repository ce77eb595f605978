import math

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

import sim
from sim.expectations import MARGIN, Verdict, verdict, would_tell
from sim.metrics import Estimate, Summary
from sim.scenario import Expect
from sim.terminal.claims import expectation_line, verdict_row, verdicts_line

SCENARIO = sim.load_scenario("story", {"link.delay": "100ms"})
PLAYED = sim.summarise(sim.run(SCENARIO))
RESTS = Estimate(0.0, 0.0, 0.03)


def found(estimate: Estimate, replications: int = 10) -> Summary:
    """Make a summary with this mean staleness."""
    metrics = PLAYED.metrics | {"staleness": {**PLAYED.metrics["staleness"], "mean": estimate}}
    return evolve(PLAYED, replications=replications, metrics=metrics)


@pytest.mark.parametrize(
    ("estimate", "below", "above"),
    [
        (Estimate(2.0, 1.0, 3.0), "not resolved", "not resolved"),
        (Estimate(2.0, 1.9, 2.1), "not resolved", "not resolved"),
        (Estimate(1.0, 0.5, 1.5), "holds", "fails"),
        (Estimate(3.0, 2.5, 3.5), "fails", "holds"),
        (Estimate(1.5, 1.0, 2.0), "not resolved", "fails"),
        (Estimate(2.5, 2.0, 3.0), "fails", "not resolved"),
        (Estimate(1.0), "holds", "fails"),
        (Estimate(2.0), "fails", "fails"),
        (Estimate(math.nan), "fails", "fails"),
        (Estimate(math.inf), "fails", "holds"),
        (Estimate(0.0, 0.0, 3.0), "not resolved", "not resolved"),
    ],
)
def test_a_bound_is_held_against_the_interval(estimate: Estimate, below: Verdict, above: Verdict) -> None:
    """Beyond it there is no doubt; inside of it there is; without one the number decides alone."""
    summary = found(estimate)
    assert verdict(Expect("staleness.mean", below=2.0), summary) == below
    assert verdict(Expect("staleness.mean", above=2.0), summary) == above


@given(
    mean=st.floats(0.1, 10),
    half=st.floats(0.01, 5),
    bound=st.floats(0.1, 10),
    replications=st.integers(2, 1000),
)
def test_so_many_replications_would_move_the_bound_out_of_the_interval(
    mean: float, half: float, bound: float, replications: int
) -> None:
    """Half an interval shrinks as 1/√n: with that many it would not reach the bound."""
    expect, summary = Expect("staleness.mean", below=bound), found(Estimate(mean, mean - half, mean + half))
    summary = evolve(summary, replications=replications)
    if verdict(expect, summary) != "not resolved":
        return
    more = would_tell(expect, summary)
    if math.isinf(more):
        assert mean == bound
        return
    shrunk = half * math.sqrt(replications / (more / MARGIN))
    assert shrunk == pytest.approx(abs(mean - bound))


def test_the_bound_on_what_was_never_seen_shrinks_as_fast_as_runs_are_added() -> None:
    """3/n: from 3 % to below 1 % takes three times as many."""
    assert would_tell(Expect("staleness.mean", below=0.01), found(RESTS)) == pytest.approx(30)


@pytest.mark.parametrize(
    ("estimate", "line"),
    [
        (Estimate(1.0, 0.5, 1.5), f"✓  {'staleness.mean < 2 s':<36}       1 s"),
        (Estimate(3.0, 2.5, 3.5), f"✗  {'staleness.mean < 2 s':<36}       3 s     50% over"),
        (
            Estimate(1.5, 0.5, 2.5),
            "?  staleness.mean < 2 s                1.5 ± 1.0 s     not resolved: --replications 44 may tell",
        ),
        (Estimate(2.0, 1.0, 3.0), "?  staleness.mean < 2 s                2.0 ± 1.0 s     not resolved"),
    ],
)
def test_a_line_says_what_was_found_and_what_would_tell(estimate: Estimate, line: str) -> None:
    """A number where there is no doubt, and its interval where there is."""
    assert expectation_line(Expect("staleness.mean", below=2.0), found(estimate)) == line


def test_a_row_says_in_short_what_was_found() -> None:
    """The worst verdict is its mark; all are counted in the end."""
    expect = (Expect("staleness.mean", below=2.0), Expect("staleness.mean", above=1.8))
    scenario = evolve(SCENARIO, expect=expect)
    summary = found(Estimate(1.5, 1.3, 1.9))
    assert verdict_row("story", scenario, summary, 1.25) == (
        "?  story   1.25 s   staleness.mean < 2 s: 1.5 ± 0.3 s   "
        "staleness.mean > 1.8 s: 1.5 ± 0.3 s (not resolved)"
    )
    failing = found(Estimate(3.0, 2.9, 3.1))
    assert verdict_row("story", scenario, failing, 1.0).startswith("✗")
    assert verdicts_line([(scenario, summary), (scenario, failing), (SCENARIO, PLAYED)]) == (
        "   3 scenarios: 2 of 4 expectations hold, 1 fail, 1 not resolved"
    )
