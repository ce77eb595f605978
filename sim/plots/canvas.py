"""The canvas of every figure: the one look, its colours, how numbers are written on axes, and saving.

The look is in force only while a figure is drawn or saved.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from textwrap import wrap
from typing import Any, Literal

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure as Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from matplotlib.ticker import Formatter, FuncFormatter, LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import Bbox

from sim.wording import readable, significant, time_unit

INK, GREY, AXIS, FAINT = "#1F2933", "#52606D", "#9AA5B1", "#E4E7EB"
WRITE, READ, QUEUE, STALE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
READ_TEXT, QUEUE_TEXT, STALE_TEXT = "#B84F00", "#00785A", "#8A5A00"  # darker, as text must be
STALE_LINE = "#B87800"  # darker, so that thin things stay legible
SERIES = ("#E69F00", "#D55E00", "#7A2E00")  # one after the other, where there is an order
SERIES_TEXT = (STALE_TEXT, READ_TEXT, "#7A2E00")
HEAT = LinearSegmentedColormap.from_list(
    "heat", ["#FFFBF0", "#FDE6B6", "#F7B766", "#E67A1E", "#B84A06", "#7D3205", "#571F04"]
)
SHADE = 0.20
HALO = "halo"
THEORY: dict[str, Any] = {"color": INK, "linewidth": 1.1, "linestyle": (0, (5, 2.5))}
DOT: dict[str, Any] = {"marker": "o", "linestyle": "none", "markersize": 7, "markeredgecolor": "white"}

ONE_PANEL, TALL, TWO_PANELS = (7.2, 4.05), (7.6, 5.0), (9.4, 4.0)  # inches
WIDEST = 80  # letters of a line that fits into any of them
ROUND = (1, 2, 5, 10)  # ticks are these, times a power of ten

STYLE: list[Any] = [Path(__file__).with_name("figures.mplstyle")]
NO_DATES: dict[str, dict[str, Any]] = {
    ".svg": {"Date": None, "Creator": None},
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@contextmanager
def look() -> Iterator[None]:
    """Put our stylesheet in force, whatever the settings are, until the context ends.

    A name in a script that no font at hand knows is drawn as boxes, and nothing is said.
    """
    with style.context(STYLE, after_reset=True), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def save(figure: Figure, path: Path) -> None:
    """Write a figure to a file, of the kind that its suffix says; the same figure gives the same bytes."""
    with look():
        figure.savefig(path, metadata=NO_DATES.get(path.suffix.lower(), {}))


def two_panels() -> tuple[Axes, Axes]:
    """Make a figure with two panels side by side."""
    left, right = Figure(figsize=TWO_PANELS).subplots(1, 2)
    return left, right


def as_svg(figure: Figure) -> str:
    """Give a figure as the text of an SVG picture; the same figure gives the same text."""
    text = StringIO()
    with look():
        figure.savefig(text, format="svg", metadata=NO_DATES[".svg"])
    return text.getvalue()


def as_svg_without_halos(figure: Figure) -> str:
    """Give it without the labels' halos, of which only the name is left, as the id of a label's group.

    Drawn, they would take more bytes than all the rest.
    """
    haloed = {text: text.get_path_effects() for text in figure.findobj(Text) if text.get_path_effects()}
    for text in haloed:
        text.set(path_effects=[], gid=HALO)
    svg = as_svg(figure)
    for text, effects in haloed.items():
        text.set(path_effects=effects, gid=None)
    return svg


def one_panel(size: tuple[float, float] = ONE_PANEL) -> Axes:
    """Make a figure with one panel."""
    return Figure(figsize=size).subplots()


def figure_of(axes: Axes) -> Figure:
    """Give the figure that axes are on."""
    figure = axes.get_figure(root=True)
    assert figure is not None, "the axes have been taken off their figure"
    return figure


def settle(axes: Axes, own: bool) -> Figure:
    """Let the layout come to rest, in our own figure for good: now labels can be put where nothing is.

    Our own is laid out here and nowhere else, for that takes as long as to draw it.
    """
    figure = figure_of(axes)
    if own:
        ConstrainedLayoutEngine().execute(figure)
    else:
        figure.draw_without_rendering()
    return figure


def head(axes: Axes, title: str, subtitle: str) -> None:
    """Write what a panel shows, and below it how to read it; both may reach over the panel beside it."""
    axes.set_title(title)
    words = axes.annotate(subtitle, (0, 1), (0, 9), "axes fraction", "offset points", color=GREY)
    words.set_in_layout(False)


def say_instead(words: str, *panels: Axes) -> None:
    """Say in the middle of all panels why there is nothing to draw, and draw nothing."""
    for axes in panels:
        axes.set_axis_off()
    words = "\n".join(wrap(words[:1].upper() + words[1:], WIDEST))
    boxes = Bbox.union([axes.get_position() for axes in panels])
    middle = (boxes.x0 + boxes.x1) / 2, (boxes.y0 + boxes.y1) / 2
    panels[0].annotate(words, middle, xycoords="figure fraction", ha="center", va="center", color=GREY)


def series(n: int) -> list[tuple[str, str]]:
    """Give the colours of so many things that have an order, each for its line and for its name."""
    if n <= len(SERIES):
        few = {1: (1,), 2: (0, 2), 3: (0, 1, 2)}.get(n, ())
        return [(SERIES[i], SERIES_TEXT[i]) for i in few]
    lines, names = (LinearSegmentedColormap.from_list("series", ends) for ends in (SERIES, SERIES_TEXT))
    return [(to_hex(lines(i / (n - 1))), to_hex(names(i / (n - 1)))) for i in range(n)]


def share_text(share: float, digits: int = 3) -> str:
    """Write a share as a percentage."""
    return f"{significant(100 * share, digits)}%"


class Times(Formatter):
    """Writes the times of one axis in one unit, that of the longest: "200 ms", "1.5 s"."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Write a time that stands alone."""
        return self.format_ticks([x])[0]

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Write the times of all ticks."""
        size, unit = time_unit(max(map(abs, values), default=0.0))
        dust = 1e-12 * size  # what binary fractions add to a tick
        return ["0" if abs(x) <= dust else f"{significant(x / size, 12)} {unit}" for x in values]


def write_times(axis: Axis, most: int = 8) -> None:
    """Put round times along an axis."""
    axis.set_major_locator(MaxNLocator(most, steps=ROUND))
    axis.set_major_formatter(Times())


def write_log_times(axis: Axis) -> None:
    """Put times along a logarithmic axis, each in its own unit; a few decades need more than their powers."""
    low, high = axis.get_view_interval()
    tens = high / low > 30
    axis.set_major_locator(LogLocator(subs=(1.0,) if tens else (1.0, 2.0, 5.0), numticks=9))
    axis.set_major_formatter(FuncFormatter(lambda x, _: readable(float(x))))
    axis.set_minor_locator(NullLocator())


def write_shares(axis: Axis) -> None:
    """Put percentages along an axis."""
    axis.set_major_formatter(FuncFormatter(lambda x, _: share_text(round(float(x), 12))))


def write_unit(axis: Axis, unit: Literal["s", "1", "share", "1/s"]) -> None:
    """Put numbers along an axis in a unit of the glossary."""
    axis.set_major_locator(MaxNLocator(7, steps=ROUND))
    if unit == "s":
        axis.set_major_formatter(Times())
    elif unit == "share":
        write_shares(axis)
    else:
        sign = "/s" if unit == "1/s" else ""
        axis.set_major_formatter(FuncFormatter(lambda x, _: significant(round(float(x), 12), 6) + sign))
