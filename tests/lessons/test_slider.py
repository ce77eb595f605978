import sys
from functools import partial

import pytest

import sim
from sim.lessons import Knob, lag, slider

VALUES = ["250ms", "1s", "2s"]


@pytest.fixture
def knob() -> Knob:
    """Take the story's delay in hand."""
    return slider("story", "link.delay", VALUES, partial(lag, product=1), ["stale_read_fraction"])


def test_a_knob_begins_in_the_middle(knob: Knob) -> None:
    """It has played there, tells what is asked for, and has a picture."""
    assert (knob.at, knob.words) == ("1s", "stale_read_fraction 25%")
    assert "<svg" in knob.picture.svg


def test_turned_it_plays_and_draws_again(knob: Knob) -> None:
    """The run is the one that `sim.run` gives with that setting."""
    before = knob.picture
    trace = knob.turn("2s")
    assert trace.fingerprint == sim.run("story", settings={"link.delay": "2s"}).fingerprint
    assert (knob.at, knob.words, knob.picture == before) == ("2s", "stale_read_fraction 75%", False)


def test_the_slider_does_what_a_hand_does(knob: Knob) -> None:
    """Moving the widget turns the knob, and turning the knob moves the widget."""
    choice, words, image = knob.widget().children
    assert (choice.continuous_update, choice.description, choice.value) == (False, "link.delay", "1s")
    choice.value = "250ms"
    assert words.value == "link.delay = 250ms, stale_read_fraction 0%"
    knob.turn("2s")
    assert (choice.value, words.value) == ("2s", "link.delay = 2s, stale_read_fraction 75%")
    assert image.value == knob.picture.svg.encode()


def test_without_widgets_the_picture_is_shown(knob: Knob, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook shows what there is, and `turn` works all the same."""
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    knob.turn("2s")
    assert knob._repr_mimebundle_() == {
        "image/svg+xml": knob.picture.svg,
        "text/plain": "link.delay = 2s, stale_read_fraction 75%",
    }


def test_with_widgets_the_picture_is_there_for_those_who_cannot_show_them(knob: Knob) -> None:
    """A page that is only read has the figure at least."""
    bundle = knob._repr_mimebundle_()
    assert set(bundle) == {"application/vnd.jupyter.widget-view+json", "image/svg+xml", "text/plain"}


def test_it_cannot_be_turned_to_what_is_not_on_it(knob: Knob) -> None:
    """It says what is."""
    with pytest.raises(ValueError, match=r"link\.delay can be turned to 250ms, 1s, 2s, not '3s'"):
        knob.turn("3s")
