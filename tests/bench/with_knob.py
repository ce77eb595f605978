"""The knob of a lesson, turned to each of its positions: NOTEBOOK ROUNDS.

The lesson is read up to the cell that makes the knob, which plays and draws
once. The time of a turn is that of the run and of the picture, as text; what
the browser does with it comes on top.
"""

import contextlib
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

from sim.lessons import Knob


def knob_of(notebook: Path) -> Knob:
    """Run a lesson's cells until there is a knob."""
    names: dict[str, Any] = {}
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    for source in ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"):
        if not source.startswith("%"):  # which only a notebook understands
            exec(source, names)
        if "knob" in names:
            break
    knob: Knob = names["knob"]
    return knob


def turn(knob: Knob, value: str) -> float:
    """Turn it; give the seconds until there is a picture."""
    began = time.perf_counter()
    knob.turn(value)
    return time.perf_counter() - began


def main(notebook: Path, rounds: int) -> list[float]:
    """Turn it from end to end so many times; give the seconds of each turn."""
    with contextlib.redirect_stdout(io.StringIO()):
        knob = knob_of(notebook)
    return [turn(knob, value) for _ in range(rounds) for value in knob.values]


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
