from functools import partial

import pytest
import trio
from attrs import evolve
from trio.testing import lockstep_stream_one_way_pair, memory_stream_one_way_pair, wait_all_tasks_blocked

import sim
from sim.clock import Clock
from sim.clock import run as run_on_virtual_time
from sim.distributions import Constant
from sim.durations import Seconds
from sim.live.clock import RealClock
from sim.live.proxy import LOCAL, UNDER_WAY, Wire, open_wire
from sim.scenario import Link, Outage, Scenario, Slow
from sim.scenario_file import parse_scenario
from sim.stage import draw_from, open_chances

BASE = """
title = "chunks on their way"
duration = "5s"
[[workers]]
count = 3
pace = "poisson(120/s)"
[writer]
service = "exponential(5ms)"
[link]
delay = "exponential(50ms)"
"""
LINKS = {
    "its own delay, in order": Link(),
    "outages": Link(outages=(Outage(Seconds(1.0), Seconds(0.5)), Outage(Seconds(2.0), Seconds(1.0)))),
    "losses that are sent again": Link(loss=0.2, resend=Seconds(0.2)),
    "an outage that loses": Link(outages=(Outage(Seconds(1.0), Seconds(0.5), "lost"),), resend=Seconds(0.1)),
    "a slow spell": Link(slow=(Slow(Seconds(1.0), Seconds(2.0), 5.0),)),
}


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_a_chunk_takes_as_long_as_a_change(link: Link) -> None:
    """Sent at the same instants, on the same luck, they come out at the same instants, to the last digit."""
    base = parse_scenario(BASE)
    scenario = evolve(base, link=evolve(link, delay=base.link.delay))
    changes = sim.run(scenario).changes
    assert len(changes) > 500
    out = changes["delivered"].list.first().to_list()
    assert run_on_virtual_time(partial(on_the_wire, scenario, changes["sent"].to_list())) == out


async def on_the_wire(scenario: Scenario, sent: list[float], clock: Clock) -> list[float]:
    """Put a byte on the wire at each of some instants; say when each comes out."""
    wire, (server, heard), (told, client) = (
        Wire(0),
        memory_stream_one_way_pair(),
        memory_stream_one_way_pair(),
    )
    wire.begin(scenario.link, open_chances(scenario.link, partial(draw_from, scenario.seed, 0)), clock)
    out: list[float] = []

    async def listen() -> None:
        while chunk := await client.receive_some():
            out.extend([clock.now] * len(chunk))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        nursery.start_soon(wire.hold_up, heard, told)
        for time in sent:
            await clock.sleep_until(time)
            await server.send_all(b".")
        await server.aclose()
        while len(out) < len(sent):
            await clock.sleep(1.0)
        nursery.cancel_scope.cancel()
    return out


async def test_whoever_does_not_listen_stops_the_server() -> None:
    """So many chunks are under way and no more; once somebody listens, all come, in their order."""
    wire, (server, heard), (told, client) = (
        Wire(0),
        lockstep_stream_one_way_pair(),
        lockstep_stream_one_way_pair(),
    )
    numbers = [n.to_bytes(4, "big") for n in range(2 * UNDER_WAY)]
    said = got = b""

    async def flood() -> None:
        nonlocal said
        for number in numbers:
            await server.send_all(number)
            said += number
        await server.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(flood)
        nursery.start_soon(wire.hold_up, heard, told)
        await wait_all_tasks_blocked()
        assert UNDER_WAY <= len(said) / 4 <= UNDER_WAY + 3
        while len(got) < 4 * len(numbers):
            got += await client.receive_some()
    assert got == b"".join(numbers)


async def echo(stream: trio.SocketStream) -> None:
    """Give two answers, and hang up."""
    for _ in range(2):
        await stream.send_all(2 * await stream.receive_some())


async def test_a_wire_to_a_real_server() -> None:
    """It answers, later by the link's delay; when it hangs up, what it had said still comes."""
    link = Link(delay=Constant(0.1))
    async with trio.open_nursery() as nursery:
        [listener] = await trio.open_tcp_listeners(0, host=LOCAL)
        nursery.start_soon(trio.serve_listeners, echo, [listener])
        async with (
            open_wire(LOCAL, listener.socket.getsockname()[1]) as wire,
            await trio.open_tcp_stream(LOCAL, wire.port) as client,
        ):
            await client.send_all(b"one")
            assert await client.receive_some() == b"oneone"
            wire.begin(link, open_chances(link, partial(draw_from, 1, 0)), RealClock())
            began = trio.current_time()
            await client.send_all(b"two")
            assert await client.receive_some() == b"twotwo"
            assert trio.current_time() - began > 0.1
            assert await client.receive_some() == b""
        nursery.cancel_scope.cancel()


async def test_a_wire_to_nowhere() -> None:
    """Whoever connects is hung up on; the wire goes on to listen."""
    with trio.socket.socket() as nobody:
        await nobody.bind((LOCAL, 0))
        async with open_wire(LOCAL, nobody.getsockname()[1]) as wire:
            for _ in range(2):
                async with await trio.open_tcp_stream(LOCAL, wire.port) as client:
                    assert await client.receive_some() == b""
