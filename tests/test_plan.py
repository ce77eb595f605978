import math

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.distributions import Pace, Popularity, Quantity
from sim.durations import Rate, Seconds
from sim.plan import Plan, arrivals, plan_commands, plan_queries
from sim.scenario import Link, Phase, Products, Queries, Scenario, Step, Workers
from tests.strategies import scenarios

FOR_EVER = Seconds(math.inf)
BUYERS = Workers("buyers", 7, Pace("poisson", Rate(200.0)), add=0.3, quantity=Quantity(1, 5))
SELLERS = Workers("sellers", 3, Pace("constant", Rate(50.0)))
SHOPPERS = Queries("shoppers", 4, Pace("poisson", Rate(100.0)))
SHOP = Scenario(
    "shop",
    duration=Seconds(5.0),
    seed=11,
    products=Products(10, Popularity("zipf", (1.0,))),
    workers=(BUYERS, SELLERS),
    queries=(SHOPPERS,),
)
COLUMNS = [field.name for field in attrs.fields(Plan)]


def phase(lasts: float, kind: str, rate: float) -> Phase:
    """Make a phase of plain numbers."""
    return Phase(Seconds(lasts), Pace(kind, Rate(rate)))


def columns(plan: Plan) -> dict[str, list[float]]:
    """Give a plan as lists, to compare whole ones."""
    return {column: getattr(plan, column).tolist() for column in COLUMNS}


def rows_of(plan: Plan, first: int, last: int) -> dict[str, list[float]]:
    """Give the rows of the people numbered from first to last."""
    theirs = (plan.who >= first) & (plan.who <= last)
    return {column: getattr(plan, column)[theirs].tolist() for column in COLUMNS}


def z_of_share(count: float, n: int, share: float) -> float:
    """Count the standard deviations by which a count misses that of a binomial with this share."""
    return (count - n * share) / math.sqrt(n * share * (1 - share))


def test_poisson_arrivals_come_in_poisson_numbers() -> None:
    """The null: over 2,000 replications the counts have a mean and a variance of rate times duration."""
    mean, n = 40.0, 2000
    counts = np.array([len(arrivals([phase(math.inf, "poisson", 20.0)], 2.0, 1, r, "x")) for r in range(n)])
    assert abs(counts.mean() - mean) / math.sqrt(mean / n) < 4
    spread = math.sqrt((mean + 2 * mean**2 * n / (n - 1)) / n)  # of a Poisson sample's variance
    assert abs(counts.var(ddof=1) - mean) / spread < 4


def test_poisson_arrivals_have_exponential_gaps() -> None:
    """The null: the gaps are exponential, by their mean and the share beyond 1, 2 and 3 means."""
    when = arrivals([phase(math.inf, "poisson", 50.0)], 1000.0, 1, 0, "x")
    gaps = np.diff(when, prepend=0.0) * 50
    assert abs(gaps.mean() - 1) * math.sqrt(len(gaps)) < 4
    for means in (1, 2, 3):
        assert abs(z_of_share(float((gaps > means).sum()), len(gaps), math.exp(-means))) < 4


def test_poisson_arrivals_are_spread_evenly_over_time() -> None:
    """The null: each tenth of the run has a tenth of the arrivals, the last one too."""
    when = arrivals([phase(math.inf, "poisson", 50.0)], 1000.0, 2, 0, "x")
    for tenth in np.histogram(when, bins=10, range=(0, 1000))[0]:
        assert abs(z_of_share(float(tenth), len(when), 0.1)) < 4


def test_a_constant_pace_ticks_exactly() -> None:
    """From the start on, at every multiple of 1/rate before the end."""
    when = arrivals([phase(math.inf, "constant", 10.0)], 1.0, 1, 0, "x")
    assert when.tolist() == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]


def test_phases_come_one_after_the_other() -> None:
    """Each ticks from its own start, and the end of one is the start of the next."""
    schedule = [phase(1.0, "constant", 2.0), phase(0.5, "constant", 4.0), phase(math.inf, "constant", 1.0)]
    when = arrivals(schedule, 4.0, 1, 0, "x")
    assert when.tolist() == [0.0, 0.5, 1.0, 1.25, 1.5, 2.5, 3.5]


