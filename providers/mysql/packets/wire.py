"""The binary protocol's elements: lengths, packets, column types and parameters.

Sources: MySQL manual, "Client/Server Protocol" (Basic Data Types, Binary Protocol Resultset, COM_STMT_EXECUTE).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

Buffer = bytes | bytearray
Span = tuple[Buffer, int, int]
"""A buffer, and where in it something begins and ends."""

MOST = 0xFFFFFF
"""Bytes of a packet's payload at most; what is longer goes on in the next packet."""

# Column types: MySQL manual, "Column Definition" (enum_field_types).
DECIMAL, TINY, SHORT, LONG, FLOAT, DOUBLE, NULL, TIMESTAMP, LONGLONG, INT24 = range(10)
DATE, TIME, DATETIME, YEAR = 10, 11, 12, 13
VARCHAR, BIT, VECTOR, JSON, NEWDECIMAL, ENUM, SET = 15, 16, 242, 245, 246, 247, 248
TINY_BLOB, MEDIUM_BLOB, LONG_BLOB, BLOB, VAR_STRING, STRING, GEOMETRY = range(249, 256)

INTEGERS = {TINY: 1, SHORT: 2, LONG: 4, LONGLONG: 8, INT24: 4, YEAR: 2}
"""Bytes of each integer type in a binary row."""
FIXED = {**INTEGERS, FLOAT: 4, DOUBLE: 8}
"""Bytes of each type whose values are all equally long in a binary row."""
TEMPORAL = frozenset({TIMESTAMP, DATE, TIME, DATETIME})
"""Types whose values begin with one byte that says how many follow."""
COUNTED = frozenset({DECIMAL, VARCHAR, BIT, VECTOR, JSON, NEWDECIMAL, ENUM, SET, *range(TINY_BLOB, GEOMETRY + 1)})
"""Types whose values begin with a length-encoded length."""

BINARY = 63
"""The character set number of bytes that are no text."""
UNSIGNED = 0x8000
_UNSIGNED_FLAG = 32


def length_encoded(buffer: Buffer, at: int) -> tuple[int, int]:
    """The length-encoded integer at `at`, and where it ends. A row's 0xfb (NULL in the text protocol) is not one."""
    first = buffer[at]
    if first < 251:
        return first, at + 1
    if first == 252:
        return buffer[at + 1] | buffer[at + 2] << 8, at + 3
    if first == 253:
        return buffer[at + 1] | buffer[at + 2] << 8 | buffer[at + 3] << 16, at + 4
    if first == 254:
        return int.from_bytes(buffer[at + 1 : at + 9], "little"), at + 9
    raise ValueError(f"no length begins with the byte {first:#x}")


def encode_length(number: int) -> bytes:
    """A number as `length_encoded` reads it."""
    if number < 251:
        return bytes((number,))
    if number < 1 << 16:
        return b"\xfc" + number.to_bytes(2, "little")
    if number < 1 << 24:
        return b"\xfd" + number.to_bytes(3, "little")
    return b"\xfe" + number.to_bytes(8, "little")


def frames(buffer: Buffer, start: int, end: int) -> Iterator[Span]:
    """The payloads of the packets between `start` and `end`; what came in several packets is joined.

    Raises:
        ValueError: the packets do not end at `end`.
    """
    at = start
    while at < end:
        size = buffer[at] | buffer[at + 1] << 8 | buffer[at + 2] << 16
        if size < MOST:
            yield buffer, at + 4, at + 4 + size
            at += 4 + size
            continue
        joined = bytearray()
        while size == MOST:
            joined += buffer[at + 4 : at + 4 + size]
            at += 4 + size
            size = buffer[at] | buffer[at + 1] << 8 | buffer[at + 2] << 16
        joined += buffer[at + 4 : at + 4 + size]
        at += 4 + size
        yield joined, 0, len(joined)
    if at != end:
        raise ValueError(f"packets that should end at {end} end at {at}")


def packed(payload: bytes, sequence: int = 0) -> bytes:
    """A payload as packets, the first of them numbered `sequence`."""
    if len(payload) < MOST:
        return struct.pack("<I", len(payload) | sequence << 24) + payload
    parts = []
    for number, at in enumerate(range(0, len(payload) + 1, MOST), sequence):
        part = payload[at : at + MOST]
        parts += [struct.pack("<I", len(part) | (number & 0xFF) << 24), part]
    return b"".join(parts)


@dataclass(frozen=True)
class WireType:
    """How a result's column is sent: its type number, whether it is unsigned, and its collation's number."""

    type: int
    unsigned: bool
    charset: int


def column_type(buffer: Buffer, at: int) -> WireType:
    """The type that the column definition whose payload begins at `at` gives."""
    for _ in range(6):  # catalog, database, table, original table, name, original name
        size, at = length_encoded(buffer, at)
        at += size
    charset, _, kind, flags = struct.unpack_from("<HIBH", buffer, at + 1)
    return WireType(kind, bool(flags & _UNSIGNED_FLAG), charset)


@dataclass(frozen=True)
class Param:
    """A value for a statement's `?`: its type code (with 0x8000 where it is unsigned) and its bytes on the wire."""

    type: int
    value: bytes

    @classmethod
    def null(cls) -> Param:
        """NULL."""
        return cls(NULL, b"")

    @classmethod
    def integer(cls, number: int, unsigned: bool = False) -> Param:
        """A whole number of 64 bits; `unsigned` for columns that are."""
        return cls(LONGLONG | UNSIGNED * unsigned, struct.pack("<Q" if unsigned else "<q", number))

    @classmethod
    def double(cls, number: float) -> Param:
        """A number in floating point."""
        return cls(DOUBLE, struct.pack("<d", number))

    @classmethod
    def decimal(cls, digits: str) -> Param:
        """An exact decimal number, such as `-12.50`."""
        return cls(NEWDECIMAL, counted(digits.encode("ascii")))

    @classmethod
    def blob(cls, content: bytes) -> Param:
        """Bytes that are no text, or text that the statement converts itself: `rows.placeholder`."""
        return cls(BLOB, counted(content))

    @classmethod
    def text(cls, content: bytes) -> Param:
        """Text in UTF-8."""
        return cls(VAR_STRING, counted(content))


def counted(content: bytes) -> bytes:
    """Bytes with their length-encoded length before them."""
    return encode_length(len(content)) + content


def execution(statement: int, params: tuple[Param, ...] | list[Param]) -> bytes:
    """The payload of a COM_STMT_EXECUTE without a cursor."""
    head = struct.pack("<BIBI", 0x17, statement, 0, 1)
    if not params:
        return head
    nulls = bytearray((len(params) + 7) // 8)
    for number, param in enumerate(params):
        if param.type == NULL:
            nulls[number >> 3] |= 1 << (number & 7)
    types = struct.pack(f"<{len(params)}H", *(param.type for param in params))
    return b"".join((head, nulls, b"\x01", types, *(param.value for param in params)))
