import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import sim
from sim.lessons import Knob, lag, slider

WIDGET = "application/vnd.jupyter.widget-view+json"
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
    choice = knob.widget()
    assert (choice.continuous_update, choice.description, choice.value) == (False, "link.delay", "1s")
    choice.value = "250ms"
    assert (knob.at, knob.words) == ("250ms", "stale_read_fraction 0%")
    knob.turn("2s")
    assert choice.value == "2s"


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[CapturingDisplayPublisher]:
    """Be in a notebook, and keep what it is told to show."""
    no_history = Config(HistoryManager={"enabled": False})
    shell = InteractiveShell.instance(config=no_history, ipython_dir=str(tmp_path))
    shell.display_pub = CapturingDisplayPublisher()  # type: ignore[no-untyped-call]
    yield shell.display_pub
    InteractiveShell.clear_instance()


def test_a_notebook_shows_words_and_picture_as_it_shows_any_other(
    knob: Knob, notebook: CapturingDisplayPublisher
) -> None:
    """Below the slider, and in their places when it is turned: a page that is only read has them."""
    knob._ipython_display_()
    slider, words, picture = notebook.outputs
    assert WIDGET in slider["data"]
    assert words["data"] == {"text/plain": "link.delay = 1s, stale_read_fraction 25%"}
    assert picture["data"]["image/svg+xml"] == knob.picture.svg
    knob.turn("2s")
    *_, new_words, new_picture = notebook.outputs
    assert [one["update"] for one in (new_words, new_picture)] == [True, True]
    assert [new_words["transient"], new_picture["transient"]] == [words["transient"], picture["transient"]]
    assert new_words["data"] == {"text/plain": "link.delay = 2s, stale_read_fraction 75%"}
    assert new_picture["data"]["image/svg+xml"] == knob.picture.svg


def test_without_widgets_words_and_picture_are_shown(
    knob: Knob, notebook: CapturingDisplayPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notebook shows what there is, and `turn` works all the same."""
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    knob._ipython_display_()
    knob.turn("2s")
    assert [one["update"] for one in notebook.outputs] == [False, False, True, True]


def test_it_cannot_be_turned_to_what_is_not_on_it(knob: Knob) -> None:
    """It says what is."""
    with pytest.raises(ValueError, match=r"link\.delay can be turned to 250ms, 1s, 2s, not '3s'"):
        knob.turn("3s")
