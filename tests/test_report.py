import base64
import json
import re
import zlib
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import attrs
import pytest

import sim
from sim.commands.report import outcome_of
from sim.metrics import as_json, from_json
from sim.page.captions import Picture
from sim.page.report import Key, Outcome, Report, Slider, every_key, page
from sim.scenario_file import parse_scenario
from tests.test_cli import called

BRIEF = {"duration": "1s", "warmup": "0s", "replications": "1"}
MANY = ("--vary", "link.delay=1ms..50ms/1ms", "--vary", "products.stock=1..22/1")
HOSTILE = """
title = "<script>alert('title')</script>"
question = "Is <b>this</b> & that \\"quoted\\"?"
prediction = "<img src=x onerror=alert(1)>"
duration = "2s"
replications = 1
[[workers]]
name = "</script><script>alert('crowd')</script>"
pace = "poisson(20/s)"
"""


@cache
def told(name: str = "story", **settings: str) -> Outcome:
    """Play a scenario that comes along, and draw it."""
    scenario = sim.load_scenario(name, {key.replace("__", "."): value for key, value in settings.items()})
    return outcome_of(scenario, f"sim run {name}")


@cache
def shown(name: str = "story") -> str:
    """Make a page of a scenario that comes along."""
    return page(Report(name, (told(name),), f"sim report {name}"))


@cache
def hostile() -> Outcome:
    """Play a scenario that would like to be obeyed."""
    return outcome_of(parse_scenario(HOSTILE), "sim run '<i>'")


@cache
def slid() -> Report:
    """Make a report of the story with a slider of three delays."""
    delays = ("500ms", "1000ms", "1500ms")
    outcomes = tuple(told(link__delay=delay) for delay in delays)
    return Report("story", outcomes, "sim report story", (Slider("link.delay", delays, 1),))


class Words(HTMLParser):
    """What a person reads on a page, and the tags that it is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags = "", list[str]()
        self.feed(html)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attributes: object) -> None:
        """Note a tag."""
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        """Note what is between tags."""
        self.text += f" {data}"


def contents(html: str) -> dict[str, list[str]]:
    """Unpack what the sliders can show."""
    packed = re.search(r'id="positions">([^<]*)<', html)
    assert packed
    found: dict[str, list[str]] = json.loads(zlib.decompress(base64.b64decode(packed[1])))
    return found


def test_the_page_says_what_was_asked_guessed_and_found() -> None:
    """Title, question, prediction; numbers, tables, expectations; the commands, program and fingerprint."""
    text, story = Words(shown()).text, told()
    assert [
        part for part in ("title", "question", "prediction") if getattr(story.scenario, part) not in text
    ] == []
    for words in (
        "stale reads 25%",
        "Staleness : how old is the view?",
        "under way 100% 100% 100%",
        "visibility_lag.mean 1 s 1 s d",
        "this page sim report story",
        "this run sim run story",
        f"fingerprint {story.summary.fingerprint}",
        f"program cqrs-sim {sim.__version__}",
        *story.warnings,
        *(picture.words for picture in story.pictures),
    ):
        assert words in text


def test_each_figure_has_a_name_and_a_description_in_words() -> None:
    """Made of what it shows; the drawing points to it."""
    lag = told().pictures[0]
    assert lag.words == (
        "Between 0 s and 4 s the write model takes product 1 from version 1 to 2, and the read model from 0 "
        "to 2; the longest that a change took to be seen is 1 s; at worst the read model is 1 version "
        "behind; for 95% of that time, staleness is at most 900 ms."
    )
    assert 'role="img" aria-label="Lag over time" aria-describedby="words-lag"' in shown()
    assert re.search(r'<figcaption id="words-lag"[^>]*>Between 0 s and 4 s', shown())


def test_all_keys_of_the_scenario_are_there_set_or_not() -> None:
    """With the path that --set knows them by; what nobody set is marked."""
    keys = {key.path: key for key in every_key(sim.load_scenario("flash-sale"))}
    assert keys["link.delay"] == Key("link.delay", "lognormal(p50=20ms, p99=200ms)", False)
    assert keys["link.loss"] == Key("link.loss", "0.0", True)
    assert keys["reader.poll"] == Key("reader.poll", "none", True)
    assert keys["writer.outbox"] == Key("writer.outbox", "true", True)
    assert keys["workers.buyers.phases.2.pace"] == Key(
        "workers.buyers.phases.2.pace", "poisson(580/s)", False
    )
    assert keys["expect.1.below"] == Key("expect.1.below", "1s", False)


@pytest.mark.parametrize("name", ["flash-sale", "story", "outage", "restart", "one-lock"])
def test_no_key_is_forgotten(name: str) -> None:
    """As many as the scenario's classes have, but for the bounds that an expectation does not give."""

    def count(value: Any) -> int:
        if isinstance(value, tuple):
            return sum(map(count, value))
        fields = attrs.fields(type(value)) if attrs.has(type(value)) else ()
        return sum(1 if field.metadata else count(getattr(value, field.name)) for field in fields)

    scenario = sim.load_scenario(name)
    assert len(list(every_key(scenario))) == count(scenario) - len(scenario.expect)


