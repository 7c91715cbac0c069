"""The operator's word that the applications are stopped, and the proof that nobody writes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from migration import events
from migration.checks.sight import Session
from migration.fences import FenceBlocked, FenceDown
from migration.fences.foreign import (
    PROCESSES,
    TRANSACTIONS,
    client_sessions,
    exempt_users,
    in_words,
    writers,
)
from migration.journal import JournalError
from migration.runbook import Migration
from providers.mysql.binlog.commits import FRESH_S
from providers.mysql.connection import Row
from providers.mysql.position import Position
from providers.mysql.server import Server

_READINGS = 3
_PATIENCE = 10


class OperatorFence:
    """Changes nothing: it looks for writes and believes no word.

    Quiet is: the binary log ends at the same place for `still_s`, in at least three readings, and in none of them a
    client is inside a transaction or a statement that changes something. It rests on what applications do, not on
    what they can: the server lets them write all the time.

    Some providers write a heartbeat of their own. Its user is named in `ignored`; then a log that moves is waited for
    until it has been still for long enough, and behind the fence it may move while no other client is connected.
    """

    bound_s = 0.0
    lead_s = 0.0

    def __init__(
        self, m: Migration, server: Server, *, still_s: float = 1.0, ignored: frozenset[str] = frozenset()
    ) -> None:
        """Open the fence's session.

        Args:
            m: the migration.
            server: the server that is said to be quiet.
            still_s: how long it has to be quiet, in seconds; at most ten times that is waited for `ignored` ones.
            ignored: users whose writes do not count.

        Raises:
            ServerError: the server cannot be reached.
        """
        self._m = m
        self._server = server
        self._still_s = still_s
        self._ignored = ignored
        self._exempt = exempt_users(m, server) | ignored
        self._end: Position | None = None
        self._session = server.connect()

    def statements(self) -> tuple[str, ...]:
        """What raising it does, in words."""
        return (f"no statement: {self._server.name} is watched for {self._still_s:g} s, and must be quiet",)

    def raise_(self, then: tuple[str, ...], bound_s: float) -> tuple[tuple[Row, ...], ...]:
        """See `Fence`. Nobody is held up by it, so that `bound_s` bounds nothing; it takes `still_s`.

        Raises:
            FenceBlocked: somebody writes; the message names who, or who could.
        """
        self._end = None
        try:
            self._end = self._still()
        except _Busy as busy:
            raise FenceBlocked(
                self._server.name,
                f"{self._server.name} is not quiet: {busy}. Stop what writes there, then try again.",
            ) from busy
        return self._session.results(("DO 0", *then))[1:]

    def prove(self, then: tuple[str, ...]) -> tuple[tuple[Row, ...], ...]:
        """See `Fence`. The log ending where it did at the raising covers all the time since then."""
        try:
            if self._end is None:
                self._end = self._still()
            clients, answers = self._look(then)
            # Read behind the answers, so that nothing written before they were given goes unnoticed.
            end = self._m.end_position(self._server)
            if end != self._end and (clients or not self._ignored):
                raise _Busy(_moved(clients))
        except _Busy as busy:
            raise FenceDown(
                self._server.name,
                f"Somebody writes on {self._server.name} again: {busy}. Stop what writes there, then try again.",
            ) from busy
        self._end = end
        return answers

    def proving(self, then: tuple[str, ...]) -> Callable[[], tuple[tuple[Row, ...], ...]]:
        """See `Fence`. Several looks are needed, so all is asked when the answer is taken."""
        return lambda: self.prove(then)

    def release(self) -> None:
        """See `Fence`. There is nothing to lift, and the journal says so."""
        self._end = None
        with contextlib.suppress(JournalError):
            self._m.scribe.note(
                f"{self._server.name}: nothing to lift, since the applications were stopped by hand; they may be "
                "started again"
            )
            events.restore(self._m, self._server)

    def close(self) -> None:
        """Close the session."""
        self._session.close()

    def _still(self) -> Position:
        """Where the log ends, once it has ended there for long enough.

        Raises:
            _Busy: somebody writes.
        """
        since = time.monotonic()
        give_up = since + _PATIENCE * self._still_s
        end, readings = self._m.end_position(self._server), 1
        while True:
            clients, _ = self._look(())
            now = self._m.end_position(self._server)
            if now == end:
                readings += 1
                if readings >= _READINGS and time.monotonic() - since >= self._still_s:
                    return end
            elif not self._ignored or time.monotonic() > give_up:
                raise _Busy(_moved(clients))
            else:
                end, readings, since = now, 1, time.monotonic()
            time.sleep(FRESH_S)

    def _look(self, then: tuple[str, ...]) -> tuple[tuple[Session, ...], tuple[tuple[Row, ...], ...]]:
        """The clients that are connected, and the answers to the questions asked along with them.

        Raises:
            _Busy: one of them is inside a transaction or a statement that changes something.
        """
        clients, busy, answers = self._ask(then)
        if busy:
            # The list of transactions may be old: what it shows is believed when a new one shows it, too.
            time.sleep(FRESH_S)
            clients, busy, answers = self._ask(then)
        if busy:
            raise _Busy(f"in a transaction or a statement that changes something: {in_words(busy)}")
        return clients, answers

    def _ask(
        self, then: tuple[str, ...]
    ) -> tuple[tuple[Session, ...], tuple[Session, ...], tuple[tuple[Row, ...], ...]]:
        processes, transactions, *answers = self._session.results((PROCESSES, TRANSACTIONS, *then))
        clients = client_sessions(processes, self._exempt)
        return clients, writers(clients, transactions), tuple(answers)


class _Busy(Exception):
    """It is not quiet; the message says who writes."""


def _moved(clients: tuple[Session, ...]) -> str:
    """Who may have moved the end of the log: whoever was at work last comes first."""
    if not clients:
        return (
            "its binary log grows though no client is connected now: a scheduled event, an administrator, or clients "
            "that come and go"
        )
    return f"its binary log grows; connected: {in_words(sorted(clients, key=lambda one: one.seconds))}"
