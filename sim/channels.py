"""trio's memory channels, with a name, and without a pause where none is needed.

trio's `send` and `receive` let every other task run first, even where they
need not wait; in a simulation that is a scheduler round for nothing. These
try first and wait only when they must. The name is for the day when a run is
stuck: `stuck` says who waits for whom.
"""

import math
from collections.abc import Generator, Iterable
from types import TracebackType, coroutine
from typing import Any, Generic, TypeVar

import trio
from attrs import field, frozen
from outcome import Outcome
from trio._core._run import GLOBAL_RUN_CONTEXT
from trio._core._traps import WaitTaskRescheduled

T = TypeVar("T")


@frozen
class Name:
    """What a channel is called, and who stands at its ends."""

    channel: str
    sender: str
    receiver: str


@frozen
class Sender(Generic[T]):
    """The sending end of a channel; `async with` closes it."""

    name: Name
    end: trio.MemorySendChannel[T] = field(repr=False)

    async def send(self, value: T) -> None:
        """Put a value in; wait while the channel is full, in the order of arrival."""
        try:
            self.end.send_nowait(value)
        except trio.WouldBlock:
            await self.end.send(value)

    def send_nowait(self, value: T) -> None:
        """Put a value in, or raise trio.WouldBlock if the channel is full."""
        self.end.send_nowait(value)

    def close(self) -> None:
        """Let whoever receives know that no more will come."""
        self.end.close()

    async def __aenter__(self) -> "Sender[T]":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end.close()


@frozen
class Receiver(Generic[T]):
    """The receiving end of a channel: `async for` takes what comes, until all senders are closed."""

    name: Name
    end: trio.MemoryReceiveChannel[T] = field(repr=False)

    def waiting(self, most: float) -> list[T]:
        """Take what is there already, up to so many values."""
        values: list[T] = []
        state = self.end._state  # to try to receive, and fail, would take longer than all the rest
        while len(values) < most and (state.data or state.send_tasks):
            values.append(self.end.receive_nowait())
        return values

    def __aiter__(self) -> "Receiver[T]":
        return self

    @coroutine
    def __anext__(self) -> Generator[Any, Any, T]:
        """Take the next value; wait while there is none, unless there will be none.

        It waits as `end.receive` does once it has tried, and failed, to take
        one: each change that comes to an idle reader is spared that attempt.
        """
        end, state = self.end, self.end._state
        if state.data or state.send_tasks:
            return end.receive_nowait()
        if not state.open_send_channels:
            raise StopAsyncIteration
        task, line = GLOBAL_RUN_CONTEXT.task, state.receive_tasks

        def give_up(_: object) -> trio.lowlevel.Abort:
            end._tasks.remove(task)
            del line[task]
            return trio.lowlevel.Abort.SUCCEEDED

        end._tasks.add(task)
        line[task] = None
        task.custom_sleep_data = end
        value: Outcome[T] = yield WaitTaskRescheduled(give_up)
        try:
            return value.unwrap()
        except trio.EndOfChannel:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> "Receiver[T]":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end.close()


def open_channel(
    channel: str, *, sender: str, receiver: str, capacity: float = math.inf
) -> tuple[Sender[T], Receiver[T]]:
    """Open a memory channel that knows its name and the names of the actors at its ends."""
    name = Name(channel, sender, receiver)
    send, receive = trio.open_memory_channel[T](capacity)
    return Sender(name, send), Receiver(name, receive)


def stuck(tasks: Iterable[trio.lowlevel.Task]) -> list[str]:
    """Say of each waiting task what it waits for, and on whom that depends."""
    return sorted(f"{task.name} waits {_for_what(task)}" for task in tasks)


def _for_what(task: trio.lowlevel.Task) -> str:
    """Read from a task's frames at which channel, or else at which line, it stands."""
    frames = list(task.iter_await_frames())
    for frame, _ in frames:
        match frame.f_locals.get("self"):
            case Sender(name=name):
                return f"to send into {name.channel}, which {name.receiver} should empty"
            case Receiver(name=name):
                return f"to receive from {name.channel}, which {name.sender} should fill"
    ours = [(frame, line) for frame, line in frames if "/trio/" not in frame.f_code.co_filename]
    frame, line = (ours or frames)[-1]
    return f"in {frame.f_code.co_name}, line {line}, for something that nobody is about to do"
