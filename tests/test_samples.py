import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from sim.measures.samples import at, quantiles

TIMES = st.one_of(
    st.floats(0, 1),
    st.floats(0, allow_infinity=True, allow_nan=False),
    st.sampled_from([0.0, -0.0, 1.0, 1.5]),
)


@given(st.lists(TIMES, min_size=1, max_size=200), st.data())
def test_what_stands_at_a_place_is_what_sorting_puts_there(values: list[float], data: st.DataObject) -> None:
    """Whatever the values, be they nothing, tiny, huge, infinite or all the same."""
    places = data.draw(st.lists(st.integers(0, len(values) - 1), min_size=1, max_size=5))
    found = at(np.array(values), np.array(places))
    assert found.tolist() == [sorted(values)[place] for place in places]


def test_a_sample_without_a_single_wait_has_quantiles_all_the_same() -> None:
    """They are 0, however many zeros come on top."""
    assert quantiles(np.zeros(3), [0.5, 1.0], zeros=2) == [0, 0]
    assert quantiles(np.zeros(0), [0.5, 1.0], zeros=2) == [0, 0]
