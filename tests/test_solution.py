import json
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.cli import main
from sim.knob import Knob
from sim.metrics import Estimate
from sim.scenario import Expect, Scenario
from sim.scenario_file import parse_scenario
from sim.studies.solution import Curve, Unfinished, Unsolved, search, solve, solve_on, spaced

LINE = """
title = "a fixed delay and one product"
duration = "10min"
warmup = "1s"
[products]
count = 1
[[workers]]
count = 10
pace = "poisson(10/s)"
[[queries]]
count = 10
pace = "poisson(100/s)"
[inbox]
capacity = "unbounded"
[writer]
service = "0s"
[link]
delay = "50ms"
"""
QUEUE = """
title = "M/M/1"
duration = "20min"
warmup = "20s"
replications = 20
[[workers]]
count = 10
pace = "poisson(50/s)"
[inbox]
capacity = "unbounded"
[writer]
service = "exponential(10ms)"
"""
STALE = "stale_read_fraction"


def knob(key: str, text: str = LINE, **settings: str) -> Knob:
    """Find a knob of the line, or of the queue, with a double underscore for the dot in a key."""
    keys = {name.replace("__", "."): value for name, value in settings.items()}
    return Knob.find(parse_scenario(text, settings=keys), key)


def holds(estimate: Estimate, truth: float) -> bool:
    """Say whether an interval holds the truth."""
    return estimate.low is not None and estimate.high is not None and estimate.low <= truth <= estimate.high


@pytest.mark.slow
def test_the_delay_for_a_tenth_of_stale_reads_is_that_of_the_closed_form() -> None:
    """Within 2 % of −ln(0.9)/λ, and the interval holds it; ten runs of ten minutes at each setting."""
    truth = -math.log(0.9) / 10
    found = search(knob("link.delay"), Expect(STALE, below=0.1))
    assert found.setting.estimate == pytest.approx(truth, rel=0.02)
    assert holds(found.setting, truth)


@pytest.mark.slow
def test_the_load_for_a_p99_is_that_of_the_closed_form() -> None:
    """Within 3 % of μ − ln(100)/t for t = 200 ms, 77/s; twenty runs of twenty minutes at each setting."""
    truth = 100 - math.log(100) / 0.2
    found = search(knob("workers.pace", QUEUE), Expect("command_latency.p99", below=0.2))
    assert found.setting.estimate == pytest.approx(truth, rel=0.03)
    assert holds(found.setting, truth)


def test_the_answer_stands_beside_that_of_theory() -> None:
    """Half a minute, eight times, and the interval holds −ln(0.9)/λ; theory solves the same equation."""
    truth = -math.log(0.9) / 10
    found = search(knob("link.delay", duration="30s", replications="8"), Expect(STALE, below=0.1), jobs=1)
    assert found.closed_form
    assert found.closed_form.setting == pytest.approx(truth, rel=1e-6)
    assert holds(found.setting, truth)
    assert found.reached.estimate == pytest.approx(0.1, abs=1e-3)
    assert (found.at_most, found.doubts, found.replications) == (True, (), 8)


def made_up(key: str, wanted: Expect, curve: Callable[[float], float], noise: float = 0.0) -> Curve:
    """Give a curve that is known; with noise, each replication has one beside it."""
    turned = knob(key, inbox__capacity="64", link__loss="0.1")

    def play(scenario: Scenario) -> list[dict[str, float]]:
        here = curve(Knob.find(scenario, key).number)
        return [{wanted.metric: here + off, "throughput": 10.0} for off in (-noise, 0.0, noise)]

    return Curve(turned, wanted, play)


HALF = 4.302652729911275 / math.sqrt(3)  # of the interval of a, a ± 1, in which the standard deviation is 1


@pytest.mark.parametrize("between", [None, (0.001, 10.0)])
@pytest.mark.parametrize(
    ("wanted", "curve", "root", "at_most"),
    [
        (Expect("staleness.mean", below=0.2), lambda d: d**2, math.sqrt(0.2), True),
        (Expect("staleness.mean", above=0.2), lambda d: d**2, math.sqrt(0.2), False),
        (Expect("staleness.mean", below=20.0), lambda d: 1 / d, 1 / 20, False),
        (Expect("staleness.mean", above=20.0), lambda d: 1 / d, 1 / 20, True),
        (Expect("staleness.mean", below=3.0), lambda d: math.inf if d > 2 else d, 2.0, True),
    ],
)
def test_a_crossing_is_found_whichever_way_it_goes(
    wanted: Expect, curve: Callable[[float], float], root: float, at_most: bool, between: Any
) -> None:
    """Of curves that are known; without luck there is no width."""
    found = solve_on(made_up("link.delay", wanted, curve), between)
    assert found.setting.estimate == pytest.approx(root, rel=2e-4)
    assert (found.setting.low, found.setting.high) == (found.setting.estimate,) * 2
    assert found.at_most == at_most


