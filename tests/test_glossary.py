import re

import pytest

from sim.glossary import DISTRIBUTION, METRICS, PLACES, QUANTILES, TAIL, VALUE, Metric, split_name


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("staleness.p99", ("staleness", "p99")),
        ("staleness.p99.9", ("staleness", "p99.9")),
        ("staleness.mean", ("staleness", "mean")),
        ("throughput", ("throughput", "value")),
        ("throughput.value", ("throughput", "value")),
    ],
)
def test_a_name_is_a_metric_and_a_statistic(name: str, parts: tuple[str, str]) -> None:
    """A metric that is one value needs no statistic."""
    assert split_name(name) == parts


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("staleness", "staleness has mean, p50, p95, p99, p99.9, max: write staleness.max"),
        ("staleness.p98", "staleness has mean, p50, p95, p99, p99.9, max: write staleness.max"),
        ("staleness.value", "staleness has mean, p50, p95, p99, p99.9, max: write staleness.max"),
        ("t_visibility.p95", "t_visibility has p99, p99.9: write t_visibility.p99.9"),
        ("throughput.p99", "throughput has value: write throughput.value"),
        (
            "stalness.p99",
            f"unknown metric 'stalness' (did you mean 'staleness'?); known: {', '.join(METRICS)}",
        ),
        ("", f"unknown metric ''; known: {', '.join(METRICS)}"),
    ],
)
def test_a_name_that_stands_for_nothing_is_refused_with_those_that_do(name: str, message: str) -> None:
    """The message names the metrics, or the statistics that the metric has."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        split_name(name)


@pytest.mark.parametrize("name", METRICS)
def test_every_statistic_of_every_metric_has_a_name_that_can_be_split(name: str) -> None:
    """What a summary holds can be named in an expectation."""
    for statistic in METRICS[name].statistics:
        assert split_name(f"{name}.{statistic}") == (name, statistic)


@pytest.mark.parametrize(("name", "metric"), METRICS.items())
def test_a_share_says_what_it_is_counted_among_and_a_metric_has_one_of_three_sets_of_statistics(
    name: str, metric: Metric
) -> None:
    """Everything that is measured has a meaning and one value, the whole distribution or its tail."""
    assert metric.meaning
    assert metric.statistics in (VALUE, DISTRIBUTION, TAIL, PLACES)
    assert not metric.of or metric.unit == "share"
    assert not name.endswith("_fraction") or metric.of


def test_the_quantiles_of_a_distribution_are_among_its_statistics() -> None:
    """p99 is the 0.99 quantile, and so on."""
    named = {name: float(name.removeprefix("p")) / 100 for name in DISTRIBUTION if name.startswith("p")}
    assert pytest.approx(named) == QUANTILES
