"""Fences: keeping clients from writing on one server, for a moment or for good.

A fence is one file here. Which one a server gets is decided by `choose.fence_for`.

The order within a switch: `raise_` right before the window, `prove` once more before the other server is
opened, `release` where the attempt is given up. All three may be repeated: each looks at the server first or
says the same thing twice without harm. `release` is also called by the watchdog, in another process, so it
rests on what the server and the journal say and on nothing kept in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from providers.mysql.connection import Row
from providers.mysql.errors import ServerError


class FenceBlocked(ServerError):
    """The fence could not be raised within its bound; writes go on. The message names what is in the way."""


class FenceDown(ServerError):
    """The fence is not up any more, or somebody still writes."""


class Fence(Protocol):
    """Keeps clients from writing on one server.

    Attributes:
        bound_s: how long raising it should be given at first, in seconds.
        lead_s: how long it may take from the order until writes stop, in seconds; they go on until then.
    """

    bound_s: float
    lead_s: float

    def statements(self) -> tuple[str, ...]:
        """What raising it runs, for the plan; words where no statement is run."""
        ...

    def raise_(self, then: tuple[str, ...], bound_s: float) -> tuple[tuple[Row, ...], ...]:
        """Raise the fence and ask something right behind it.

        What can outlive its client is journaled with its thread id before it is sent. Writers wait for at most
        `bound_s` seconds; a fence that takes longer is ended from a second session.

        Args:
            then: questions asked in the same round trip where possible, once the fence is up.
            bound_s: how long writers may be held up by the raising itself, in seconds.

        Returns:
            The rows of each question.

        Raises:
            FenceBlocked: it could not be raised in time; the message names the sessions in the way.
            ConnectionLost: whether it is up is unknown; `release` and look.
            ServerError: the server refused.
        """
        ...

    def prove(self, then: tuple[str, ...]) -> tuple[tuple[Row, ...], ...]:
        """Prove that nobody writes, from the server itself, and ask something in the same round trip.

        Raises:
            FenceDown: the fence is not up, or a session could still write.
            ServerError: the server could not be asked.
        """
        ...

    def proving(self, then: tuple[str, ...]) -> Callable[[], tuple[tuple[Row, ...], ...]]:
        """Begin `prove` and give a function that ends it, so that something else can be waited for in between.

        A fence that cannot ask without waiting for the answer does it all in that function. Until it was called nothing
        else may be asked of the fence.
        """
        ...

    def release(self) -> None:
        """Let clients write again and prove it, ending what is left of a raising under way.

        Works without the journal, too: a full disk must not keep a fence up.

        Raises:
            ServerError: the server cannot be reached or does not obey.
        """
        ...

    def close(self) -> None:
        """Let go of the fence's own sessions; the fence stays as it is."""
        ...