def test_the_interval_is_where_the_interval_of_the_metric_holds_the_target() -> None:
    """On d² the target 0.2 is held from √(0.2 − h) to √(0.2 + h), which is not even."""
    found = solve_on(made_up("link.delay", Expect("staleness.mean", below=0.2), lambda d: d**2, noise=0.03))
    half = 0.03 * HALF
    assert found.setting.low == pytest.approx(math.sqrt(0.2 - half), rel=2e-3)
    assert found.setting.high == pytest.approx(math.sqrt(0.2 + half), rel=2e-3)


@given(st.integers(1, 200), st.floats(0.1, 8), st.booleans(), st.booleans())
@pytest.mark.slow
def test_whole_numbers_are_searched_as_whole_numbers(
    cross: int, noise: float, rises: bool, below: bool
) -> None:
    """The last one that does; and all are in the interval of which it is not sure that they are not it."""
    sign, side = 1 if rises else -1, {"below" if below else "above": 0.0}
    wanted = Expect("inbox_depth.mean", **side)

    def curve(capacity: float) -> float:
        return sign * (capacity - cross - 0.5)

    def does(capacity: int) -> bool:
        return wanted.holds(curve(capacity))

    def sure(capacity: int) -> bool:
        return abs(curve(capacity)) >= noise * HALF

    found = solve_on(made_up("inbox.capacity", wanted, curve, noise), (0.0, 300.0))
    last = cross if does(cross) else cross + 1
    onward = 1 if found.at_most else -1
    maybe = [
        k for k in range(301) if not (sure(k) and not does(k)) and not (sure(k + onward) and does(k + onward))
    ]
    assert found.setting.estimate == last
    assert found.at_most == (rises == below)
    for bound, exact in ((found.setting.low, min(maybe)), (found.setting.high, max(maybe))):
        assert bound is None or bound == exact
    if min(maybe) > 40 and max(maybe) < 200:
        assert None not in (found.setting.low, found.setting.high)


@pytest.mark.parametrize(
    ("wanted", "curve", "between", "why"),
    [
        (
            Expect("staleness.mean", below=0.01),
            lambda d: 0.02 + d,
            (0.1, 1.0),
            "no setting does: staleness.mean is not below 10 ms with link.delay "
            "from 100 ms (120 ms) to 1 s (1.02 s)",
        ),
        (
            Expect("staleness.mean", above=0.01),
            lambda d: 0.02 + d,
            (0.1, 1.0),
            "every setting does: staleness.mean is above 10 ms with link.delay "
            "from 100 ms (120 ms) to 1 s (1.02 s)",
        ),
        (
            Expect("staleness.mean", below=0.01),
            lambda d: 0.02,
            None,
            "staleness.mean does not respond to link.delay, from 195 µs (20 ms) to 12.8 s (20 ms)",
        ),
        (
            Expect("staleness.mean", below=0.01),
            lambda d: math.nan if d > 0.09 else 0.02,
            None,
            "staleness.mean was not seen with link.delay=100ms",
        ),
    ],
)
def test_that_no_setting_does_is_said_with_what_was_reached(
    wanted: Expect, curve: Callable[[float], float], between: Any, why: str
) -> None:
    """At both ends, or where nothing was seen."""
    with pytest.raises(Unsolved) as unsolved:
        solve_on(made_up("link.delay", wanted, curve), between)
    assert str(unsolved.value) == why


def test_a_curve_that_turns_is_said_to() -> None:
    """It rises and falls: the first crossing is given, with the doubt that there are others."""
    wanted = Expect("staleness.mean", below=0.5)
    found = solve_on(made_up("link.delay", wanted, lambda d: math.sin(10 * d), 1e-6), (0.01, 0.6))
    assert found.setting.estimate == pytest.approx(math.asin(0.5) / 10, rel=1e-3)
    assert found.doubts == (
        "staleness.mean crosses 2 times, or more; this is the first crossing.",
        "staleness.mean both rises and falls with link.delay: there may be other settings that do.",
    )


