"""The procedures in schema `mysql` by which RDS does what needs SUPER elsewhere, in the names of each server version.

Each has the page of the RDS User Guide that describes it. Since RDS for MySQL 8.4 the names say `source` where they
said `master`; RDS for MariaDB has kept the old ones. They take effect at once; `set_...` and `reset_...` want
autocommit on, as the sessions of this package have it.
"""

from __future__ import annotations

from dataclasses import dataclass

from providers.mysql.endpoint import Account, Secret
from providers.mysql.server import Server
from providers.mysql.version import Version

GUIDE = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/"
_REPLICATING = "mysql-stored-proc-replicating.html"
_GTID = "mysql-stored-proc-gtid.html"
_ENDING = "mysql-stored-proc-ending.html"
_CONFIGURING = "mysql-stored-proc-configuring.html"
_MARIADB_GTID = "mysql_rds_set_external_master_gtid.html"
RETENTION = "binlog retention hours"
MOST_RETENTION_HOURS = 168

Argument = int | str | Secret | None


class NoSuchProcedure(Exception):
    """RDS has no such procedure for this server version; one sentence."""


@dataclass(frozen=True)
class Procedure:
    """One call of a procedure, before it is made. `page` is where RDS documents it."""

    name: str
    arguments: tuple[Argument, ...]
    page: str

    @property
    def manual(self) -> str:
        """The address of the page."""
        return GUIDE + self.page

    @property
    def statement(self) -> str:
        """The call with a mark for each argument."""
        return f"CALL mysql.{self.name}({', '.join('%s' for _ in self.arguments)})"

    @property
    def values(self) -> tuple[int | str | None, ...]:
        """The arguments as they are sent, secrets included."""
        return tuple(one.reveal() if isinstance(one, Secret) else one for one in self.arguments)

    def shown(self) -> str:
        """The call as it is shown and journaled."""
        return f"CALL mysql.{self.name}({', '.join(map(_shown, self.arguments))})"


@dataclass(frozen=True)
class Upstream:
    """A source outside of RDS's own replication, such as another instance's endpoint.

    `encrypted`: over TLS, which caching_sha2_password needs; RDS does not verify the source's certificate.
    """

    host: str
    port: int
    account: Account
    encrypted: bool

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """The first arguments of every procedure that names a source."""
        return (self.host, self.port, self.account.user, self.account.password)


def run(server: Server, procedure: Procedure) -> None:
    """Call a procedure.

    Raises:
        ConnectionLost: whether it was carried out is unknown.
        StatementFailed: it was not carried out.
    """
    server.change(procedure.statement, procedure.values, shown=procedure.shown())


def follow_from(version: Version, upstream: Upstream, file: str, offset: int) -> Procedure:
    """Follow a source from a place in its binary log; it begins with `start`."""
    name = _renamed(version, "rds_set_external_{}")
    return Procedure(name, (*upstream.arguments, file, offset, int(upstream.encrypted)), _REPLICATING)


def follow_by_gtid(version: Version, upstream: Upstream) -> Procedure:
    """Follow a source from what this server lacks, by GTID (MySQL); it begins with `start`.

    Raises:
        NoSuchProcedure: a MariaDB, which wants the place named, or a MySQL before 5.7.
    """
    if version.mariadb:
        raise NoSuchProcedure(f"{version} follows by GTID from a named place only: use follow_from_gtid.")
    if not version.mysql_from(5, 7):
        raise NoSuchProcedure(f"RDS has no replication by GTID for {version}: follow by file and position.")
    name = _renamed(version, "rds_set_external_{}_with_auto_position")
    return Procedure(name, (*upstream.arguments, int(upstream.encrypted), 0), _REPLICATING)


def follow_from_gtid(version: Version, upstream: Upstream, gtid: str) -> Procedure:
    """Follow a source from a GTID position (MariaDB); it begins with `start`.

    Raises:
        NoSuchProcedure: a MySQL.
    """
    if not version.mariadb:
        raise NoSuchProcedure(f"{version} follows by GTID from what it lacks: use follow_by_gtid.")
    return Procedure(
        "rds_set_external_master_gtid", (*upstream.arguments, gtid, int(upstream.encrypted)), _MARIADB_GTID
    )


