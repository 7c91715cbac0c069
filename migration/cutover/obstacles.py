"""What can write on a server in spite of a fence: looked for before it goes up, and once more behind it.

Measured on the servers: a prepared XA transaction can be committed under read_only and even super_read_only (MySQL
5.6 to 9.7); where there is no super_read_only, administrators and events with an administrator as definer write on.
"""

from __future__ import annotations

from migration import events
from migration.cutover.attempt import Aborted, Switchover
from migration.fences.choose import shut
from migration.runbook import Migration
from providers.mysql.connection import Row
from providers.mysql.errors import StatementFailed
from providers.mysql.literals import quote_text
from providers.mysql.server import Server

_XA = "XA RECOVER"
_POWERS = "'SUPER', 'READ_ONLY ADMIN', 'READ ONLY ADMIN'"
_NOT_WRITING = (
    "'Sleep', 'Daemon', 'Connect', 'Binlog Dump', 'Binlog Dump GTID', 'Slave_IO', 'Slave_SQL', 'Slave_worker'"
)
_SHOWN = 60


def questions(server: Server) -> tuple[str, ...]:
    """What to ask behind the fence, in the fence's own packet; `judge` takes the answers."""
    asked = [_XA] if _may_list_xa(server) else ["SELECT NULL LIMIT 0"]
    powerful = () if server.dialect.has_super_read_only else _administrators(server)
    if powerful:
        asked.append(
            "SELECT id, user, host, info FROM information_schema.processlist "
            f"WHERE user IN ({', '.join(quote_text(name) for name in powerful)}) AND command NOT IN ({_NOT_WRITING})"
        )
    return tuple(asked)


def judge(server: Server, answers: tuple[tuple[Row, ...], ...]) -> None:
    """Look at the answers to `questions`.

    Raises:
        Aborted: something could write through the fence.
    """
    prepared, *others = answers
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


def refuse(m: Migration, s: Switchover) -> None:
    """Look at both servers before anybody has to wait.

    Raises:
        Aborted: something is in the way; nothing was changed.
        ServerError: a server cannot be asked.
    """
    judge(s.old, tuple(s.old.rows(question) for question in questions(s.old)))
    if not shut(m, s.new):
        raise Aborted(f"{s.new.name} takes writes already; make it read-only and see who wrote there, then try again.")
    if not s.old.dialect.has_super_read_only and (names := events.enabled(m, s.old)):
        m.scribe.note(f"{s.old.name}: the scheduler stops for the switch, because of {', '.join(names)}")


def _may_list_xa(server: Server) -> bool:
    try:
        server.rows(_XA)
    except StatementFailed:
        # MySQL 8.0 asks for XA_RECOVER_ADMIN; the check of prepared transactions has said so beforehand.
        return False
    return True


def _administrators(server: Server) -> tuple[str, ...]:
    """Accounts that write under read_only, besides ours."""
    rows = server.rows(
        f"SELECT DISTINCT grantee FROM information_schema.user_privileges WHERE privilege_type IN ({_POWERS})"
    )
    names = {str(row[0]).rpartition("@")[0].strip("'") for row in rows}
    return tuple(sorted(names - {"", server.endpoint.account.user}))
