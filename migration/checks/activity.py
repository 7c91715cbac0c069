"""What goes on on the source right now, and would be in the way of the fence."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import Any

from migration.check import Pair, Result, Route, Severity, check
from migration.checks import facts
from migration.checks.results import changes_something, count, failed, not_applicable, passed, shown, table
from migration.checks.sight import clients, require, sessions
from migration.model import Side
from providers.mysql.connection import Row
from providers.mysql.errors import PrivilegeMissing, StatementFailed
from providers.mysql.server import Server

_XA_REFUSED = 1401
# Each is looked up by itself; a server with more such names than this does not owe them to a tool.
_MOST_COPIES = 20
_LONG_HISTORY = 1_000_000
# Bits of `access` in MariaDB's mysql.global_priv.
_SUPER_BIT, _READ_ONLY_ADMIN_BIT = 1 << 15, 1 << 33
# What FLUSH TABLES WITH READ LOCK and BACKUP STAGE take; the others of this kind are what every write takes.
_MARIADB_BACKUP_LOCKS = (
    "'BACKUP_BLOCK_DDL', 'BACKUP_START', 'BACKUP_FLUSH', 'BACKUP_WAIT_FLUSH', 'BACKUP_WAIT_DDL', "
    "'BACKUP_WAIT_COMMIT', 'BACKUP_FTWRL1', 'BACKUP_FTWRL2'"
)
# MySQL manual, "General Thread States", and MariaDB's: locks on a table's definition, on everything, for a backup.
_LOCK_STATES = frozenset({
    "Waiting for table metadata lock", "Waiting for table level lock", "Waiting for schema metadata lock",
    "Waiting for global read lock", "Waiting for commit lock", "Waiting for backup lock",
    "Waiting for stored procedure metadata lock", "Waiting for stored function metadata lock",
    "Waiting for trigger metadata lock", "Waiting for event metadata lock",
})  # fmt: skip


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
    "schema-change",
    "no tool rebuilds a table",
    Side.SOURCE,
    Severity.WARNING,
    why="gh-ost and pt-online-schema-change read this server's log or rest on its triggers, and are lost by a cutover.",
    asks="information_schema.tables: names such as _..._gho, _..._ghc, _..._new; triggers named pt_osc_...",
    again=True,
    page="gh-ost and Percona Toolkit documentation, names of the tables they make",
)
def schema_change(pair: Pair) -> Result:
    """Fails where there is a table of gh-ost's, or a table with triggers of pt-online-schema-change."""
    condition, names = facts.in_moved(pair, "table_schema")
    if not names:
        return passed("none")
    like = "table_name LIKE '|_%%|_{}' ESCAPE '|'"
    # Only names are asked for, which MySQL before 8.0 answers without opening a table.
    rows = pair.source.rows(
        f"SELECT table_schema, table_name FROM information_schema.tables WHERE {condition} AND "
        f"({' OR '.join(like.format(end) for end in ('gho', 'ghc', 'new'))}) "
        "ORDER BY 1, 2",
        names,
    )
    made = [(str(base), str(name)) for base, name in rows]
    # LIKE finds names in capitals as well, which the tools do not give.
    found = [(base, name, "gh-ost") for base, name in made if name.endswith(("_gho", "_ghc"))]
    copies = [(base, name) for base, name in made if name.endswith("_new")][:_MOST_COPIES]
    found += [(base, name, "pt-online-schema-change") for base, name in copies if _fed_by_triggers(pair, base, name)]
    if not found:
        return passed("none")
    return failed(
        count(len(found), "table is being made", "tables are being made"),
        table(("database", "table", "by"), found),
        "Let it finish, or stop it, before the cutover. If no such tool runs any more, these are left over from one "
        "that was broken off: drop the table, and for pt-online-schema-change its triggers before that.",
    )


def _fed_by_triggers(pair: Pair, base: str, copy: str) -> bool:
    """Whether the table that `copy` is named after has triggers of pt-online-schema-change."""
    original = copy.removesuffix("_new").lstrip("_")
    # By the one table: MySQL before 8.0 opens every table for a list of triggers otherwise.
    count_ = pair.source.value(
        "SELECT COUNT(*) FROM information_schema.triggers WHERE event_object_schema = %s AND event_object_table = %s "
        "AND trigger_name LIKE 'pt|_osc|_%%' ESCAPE '|'",
        (base, original),
    )
    return int(count_) > 0


