import contextlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import default_rng

from sim.distributions import (
    LONGEST_TEXT,
    Constant,
    Distribution,
    Empirical,
    Exponential,
    Floats,
    Gamma,
    Lognormal,
    Mixture,
    Pace,
    Pareto,
    Popularity,
    Quantity,
    Uniform,
    parse_distribution,
    parse_pace,
    parse_popularity,
    parse_quantity,
)
from sim.durations import Rate
from tests.strategies import distributions, paces, popularities, quantities

DRAWS = 100_000

OF_EVERY_FAMILY: list[Distribution] = [
    Uniform(0.01, 0.05),
    Exponential(0.02),
    Lognormal(0.02, 0.2),
    Lognormal.from_mean(0.02, 0.5),
    Gamma(0.02, 0.3),
    Gamma(0.02, 1.7),
    Pareto(0.01, 4.5),
    Empirical("seven.csv", (0.004, 0.5, 0.011, 0.02, 0.02, 0.09, 0.0)),
    Mixture(((0.7, Constant(0.01)), (0.3, Exponential(0.1)))),
    Mixture(((0.5, Uniform(0.0, 0.1)), (0.5, Mixture(((0.2, Constant(1.0)), (0.8, Gamma(0.01, 0.5))))))),
]


def z(sample: Floats, mean: float) -> float:
    """Count the standard errors by which a sample's mean misses what it should be."""
    return float((sample.mean() - mean) / (sample.std(ddof=1) / math.sqrt(len(sample))))


def z_of_share(count: float, n: int, share: float) -> float:
    """Count the standard deviations by which a count misses that of a binomial with this share."""
    return (count - n * share) / math.sqrt(n * share * (1 - share))


def refusal(parse: Callable[[object], object], text: object) -> str:
    """Hear what a parser says when it refuses a text."""
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the caller compares the whole message
        parse(text)
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "distribution"),
    [
        ("20ms", Constant(0.02)),
        ("constant(20ms)", Constant(0.02)),
        ("uniform(10ms, 50ms)", Uniform(0.01, 0.05)),
        ("uniform(high=50ms, low=10ms)", Uniform(0.01, 0.05)),
        ("exponential(2ms)", Exponential(0.002)),
        ("exponential(mean=2ms)", Exponential(0.002)),
        ("lognormal(p50=20ms, p99=200ms)", Lognormal(0.02, 0.2)),
        ("lognormal(20ms, 200ms)", Lognormal(0.02, 0.2)),
        ("lognormal(mean=20ms, cv=0.5)", Lognormal.from_mean(0.02, 0.5)),
        ("gamma(mean=20ms, cv=0.3)", Gamma(0.02, 0.3)),
        ("pareto(minimum=10ms, alpha=1.1)", Pareto(0.01, 1.1)),
        (" gamma ( mean = 20ms , cv = 3e-1 ) ", Gamma(0.02, 0.3)),
        ("mixture(50% 1ms, 50% 2ms)", Mixture(((0.5, Constant(0.001)), (0.5, Constant(0.002))))),
        ("mixture(0.5 1ms, 0.5 2ms)", Mixture(((0.5, Constant(0.001)), (0.5, Constant(0.002))))),
        (
            "mixture(93.9% pareto(minimum=0.235ms, alpha=10), 6.1% exponential(1.66ms))",
            Mixture(((0.939, Pareto(0.000235, 10.0)), (0.061, Exponential(0.00166)))),
        ),
        (
            "mixture(10% mixture(100% uniform(0s, 1s)), 90% 0s)",
            Mixture(((0.1, Mixture(((1.0, Uniform(0.0, 1.0)),))), (0.9, Constant(0.0)))),
        ),
    ],
)
def test_a_distribution_is_read_from_text(text: str, distribution: Distribution) -> None:
    """Arguments may bear their names, or stand in their order."""
    assert parse_distribution(text) == distribution


