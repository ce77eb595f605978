"""What the writer has told of, for those who bring it to the people."""

from attrs import Factory, define

from sim.live.ports import Bell
from sim.writer import Committed


@define
class Announced:
    """How far the writer has told of its commits, and how far the reader has taken them up.

    `first` is the last number that was there before the run: the next one is
    of the log's row 0.
    """

    first: int
    last: int
    given: int
    closed: bool = False
    bell: Bell = Factory(Bell)

    def send(self, committed: Committed) -> None:
        """Tell of a commit."""
        self.last = self.first + committed.row + 1
        self.bell.ring()

    async def reach(self, sequence: int) -> None:
        """Wait until the writer has told of a commit: the store may be faster with the news."""
        while self.last < sequence:
            await self.bell.event.wait()

    async def all_given(self) -> None:
        """Wait until no more can come, and all has been taken up."""
        while not (self.closed and self.given >= self.last):
            await self.bell.event.wait()

    async def __aenter__(self) -> "Announced":
        return self

    async def __aexit__(self, *error: object) -> None:
        """Tell that there will be no more."""
        self.closed = True
        self.bell.ring()
