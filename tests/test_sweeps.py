import math
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import matplotlib.pyplot as plt
import polars as pl
import pytest
from attrs import evolve, fields, frozen

import sim
from sim.glossary import METRICS
from sim.grid import Grid, lay_out, make_axis
from sim.metrics import Estimate
from sim.page.chart import draw
from sim.scenario import Scenario
from sim.studies.journal import BadJournal, begin, keep, kept, mend
from sim.studies.lots import Unplayable, lots_of, play_one
from sim.studies.sweeps import Findings, lost, play_cells, runs, table
from sim.terminal.sheet import sweep_lines

SHORT = {"duration": "4s", "warmup": "0s", "replications": "3"}
VARY = {"link.delay": "50ms..200ms", "writer.service": ["exponential(2ms)", "exponential(8ms)"]}


def grid_of(**vary: str) -> Grid:
    """Lay out a small grid of the saturation."""
    axes = [make_axis(key.replace("__", "."), values) for key, values in vary.items()]
    return lay_out("saturation", axes, SHORT)


def test_each_cell_says_what_its_scenario_says_when_measured_alone() -> None:
    """Every number and interval, and theory's, as `sim.measure` and the closed forms give them."""
    found = sim.sweep("saturation", VARY, settings=SHORT, jobs=1)
    cell = found.filter(pl.col("link.delay") == 0.1, pl.col("writer.service") == 0.008)
    settings = SHORT | {"link.delay": "100ms", "writer.service": "exponential(8ms)"}
    summary = sim.measure("saturation", jobs=1, settings=settings)
    names = ["staleness.p99", "stale_read_fraction", "shed_fraction", "command_latency.mean"]
    for name in names:
        metric, _, statistic = name.partition(".")
        row = cell.row(
            by_predicate=(pl.col("metric") == metric) & (pl.col("statistic") == (statistic or "value")),
            named=True,
        )
        assert Estimate(row["estimate"], row["low"], row["high"]) == summary.estimate(name)
        assert (row["replications"], row["n"]) == (3, summary.counts[metric])
    theory = {(m, s): t for m, s, t in cell.select("metric", "statistic", "theory").rows()}
    assert theory["command_latency", "mean"] == pytest.approx(0.008 / (1 - 0.72))
    assert theory["visibility_lag", "p99"] == 0.1
    assert theory["shed_fraction", "value"] is None


def test_the_table_is_long() -> None:
    """A row for each cell and statistic, with what varies as a number and as it was written."""
    found = sim.sweep("saturation", VARY, settings=SHORT, jobs=1)
    statistics = sum(len(metric.statistics) for metric in METRICS.values())
    assert found.height == 6 * statistics
    assert found.columns == [
        "link.delay", "link.delay as written", "writer.service", "writer.service as written",
        "metric", "statistic", "estimate", "low", "high", "theory", "replications", "n",
    ]  # fmt: skip
    assert found.row(statistics)[:6] == (
        0.05, "50ms", 0.008, "exponential(8ms)", "command_latency", "mean",
    )  # fmt: skip
    assert not found.select(pl.col(pl.Float64).is_nan().any()).row(0).count(True)


def test_cells_differ_by_what_varies_and_not_by_luck() -> None:
    """The same commands come to the same writer, whatever the link's delay."""
    found = sim.sweep("saturation", {"link.delay": "50ms..800ms"}, settings=SHORT, jobs=1)
    same = found.filter(pl.col("metric").is_in(["command_latency", "throughput"]))
    assert same.group_by("metric", "statistic").agg(pl.col("estimate").n_unique())["estimate"].max() == 1
    stale = found.filter(pl.col("metric") == "stale_read_fraction")["estimate"]
    assert stale.is_sorted()
    assert stale.n_unique() == 5


@pytest.mark.slow
def test_wherever_it_is_played_the_table_is_the_same() -> None:
    """Here, in another process, by threads: the same rows in the same order."""
    here = sim.sweep("saturation", VARY, settings=SHORT, jobs=1)
    assert here.equals(sim.sweep("saturation", VARY, settings=SHORT, jobs=2))
    with ThreadPoolExecutor(3) as threads:
        assert here.equals(sim.sweep("saturation", VARY, settings=SHORT, executor=threads))
    assert here.equals(sim.sweep("saturation", VARY, settings=SHORT, jobs=1, engine="trio"))


