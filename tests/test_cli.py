import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from sim.cli import main
from sim.trace import load_trace

SIM = str(Path(sys.executable).with_name("sim"))
SHORT = ("--set", "duration=3s", "--replications", "2")
HASTY = ("--set", "duration=4s", "--set", "warmup=0s", "--replications", "1")
KNOWN = (
    "asks-again, back-pressure, dual-write, flash-sale, hot-product, jitter, lost-for-good, lost-updates, "
    "one-lock, outage, outbox, oversold, overtaking, polling, restart, saturation, slow-link, "
    "slow-projection, spike, story, twice"
)
EXACTLY = ["flash-sale", "--metric", "staleness.mean", "--precision"]
RUSH = ("--set", "workers.phases=[]", "--set", "workers.pace=poisson(200/s)")
LONG = ("run", "flash-sale", "--set", "duration=1h", *RUSH, "--set", "queries.pace=poisson(1/s)")


def test_help_names_the_commands() -> None:
    """The commands and what they are for, on one screen."""
    done = sim("--help")
    assert done.returncode == 0
    assert "  sim run story          ten items are added; why does the warehouse" in done.stdout
    assert "list     Name the scenarios that come along" in done.stdout
    assert "run      Run a scenario" in done.stdout
    assert "compare  Play variants of a scenario on the same luck" in done.stdout
    assert "sweep    Play a scenario for each combination" in done.stdout
    assert "theory   Name the closed forms that hold" in done.stdout


