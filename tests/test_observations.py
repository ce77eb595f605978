from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import default_rng

import sim
from sim.distributions import Constant, Empirical, Mixture, parse_distribution
from sim.observations import LARGEST_FILE, observations_text, read_observations
from sim.scenario_file import BadScenario, parse_scenario, read_scenario

KNOWN = "seconds, ns, us, ms, s, min, h, d"
SCENARIO = """
title = "as it was measured"
duration = "5s"
[[workers]]
pace = "poisson(20/s)"
[link]
delay = 'empirical("delays.csv")'
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder that holds nothing."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, text: str) -> Path:
    """Write a file, and the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("seconds\n0.5\n2\n", (0.5, 2.0)),
        ("ms\n0.1\n2.5e2\n", (0.0001, 0.25)),
        ('\ufeff"us"\r\n 7 \r\n\r\n0', (7e-06, 0.0)),
    ],
)
def test_a_file_holds_durations_in_the_unit_of_its_header(
    here: Path, text: str, seconds: tuple[float, ...]
) -> None:
    """Whatever program has written it."""
    write(here / "delays.csv", text)
    assert read_observations("delays.csv") == seconds


@given(st.lists(st.floats(0, 1e9, allow_subnormal=False), min_size=1))
def test_durations_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, seconds: list[float]
) -> None:
    """To the last bit."""
    path = write(tmp_path_factory.mktemp("some") / "durations.csv", observations_text(tuple(seconds)))
    assert read_observations(str(path)) == tuple(seconds)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("x.csv", None, "no such file: x.csv"),
        ("folder.csv/", b"", "this is a directory: folder.csv"),
        (
            "x.txt",
            b"s\n1\n",
            "a file of durations is a CSV file: write empirical(\"durations.csv\"), not 'x.txt'",
        ),
        ("x.csv", b"", f"x.csv, line 1: the header must name the unit, one of {KNOWN}"),
        ("x.csv", b"12.5\n", f"x.csv, line 1: the header must name the unit, one of {KNOWN}"),
        (
            "x.csv",
            b"second\n1\n",
            f"x.csv, line 1: the header must name the unit, one of {KNOWN} (did you mean 'seconds'?)",
        ),
        ("x.csv", b"ms\n\n", "x.csv holds no durations below its header"),
        ("x.csv", b"ms\n5\n\nfive\n", "x.csv, line 4: 'five' is not a number"),
        ("x.csv", b"ms\nnan\n", "x.csv, line 2: 'nan' is not a number"),
        ("x.csv", b"ms\n1,2\n", "x.csv, line 2: '1,2' is not a number"),
        ("x.csv", b"ms\n-5\n", "x.csv, line 2: a duration cannot be negative: '-5ms'"),
        ("x.csv", b"d\n1e308\n", "x.csv, line 2: a duration must be finite, and '1e308d' is too long"),
        ("x.csv", b"PAR1\xff\xfe", "x.csv is not a CSV file: it is not UTF-8 text"),
        ("x.csv", b"s\n" + b"1\n" * (LARGEST_FILE // 2), "x.csv is longer than 1,000,000 bytes"),
        ("x" * 300 + ".csv", None, f"{'x' * 300}.csv cannot be read: File name too long"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(
    here: Path, file: str, content: bytes | None, message: str
) -> None:
    """One message each; the scenario's own place goes before it."""
    name = file.rstrip("/")
    if file != name:
        (here / name).mkdir()
    elif content is not None:
        (here / name).write_bytes(content)
    with pytest.raises(BadScenario) as bad:
        parse_scenario(SCENARIO.replace("delays.csv", name))
    assert [str(problem) for problem in bad.value.problems] == [f"link.delay: {message}"]


def test_both_places_are_named_where_a_file_was_looked_for(here: Path) -> None:
    """Beside the scenario file, then in the current directory."""
    with pytest.raises(BadScenario) as bad:
        read_scenario(write(here / "mine" / "own.toml", SCENARIO).relative_to(here))
    assert [str(p) for p in bad.value.problems] == ["link.delay: no such file: mine/delays.csv or delays.csv"]


def test_a_file_is_looked_for_beside_its_scenario_then_here(here: Path) -> None:
    """What the scenario names lies beside it; what is set on the command line may lie here."""
    own = write(here / "mine" / "own.toml", SCENARIO)
    write(here / "mine" / "delays.csv", "ms\n1\n3\n")
    write(here / "delays.csv", "ms\n5\n")
    write(here / "other.csv", "ms\n7\n")
    assert read_scenario(own).link.delay == Empirical("delays.csv", (0.001, 0.003))
    other = read_scenario(own, {"link.delay": 'empirical("other.csv")'}).link.delay
    assert other == Empirical("other.csv", (0.007,))
    assert parse_scenario(SCENARIO).link.delay == Empirical("delays.csv", (0.005,))


def test_a_part_of_a_mixture_may_come_from_a_file(here: Path) -> None:
    """Its name may hold whatever a name may hold, in quotes."""
    write(here / "some, (old).csv", "seconds\n1\n3\n")
    text = 'mixture(50% empirical("some, (old).csv"), 50% 4s)'
    mixture = parse_distribution(text)
    assert mixture == Mixture(((0.5, Empirical("some, (old).csv", (1.0, 3.0))), (0.5, Constant(4.0))))
    assert (str(mixture), mixture.mean) == (text, 3.0)


def test_each_observation_is_drawn_as_often_as_any_other() -> None:
    """Null: each of five is a fifth of 100,000 draws; |z| < 4."""
    drawn = Empirical("x.csv", (0.1, 0.2, 0.3, 0.4, 5.0)).draw(default_rng(1), 100_000)
    counts = [int((drawn == value).sum()) for value in (0.1, 0.2, 0.3, 0.4, 5.0)]
    assert sum(counts) == 100_000
    assert max(abs(count - 20_000) / (100_000 * 0.2 * 0.8) ** 0.5 for count in counts) < 4


def test_a_saved_run_keeps_the_durations_of_its_files(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the same when it is loaded elsewhere, and the files are gone."""
    write(here / "mine" / "own.toml", SCENARIO)
    delays = write(here / "mine" / "delays.csv", "ms\n30\n10\n20\n")
    trace = sim.run("mine/own.toml")
    trace.save(here / "runs" / "one")
    delays.unlink()
    (here / "runs").rename(here / "kept")
    monkeypatch.chdir(here / "kept")
    again = sim.load_trace(Path("one"))
    assert (again.scenario, again.fingerprint) == (trace.scenario, trace.fingerprint)
    assert set(trace.changes["delay"]) == {0.01, 0.02, 0.03}


def test_two_files_of_one_name_are_refused(here: Path) -> None:
    """A saved run holds both in one folder; two that say the same are one."""
    write(here / "a" / "x.csv", "ms\n1\n")
    write(here / "b" / "x.csv", "ms\n2\n")
    text = (
        'title = "x"\n[link]\ndelay = \'empirical("{}/x.csv")\'\n[writer]\nservice = \'empirical("a/x.csv")\''
    )
    assert parse_scenario(text.format("a")).link.delay.mean == 0.001
    with pytest.raises(BadScenario, match=r"two files of durations are named x\.csv: give each its own name"):
        parse_scenario(text.format("b"))