def test_a_cell_is_concluded_of_the_replications_that_are_there() -> None:
    """One that is lost is missing in its cell alone; a cell without any has no rows."""
    grid = grid_of(link__delay="10ms,50ms,90ms")
    findings = Findings(grid)
    for run, summary in play_cells(grid, jobs=1):
        if summary and run not in ((0, 1), (2, 0), (2, 1), (2, 2)):
            findings.add(run, summary)
    found = findings.conclude()
    assert [one and one.summary.replications for one in found] == [2, 3, None]
    rows = table(grid, found).group_by("link.delay", maintain_order=True).agg(pl.col("replications").first())
    assert rows.rows() == [(0.01, 2), (0.05, 3)]
    assert [*sweep_lines(grid, found, "x", "throughput", 1.0)][-1] == "   90ms                  –"
    assert lost(grid, (0, 1)) == ("link.delay=10ms, replication 1: the process that played it died, twice")


@frozen
class Deadly(Scenario):
    """A scenario that costs each process its life to which it is sent."""

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (1,)


@pytest.mark.slow
def test_a_run_that_costs_processes_their_life_costs_the_others_of_its_lot_nothing() -> None:
    """All that were sent with it are played alone, and all but itself are there."""
    grid = grid_of(link__delay="10ms,50ms")
    good, bad = grid.cells
    deadly = Deadly(**{f.name: getattr(bad.scenario, f.name) for f in fields(Scenario)})
    assert lots_of(grid, runs(grid), "auto") == [runs(grid)]
    found = dict(play_cells(evolve(grid, cells=(good, evolve(bad, scenario=deadly))), jobs=2))
    assert sorted(found) == runs(grid)
    assert [run for run in runs(grid) if found[run] is None] == [(1, 0), (1, 1), (1, 2)]


def test_runs_are_sent_together_that_take_less_time_than_to_send_them(tmp_path: Path) -> None:
    """By arrays more than by actors; in their order, and those that nobody can foresee alone."""
    once = {"warmup": "0s"}
    grid = lay_out("saturation", [make_axis("duration", "10s,20s,2000s")], once | {"replications": "4"})
    some = [run for run in runs(grid) if run != (0, 1)]
    for engine, sizes in (("auto", [7, 1, 1, 1, 1]), ("trio", [3, 2, 2, 1, 1, 1, 1])):
        lots = lots_of(grid, some, engine)
        assert ([len(lot) for lot in lots], [*chain.from_iterable(lots)]) == (sizes, some)
    patient = tmp_path / "patient.toml"
    patient.write_text('title = "patient"\nduration = "1s"\nreplications = 2\n[[workers]]\nthink = "100ms"\n')
    grid = lay_out(patient, [make_axis("link.delay", "1ms,2ms")])
    assert [len(lot) for lot in lots_of(grid, runs(grid), "auto")] == [1, 1, 1, 1]


def test_a_cell_that_cannot_be_played_is_named() -> None:
    """With the reason, in one message."""
    grid = lay_out("oversold", [make_axis("link.delay", "10ms")])
    with pytest.raises(Unplayable, match=r"link\.delay=10ms: workers look before they command"):
        play_one(grid.cells[0], 0, "array")


def test_the_grid_has_the_last_key_across_and_the_one_before_it_down() -> None:
    """A block for each value of the others; what grows for ever is said to."""
    grid = grid_of(link__order="fifo,serial", link__delay="5ms,50ms", products__stock="1,2")
    findings = Findings(grid)
    for run, summary in play_cells(grid, jobs=1):
        assert summary
        findings.add(run, summary)
    lines = [*sweep_lines(grid, findings.conclude(), "saturation", "visibility_lag.max", 1.5)]
    assert lines[:9] == [
        "saturation  seed 1   visibility_lag.max: from a change's commit until the read model shows it",
        "8 cells    24 runs of 4 s simulated in 1.50 s",
        "",
        "link.order=fifo",
        "                products.stock",
        "   link.delay       1       2",
        "   5ms           5 ms    5 ms",
        "   50ms         50 ms   50 ms",
        "",
    ]
    assert lines[-1].endswith(" grows")


def test_theory_stands_beside_what_varies_alone() -> None:
    """1 − e^(−λd) of one product; nothing where no form holds."""
    settings = SHORT | {"products.count": "1"}
    for key, shown in (("link.delay", True), ("reader.poll", False)):
        grid = lay_out("saturation", [make_axis(key, "20ms")], settings)
        findings = Findings(grid)
        for run, summary in play_cells(grid, jobs=1):
            assert summary
            findings.add(run, summary)
        line = [*sweep_lines(grid, findings.conclude(), "x", "stale_read_fraction", 1.0)][-1]
        assert line.endswith(f"   {1 - math.exp(-90 * 0.02):.1%}") is shown


