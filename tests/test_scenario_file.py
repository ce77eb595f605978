"""Scenario files, good and bad; what a bad one is told is compared word for word."""

import time
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.distributions import Constant, Exponential, Lognormal, Pace, Popularity, Quantity
from sim.durations import Rate, Seconds
from sim.glossary import METRICS
from sim.scenario import (
    Expect,
    Inbox,
    Link,
    Phase,
    Products,
    Queries,
    Reader,
    Scenario,
    Step,
    Workers,
    Writer,
)
from sim.scenario_file import (
    LONGEST_FILE,
    BadScenario,
    Problem,
    parse_scenario,
    read_scenario,
    scenario_table,
    toml_text,
)
from tests.strategies import scenarios

EVERY_KEY = """\
title = "Flash sale"
question = "How stale is the shop window?"
prediction = "Very."
duration = "60s"
warmup = "5s"
seed = 7
replications = 20
architecture = "cqrs"

[products]
count = 50
popularity = "zipf(1.0)"
stock = 20

[[workers]]
name = "buyers"
count = 200
pace = "constant(300/s)"
add = "10%"
quantity = "integers(1, 5)"

[[workers]]
name = "sellers"

[[workers.phases]]
lasts = "10s"
pace = "poisson(50/s)"

[[queries]]
name = "window shoppers"
count = 50
pace = "poisson(500/s)"

[inbox]
capacity = "unbounded"
when_full = "shed"

[writer]
service = "exponential(2ms)"

[link]
delay = "lognormal(p50=20ms, p99=200ms)"
order = "serial"

[reader]
handler = "3ms"
apply = "arrival"

[[expect]]
metric = "staleness.p99"
below = "400ms"

[[expect]]
metric = "throughput"
above = "5/s"

[[steps]]
at = "1.5s"
do = "remove"
product = 2
quantity = 10
"""

HERE = Path(__file__).parent
SCENARIOS = sorted(HERE.parent.glob("scenarios/*.toml"))


def refusal(text: str, settings: dict[str, str] | None = None) -> str:
    """Give the whole message with which a scenario is refused."""
    with pytest.raises(BadScenario) as refused:
        parse_scenario(text, "bad.toml", settings)
    return str(refused.value)


def test_every_key_of_a_file_is_read() -> None:
    """A file that sets every key makes a scenario in which nothing is left as it would be otherwise."""
    assert parse_scenario(EVERY_KEY) == Scenario(
        title="Flash sale",
        question="How stale is the shop window?",
        prediction="Very.",
        duration=Seconds(60.0),
        warmup=Seconds(5.0),
        seed=7,
        replications=20,
        architecture="cqrs",
        products=Products(50, Popularity("zipf", (1.0,)), 20),
        inbox=Inbox(float("inf"), "shed"),
        writer=Writer(Exponential(0.002)),
        link=Link(Lognormal(0.02, 0.2), "serial"),
        reader=Reader(Constant(0.003), apply="arrival"),
        workers=(
            Workers("buyers", 200, Pace("constant", Rate(300.0)), add=0.1, quantity=Quantity(1, 5)),
            Workers("sellers", phases=(Phase(Seconds(10.0), Pace("poisson", Rate(50.0))),)),
        ),
        queries=(Queries("window shoppers", 50, Pace("poisson", Rate(500.0))),),
        expect=(Expect("staleness.p99", below=0.4), Expect("throughput", above=5.0)),
        steps=(Step(Seconds(1.5), "remove", 2, 10),),
    )


def test_every_key_but_the_title_has_a_default() -> None:
    """A file of one line is a scenario."""
    assert parse_scenario('title = "least"') == Scenario("least")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("question", "another"),
        ("prediction", "another"),
        ("duration", "30s"),
        ("warmup", "1s"),
        ("seed", "8"),
        ("replications", "3"),
        ("products.count", "60"),
        ("products.popularity", "uniform"),
        ("products.stock", "21"),
        ("workers.buyers.name", "purchasers"),
        ("workers.buyers.count", "10"),
        ("workers.buyers.pace", "poisson(300/s)"),
        ("workers.buyers.add", "0.5"),
        ("workers.buyers.quantity", "1"),
        ("workers.sellers.phases.lasts", "11s"),
        ("workers.sellers.phases.pace", "poisson(51/s)"),
        ("queries.name", "passers-by"),
        ("queries.window shoppers.count", "51"),
        ("queries.pace", "constant(500/s)"),
        ("inbox.capacity", "0"),
        ("inbox.when_full", "wait"),
        ("writer.service", "1ms"),
        ("link.delay", "50ms"),
        ("link.order", "fifo"),
        ("reader.handler", "exponential(1ms)"),
        ("reader.apply", "newest"),
        ("steps.at", "2s"),
        ("steps.do", "query"),
        ("steps.product", "3"),
        ("steps.quantity", "4"),
    ],
)
def test_every_key_can_be_set_and_has_an_effect(path: str, value: str) -> None:
    """Setting one key changes that key, and nothing else."""
    before = scenario_table(parse_scenario(EVERY_KEY))
    after = scenario_table(parse_scenario(EVERY_KEY, settings={path: value}))
    assert [place for place, _ in differences(before, after)] == [path.split(".")[-1]]


