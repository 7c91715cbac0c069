"""What the checks' account sees of a server, and making sure that it sees everything.

A server leaves out of its lists what the account may not see, without a word. A check that rests on such a
list asks for the privilege first, so that a short list is never taken for a clean one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from migration.check import Pair
from providers.mysql.errors import PrivilegeMissing
from providers.mysql.replication import comes_from
from providers.mysql.server import Server
from providers.mysql.status import ReplicaStatus, parse_status

_GRANT = re.compile(r"GRANT (?P<privileges>.+?) ON (?P<level>\S+) TO ", re.IGNORECASE | re.DOTALL)
_ALL = "ALL PRIVILEGES"
# MySQL manual, "Reserved Accounts" and "SHOW PROCESSLIST"; the last four are the clouds' own.
_SYSTEM_USERS = frozenset({
    "", "system user", "event_scheduler", "unauthenticated user",
    "mysql.sys", "mysql.session", "mysql.infoschema", "mariadb.sys",
    "rdsadmin", "aliyun_root", "azure_superuser", "cloudsqladmin",
})  # fmt: skip


@dataclass(frozen=True)
class Session:
    """A client's session. `seconds`: how long its current command runs, or it has been idle."""

    id: int
    user: str
    host: str
    database: str
    command: str
    seconds: int
    statement: str


def privileges_on(server: Server, level: str = "*.*") -> frozenset[str]:
    """The privileges this account has at a level, those of its active roles included."""
    return parse_grants([str(row[0]) for row in server.rows("SHOW GRANTS")], level)


def parse_grants(lines: list[str], level: str = "*.*") -> frozenset[str]:
    """The privileges at one level in what SHOW GRANTS answered."""
    held: set[str] = set()
    for line in lines:
        grant = _GRANT.match(line)
        if grant and grant["level"] == level:
            held.update(word.strip().upper() for word in grant["privileges"].split(","))
    return frozenset(held)


def holds(held: frozenset[str], privilege: str) -> bool:
    """Whether a privilege, in either family's spelling, is among them."""
    return _ALL in held or privilege in held or privilege.replace(" ", "_") in held


def require(server: Server, privilege: str, databases: tuple[str, ...] = ()) -> None:
    """Make sure that the account holds a privilege on every database, or at least on each of `databases`.

    Raises:
        PrivilegeMissing: it does not, so that a list would not be complete.
    """
    if holds(privileges_on(server), privilege):
        return
    levels = ["`" + name.replace("`", "``") + "`.*" for name in databases]
    if levels and all(holds(privileges_on(server, level), privilege) for level in levels):
        return
    raise PrivilegeMissing(
        server.name,
        f"On {server.name} the account {server.endpoint.account.user} lacks the {privilege} privilege, so it may not "
        f"see everything there is; GRANT {privilege} ON *.* to it.",
    )


def moved_databases(pair: Pair) -> tuple[str, ...]:
    """The databases that are to be moved.

    Raises:
        PrivilegeMissing: the account may not see all databases of the source.
    """
    if pair.spec.databases:
        return pair.spec.databases
    require(pair.source, "SELECT")
    return pair.source.databases()


def sessions(server: Server) -> tuple[Session, ...]:
    """Every session but those of the server itself and the one that asks.

    Raises:
        PrivilegeMissing: the account may not see other accounts' sessions (PROCESS).
    """
    # Refused without PROCESS, where the list itself would only be shorter.
    server.rows("SELECT COUNT(*) FROM information_schema.innodb_cmp")
    own = int(server.value("SELECT CONNECTION_ID()"))
    found = []
    for row in server.named("SHOW FULL PROCESSLIST"):
        user = str(row["User"])
        if int(row["Id"]) == own or user in _SYSTEM_USERS or row["Command"] == "Daemon":
            continue
        host = str(row["Host"] or "")
        found.append(
            Session(
                int(row["Id"]), user, host.rpartition(":")[0] or host, str(row["db"] or ""), str(row["Command"]),
                int(row["Time"] or 0), str(row["Info"] or ""),
            )
        )  # fmt: skip
    return tuple(found)


def clients(pair: Pair, server: Server) -> tuple[Session, ...]:
    """The sessions of applications and people: neither this program's accounts nor replicas."""
    ours = {
        pair.spec.source.user, pair.spec.target.user,
        pair.spec.source.replication_user, pair.spec.target.replication_user,
    }  # fmt: skip
    return tuple(
        session
        for session in sessions(server)
        if session.user not in ours and not session.command.startswith("Binlog Dump")
    )


def channels(server: Server) -> tuple[ReplicaStatus, ...]:
    """Every replication channel of a server, running or not."""
    sql = "SHOW ALL SLAVES STATUS" if server.version.mariadb else server.dialect.replica_status
    return tuple(parse_status(row) for row in server.named(sql))


def channel_from_source(pair: Pair) -> ReplicaStatus | None:
    """The target's channel from the source, None where it does not follow it."""
    every = channels(pair.target)
    return next((channel for channel in every if comes_from(channel, pair.target, pair.source)), None)
