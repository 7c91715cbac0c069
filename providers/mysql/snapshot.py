"""A consistent view of a live server together with its place in the binary log."""

from __future__ import annotations

import time
from dataclasses import dataclass

from providers.mysql.connection import Connection
from providers.mysql.errors import LockTimeout, StatementFailed
from providers.mysql.gtid import MariaGtid
from providers.mysql.position import FilePosition, Position
from providers.mysql.server import Server

_TRIES = 5
_BETWEEN_TRIES_S = 1.0


@dataclass(frozen=True)
class Snapshot:
    """Open sessions that all see the same moment, and what that moment is called in the binary log.

    `held_ms`: how long writes were held up to take it; 0 where no lock was needed.
    """

    readers: tuple[Connection, ...]
    position: Position
    held_ms: float

    def close(self) -> None:
        """End the sessions."""
        for reader in self.readers:
            reader.close()


def _reader(source: Server) -> Connection:
    connection = source.connect()
    connection.run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    connection.allow_answer_s(600.0)
    return connection


def take_snapshot(source: Server, streams: int, by_file: bool) -> Snapshot:
    """Open `streams` readers on one moment of the source.

    MariaDB tells the position of a snapshot without any lock, for one reader. Elsewhere a global read lock
    is held for the few milliseconds in which the readers begin; it gives up after lock_wait_timeout rather
    than queue writers behind a long statement, and is tried again.

    Raises:
        LockTimeout: no lock within the tries: a long statement is running on the source.
        StatementFailed: the binary log is off, or the account may not lock (RELOAD).
    """
    if source.version.mariadb:
        return _lockless(source, by_file)
    readers = tuple(_reader(source) for _ in range(streams))
    for attempt in range(_TRIES):
        try:
            return _locked(source, readers, by_file)
        except LockTimeout as error:
            if attempt == _TRIES - 1:
                raise LockTimeout(
                    source.name,
                    f"{source.name} gave no global read lock in {_TRIES} tries because a long statement runs there; "
                    "end it or wait for it, then go on.",
                    error.code,
                ) from error
            time.sleep(_BETWEEN_TRIES_S)
    raise AssertionError("the loop returns or raises")


def _locked(source: Server, readers: tuple[Connection, ...], by_file: bool) -> Snapshot:
    locker = source.connect()
    try:
        locker.run("SET SESSION lock_wait_timeout = 1")
        began = time.monotonic()
        locker.run("FLUSH TABLES WITH READ LOCK")
        for reader in readers:
            reader.run("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        position: Position = source.end_of_log() if by_file else source.gtid_end()
        locker.run("UNLOCK TABLES")
        return Snapshot(readers, position, (time.monotonic() - began) * 1000)
    finally:
        locker.close()


def _lockless(source: Server, by_file: bool) -> Snapshot:
    reader = _reader(source)
    reader.run("START TRANSACTION WITH CONSISTENT SNAPSHOT")
    status: dict[str, str] = dict(reader.rows("SHOW STATUS LIKE 'binlog_snapshot_%'"))
    if not status.get("Binlog_snapshot_file"):
        raise StatementFailed(
            source.name, f"The binary log of {source.name} is off; turn on log_bin and restart it to replicate from it."
        )
    place = FilePosition(str(status["Binlog_snapshot_file"]), int(status["Binlog_snapshot_position"]))
    if by_file:
        return Snapshot((reader,), place, 0.0)
    gtid = source.value("SELECT BINLOG_GTID_POS(%s, %s)", (place.file, place.offset))
    return Snapshot((reader,), MariaGtid.parse(str(gtid)), 0.0)