@check(
    "locks-held",
    "nobody holds a lock on everything",
    Side.SOURCE,
    Severity.WARNING,
    why="The fence waits behind LOCK TABLES, a global read lock or a backup's lock, and all writers behind the fence.",
    asks="performance_schema.metadata_locks, where it is kept; sessions that wait for a lock in SHOW PROCESSLIST",
    again=True,
    page="MySQL manual, The metadata_locks Table; Metadata Locking",
)
def locks_held(pair: Pair) -> Result:
    """Fails where a lock is held that keeps writes out of a table or of all, or sessions wait for one.

    Without performance_schema.metadata_locks a lock is seen only once somebody has waited for it.
    """
    held, seen = _held(pair.source)
    waiting = _waiting(pair)
    if not held and not waiting:
        return passed("none" if seen else "nobody waits for one")
    rows = [("holds", *row) for row in held] + [("waits", *row) for row in waiting]
    return failed(
        count(len(held), "is held", "are held") if held else count(len(waiting), "session waits", "sessions wait"),
        table(("session", "number", "user", "lock", "on", "seconds"), rows),
        "Wait until it is given back (a backup usually ends by itself), or end the session that holds it (KILL and its "
        "number) after asking whose it is. Where only those that wait are listed, the holder is an older session of "
        "the same tables, often a backup or a forgotten LOCK TABLES.",
    )


def _held(server: Server) -> tuple[list[Row], bool]:
    """Locks on everything, or on a whole table against reading: session, user, lock, object, seconds.

    And whether this server lets them be seen at all.
    """
    if not (server.version.mysql_from(5, 7) or server.version.mariadb_from(10, 5, 2)):
        return [], False
    kept = server.value(
        "SELECT COUNT(*) FROM performance_schema.setup_instruments "
        "WHERE name = 'wait/lock/metadata/sql/mdl' AND enabled = 'YES'"
    )
    if not int(kept):
        return [], False
    rows = server.rows(
        "SELECT t.processlist_id, t.processlist_user, m.lock_type, "
        "CONCAT_WS('.', IF(m.object_type = 'TABLE', NULL, m.object_type), m.object_schema, m.object_name), "
        "t.processlist_time FROM performance_schema.metadata_locks m "
        "JOIN performance_schema.threads t ON t.thread_id = m.owner_thread_id "
        "WHERE m.lock_status = 'GRANTED' AND t.processlist_id <> CONNECTION_ID() AND ("
        "m.lock_duration = 'EXPLICIT' AND (m.object_type IN ('GLOBAL', 'COMMIT', 'BACKUP LOCK') "
        f"AND m.lock_type = 'SHARED' OR m.object_type = 'BACKUP' AND m.lock_type IN ({_MARIADB_BACKUP_LOCKS})) "
        "OR m.object_type = 'TABLE' AND m.lock_type = 'SHARED_NO_READ_WRITE')"
    )
    return list(rows), True


def _waiting(pair: Pair) -> list[Row]:
    """Sessions that have waited for such a lock for as long as a lock may be waited for."""
    # Refused without PROCESS, where the list itself would only be shorter.
    pair.source.rows("SELECT COUNT(*) FROM information_schema.innodb_cmp")
    rows = pair.source.rows(
        "SELECT id, user, state, COALESCE(db, ''), time FROM information_schema.processlist "
        "WHERE state LIKE 'Waiting for%%' AND state LIKE '%%lock' AND time >= %s AND user <> 'system user'",
        (pair.spec.limits.lock_wait_s,),
    )
    return [row for row in rows if str(row[2]) in _LOCK_STATES]


