import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim.groups import before, by_number, group, group_by_both, highest_before, highest_up_to, lowest_from

NUMBERS = st.integers(0, 3) | st.integers(0, 70_000)
PAIRS = st.lists(st.tuples(NUMBERS, st.integers(0, 5)), max_size=30)
Pairs = list[tuple[int, int]]


def columns(pairs: Pairs) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], ...]:
    """Give the pairs' numbers as two arrays."""
    one, other = np.array(pairs, np.int64).reshape(-1, 2).T
    return one, other


@given(PAIRS)
def test_rows_of_one_number_stand_together_in_their_order(pairs: Pairs) -> None:
    """Sorted by the number, by whatever digits it has, and by nothing else."""
    number, other = columns(pairs)
    rows = sorted(range(len(pairs)), key=lambda row: pairs[row][0])
    both = sorted(range(len(pairs)), key=lambda row: pairs[row])
    assert (by_number(number).tolist(), group_by_both(number, other).rows.tolist()) == (rows, both)


@given(PAIRS)
def test_the_n_th_of_a_number_is_found(pairs: Pairs) -> None:
    """The first, the last, and none beyond them."""
    number, _ = columns(pairs)
    groups, asked = group(number), np.arange(5)
    for n in range(-1, 4):
        alike = [[row for row, pair in enumerate(pairs) if pair[0] == one] for one in asked]
        expected = [rows[n - 1] if 1 <= n <= len(rows) else -1 for rows in alike]
        assert groups.nth(asked, np.full(5, n)).tolist() == expected
        assert groups.last(asked).tolist() == [rows[-1] if rows else -1 for rows in alike]


@given(PAIRS)
def test_the_highest_and_the_lowest_so_far_are_those_of_the_group(pairs: Pairs) -> None:
    """Of what came before, of what came until then, and of what comes from then on."""
    number, value = columns(pairs)
    groups, floats = group(number), value.astype(np.float64)
    alike = [[other for other in range(len(pairs)) if pairs[other][0] == one] for one, _ in pairs]
    until = [[pairs[other][1] for other in rows if other <= row] for row, rows in enumerate(alike)]
    after = [[pairs[other][1] for other in rows if other >= row] for row, rows in enumerate(alike)]
    assert highest_before(value, groups).tolist() == [max(seen[:-1], default=-1) for seen in until]
    assert highest_up_to(floats, groups).tolist() == [max(seen) for seen in until]
    assert lowest_from(floats, groups).tolist() == [min(seen) for seen in after]


@given(PAIRS, PAIRS)
def test_events_are_found_that_did_not_come_before_one_asks(events: Pairs, askers: Pairs) -> None:
    """The first of the same number at that instant or later; or where all of that number end."""
    events = sorted(events, key=lambda pair: pair[1])
    (number, time), (asker, asked) = columns(events), columns(askers)
    groups = group(number)
    places = before(groups, time[groups.rows].astype(float), group(asker), asked.astype(float))
    for (one, now), place in zip(askers, places.tolist(), strict=True):
        alike = [row for row, event in enumerate(events) if event[0] == one]
        later = [row for row in alike if events[row][1] >= now]
        end = int(groups.end(np.array([one]))[0])
        assert place == (end - len(later))
        assert groups.rows[place:end].tolist() == later