@given(distributions(most=1e4, heaviest=0.1))
def test_every_distribution_is_read_as_it_was_written(distribution: Distribution) -> None:
    """From a value to text and back is the same value, to the last bit."""
    assert parse_distribution(str(distribution)) == distribution


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (20, 'a duration needs a unit: write "20ms" or "20s"'),
        ("20", 'a duration needs a unit: write "20ms" or "20s"'),
        ("-20ms", "a duration cannot be negative: '-20ms'"),
        ("20 lightyears", "unknown unit 'lightyears'; known: ns, us, ms, s, min, h, d"),
        ("exponential(2)", 'a duration needs a unit: write "2ms" or "2s"'),
        ("exponential(-2ms)", "a duration cannot be negative: '-2ms'"),
        (
            "lognromal(p50=20ms, p99=200ms)",
            "unknown distribution 'lognromal' (did you mean 'lognormal'?); "
            "known: constant, uniform, exponential, lognormal, gamma, pareto, empirical, mixture",
        ),
        (
            "weibull(1ms)",
            "unknown distribution 'weibull'; "
            "known: constant, uniform, exponential, lognormal, gamma, pareto, empirical, mixture",
        ),
        ("exponential", "exponential is written exponential(mean), not exponential()"),
        ("exponential(1ms, 2ms)", "exponential is written exponential(mean), not exponential(1ms, 2ms)"),
        ("uniform(1ms)", "uniform is written uniform(low, high), not uniform(1ms)"),
        (
            "lognormal(p50=20ms, p90=200ms)",
            "lognormal is written lognormal(p50, p99) or lognormal(mean, cv), "
            "not lognormal(p50=20ms, p90=200ms)",
        ),
        (
            "lognormal(p50=20ms, p50=200ms)",
            "lognormal is written lognormal(p50, p99) or lognormal(mean, cv), "
            "not lognormal(p50=20ms, p50=200ms)",
        ),
        ("uniform(50ms, 10ms)", "uniform(low, high) needs low <= high"),
        ("lognormal(p50=20ms, p99=20ms)", "lognormal(p50=, p99=) needs 0 < p50 < p99"),
        ("lognormal(p50=200ms, p99=20ms)", "lognormal(p50=, p99=) needs 0 < p50 < p99"),
        ("lognormal(p50=0ms, p99=20ms)", "lognormal(p50=, p99=) needs 0 < p50 < p99"),
        ("lognormal(mean=0ms, cv=1)", "lognormal(mean=, cv=) needs both to be more than 0"),
        ("gamma(mean=20ms, cv=0)", "gamma(mean=, cv=) needs both to be more than 0"),
        ("gamma(mean=20ms, cv=50%)", "'50%' is not a number"),
        ("gamma(mean=20ms, cv=-1)", "'-1' must be 0 or more, and finite"),
        ("gamma(mean=20ms, cv=inf)", "'inf' must be 0 or more, and finite"),
        ("pareto(minimum=0ms, alpha=1)", "pareto(minimum=, alpha=) needs both to be more than 0"),
        ("pareto(minimum=1ms, alpha=0)", "pareto(minimum=, alpha=) needs both to be more than 0"),
        ("mixture(50% 1ms, 40% 2ms)", "the shares of a mixture must add up to 100%"),
        ("mixture(60% 1ms, 60% 2ms)", "the shares of a mixture must add up to 100%"),
        ("mixture()", "the shares of a mixture must add up to 100%"),
        ("mixture(150% 1ms)", 'a share lies between 0 and 1 ("0%" and "100%"): \'150%\''),
        ("mixture(exponential(1ms))", "'exponential(1ms)' is not a share: write 0.1 or \"10%\""),
        (
            "mixture(100% exponental(1ms))",
            "unknown distribution 'exponental' (did you mean 'exponential'?); "
            "known: constant, uniform, exponential, lognormal, gamma, pareto, empirical, mixture",
        ),
        (
            "exponential(2ms",
            "'exponential(2ms' cannot be read: write a name with its arguments, as in exponential(2ms)",
        ),
        ("exponential(2ms))", '\'2ms)\' is not a duration: write "250ms", "1.5s" or "2min"'),
        (
            "mixture(50% exponential(1ms, 50% 2ms)",
            "'exponential(1ms, 50% 2ms' cannot be read: "
            "write a name with its arguments, as in exponential(2ms)",
        ),
        (
            "exponential 2ms",
            "'exponential 2ms' cannot be read: write a name with its arguments, as in exponential(2ms)",
        ),
        ("", "'' cannot be read: write a name with its arguments, as in exponential(2ms)"),
        (None, 'None is not a duration: write "250ms", "1.5s" or "2min"'),
        ("mixture(100% " * 1000, "a distribution is written in at most 2,000 characters"),
    ],
)
def test_what_is_no_distribution_is_refused_with_what_would_do(text: object, message: str) -> None:
    """The message shows what was written and how to write it."""
    assert refusal(parse_distribution, text) == message