def test_the_last_phase_stays() -> None:
    """A crowd whose phases are over keeps the pace of the last one until the end."""
    crowd = Workers(phases=(phase(1.0, "constant", 4.0), phase(1.0, "constant", 1.0)))
    plan = plan_commands(Scenario("x", duration=Seconds(4.0), workers=(crowd,)))
    assert plan.when.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0, 2.0, 3.0]


def test_what_lies_after_the_end_is_not_planned() -> None:
    """A phase that would begin after the end never does."""
    schedule = [phase(3.0, "constant", 1.0), phase(math.inf, "poisson", 1e9)]
    assert arrivals(schedule, 2.0, 1, 0, "x").tolist() == [0.0, 1.0]


def test_a_change_to_one_phase_leaves_the_others_as_they_were() -> None:
    """Each phase has its own luck: only the one that changed has other instants."""
    before = [phase(1.0, "poisson", 50.0), phase(1.0, "poisson", 50.0), phase(math.inf, "poisson", 50.0)]
    after = [before[0], phase(1.0, "poisson", 500.0), before[2]]
    one, other = (arrivals(schedule, 3.0, 1, 0, "x") for schedule in (before, after))
    assert one[one < 1].tolist() == other[other < 1].tolist()
    assert one[one >= 2].tolist() == other[other >= 2].tolist()
    middle = [((when >= 1) & (when < 2)).sum() for when in (one, other)]
    assert middle[1] > 5 * middle[0] > 0


def test_two_equal_phases_do_not_have_the_same_luck() -> None:
    """The second does not repeat the first."""
    first = phase(2.0, "poisson", 50.0)
    when = arrivals([first, first], 4.0, 1, 0, "x")
    assert not np.isin((when[when >= 2] - 2).round(9), when[when < 2].round(9)).any()


def test_twice_the_rate_is_the_same_luck_at_half_the_distance() -> None:
    """Two rates of one crowd can be compared on the same draws."""
    slow, fast = (arrivals([phase(math.inf, "poisson", rate)], 2.0, 1, 0, "x") for rate in (50.0, 100.0))
    assert fast[: len(slow)] == pytest.approx(slow / 2)


def test_every_replication_and_every_crowd_and_every_seed_has_its_own_luck() -> None:
    """No two of them share an instant."""
    schedule = [phase(math.inf, "poisson", 50.0)]
    runs = [(1, 0, "x"), (2, 0, "x"), (1, 1, "x"), (1, 0, "y"), (1, 0, "")]
    instants = [when for run in runs for when in arrivals(schedule, 2.0, *run)]
    assert len(set(instants)) == len(instants) > 300


phases = st.builds(phase, st.floats(0.001, 2), st.sampled_from(["poisson", "constant"]), st.floats(0.1, 60))


@given(st.lists(phases, min_size=1, max_size=4), st.floats(0.01, 5), st.integers(0, 2**40))
def test_arrivals_are_in_order_and_before_the_end(schedule: list[Phase], duration: float, seed: int) -> None:
    """Whatever the phases, the instants rise from 0 on and stop before the end."""
    when = arrivals(schedule, duration, seed, 0, "x")
    assert (np.diff(when) > 0).all()
    assert ((when >= 0) & (when < duration)).all()


def test_an_instant_rounded_up_to_the_end_is_left_out() -> None:
    """Sums of floats are rounded: no tick of the second phase may land on the end itself."""
    rng = np.random.default_rng(0)
    for _ in range(3000):
        first, more, rate = (
            round(rng.uniform(0.001, 2), 3),
            round(rng.uniform(0.001, 2), 3),
            rng.integers(1, 60),
        )
        schedule = [phase(first, "constant", float(rate)), phase(math.inf, "constant", float(rate))]
        when = arrivals(schedule, round(first + more, 3), 1, 0, "x")
        assert when[-1] < round(first + more, 3)


def test_a_constant_pace_is_dealt_out_in_turn() -> None:
    """Workers 1, 2, 3, 1, 2, 3: each acts as regularly as the crowd."""
    plan = plan_commands(Scenario("x", duration=Seconds(1.0), workers=(Workers("a", 3, SELLERS.pace),)))
    assert plan.who.tolist()[:7] == [1, 2, 3, 1, 2, 3, 1]


