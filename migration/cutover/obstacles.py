"""What can write on a server in spite of a fence: looked for before it goes up, and once more behind it.

Measured on the servers: a prepared XA transaction can be committed under read_only and even super_read_only (MySQL
5.6 to 9.7), and one that has changed rows can still be prepared and committed there, by any client; MariaDB refuses
both. Where there is no super_read_only, administrators and events with an administrator as definer write on.
"""

from __future__ import annotations

import time

from migration import events
from migration.cutover.attempt import Aborted, Switchover
from migration.fences import FenceBlocked
from migration.fences.choose import shut
from migration.runbook import Migration
from providers.mysql.binlog.commits import FRESH_S, open_changes
from providers.mysql.connection import Row
from providers.mysql.errors import StatementFailed
from providers.mysql.literals import quote_text
from providers.mysql.server import Server

_XA = "XA RECOVER"
_POWERS = "'SUPER', 'READ_ONLY ADMIN', 'READ ONLY ADMIN'"
_NOT_WRITING = (
    "'Sleep', 'Daemon', 'Connect', 'Binlog Dump', 'Binlog Dump GTID', 'Slave_IO', 'Slave_SQL', 'Slave_worker'"
)
_SESSIONS = "SELECT id, user, host, info FROM information_schema.processlist"
# An event that runs looks like a login that is not over yet, and has its database already.
_EVENT = "command = 'Connect' AND db IS NOT NULL"
_SHOWN = 60
_EVENTS_S = 10.0
_POLL_S = 0.02
# Not reset by FLUSH STATUS (MySQL 5.6 to 9.7, measured).
_XA_BEGUN = "SHOW GLOBAL STATUS LIKE 'Com_xa_start'"
_NOTHING = "SELECT NULL LIMIT 0"


def questions(server: Server) -> tuple[str, ...]:
    """What to ask behind the fence, in the fence's own packet; `judge` takes the answers."""
    asked = [_XA if _may_list_xa(server) else _NOTHING, _NOTHING if server.version.mariadb else _XA_BEGUN]
    if not server.dialect.has_super_read_only:
        powerful = _administrators(server)
        others = f"user IN ({_listed(powerful - {server.endpoint.account.user})}) AND command NOT IN ({_NOT_WRITING})"
        asked.append(f"{_SESSIONS} WHERE {others} OR user IN ({_listed(powerful)}) AND {_EVENT}")
    return tuple(asked)


def judge(server: Server, answers: tuple[tuple[Row, ...], ...]) -> int:
    """Look at the answers to `questions`.

    Returns:
        How many XA transactions were begun since the server started; 0 where the fence keeps them from committing.

    Raises:
        Aborted: something could write through the fence.
    """
    prepared, begun, *others = answers
    if prepared:
        raise Aborted(
            f"{server.name} has {len(prepared)} prepared XA transaction(s), which can be committed under any fence; "
            "commit or roll them back (XA RECOVER lists them), then try again."
        )
    busy = [row for rows in others for row in rows]
    if busy:
        thread_id, user, host, info = busy[0]
        raise Aborted(
            f"An administrator is at work on {server.name}, where administrators can write through the fence: session "
            f"{thread_id} of {user}@{host} in `{str(info or '')[:_SHOWN]}`; let it finish, then try again."
        )
    return int(begun[0][1]) if begun else 0


def wait_for_changes(server: Server, seconds: float) -> None:
    """Wait, behind the fence, until no transaction is open that has changed rows: any of them may be an XA transaction.

    Raises:
        Aborted: one was still open after `seconds`.
        FenceBlocked: the server did not tell in time.
        ServerError: it cannot be asked.
    """
    until = time.monotonic() + seconds
    while (listed := open_changes(server.session)) != {}:
        if time.monotonic() < until:
            time.sleep(FRESH_S if listed is None else _POLL_S)
            continue
        if listed is None:
            raise FenceBlocked(server.name, f"{server.name} did not tell in time which transactions are open.")
        sessions = ", ".join(map(str, sorted(set(listed.values()))))
        raise Aborted(
            f"Clients of {server.name} use XA transactions, which can be committed under any fence, and it has open "
            f"transactions that have changed rows (sessions {sessions}); wait until they have ended, or end them, then "
            "try again."
        )


def refuse(m: Migration, s: Switchover) -> int:
    """Look at both servers before anybody has to wait; see `judge` for the number.

    Raises:
        Aborted: something is in the way; nothing was changed.
        ServerError: a server cannot be asked.
    """
    begun = judge(s.old, tuple(s.old.rows(question) for question in questions(s.old)))
    if not shut(m, s.new):
        raise Aborted(f"{s.new.name} takes writes already; make it read-only and see who wrote there, then try again.")
    return begun


def pause_events(m: Migration, s: Switchover) -> None:
    """Stop the scheduler where its events could write through the fence, and wait until those that run have ended.

    Raises:
        Aborted: one runs on for ten seconds, or the operator stopped it.
        ServerError: a server cannot be asked.
    """
    events.pause(m, s.old)
    if s.old.dialect.has_super_read_only:
        return
    question = f"{_SESSIONS} WHERE user IN ({_listed(_administrators(s.old))}) AND {_EVENT}"
    until = time.monotonic() + _EVENTS_S
    while running := s.old.rows(question):
        if m.desk.halted():
            raise Aborted("The operator stopped it.")
        if time.monotonic() > until:
            thread_id, user, host, info = running[0]
            raise Aborted(
                f"An event of {user}@{host}, who can write through the fence, has been running on {s.old.name} for "
                f"{_EVENTS_S:g} s (session {thread_id}, `{str(info or '')[:_SHOWN]}`); wait until it has ended, then "
                "try again."
            )
        time.sleep(_POLL_S)


def _may_list_xa(server: Server) -> bool:
    try:
        server.rows(_XA)
    except StatementFailed:
        # MySQL 8.0 asks for XA_RECOVER_ADMIN; the check of prepared transactions has said so beforehand.
        return False
    return True


def _administrators(server: Server) -> frozenset[str]:
    """The users that write under read_only; one of them may be ours."""
    rows = server.rows(
        f"SELECT DISTINCT grantee FROM information_schema.user_privileges WHERE privilege_type IN ({_POWERS})"
    )
    return frozenset(str(row[0]).rpartition("@")[0].strip("'") for row in rows)


def _listed(users: frozenset[str]) -> str:
    return ", ".join(quote_text(user) for user in sorted(users - {""})) or "NULL"
