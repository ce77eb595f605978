"""Crashes: an actor that is dropped where it stands, and starts again after a while."""

from collections.abc import Awaitable, Callable, Sequence

import trio

from sim.clock import Time
from sim.scenario import Crash


def through_crashes(
    live: Callable[[], Awaitable[None]], crashes: Sequence[Crash], clock: Time
) -> Awaitable[None]:
    """Let an actor live until it is done; each crash ends a life, and after it another begins.

    What must survive is the caller's; whatever `live` holds in its own
    variables is gone with each crash, like a process's memory.
    """
    return _lives(live, crashes, clock) if crashes else live()


async def _lives(live: Callable[[], Awaitable[None]], crashes: Sequence[Crash], clock: Time) -> None:
    for crash in sorted(crashes, key=lambda crash: crash.at):
        if crash.at > clock.now:
            with trio.CancelScope() as life:
                clock.call_at(crash.at, trio.CancelScope.cancel, life)
                await live()
                return
        await clock.sleep_until(crash.at + crash.lasts)
    await live()