def differences(one: object, other: object, place: str = "") -> list[tuple[str, object]]:
    """List the keys in which two tables differ, each with its other value."""
    if isinstance(one, dict) and isinstance(other, dict):
        assert one.keys() == other.keys()
        return [found for key in one for found in differences(one[key], other[key], key)]
    if isinstance(one, list) and isinstance(other, list):
        pairs = zip(one, other, strict=True)
        return [found for left, right in pairs for found in differences(left, right, place)]
    return [] if one == other else [(place, other)]


@given(scenarios())
def test_every_scenario_is_read_as_it_was_written(scenario: Scenario) -> None:
    """From a value to TOML and back is the same value, to the last bit and the last letter."""
    assert parse_scenario(toml_text(scenario)) == scenario


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_the_scenarios_that_come_along_are_read(path: Path) -> None:
    """Each has a question, and written anew it is the same scenario."""
    scenario = read_scenario(path)
    assert scenario.question
    assert parse_scenario(toml_text(scenario)) == scenario


def test_there_are_scenarios_that_come_along() -> None:
    """The test above has something to read."""
    assert SCENARIOS


def test_a_scenario_is_written_as_a_person_would() -> None:
    """Every key, units and all, each table below its name."""
    lines = toml_text(parse_scenario(EVERY_KEY)).splitlines()
    assert lines[:5] == [
        'title = "Flash sale"',
        'question = "How stale is the shop window?"',
        'prediction = "Very."',
        'duration = "1min"',
        'warmup = "5s"',
    ]
    assert lines[-5:] == ["[[steps]]", 'at = "1.5s"', 'do = "remove"', "product = 2", "quantity = 10"]


def test_all_problems_are_told_at_once() -> None:
    """A slip in nearly every line: each with its place, its line, and what would do."""
    with pytest.raises(BadScenario) as refused:
        read_scenario(HERE / "bad.toml")
    assert f"{refused.value}\n" == (HERE / "bad.txt").read_text()


