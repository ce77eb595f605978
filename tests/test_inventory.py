from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from sim.inventory import NOT_ENOUGH, NOTHING, Change, Command, Model, Rejection, Stock, decide, fold


def commands() -> SearchStrategy[list[Command]]:
    """Draw a sequence of commands on a few products."""
    rows = st.tuples(st.sampled_from(["add", "remove"]), st.integers(1, 3), st.integers(1, 10))
    return st.lists(rows, max_size=40).map(
        lambda drawn: [Command(row, *columns) for row, columns in enumerate(drawn)]  # type: ignore[arg-type]
    )


def models() -> SearchStrategy[dict[int, Stock]]:
    """Draw what is in the warehouse at the start: version 0 of some of the products."""
    return st.dictionaries(st.integers(1, 3), st.integers(0, 20).map(Stock), max_size=3)


def carried_out(model: Model, sequence: list[Command]) -> tuple[Model, list[Change]]:
    """Carry out commands one after the other: the write model that comes of it, and the changes."""
    written, changes = dict(model), []
    for command in sequence:
        answer = decide(written, command)
        if isinstance(answer, Change):
            written[answer.product] = Stock(answer.quantity, answer.version)
            changes.append(answer)
    return written, changes


def shown(model: Model, changes: list[Change], apply: str = "newest") -> Model:
    """Fold changes into a model in the order in which they arrive."""
    read = dict(model)
    for change in changes:
        read[change.product] = fold(read, change, apply)  # type: ignore[arg-type]
    return read


@pytest.mark.parametrize(
    ("model", "command", "answer"),
    [
        ({}, Command(0, "add", 1, 10), Change(1, 1, 10, 10)),
        ({1: Stock(10, 1)}, Command(0, "add", 1, 5), Change(1, 2, 15, 5)),
        ({1: Stock(10, 1)}, Command(0, "remove", 1, 4), Change(1, 2, 6, -4)),
        ({1: Stock(10, 1)}, Command(0, "remove", 1, 10), Change(1, 2, 0, -10)),
        ({1: Stock(10, 1)}, Command(0, "remove", 1, 11), Rejection("Not enough stock!")),
        ({1: Stock(10, 1)}, Command(0, "remove", 2, 1), Rejection("Not enough stock!")),
        ({2: Stock(7)}, Command(0, "remove", 2, 7), Change(2, 1, 0, -7)),
    ],
)
def test_a_command_is_decided_by_the_stock_there_is(
    model: Model, command: Command, answer: Change | Rejection
) -> None:
    """All of the stock can be removed and no more, and a product never seen has none."""
    assert decide(model, command) == answer


def test_a_product_never_seen_reads_0() -> None:
    """The stock of nothing is no items at version 0."""
    assert Stock(0, 0) == NOTHING


@pytest.mark.parametrize(
    ("apply", "change", "stock"),
    [
        ("newest", Change(1, 3, 8, -2), Stock(8, 3)),
        ("newest", Change(1, 9, 8, 1), Stock(8, 9)),
        ("newest", Change(1, 2, 8, 1), Stock(10, 2)),
        ("newest", Change(1, 1, 8, 8), Stock(10, 2)),
        ("newest", Change(2, 1, 8, 8), Stock(8, 1)),
        ("arrival", Change(1, 3, 8, -2), Stock(8, 3)),
        ("arrival", Change(1, 1, 8, 8), Stock(8, 1)),
        ("fetch", Change(1, 9, 8, 1), Stock(8, 9)),
        ("fetch", Change(1, 2, 8, 1), Stock(10, 2)),
        ("delta", Change(1, 3, 8, -2), Stock(8, 3)),
        ("delta", Change(1, 2, 8, 1), Stock(11, 2)),
        ("delta", Change(1, 5, 8, 1), Stock(11, 2, frozenset({5}))),
    ],
)
def test_a_change_shows_as_the_reader_applies_it(apply: str, change: Change, stock: Stock) -> None:
    """Late or twice: "newest" and "fetch" let it be, "arrival" goes by it, "delta" adds it once more."""
    assert fold({1: Stock(10, 2)}, change, apply) == stock  # type: ignore[arg-type]


@given(models(), commands())
def test_the_stock_is_never_negative(model: Model, sequence: list[Command]) -> None:
    """Whatever is asked, no change leaves less than nothing, and a refusal says why."""
    written = dict(model)
    for command in sequence:
        match decide(written, command):
            case Change() as change:
                assert change.quantity >= 0
                written[change.product] = Stock(change.quantity, change.version)
            case Rejection(reason):
                assert reason == NOT_ENOUGH
                assert command.quantity > written.get(command.product, NOTHING).quantity


@given(models(), commands())
def test_the_versions_of_a_product_are_1_2_3(model: Model, sequence: list[Command]) -> None:
    """Every change is the next version of its product, and a refusal uses none up."""
    versions = defaultdict(list)
    for change in carried_out(model, sequence)[1]:
        versions[change.product].append(change.version)
    assert all(seen == list(range(1, len(seen) + 1)) for seen in versions.values())


@given(models(), commands())
def test_what_went_in_and_came_out_is_what_is_there(model: Model, sequence: list[Command]) -> None:
    """The write model holds the start, plus what was added, less what was removed by accepted commands."""
    written, expected = dict(model), {p: s.quantity for p, s in model.items()}
    for command in sequence:
        written_now, changes = carried_out(written, [command])
        if changes:
            moved = command.quantity if command.kind == "add" else -command.quantity
            expected[command.product] = expected.get(command.product, 0) + moved
        written = dict(written_now)
    assert {p: s.quantity for p, s in written.items()} == expected


@given(models(), commands(), st.sampled_from(["newest", "arrival"]))
def test_changes_in_order_make_the_read_model_the_write_model(
    model: Model, sequence: list[Command], apply: str
) -> None:
    """A reader that is told everything in order knows what the writer knows, however it applies it."""
    written, changes = carried_out(model, sequence)
    assert shown(model, changes, apply) == written


@given(models(), commands(), st.data())
def test_under_newest_any_order_ends_in_the_same_model(
    model: Model, sequence: list[Command], data: st.DataObject
) -> None:
    """Late and double deliveries are harmless to a reader that looks at the version."""
    written, changes = carried_out(model, sequence)
    again = data.draw(st.lists(st.sampled_from(changes), max_size=5)) if changes else []
    assert shown(model, data.draw(st.permutations(changes + again))) == written


def test_under_arrival_a_late_change_wins() -> None:
    """Who applies what comes last ends with the older stock, for ever."""
    early, late = Change(1, 1, 10, 10), Change(1, 2, 6, -4)
    assert shown({}, [late, early], "arrival") == {1: Stock(10, 1)}


@given(models(), commands())
def test_deciding_and_folding_leave_the_model_alone(model: Model, sequence: list[Command]) -> None:
    """Both answer, and change nothing themselves."""
    before = dict(model)
    for command in sequence:
        answer = decide(model, command)
        if isinstance(answer, Change):
            fold(model, answer)
    assert model == before
