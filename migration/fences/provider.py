"""A provider's own switch: a parameter group or an instance state that makes the server read-only."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from migration import events
from migration.fences import FenceBlocked, FenceDown
from migration.journal import JournalError
from migration.runbook import Migration, ProviderSwitch
from providers.mysql.connection import Connection, Row
from providers.mysql.errors import ServerError, StatementFailed
from providers.mysql.server import Server

_LOOK_S = 0.02
_OPENS_S = 600.0
_LEAD_S = 60.0


class ProviderFence:
    """Has the provider close the server, and believes it only when the server itself says read_only."""

    bound_s = 0.15

    def __init__(
        self,
        m: Migration,
        server: Server,
        switch: ProviderSwitch,
        *,
        opens_within_s: float = _OPENS_S,
        lead_s: float = _LEAD_S,
    ) -> None:
        """Open the fence's session.

        Args:
            m: the migration.
            server: the server to be fenced.
            switch: the provider's.
            opens_within_s: how long a release may take until the server takes writes, in seconds.
            lead_s: how long the provider may take to close it, in seconds.

        Raises:
            ServerError: the server cannot be reached.
        """
        self._m = m
        self._server = server
        self._switch = switch
        self._opens_within_s = opens_within_s
        self.lead_s = lead_s
        self._session = server.connect()

    def statements(self) -> tuple[str, ...]:
        """What raising it does, in words."""
        return (f"the provider's switch: {self._server.name} becomes read-only",)

    def raise_(self, then: tuple[str, ...], bound_s: float) -> tuple[tuple[Row, ...], ...]:
        """See `Fence`. Writes go on until the provider has carried the order out."""
        self._say("fence", "the provider's switch: close")
        try:
            self._switch.close()
        except ServerError as error:
            self._give_up(str(error), error)
        if not self._becomes(closed=True, seconds=self.lead_s + bound_s):
            self._give_up(f"the server takes writes {self.lead_s:g} s after the provider was asked to close it", None)
        return self._again().results(("DO 0", *then))[1:]

    def prove(self, then: tuple[str, ...]) -> tuple[tuple[Row, ...], ...]:
        """See `Fence`. The server is asked, not the provider."""
        state, *answers = self._session.results((self._server.dialect.read_only_state, *then))
        if not int(state[0][0]):
            raise FenceDown(
                self._server.name,
                f"{self._server.name} takes writes again, in spite of the provider's switch; find out who opened it, "
                "then try again.",
            )
        return tuple(answers)

    def proving(self, then: tuple[str, ...]) -> Callable[[], tuple[tuple[Row, ...], ...]]:
        """See `Fence`. Several looks are needed, so all is asked when the answer is taken."""
        return lambda: self.prove(then)

    def release(self) -> None:
        """See `Fence`."""
        if self._switch.closed() is not False or self._server.read_only().clients:
            self._open()
        with contextlib.suppress(JournalError):
            events.restore(self._m, self._server)

    def close(self) -> None:
        """Close the session."""
        self._session.close()

    def _open(self) -> None:
        self._switch.open()
        if not self._becomes(closed=False, seconds=self._opens_within_s):
            raise StatementFailed(
                self._server.name,
                f"{self._server.name} is still read-only {self._opens_within_s:g} s after its provider was asked to "
                "open it; open it in the provider's console at once.",
            )
        with contextlib.suppress(JournalError):
            self._say("lift", "the provider's switch: open")

    def _becomes(self, *, closed: bool, seconds: float) -> bool:
        """Whether the server itself says so within the time; it may be restarted on the way."""
        until = time.monotonic() + seconds
        while True:
            with contextlib.suppress(ServerError):
                if self._server.read_only().clients is closed:
                    return True
            if time.monotonic() > until:
                return False
            time.sleep(_LOOK_S)

    def _give_up(self, why: str, error: ServerError | None) -> None:
        """Open again, and say what was in the way.

        Raises:
            FenceBlocked: always, once the server takes writes again.
        """
        self.release()
        raise FenceBlocked(
            self._server.name,
            f"{self._server.name} was not closed by its provider ({why}); it is open and writes go on. See what the "
            "provider says about it, then try again.",
        ) from error

    def _again(self) -> Connection:
        """The session, opened again where closing the server has ended it."""
        if not self._session.ping():
            self._session.close()
            self._session = self._server.connect()
        return self._session

    def _say(self, step: str, words: str) -> None:
        self._m.scribe.statement(self._server.name, step, words, 0)
