"""`sim run flash-sale` with a stopwatch: STARTED FOLDER REPLICATIONS, started by time.monotonic().

All of it in one process, on one core, so that the engine's share is a share
of one and the same time. The engine is the run on virtual time; the rest is
the interpreter's start, imports, plans, tables, metrics, the figure.
"""

import contextlib
import io
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from sim import cli, clock, stage
from sim.commands import run


class Stopwatch:
    """A function, and how long all its calls took together; `ended`, when the last one did."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.seconds, self.ended = function, 0.0, 0.0

    def __call__(self, *arguments: Any) -> Any:
        """Call it."""
        began = time.monotonic()
        try:
            return self.function(*arguments)
        finally:
            self.ended = time.monotonic()
            self.seconds += self.ended - began


def main(started: float, folder: str, replications: str) -> dict[str, float]:
    """Run the command; give the seconds to the summary, to the end, and inside the engine."""
    engine, shown = Stopwatch(clock.run), Stopwatch(run._show)
    vars(stage)["run_on_virtual_time"], vars(run)["_show"] = engine, shown
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        os.chdir(folder)
        cli.main(["run", "flash-sale", "--replications", replications])
    return {
        "to_summary": shown.ended - started,
        "to_end": time.monotonic() - started,
        "engine": engine.seconds,
    }


if __name__ == "__main__":
    print(json.dumps(main(float(sys.argv[1]), sys.argv[2], sys.argv[3])))
