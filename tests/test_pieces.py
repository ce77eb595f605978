import numpy as np
import pytest

from sim.pieces import ROWS, each, pieces


@pytest.mark.parametrize("rows", [0, 1, ROWS - 1, ROWS, ROWS + 1, 3 * ROWS])
def test_what_is_asked_of_each_row_is_the_same_in_pieces(rows: int) -> None:
    """Whether the last piece is full or not; of no rows there is one piece, and nothing in it."""
    one, other = np.arange(rows), np.arange(rows)[::-1]
    found = each(lambda one, other: one > other, one, other, gives=np.bool_)
    assert found.tolist() == (one > other).tolist()
    assert [*np.concatenate([one[piece] for piece in pieces(rows)])] == one.tolist()
    assert len(pieces(rows)) == max(1, -(-rows // ROWS))