@pytest.mark.parametrize("distribution", OF_EVERY_FAMILY, ids=str)
def test_the_mean_is_the_mean_of_the_draws(distribution: Distribution) -> None:
    """The null: the sampler's mean is .mean; 100,000 draws with a fixed seed do not speak against it."""
    assert abs(z(distribution.draw(default_rng(1), DRAWS), distribution.mean)) < 4


@pytest.mark.parametrize("distribution", OF_EVERY_FAMILY, ids=str)
def test_a_mean_five_per_cent_off_would_be_found(distribution: Distribution) -> None:
    """The test of the means can fail: it refuses each sampler if its mean were stated as 5% more."""
    assert abs(z(distribution.draw(default_rng(1), DRAWS), distribution.mean * 1.05)) > 4


def test_a_constant_is_always_its_mean() -> None:
    """Nothing is random about it, and the generator is left as it was."""
    rng = default_rng(1)
    assert Constant(0.02).draw(rng, 3).tolist() == [0.02, 0.02, 0.02]
    assert (Constant(0.02).mean, rng.random()) == (0.02, default_rng(1).random())


def test_a_lognormal_has_the_percentiles_it_was_given() -> None:
    """The null: half of the draws lie below p50, and 99 in 100 below p99."""
    drawn = Lognormal(0.02, 0.2).draw(default_rng(2), DRAWS)
    assert abs(z_of_share(float((drawn < 0.02).sum()), DRAWS, 0.5)) < 4
    assert abs(z_of_share(float((drawn < 0.2).sum()), DRAWS, 0.99)) < 4


@given(st.floats(1e-6, 1e3), st.floats(0.01, 5))
def test_a_lognormal_can_be_chosen_by_its_mean_and_its_variation(mean: float, cv: float) -> None:
    """from_mean gives that mean, and of ln X the sigma that makes the coefficient of variation."""
    made = Lognormal.from_mean(mean, cv)
    assert made.mean == pytest.approx(mean, rel=1e-9)
    assert math.sqrt(math.expm1(made.sigma**2)) == pytest.approx(cv, rel=1e-6)


def test_a_gamma_varies_as_much_as_it_should() -> None:
    """The null: the mean square of 100,000 draws is mean² (1 + cv²)."""
    for cv in (0.2, 1.0, 1.5):
        drawn = Gamma(0.02, cv).draw(default_rng(3), DRAWS)
        assert abs(z(drawn**2, 0.02**2 * (1 + cv**2))) < 4


def test_an_exponential_is_memoryless() -> None:
    """The null: what is left of the draws beyond 10 ms has the mean of all."""
    drawn = Exponential(0.02).draw(default_rng(4), DRAWS)
    assert abs(z(drawn[drawn > 0.01] - 0.01, 0.02)) < 4


def test_the_last_digits_are_those_of_the_c_library() -> None:
    """The exp of numpy has others on processors with AVX-512, and there the same seed was another run."""
    lognormal, pareto = Lognormal(0.02, 0.2), Pareto(0.01, 2.5)
    normal, exponential = default_rng(3).standard_normal(1000), default_rng(3).standard_exponential(1000)
    by_hand = [0.02 * math.exp(lognormal.sigma * x) for x in normal.tolist()]
    assert lognormal.draw(default_rng(3), 1000).tolist() == by_hand
    by_hand = [0.01 * (1 + math.expm1(x / 2.5)) for x in exponential.tolist()]
    assert pareto.draw(default_rng(3), 1000).tolist() == by_hand


def test_a_pareto_has_the_tail_of_its_power() -> None:
    """The null: of the draws, (minimum / x)^alpha lie beyond x, and none below the minimum."""
    drawn = Pareto(0.01, 1.1).draw(default_rng(5), DRAWS)
    assert drawn.min() >= 0.01
    for x in (0.02, 0.1, 1.0):
        assert abs(z_of_share(float((drawn > x).sum()), DRAWS, (0.01 / x) ** 1.1)) < 4