def test_a_poisson_pace_is_dealt_out_by_chance() -> None:
    """The null: each of the four workers gets a quarter of some 20,000 commands."""
    crowd = Workers("a", 4, Pace("poisson", Rate(200.0)))
    plan = plan_commands(Scenario("x", duration=Seconds(100.0), workers=(crowd,)))
    assert set(plan.who.tolist()) == {1, 2, 3, 4}
    for who in range(1, 5):
        assert abs(z_of_share(float((plan.who == who).sum()), len(plan), 0.25)) < 4


def test_people_are_numbered_crowd_by_crowd() -> None:
    """The script is 0, then come the workers of each crowd, then those who only look."""
    commands, looks = plan_commands(SHOP), plan_queries(SHOP)
    assert set(commands.who.tolist()) == {*range(1, 11)}
    assert set(looks.who.tolist()) == {11, 12, 13, 14}
    assert len(rows_of(commands, 8, 10)["who"]) == 250  # the sellers' metronome: 50/s for 5 s


def test_the_steps_come_first_and_in_the_order_of_time() -> None:
    """The script goes to whom it concerns: commands to the writer, queries to the read model."""
    script = (
        Step(Seconds(2.0), "remove", 3, 4),
        Step(Seconds(0.5), "add", 2, 10),
        Step(Seconds(1.0), "query", 2, 1),
        Step(Seconds(0.5), "remove", 2, 1),
    )
    scenario = attrs.evolve(SHOP, steps=script)
    commands, looks = plan_commands(scenario), plan_queries(scenario)
    assert {column: values[:3] for column, values in columns(commands).items()} == {
        "who": [0, 0, 0],
        "when": [0.5, 0.5, 2.0],
        "product": [2, 2, 3],
        "add": [1, 0, 0],
        "quantity": [10, 1, 4],
    }
    assert (looks.who[0], looks.when[0], looks.product[0]) == (0, 1.0, 2)
    assert rows_of(commands, 1, 99) == columns(plan_commands(SHOP))
    assert rows_of(looks, 1, 99) == columns(plan_queries(SHOP))


def test_a_change_of_quantity_changes_nothing_but_the_quantities() -> None:
    """Who, when, what and which way stay as they were: common random numbers."""
    other = attrs.evolve(SHOP, workers=(attrs.evolve(BUYERS, quantity=Quantity(6, 9)), SELLERS))
    before, after = columns(plan_commands(SHOP)), columns(plan_commands(other))
    assert [column for column in COLUMNS if before[column] != after[column]] == ["quantity"]
    assert columns(plan_queries(SHOP)) == columns(plan_queries(other))


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ({"add": 0.9}, ["add"]),
        ({"count": 70}, ["who"]),
        ({"pace": Pace("poisson", Rate(201.0))}, ["who", "when", "product", "add", "quantity"]),
    ],
)
def test_a_change_to_one_crowd_leaves_the_other_as_it_was(
    change: dict[str, object], changed: list[str]
) -> None:
    """Each crowd draws from streams of its own, one for each purpose."""
    crowd: Workers = attrs.evolve(BUYERS, **change)  # type: ignore[arg-type]
    other = attrs.evolve(SHOP, workers=(crowd, SELLERS))
    before, after = plan_commands(SHOP), plan_commands(other)
    theirs, theirs_now = rows_of(before, 1, BUYERS.count), rows_of(after, 1, crowd.count)
    assert [column for column in COLUMNS if theirs[column] != theirs_now[column]] == changed
    sellers, sellers_now = rows_of(before, 8, 10), rows_of(after, crowd.count + 1, crowd.count + 3)
    assert sellers_now == sellers | {"who": [who + crowd.count - BUYERS.count for who in sellers["who"]]}


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ({"products": Products(10, Popularity("uniform"))}, ["product"]),
        ({"link": Link(order="serial")}, []),
        ({"replications": 3}, []),
        ({"workers": (SELLERS, BUYERS)}, ["who", "when", "product", "add", "quantity"]),
    ],
)
def test_a_change_elsewhere_leaves_the_plan_as_it_was(change: dict[str, object], changed: list[str]) -> None:
    """What is planned does not depend on how the system copes with it."""
    other: Scenario = attrs.evolve(SHOP, **change)  # type: ignore[arg-type]
    before, after = columns(plan_commands(SHOP)), columns(plan_commands(other))
    assert [column for column in COLUMNS if before[column] != after[column]] == changed