def test_a_crowd_without_a_pace_has_one_all_the_same() -> None:
    """The page tells the number that decides the run."""
    scenario = parse_scenario('title = "x"\n[[workers]]\nname = "a"\n')
    assert Key("workers.a.pace", "poisson(10/s)", True) in every_key(scenario)


def test_text_of_the_scenario_is_text_on_the_page() -> None:
    """No tag, attribute or script of the page comes from it."""
    words = Words(page(Report("<u>", (hostile(),), "sim report '<i>'")))
    assert "<script>alert('title')</script>" in words.text
    assert "</script><script>alert('crowd')</script>" in words.text
    assert {"script", "img", "b", "i", "u"} & set(words.tags) == set()


def test_text_of_the_scenario_is_text_behind_the_sliders_too() -> None:
    """What is packed is escaped, and the packing ends at no tag of its own."""
    html = page(Report("x", (hostile(), hostile()), "sim", (Slider("</script>", ("<1>", "2"), 0),)))
    assert html.count("<script") == 2
    assert [slot for slot, filled in contents(html).items() if "<script" in "".join(filled)] == []


def test_it_asks_nothing_of_the_network() -> None:
    """The page forbids it, allows its own script alone, and refers to nothing."""
    html = page(slid())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "connect" not in policy[1]
    assert re.findall(r'(?:src|href)="(?!#)[^"]*"', html) == []
    assert re.findall(r"url\((?!#)|@import|https?://", html + json.dumps(contents(html))) == []


def test_the_same_run_gives_the_same_bytes() -> None:
    """Whatever the time and the place: no date, no duration of the work, no path."""
    first = told()
    again = outcome_of(first.scenario, first.command)
    assert page(Report("story", (again,), "sim report story")) == shown()
    assert again.summary.wall_seconds != first.summary.wall_seconds


def test_sliders_find_the_page_that_each_position_has_alone() -> None:
    """What is packed for a position is what a page of it would show."""
    found = contents(page(slid()))
    for position, outcome in enumerate(slid().outcomes):
        alone = page(Report("story", (outcome,), ""))
        assert [slot for slot, filled in found.items() if filled[position] not in alone] == []
    assert len(set(found["lag"])) == 3


def test_a_page_opens_where_its_sliders_start() -> None:
    """The last slider counts fastest."""
    one, two = Slider("a", ("1", "2", "3"), 2), Slider("b", ("1", "2"), 1)
    assert Report("x", (), "", (one, two)).start == 5
    assert 'value="1" list="values-1" aria-valuetext="1000ms"' in page(slid())
    assert "visibility lag, p99 1 s" in Words(page(slid())).text


def test_a_figure_that_only_some_positions_have_leaves_its_place_empty() -> None:
    """Each place of the page has something for each position, be it nothing."""
    lag = told().pictures[0]
    one = attrs.evolve(told(), pictures=(lag,))
    other = attrs.evolve(told(), pictures=(Picture("other", "Other", "Words.", lag.drawing),))
    found = contents(page(Report("x", (one, other), "", (Slider("a", ("1", "2"), 0),))))
    assert {slot: [bool(filled) for filled in both] for slot, both in found.items() if not all(both)} == {
        "lag": [True, False],
        "words-lag": [True, False],
        "other": [False, True],
        "words-other": [False, True],
    }


