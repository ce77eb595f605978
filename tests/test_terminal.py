import pytest

import sim
from sim.metrics import Estimate
from sim.scenario import Expect
from sim.terminal import estimate_text, expectation_line, summary_lines

BRIEF = {"duration": "5s", "warmup": "0s", "replications": "1"}


def shown(name: str, **settings: str) -> str:
    """Give what the terminal shows of one short run."""
    scenario = sim.load_scenario(name, BRIEF | {key.replace("__", "."): v for key, v in settings.items()})
    return "\n".join(summary_lines(sim.summarise(sim.run(scenario)), scenario, name, 1.0))


@pytest.mark.parametrize(
    ("name", "house", "there", "absent"),
    [
        ("one-lock", "1000 clerks → 1 model behind 1 lock ", "wait for the lock|time to look|busy", "lag"),
        ("lost-updates", "200 storekeepers → 1 model without a lock ", "lost updates", "busy|waiting|lag"),
        ("oversold", "→ 1 writer → 500ms → 1 reader ", "stale decisions|rejected|lag", "time to look|lost"),
        ("hot-product", "→ 1 reader ", "of the hot products|of the others", "rejected|had to wait|lost|shed"),
        ("saturation", "→ 1 reader ", "wait in the channel|writer busy|committed", "hot|senders|door"),
        ("back-pressure", "→ 1 reader ", "wait at the door|sends that had to wait", "shed|look"),
        ("overtaking", "→ exponential(250ms) → ", "went back in time|stale reads", "door|done twice|shed"),
        ("jitter", "→ lognormal(p50=44.7ms, p99=856ms) → ", "visibility lag", "went back|done twice"),
        ("asks-again", "→ 50ms → ", "done twice", "went back|never answered"),
    ],
)  # fmt: skip
def test_a_row_is_shown_where_it_says_something(name: str, house: str, there: str, absent: str) -> None:
    """Each architecture and each trouble has its rows, and no other run has them."""
    heading, *rows = shown(name).splitlines()
    table = "\n".join(rows[: rows.index("EXPECTED")])
    assert house in heading
    assert [row for row in there.split("|") if row not in table] == []
    assert [row for row in absent.split("|") if row in table] == []


@pytest.mark.parametrize(("count", "told"), [("5", True), ("5000", False)])
def test_what_senders_see_is_shown_where_it_hides_a_tenth(count: str, told: bool) -> None:
    """Few senders hold much back; among many, hardly one has two orders in hand."""
    assert ("as senders see it" in shown("back-pressure", workers__count=count)) is told


@pytest.mark.parametrize(
    ("estimate", "unit", "text"),
    [
        (Estimate(0.05, 0.05 - 1e-15, 0.05 + 1e-15), "s", "50 ms"),
        (Estimate(0.0499968, 0.0499951, 0.0499985), "s", "50 ms"),
        (Estimate(0.04864, 0.04857, 0.04871), "s", "48.64 ± 0.07 ms"),
        (Estimate(0.634, 0.625, 0.643), "share", "63.4 ± 0.9%"),
        (Estimate(0.0, 0.0, 0.003), "share", "≤ 0.3%"),
    ],
)
def test_an_interval_narrower_than_three_digits_is_left_out(estimate: Estimate, unit: str, text: str) -> None:
    """A number is written to the digits that it is good for, and to no more than a person reads."""
    assert estimate_text(estimate, unit) == text


@pytest.mark.parametrize(
    ("below", "off"), [(0.0, "100 ms"), (0.001, "100 times that"), (0.08, "25% over"), (0.2, "100 ms")]
)
def test_a_missed_bound_is_missed_by_a_share_or_so_many_times(below: float, off: str) -> None:
    """Beyond ten times the bound, percent say nothing."""
    scenario = sim.load_scenario("story", {"link.delay": "100ms"})
    line = expectation_line(Expect("visibility_lag.max", below=below), sim.summarise(sim.run(scenario)))
    assert line.endswith(off)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"link__order": "serial", "link__delay": "100ms"}, "!  The link cannot keep up with "),
        ({"reader__handler": "exponential(20ms)"}, "!  The reader cannot keep up with "),
        ({"link__order": "fifo", "link__delay": "100ms"}, ""),
        ({"link__order": "serial", "link__delay": "5ms"}, ""),
    ],
)
def test_a_station_that_falls_behind_for_ever_is_named(settings: dict[str, str], told: str) -> None:
    """Of some 90 changes a second, 100 ms or 20 ms each are too much one by one, and not side by side."""
    text = shown("saturation", **settings)
    assert ("cannot keep up" in text) is bool(told)
    assert told in text


def test_what_is_wrong_for_ever_is_named_with_its_reason() -> None:
    """How many products, which ones, what both models say of them, and why; of many, the first five."""
    settings = {**BRIEF, "link.loss": "0.5", "products.count": "7"}
    scenario = sim.load_scenario("lost-for-good", settings)
    trace = sim.run(scenario)
    lost = dict(trace.changes.filter(copies=0).group_by("product").len().rows())
    lines = list(summary_lines(sim.summarise(trace), scenario, "x", 1.0))
    first = lines.index("!  Wrong for ever: the read model of 7 of the products, when all has drained.")
    assert lines[first + 1 : first + 7] == [
        *(
            f"   product {product} holds {held} and shows {shown}: {lost[product]} changes lost on the link"
            for product, held, shown in trace.models.select("product", "held", "shown").head(5).rows()
        ),
        "   and 2 products more",
    ]


def test_nothing_is_wrong_for_ever_where_all_arrives_in_the_end() -> None:
    """What is lost and sent again is late, and no more."""
    assert "Wrong for ever" not in shown("lost-for-good", link__resend="500ms")