def test_a_bad_scenario_keeps_its_problems_apart() -> None:
    """Who catches it can ask for the source, and for each problem's place and message."""
    with pytest.raises(BadScenario) as refused:
        parse_scenario('title = "bad"\n[link]\ndelay = 20\n[[workers]]\ncount = 0\n', "bad.toml")
    assert (refused.value.source, refused.value.problems) == (
        "bad.toml",
        [
            Problem(("link", "delay"), 'a duration needs a unit: write "20ms" or "20s"'),
            Problem(("workers", 0, "count"), "a whole number from 1 up is needed, not 0"),
        ],
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "title: this key is missing"),
        ("# only a comment\n", "title: this key is missing"),
        ('title = "x', "this is not TOML: Unterminated string (at end of document)"),
        ("Once upon a time", "this is not TOML: Expected '=' after a key in a key/value pair "
         "(at line 1, column 6)"),
        ("a = " + "[" * 100_000, "this is not TOML: nested too deep"),
        ('link = "20ms"\ntitle = ""', "link: a table of keys is needed here, not '20ms'\n"
         '     1 | link = "20ms"'),
        ('title = ""\n[workers]\ncount = 1',
         "workers: an array of tables is needed here: write the name in [[double brackets]]\n"
         "     2 | [workers]"),
        ('title = ""\nworkers = [3]', "workers[1]: a table of keys is needed here, not 3\n"
         "     2 | workers = [3]"),
        ('title = ""\nexpect = ["x"]', "expect[1]: a table of keys is needed here, not 'x'\n"
         '     2 | expect = ["x"]'),
        ('title = ""\n[[steps]]\ndo = "add"',
         "steps[1].at: this key is missing\n     2 | [[steps]]"),
        ('title = 5', 'title: a text is needed: write "5"\n     1 | title = 5'),
        ('title = ""\n"lnk" = 1', "lnk: unknown key (did you mean 'link'?)\n     2 | \"lnk\" = 1"),
        ('title = ""\nlink = {delay = 3}', 'link.delay: a duration needs a unit: write "3ms" or "3s"\n'
         "     2 | link = {delay = 3}"),
    ],
)  # fmt: skip
def test_a_file_with_one_problem_is_told_that_one(text: str, message: str) -> None:
    """The place in the file's own words, the line where it stands, and what would do."""
    assert refusal(text) == f"bad.toml: 1 problem\n  {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('warmup = "1min"', "warmup: warmup must be shorter than duration\n     2 | warmup = \"1min\""),
        ('[[workers]]\npace = "poisson(1/s)"\n[[workers.phases]]\nlasts = "1s"\npace = "poisson(1/s)"',
         "workers[1].pace: pace and phases stand instead of each other: keep one\n"
         '     3 | pace = "poisson(1/s)"'),
        ("[[workers]]\n[[workers]]", "workers: two crowds share the name 'workers': give each its own"),
        ('[[workers]]\nname = "a"\n[[queries]]\nname = "a"',
         "workers: two crowds share the name 'a': give each its own"),
        ('[[steps]]\nat = "60s"\ndo = "query"\nproduct = 1\nquantity = 1',
         "steps: a step comes at or after the end: make duration longer"),
        ('[[steps]]\nat = "1s"\ndo = "query"\nproduct = 101\nquantity = 1',
         "steps: a step names a product beyond products.count = 100"),
        ('[[expect]]\nmetric = "staleness.p99"',
         'expect[1]: an expectation has a metric and one bound: below = "400ms", or above\n'
         "     2 | [[expect]]"),
        ('[[expect]]\nmetric = "staleness.p99"\nbelow = "1s"\nabove = "0s"',
         'expect[1]: an expectation has a metric and one bound: below = "400ms", or above\n'
         "     2 | [[expect]]"),
        ('[[expect]]\nmetric = "staleness.p99"\nbelwo = "1s"',
         'expect[1]: an expectation has a metric and one bound: below = "400ms", or above\n'
         "     2 | [[expect]]"),
        ('[[expect]]\nbelow = "1s"', f"expect[1].metric: unknown metric ''; known: {', '.join(METRICS)}\n"
         "     2 | [[expect]]"),
        ('[[expect]]\nmetric = "divergence_at_end"\nbelow = inf',
         "expect[1].below: a number is needed, not inf\n     4 | below = inf"),
    ],
)  # fmt: skip
def test_keys_that_do_not_go_together_are_refused(text: str, message: str) -> None:
    """The message names the key to change."""
    assert refusal(f'title = ""\n{text}') == f"bad.toml: 1 problem\n  {message}"


def test_a_line_in_a_text_of_several_lines_is_no_key() -> None:
    """What looks like a table inside a text does not mislead the line numbers."""
    text = 'title = ""\nquestion = """\n[link]\ndelay = 1\n"""\n[link]\ndelay = 2\n'
    assert refusal(text).splitlines()[2:] == ["     7 | delay = 2"]


def test_each_crowd_counts_its_own_phases() -> None:
    """The second crowd's first phase is found where it stands, not after those of the first crowd."""
    phase = '[[workers.phases]]\nlasts = "1s"\npace = "poisson(1/s)"\n'
    crowds = [f'[[workers]]\nname = "{name}"\n{phase * 2}' for name in ("a", "b")]
    text = f'title = ""\n{crowds[0]}{crowds[1]}'.replace("poisson", "poison")
    quoted = [line[:6].strip() for line in refusal(text).splitlines()[2::2]]
    assert quoted == [str(n) for n, line in enumerate(text.splitlines(), 1) if "poison" in line]


def test_the_lines_are_those_of_an_editor() -> None:
    """A sign that Python takes for the end of a line, and no editor does, counts as none."""
    assert refusal('title = ""\nquestion = "a\u2028b"\nseed = -1\n').splitlines()[2] == "     3 | seed = -1"


def test_a_key_cannot_write_to_the_terminal_what_it_likes() -> None:
    """Signs that a terminal obeys are shown as what they are."""
    message = refusal('title = ""\n"\\u001b[31mred\\n" = 1\n')
    assert message == "bad.toml: 1 problem\n  '\\x1b[31mred\\n': unknown key"