@check(
    "administrators",
    "nobody there passes read_only",
    Side.SOURCE,
    Severity.WARNING,
    why="Where there is no super_read_only, an administrator's session writes on through the fence.",
    asks="SHOW FULL PROCESSLIST; information_schema.user_privileges (and roles of MariaDB)",
    page="MySQL manual, read_only; MariaDB documentation, Read-Only Replicas",
)
def administrators(pair: Pair) -> Result:
    """Fails where accounts that write under read_only are logged in, on a server that cannot close itself to them."""
    source = pair.source
    if source.dialect.has_super_read_only:
        return not_applicable("super_read_only stops them")
    powerful = _powerful(pair)
    there = [one for one in clients(pair, source) if one.user in powerful]
    if not there:
        return passed("none is there")
    people = Counter((one.user, one.host) for one in there)
    return failed(
        count(len(there), "session passes", "sessions pass"),
        table(("user", "from", "sessions"), [(*who, number) for who, number in sorted(people.items())]),
        "Let applications and monitoring log in with accounts that have neither SUPER nor READ_ONLY ADMIN, and keep "
        "administrators away from the cutover. One that is at work right then makes the cutover give up, so that "
        "nothing is lost.",
    )


@check(
    "administrators-at-work",
    "no administrator is writing",
    Side.SOURCE,
    Severity.WARNING,
    why="Where there is no super_read_only, what an administrator is writing comes behind the fence and stays behind.",
    asks="SHOW FULL PROCESSLIST; information_schema.innodb_trx; information_schema.user_privileges",
    again=True,
    page="MySQL manual, read_only",
)
def administrators_at_work(pair: Pair) -> Result:
    """Fails where a session that passes read_only is in a statement or a transaction that has changed something."""
    source = pair.source
    if source.dialect.has_super_read_only:
        return not_applicable("super_read_only stops them")
    powerful = _powerful(pair)
    inside = {
        int(row[0])
        for row in source.rows(
            "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx WHERE trx_rows_modified > 0"
        )
    }
    busy = [
        one
        for one in clients(pair, source)
        if one.user in powerful
        and (one.id in inside or (one.command in ("Query", "Execute") and changes_something(one.statement)))
    ]
    if not busy:
        return passed("none")
    return failed(
        count(len(busy), "is writing", "are writing"),
        table(
            ("session", "user", "from", "seconds", "statement"),
            [(one.id, one.user, one.host, one.seconds, shown(one.statement)) for one in busy],
        ),
        "Let them finish: the cutover gives up while an administrator writes, since read_only does not stop them here.",
    )


def _powerful(pair: Pair) -> frozenset[str]:
    """The users of the source that write under read_only, directly or through a role of MariaDB."""
    return pair.once("pass read_only", lambda: _ask_powerful(pair.source))


def _ask_powerful(server: Server) -> frozenset[str]:
    # Without it the server tells of the asking account only.
    require(server, "SELECT", ("mysql",))
    # MariaDB took READ_ONLY ADMIN out of SUPER in 10.11.
    apart = server.version.mariadb_from(10, 11, 0)
    powers = "'READ_ONLY ADMIN', 'READ ONLY ADMIN'" + ("" if apart else ", 'SUPER'")
    sql = f"SELECT DISTINCT grantee FROM information_schema.user_privileges WHERE privilege_type IN ({powers})"
    names = {str(row[0]).rpartition("@")[0].strip("'") for row in server.rows(sql)}
    if server.version.mariadb:
        names |= _through_roles(server, _READ_ONLY_ADMIN_BIT if apart else _READ_ONLY_ADMIN_BIT | _SUPER_BIT)
    return frozenset(names)


def _through_roles(server: Server, bits: int) -> set[str]:
    """Who has one of these privileges through a role of MariaDB, whether that is active just now or not."""
    # information_schema.user_privileges leaves roles out.
    roles = {
        str(row[0])
        for row in server.rows(
            "SELECT user FROM mysql.global_priv WHERE JSON_VALUE(priv, '$.is_role') "
            "AND CAST(JSON_VALUE(priv, '$.access') AS UNSIGNED) & %s",
            (bits,),
        )
    }
    members = [(str(user), str(role)) for user, role in server.rows("SELECT user, role FROM mysql.roles_mapping")]
    names: set[str] = set()
    # Roles can have roles.
    while more := {user for user, role in members if role in roles | names} - names:
        names |= more
    return names


