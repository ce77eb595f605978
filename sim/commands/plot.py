"""`sim plot`: draws figures of a run that was saved."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sim.commands.shell import Failure, Refusal, folder_of_run, saved_run

if TYPE_CHECKING:
    from sim.page.gallery import View
    from sim.trace import Trace


@click.command("plot")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("names", metavar="[FIGURE]...", nargs=-1)
@click.option("--around", metavar="WHAT", help="spacetime: what led to query:17, or to the worst read.")
@click.option("--product", type=click.IntRange(min=1), help="lag, spacetime: of this product alone.")
@click.option("--between", nargs=2, metavar="START END", help="lag, spacetime: this stretch: 1.2s 1.5s.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Where to; else to the run.")
@click.option(
    "--format", "suffix", type=click.Choice(["png", "svg", "pdf"]), default="png", show_default=True
)
def plot_run(
    run: Path,
    names: tuple[str, ...],
    around: str | None,
    product: int | None,
    between: tuple[str, str] | None,
    out: Path | None,
    suffix: str,
) -> None:
    """Draw figures of a run that was saved: those that are named, or all that it has.

    \b
    lag          how the read model follows the write model
    visibility   how soon a write can be seen, and how long the tail is
    queue        how many commands wait, and how busy the writer is
    percentiles  what writing costs and what reading costs, nine by nine
    blame        where the changes were that stale reads missed
    spacetime    who sent what to whom, message by message
    """  # noqa: D301 - click wants the character
    from sim.page.gallery import PICTURES, NoFigure, View, draw, fitting
    from sim.plots import save
    from sim.wording import unknown

    for name in names:
        if name not in PICTURES:
            raise Refusal(unknown("figure", name, PICTURES))
    found = folder_of_run(run)
    trace = saved_run(found)
    view = View(around, _product(product, trace), _window(between))
    chosen = names or tuple(fitting(trace))
    _insist_on_use(view, chosen)
    try:
        figures = {name: draw(trace, name, view) for name in chosen}
    except NoFigure as error:
        raise Refusal(str(error)) from None
    folder = out or found
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, figure in figures.items():
            save(figure, folder / f"{name}.{suffix}")
            click.echo(f"   saved {folder / f'{name}.{suffix}'}")
    except OSError as error:
        raise Failure(f"!  not saved in {folder}: {error.strerror}") from None


def _product(product: int | None, trace: "Trace") -> int | None:
    """Insist that there is such a product."""
    most = trace.scenario.products.count
    if product is not None and product > most:
        raise Refusal(f"--product: this scenario has products 1 to {most}, and no {product}")
    return product


def _window(between: tuple[str, str] | None) -> tuple[float, float] | None:
    """Read a stretch of virtual time, or refuse."""
    if between is None:
        return None
    from sim.durations import parse_duration

    try:
        start, end = map(parse_duration, between)
    except ValueError as error:
        raise Refusal(f"--between: {error}") from None
    if not start < end:
        raise Refusal(f"--between: a stretch starts before it ends: 1.2s 1.5s, not {' '.join(between)}")
    return start, end


def _insist_on_use(view: "View", chosen: tuple[str, ...]) -> None:
    """Refuse what no figure that is drawn can do anything with, or what contradicts itself."""
    from sim.page.gallery import PICTURES

    given = {"around": view.around, "product": view.product, "window": view.window}
    options = {"around": "--around", "product": "--product", "window": "--between"}
    for what, value in given.items():
        users = [name for name, picture in PICTURES.items() if what in picture.chosen_by]
        if value is not None and not set(users) & set(chosen):
            raise Refusal(f"{options[what]} is for {' and '.join(users)}, and none of them is drawn")
    if view.around and (view.product or view.window):
        raise Refusal("--around chooses product and stretch by itself: leave --product and --between out")
