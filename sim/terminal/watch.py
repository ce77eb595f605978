"""A run as one watches it: write model and read model side by side, and the changes on their way between."""

import time
from collections.abc import Iterable, Sequence

import attrs
import polars as pl
from attrs import frozen
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sim.replay.timeline import telling_product
from sim.tables import read_frame
from sim.terminal.tale import Line, tell
from sim.trace import Trace
from sim.wording import readable

FRAMES = 20  # pictures a second
MOST = 6  # products, or changes on their way, that one can follow
TRACK = 14  # cells along which a change travels
FIXED = 6  # lines of a picture around its rows and what is told
WRITE, READ, GREY = "bright_blue", "dark_orange", "bright_black"


@frozen
class Shelf:
    """What both models hold of a product at one instant, and the version of it."""

    product: int
    held: int
    held_version: int
    shown: int
    shown_version: int


@frozen
class Travel:
    """A change between the models: the share of its way that lies behind it, or None if it never comes."""

    product: int
    version: int
    quantity: int
    behind: float | None


@frozen
class View:
    """One instant of a run: the clock, the shelves, what is on its way, and what has happened so far."""

    at: float
    until: float
    shelves: tuple[Shelf, ...]
    travels: tuple[Travel, ...]
    told: tuple[Line, ...]


def watched(trace: Trace) -> list[int]:
    """Choose the products to watch: the first ones of a story, or of a crowd the one that tells most."""
    if not trace.scenario.scripted:
        return [telling_product(trace) or 1]
    named = pl.concat([trace.commands["product"], trace.queries["product"]])
    return [int(product) for product in named.unique().sort().head(MOST)]


def about(trace: Trace, products: Sequence[int]) -> Trace:
    """Keep what concerns some products, and leave all else out."""
    concerns = pl.col("product").is_in(products)
    tables = {name: read_frame(rows.table.filter(concerns)) for name, rows in trace.tables.items()}
    return attrs.evolve(trace, tables=tables)


def view(trace: Trace, lines: Sequence[Line], at: float, products: Sequence[int]) -> View:
    """See what is so of some products at one instant of virtual time, in a run that these lines tell."""
    committed = trace.changes.filter(pl.col("committed") <= at, pl.col("product").is_in(products))
    shelves = tuple(_shelf(trace, committed.filter(product=one), one, at) for one in products)
    under_way = committed.filter(pl.col("visible").is_null() | (pl.col("visible") > at))
    travels = tuple(_travel(row, at) for row in under_way.sort("committed").iter_rows(named=True))
    told = tuple(line for line in lines if line.at <= at)
    return View(at, trace.until, shelves, travels, told)


def _shelf(trace: Trace, committed: pl.DataFrame, product: int, at: float) -> Shelf:
    """Say what each model holds of a product, given what has been committed of it."""
    stock, apply = trace.scenario.products.stock, trace.scenario.reader.apply
    held, held_version = _last(committed.sort("version"), stock)
    moved = pl.col("quantity_after") - pl.col("quantity_after").shift(1, fill_value=stock)
    changes = committed.sort("version").with_columns(moved=moved)
    applied = changes.filter(pl.col("visible") <= at)
    order = ("visible", "version") if apply == "arrival" else ("version",)
    shown, shown_version = _last(applied.sort(*order), stock)
    if apply == "delta":
        shown = stock + int(applied["moved"].sum())
    return Shelf(product, held, held_version, shown, shown_version)


def _last(changes: pl.DataFrame, stock: int) -> tuple[int, int]:
    """Give quantity and version of the last of some changes, or those from the start."""
    if not len(changes):
        return stock, 0
    return int(changes["quantity_after"][-1]), int(changes["version"][-1])


def _travel(row: dict[str, float], at: float) -> Travel:
    way = None if row["visible"] is None else row["visible"] - row["committed"]
    behind = None if way is None else (at - row["committed"]) / way
    return Travel(int(row["product"]), int(row["version"]), int(row["quantity_after"]), behind)


def show(seen: View, height: int) -> RenderableType:
    """Lay a view out, in no more than so many lines."""
    clock = Text.assemble((f"{seen.at:9.3f} s", "bold"), (f"   of {readable(seen.until)}", GREY))
    models = Table.grid(expand=True)
    for ratio in (3, 4, 3):
        models.add_column(ratio=ratio)
    rows = max(2 * len(seen.shelves), min(len(seen.travels), MOST + 1))
    models.add_row(
        Panel(_written(seen), title="write model", border_style=WRITE, height=rows + 2),
        Panel(_on_the_way(seen.travels), title="on the way", border_style=GREY, height=rows + 2),
        Panel(_read(seen), title="read model", border_style=READ, height=rows + 2),
    )
    room = max(1, height - rows - FIXED)
    told = _lines(Text(str(line)) for line in seen.told[-room:])
    return Group(clock, models, Panel(told, title="what happened", border_style=GREY, height=room + 2))


def _written(seen: View) -> Text:
    shelves = ((one.product, one.held, f"version {one.held_version:,}") for one in seen.shelves)
    return _shelves(shelves, WRITE)


def _read(seen: View) -> Text:
    return _shelves(((one.product, one.shown, _how_far(one)) for one in seen.shelves), READ)


def _how_far(one: Shelf) -> str:
    """Say which version is shown, and how many are missing."""
    behind = one.held_version - one.shown_version
    return f"version {one.shown_version:,}" + (f", {behind:,} behind" if behind else "")


def _shelves(rows: Iterable[tuple[int, int, str]], color: str) -> Text:
    """Write two lines for each product: how many there are, and of which version."""
    lines = [(f"product {product}: {quantity:,}", version) for product, quantity, version in rows]
    return _lines(Text.assemble((first, f"bold {color}"), f"\n{second}") for first, second in lines)


def _lines(lines: Iterable[Text]) -> Text:
    """Put lines below each other; what is too long for its place is cut."""
    text = Text("\n").join(lines)
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _on_the_way(travels: Sequence[Travel]) -> Text:
    """Draw each change as a dot that moves along a line to the right."""
    lines = []
    for one in travels[:MOST]:
        what = f"{one.quantity:,} of product {one.product}"
        if one.behind is None:
            lines.append(Text(f"{'never':─^{TRACK}}  {what}"))
        else:
            place = min(TRACK - 1, int(one.behind * TRACK))
            lines.append(Text(f"{'─' * place}●{'─' * (TRACK - 1 - place)}  {what}"))
    if len(travels) > MOST:
        lines.append(Text(f"and {len(travels) - MOST:,} more", GREY))
    return _lines(lines)


def watch(trace: Trace, console: Console) -> None:
    """Show a run in the time it takes, several pictures a second."""
    products = watched(trace)
    lines = tell(about(trace, products))
    began = time.monotonic()
    with Live(console=console, auto_refresh=False) as live:
        at = 0.0
        while at < trace.until:
            at = min(time.monotonic() - began, trace.until)
            live.update(show(view(trace, lines, at, products), console.height), refresh=True)
            time.sleep(1 / FRAMES)