@pytest.mark.parametrize(
    ("distribution", "mean"),
    [
        (Uniform(0.01, 0.05), 0.03),
        (Exponential(0.02), 0.02),
        (Gamma(0.02, 0.3), 0.02),
        (Pareto(0.01, 2.0), 0.02),
        (Pareto(0.01, 1.0), math.inf),
        (Pareto(0.01, 0.5), math.inf),
        (Lognormal(0.02, 0.02 * math.exp(2.3263478740408408)), 0.02 * math.exp(0.5)),
        (Mixture(((0.25, Constant(0.04)), (0.75, Exponential(0.02)))), 0.025),
        (Mixture(((0.5, Constant(1.0)), (0.5, Pareto(0.01, 1.0)))), math.inf),
        (Mixture(((1.0, Constant(1.0)), (0.0, Pareto(0.01, 1.0)))), 1.0),
    ],
)
def test_the_means_are_those_of_the_textbooks(distribution: Distribution, mean: float) -> None:
    """A pareto with alpha <= 1 has no finite mean; a part with no share adds nothing."""
    assert distribution.mean == pytest.approx(mean, rel=1e-12)


def test_a_mixture_draws_from_each_part_by_its_share() -> None:
    """The null: 6.1% of the draws come from the second part."""
    drawn = Mixture(((0.939, Constant(1.0)), (0.061, Constant(2.0)))).draw(default_rng(6), DRAWS)
    assert set(drawn) == {1.0, 2.0}
    assert abs(z_of_share(float((drawn == 2.0).sum()), DRAWS, 0.061)) < 4


@given(distributions(), st.integers(0, 50), st.integers(0, 2**32))
def test_durations_are_drawn_in_the_number_asked_for(distribution: Distribution, n: int, seed: int) -> None:
    """So many finite floats, none negative, and the same ones from the same seed."""
    drawn = distribution.draw(default_rng(seed), n)
    assert (drawn.shape, drawn.dtype) == ((n,), np.dtype(np.float64))
    assert np.isfinite(drawn).all()
    assert (drawn >= 0).all()
    assert drawn.tolist() == distribution.draw(default_rng(seed), n).tolist()


@pytest.mark.parametrize(
    ("one", "other", "factor"),
    [
        (Exponential(0.02), Exponential(0.06), 3),
        (Lognormal(0.02, 0.2), Lognormal(0.06, 0.6), 3),
        (Gamma(0.02, 0.5), Gamma(0.06, 0.5), 3),
        (Pareto(0.02, 1.5), Pareto(0.06, 1.5), 3),
        (Uniform(0.0, 0.02), Uniform(0.0, 0.06), 3),
    ],
)
def test_two_scales_have_the_same_luck(one: Distribution, other: Distribution, factor: float) -> None:
    """Three times the duration from the same stream is every draw times three."""
    assert other.draw(default_rng(7), 100) == pytest.approx(one.draw(default_rng(7), 100) * factor)


@pytest.mark.parametrize(
    ("text", "pace"),
    [
        ("poisson(300/s)", Pace("poisson", Rate(300.0))),
        ("constant(30/min)", Pace("constant", Rate(0.5))),
        (" poisson ( 2 / s ) ", Pace("poisson", Rate(2.0))),
    ],
)
def test_a_pace_is_read_from_text(text: str, pace: Pace) -> None:
    """By chance or like a metronome, and how often."""
    assert parse_pace(text) == pace


@given(paces(1e6))
def test_every_pace_is_read_as_it_was_written(pace: Pace) -> None:
    """From a value to text and back is the same value."""
    assert parse_pace(str(pace)) == pace


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (300, "unknown pace '300'; known: poisson, constant, as in \"poisson(300/s)\""),
        (
            "300/s",
            "'300/s' cannot be read: write a name with its arguments, as in poisson(300/s)",
        ),
        (
            "poison(300/s)",
            "unknown pace 'poison' (did you mean 'poisson'?); "
            'known: poisson, constant, as in "poisson(300/s)"',
        ),
        ("poisson", 'poisson takes one rate: write "poisson(300/s)"'),
        ("constant(1/s, 2/s)", 'constant takes one rate: write "constant(300/s)"'),
        ("poisson(300)", '\'300\' is not a rate: write "300/s" or "10/min"'),
        ("poisson(0/s)", "a rate must be more than 0: '0/s'"),
    ],
)
def test_what_is_no_pace_is_refused_with_what_would_do(text: object, message: str) -> None:
    """The message shows what was written and how to write it."""
    assert refusal(parse_pace, text) == message


