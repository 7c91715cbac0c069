"""Table maps: what a row event's columns are, as the event before it says.

Source: MySQL source code documentation, "Table_map_event" and its table of metadata by column type.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from providers.mysql.binlog.walkers import Width
from providers.mysql.packets import wire
from providers.mysql.packets.wire import length_encoded

# Types that only row events have: those with fractional seconds in MySQL's newer form, and MariaDB's compressed ones.
TIMESTAMP2, DATETIME2, TIME2 = 17, 18, 19
BLOB_COMPRESSED, VARCHAR_COMPRESSED = 140, 141

# Temporal types in the form of servers before 5.6: tables made then keep it until they are rebuilt.
OLD_FORM = frozenset({wire.TIMESTAMP, wire.TIME, wire.DATETIME})

_FIXED = {
    wire.TINY: 1, wire.SHORT: 2, wire.INT24: 3, wire.LONG: 4, wire.LONGLONG: 8, wire.FLOAT: 4, wire.DOUBLE: 8,
    wire.YEAR: 1, wire.DATE: 3, 14: 3, wire.TIME: 3, wire.TIMESTAMP: 4, wire.DATETIME: 8,
}  # fmt: skip
_FRACTIONAL = {TIMESTAMP2: 4, DATETIME2: 5, TIME2: 3}
# Their metadata is one byte: how many bytes of length stand before a value (of FLOAT and DOUBLE: the value's size).
_LONG = frozenset(
    {wire.BLOB, wire.TINY_BLOB, wire.MEDIUM_BLOB, wire.LONG_BLOB, wire.JSON, wire.GEOMETRY, wire.VECTOR,
     BLOB_COMPRESSED}
)  # fmt: skip
_ONE_BYTE = _LONG | {wire.FLOAT, wire.DOUBLE, *_FRACTIONAL}
_TWO_BYTES = frozenset({wire.VARCHAR, VARCHAR_COMPRESSED, wire.NEWDECIMAL, wire.BIT, wire.STRING})
# Bytes that the digits left over from groups of nine take in a packed decimal.
DIGITS = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)


@dataclass(frozen=True)
class TableMap:
    """A table as the log describes it; `widths` is None where a column has a type that is not known here.

    `types`: numbers as in the map, those of ENUM and SET resolved.
    """

    database: str
    name: str
    types: tuple[int, ...]
    widths: tuple[Width, ...] | None


def parse(body: bytes) -> TableMap:
    """Read the event's body behind the six bytes of the table's number.

    Raises:
        ValueError, IndexError: it is not laid out as documented.
    """
    database, at = _name(body, 2)
    name, at = _name(body, at)
    count, at = length_encoded(body, at)
    types = list(body[at : at + count])
    size, at = length_encoded(body, at + count)
    end = at + size
    widths: list[Width | None] = []
    for number, kind in enumerate(types):
        length = 1 if kind in _ONE_BYTE else 2 if kind in _TWO_BYTES else 0
        meta = body[at : at + length]
        at += length
        types[number], width = _column(kind, meta)
        widths.append(width)
        if width is None:
            # How much metadata such a type has is not known, so those after it cannot be read either.
            return TableMap(database, name, tuple(types), None)
    if at != end:
        raise ValueError(f"the metadata of {database}.{name} should end at {end} and ends at {at}")
    return TableMap(database, name, tuple(types), tuple(width for width in widths if width is not None))


def _name(body: bytes, at: int) -> tuple[str, int]:
    size = body[at]
    return body[at + 1 : at + 1 + size].decode("utf-8", "replace"), at + size + 2


def _column(kind: int, meta: bytes) -> tuple[int, Width | None]:
    if kind in _FIXED:
        return kind, Width(False, _FIXED[kind])
    if kind in _FRACTIONAL:
        return kind, Width(False, _FRACTIONAL[kind] + (meta[0] + 1) // 2)
    if kind in _LONG:
        return kind, Width(True, meta[0])
    if kind in (wire.VARCHAR, VARCHAR_COMPRESSED):
        return kind, Width(True, 1 if struct.unpack("<H", meta)[0] < 256 else 2)
    if kind == wire.NEWDECIMAL:
        return kind, Width(False, decimal_size(meta[0], meta[1]))
    if kind == wire.BIT:
        return kind, Width(False, meta[1] + (meta[0] > 0))
    if kind == wire.STRING:
        return _string(meta)
    return kind, None


def _string(meta: bytes) -> tuple[int, Width]:
    """CHAR, BINARY, ENUM and SET: the first byte is the true type, with two bits of a long CHAR's size in it."""
    first, second = meta
    if first & 0x30 != 0x30:
        size = second | ((first & 0x30) ^ 0x30) << 4
        return wire.STRING, Width(True, 1 if size < 256 else 2)
    if first in (wire.ENUM, wire.SET):
        return first, Width(False, second)
    return first, Width(True, 1)


def decimal_size(precision: int, scale: int) -> int:
    """Bytes of a packed DECIMAL(precision, scale): four for each nine digits, on either side of the point."""
    whole = precision - scale
    return whole // 9 * 4 + DIGITS[whole % 9] + scale // 9 * 4 + DIGITS[scale % 9]