def test_a_message_stays_short_whatever_the_value() -> None:
    """A value of a megabyte is not told back in full, nor are thousands of problems."""
    assert len(refusal(f"title = [{'1,' * 300_000}]")) < 2000
    message = refusal('title = ""\n' + "".join(f"k{n} = 1\n" for n in range(5000)))
    assert message.splitlines()[0] == "bad.toml: 5,000 problems"
    end = ["  k99: unknown key", "   101 | k99 = 1", "  and 4,900 problems more"]
    assert message.splitlines()[-3:] == end


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    """Python reads no number that long, and the message says that this is the matter."""
    assert refusal(f"seed = {'9' * 5000}").startswith("bad.toml: 1 problem\n  this is not TOML: Exceeds the")


NOISE = bytes(range(256)) * 4000


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "title: this key is missing"),
        (NOISE[:1000], "this is not a scenario file: it is not UTF-8 text"),
        (NOISE[:LONGEST_FILE], "this is not a scenario file: it is not UTF-8 text"),
        (NOISE[: LONGEST_FILE + 1], "this is not a scenario file: it is longer than 1,000,000 bytes"),
        (b"x" * LONGEST_FILE, "this is not TOML: Expected '=' after a key in a key/value pair "
         "(at end of document)"),
        (b"#" * LONGEST_FILE, "title: this key is missing"),
        (b"\x00", "this is not TOML: Invalid statement (at line 1, column 1)"),
    ],
    ids=["empty", "noise", "much noise", "too much noise", "a long word", "a long comment", "zero"],
)  # fmt: skip
def test_what_is_no_scenario_is_refused(tmp_path: Path, raw: bytes, message: str) -> None:
    """Whatever the file holds, one clear problem comes of it, and soon."""
    path = tmp_path / "bad.toml"
    path.write_bytes(raw)
    began = time.perf_counter()
    with pytest.raises(BadScenario) as refused:
        read_scenario(path)
    assert str(refused.value) == f"bad.toml: 1 problem\n  {message}"
    assert time.perf_counter() - began < 5


def test_a_file_may_begin_with_a_mark_and_end_its_lines_with_two_signs(tmp_path: Path) -> None:
    """Editors on Windows write files so."""
    path = tmp_path / "windows.toml"
    path.write_bytes(b'\xef\xbb\xbftitle = "windows"\r\nseed = 3\r\n')
    assert read_scenario(path) == Scenario("windows", seed=3)


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    """That is no matter of what the file holds."""
    with pytest.raises(FileNotFoundError):
        read_scenario(tmp_path / "nowhere.toml")


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_nothing_but_a_bad_scenario_comes_of_nonsense(raw: bytes) -> None:
    """Any text is a scenario or is refused as one, and no other error escapes."""
    text = raw.decode(errors="replace")
    for whole in (text, f'title = "x"\n{text}', f'title = "x"\n[link]\ndelay = "{text}"'):
        try:
            made = parse_scenario(whole)
        except BadScenario as error:
            assert str(error).startswith("scenario: ")  # noqa: PT017 - either outcome is right
        else:
            assert parse_scenario(toml_text(made)) == made


OF_EVERY_KIND = ["3", "-1", "true", '"x"', "[]", "[1]", "{}", "{a = 1}", "inf", "1979-05-27"]


@pytest.mark.parametrize("value", OF_EVERY_KIND)
@pytest.mark.parametrize("key", [attribute.name for attribute in attrs.fields(Scenario)])
def test_no_value_of_a_wrong_kind_escapes_the_readers(key: str, value: str) -> None:
    """For each key, a value of each of TOML's kinds is either taken or told what would do."""
    text = f"{key} = {value}" if key == "title" else f'title = "x"\n{key} = {value}'
    try:
        parse_scenario(text)
    except BadScenario as error:
        assert [problem.place[0] for problem in error.problems] == [key]  # noqa: PT017 - as above


TWO_CROWDS = 'title = "two"\n[[workers]]\nname = "buyers"\n[[workers]]\nname = "sellers"\n'
ONE_CROWD = 'title = "one"\n[[workers]]\nname = "buyers"\n'
STEP = 'do = "add"\nproduct = 1\nquantity = 1\n'
NO_NUMBER = "seed: a whole number from 0 up is needed, not '"
UNNAMED = f'title = "unnamed"\n[[steps]]\nat = "0s"\n{STEP}[[steps]]\nat = "1s"\n{STEP}'