@pytest.mark.parametrize(
    ("text", "popularity"),
    [
        ("uniform", Popularity("uniform")),
        ("uniform()", Popularity("uniform")),
        ("zipf(1.0)", Popularity("zipf", (1.0,))),
        ("zipf(0)", Popularity("zipf", (0.0,))),
        ("hotspot(10%, 90%)", Popularity("hotspot", (0.1, 0.9))),
        ("hotspot(0.1, 0.9)", Popularity("hotspot", (0.1, 0.9))),
    ],
)
def test_a_popularity_is_read_from_text(text: str, popularity: Popularity) -> None:
    """Shares may be percentages or plain numbers."""
    assert parse_popularity(text) == popularity


@given(popularities())
def test_every_popularity_is_read_as_it_was_written(popularity: Popularity) -> None:
    """From a value to text and back is the same value."""
    assert parse_popularity(str(popularity)) == popularity


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (1, '1 is not a popularity: write "uniform", "zipf(1.0)" or "hotspot(10%, 90%)"'),
        ("zipf", '\'zipf\' is not a popularity: write "uniform", "zipf(1.0)" or "hotspot(10%, 90%)"'),
        (
            "pareto(1)",
            '\'pareto(1)\' is not a popularity: write "uniform", "zipf(1.0)" or "hotspot(10%, 90%)"',
        ),
        ("zipf 1", "'zipf 1' cannot be read: write a name with its arguments, as in zipf(1.0)"),
        ("zipf(a)", "'a' is not a number"),
        ("zipf(-1)", "'-1' must be 0 or more, and finite"),
        ("hotspot(10%, 190%)", 'a share lies between 0 and 1 ("0%" and "100%"): \'190%\''),
        ("hotspot(some, most)", "'some' is not a share: write 0.1 or \"10%\""),
    ],
)
def test_what_is_no_popularity_is_refused_with_what_would_do(text: object, message: str) -> None:
    """The message shows what was written and how to write it."""
    assert refusal(parse_popularity, text) == message


@pytest.mark.parametrize(
    ("popularity", "shares"),
    [
        (Popularity("uniform"), [0.25, 0.25, 0.25, 0.25]),
        (Popularity("zipf", (0.0,)), [0.25, 0.25, 0.25, 0.25]),
        (Popularity("zipf", (1.0,)), [12 / 25, 6 / 25, 4 / 25, 3 / 25]),
        (Popularity("hotspot", (0.25, 0.7)), [0.7, 0.1, 0.1, 0.1]),
        (Popularity("hotspot", (0.5, 0.9)), [0.45, 0.45, 0.05, 0.05]),
        (Popularity("hotspot", (0.0, 0.7)), [0.7, 0.1, 0.1, 0.1]),
        (Popularity("hotspot", (1.0, 0.7)), [0.25, 0.25, 0.25, 0.25]),
    ],
)
def test_the_traffic_spreads_over_the_products(popularity: Popularity, shares: list[float]) -> None:
    """A hotspot is at least one product, and all of them when there are no others."""
    assert popularity.shares(4) == pytest.approx(shares)


@given(popularities(), st.integers(1, 200))
def test_the_shares_of_the_products_are_whole(popularity: Popularity, count: int) -> None:
    """However popular each is, each product has a share, and together they have it all."""
    shares = popularity.shares(count)
    assert len(shares) == count
    assert (shares >= 0).all()
    assert shares.sum() == pytest.approx(1)


@given(popularities(), st.integers(1, 20), st.integers(0, 2**32))
def test_only_products_that_there_are_are_drawn(popularity: Popularity, count: int, seed: int) -> None:
    """Products are numbered from 1 to their count."""
    drawn = popularity.draw(default_rng(seed), 50, count)
    assert set(drawn.tolist()) <= set(range(1, count + 1))