@check(
    "events-running",
    "no event has been running for long",
    Side.SOURCE,
    Severity.WARNING,
    why="An event that is writing when the fence falls holds it up, or is broken off in the middle.",
    asks="SELECT ... FROM information_schema.processlist: sessions of the event scheduler",
    again=True,
    page="MySQL manual, Event Scheduler Overview",
)
def events_running(pair: Pair) -> Result:
    """Fails where an event has been running for longer than a lock may be waited for."""
    bound_s = pair.spec.limits.lock_wait_s
    # Refused without PROCESS, where the list itself would only be shorter.
    pair.source.rows("SELECT COUNT(*) FROM information_schema.innodb_cmp")
    # A running event looks like a login that is not over yet, and has its database already.
    rows = pair.source.rows(
        "SELECT id, user, db, time, info FROM information_schema.processlist WHERE command = 'Connect' "
        "AND db IS NOT NULL AND user NOT IN ('system user', 'unauthenticated user') AND time >= %s",
        (bound_s,),
    )
    if not rows:
        return passed(f"none over {bound_s} s")
    return failed(
        f"{len(rows)}, the longest {max(int(row[3]) for row in rows)} s",
        table(
            ("session", "definer", "database", "seconds", "statement"),
            [(*facts_, shown(str(statement or ""))) for *facts_, statement in rows],
        ),
        "Wait until it has ended, or end its session (KILL and its number); ALTER EVENT ... DISABLE keeps it from "
        "beginning anew until the cutover is over.",
    )


@check(
    "temporary-tables",
    "replication holds no temporary table",
    Side.TARGET,
    Severity.WARNING,
    why="A temporary table that came by statements is lost when replication on the target stops, and then it breaks.",
    asks="SHOW GLOBAL STATUS LIKE 'Replica_open_temp_tables' (Slave_open_temp_tables) on the target",
    again=True,
    routes={Route.LOGICAL: None},
    page="MySQL manual, Replication and Temporary Tables",
)
def temporary_tables(pair: Pair) -> Result:
    """Fails where the target's applier has temporary tables open, as it has under binlog_format STATEMENT or MIXED."""
    rows = pair.target.rows(
        "SHOW GLOBAL STATUS WHERE Variable_name IN ('Replica_open_temp_tables', 'Slave_open_temp_tables')"
    )
    number = max((int(value) for _, value in rows), default=0)
    if not number:
        return passed("none")
    return failed(
        count(number, "is open", "are open"),
        table(("status", "value"), rows),
        "Let the sessions on the source that made them end, and set binlog_format = ROW there, under which temporary "
        "tables stay out of the log.",
    )


@check(
    "history-list",
    "InnoDB keeps up with its purging",
    Side.SOURCE,
    Severity.NOTICE,
    why="A long history of old row versions makes reads slow, and the copy's long transaction makes it longer.",
    asks="trx_rseg_history_len of information_schema.innodb_metrics (MariaDB: Innodb_history_list_length)",
    page="MySQL manual, Purge Configuration",
)
def history_list(pair: Pair) -> Result:
    """Fails where more old row versions wait to be purged than a healthy server has."""
    if pair.source.version.mariadb:
        rows = pair.source.rows("SHOW GLOBAL STATUS LIKE 'Innodb_history_list_length'")
        length = int(rows[0][1])
    else:
        sql = "SELECT `count` FROM information_schema.innodb_metrics WHERE name = 'trx_rseg_history_len'"
        length = int(pair.source.value(sql) or 0)
    if length <= _LONG_HISTORY:
        return passed(f"{length:,}")
    return failed(
        f"{length:,} old versions",
        table(("what", "value"), [("history list length", length), ("long from", _LONG_HISTORY)]),
        "Look for a transaction that has been open for hours (information_schema.innodb_trx, the oldest first), often "
        "a forgotten session or a dump, and let the list shrink before the copy is made.",
    )


@check(
    "prepared-xa",
    "no XA transaction is prepared",
    Side.BOTH,
    Severity.BLOCKER,
    why="A prepared XA transaction can still be committed on a server that refuses all other writes.",
    asks="XA RECOVER",
    # The provider fences there, and its customers' accounts may not ask.
    routes={Route.PHYSICAL: Severity.NOTICE, Route.LOGICAL: Severity.NOTICE},
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