def test_the_order_of_the_crowds_changes_only_their_numbers() -> None:
    """A crowd's luck goes by its name, not by its place in the file."""
    other = attrs.evolve(SHOP, workers=(SELLERS, BUYERS))
    before, after = rows_of(plan_commands(SHOP), 1, 7), rows_of(plan_commands(other), 4, 10)
    assert after == before | {"who": [who + 3 for who in before["who"]]}


def test_products_kinds_and_quantities_come_by_their_shares() -> None:
    """The null: of some 20,000 commands, the shares are those of the scenario."""
    plan = plan_commands(attrs.evolve(SHOP, duration=Seconds(100.0), workers=(BUYERS,)))
    n = len(plan)
    assert abs(n - 20_000) / math.sqrt(20_000) < 4
    assert abs(z_of_share(float(plan.add.sum()), n, 0.3)) < 4
    for quantity in range(1, 6):
        assert abs(z_of_share(float((plan.quantity == quantity).sum()), n, 0.2)) < 4
    for product, share in enumerate(SHOP.products.popularity.shares(10), 1):
        assert abs(z_of_share(float((plan.product == product).sum()), n, share)) < 4
    expected = SHOP.products.popularity.shares(10) * n
    seen = np.bincount(plan.product, minlength=11)[1:]
    assert abs((float(((seen - expected) ** 2 / expected).sum()) - 9) / math.sqrt(18)) < 4


def test_what_is_drawn_for_one_purpose_says_nothing_of_the_others() -> None:
    """The null: among the largest quantities, and for the first product, adds are as frequent as anywhere."""
    plan = plan_commands(attrs.evolve(SHOP, duration=Seconds(100.0), workers=(BUYERS,)))
    for some in (plan.quantity == 5, plan.product == 1, plan.who == 1):
        assert abs(z_of_share(float(plan.add[some].sum()), int(some.sum()), 0.3)) < 4
    large = plan.quantity[plan.product == 1] == 5
    assert abs(z_of_share(float(large.sum()), len(large), 0.2)) < 4


@pytest.mark.parametrize(("add", "kinds"), [(0.0, {0}), (1.0, {1})])
def test_a_crowd_that_only_adds_never_removes(add: float, kinds: set[int]) -> None:
    """The ends of the share are exact."""
    crowd = attrs.evolve(BUYERS, add=add)
    assert set(plan_commands(attrs.evolve(SHOP, workers=(crowd,))).add.tolist()) == kinds


@given(scenarios(), st.integers(0, 5))
def test_a_plan_holds_what_the_scenario_allows(scenario: Scenario, replication: int) -> None:
    """Whole columns, times within the run and in order for each person, and the same plan every time."""
    workers = sum(crowd.count for crowd in scenario.workers)
    lookers = sum(crowd.count for crowd in scenario.queries)
    for planned, first, last in ((plan_commands, 1, workers), (plan_queries, workers + 1, workers + lookers)):
        plan = planned(scenario, replication)
        assert {len(getattr(plan, column)) for column in COLUMNS} == {len(plan)}
        assert set(plan.who.tolist()) <= {0, *range(first, last + 1)}
        assert ((plan.when >= 0) & (plan.when < scenario.duration)).all()
        assert ((plan.product >= 1) & (plan.product <= scenario.products.count)).all()
        assert set(plan.add.tolist()) <= {0, 1}
        assert columns(plan) == columns(planned(scenario, replication))


def test_nobody_means_to_do_anything_in_an_empty_scenario() -> None:
    """No crowds and no steps make a plan of no rows."""
    plan = plan_commands(Scenario("empty"))
    assert (len(plan), columns(plan)) == (0, {column: [] for column in COLUMNS})
