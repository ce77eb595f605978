import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sim
from sim.distributions import Empirical, Lognormal, parse_distribution, with_mean
from sim.knob import Knob
from sim.scenario_file import parse_scenario, toml_text

TWO = """
title = "two crowds"
[[workers]]
name = "buyers"
pace = "constant(20/s)"
[[workers]]
name = "sellers"
think = "gamma(mean=1s, cv=0.5)"
[inbox]
capacity = "unbounded"
[link]
delay = "lognormal(p50=20ms, p99=200ms)"
loss = 0.1
[reader]
poll = "1s"
[writer]
service = "2ms"
[[link.slow]]
at = "1s"
lasts = "1s"
"""


@pytest.mark.parametrize(
    ("key", "what", "number", "setting", "text"),
    [
        ("writer.service", "writer.service", 0.002, 0.003, "3ms"),
        ("writer.publish", "writer.publish", 0.0, 0.003, "3ms"),
        ("workers.buyers.pace", "the rate of workers.buyers.pace", 20.0, 40.0, "constant(40/s)"),
        ("workers.sellers.think", "the mean of workers.sellers.think", 1, 2, "gamma(mean=2s, cv=0.5)"),
        ("inbox.capacity", "inbox.capacity", math.inf, 7.0, "7"),
        ("link.loss", "link.loss", 0.1, 0.2, "0.2"),
        ("link.slow.times", "link.slow.times", 10, 3, "3"),
        ("reader.poll", "reader.poll", 1.0, 0.25, "250ms"),
        ("warmup", "warmup", 0.0, 2.0, "2s"),
        ("products.stock", "products.stock", 0.0, 3.0, "3"),
    ],
)
def test_a_knob_is_the_number_in_a_key(key: str, what: str, number: float, setting: float, text: str) -> None:
    """What is turned, where it stands, and what a file would hold; turned, nothing else has changed."""
    scenario = parse_scenario(TWO)
    knob = Knob.find(scenario, key)
    assert (knob.what, knob.number, knob.text(setting)) == (what, number, text)
    assert knob.at(setting) == parse_scenario(TWO, settings={key: text})
    assert Knob.find(knob.at(setting), key).number == setting


def test_a_knob_stretches_a_distribution_and_leaves_its_shape() -> None:
    """The mean is what is set, and p99 / p50 stays."""
    knob = Knob.find(parse_scenario(TWO), "link.delay")
    delay = knob.at(0.5).link.delay
    assert delay.mean == pytest.approx(0.5)
    assert parse_distribution(knob.text(0.5)).mean == pytest.approx(0.5)
    assert isinstance(delay, Lognormal)
    assert delay.p99 / delay.p50 == pytest.approx(10)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("link.order", "link.order holds no single number: it is fifo"),
        ("link", "link holds no single number"),
        ("link.dely", r"link.dely: there is no key 'dely' \(did you mean 'delay'\?\)"),
        ("link.delay.p50", "link.delay.p50 holds no single number"),
        ("title", "title holds no single number: it is two crowds"),
        ("seed", "seed holds no single number: it is 1"),
        ("workers.pace", "workers.pace: say which one: buyers, sellers"),
        ("reader.crashes.at", "reader.crashes.at: there are 0 of them"),
    ],
)
def test_what_is_no_knob_is_refused(key: str, message: str) -> None:
    """With what would do."""
    with pytest.raises(ValueError, match=f"^{message}$"):
        Knob.find(parse_scenario(TWO), key)


def test_what_a_scenario_cannot_be_is_refused() -> None:
    """By the key's own reader, and by what it does not go with."""
    scenario = parse_scenario(TWO)
    with pytest.raises(ValueError, match=r"^link.loss: a share of less than 100% is needed$"):
        Knob.find(scenario, "link.loss").at(1.0)
    with pytest.raises(ValueError, match=r"^workers.sellers.pace: pace and think stand instead"):
        Knob.find(scenario, "workers.sellers.pace").at(3.0)
    assert not Knob.find(scenario, "products.count").takes(0.0)
    assert Knob.find(scenario, "products.count").takes(1.0)


@pytest.mark.parametrize(
    ("key", "text", "number"),
    [("link.loss", "10%", 0.1), ("link.loss", "0.1", 0.1), ("reader.poll", "2min", 120.0),
     ("workers.buyers.pace", "30/min", 0.5), ("inbox.capacity", "12", 12.0)],
)  # fmt: skip
def test_a_setting_is_read_in_the_unit_of_the_key(key: str, text: str, number: float) -> None:
    """As a scenario file has it, a share also in percent."""
    assert Knob.find(parse_scenario(TWO), key).read(text) == number


def test_a_setting_of_another_unit_is_refused() -> None:
    """With the key, and what would do."""
    scenario = parse_scenario(TWO)
    with pytest.raises(ValueError, match=r"^inbox.capacity: a whole number is needed, not '1.5'$"):
        Knob.find(scenario, "inbox.capacity").read("1.5")
    with pytest.raises(ValueError, match=r"^link.loss: a number is needed, not 'much'$"):
        Knob.find(scenario, "link.loss").read("much")


laws = st.sampled_from(
    [
        "3ms", "uniform(1ms, 5ms)", "exponential(2ms)", "gamma(mean=3ms, cv=2)",
        "pareto(minimum=1ms, alpha=3)",
        "lognormal(p50=1ms, p99=9ms)", "mixture(20% 4ms, 80% exponential(1ms))",
    ]
)  # fmt: skip


@given(laws, st.floats(1e-6, 1e3), st.integers(0, 100))
def test_the_same_luck_is_stretched(text: str, mean: float, seed: int) -> None:
    """Every draw is as many times as long as the mean is."""
    law = parse_distribution(text)
    other = with_mean(law, mean)
    one, two = (each.draw(np.random.default_rng(seed), 20) for each in (law, other))
    assert other.mean == pytest.approx(mean)
    assert two == pytest.approx(one * mean / law.mean)


def test_what_was_measured_has_the_mean_it_has() -> None:
    """A file of durations cannot be given another mean, nor a shape a mean of nothing."""
    with pytest.raises(ValueError, match="was measured: its mean is what it is"):
        with_mean(Empirical("delays.csv", (0.1, 0.2)), 0.3)
    with pytest.raises(ValueError, match=r"^no uniform\(1ms, 5ms\) has a mean of 0s$"):
        with_mean(parse_distribution("uniform(1ms, 5ms)"), 0.0)


def test_a_turned_scenario_can_be_saved() -> None:
    """What is set is what a file would hold."""
    knob = Knob.find(sim.load_scenario("flash-sale"), "link.delay")
    turned = parse_scenario(toml_text(knob.at(0.05)))
    assert turned.link.delay.mean == pytest.approx(0.05)
