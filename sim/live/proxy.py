"""The wire: a TCP connection on which every chunk takes as long as a change on the scenario's link.

What comes from the server is held up; what goes to it is passed on at once.
A chunk comes out after a delay of its own, and after any outage, but never
before its predecessor: so is a stream. A chunk is what was sent in one go,
and may hold several changes, or a part of one.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import repeat

import trio
from attrs import Factory, define

from sim.clock import Time
from sim.distributions import Constant
from sim.link import Chances, copies_of
from sim.live.clock import RealClock
from sim.scenario import Link

LOCAL = "127.0.0.1"
CHUNK = 65536  # bytes
UNDER_WAY = 1024  # chunks; when there are so many, the server must wait

_AT_ONCE = Chances(delay=repeat(0.0), other_delay=repeat(0.0), lost=repeat(False), doubled=repeat(False))


@define
class Wire:
    """A wire that listens on a port; `link` says what it does to chunks, by the seconds of `clock`.

    `last` is when the last of all chunks comes out.
    """

    port: int
    link: Link = Link(delay=Constant(0.0))
    chances: Chances = _AT_ONCE
    clock: Time = Factory(RealClock)
    last: float = 0.0

    def begin(self, link: Link, chances: Chances, clock: Time) -> None:
        """Do to chunks what a link does to changes, from now on; before, they are passed on at once."""
        self.link, self.chances, self.clock, self.last = link, chances, clock, 0.0

    async def carry(self, host: str, port: int, client: trio.abc.Stream) -> None:
        """Let a client talk to the server until one of them hangs up; at once if there is no server."""
        async with client:
            try:
                server = await trio.open_tcp_stream(host, port)
            except OSError:
                return
            async with server:
                await until_one_ends(partial(pass_on, client, server), partial(self.hold_up, server, client))

    async def hold_up(self, server: trio.abc.ReceiveStream, client: trio.abc.SendStream) -> None:
        """Pass on what the server says, each chunk when its time has come, until it hangs up."""
        taken_up, coming_out = trio.open_memory_channel[tuple[Time, float, bytes]](UNDER_WAY)

        async def let_out() -> None:
            async for clock, out, chunk in coming_out:
                await clock.sleep_until(out)
                await client.send_all(chunk)

        async with trio.open_nursery() as both:
            both.start_soon(self._take_up, server, taken_up)
            try:
                await let_out()
            except trio.BrokenResourceError:
                both.cancel_scope.cancel()

    async def _take_up(
        self, server: trio.abc.ReceiveStream, taken_up: "trio.MemorySendChannel[tuple[Time, float, bytes]]"
    ) -> None:
        """Say of each chunk when it comes out."""
        async with taken_up:
            while chunk := await heard(server):
                [way] = copies_of(self.link, self.clock.now, self.chances, self.last)
                self.last = way.out
                await taken_up.send((self.clock, way.out, chunk))


async def until_one_ends(*acts: Callable[[], Awaitable[None]]) -> None:
    """Do several things at once, until the first of them is done."""
    async with trio.open_nursery() as together:

        async def do(act: Callable[[], Awaitable[None]]) -> None:
            await act()
            together.cancel_scope.cancel()

        for act in acts:
            together.start_soon(do, act)


async def pass_on(source: trio.abc.ReceiveStream, sink: trio.abc.SendStream) -> None:
    """Pass on what comes, until one end hangs up."""
    try:
        while chunk := await heard(source):
            await sink.send_all(chunk)
    except trio.BrokenResourceError:
        return


async def heard(source: trio.abc.ReceiveStream) -> bytes:
    """Wait for the next chunk; nothing if there will be none, be it that the connection broke."""
    try:
        return bytes(await source.receive_some(CHUNK))
    except trio.BrokenResourceError:
        return b""


@asynccontextmanager
async def open_wire(host: str, port: int) -> AsyncIterator[Wire]:
    """Listen on a free port of this host; whoever connects there talks to that server."""
    [listener] = await trio.open_tcp_listeners(0, host=LOCAL)
    wire = Wire(listener.socket.getsockname()[1])
    async with trio.open_nursery() as connections:
        connections.start_soon(trio.serve_listeners, partial(wire.carry, host, port), [listener])
        yield wire
        connections.cancel_scope.cancel()
