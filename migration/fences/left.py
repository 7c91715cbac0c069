"""Sessions from which a server was closed or opened and that nobody listens to any more.

A packet can be on its way long after its client is dead. It must find no session, or the fence falls when everybody
believes it lifted (met in the fault campaign: a link that was silent for a second, and a runner that died meanwhile),
and a server that was fenced since is opened.
"""

from __future__ import annotations

import contextlib
import time

from migration.journal import JournalError, Kind
from migration.runbook import Migration
from providers.mysql.connection import Connection
from providers.mysql.errors import ServerError, StatementFailed
from providers.mysql.server import Server

FENCE = "fence"
_GONE_S = 2.0
_LOOK_S = 0.002


def end_left_sessions(
    m: Migration, server: Server, connection: Connection, ours: frozenset[int], step: str = FENCE
) -> tuple[int, ...]:
    """End the sessions that the journal says a step was sent from, and wait until they are gone; their numbers.

    Args:
        m: the migration.
        server: where the fence is.
        connection: a session there.
        ours: sessions of this process that have answered, and are used again.
        step: what was sent.

    Raises:
        ServerError: the server cannot be asked, or one does not end.
    """
    ids = tuple(number for number in _sent_from(m, server, connection, step) if number not in ours)
    until = time.monotonic() + _GONE_S
    left = _there(server, connection, ids)
    for number in left:
        with contextlib.suppress(StatementFailed):
            connection.run(f"KILL {number}")
    while still := _there(server, connection, left):
        if time.monotonic() > until:
            raise ServerError(
                server.name,
                f"Session {still[0]} of this program on {server.name} may still close or open it and does not end; "
                "kill it by hand.",
            )
        time.sleep(_LOOK_S)
    return left


def _sent_from(m: Migration, server: Server, connection: Connection, step: str) -> tuple[int, ...]:
    # A server that was restarted numbers its sessions anew: an old number may be another session's by now.
    uptime = int(connection.rows("SHOW GLOBAL STATUS LIKE 'Uptime'")[0][1])
    started = time.time() - uptime - 1
    with contextlib.suppress(JournalError):
        return tuple(
            {
                int(record.body["thread_id"]): None
                for record in m.scribe.journal.records()
                if record.kind is Kind.STATEMENT
                and record.subject == server.name
                and record.body["step"] == step
                and record.at > started
            }
        )
    return ()


def _there(server: Server, connection: Connection, ids: tuple[int, ...]) -> tuple[int, ...]:
    if not ids:
        return ()
    user = server.endpoint.account.user
    rows = connection.rows("SHOW PROCESSLIST")
    return tuple(int(row[0]) for row in rows if int(row[0]) in ids and row[1] == user)
