import pytest
from attrs import evolve

import sim
from sim.metrics import Estimate
from sim.scenario import Expect, Scenario
from sim.terminal.claims import expectation_line
from sim.terminal.estimates import estimate_text
from sim.terminal.summary import summary_lines, warnings
from sim.theory.answers import predictions

BRIEF = {"duration": "5s", "warmup": "0s", "replications": "1"}


def shown(name: str, **settings: str) -> str:
    """Give what the terminal shows of one short run."""
    scenario = sim.load_scenario(name, BRIEF | {key.replace("__", "."): v for key, v in settings.items()})
    summary = sim.summarise(sim.run(scenario))
    return "\n".join(summary_lines(summary, scenario, name, 1.0, predictions(scenario)))


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


def test_theory_stands_beside_what_it_speaks_of() -> None:
    """At the end of the line, for the value or the 99th percentile; nothing where no form holds."""
    beside = {row[3:27].strip(): row.split("   theory ")[1:] for row in shown("saturation").splitlines()}
    assert {label: said for label, said in beside.items() if said} == {
        "staleness": ["p99 38.8 ms"],
        "versions behind": ["p99 1"],
        "visibility lag": ["p99 50 ms"],
        "stale reads": ["4.4%"],
        "time to commit": ["p99 461 ms"],
        "wait in the channel": ["p99 450 ms"],
        "commands waiting": ["p99 42"],
        "writer busy": ["90%"],
        "committed": ["90/s"],
    }
    assert "theory" not in shown("flash-sale")


@pytest.mark.parametrize(("count", "told"), [("5", True), ("5000", False)])
def test_what_senders_see_is_shown_where_it_hides_a_tenth(count: str, told: bool) -> None:
    """Few senders hold much back; among many, hardly one has two orders in hand."""
    assert ("as senders see it" in shown("back-pressure", workers__count=count)) is told


def test_a_story_is_not_warned_of_chance() -> None:
    """It has one run and few reads, and there is no more to it; what is wrong for ever is told."""
    story = sim.load_scenario("story")
    assert list(warnings(sim.summarise(sim.run(story)), story)) == []
    cut = sim.load_scenario("story", {"link.outages": '[{at = "0s", lasts = "3500ms", changes = "lost"}]'})
    [told] = warnings(sim.summarise(sim.run(cut)), cut)
    assert told.startswith("Wrong for ever")


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


@pytest.mark.parametrize(
    ("reads", "changes", "expected", "told"),
    [
        (2000, 2000, (), []),
        (1999, 2000, (), ["p99 rests on 19 reads. Set a longer duration before quoting it."]),
        (
            300,
            39,
            (),
            [
                "p95 rests on 15 reads, p99 rests on 3 reads. Set a longer duration before quoting them.",
                "p50 rests on 19 changes, p95 rests on 1 change, p99 rests on 1 change. "
                "Set a longer duration before quoting them.",
            ],
        ),
        (
            12_000,
            20_000,
            ("staleness.p99.9", "t_visibility.p99.9", "age_of_information.mean"),
            ["p99.9 rests on 12 reads. Set a longer duration before quoting it."],
        ),
        (0, 2000, (), []),
    ],
)
def test_a_quantile_with_fewer_than_twenty_beyond_it_is_named(
    reads: int, changes: int, expected: tuple[str, ...], told: list[str]
) -> None:
    """Whether it is shown or only expected; counted over all runs, reads, changes and commands apart."""
    scenario = sim.load_scenario("hot-product", {"duration": "5s", "warmup": "0s"})
    scenario = evolve(scenario, expect=tuple(Expect(name, below=1.0) for name in expected))
    summary = sim.summarise(sim.run(scenario))
    counts = dict.fromkeys(summary.counts, 10**6)
    counts |= dict.fromkeys(("staleness", "versions_behind", "age_of_information", "query_latency"), reads)
    counts |= {"visibility_lag": changes, "t_visibility": changes}
    assert list(warnings(evolve(summary, counts=counts, replications=10), scenario)) == told


def test_what_is_not_shown_is_not_warned_of() -> None:
    """Nobody waited at the door of a story: its p99 is no number that anybody could quote."""
    scenario: Scenario = sim.load_scenario("story")
    summary = sim.summarise(sim.run(scenario))
    counts = dict.fromkeys(summary.counts, 10**6) | {"admission_wait": 3}
    assert list(warnings(evolve(summary, counts=counts, replications=2), scenario)) == []


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