def test_an_interval_without_an_end_is_said_to_have_none() -> None:
    """The knob goes no farther: a share is less than all."""
    wanted = Expect(STALE, below=0.2)
    found = solve_on(made_up("link.loss", wanted, lambda share: share, 1.0))
    assert (found.setting.low, found.setting.high) == (None, None)
    assert found.doubts == ("The interval is open: the knob, or the search, came to its end before it.",)


def test_a_setting_at_which_nothing_is_steady_is_told() -> None:
    """Beyond what the writer can do, a longer run gives another answer; there is no closed form."""
    wanted, fast = Expect("command_latency.mean", above=1.0), {"duration": "10s", "warmup": "0s"}
    found = search(knob("workers.pace", QUEUE, **fast, replications="2"), wanted, jobs=1)
    assert found.setting.estimate > 100
    assert "command_latency.mean has no steady state there: a longer run crosses elsewhere." in found.doubts
    assert found.closed_form is None


def test_one_replication_has_no_interval() -> None:
    """It is said, and the crossing is given all the same."""
    found = search(knob("link.delay", duration="30s", replications="1"), Expect(STALE, below=0.1), jobs=1)
    assert (found.setting.low, found.setting.high) == (None, None)
    assert found.doubts == (
        "One replication has no interval. Use --replications 10 before quoting a number.",
    )


@pytest.mark.slow
def test_in_python_a_scenario_is_solved_by_its_name() -> None:
    """Whatever the number of processes, the answer is the same; the bound is text in the metric's unit."""
    short = {"duration": "10s", "warmup": "0s", "replications": "2"}
    alone, together = (
        solve("slow-link", STALE, "link.delay", below="20%", settings=short, jobs=jobs) for jobs in (1, 2)
    )
    assert alone == together
    with pytest.raises(ValueError, match="a metric and one bound"):
        solve("slow-link", STALE, "link.delay")


def test_a_process_that_is_killed_amid_a_search_changes_nothing() -> None:
    """What it may have been playing is played again; so it is in threads, which is any other executor."""
    short, below = knob("link.delay", duration="10s", replications="2"), Expect(STALE, below=0.2)
    deaths: list[int] = []

    def kill_one() -> None:
        if not deaths:
            active_children()[0].kill()

    found = search(short, below, jobs=2, on_done=kill_one, on_death=lambda: deaths.append(1))
    with ThreadPoolExecutor(2) as threads:
        assert found == search(short, below, executor=threads)
    assert deaths == [1]


def test_settings_between_two_ends_are_even_by_their_ratio() -> None:
    """Unless one end is 0; whole numbers are whole, and none comes twice."""
    assert spaced(0.01, 1.0, False) == pytest.approx([0.01, 10**-1.5, 0.1, 10**-0.5, 1])
    assert spaced(0.0, 1.0, False) == [0, 0.25, 0.5, 0.75, 1]
    assert spaced(0, 2, True) == [0, 1, 2]


def test_ctrl_c_keeps_what_was_measured() -> None:
    """Three settings were done."""
    done = 0

    def stop() -> None:
        nonlocal done
        done += 1
        if done == 4:
            raise KeyboardInterrupt

    short = knob("link.delay", duration="10s", replications="2")
    with pytest.raises(Unfinished) as cut:
        search(short, Expect(STALE, below=0.001), jobs=1, on_done=stop)
    assert [point.setting for point in cut.value.curve] == [0.025, 0.05, 0.1]
    assert str(cut.value) == "interrupted after 3 settings"


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str, str]:
    """Run `sim solve` in this process, on one core; give its status and what it printed."""
    with pytest.raises(SystemExit) as end:
        main(["solve", *arguments, "--jobs", "1"])
    printed = capsys.readouterr()
    return end.value.code, printed.out, printed.err


@pytest.fixture
def line(tmp_path: Path) -> str:
    """Give the line as a file, with short runs."""
    (tmp_path / "line.toml").write_text(LINE.replace("10min", "20s"))
    return str(tmp_path / "line.toml")


ONE = ("--metric", STALE, "--below", "1%")
WANTED = ("--metric", STALE, "--below", "10%", "--by", "link.delay")


