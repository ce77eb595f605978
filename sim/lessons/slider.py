"""A knob: a slider on one key of a scenario, which plays and draws again wherever it is put."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from attrs import define, field

from sim import library
from sim.engines import run
from sim.lessons.display import Picture, Words, show, told
from sim.trace import Trace

Draw = Callable[[Trace], Any]  # to a figure


@define
class Knob:
    """What the slider stands at, the run that it stands for, and what is shown of it.

    `turn` does what a hand does. A notebook shows the slider, where it has
    widgets, and below it words and picture, as it shows any other: so they are
    still there when it is only read, as a page or in print.
    """

    key: str
    values: Sequence[str]
    at: str
    trace: Trace = field(repr=False)
    picture: Picture = field(repr=False)
    words: str
    _play: Callable[[str], Trace] = field(repr=False)
    _draw: Draw = field(repr=False)
    _tells: Sequence[str] = field(repr=False)
    _slider: Any = field(default=None, repr=False)
    _shown: Sequence[Any] = field(default=(), repr=False)  # where the words are, and the picture

    def turn(self, value: str) -> Trace:
        """Put the slider at a value; it plays, draws, and gives the run."""
        if value not in self.values:
            raise ValueError(f"{self.key} can be turned to {', '.join(self.values)}, not {value!r}")
        if self._slider is None:
            self._go(value)
        else:
            self._slider.value = value  # and the slider calls back
        return self.trace

    def widget(self) -> Any:
        """Make the slider, for ipywidgets; ImportError where that is not installed."""
        import ipywidgets

        slider = ipywidgets.SelectionSlider(
            options=self.values,
            value=self.at,
            description=self.key,
            style={"description_width": "initial"},
            readout=False,  # it has no room for more than a few letters
            continuous_update=False,
        )
        slider.observe(lambda change: self._go(change["new"]), "value")
        self._slider = slider
        return slider

    def _go(self, value: str) -> None:
        """Play and draw."""
        self.trace, self.at = self._play(value), value
        self.words = _in_words(self.trace, self._tells)
        self.picture = show(self._draw(self.trace))
        for place, thing in zip(self._shown, self._things(), strict=False):
            place.update(thing)

    def _things(self) -> tuple[Words, Picture]:
        """Give what is shown below the slider."""
        return Words(self._line()), self.picture

    def _line(self) -> str:
        """Say what it stands at, and what was found there."""
        return f"{self.key} = {self.at}, {self.words}"

    def _ipython_display_(self) -> None:
        from IPython.display import DisplayHandle  # who asks for this is IPython

        with suppress(ImportError):
            DisplayHandle().display(self.widget())  # type: ignore[no-untyped-call]
        self._shown = self._shown or [DisplayHandle() for _ in self._things()]  # type: ignore[no-untyped-call]
        for place, thing in zip(self._shown, self._things(), strict=True):
            place.display(thing)


def slider(
    scenario: str,
    key: str,
    values: Sequence[str],
    draw: Draw,
    tells: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
) -> Knob:
    """Put a slider on one key of a scenario: at each of its values, the same luck is played and drawn.

    `tells` names metrics that are written above the figure. It begins in the
    middle. By arrays where they can play it, so a small scenario answers in a
    fraction of a second.
    """

    def play(value: str) -> Trace:
        return run(library.load_scenario(scenario, {**(settings or {}), key: value}), engine="auto")

    middle = values[len(values) // 2]
    trace = play(middle)
    return Knob(key, values, middle, trace, show(draw(trace)), _in_words(trace, tells), play, draw, tells)


def _in_words(trace: Trace, tells: Sequence[str]) -> str:
    return ", ".join(f"{name} {text}" for name, text in told(trace, tells).items())
