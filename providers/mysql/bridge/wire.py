"""Packets of the client/server protocol: their frames, and the few that the bridge makes itself.

Source: MySQL source code documentation, "Client/Server Protocol", "MySQL Packets" and "Generic Response Packets".
"""

from __future__ import annotations

import socket
import struct

HEAD = 4
# A frame of this size has a continuation, so a payload of it has an empty one.
FULL = 0xFFFFFF

ACCESS_DENIED = 1045
TOO_MANY = 1040
UNKNOWN_COMMAND = 1047
UNKNOWN_ERROR = 1105

_SQLSTATES = {ACCESS_DENIED: b"28000", TOO_MANY: b"08004", UNKNOWN_COMMAND: b"08S01"}
_AUTOCOMMIT = 2
_LONGEST_LOGIN = 65_536


class Malformed(Exception):
    """What came is no packet of this protocol."""


class Gone(Exception):
    """The other side has closed the connection."""


def frame(sequence: int, payload: bytes) -> bytes:
    """One packet with less than 16 MiB of payload, as it goes over the wire."""
    return struct.pack("<I", len(payload))[:3] + bytes([sequence & 0xFF]) + payload


def size_at(buffer: bytes | bytearray, at: int) -> int:
    """The payload's length, from the head of the frame that begins at `at`."""
    return buffer[at] | buffer[at + 1] << 8 | buffer[at + 2] << 16


def read_packet(sock: socket.socket) -> tuple[int, bytes]:
    """One packet of a login: its sequence number and its payload.

    Raises:
        Gone: there is no whole one any more.
        Malformed: it is far longer than any login.
    """
    head = _exactly(sock, HEAD)
    size = size_at(head, 0)
    if size > _LONGEST_LOGIN:
        raise Malformed(f"a login of {size} bytes")
    return head[3], _exactly(sock, size)


def _exactly(sock: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        data = sock.recv(count - len(parts))
        if not data:
            raise Gone
        parts += data
    return bytes(parts)


def ok(sequence: int) -> bytes:
    """The answer to a login that succeeded."""
    return frame(sequence, b"\x00\x00\x00" + struct.pack("<HH", _AUTOCOMMIT, 0))


def error(sequence: int, code: int, words: str) -> bytes:
    """The answer that refuses."""
    state = _SQLSTATES.get(code, b"HY000")
    return frame(sequence, b"\xff" + struct.pack("<H", code) + b"#" + state + words.encode()[:500])