@pytest.mark.parametrize(
    ("text", "settings", "scenario"),
    [
        ('title = "x"', {"seed": "4"}, Scenario("x", seed=4)),
        ('title = "x"', {"title": "a plain text"}, Scenario("a plain text")),
        ('title = "x"', {"title": '"42"'}, Scenario("42")),
        ('title = "x"', {"question": ""}, Scenario("x")),
        ('title = "x"', {"link.delay": "50ms"}, Scenario("x", link=Link(Constant(0.05)))),
        ('title = "x"', {"link.delay": '"50ms"'}, Scenario("x", link=Link(Constant(0.05)))),
        ('title = "x"', {"link": '{delay = "50ms"}'}, Scenario("x", link=Link(Constant(0.05)))),
        ('title = "x"', {"inbox.capacity": "unbounded"}, Scenario("x", inbox=Inbox(float("inf")))),
        ('title = "x"', {"queries": '[{name = "q"}]'}, Scenario("x", queries=(Queries("q"),))),
        (ONE_CROWD, {"workers.count": "4"}, Scenario("one", workers=(Workers("buyers", 4),))),
        (ONE_CROWD, {"workers.buyers.count": "4"}, Scenario("one", workers=(Workers("buyers", 4),))),
        (ONE_CROWD, {"workers.add": "10%"}, Scenario("one", workers=(Workers("buyers", add=0.1),))),
        (
            TWO_CROWDS,
            {"workers.sellers.count": "4", "workers.buyers.count": "3"},
            Scenario("two", workers=(Workers("buyers", 3), Workers("sellers", 4))),
        ),
    ],
)
def test_a_setting_finds_its_key(text: str, settings: dict[str, str], scenario: Scenario) -> None:
    """By its path, a table of an array by its name, a lone one without; a value of TOML or a plain text."""
    assert parse_scenario(text, settings=settings) == scenario


@pytest.mark.parametrize(
    ("text", "path", "value", "message"),
    [
        ('title = "x"', "sede", "4", "sede: unknown key (did you mean 'seed'?)"),
        ('title = "x"', "link.delya", "4ms", "link.delya: unknown key (did you mean 'delay'?)"),
        ('title = "x"', "lnk.delay", "4ms", "lnk: unknown key (did you mean 'link'?)"),
        ('title = "x"', "link.delay", "50", 'link.delay: a duration needs a unit: write "50ms" or "50s"'),
        ('title = "x"', "seed", "9" * 5000, f"{NO_NUMBER + '9' * 5000:.1000}…"),
        ('title = "x"', "seed", "[" * 5000, f"{NO_NUMBER + '[' * 5000:.1000}…"),
        ('title = "x"', "warmup", "60s", "warmup: warmup must be shorter than duration"),
        ('title = "x"', "title.length", "3", "title.length: 'title' is not one table of keys"),
        ('title = "x"', "title.length.of", "3", "title.length.of: there is no 'length' to set this in"),
        ('title = "x"', "workers.count", "3", "workers.count: there is no 'workers' to set this in"),
        (TWO_CROWDS, "workers.count", "3", "workers.count: say which one: buyers, sellers"),
        (
            TWO_CROWDS,
            "workers.buyer.count",
            "3",
            "workers.buyer.count: there is no 'buyer' to set this in (did you mean 'buyers'?)",
        ),
        (ONE_CROWD, "workers.sellers.count", "3", "workers[1].sellers: unknown key"),
        (UNNAMED, "steps.at", "3s", "steps.at: 'steps' is not one table of keys"),
    ],
)
def test_a_setting_that_leads_nowhere_is_refused(text: str, path: str, value: str, message: str) -> None:
    """The message says that a setting is at fault, not the file, and which one."""
    assert refusal(text, {path: value}) == f"what was set: 1 problem\n  {message}"


def test_all_settings_that_lead_nowhere_are_told_at_once() -> None:
    """As of a file, all the problems of what was set."""
    settings = {"workers.count": "3", "title.length": "3", "seed": "5"}
    assert refusal('title = "x"', settings) == (
        "what was set: 2 problems\n"
        "  workers.count: there is no 'workers' to set this in\n"
        "  title.length: 'title' is not one table of keys"
    )


def test_a_file_is_read_with_settings(tmp_path: Path) -> None:
    """The file stays as it is."""
    path = tmp_path / "x.toml"
    path.write_text('title = "x"\nseed = 1\n')
    assert read_scenario(path, {"seed": "2"}) == Scenario("x", seed=2)
    assert read_scenario(path) == Scenario("x")
