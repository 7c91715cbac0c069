"""The fence of a server that lets us set read_only; super_read_only where it has that, too."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from migration import events
from migration.checks.results import changes_something
from migration.checks.sight import sessions
from migration.fences import FenceBlocked, FenceDown
from migration.fences.left import FENCE, end_left_sessions
from migration.journal import JournalError
from migration.model import Positioning
from migration.runbook import Migration
from providers.mysql.bounded import Bounded, Overdue
from providers.mysql.connection import Connection, Row
from providers.mysql.errors import LockTimeout, PrivilegeMissing, ServerError, StatementFailed
from providers.mysql.server import Server

_NAMED = 3


class ReadOnlyFence:
    """`SET GLOBAL read_only`, bounded, with its sessions opened beforehand.

    While it waits for a running write statement or a table lock, the server lets every other writer queue behind it
    (measured on MySQL 5.6, 5.7, 9.7 and MariaDB 10.11); that is why it is ended at its bound rather than waited for.
    """

    bound_s = 0.04
    lead_s = 0.0

    def __init__(self, m: Migration, server: Server) -> None:
        """Open the fence's sessions.

        Raises:
            ServerError: the server cannot be reached.
        """
        self._m = m
        self._server = server
        self._raising = _raising(m, server)
        session = server.connect()
        session.run(f"SET SESSION lock_wait_timeout = {m.spec.limits.lock_wait_s}")
        self._bounded = Bounded(session, server.connect())
        self._answered = True

    def statements(self) -> tuple[str, ...]:
        """What raising it runs."""
        return self._raising

    def raise_(self, then: tuple[str, ...], bound_s: float) -> tuple[tuple[Row, ...], ...]:
        """See `Fence`. The fence and the questions travel in one packet."""
        session, (sql, *rest) = self._bounded.session, self._raising
        # Its client gone, a fence that waits falls later on MySQL: whoever comes after us must know whom to kill.
        self._m.scribe.statement(self._server.name, FENCE, sql, session.thread_id)
        self._answered = False
        try:
            with self._bounded.within(bound_s):
                answers = session.results((sql, *then, *rest))[1 : 1 + len(then)]
            self._answered = True
            return answers
        except (Overdue, LockTimeout) as error:
            self._answered = True
            raise FenceBlocked(
                self._server.name,
                f"{self._server.name} could not be fenced within {bound_s * 1000:.0f} ms ({error.code}); writes go on. "
                f"In the way: {self._in_the_way()}. End it or wait for it, then try again.",
                error.code,
            ) from error

    def prove(self, then: tuple[str, ...]) -> tuple[tuple[Row, ...], ...]:
        """See `Fence`."""
        return self.proving(then)()

    def proving(self, then: tuple[str, ...]) -> Callable[[], tuple[tuple[Row, ...], ...]]:
        """See `Fence`. The question is on its way when this returns."""
        take = self._bounded.session.asking((self._server.dialect.read_only_state, *then))
        return lambda: self._proved(take())

    def _proved(self, told: tuple[tuple[Row, ...], ...]) -> tuple[tuple[Row, ...], ...]:
        state, *answers = told
        clients, everyone = (bool(int(value)) for value in state[0])
        if not clients or (self._server.dialect.has_super_read_only and not everyone):
            raise FenceDown(
                self._server.name,
                f"The fence on {self._server.name} was lifted by somebody else; find out who, then try again.",
            )
        return tuple(answers)

    def release(self) -> None:
        """See `Fence`. Uses a new session: the fence's own may be lost."""
        connection = self._server.connect()
        try:
            self._open(connection)
        finally:
            connection.close()

    def close(self) -> None:
        """Close the sessions."""
        self._bounded.close()

    def _open(self, connection: Connection) -> None:
        server, said = self._server, []
        for thread_id in fencing_sessions(server, connection):
            said.append(f"KILL {thread_id}")
            with contextlib.suppress(ServerError):
                connection.run(f"KILL {thread_id}")
        said += self._unfence(connection)
        ours = frozenset({self._bounded.session.thread_id} if self._answered else ())
        if left := end_left_sessions(self._m, server, connection, ours):
            said += [*(f"KILL {number}" for number in left), *self._unfence(connection)]
        with contextlib.suppress(PrivilegeMissing, StatementFailed):
            for sql in server.dialect.forget_persisted_read_only:
                connection.run(sql)
        if connection.row(server.dialect.read_only_state) != (0, 0):
            raise StatementFailed(
                server.name,
                f"{server.name} is still read-only after `{server.dialect.unfence}`; find what sets it and run that "
                "statement by hand at once.",
            )
        with contextlib.suppress(JournalError):
            for words in said:
                self._m.scribe.statement(server.name, "lift", words, connection.thread_id)
            events.restore(self._m, server)

    def _unfence(self, connection: Connection) -> list[str]:
        """Open the server where it is closed; what was run."""
        if connection.row(self._server.dialect.read_only_state) == (0, 0):
            return []
        connection.run(self._server.dialect.unfence)
        return [self._server.dialect.unfence]

    def _in_the_way(self) -> str:
        """Who holds the fence up: sessions inside a statement that changes something, the longest first."""
        with contextlib.suppress(ServerError):
            busy = [
                session
                for session in sessions(self._server)
                if session.command in ("Query", "Execute")
                and changes_something(session.statement)
                and "read_only = ON" not in session.statement
            ]
            busy.sort(key=lambda session: -session.seconds)
            if busy:
                return "; ".join(
                    f"session {one.id} of {one.user}@{one.host}, {one.seconds} s in `{one.statement[:60]}`"
                    for one in busy[:_NAMED]
                )
        return "a session that holds LOCK TABLES or a backup's lock"


def _raising(m: Migration, server: Server) -> tuple[str, ...]:
    """What closes the server: to everyone at once, or to clients first where a signal row is to be written between."""
    if m.positioning is Positioning.SIGNAL and server.dialect.has_super_read_only:
        return (server.dialect.fence_clients, server.dialect.fence)
    return (server.dialect.fence,)


def fencing_sessions(server: Server, connection: Connection) -> tuple[int, ...]:
    """Sessions of ours that are still inside a fence statement: they would close the server later."""
    user = server.endpoint.account.user
    return tuple(
        int(row[0])
        for row in connection.rows("SHOW FULL PROCESSLIST")
        if row[1] == user and int(row[0]) != connection.thread_id and "read_only = ON" in str(row[7])
    )
