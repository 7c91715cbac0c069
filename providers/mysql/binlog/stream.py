"""A server's binary log as it sends it to replicas, over a connection of its own.

Source: MySQL source code documentation, COM_BINLOG_DUMP and COM_BINLOG_DUMP_GTID; MariaDB documentation,
"COM_BINLOG_DUMP". The reader is not registered as a replica, and gives no uuid: only a reader with the same number
and no uuid either could be taken for its predecessor, and be cut off.
"""

from __future__ import annotations

import socket
import struct
import time

from providers.mysql.binlog.marks import FIRST_OFFSET, LogGone, Start
from providers.mysql.binlog.tagged import encoded
from providers.mysql.connection import Connection, Timeouts
from providers.mysql.endpoint import Endpoint
from providers.mysql.errors import ConnectionLost, PrivilegeMissing, ServerError, StatementFailed, WrongServer
from providers.mysql.server import read_identity, read_version

_DUMP, _DUMP_GTID = 0x12, 0x1E
_THROUGH_GTID = 4
_BLOCK = 1 << 20
# A tail by GTID learns by a heartbeat only that nothing is left between what it has and the log's end.
_HEARTBEAT_NS = 100_000_000
SILENCE_S = 10.0
"""After this many seconds without a heartbeat, of which there are ten a second, the connection is taken for dead."""

_LOG_ERROR = 1236
_SHUTDOWN = frozenset({0, 1053, 1077, 1079, 1927, 2013})
_PRIVILEGE = frozenset({1227, 1045, 1142, 4166})


class Stream:
    """The log from a place on."""

    def __init__(self, endpoint: Endpoint, start: Start, server_id: int, timeouts: Timeouts) -> None:
        """Connect, and ask for the log.

        Raises:
            ServerError: unreachable, access denied, another server than the one `start` comes from.
        """
        self.server = endpoint.name
        self._connection = Connection(endpoint, timeouts)
        try:
            self._socket = self._asked(start, server_id)
        except BaseException:
            self._connection.close()
            raise
        self._heard = time.monotonic()
        self._buffer = memoryview(bytearray(_BLOCK))

    def _asked(self, start: Start, server_id: int) -> socket.socket:
        connection = self._connection
        version = read_version(connection)
        uid = read_identity(connection, version).uid
        if uid != start.uid:
            raise WrongServer(
                self.server,
                f"Another server answers at {connection.endpoint.address} than the one whose log was read "
                f"(expected {start.uid}, got {uid}); find out where the name or proxy points before going on.",
            )
        connection.run(
            "SET @master_binlog_checksum = @@GLOBAL.binlog_checksum, "
            "@source_binlog_checksum = @@GLOBAL.binlog_checksum, "
            f"@master_heartbeat_period = {_HEARTBEAT_NS}, @source_heartbeat_period = {_HEARTBEAT_NS}, "
            "@mariadb_slave_capability = 4"
        )
        try:
            connection.raw._execute_command(*_request(start, server_id))  # type: ignore[attr-defined]
        except OSError as error:
            raise self.lost(str(error)) from error
        # The driver has no public way to its socket. Nothing stands in its own buffer: all answers were read.
        found: socket.socket = connection.raw._sock  # type: ignore[attr-defined]
        return found

    def receive(self, timeout_s: float, least: int) -> bytes:
        """What has come: at least so many bytes, or all there is when the time is over; none where nothing came.

        Raises:
            ConnectionLost: it broke, or the server has been silent for too long.
        """
        deadline = time.monotonic() + timeout_s
        got = self._received(timeout_s)
        if len(got) >= least or not got:
            return got
        parts, size = [got], len(got)
        while size < least and got:
            got = self._received(deadline - time.monotonic())
            parts.append(got)
            size += len(got)
        return b"".join(parts)

    def _received(self, timeout_s: float) -> bytes:
        try:
            self._socket.settimeout(max(timeout_s, 0.0001))
            size = self._socket.recv_into(self._buffer)
        except TimeoutError:
            silent = time.monotonic() - self._heard
            if silent > SILENCE_S:
                raise self.lost(f"nothing came for {silent:.0f} s") from None
            return b""
        except OSError as error:
            raise self.lost(str(error)) from error
        if not size:
            raise self.lost("the server closed it")
        self._heard = time.monotonic()
        return bytes(self._buffer[:size])

    def lost(self, words: str) -> ConnectionLost:
        """The error that says that the connection broke."""
        return ConnectionLost(
            self.server, f"The connection to {self.server} broke while its binary log was read ({words})."
        )

    def refused(self, code: int, words: str) -> ServerError:
        """The error that a server's own one stands for."""
        if code in _SHUTDOWN:
            return self.lost(f"{code}: {words}")
        if code == _LOG_ERROR:
            return LogGone(
                self.server,
                f"{self.server} cannot send its binary log from where it was read last ({code}: {words}); keep its "
                "logs for longer and begin anew.",
                code,
            )
        if code in _PRIVILEGE:
            return PrivilegeMissing(
                self.server,
                f"{self.server} does not let this account read its binary log ({code}: {words}); grant it "
                "REPLICATION SLAVE.",
                code,
            )
        return StatementFailed(self.server, f"{self.server} does not send its binary log ({code}: {words}).", code)

    def close(self) -> None:
        """Leave the server."""
        self._connection.close()


def _request(start: Start, server_id: int) -> tuple[int, bytes]:
    """The command, and what it is sent with."""
    if start.gtids is None:
        return _DUMP, struct.pack("<IHI", start.offset, 0, server_id) + start.file.encode()
    # By GTID the server finds the file itself.
    content = encoded(start.gtids)
    return _DUMP_GTID, struct.pack("<HIIQI", _THROUGH_GTID, server_id, 0, FIRST_OFFSET, len(content)) + content
