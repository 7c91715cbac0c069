"""Two servers' row packets of one range: which rows differ, and how that is told.

Fails closed: packets that are not equal, although no row of theirs differs, are an error and never "equal".
"""

from __future__ import annotations

from collections.abc import Mapping

from migration.verify.model import Difference, Kind
from migration.verify.shapes import Shape
from migration.verify.signatures import Select
from providers.mysql.errors import ServerError
from providers.mysql.packets import wire
from providers.mysql.packets.packets import Packets
from providers.mysql.packets.rows import Key, RowLayout, shown
from providers.mysql.packets.wire import WireType

Rows = tuple[bytes | None, bytes | None]
"""A row's payload on the source and on the target, None where it is not there."""

_MINUS_ZERO = {wire.FLOAT: b"\0\0\0\x80", wire.DOUBLE: b"\0\0\0\0\0\0\0\x80"}


class Unexplained(ServerError):
    """Rows that cannot be compared: answers of other columns, or packets that differ where no row does."""


def differing(layout: RowLayout, a: Packets, b: Packets, *, signless: bool = False) -> Mapping[Key, Rows]:
    """The rows in which the source's packets `a` and the target's `b` differ, by key; empty where they are equal.

    Both must be in the order of the key. `signless`: -0.0 and 0.0 count as equal (`Shape.signless`).

    Raises:
        Unexplained: the bytes differ and no row does, or a key stands there twice.
    """
    if a.same_as(b):
        return {}
    pairs = _pairs(layout, a, b)
    if all(here == there for here, there in pairs.values()):
        raise Unexplained("", "Both servers sent the same rows, but in another order or as other packets.")
    return unequal(layout, pairs, signless=signless)


def differing_unordered(layout: RowLayout, a: Packets, b: Packets, *, signless: bool = False) -> Mapping[Key, Rows]:
    """As `differing`, for rows that come in any order."""
    if a.same_as(b):
        return {}
    return unequal(layout, _pairs(layout, a, b), signless=signless)


def _pairs(layout: RowLayout, a: Packets, b: Packets) -> dict[Key, Rows]:
    here, there = by_key(layout, a), by_key(layout, b)
    return {key: (here.get(key), there.get(key)) for key in {**here, **there}}


def unequal(layout: RowLayout, pairs: Mapping[Key, Rows], *, signless: bool) -> Mapping[Key, Rows]:
    """Those of pairs of rows that differ."""
    found = {key: rows for key, rows in pairs.items() if rows[0] != rows[1]}
    return without_signs(layout, found) if signless else found


def by_key(layout: RowLayout, packets: Packets) -> dict[Key, bytes]:
    """The rows' payloads by their key.

    Raises:
        Unexplained: two rows of one key.
    """
    rows: dict[Key, bytes] = {}
    number = 0
    for buffer, start, end in packets.rows():
        rows[layout.key(buffer, start)] = bytes(buffer[start:end])
        number += 1
    if len(rows) != number:
        raise Unexplained("", f"{number} rows have {len(rows)} keys: what should be unique is not.")
    return rows


def without_signs(layout: RowLayout, unequal: Mapping[Key, Rows]) -> Mapping[Key, Rows]:
    """What is left where -0.0 and 0.0 are equal; they are no parts of keys here."""
    return {
        key: rows
        for key, rows in unequal.items()
        if rows[0] is None or rows[1] is None or unequal_columns(layout, rows[0], rows[1], signless=True)
    }


def unequal_columns(layout: RowLayout, a: bytes, b: bytes, *, signless: bool = False) -> tuple[int, ...]:
    """The numbers of the columns in which two rows differ."""
    pairs = zip(layout.values(a, 0, len(a)), layout.values(b, 0, len(b)), layout.columns, strict=True)
    return tuple(
        number
        for number, (one, other, column) in enumerate(pairs)
        if (_signless(one, column) != _signless(other, column) if signless else one != other)
    )


def _signless(value: bytes | None, column: WireType) -> bytes | None:
    return bytes(len(value)) if value is not None and value == _MINUS_ZERO.get(column.type) else value


def signless_row(layout: RowLayout, row: bytes) -> bytes:
    """A row's values with 0.0 in place of -0.0, as bytes of which only equality says something."""
    values = (
        _signless(value, column) for value, column in zip(layout.values(row, 0, len(row)), layout.columns, strict=True)
    )
    return repr(tuple(values)).encode()


def difference(shape: Shape, layout: RowLayout, key: Key, a: bytes | None, b: bytes | None) -> Difference:
    """A row that differs, for people: `a` on the source, `b` on the target, None where it is not there."""
    named = tuple(
        (select.name, _key_shown(select, value, column))
        for select, value, column in zip(shape.key, key, layout.columns, strict=False)
    )
    if a is None:
        return Difference(shape.table, Kind.EXTRA, named)
    if b is None:
        return Difference(shape.table, Kind.MISSING, named)
    columns = unequal_columns(layout, a, b, signless=shape.signless)
    return Difference(shape.table, Kind.CHANGED, named, tuple(shape.columns[number].name for number in columns))


def _key_shown(select: Select, value: bytes, column: WireType) -> str:
    if not select.numbered:
        return shown(value, column, select.charset)
    number, kind = int.from_bytes(value, "little"), select.column.data_type
    if kind == "enum":
        members = ("", *select.members)
        return members[number] if number < len(members) else str(number)
    if kind == "set":
        return ",".join(member for bit, member in enumerate(select.members) if number >> bit & 1)
    bits = int(select.column.column_type.partition("(")[2].rstrip(")") or 1)
    return f"0x{number:0{(bits + 7) // 8 * 2}x}"


def same_wire(here: tuple[WireType, ...], there: tuple[WireType, ...]) -> bool:
    """Whether equal values of two answers' columns are equal bytes."""
    return len(here) == len(there) and all(map(_same_form, here, there))


def _same_form(one: WireType, other: WireType) -> bool:
    if one.type in wire.INTEGERS or other.type in wire.INTEGERS:
        return wire.INTEGERS.get(one.type) == wire.INTEGERS.get(other.type) and one.unsigned == other.unsigned
    if one.type in wire.COUNTED and other.type in wire.COUNTED:
        return True
    return one.type == other.type or {one.type, other.type} <= {wire.TIMESTAMP, wire.DATETIME}
