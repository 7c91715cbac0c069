"""A complete answer taken apart: its columns, where its rows stand, or the server's error."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from providers.mysql.packets.endings import EOF_SIZE
from providers.mysql.packets.packets import Packets
from providers.mysql.packets.wire import MOST, Buffer, WireType, column_type, frames, length_encoded

# An error's text has 512 bytes at most: MySQL manual, "ERR_Packet"; MYSQL_ERRMSG_SIZE.
_LONGEST_ERROR = 1024
_ERR, _EOF = 0xFF, 0xFE


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
    if buffer[4] == _ERR:
        raise said(buffer, 4, 4 + size_at(buffer, 0))
    if buffer[4] == 0x00:
        raise NotUnderstood("a statement without rows")
    head = known if known is not None and buffer.startswith(known.raw) else _read_head(buffer, 0, upto)
    at = len(head.raw)
    if buffer[at + 4] == _ERR:
        raise said(buffer, at + 4, at + 4 + size_at(buffer, at))
    if buffer[at] != 5 or buffer[at + 4] != _EOF:
        raise NotUnderstood("no end after the columns")
    start, end = at + EOF_SIZE, upto - EOF_SIZE
    _look_for_error(buffer, start, upto)
    if end < start or buffer[end : end + 3] != b"\x05\x00\x00" or buffer[end + 4] != _EOF:
        raise NotUnderstood("no end after the rows")
    return head, Packets(buffer, start, end, buffer[end + 3])


def take_together(buffer: Buffer, upto: int, number: int) -> list[tuple[Head, Packets] | None]:
    """The results of statements that were sent one behind the other; None for one that the server refused.

    Raises:
        NotUnderstood: `buffer[:upto]` is something else, or a row came in several packets.
    """
    found: list[tuple[Head, Packets] | None] = []
    at = 0
    for _ in range(number):
        if at + 5 > upto:
            raise NotUnderstood("fewer answers than statements")
        if buffer[at + 4] == _ERR:
            found.append(None)
            at += 4 + size_at(buffer, at)
            continue
        head = _read_head(buffer, at, upto)
        at += len(head.raw)
        if buffer[at] != 5 or buffer[at + 4] != _EOF:
            raise NotUnderstood("no end after the columns")
        start = at + EOF_SIZE
        end, refused = _end_of_rows(buffer, start, upto)
        at = end + 4 + size_at(buffer, end)
        found.append(None if refused else (head, Packets(buffer, start, end, buffer[end + 3])))
    if at != upto:
        raise NotUnderstood("more answers than statements")
    return found


def _end_of_rows(buffer: Buffer, at: int, upto: int) -> tuple[int, bool]:
    """Where the packet behind the rows from `at` on begins, and whether it is an error."""
    while at + 4 < upto:
        size, first = size_at(buffer, at), buffer[at + 4]
        if size == MOST:
            raise NotUnderstood("a row of more than one packet")
        if first == _ERR or (first == _EOF and size < EOF_SIZE):
            return at, first == _ERR
        at += 4 + size
    raise NotUnderstood("no end after the rows")


def _read_head(buffer: Buffer, start: int, upto: int) -> Head:
    """The head of the result that begins at `start`."""
    columns, _ = length_encoded(buffer, start + 4)
    at, types = start + 4 + size_at(buffer, start), []
    for _ in range(columns):
        if at + 4 >= upto:
            raise NotUnderstood("an answer that ends within its columns")
        size = size_at(buffer, at)
        if buffer[at + 4] == _ERR:
            raise said(buffer, at + 4, at + 4 + size)
        types.append(column_type(buffer, at + 4))
        at += 4 + size
    return Head(bytes(buffer[start:at]), tuple(types))


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
        if not goes_on and buffer[at + 4] == _ERR:
            raise said(buffer, at + 4, at + 4 + size)
        goes_on = size == MOST
        at += 4 + size


def only_error(buffer: Buffer, have: int) -> ServerSaid | None:
    """The error that a server sent before it closed the connection, where that is all that came."""
    if have < 9 or buffer[4] != _ERR or size_at(buffer, 0) + 4 != have:
        return None
    return next(said(buffer, at, end) for _, at, end in frames(buffer, 0, have))
