"""A complete answer taken apart: its columns, where its rows stand, or the server's error."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from providers.mysql.packets.endings import EOF_SIZE
from providers.mysql.packets.packets import Packets
from providers.mysql.packets.wire import MOST, Buffer, WireType, column_type, frames, length_encoded

# An error's text has 512 bytes at most: MySQL manual, "ERR_Packet"; MYSQL_ERRMSG_SIZE.
_LONGEST_ERROR = 1024


class ServerSaid(Exception):
    """The server answered with an error: its code and its words."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(code, words)


class NotUnderstood(Exception):
    """An answer that is not what the protocol says."""


@dataclass(frozen=True)
class Head:
    """The packets before a result's rows, byte for byte, and the columns that they describe."""

    raw: bytes
    columns: tuple[WireType, ...]


def size_at(buffer: Buffer, at: int) -> int:
    """The length of the payload of the packet at `at`."""
    return buffer[at] | buffer[at + 1] << 8 | buffer[at + 2] << 16


def said(buffer: Buffer, at: int, end: int) -> ServerSaid:
    """The error whose payload begins at `at`."""
    (code,) = struct.unpack_from("<H", buffer, at + 1)
    words = at + (9 if buffer[at + 3 : at + 4] == b"#" else 3)
    return ServerSaid(code, bytes(buffer[words:end]).decode("utf-8", "replace"))


def take_apart(buffer: Buffer, upto: int, known: Head | None) -> tuple[Head, Packets]:
    """The result that stands in `buffer[:upto]`. `known`: what its head was the last time.

    Raises:
        ServerSaid: the server answered with an error, before the rows or in the middle of them.
        NotUnderstood: it is no result.
    """
    if upto < 5:
        raise NotUnderstood("an answer of no packet")
    if buffer[4] == 0xFF:
        raise said(buffer, 4, 4 + size_at(buffer, 0))
    if buffer[4] == 0x00:
        raise NotUnderstood("a statement without rows")
    head = known if known is not None and buffer.startswith(known.raw) else read_head(buffer, upto)
    at = len(head.raw)
    if buffer[at + 4] == 0xFF:
        raise said(buffer, at + 4, at + 4 + size_at(buffer, at))
    if buffer[at] != 5 or buffer[at + 4] != 0xFE:
        raise NotUnderstood("no end after the columns")
    start, end = at + EOF_SIZE, upto - EOF_SIZE
    _look_for_error(buffer, start, upto)
    if end < start or buffer[end : end + 3] != b"\x05\x00\x00" or buffer[end + 4] != 0xFE:
        raise NotUnderstood("no end after the rows")
    return head, Packets(buffer, start, end, buffer[end + 3])


def read_head(buffer: Buffer, upto: int) -> Head:
    """The head of the result in `buffer[:upto]`."""
    columns, _ = length_encoded(buffer, 4)
    at, types = 4 + size_at(buffer, 0), []
    for _ in range(columns):
        if at + 4 >= upto:
            raise NotUnderstood("an answer that ends within its columns")
        size = size_at(buffer, at)
        if buffer[at + 4] == 0xFF:
            raise said(buffer, at + 4, at + 4 + size)
        types.append(column_type(buffer, at + 4))
        at += 4 + size
    return Head(bytes(buffer[:at]), tuple(types))


def _look_for_error(buffer: Buffer, start: int, upto: int) -> None:
    """Raise the error that ends the rows, where one does: only then it is worth to walk over them."""
    tail_at = max(start, upto - _LONGEST_ERROR)
    tail = bytes(buffer[tail_at:upto])
    mark = tail.find(0xFF, 4)
    while mark >= 0:
        at = tail_at + mark - 4
        if at + 4 + size_at(buffer, at) == upto:
            _walk_to_error(buffer, start, upto)
            return
        mark = tail.find(0xFF, mark + 1)


def _walk_to_error(buffer: Buffer, start: int, upto: int) -> None:
    goes_on, at = False, start
    while at < upto:
        size = size_at(buffer, at)
        if not goes_on and buffer[at + 4] == 0xFF:
            raise said(buffer, at + 4, at + 4 + size)
        goes_on = size == MOST
        at += 4 + size


def only_error(buffer: Buffer, have: int) -> ServerSaid | None:
    """The error that a server sent before it closed the connection, where that is all that came."""
    if have < 9 or buffer[4] != 0xFF or size_at(buffer, 0) + 4 != have:
        return None
    return next(said(buffer, at, end) for _, at, end in frames(buffer, 0, have))