def test_figures_without_room_are_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last one first, and never the first; a page without sliders has all of them."""
    lag = told().pictures[0]
    three = (lag, attrs.evolve(lag, name="two", title="Two"), attrs.evolve(lag, name="three", title="Three"))
    outcomes = (attrs.evolve(told(), pictures=three),) * 2
    report = Report("x", outcomes, "", (Slider("a", ("1", "2"), 0),))
    for room, told_of in ((10**9, []), (len(page(report)) - 1, ["Three"]), (0, ["Two", "Three"])):
        monkeypatch.setattr("sim.page.report.LARGEST", room)
        said = re.findall(r"beside so many positions: (.*?)\. A page", page(report))
        assert said == [", ".join(told_of)] * bool(told_of)
        assert page(report).count('role="img"') == 3 - len(told_of)
    assert page(attrs.evolve(report, outcomes=outcomes[:1], sliders=())).count('role="img"') == 3


def test_without_theory_the_page_says_so() -> None:
    """And points to the command that says why."""
    crowd = attrs.evolve(told("flash-sale", **BRIEF), pictures=())
    text = Words(page(Report("flash-sale", (crowd,), ""))).text
    assert "No closed form holds for this scenario" in text
    assert "✓ holds" in text
    assert "✗ fails" in text


def test_a_summary_that_was_saved_is_read_again() -> None:
    """But for what JSON cannot hold: what never happened is as unknown as what was never seen."""
    summary = attrs.evolve(told("flash-sale", **BRIEF).summary, settles_after=None)
    again = from_json(json.loads(json.dumps(as_json(summary))))
    assert as_json(again) == as_json(summary)
    assert again.metrics["staleness"] == summary.metrics["staleness"]


@pytest.mark.slow
def test_a_saved_run_has_the_page_of_its_scenario(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same figures and numbers; only the names and the commands differ."""
    short = ("flash-sale", "--set", "duration=1s", "--set", "warmup=0s", "--replications", "1")
    called(capsys, "run", *short, "--out", "kept")
    status, printed, errors = called(capsys, "report", "kept")
    assert (status, errors) == (0, "")
    assert re.fullmatch(r"   saved kept/report\.html \(\d+ kB\)    next: open it in a browser\n", printed)
    called(capsys, "report", *short, "--out", "played.html")
    saved, played = (Words((here / name).read_text()).text for name in ("kept/report.html", "played.html"))
    assert "sim run kept/scenario.toml --replications 1" in saved
    assert _without_names(saved) == _without_names(played)


def _without_names(text: str) -> str:
    start, end = text.index("How stale is"), text.index("The same again")
    return text[start:end]


@pytest.mark.slow
def test_sliders_of_two_keys_have_every_pair(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the order of the keys, in the folder that the run would have, and the command names them again."""
    words = ("--vary", "link.delay=500ms,1000ms", "--vary", "link.order=fifo,serial")
    called(capsys, "report", "story", *words)
    [path] = here.rglob("*.*")
    assert path.relative_to(here) == Path("runs", f"story-{told().summary.fingerprint[:6]}", "sliders.html")
    html = path.read_text()
    runs = [Words(again).text.split(" seed")[0] for again in contents(html)["again"]]
    assert runs == [
        f"sim run story --set link.delay={delay} --set link.order={order}"
        for delay in ("500ms", "1000ms")
        for order in ("fifo", "serial")
    ]
    assert f"sim report story {' '.join(words)}" in Words(html).text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stori"], "no such scenario: stori (did you mean 'story'?)"),
        (["."], "this is a directory, not a scenario: ."),
        (["story", "--vary", "link.delay"], "--vary takes a key and its values: --vary link.delay=10ms,50ms"),
        (["story", "--vary", "link.delay=1s,1s"], "link.delay: 1s is there twice"),
        (["story", "--vary", "link.delay=1s,5"], 'a duration needs a unit: write "5ms" or "5s"'),
        (["story", "--vary", "link.dely=1s"], "link.dely: unknown key (did you mean 'delay'?)"),
        (["story", *MANY], "that makes 1,100 cells, and 1,000 is the most"),
    ],
)
def test_bad_input_makes_no_page(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """Exit 2 and one message."""
    status, printed, errors = called(capsys, "report", *arguments)
    assert (status, printed) == (2, "")
    assert message in errors
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda run: (run / "summary.json").unlink(), "run: this is not a run as it was saved: "),
        (lambda run: (run / "summary.json").write_text("{}"), "run: this is not a run as it was saved: "),
        (lambda run: (run / "changes.parquet").write_text("x"), "run: this is not a run as it was saved: "),
        (lambda run: (run / "trace.json").write_text("{"), "run: this is not a run as it was saved: "),
    ],
)
@pytest.mark.slow
def test_a_run_that_is_not_as_it_was_saved_is_refused(
    here: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path], object], message: str
) -> None:
    """Exit 2, no traceback."""
    called(capsys, "run", "story", "--out", "run")
    spoil(here / "run")
    status, printed, errors = called(capsys, "report", "run")
    assert (status, printed, errors[: len(message)]) == (2, "", message)


def test_a_saved_run_cannot_be_changed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names what can."""
    called(capsys, "run", "story", "--out", "run")
    status, _, errors = called(capsys, "report", "run", "--set", "link.delay=1s")
    assert (status, errors) == (2, "a saved run is what it is; to change it, name run/scenario.toml\n")


def test_a_page_that_cannot_be_written_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 3 and the reason."""
    (here / "file").touch()
    status, _, errors = called(capsys, "report", "story", "--out", "file/below/page.html")
    assert (status, errors) == (3, "not saved in file/below/page.html: Not a directory\n")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
