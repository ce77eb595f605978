"""A figure as it stands in a page: SVG without what the page has already.

Every letter's outline is in every figure that is saved, and so are decimals
that nobody can see. Here outlines are taken out, to be kept once for all the
figures of a page.
"""

import copy
import re
from collections.abc import Iterable, Iterator
from xml.etree import ElementTree

from attrs import frozen

HREF = "{http://www.w3.org/1999/xlink}href"
SHAPES = ("d", "x", "y", "points")  # attributes that are made of coordinates
HALO_WIDTH = 3  # points
OUTLINE_UNIT = 1 / 64  # in which letters are outlined, before their size
POINTS = re.compile(r"([ML]) (-?[\d.]+) (-?[\d.]+)")
LINES = re.compile(rf"(?:{POINTS.pattern} ?)+z?")  # one piece, closed or not
DECIMALS = re.compile(r"-?\d+\.\d{2,}")


@frozen
class Drawing:
    """What is seen, as one <svg> element, and the outlines that it refers to, by their id."""

    svg: str
    outlines: dict[str, str]


def drawing(svg: str, name: str, described_by: str, decimals: int = 1) -> Drawing:
    """Make a drawing of an SVG file: with a name, described by the element of that id.

    Coordinates are rounded; at one decimal, to a tenth of a point.
    """
    root = ElementTree.fromstring(svg)
    referred = set(re.findall(r"url\(#([^)]+)\)", svg))
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.text = element.tail = None
        _refer(element)
        _round(element, decimals)
    outlines = dict(_take_outlines(root))
    for label in [*root.iterfind(".//g[@id='halo']")]:
        _surround(label)
    for element in root.iter():
        if element.get("id") not in referred:
            element.attrib.pop("id", None)
    _drop_unseen(root)
    view = {"viewBox": root.get("viewBox", ""), "role": "img"}
    root.attrib = {**view, "aria-label": name, "aria-describedby": described_by}
    return Drawing(_text(root), outlines)


def sheet(drawings: Iterable[Drawing]) -> str:
    """Make one <svg> that shows nothing and holds the outlines of all drawings."""
    outlines: dict[str, str] = {}
    for one in drawings:
        outlines |= one.outlines
    return f'<svg class="outlines" aria-hidden="true"><defs>{"".join(outlines.values())}</defs></svg>'


def _take_outlines(root: ElementTree.Element) -> Iterator[tuple[str, str]]:
    """Take the outlines of letters and markers out; their ids are made of what they show."""
    for definitions in root.iter("defs"):
        for outline in definitions.findall("path"):
            definitions.remove(outline)
            yield outline.get("id", ""), _text(outline)


def _surround(label: ElementTree.Element) -> None:
    """Draw a halo behind all letters of a label at once, that none is covered by the next one's."""
    for letters in [*label]:
        behind = copy.deepcopy(letters)
        scale = re.search(r"scale\(([\d.]+)", behind.get("transform", ""))
        width = HALO_WIDTH / OUTLINE_UNIT / float(scale[1] if scale else 1)
        behind.set("style", f"fill: none; stroke: #ffffff; stroke-width: {width:.0f}")
        label.insert(0, behind)


def _drop_unseen(root: ElementTree.Element) -> None:
    """Drop what says nothing to whoever looks: facts about the file, a style for all, empty groups."""
    for parent in [*root.iter()][::-1]:
        for child in [*parent]:
            empty = child.tag in ("g", "defs") and not len(child)
            if empty or child.tag in ("metadata", "style"):
                parent.remove(child)


def _refer(element: ElementTree.Element) -> None:
    """Refer to outlines as HTML does."""
    if target := element.attrib.pop(HREF, None):
        element.set("href", target)


def _round(element: ElementTree.Element, decimals: int) -> None:
    """Round coordinates and shifts, but no factors."""

    def shorter(number: re.Match[str]) -> str:
        return f"{round(float(number[0]), decimals):g}"

    for name in SHAPES:
        if text := element.get(name):
            element.set(name, DECIMALS.sub(shorter, " ".join(text.split())))
    if LINES.fullmatch(outline := element.get("d", "")):
        element.set("d", _relative(outline, decimals))
    if transform := element.get("transform"):
        shifts = re.sub(r"translate\([^)]*\)", lambda shift: DECIMALS.sub(shorter, shift[0]), transform)
        element.set("transform", shifts)


def _relative(outline: str, decimals: int) -> str:
    """Say of each point of some lines how far it is from the one before, which takes fewer digits."""
    x = y = 0.0
    words = []
    for command, across, down in POINTS.findall(outline):
        dx, dy = float(across) - x, float(down) - y
        right, below = (f"{round(step, decimals):g}" for step in (dx, dy))
        x, y = float(across), float(down)
        if command == "M":
            words.append(f"M{across} {down}")
        elif float(below) and float(right):
            words.append(f"l{right} {below}")
        elif float(below):
            words.append(f"v{below}")
        elif float(right):
            words.append(f"h{right}")
    return "".join(words) + ("z" if outline.endswith("z") else "")


def _text(element: ElementTree.Element) -> str:
    return ElementTree.tostring(element, encoding="unicode")
