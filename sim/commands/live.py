"""`sim run --on`: plays a scenario in real time on a store, and says what it was measured with."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sim.commands.shell import Failure, Refusal

if TYPE_CHECKING:
    from sim.replicate import Played
    from sim.scenario import Scenario
    from sim.trace import Trace


class Broken(Failure):
    """A run that failed on its way; `played` holds what there was until then."""

    def __init__(self, message: str, played: "list[Played]") -> None:
        super().__init__(message)
        self.played = played


def play_live(scenario: "Scenario", address: str, folder: Path, replica: str | None = None) -> "list[Played]":
    """Play all replications one after the other on the store of an address, and tell how exact it was.

    Broken, CutShort and Interrupted carry what was finished.
    """
    from sim.live.limits import Unfit, measured, refuse
    from sim.live.ports import NoStore
    from sim.live.stage import run
    from sim.replicate import CutShort
    from sim.stage import Failed, Interrupted

    played: list[Played] = []
    try:
        refuse(scenario, replica)
        for replication in range(scenario.replications):
            recording = run(scenario, address, folder, replication, replica=replica)
            played.append(_played(recording.trace, replication))
            click.echo(f"   {recording.apparatus}", err=True)
        click.echo(f"   measured, not played: {', '.join(measured(scenario, replica))}", err=True)
    except (NoStore, Unfit) as error:
        raise Refusal(str(error)) from None
    except Failed as failed:
        why = f"{failed.__cause__} (after {failed.trace.until:.3f} s)"
        raise Broken(why, [*played, _played(failed.trace, len(played))]) from None
    except Interrupted as cut:
        raise CutShort(str(cut), played or [_played(cut.trace, 0)]) from None
    return played


def _played(trace: "Trace", replication: int) -> "Played":
    """Check and measure a trace."""
    from sim.metrics import summarise
    from sim.replicate import Played
    from sim.steady import latencies
    from sim.trace import check

    check(trace)
    first = trace if replication == 0 else None
    return Played(replication, summarise(trace, trace.until), latencies(trace), first)


def folder_of(name: str, address: str) -> Path:
    """Name the folder of a live run after the time: no two such runs are the same."""
    return Path("runs", f"{name}-{kind_of(address)}-{time.strftime('%Y%m%d-%H%M%S')}")


def kind_of(address: str) -> str:
    """Give the kind of store: the part of its address that holds no password."""
    return address.partition(":")[0]