def test_the_command_says_it_in_a_sentence(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With the interval, what theory says, and what to type."""
    status, printed, errors = called(capsys, line, *WANTED, "--replications", "4")
    sentence, rest = printed.split(".\n   found in ")
    assert (status, errors) == (0, "")
    assert " ".join(sentence.split()).startswith(
        "stale_read_fraction is below 10% as long as link.delay is at most "
    )
    lines = rest.splitlines()
    assert lines[0].startswith("4 replications of ")
    assert lines[1].startswith("   there, stale_read_fraction is 10.0 ± ")
    assert lines[2] == "   theory 10.5 ms   Σ qᵢ(1 − e^(−pᵢΛd))   (fixed delay)"
    assert lines[3].startswith('   to see it: --set link.delay="')


def test_json_holds_the_curve(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One object; every setting that was tried, in order."""
    _, printed, _ = called(
        capsys, line, *WANTED, "--json", "--from", "1ms", "--to", "1s", "--replications", "3"
    )
    found = json.loads(printed)
    keys = ["schema", "title", "seed", "loop", "replications", "metric", "below", "by"]
    assert list(found) == [*keys, "setting", "does", "text", "reached", "theory", "curve", "warnings"]
    assert (found["below"], found["does"], found["replications"]) == (0.1, "at most", 3)
    assert found["setting"]["low"] < found["setting"]["estimate"] < found["setting"]["high"]
    settings = [point["setting"] for point in found["curve"]]
    assert settings == sorted(settings)
    assert (settings[0], settings[-1]) == (0.001, 1.0)
    assert found["theory"]["setting"] == pytest.approx(-math.log(0.9) / 10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--metric", "stalness", "--below", "1%"], "unknown metric 'stalness' (did you mean 'staleness'?)"),
        (["--metric", "staleness", "--below", "1s"], "staleness has mean, p50, p95, p99, p99.9, max: write"),
        (["--metric", STALE], "one bound is needed: --below 1%, or --above\n"),
        (
            [*ONE, "--above", "1%"],
            "one bound is needed: --below 1%, or --above\n",
        ),
        (["--metric", STALE, "--below", "1s"], "--below: '1s' is not a share: write 0.1 or \"10%\"\n"),
        (
            ["--metric", "staleness.mean", "--above", "3"],
            '--above: a duration needs a unit: write "3ms" or "3s"\n',
        ),
        (
            [*ONE, "--from", "1s"],
            "--from and --to go together: --from 1ms --to 10s\n",
        ),
        (
            [*ONE, "--from", "1s", "--to", "1ms"],
            "--from must be less than --to, and 1s is not less than 1ms\n",
        ),
        (
            [*ONE, "--from", "1", "--to", "2"],
            "link.delay: a duration needs a unit",
        ),
        (
            [*ONE, "--from", "50ms", "--to", "100ms", "--replications", "1"],
            "no setting does: stale_read_fraction is not below 1% with link.delay from 50 ms (",
        ),
        (
            [*ONE, "--by", "link.order"],
            "link.order holds no single number: it is ",
        ),
        (
            [*ONE, "--by", "workers.phases"],
            "workers.phases holds no single number",
        ),
        (
            [*ONE, "--by", "reader.poll", "--set", "link.dely=1s"],
            "did you mean 'delay'",
        ),
    ],
)
def test_bad_input_is_refused_with_what_would_do(
    line: str, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """Exit 2, a message on standard error, no traceback, nothing on standard output."""
    status, printed, errors = called(capsys, line, "--by", "link.delay", *arguments)
    assert (status, printed) == (2, "")
    assert message in errors
    assert "Traceback" not in errors


def test_ctrl_c_shows_what_was_measured_so_far(
    line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 130; the settings that were tried are told on standard error."""
    whole = solve(
        line, STALE, "link.delay", below="10%", settings={"duration": "5s", "replications": "2"}, jobs=1
    )

    def cut(*_: object, **__: object) -> None:
        raise Unfinished(whole.curve[:3])

    monkeypatch.setattr("sim.studies.solution.search", cut)
    status, printed, errors = called(capsys, line, *WANTED)
    assert (status, printed) == (130, "")
    lines = errors.splitlines()
    assert [lines[0].split(), len(lines), lines[-1]] == [
        ["link.delay", "stale_read_fraction"], 5, "interrupted after 3 settings",
    ]  # fmt: skip
