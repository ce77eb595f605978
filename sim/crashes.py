"""Crashes: an actor that is dropped where it stands, and starts again after a while."""

from collections.abc import Awaitable, Callable, Iterable

import trio

from sim.clock import Time
from sim.scenario import Crash


async def through_crashes(live: Callable[[], Awaitable[None]], crashes: Iterable[Crash], clock: Time) -> None:
    """Let an actor live until it is done; each crash ends a life, and after it another begins.

    What must survive is the caller's; whatever `live` holds in its own
    variables is gone with each crash, like a process's memory.
    """
    for crash in sorted(crashes, key=lambda crash: crash.at):
        if crash.at > clock.now:
            with trio.CancelScope() as life:
                clock.call_at(crash.at, trio.CancelScope.cancel, life)
                await live()
                return
        await clock.sleep_until(crash.at + crash.lasts)
    await live()
