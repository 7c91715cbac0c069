"""Whose sessions count as clients when a fence looks for what still writes."""

from __future__ import annotations

from collections.abc import Iterable

from migration.checks.results import changes_something, shown
from migration.checks.sight import Session
from migration.runbook import Migration
from providers.mysql.connection import Row
from providers.mysql.server import Server

PROCESSES = "SHOW FULL PROCESSLIST"
TRANSACTIONS = "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx"
# MySQL manual, "Reserved Accounts"; the rest are MariaDB's and the clouds' own.
SYSTEM_ACCOUNTS = frozenset({
    "mysql.sys", "mysql.session", "mysql.infoschema", "mariadb.sys", "PUBLIC",
    "rdsadmin", "rdsrepladmin", "aliyun_root", "azure_superuser", "cloudsqladmin",
})  # fmt: skip
_SERVERS_OWN = frozenset({"system user", "event_scheduler"})
_LOGGING_IN = "unauthenticated user"
_NAMED = 3


def exempt_users(m: Migration, server: Server) -> frozenset[str]:
    """The users that are no clients: this program's, those that replicate, the server's own and its provider's."""
    ours = {server.endpoint.account.user, m.spec.source.replication_user, m.spec.target.replication_user}
    return SYSTEM_ACCOUNTS | ours


def client_sessions(processes: Iterable[Row], exempt: frozenset[str]) -> tuple[Session, ...]:
    """The clients' sessions in what `PROCESSES` answered; neither replicas nor who is still logging in."""
    left_out = exempt | _SERVERS_OWN
    return tuple(
        one
        for one in map(_session, processes)
        if one.user not in left_out
        and one.command != "Daemon"
        and not one.command.startswith("Binlog Dump")
        and not _logs_in(one)
    )


def logging_in(processes: Iterable[Row], exempt: frozenset[str]) -> tuple[Session, ...]:
    """Sessions that have not told yet whose they are, or not proved it; those of `exempt` only while unknown."""
    left_out = exempt | _SERVERS_OWN
    return tuple(one for one in map(_session, processes) if _logs_in(one) and one.user not in left_out)


def writers(sessions: Iterable[Session], transactions: Iterable[Row]) -> tuple[Session, ...]:
    """Those inside a transaction, or in a statement that changes something."""
    inside = {int(row[0]) for row in transactions}
    return tuple(
        one
        for one in sessions
        if one.id in inside or (one.command in ("Query", "Execute") and changes_something(one.statement))
    )


def in_words(sessions: Iterable[Session]) -> str:
    """The first few sessions, for a message; literals of their statements are left out."""
    every = tuple(sessions)
    named = [f"session {one.id} of {one.user}@{one.host}, {_doing(one)}" for one in every[:_NAMED]]
    if len(every) > _NAMED:
        named.append(f"and {len(every) - _NAMED} more")
    return "; ".join(named)


def _logs_in(session: Session) -> bool:
    # Who has told a name is listed under it before the password, and whether the account is locked, are looked at
    # (MariaDB 10.11, measured). The workers of scheduled events are listed as Connect too, with their statement.
    return session.user == _LOGGING_IN or (session.command == "Connect" and not session.statement)


def _doing(session: Session) -> str:
    if session.statement:
        return f"{session.seconds} s in `{shown(session.statement)}`"
    return f"{session.seconds} s in state {session.command}"


def _session(row: Row) -> Session:
    number, user, host, database, command, seconds, _state, statement = row[:8]
    where = str(host or "")
    return Session(
        int(number),
        str(user),
        where.rpartition(":")[0] or where,
        str(database or ""),
        str(command),
        int(seconds or 0),
        str(statement or ""),
    )