def test_help_loads_nothing_heavy() -> None:
    """What takes long to import is imported by the commands that need it."""
    code = (
        "import sys, sim.cli; print(*{'trio', 'numpy', 'polars', 'matplotlib', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.stdout == "\n"


def test_list_gives_each_scenario_its_question() -> None:
    """One line each, in alphabetical order."""
    assert sim("list").stdout.splitlines() == [
        "asks-again        Who gets no answer in time sends the command again: how often is it done?",
        "back-pressure     More orders come than the writer can do, and the channel is small: who waits?",
        "dual-write        The writer commits, then sends, and crashes now and then: what does the "
        "reader never hear of?",
        "flash-sale        How stale is the shop window while the queue is deepest?",
        "hot-product       One product gets most of the traffic: what does that do to its readers, "
        "and to the others?",
        "jitter            The delay is 100 ms on average, but not steady: who notices?",
        "lost-for-good     One change in fifty is lost on the way: how many reads are wrong?",
        "lost-updates      Everybody reads, works and writes back: what becomes of the stock?",
        "one-lock          One model behind one lock is never stale. Who pays for that?",
        "outage            The link was down for five seconds, and nothing is lost: when are reads "
        "fresh again?",
        "outbox            The writer crashes now and then, but notes each change with its commit: "
        "what is still lost?",
        "oversold          Everybody looks before buying. Why are some turned away at the till all the same?",
        "overtaking        Changes may overtake each other, and the last to arrive wins: what do "
        "readers see?",
        "polling           The reader looks for changes once a second: how old is what it shows?",
        "restart           The reader crashes and starts again from memory: what has it forgotten?",
        "saturation        What happens as the load nears what the writer can do?",
        "slow-link         A change takes 100 ms to travel, and there are 20 a second: does the "
        "view fall behind?",
        "slow-projection   The writer is nearly idle: why does the view get older all the time?",
        "spike             The rush is over: how long until nobody feels it any more?",
        "story             Ten items are added. Why does the warehouse still say zero?",
        "twice             One change in a hundred is delivered twice: what becomes of the stock "
        "that is shown?",
    ]


def test_the_story_is_told_line_by_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Command, answer, change applied, query, answer, each at its virtual time."""
    status, printed, errors = called(capsys, "run", "story")
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    assert lines[:9] == [
        "0.000 s command add 10 to product 1",
        "0.000 s answer accepted: the write model says 10",
        "0.000 s query how many of product 1?",
        "0.000 s answer the read model says 0",
        "1.000 s applied product 1 is now 10 in the read model, 1.000 s late",
        "1.500 s query how many of product 1?",
        "1.500 s answer the read model says 10",
        "1.800 s command remove 25 from product 1",
        "1.800 s answer Not enough stock!",
    ]
    assert (status, errors) == (0, "")


def test_the_engine_can_be_chosen_and_refuses_what_it_cannot_play(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By arrays the run is the same, and its heading says so; with a reason otherwise, and exit 2."""
    quick = ("run", "spike", "--set", "duration=12s", "--replications", "1")
    prints = {}
    for engine in ("trio", "auto"):
        _, printed, _ = called(capsys, *quick, "--engine", engine, "--json")
        prints[json.loads(printed)["engine"]] = json.loads(printed)["fingerprint"]
    assert prints["trio"] == prints["array"]
    assert "    array engine\n" in called(capsys, *quick, "--engine", "array")[1]
    status, printed, errors = called(capsys, "run", "oversold", "--engine", "array")
    assert (status, printed) == (2, "")
    assert errors == (
        "--engine array: workers look before they command (look_first), "
        "so what happens next depends on what they see; use --engine trio\n"
    )


def test_in_real_time_the_story_takes_as_long_as_it_says(tmp_path: Path) -> None:
    """Each line comes no earlier than its time: half a second is 0.5 s."""
    began = time.monotonic()
    settings = ["link.delay=100ms", "duration=500ms", "steps=[{at='0s', do='add'}, {at='400ms', do='query'}]"]
    done = sim("run", "story", "--realtime", *(w for s in settings for w in ("--set", s)), cwd=tmp_path)
    assert time.monotonic() - began >= 0.4
    assert "0.400 s     answer      the read model says 1" in done.stdout


def test_json_is_one_object_and_nothing_else(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output parses; every statistic has its three numbers."""
    _, printed, errors = called(capsys, "run", "flash-sale", "--json", *SHORT)
    found = json.loads(printed)
    keys = ["schema", "title", "seed", "engine", "loop", "replications", "fingerprint"]
    keys += ["virtual_seconds", "wall_seconds", "metrics", "counts", "theory", "diverged"]
    keys += ["expectations", "warnings"]
    assert list(found) == keys
    assert (found["schema"], found["seed"], found["engine"], found["loop"]) == (1, 7, "trio", "open")
    assert (found["replications"], found["virtual_seconds"]) == (2, 3.0)
    for table in found["metrics"].values():
        for statistic in table.values():
            assert list(statistic) == ["estimate", "low", "high"]
    assert found["expectations"][0] | {"actual": 0, "low": 0, "high": 1} == {
        "metric": "staleness.p99", "below": 1.0, "actual": 0, "low": 0, "high": 1,
        "holds": True, "verdict": "holds",
    }  # fmt: skip
    assert errors.startswith("   saved runs/flash-sale-")


def test_json_has_theory_beside_the_measurement(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By metric, and by statistic where there are several; nothing where no form holds."""
    _, printed, _ = called(capsys, "run", "saturation", "--json", *SHORT, "--set", "warmup=0s")
    theory = json.loads(printed)["theory"]
    stale = theory["stale_read_fraction"]
    assert list(stale) == ["value", "holds_because"]
    assert stale["value"] == pytest.approx(1 - math.exp(-0.9 * 0.05))
    assert stale["holds_because"].endswith("looks at instants of their own")
    assert list(theory["staleness"]) == ["mean", "p50", "p95", "p99", "p99.9"]
    assert list(theory["staleness"]["mean"]) == ["value", "holds_because"]
    _, printed, _ = called(capsys, "run", "flash-sale", "--json", *SHORT)
    assert json.loads(printed)["theory"] == {}


def test_theory_says_what_holds_and_why_the_rest_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    """Model by model, in a hundred columns; what is set counts."""
    status, printed, errors = called(capsys, "theory", "saturation", "--set", "workers.pace=poisson(50/s)")
    lines = printed.splitlines()
    assert (status, errors) == (0, "")
    assert lines[:3] == [
        "saturation   50 order desks → 1 writer → 50ms → 1 reader     open loop",
        "",
        "HOLDS",
    ]
    assert "      command_latency.mean               20 ms   ΛE[S²]/2(1 − ρ) + s" in lines
    assert "      stale_read_fraction                2.47%   Σ qᵢ(1 − e^(−pᵢΛd))" in lines
    refused = lines.index("DOES NOT HOLD")
    assert lines[refused + 1 : refused + 3] == [
        "   M/D/1: service is exponential(10ms), not fixed",
        "      command_latency, queue_wait",
    ]
    assert max(map(len, lines)) <= 100


def test_theory_as_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    """Every form is there, with its number or with the reason."""
    status, printed, _ = called(capsys, "theory", "story", "--json")
    found = json.loads(printed)
    assert (status, list(found)) == (0, ["schema", "title", "holds", "does_not_hold"])
    assert found["holds"][0] == {
        "metric": "visibility_lag.mean",
        "value": 1.0,
        "formula": "d",
        "model": "fixed delay",
        "source": "commits of the last d are unseen; PASTA, Little",
        "holds_because": "a writer and a reader; no faults on the way; a fixed delay; "
        "a reader that is never busy",
    }
    assert found["does_not_hold"][0] == {
        "metric": "writer_utilisation",
        "formula": "Λs",
        "model": "M/G/1",
        "because": "a script commands and looks at instants of its own",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["stori"], "no such scenario: stori"), (["story", "--set", "link.delay=5"], "a duration needs a unit")],
)
def test_theory_refuses_bad_input_as_run_does(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """Exit 2, and a message on standard error."""
    status, printed, errors = called(capsys, "theory", *arguments)
    assert (status, printed) == (2, "")
    assert message in errors


def test_what_was_never_seen_is_null_in_json_too(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An expectation of what nobody measured does not hold, and the output still parses."""
    text = 'title = "x"\nreplications = 1\n[[expect]]\nmetric = "staleness.p99"\nbelow = "1s"\n'
    (here / "quiet.toml").write_text(text)
    status, printed, _ = called(capsys, "run", "quiet.toml", "--json")

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    found = json.loads(printed, parse_constant=refuse)
    assert (status, found["expectations"][0]["actual"]) == (1, None)


def test_a_run_is_saved_and_can_be_loaded(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tables, scenario, summary and every figure lie where the last line says."""
    _, printed, _ = called(capsys, "run", "flash-sale", *SHORT, "--out", "kept")
    assert "   saved kept/    next: open kept/lag.png\n" in printed
    tables = ["changes.parquet", "commands.parquet", "models.parquet", "queries.parquet"]
    figures = ["blame.png", "lag.png", "percentiles.png", "queue.png", "spacetime.png", "visibility.png"]
    names = [*tables, *figures, "scenario.toml", "summary.json", "trace.json"]
    assert sorted(path.name for path in (here / "kept").iterdir()) == sorted(names)
    assert load_trace(here / "kept").scenario.duration == 3.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stori"], f"no such scenario: stori (did you mean 'story'?)\n  there is {KNOWN}\n"),
        (["nope.toml"], f"no such file: nope.toml\n  there is {KNOWN}\n"),
        (["."], f"this is a directory, not a scenario: .\n  there is {KNOWN}\n"),
        (["./"], f"this is a directory, not a scenario: ./\n  there is {KNOWN}\n"),
        (["empty.toml"], "empty.toml: 1 problem\n  title: this key is missing\n"),
        (["noise.toml"], "noise.toml: 1 problem\n  this is not a scenario file: it is not UTF-8 text\n"),
        (["words.toml"], "words.toml: 1 problem\n  this is not TOML: Expected '=' after a key"),
        (
            ["story", "--set", "link.delay"],
            "--set takes a key and a value: --set link.delay=50ms, not 'link.delay'\n",
        ),
        (
            ["story", "--set", "link.dely=1s"],
            "what was set: 1 problem\n  link.dely: unknown key (did you mean 'delay'?)\n",
        ),
        (["story", "--set", "link.delay=5"], 'a duration needs a unit: write "5ms" or "5s"\n'),
        (["story", "--set", 'link.delay=empirical("nope.csv")'], "/nope.csv or nope.csv\n"),
        (["story", "--set", "link.delay=-5s"], "a duration cannot be negative: '-5s'\n"),
        (["flash-sale", "--set", "workers.add=2"], 'a share lies between 0 and 1 ("0%" and "100%"): 2\n'),
        (["story", "--set", "link.delay=expo(5ms)"], "unknown distribution 'expo'"),
        (["flash-sale", "--realtime"], "--realtime tells a story line by line"),
        (
            ["flash-sale", "--precision", "2%"],
            "--precision and --metric go together: --precision 2% --metric s",
        ),
        (["flash-sale", "--metric", "staleness.p99"], "--precision and --metric go together"),
        (["flash-sale", "--limit", "20"], "--precision and --metric go together"),
        ([*EXACTLY, "2"], "--precision takes a share between 0% and 100%: --precision 2%, not '2'\n"),
        ([*EXACTLY, "0%"], "--precision takes a share between 0% and 100%: --precision 2%, not '0%'\n"),
        ([*EXACTLY, "100%"], "--precision takes a share between 0% and 100%"),
        (
            [*EXACTLY, "2%", "--metric", "stalness.p99"],
            "unknown metric 'stalness' (did you mean 'staleness'?)",
        ),
        ([*EXACTLY, "2%", "--metric", "staleness"], "staleness has mean, p50, p95, p99, p99.9, max: write"),
        (["story", "--replications", "0"], "Invalid value for '--replications'"),
        ([], "which scenario? sim list names those that come along; --all runs them all\n"),
        (["story", "--all"], "--all goes with --seed, --set, --replications, --engine and --json alone\n"),
        (
            ["--all", "--out", "x"],
            "--all goes with --seed, --set, --replications, --engine and --json alone\n",
        ),
        (["--all", "--set", "link.delay=3"], 'a duration needs a unit: write "3ms" or "3s"\n'),
    ],
)
def test_bad_input_is_refused_with_what_would_do(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """Exit 2, a message on standard error, no traceback, nothing run."""
    (here / "empty.toml").touch()
    (here / "noise.toml").write_bytes(bytes(range(128, 256)) * 7800)
    (here / "words.toml").write_text("this is not TOML")
    status, printed, errors = called(capsys, "run", *arguments)
    assert (status, printed) == (2, "")
    assert message in errors
    assert not (here / "runs").exists()


def test_a_missed_expectation_is_told_by_the_exit_status(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1, and by how much it was missed."""
    wish = """expect=[{metric="staleness.p99", below="1us"}]"""
    status, printed, _ = called(capsys, "run", "flash-sale", *SHORT[:2], "--replications", "1", "--set", wish)
    assert status == 1
    assert "✗  staleness.p99 < 1 µs" in printed
    assert " times that" in printed


def test_an_expectation_that_is_not_resolved_is_told_and_is_no_failure(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A build must not fail by luck, nor pass in silence: exit 0, and it is said."""
    wish = """expect=[{metric="throughput", above="50/s"}]"""
    status, printed, _ = called(
        capsys, "run", "flash-sale", *SHORT, "--set", "warmup=0s", "--set", wish, "--json"
    )
    assert status == 0
    [found] = json.loads(printed)["expectations"]
    assert found["verdict"] == "not resolved"
    assert found["low"] < 50 < found["high"]


def test_all_that_come_along_are_run_with_a_row_each(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1 as one fails, which in four seconds of virtual time several do; nothing is saved."""
    status, printed, errors = called(capsys, "run", "--all", *HASTY)
    *rows, last = printed.splitlines()
    assert (status, errors) == (1, "")
    assert [row.split()[1] for row in rows] == KNOWN.split(", ")
    shown = {row.split()[1]: re.sub(r" [\d.]+ s   ", " t   ", row) for row in rows}
    assert shown["story"].split(" t   ") == ["✓  story            ", "nothing is expected"]
    assert shown["restart"].startswith("✗  restart")
    assert shown["restart"].endswith("divergence_at_end > 5: 0 (fails)")
    assert shown["one-lock"].startswith("?  one-lock")
    assert "stale_read_fraction < 0.1%: ≤ 2.44% (not resolved)" in shown["one-lock"]
    assert re.fullmatch(r"   21 scenarios: \d+ of 38 expectations hold, \d+ fail, \d+ not resolved", last)
    assert not (here / "runs").exists()


@pytest.mark.slow
def test_all_that_is_expected_of_the_scenarios_holds(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At their own size none fails, and none is left to luck; as JSON it is one object."""
    status, printed, _ = called(capsys, "run", "--all", "--json")
    found = json.loads(printed)["scenarios"]
    assert status == 0
    assert len(found) == 21
    assert {claim["verdict"] for one in found for claim in one["expectations"]} == {"holds"}


def test_playing_again_gives_the_same_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--check-determinism says so on standard error."""
    status, _, errors = called(capsys, "run", "story", "--check-determinism")
    assert (status, "both times" in errors) == (0, True)


@pytest.mark.parametrize("replications", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_ctrl_c_ends_a_long_run_and_keeps_what_was_finished(tmp_path: Path, replications: int) -> None:
    """Exit 130; one run keeps its trace so far, several keep those that had finished."""
    for patience in (2, 6, 18):  # seconds; an idle, a busy, a very busy machine
        process = subprocess.Popen(
            [SIM, *LONG, "--replications", str(replications)],
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        time.sleep(patience)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        output, errors = process.communicate(timeout=30)  # that it is within a second is measured by hand
        if ("interrupted at " if replications == 1 else " were finished") in errors:
            break
    assert process.returncode == 130
    assert "Traceback" not in errors
    if replications == 1:
        assert "interrupted at " in errors
        assert " s of 3600 s" in errors
        assert (tmp_path / "runs").is_dir()
        assert "saved runs/flash-sale-" in output
    else:
        assert errors == "interrupted: 0 of 4 replications were finished\n"


@pytest.mark.slow
@pytest.mark.parametrize("patience", [0.8, 1.1, 1.4])
def test_ctrl_c_while_processes_begin_is_told_by_one_line(tmp_path: Path, patience: float) -> None:
    """Whatever is being imported or begun just then, and by whom, says nothing."""
    process = subprocess.Popen(
        [SIM, *LONG],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(patience)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, len(errors.split("\n"))) in [(130, 2), (130, 3)]
    assert "interrupted" in errors


def test_a_closed_pipe_is_no_error_worth_a_word(tmp_path: Path) -> None:
    """Whoever stops reading gets no traceback."""
    script = f"{SIM} run story | head -n 1"
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert done.stdout == "    0.000 s   command       add 10 to product 1\n"
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_told_and_not_hidden(tmp_path: Path) -> None:
    """What cannot be printed ends in one message and exit 3."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([SIM, "list"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (3, "cannot write: No space left on device\n")


def test_a_folder_that_cannot_be_written_costs_the_files_and_not_the_numbers(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The story is told all the same; exit 3 and the reason."""
    (here / "file").touch()
    status, printed, errors = called(capsys, "run", "story", "--out", "file/below")
    assert status == 3
    assert "the read model says 10" in printed
    assert errors == "!  not saved in file/below: Not a directory\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str, str]:
    """Run the command in this process; give its status and what it printed."""
    with pytest.raises(SystemExit) as end:
        main([*arguments])
    printed = capsys.readouterr()
    return end.value.code, printed.out, printed.err


def sim(*arguments: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run the command as a person would, without a terminal."""
    env = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"}
    words: Sequence[str] = [SIM, *arguments]
    return subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, timeout=60)