def forget_source(version: Version) -> Procedure:
    """End following a source for good; it has to be stopped."""
    return Procedure(_renamed(version, "rds_reset_external_{}"), (), _REPLICATING)


def start() -> Procedure:
    """Begin, or go on, following."""
    return Procedure("rds_start_replication", (), _REPLICATING)


def stop() -> Procedure:
    """Stop following. After 30 days RDS ends the replication of a read replica that is stopped."""
    return Procedure("rds_stop_replication", (), _REPLICATING)


def start_until(version: Version, file: str, offset: int) -> Procedure:
    """Follow up to a place in the source's binary log.

    Raises:
        NoSuchProcedure: a MariaDB.
    """
    _require_mysql(version, "rds_start_replication_until")
    return Procedure("rds_start_replication_until", (file, offset), _REPLICATING)


def start_until_gtid(version: Version, gtid: str) -> Procedure:
    """Follow up to a GTID.

    Raises:
        NoSuchProcedure: a MariaDB.
    """
    _require_mysql(version, "rds_start_replication_until_gtid")
    return Procedure("rds_start_replication_until_gtid", (gtid,), _GTID)


def skip_error() -> Procedure:
    """Leave out the event at which the applier stopped: its change is lost on this side."""
    return Procedure("rds_skip_repl_error", (), _REPLICATING)


def skip_gtid(version: Version, gtid: str) -> Procedure:
    """Leave out a transaction: its change is lost on this side.

    Raises:
        NoSuchProcedure: a MariaDB.
    """
    _require_mysql(version, "rds_skip_transaction_with_gtid")
    return Procedure("rds_skip_transaction_with_gtid", (gtid,), _GTID)


def next_log(version: Version, index: int) -> Procedure:
    """Go on at the beginning of the binary log after number `index`: what is left of that one is lost on this side."""
    return Procedure(_renamed(version, "rds_next_{}_log"), (index,), _REPLICATING)


def kill(session: int) -> Procedure:
    """End a session."""
    return Procedure("rds_kill", (session,), _ENDING)


def kill_query(session: int) -> Procedure:
    """End what a session is doing; the session stays."""
    return Procedure("rds_kill_query", (session,), _ENDING)


def keep_binary_logs(hours: int) -> Procedure:
    """Keep binary logs for this long, so that a replica outside of RDS's own replication finds them.

    Raises:
        ValueError: not between 1 and 168.
    """
    if not 1 <= hours <= MOST_RETENTION_HOURS:
        raise ValueError(f"RDS keeps binary logs for 1 to {MOST_RETENTION_HOURS} hours and {hours} are asked for.")
    return Procedure("rds_set_configuration", (RETENTION, hours), _CONFIGURING)


def purge_binary_logs() -> Procedure:
    """Let RDS remove binary logs as soon as it does not need them itself, which is its default."""
    return Procedure("rds_set_configuration", (RETENTION, None), _CONFIGURING)


def kept_hours(server: Server) -> int | None:
    """For how many hours binary logs are kept; None: they are removed as soon as RDS does not need them.

    Raises:
        ServerError: it does not answer, or is no RDS instance.
    """
    rows = server.named("CALL mysql.rds_show_configuration()")
    found = next((row["value"] for row in rows if row["name"] == RETENTION), None)
    return None if found is None else int(found)


def _renamed(version: Version, form: str) -> str:
    return form.format("source" if version.mysql_from(8, 4) else "master")


def _require_mysql(version: Version, name: str) -> None:
    if version.mariadb:
        raise NoSuchProcedure(f"RDS has mysql.{name} for MySQL only and this is {version}.")


def _shown(argument: Argument) -> str:
    if argument is None:
        return "NULL"
    if isinstance(argument, int):
        return str(argument)
    return "'" + str(argument).replace("'", "''") + "'"
