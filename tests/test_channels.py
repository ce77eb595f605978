import pytest
import trio

from sim.channels import Receiver, Sender, open_channel


async def test_what_goes_in_comes_out_in_order_until_the_sending_end_is_closed() -> None:
    """Two tasks share one sending end; the receiver's loop ends when it closes behind both."""
    sender, receiver = _channel(1)

    async def send(numbers: range) -> None:
        for number in numbers:
            await sender.send(number)

    async def both() -> None:
        async with sender, trio.open_nursery() as senders:
            senders.start_soon(send, range(5))
            senders.start_soon(send, range(10, 15))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(both)
        got = [number async for number in receiver]
    assert sorted(got) == [*range(5), *range(10, 15)]
    assert [n for n in got if n < 10] == [*range(5)]


async def test_waiting_senders_are_served_in_the_order_in_which_they_came() -> None:
    """A full channel admits who has waited longest; nobody barges in."""
    sender, receiver = _channel(0)
    async with trio.open_nursery() as nursery:
        for number in range(10):
            nursery.start_soon(sender.send, number)
            await trio.testing.wait_all_tasks_blocked()
        got = [await receiver.__anext__() for _ in range(10)]
    assert got == [*range(10)]


async def test_a_full_channel_says_so_to_who_will_not_wait() -> None:
    """send_nowait fills the capacity, and not more."""
    sender, _ = _channel(2)
    sender.send_nowait(1)
    sender.send_nowait(2)
    with pytest.raises(trio.WouldBlock):
        sender.send_nowait(3)


async def test_sending_and_receiving_without_waiting_lets_nobody_else_run() -> None:
    """There is no pause where there is no wait, which is what makes a run quick."""
    ran: list[str] = []
    sender, receiver = _channel(5)

    async def other() -> None:
        ran.append("other")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        await sender.send(1)
        assert await receiver.__anext__() == 1
        ran.append("main")
    assert ran == ["main", "other"]


def _channel(capacity: int) -> tuple[Sender[int], Receiver[int]]:
    return open_channel("the numbers", sender="a task", receiver="another", capacity=capacity)