def test_what_is_kept_is_read_back_as_it_was(tmp_path: Path) -> None:
    """To the last bit, with what was never seen and what is infinite."""
    journal, grid = tmp_path / "below" / "runs.jsonl", grid_of(link__delay="10ms")
    begin(journal, ["this sweep"])
    played = {run: summary for run, summary in play_cells(grid, jobs=1) if summary}
    odd = evolve(played[0, 0], wall_seconds=math.inf, settles_after=0.1 + 0.2)
    for run, summary in {**played, (0, 0): odd}.items():
        keep(journal, run, summary)
    found = kept(journal, ["this sweep"])
    assert [*found] == runs(grid)
    assert repr(found) == repr({**played, (0, 0): odd})
    for run, summary in found.items():
        assert repr(summary.metrics) == repr(played[run].metrics)
        assert summary.counts == played[run].counts


def test_a_line_that_was_cut_short_does_not_count(tmp_path: Path) -> None:
    """It is taken away, and the next run stands where it stood."""
    journal, grid = tmp_path / "runs.jsonl", grid_of(link__delay="10ms")
    begin(journal, ["this sweep"])
    played = [(run, summary) for run, summary in play_cells(grid, jobs=1) if summary]
    for run, summary in played:
        keep(journal, run, summary)
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-100])
    assert [*kept(journal, ["this sweep"])] == [(0, 0), (0, 1)]
    mend(journal)
    keep(journal, *played[2])
    assert journal.read_bytes() == whole


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"sweep":["another"]}', " is of another sweep: it says 'another' where this one says 'this one'"),
        (b'{"sweep":[]}', " is of another sweep: it says 'nothing' where this one says 'this one'"),
        (b"5", " is damaged at line 1: start the sweep without --resume"),
        (b'{"sweep":["this one"]}\n{"cell": 0}', " is damaged at line 2: start the sweep without --resume"),
        (b'{"sweep":["this one"]}\nwords', " is damaged at line 2: start the sweep without --resume"),
        (b'{"sweep":["this one"]}\n\xff', " is damaged at line 2: start the sweep without --resume"),
    ],
)
def test_a_journal_of_something_else_is_refused(tmp_path: Path, line: bytes, message: str) -> None:
    """With the first difference, or the line that is damaged."""
    journal = tmp_path / "runs.jsonl"
    journal.write_bytes(line + b"\n")
    with pytest.raises(BadJournal) as refused:
        kept(journal, ["this one"])
    assert str(refused.value) == f"{journal}{message}"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_message() -> None:
    """What cannot be kept is said at once."""
    grid = grid_of(link__delay="10ms")
    [(run, summary), *_] = play_cells(grid, jobs=1)
    assert summary
    with pytest.raises(BadJournal, match="/dev/full cannot be written: No space left on device"):
        keep(Path("/dev/full"), run, summary)


def test_a_folder_that_cannot_be_made_is_one_message(tmp_path: Path) -> None:
    """And so is a file that cannot be read."""
    (tmp_path / "file").touch()
    with pytest.raises(BadJournal, match="cannot be written: Not a directory"):
        begin(tmp_path / "file" / "below" / "runs.jsonl", [])
    with pytest.raises(BadJournal, match="cannot be read: Is a directory"):
        kept(tmp_path, [])


@pytest.mark.parametrize(
    ("vary", "words"),
    [
        ({"link__delay": "90ms,5ms"}, ["Stale reads over link.delay", "theory"]),
        ({"link__order": "fifo,serial"}, ["fifo", "serial"]),
        (
            {"link__delay": "5ms,90ms", "workers__pace": "poisson(50/s)"},
            ["Stale reads over workers.pace"],
        ),
    ],
)
def test_a_sweep_over_one_key_or_two_has_a_figure(
    tmp_path: Path, vary: dict[str, str], words: list[str]
) -> None:
    """A line, with theory where it says something, or a heatmap; the same findings, the same bytes."""
    grid = grid_of(**vary)
    findings = Findings(grid)
    for run, summary in play_cells(grid, jobs=1):
        assert summary
        findings.add(run, summary)
    found = findings.conclude()
    with plt.rc_context({"svg.fonttype": "none"}):
        assert draw(grid, found, "stale_read_fraction", tmp_path / "one.svg")
        assert draw(grid, found, "stale_read_fraction", tmp_path / "two.svg")
    text = (tmp_path / "one.svg").read_text()
    assert text == (tmp_path / "two.svg").read_text()
    assert [word for word in words if word not in text] == []


def test_a_sweep_over_three_keys_has_no_figure(tmp_path: Path) -> None:
    """The grid has a block for each value of the first; a figure would need one, too."""
    grid = grid_of(link__order="fifo", link__delay="5ms", products__stock="1")
    assert draw(grid, [None], "throughput", tmp_path / "none.png") is False
    assert not (tmp_path / "none.png").exists()
