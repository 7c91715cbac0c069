"""Places in one server's binary log: where a tail begins, where it is to arrive, and what a read is sure to see.

The log is written before the engine commits: an event that a tail has read may not be visible yet to a read that
starts now. What is sure to be visible is a `Horizon`; it comes from

- MySQL 5.7 and later with GTIDs: `gtid_executed`, to which a transaction is added after its commit in the engine;
- MariaDB: START TRANSACTION WITH CONSISTENT SNAPSHOT and the status variables `binlog_snapshot_file` and
  `binlog_snapshot_position` (MariaDB documentation, "Enhancements for START TRANSACTION WITH CONSISTENT SNAPSHOT");
- everything else (MySQL without GTIDs, and 5.6, which adds to `gtid_executed` before the commit): nothing exact is to
  be had. A log file is left only when all its transactions are committed, so those of older files are visible; in
  the newest file those that are older than an age that the caller names.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from providers.mysql.binlog.commits import Commits
from providers.mysql.binlog.marks import FIRST_OFFSET, End, Horizon, Mark, Start
from providers.mysql.connection import Connection, Row
from providers.mysql.dialect import Dialect
from providers.mysql.errors import StatementFailed
from providers.mysql.gtid import GtidSet
from providers.mysql.position import FilePosition
from providers.mysql.server import read_identity, read_version
from providers.mysql.version import Version

__all__ = ["SETTLE_S", "Horizon", "Mark", "Start", "horizon", "log_end", "log_start"]

SETTLE_S = 5.0
"""How long a transaction may take from the log into the engine, in seconds, where the server does not tell."""

_POLL_S = 0.05
_GTIDS = "SELECT @@GLOBAL.gtid_mode, @@GLOBAL.gtid_executed"
# A log file that is no longer than this is read from its beginning rather than waited for.
_SMALL = 256 * 1024


def horizon(connection: Connection, version: Version | None = None, age_s: float = SETTLE_S) -> Horizon:
    """What reads that start from now on see.

    Args:
        connection: a session on the server with nothing under way; no transaction is left open.
        version: the server's, where it is known: saves a round trip.
        age_s: seconds after which a transaction of the log is taken for committed where the server does not tell.

    Raises:
        ServerError: the server gives no answer, or its log is off.
    """
    asked = time.monotonic()
    version = version or read_version(connection)
    if version.mariadb:
        return Horizon(snapshot=_snapshot(connection))
    if (seen := told([connection.rows(one) for one in told_by(version)])) is not None:
        return seen
    return Horizon(newest=log_end(connection, version).place, before=asked - age_s)


def told_by(version: Version) -> tuple[str, ...]:
    """What to ask a server, beside other things, for `told`; empty where it does not tell its horizon by GTIDs."""
    return (_GTIDS,) if version.mysql_from(5, 7) else ()


def told(answers: Sequence[Sequence[Row]]) -> Horizon | None:
    """The horizon in the answers to `told_by`; None where the server keeps no GTIDs."""
    mode, executed = answers[0][0] if answers else ("OFF", "")
    return Horizon(executed=GtidSet.parse(str(executed))) if mode == "ON" else None


def log_start(connection: Connection, version: Version | None = None, settle_s: float = SETTLE_S) -> Start:
    """Where a tail must begin so that it has whatever reads that start after this call do not see.

    Args:
        connection: a session on the server with nothing under way.
        version: the server's, where it is known: saves a round trip.
        settle_s: how long this waits, in seconds, where the server does not tell which transactions of its log are
            committed (MySQL 5.6, and later ones without GTIDs). It does not wait where the log file is new, and no
            longer than until `commits` tells that those are committed that were open.

    Raises:
        ServerError: the server gives no answer, its log is off, or the account may not see where it ends.
    """
    version = version or read_version(connection)
    uid = read_identity(connection, version).uid
    if version.mariadb:
        place = _snapshot(connection)
        return Start(place.file, place.offset, uid)
    # The end is asked for first: what is committed in between is in the GTIDs and merely sent once more by file.
    end = log_end(connection, version)
    mode, executed = connection.row(_GTIDS) or ("OFF", "")
    gtids = GtidSet.parse(executed) if mode == "ON" else None
    if gtids is not None and version.mysql_from(5, 7):
        return Start(end.file, end.offset, uid, gtids)
    if gtids is None and end.offset <= _SMALL:
        return Start(end.file, FIRST_OFFSET, uid)
    _settle(connection, version, end, settle_s)
    return Start(end.file, end.offset, uid, gtids)


def log_end(connection: Connection, version: Version | None = None) -> End:
    """Where the log ends now.

    Raises:
        StatementFailed: the log is off.
        PrivilegeMissing: the account may not ask (it needs REPLICATION CLIENT; BINLOG MONITOR on MariaDB).
    """
    version = version or read_version(connection)
    rows = connection.named(Dialect(version).source_status)
    if not rows:
        raise _off(connection.server)
    return End(str(rows[0]["File"]), int(rows[0]["Position"]))


def _off(server: str) -> StatementFailed:
    return StatementFailed(
        server, f"The binary log of {server} is off; turn on log_bin and restart it to follow its changes."
    )


def _snapshot(connection: Connection) -> FilePosition:
    statements = (
        "START TRANSACTION WITH CONSISTENT SNAPSHOT",
        "SHOW STATUS LIKE 'binlog\\_snapshot\\_%'",
        "COMMIT",
    )
    found = {str(name).lower(): value for name, value in connection.results(statements)[1]}
    file = str(found.get("binlog_snapshot_file") or "")
    if not file:
        raise _off(connection.server)
    return FilePosition(file, int(found["binlog_snapshot_position"]))


def _settle(connection: Connection, version: Version, end: End, seconds: float) -> None:
    """Wait until what stands before `end` is committed, as the list of what is open tells or the next file's beginning.

    Where neither does, until the time is over.
    """
    asked, commits = time.monotonic(), Commits()
    while commits.upto(connection) < asked:
        left = asked + seconds - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, _POLL_S))
        if log_end(connection, version).file != end.file:
            return