@given(popularities(), st.integers(1, 300), st.integers(0, 2**32))
def test_a_product_is_where_its_number_falls_among_the_shares(
    popularity: Popularity, count: int, seed: int
) -> None:
    """Each draw is one number of the stream, and falls to the product that a search finds."""
    edges = np.cumsum(popularity.shares(count))
    found = np.searchsorted(edges, default_rng(seed).random(1000), side="right") + 1
    assert np.array_equal(popularity.draw(default_rng(seed), 1000, count), np.minimum(found, count))


@pytest.mark.parametrize(
    "popularity",
    [Popularity("uniform"), Popularity("zipf", (1.0,)), Popularity("hotspot", (0.1, 0.9))],
    ids=str,
)
def test_products_are_drawn_by_their_shares(popularity: Popularity) -> None:
    """The null: 100,000 products are drawn by .shares, so chi-square is as many as its degrees allow."""
    count = 20
    expected = popularity.shares(count) * DRAWS
    seen = np.bincount(popularity.draw(default_rng(8), DRAWS, count), minlength=count + 1)[1:]
    chi_square = float(((seen - expected) ** 2 / expected).sum())
    assert abs((chi_square - (count - 1)) / math.sqrt(2 * (count - 1))) < 4


@pytest.mark.parametrize(
    ("value", "quantity"),
    [
        (1, Quantity(1, 1)),
        ("3", Quantity(3, 3)),
        ("integers(1, 5)", Quantity(1, 5)),
        (" integers( 2 ,2 ) ", Quantity(2, 2)),
        (1_000_000_000, Quantity(1_000_000_000, 1_000_000_000)),
    ],
)
def test_a_quantity_is_read_from_a_number_or_text(value: object, quantity: Quantity) -> None:
    """One number, or any from one to another."""
    assert parse_quantity(value) == quantity


@given(quantities())
def test_every_quantity_is_read_as_it_was_written(quantity: Quantity) -> None:
    """From a value to text and back is the same value."""
    assert parse_quantity(str(quantity)) == quantity


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("many", '\'many\' is not a quantity: write "1" or "integers(1, 5)"'),
        (1.0, '1.0 is not a quantity: write "1" or "integers(1, 5)"'),
        (-1, '-1 is not a quantity: write "1" or "integers(1, 5)"'),
        (True, 'True is not a quantity: write "1" or "integers(1, 5)"'),
        ("integers(1)", '\'integers(1)\' is not a quantity: write "1" or "integers(1, 5)"'),
        (0, "a quantity is at least 1, and integers(a, b) needs a <= b: 0"),
        ("integers(5, 1)", "a quantity is at least 1, and integers(a, b) needs a <= b: 'integers(5, 1)'"),
        (10**10, "a quantity is at most 1,000,000,000: 10000000000"),
        ("integers(1, 9999999999)", "a quantity is at most 1,000,000,000: 'integers(1, 9999999999)'"),
    ],
)
def test_what_is_no_quantity_is_refused_with_what_would_do(value: object, message: str) -> None:
    """The message shows what was written and how to write it."""
    assert refusal(parse_quantity, value) == message


def test_quantities_are_drawn_evenly_with_both_ends() -> None:
    """The null: each number from low to high is drawn as often as any other."""
    drawn = Quantity(1, 5).draw(default_rng(9), DRAWS)
    assert set(drawn.tolist()) == {1, 2, 3, 4, 5}
    for number in range(1, 6):
        assert abs(z_of_share(float((drawn == number).sum()), DRAWS, 0.2)) < 4


@pytest.mark.parametrize("parse", [parse_distribution, parse_pace, parse_popularity, parse_quantity])
@given(value=st.text(alphabet="mixture(%,)=.0159se pot/", max_size=30) | st.integers() | st.none())
def test_nothing_but_a_value_error_comes_of_nonsense(parse: Callable[[Any], Any], value: object) -> None:
    """Whatever is handed in is read, or refused; and what is read can be written and read again."""
    with contextlib.suppress(ValueError):
        made = parse(value)
        assert parse(str(made)) == made


def test_mixtures_as_deep_as_a_text_may_be_are_read() -> None:
    """The longest text that is taken is shorter than the deepest that Python can follow."""
    deep = (LONGEST_TEXT - 3) // len("mixture(100% )")
    text = "mixture(100% " * deep + "1ms" + ")" * deep
    assert str(parse_distribution(text)) == text
