"""What goes on on the source right now, and would be in the way of the fence."""

from __future__ import annotations

import contextlib
from typing import Any

from migration.check import Pair, Result, Severity, check
from migration.checks.results import changes_something, count, failed, passed, shown, table
from migration.checks.sight import sessions
from migration.model import Side
from providers.mysql.errors import PrivilegeMissing, StatementFailed
from providers.mysql.server import Server

_XA_REFUSED = 1401


@check(
    "long-transactions",
    "no long transaction is open",
    Side.SOURCE,
    Severity.WARNING,
    why="A transaction that is still open when writes are stopped loses what it did.",
    asks="SELECT ... FROM information_schema.innodb_trx",
    again=True,
)
def long_transactions(pair: Pair) -> Result:
    """Fails where a transaction has been open for longer than the fence may last.

    InnoDB makes its list anew only if nobody has read it for 0.1 s (MySQL manual, "InnoDB INFORMATION_SCHEMA
    Transaction and Locking Information"): asked again more often than that, this check goes on seeing the old list.
    """
    bound_s = pair.spec.limits.fence_s
    # InnoDB gives the start in the machine's time zone, whatever the session's or the server's setting.
    rows = pair.source.rows(
        "SELECT trx_mysql_thread_id, TIMESTAMPDIFF(SECOND, trx_started, CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', "
        "'SYSTEM')) AS age, trx_rows_modified, trx_query FROM information_schema.innodb_trx "
        "WHERE trx_mysql_thread_id <> CONNECTION_ID() ORDER BY age DESC"
    )
    old = [row for row in rows if row[1] is not None and int(row[1]) > bound_s]
    if not old:
        return passed(f"none over {bound_s:g} s")
    who = {session.id: (session.user, session.host) for session in sessions(pair.source)}
    return failed(
        f"{len(old)}, the oldest {old[0][1]} s",
        table(
            ("session", "user", "from", "seconds open", "rows changed", "statement now"),
            [(who_id, *who.get(int(who_id), ("", "")), *facts, shown(str(sql or ""))) for who_id, *facts, sql in old],
        ),
        "Let them end, or end them (KILL and the session's number) after asking whose they are: a transaction that is "
        "open when the fence falls cannot commit and is rolled back.",
    )


@check(
    "long-statements",
    "no long write or DDL is running",
    Side.SOURCE,
    Severity.WARNING,
    why="The fence has to wait for a running write, and every other client waits behind the fence.",
    asks="SHOW FULL PROCESSLIST",
    again=True,
)
def long_statements(pair: Pair) -> Result:
    """Fails where a statement that changes something has been running for longer than a lock may be waited for."""
    bound_s = pair.spec.limits.lock_wait_s
    long = [
        session
        for session in sessions(pair.source)
        if session.command in ("Query", "Execute")
        and session.seconds >= bound_s
        and changes_something(session.statement)
    ]
    if not long:
        return passed(f"none over {bound_s} s")
    return failed(
        f"{len(long)}, the longest {max(session.seconds for session in long)} s",
        table(
            ("session", "user", "from", "database", "seconds", "statement"),
            [(s.id, s.user, s.host, s.database, s.seconds, shown(s.statement)) for s in long],
        ),
        "Wait until they are done, or end them (KILL QUERY and the session's number) after asking whose they are, and "
        "keep schema changes and batch jobs away from the time of the cutover.",
    )


@check(
    "prepared-xa",
    "no XA transaction is prepared",
    Side.BOTH,
    Severity.BLOCKER,
    why="A prepared XA transaction can still be committed on a server that refuses all other writes.",
    asks="XA RECOVER",
    again=True,
)
def prepared_xa(pair: Pair) -> Result:
    """Fails where a prepared XA transaction waits for its commit, on either server."""
    rows = [
        (side, form, (data[:length]).hex(), (data[length:]).hex())
        for side, server in (("source", pair.source), ("target", pair.target))
        for form, length, data in _prepared(server)
    ]
    if not rows:
        return passed("none")
    return failed(
        count(len(rows), "is prepared", "are prepared"),
        table(("side", "format", "transaction, hex", "branch, hex"), rows),
        "Let the transaction manager finish them, or decide each by hand: XA COMMIT or XA ROLLBACK X'transaction', "
        "X'branch', format. A prepared transaction can be committed through the fence.",
    )


def _prepared(server: Server) -> list[tuple[int, int, bytes]]:
    """Format, length of the global part, and both parts as bytes, which are not always text."""
    with contextlib.closing(server.connect()) as connection:
        connection.raw.use_unicode = False
        try:
            rows = connection.rows("XA RECOVER")
        except StatementFailed as error:
            if error.code != _XA_REFUSED:
                raise
            # MySQL 8.0 and later say by this code that the privilege is missing.
            raise PrivilegeMissing(
                server.name,
                f"{server.name} does not let this account run `XA RECOVER` ({error}); you need the XA_RECOVER_ADMIN "
                "privilege: GRANT XA_RECOVER_ADMIN ON *.* to it.",
                error.code,
            ) from error
    return [(int(form), int(length), _bytes(data)) for form, length, _, data in rows]


def _bytes(data: Any) -> bytes:
    return data if isinstance(data, bytes) else str(data).encode()
