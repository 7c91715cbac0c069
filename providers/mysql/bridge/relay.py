"""One replica's connection through the bridge: log it in on both sides, then carry packets until either side ends."""

from __future__ import annotations

import selectors
import socket
import ssl
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from providers.mysql.bridge import wire
from providers.mysql.bridge.stream import EventStream
from providers.mysql.bridge.wire import Malformed
from providers.mysql.connection import Connection, Timeouts
from providers.mysql.endpoint import Endpoint

# A replica that takes nothing for so long is cut off, as a server's own net_write_timeout would.
_SEND_S = 60.0
_CHUNK = 1 << 18
_AT_ONCE = 1 << 20
_LONGEST_COMMAND = 1 << 20

_QUIT, _QUERY, _STATISTICS, _PING = 0x01, 0x03, 0x09, 0x0E
_DUMP, _REGISTER, _SET_OPTION, _DUMP_GTID = 0x12, 0x15, 0x1B, 0x1E
# While the log is sent a replica says nothing but this, and that with semi-synchronous replication only.
_ACKNOWLEDGE = 0xEF
_DUMPS = frozenset({_DUMP, _DUMP_GTID})
_COMMANDS = _DUMPS | {_QUIT, _QUERY, _STATISTICS, _PING, _REGISTER, _SET_OPTION, _ACKNOWLEDGE}


class Forbidden(Exception):
    """The replica's side sent a command that no replica needs, such as a change of user."""


@dataclass(frozen=True)
class Upstream:
    """A session on the new server, logged in, that speaks through `sock` from now on."""

    sock: socket.socket
    version: str


def log_in(endpoint: Endpoint, timeouts: Timeouts) -> Upstream:
    """Log in to the new server by whatever method it asks for.

    Raises:
        ServerError: unreachable, or it refused the account.
    """
    raw = Connection(endpoint, timeouts).raw
    # The driver logs in; what follows are packets of a replica, for which it has no words. It has read every
    # answer to the end, so nothing of the stream is left in its buffer.
    sock: socket.socket = raw._sock  # type: ignore[attr-defined]
    raw._rfile.close()  # type: ignore[attr-defined]
    # Otherwise the driver closes it along with its own object.
    raw._sock = None  # type: ignore[attr-defined]
    return Upstream(sock, str(raw.get_server_info()))  # type: ignore[no-untyped-call]


def tune(sock: socket.socket) -> None:
    """Small packets at once, and notice a peer that is gone without a word."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, seconds in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), seconds)


class _Commands:
    """The replica's packets: whole ones go on, and those no replica sends do not."""

    def __init__(self) -> None:
        self._held = bytearray()
        self.dumping = False

    def feed(self, data: bytes) -> bytes:
        """Bytes from the replica in, bytes for the source out.

        Raises:
            Forbidden: a command that is not let through.
            Malformed: longer than any command of a replica.
        """
        self._held += data
        at = 0
        while len(self._held) - at >= wire.HEAD:
            size = wire.size_at(self._held, at)
            if size > _LONGEST_COMMAND:
                raise Malformed(f"a command of {size} bytes")
            if at + wire.HEAD + size > len(self._held):
                break
            command = self._held[at + wire.HEAD] if size else None
            if command not in _COMMANDS:
                raise Forbidden(f"command {command}")
            self.dumping = self.dumping or command in _DUMPS
            at += wire.HEAD + size
        ready = bytes(memoryview(self._held)[:at])
        del self._held[:at]
        return ready


class Relay:
    """Carries packets between a replica and the new server, both logged in."""

    def __init__(self, replica: socket.socket, upstream: socket.socket, table: Mapping[int, int]) -> None:
        self._replica = replica
        self._upstream = upstream
        self._commands = _Commands()
        self._events = EventStream(table)

    @property
    def replaced(self) -> Counter[int]:
        """How often each collation number was replaced."""
        return self._events.replaced

    def run(self, stop: int) -> None:
        """Carry on until a side closes, or the file descriptor `stop` becomes readable.

        Raises:
            Forbidden: the replica's side asked for what no replica needs; it has been refused.
            Malformed: the replica's side sent no packets.
            OSError: a connection broke.
        """
        with selectors.DefaultSelector() as ready:
            ready.register(stop, selectors.EVENT_READ)
            ready.register(self._replica, selectors.EVENT_READ)
            ready.register(self._upstream, selectors.EVENT_READ)
            while True:
                waiting = _decrypted(self._upstream)
                found = {key.fileobj for key, _ in ready.select(0 if waiting else None)}
                if stop in found:
                    return
                if self._replica in found and not self._up():
                    return
                if (waiting or self._upstream in found) and not self._down():
                    return

    def _up(self) -> bool:
        data, open_ = _received(self._replica)
        try:
            ready = self._commands.feed(data)
        except Forbidden:
            self._replica.sendall(wire.error(1, wire.UNKNOWN_COMMAND, "The bridge carries replication only"))
            raise
        _send(self._upstream, ready)
        return open_

    def _down(self) -> bool:
        data, open_ = _received(self._upstream)
        _send(self._replica, self._events.feed(data) if self._commands.dumping else data)
        return open_


def _decrypted(sock: socket.socket) -> bool:
    """Whether there are bytes that TLS has taken from the network already, so that no selector sees them."""
    return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0


def _received(sock: socket.socket) -> tuple[bytes, bool]:
    """What is there now, as far as it is not too much at once; and whether more can come."""
    sock.settimeout(0)
    parts = bytearray()
    while len(parts) < _AT_ONCE:
        try:
            data = sock.recv(_CHUNK)
        except (BlockingIOError, ssl.SSLWantReadError):
            break
        if not data:
            return bytes(parts), False
        parts += data
    return bytes(parts), True


def _send(sock: socket.socket, data: bytes) -> None:
    if data:
        sock.settimeout(_SEND_S)
        sock.sendall(data)
