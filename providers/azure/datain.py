"""Data-in replication: the stored procedures with which a Single or Flexible Server follows a server elsewhere.

Names and arguments: "Replicate data into Azure Database for MySQL - Flexible Server" (how-to-data-in-replication) and
the page of the same name of Single Server. A server with high availability has the one by GTID only
(concepts-data-in-replication, 2024). Accounts are not replicated: the service's parameter `replicate_wild_ignore_table`
leaves the tables of `mysql` out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from providers.mysql.endpoint import Account
from providers.mysql.errors import StatementFailed
from providers.mysql.literals import quote_text
from providers.mysql.position import FilePosition
from providers.mysql.replication import follows
from providers.mysql.server import Server
from providers.mysql.status import ReplicaStatus

CHANGE = "az_replication_change_master"
CHANGE_GTID = "az_replication_change_master_with_gtid"
START = "az_replication_start"
STOP = "az_replication_stop"
REMOVE = "az_replication_remove_master"
PROCEDURES = (CHANGE, CHANGE_GTID, START, STOP, REMOVE)
KILL = "az_kill"
_NO_ROUTINE = 1305


@dataclass(frozen=True)
class Following:
    """Whom to follow, and how.

    Attributes:
        host: the source as the replica reaches it: a name, not an address, where TLS is wanted.
        start: the place in the source's binary log to start from; None: GTIDs say it.
        ca: the certificate of the source's authority, as PEM; empty: without TLS.
    """

    host: str
    port: int
    account: Account
    start: FilePosition | None
    ca: str = ""


def offered(server: Server, names: Sequence[str] = PROCEDURES) -> tuple[str, ...]:
    """Which of these procedures this server has, as this account sees them."""
    rows = server.rows("SELECT routine_name FROM information_schema.routines WHERE routine_schema = 'mysql'")
    return tuple(sorted({str(name) for (name,) in rows} & set(names)))


def follow_sql(wanted: Following) -> str:
    """The call that configures the channel, the password included."""
    return _follow_sql(wanted, quote_text(wanted.account.password.reveal()), quote_text(wanted.ca), quote_text)


def shown(wanted: Following) -> str:
    """The same call as it is shown and journaled: without the password."""
    return _follow_sql(wanted, "'***'", "'(certificate)'" if wanted.ca else "''", _readable)


def follow(server: Server, wanted: Following) -> None:
    """Configure the channel. Nothing is copied: the server must hold what the source had at the start.

    Raises:
        ConnectionLost: whether it was carried out is unknown; see `follows`.
        StatementFailed: it was not, or the server has no such procedure.
    """
    _call(server, follow_sql(wanted), shown(wanted))


def start(server: Server) -> None:
    """Start following; raises as `follow`."""
    _call(server, f"CALL mysql.{START}")


def stop(server: Server) -> None:
    """Stop following; the channel stays. Raises as `follow`."""
    _call(server, f"CALL mysql.{STOP}")


def remove(server: Server) -> None:
    """Forget the channel for good; it must be stopped. Raises as `follow`."""
    _call(server, f"CALL mysql.{REMOVE}")


def followed(server: Server, source: Server) -> ReplicaStatus | None:
    """The channel if this server follows exactly this source, for reading back what was done; None otherwise."""
    return follows(server, source)


def _readable(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _follow_sql(wanted: Following, password: str, ca: str, quote: Callable[[str], str]) -> str:
    place = [quote(wanted.host), quote(wanted.account.user), password, str(wanted.port)]
    if wanted.start is None:
        return f"CALL mysql.{CHANGE_GTID}({', '.join([*place, ca])})"
    position = [quote(wanted.start.file), str(wanted.start.offset)]
    return f"CALL mysql.{CHANGE}({', '.join([*place, *position, ca])})"


def _call(server: Server, sql: str, without_secrets: str = "") -> None:
    try:
        server.change(sql, shown=without_secrets or sql)
    except StatementFailed as error:
        if error.code != _NO_ROUTINE:
            raise
        raise StatementFailed(
            server.name,
            f"{server.name} has no such data-in replication ({error}); with high availability there is the one by GTID "
            "only, so turn that off or GTIDs on first, or use a server of Azure Database for MySQL.",
            error.code,
        ) from error
