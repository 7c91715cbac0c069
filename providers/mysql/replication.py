"""Making one server follow another, in the words of the replica's version."""

from __future__ import annotations

import time
from pathlib import Path

from providers.mysql.channel import Channel
from providers.mysql.endpoint import Account
from providers.mysql.errors import StatementFailed, Unsupported
from providers.mysql.gtid import GtidSet, MariaGtid
from providers.mysql.position import FilePosition, Position
from providers.mysql.server import Server
from providers.mysql.status import ReplicaStatus

_POLL_S = 0.02


def plan_channel(replica: Server, source: Server, account: Account, start: FilePosition | None) -> Channel:
    """Choose how `replica` logs in to `source`.

    TLS is used where both sides have a version of it in common: MySQL 5.6 speaks none that a later one
    still takes. `start` is needed where GTIDs cannot be used.

    Raises:
        Unsupported: the file with the certificates of the source's authority cannot be read.
    """
    old = not source.version.mysql_from(5, 7) and not source.version.mariadb
    old_replica = not replica.version.mysql_from(5, 7) and not replica.version.mariadb
    encrypted = source.offers_tls() and not old and not old_replica
    fetch_key = replica.version.mysql_from(8, 0, 4) and source.version.mysql_from(8, 0, 4)
    return Channel(source.endpoint.host, source.endpoint.port, account, start, encrypted, fetch_key, _ca(source))


def _ca(source: Server) -> str:
    path = source.endpoint.ca_file
    if path is None:
        return ""
    try:
        return Path(path).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise Unsupported(
            source.name, f"The certificates for {source.name} cannot be read from {path} ({error}); give another file."
        ) from error


def shown_change_source(replica: Server, channel: Channel) -> str:
    """How the statement that configures a channel is shown and journaled: without the password."""
    return replica.dialect.follow(channel).shown


def configure(replica: Server, channel: Channel) -> None:
    """Point the replica at its source. Its threads must be stopped.

    Raises:
        ServerError: refused, or unknown where the connection broke.
    """
    statement = replica.dialect.follow(channel)
    replica.change(statement.sql, statement.args, shown=statement.shown)


def start(replica: Server) -> None:
    """Start the channel's threads."""
    replica.change(replica.dialect.start_replica)


def stop(replica: Server) -> None:
    """Stop the channel's threads, where there is a channel."""
    if replica.replica_status() is not None:
        replica.change(replica.dialect.stop_replica)


def forget(replica: Server) -> None:
    """Stop the channel and forget it for good, where there is one."""
    if replica.replica_status() is None:
        return
    replica.change(replica.dialect.stop_replica)
    replica.change(replica.dialect.reset_replica)
    if replica.version.mariadb and replica.dialect.sets_globals and replica.replica_status() is not None:
        replica.change("CHANGE MASTER TO MASTER_HOST = ''")


def comes_from(channel: ReplicaStatus, replica: Server, source: Server) -> bool:
    """Whether the source of a replica's channel is this server.

    Its replication number decides; before first contact, its address. A MariaDB keeps the number of the last
    source it talked to, even in a channel made anew since: there the number counts only while connected.
    """
    if channel.source_id and (channel.io == "Yes" or not replica.version.mariadb):
        return channel.source_id == source.identity.server_id
    known = ((source.endpoint.host, source.endpoint.port), *source.also_at)
    return (channel.source_host, channel.source_port) in known


def follows(replica: Server, source: Server) -> ReplicaStatus | None:
    """The channel, if `replica` follows exactly this `source`; None otherwise."""
    status = replica.replica_status()
    return status if status is not None and comes_from(status, replica, source) else None


def wait_running(replica: Server, seconds: float) -> ReplicaStatus:
    """Wait until both threads run and the replica knows who its source is.

    Raises:
        Unsupported: there is no channel.
        StatementFailed: a thread stopped with an error, or they do not run within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        status = replica.replica_status()
        if status is None:
            raise Unsupported(replica.name, f"{replica.name} is no replica; attach it again.")
        # For some milliseconds the receiver says that it runs before it has asked the source for its number.
        if status.running and status.source_id:
            return status
        stopped = status.applier_error or (status.io == "No" and status.io_error)
        if stopped or time.monotonic() > deadline:
            raise StatementFailed(
                replica.name,
                f"Replication on {replica.name} does not run ({status.trouble}); "
                "cure what the server names and start it again.",
            )
        time.sleep(_POLL_S)


def empty_log(replica: Server) -> None:
    """Empty a replica's own binary log, as `set_start` wants it.

    To be done before the replica is filled: right after much was written, MariaDB waits here for its engine's
    next flush, a second or two.
    """
    replica.change(replica.dialect.reset_binary_log)


def set_start(replica: Server, position: Position) -> tuple[str, ...]:
    """Tell a replica with an empty log what it already has, before it follows by GTID.

    Returns the statements that were run; none where a file position is given with the channel instead.
    """
    statements: tuple[str, ...] = ()
    if isinstance(position, MariaGtid):
        # With the binary log's state set as well, this server can serve as a source from the same place on.
        statements = (f"SET GLOBAL gtid_binlog_state = '{position}'", f"SET GLOBAL gtid_slave_pos = '{position}'")
    elif isinstance(position, GtidSet):
        statements = (f"SET GLOBAL gtid_purged = '{position}'",)
    for sql in statements:
        replica.change(sql)
    return statements
