from pathlib import Path

import pytest

import sim
from sim.cli import main


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save the story and the run of a lock, for all tests of this module."""
    place = tmp_path_factory.mktemp("saved")
    sim.run("story").save(place / "runs" / "story-1")
    sim.run("one-lock", settings={"duration": "15s"}).save(place / "lock")
    sim.run("flash-sale", settings={"duration": "15s"}).save(place / "sale")
    (place / "empty").mkdir()
    for name, fault in (("cut", "{"), ("old", "[]"), ("strange", '{"fingerprint": "x", "colour": "red"}')):
        sim.run("story").save(place / name)
        (place / name / "trace.json").write_text(fault)
    sim.run("story").save(place / "torn")
    (place / "torn" / "queries.parquet").write_bytes(b"PAR1")
    return place


@pytest.fixture
def here(saved: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand where the runs are."""
    monkeypatch.chdir(saved)
    return saved


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Call the command line, and give its status and what it wrote."""
    with pytest.raises(SystemExit) as end:
        main(["plot", *arguments])
    printed = capsys.readouterr()
    return int(end.value.code or 0), printed.out, printed.err


def test_named_figures_are_drawn_beside_the_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each says where it is."""
    status, printed, _ = called(capsys, "runs/story-1", "lag", "spacetime", "--around", "query:2")
    assert (status, printed) == (0, "   saved runs/story-1/lag.png\n   saved runs/story-1/spacetime.png\n")
    assert (here / "runs" / "story-1" / "spacetime.png").read_bytes().startswith(b"\x89PNG")


def test_without_a_name_all_that_fit_are_drawn(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Into another folder, as other pictures; a run in runs/ is found by its name."""
    status, _, _ = called(capsys, "lock", "--out", "pictures/lock", "--format", "svg")
    assert status == 0
    drawn = sorted(path.name for path in (here / "pictures" / "lock").iterdir())
    assert drawn == ["lag.svg", "percentiles.svg", "queue.svg"]
    status, printed, _ = called(capsys, "story-1", "blame", "--format", "pdf")
    assert (status, printed) == (0, "   saved runs/story-1/blame.pdf\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runs/story-1", "lagg"], "unknown figure 'lagg' (did you mean 'lag'?); known: lag, visibility,"),
        (["nope"], "nope: no run was saved here\n"),
        (["runs/stori-1"], "runs/stori-1: no run was saved here (did you mean 'runs/story-1'?)\n"),
        (["empty"], "empty: no run was saved here"),
        (["cut"], "cut: the run that was saved here cannot be read any more"),
        (["old"], "old: the run that was saved here cannot be read any more"),
        (["strange"], "strange: the run that was saved here cannot be read any more"),
        (["torn"], "torn: the run that was saved here cannot be read any more"),
        (["lock", "blame"], "blame: there is one model, and no read of it is stale\n"),
        (["lock", "--around", "worst"], "--around is for spacetime, and none of them is drawn\n"),
        (
            ["story-1", "spacetime", "--around", "query:4"],
            "there is no query:4: the run has",
        ),
        (["story-1", "spacetime", "--around", "best"], '--around takes "worst" or a query by its number'),
        (
            ["story-1", "spacetime", "--around", "worst", "--product", "1"],
            "--around chooses product and stretch by itself",
        ),
        (
            ["story-1", "queue", "--product", "1"],
            "--product is for lag and spacetime",
        ),
        (["story-1", "lag", "--product", "2"], "--product: this scenario has products 1 to 1, and no 2\n"),
        (["story-1", "lag", "--between", "2s", "1s"], "--between: a stretch starts before it ends"),
        (
            ["story-1", "lag", "--between", "1", "2"],
            "--between: a duration needs a unit",
        ),
        (["sale", "spacetime", "--product", "1"], "and nobody can tell more than 40 apart"),
    ],
)
@pytest.mark.usefixtures("here")
def test_bad_input_is_one_clear_message(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the reason, on standard error, and nothing is drawn."""
    status, printed, complaint = called(capsys, *arguments)
    assert (status, printed) == (2, "")
    assert message in complaint
    assert complaint.count("\n") == 1


def test_a_place_that_cannot_be_written_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file stands where the folder would be."""
    (here / "file").write_text("")
    status, _, complaint = called(capsys, "story-1", "lag", "--out", "file/below")
    assert (status, complaint) == (3, "!  not saved in file/below: Not a directory\n")
