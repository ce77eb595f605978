from collections import Counter
from collections.abc import Iterable

import pytest

import sim
from sim.studies.comparison import Variant
from sim.studies.twins import twins, twins_json, worst
from sim.terminal.what_if import twins_lines
from sim.trace import Trace

SHORT = {"duration": "20s", "warmup": "2s"}
Query = tuple[int, int, float]


def words(lines: Iterable[str]) -> str:
    """Undo the breaking into lines."""
    return " ".join(lines).replace("    ", " ")


def played(name: str, **settings: str) -> Trace:
    """Play a scenario once, with a double underscore for the dot in a key."""
    keys = {key.replace("__", "."): value for key, value in settings.items()}
    return sim.run(name, settings=keys, engine="auto")


def answers(trace: Trace) -> list[tuple[Query, float]]:
    """Recount in plain loops: who asked what when, and how stale the answer was."""
    start, end = trace.window
    commits = trace.changes.select("product", "version", "committed").rows()
    found = []
    for query in trace.queries.iter_rows(named=True):
        asked, product, seen = query["asked"], query["product"], query["seen_version"]
        missed = [at for p, version, at in commits if p == product and version > seen and at < asked]
        if start <= asked < end:
            found.append(((query["session"], product, asked), asked - min(missed) if missed else 0.0))
    return found


def test_of_the_story_one_query_turns_fresh() -> None:
    """At 2.5 s the change of 2 s is visible after 250 ms, and not after 1000 ms: half a second stale."""
    found = twins(played("story"), played("story", link__delay="250ms"))
    row = {"session": 0, "product": 1, "asked": 2.5, "staleness": 0.5, "staleness_there": 0.0}
    assert (found.asked, found.flips.to_dicts(), len(found.turned_stale)) == (4, [row], 0)
    assert twins_json(found)["turned_fresh"] == {"count": 1, "first": row, "worst": row}


def test_each_query_that_flipped_is_found_and_no_other() -> None:
    """Both ways at once, where another order of changes makes some fresh and others stale."""
    settings = {key.replace(".", "__"): value for key, value in SHORT.items()}
    here = played("hot-product", **settings, link__delay="exponential(50ms)", link__order="fifo")
    there = played("hot-product", **settings, link__delay="exponential(60ms)", link__order="independent")
    found = twins(here, there)
    before, after = dict(answers(here)), dict(answers(there))
    flipped = {query for query in before if (before[query] > 0) != (after[query] > 0)}
    assert {(s, p, a): (x, y) for s, p, a, x, y in found.flips.rows()} == {
        query: pytest.approx((before[query], after[query]), abs=1e-9) for query in flipped
    }
    assert (found.asked, found.only_here, found.only_there) == (len(before), 0, 0)
    stale, fresh = found.turned_stale, found.turned_fresh
    assert (len(stale) > 0, len(fresh) > 0, len(stale) + len(fresh)) == (True, True, len(flipped))
    assert worst(fresh)["staleness"].item() == max(before[q] for q in flipped)
    assert fresh["asked"].to_list() == sorted(fresh["asked"])


def test_who_asks_depends_on_the_knob_in_a_closed_loop() -> None:
    """Queries that one run alone has are counted apart, and the others compared; it is said."""
    closed = {"workers": '[{count=5, think="exponential(100ms)", reads_back="50ms"}]'}
    here = played("slow-link", **SHORT, **closed)
    there = played("slow-link", **SHORT, **closed, writer__service="20ms")
    found = twins(here, there)
    mine, yours = (Counter(query for query, _ in answers(trace)) for trace in (here, there))
    both = (mine & yours).total()
    assert 0 < both < mine.total()
    assert (found.asked, found.only_here) == (both, mine.total() - both)
    assert found.only_there == yours.total() - both
    a, b = Variant("A", here.scenario), Variant("B", there.scenario)
    text = words(twins_lines(found, a, b))
    assert f"!  {found.only_here:,} queries with A and {found.only_there:,} with B alone: " in text
    assert " Only those that both have are compared. " in text


def test_queries_at_other_instants_have_no_twin() -> None:
    """Another pace of those who look: nothing is compared, and that is said."""
    here, there = played("slow-link", **SHORT), played("slow-link", **SHORT, queries__pace="poisson(51/s)")
    found = twins(here, there)
    assert (found.asked, len(found.flips)) == (0, 0)
    text = words(twins_lines(found, Variant("A", here.scenario), Variant("B", there.scenario)))
    assert text.endswith("There is nothing to compare.")


def test_the_lines_tell_the_first_and_the_worst() -> None:
    """Either way: how many of how many, and which."""
    here, there = played("story"), played("story", link__delay="250ms")
    lines = list(twins_lines(twins(here, there), Variant("A", here.scenario), Variant("B", there.scenario)))
    assert lines == [
        "TWINS   A and B in one replication, query by query",
        "   none of 4 queries turned stale",
        "   1 of 4 queries turned fresh",
        "      first   2.500 s: session 0, product 1, 500 ms stale with A, fresh with B",
        "      worst   2.500 s: session 0, product 1, 500 ms stale with A, fresh with B",
    ]
