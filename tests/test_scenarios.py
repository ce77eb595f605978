import math

import numpy as np
import polars as pl
import pytest

import sim
from sim.library import names
from sim.measures.window import measured_commands, measured_queries
from sim.scenario_file import parse_scenario, toml_text


@pytest.mark.parametrize("name", names())
def test_a_scenario_has_a_title_a_question_and_a_prediction(name: str) -> None:
    """What a learner reads before running it; and it can be written and read again."""
    scenario = sim.load_scenario(name)
    assert scenario.title
    assert scenario.question.endswith("?")
    assert scenario.prediction.endswith(".")
    assert parse_scenario(toml_text(scenario)) == scenario


@pytest.mark.slow
def test_in_the_flash_sale_the_queue_grows_and_the_staleness_does_not() -> None:
    """From the first two seconds of the rush to its last two, waits multiply and stale reads stay.

    Null: the share of stale reads is the same in both, over ten replications,
    |z| < 4; while the mean time to commit grows more than fivefold.
    """
    stale, waits = [], []
    for replication in range(10):
        trace = sim.run("flash-sale", replication=replication)
        queries, commands = measured_queries(trace), measured_commands(trace)
        early, late = pl.col("t").is_between(8, 10), pl.col("t").is_between(14, 16)
        reads = queries.select(t="asked", x=pl.col("missed_since").is_not_null())
        times = commands.select(t="intended", x=pl.col("finished") - pl.col("intended"))
        stale.append(_mean(reads, late) - _mean(reads, early))
        waits.append(_mean(times, late) / _mean(times, early))
    assert abs(np.mean(stale)) / (np.std(stale, ddof=1) / math.sqrt(10)) < 4
    assert np.mean(waits) > 5


def _mean(rows: pl.DataFrame, when: pl.Expr) -> float:
    return float(rows.filter(when)["x"].cast(pl.Float64).to_numpy().mean())
