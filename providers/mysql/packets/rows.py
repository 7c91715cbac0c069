"""Binary rows taken apart: keys to be sent back as parameters, and values for people.

Every value is kept in the form in which the protocol sends it, with the length that stands before it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from providers.mysql.literals import quote_name
from providers.mysql.packets import wire
from providers.mysql.packets.wire import Buffer, Param, WireType, length_encoded

Key = tuple[bytes, ...]

SPOKEN = frozenset({"utf8mb4", "utf8mb3", "utf8", "ascii"})
"""Character sets whose text is sent as it is: the session's own, and parts of it."""

_SHOWN = 400
_SENT_AS_TEXT = frozenset({"uuid", "inet4", "inet6"})
# Python's names for the servers' character sets, where they differ: latin1 is Windows' there.
_CODECS = {"latin1": "cp1252", "utf8mb4": "utf-8", "utf8mb3": "utf-8", "utf8": "utf-8", "ucs2": "utf-16-be",
           "utf16": "utf-16-be", "utf16le": "utf-16-le", "utf32": "utf-32-be", "ujis": "euc_jp", "eucjpms": "euc_jp",
           "sjis": "cp932", "euckr": "cp949", "gb2312": "gb2312", "gbk": "gbk", "gb18030": "gb18030", "big5": "cp950",
           "koi8r": "koi8_r", "koi8u": "koi8_u", "greek": "iso8859_7", "hebrew": "iso8859_8", "latin2": "iso8859_2",
           "latin5": "iso8859_9", "latin7": "iso8859_13", "tis620": "cp874", "macroman": "mac_roman",
           "macce": "mac_latin2"}  # fmt: skip
# What the binary protocol takes as a parameter has fewer types than what it sends.
_SENT = {wire.INT24: wire.LONG, wire.YEAR: wire.SHORT, wire.DECIMAL: wire.NEWDECIMAL}


def placeholder(charset: str | None, collation: str | None, data_type: str = "") -> str:
    """The SQL that takes a parameter of `RowLayout.params` for a column of that character set (None: no text).

    `data_type`: the column's, in lower case. MariaDB's UUID, INET4 and INET6 are sent as text, but come with the
    character set of bytes; bytes they would take for their inner form, and find nothing.

    Text in a character set that the session does not speak is sent as bytes, and named to the server here: so it is
    compared as what the column holds, by the column's own collation, and its index can be used.
    """
    if data_type in _SENT_AS_TEXT:
        return "CONVERT(? USING ascii)"
    if charset is None or charset in SPOKEN or charset == "binary":
        return "?"
    if collation is None:
        return f"CONVERT(? USING {charset})"
    return f"CONVERT(? USING {charset}) COLLATE {quote_name(collation)}"


def spoken(collation: int) -> bool:
    """Whether the collation with that number belongs to one of the `SPOKEN` character sets.

    Numbers: information_schema.COLLATIONS. MariaDB adds 1024 for NO PAD ones and has UCA 14.0.0 at 2048 and after:
    256 each for utf8mb3, utf8mb4, ucs2, utf16 and utf32.
    """
    if collation >= 2048:
        return collation < 2048 + 2 * 256
    number = collation - 1024 if collation >= 1024 else collation
    return (
        number in (11, 33, 45, 46, 65, 76, 83)
        or 192 <= number <= 247  # utf8mb3_unicode_ci and after, utf8mb4_unicode_ci and after
        or 255 <= number <= 323
        or 576 <= number <= 578  # MariaDB's Croatian, Myanmar and Thai of utf8mb3
        or 608 <= number <= 610  # and of utf8mb4
    )


class RowLayout:
    """Where the columns of a binary row stand. Not for rows of the text protocol.

    `columns` as the statement sends them, `keys` of which, the first, are the key.
    """

    def __init__(self, columns: Sequence[WireType], keys: int) -> None:
        """Look at the columns.

        Raises:
            ValueError: a type that this program does not know, or fewer columns than keys.
        """
        self.columns = tuple(columns)
        self.keys = keys
        if keys > len(self.columns):
            raise ValueError(f"{keys} key columns in a row of {len(self.columns)}")
        for column in self.columns:
            if column.type not in wire.FIXED and column.type not in wire.TEMPORAL | wire.COUNTED | {wire.NULL}:
                raise ValueError(f"the column type {column.type} is not known")
        self._values_at = 1 + (len(self.columns) + 9) // 8
        self._kinds = tuple(_kind(column) for column in self.columns)
        self._cuts = self._fixed_cuts()

    def _fixed_cuts(self) -> tuple[tuple[int, int], ...] | None:
        """Where the key's values stand in every row, None where that differs from row to row."""
        kinds, cuts, at = self._kinds[: self.keys], [], self._values_at
        if any(kind <= 0 for kind in kinds):
            return None
        for width in kinds:
            cuts.append((at, at + width))
            at += width
        return tuple(cuts)

    def key(self, buffer: Buffer, start: int) -> Key:
        """The key of the row whose payload begins at `start`: its values as the protocol sends them.

        Raises:
            ValueError: NULL in a key column: it names no row.
        """
        if any(buffer[start + 1 + (bit >> 3)] >> (bit & 7) & 1 for bit in range(2, 2 + self.keys)):
            raise ValueError("NULL in a key column")
        if self._cuts is not None:
            return tuple(bytes(buffer[start + begin : start + end]) for begin, end in self._cuts)
        at, values = start + self._values_at, []
        for kind in self._kinds[: self.keys]:
            end = _value_end(buffer, at, kind)
            values.append(bytes(buffer[at:end]))
            at = end
        return tuple(values)

    def params(self, key: Key) -> tuple[Param, ...]:
        """A key as parameters; text in a character set that is not `SPOKEN` needs `placeholder` in the SQL."""
        return tuple(map(param, key, self.columns))

    def values(self, buffer: Buffer, start: int, end: int) -> tuple[bytes | None, ...]:
        """All values of the row whose payload stands between `start` and `end`, None for NULL.

        Raises:
            ValueError: the row is not what its columns say.
        """
        at, values = start + self._values_at, list[bytes | None]()
        for bit, kind in enumerate(self._kinds, 2):
            if buffer[start + 1 + (bit >> 3)] >> (bit & 7) & 1:
                values.append(None)
                continue
            upto = _value_end(buffer, at, kind)
            values.append(bytes(buffer[at:upto]))
            at = upto
        if at != end or buffer[start] != 0:
            raise ValueError(f"a row of {end - start} bytes is taken apart into {at - start}")
        return tuple(values)


_COUNTED, _TEMPORAL = 0, -1


def _kind(column: WireType) -> int:
    """The bytes of a value of fixed length, else how its length is told."""
    if column.type == wire.NULL:
        return _COUNTED  # never looked at: all its values are NULL
    return wire.FIXED.get(column.type, _TEMPORAL if column.type in wire.TEMPORAL else _COUNTED)


def _value_end(buffer: Buffer, at: int, kind: int) -> int:
    if kind > 0:
        return at + kind
    if kind == _TEMPORAL:
        return at + 1 + buffer[at]
    size, begin = length_encoded(buffer, at)
    return begin + size


def content(value: bytes) -> bytes:
    """What stands behind the length of a value that is no number and no time."""
    return value[length_encoded(value, 0)[1] :]


def param(value: bytes | None, column: WireType) -> Param:
    """A value that a column has, as a parameter that is compared as that column's values are."""
    kind = _SENT.get(column.type, column.type)
    if value is None:
        return Param.null()
    if kind in wire.FIXED:
        return Param(kind | wire.UNSIGNED * column.unsigned, value)
    if kind in wire.TEMPORAL or kind == wire.NEWDECIMAL:
        return Param(kind, value)
    if kind == wire.BIT:
        # As bytes it would be compared as text.
        return Param.integer(int.from_bytes(content(value), "big"), unsigned=True)
    return Param(wire.VAR_STRING if spoken(column.charset) else wire.BLOB, value)


def shown(value: bytes | None, column: WireType, charset: str | None) -> str:
    """A value for people, long ones cut off. `charset`: the column's, empty or None where it holds no text."""
    if value is None:
        return "NULL"
    if column.type in wire.INTEGERS:
        return str(int.from_bytes(value, "little", signed=not column.unsigned and column.type != wire.YEAR))
    if column.type == wire.FLOAT:
        return _float_shown(struct.unpack("<f", value)[0])
    if column.type == wire.DOUBLE:
        return repr(struct.unpack("<d", value)[0])
    if column.type in wire.TEMPORAL:
        return _time_shown(value) if column.type == wire.TIME else _date_shown(value, column.type == wire.DATE)
    return _content_shown(content(value), column, charset)


def _content_shown(inner: bytes, column: WireType, charset: str | None) -> str:
    if column.type == wire.BIT:
        return f"b'{int.from_bytes(inner, 'big'):b}'"
    if column.type in (wire.DECIMAL, wire.NEWDECIMAL):
        return inner.decode("ascii", "backslashreplace")
    name = "utf8mb4" if column.type == wire.JSON else charset or "binary"
    cut = inner[: 4 * _SHOWN]
    text = "0x" + cut.hex() if name == "binary" or column.type == wire.GEOMETRY else _decoded(cut, name)
    return text if len(text) <= _SHOWN and cut == inner else f"{text[:_SHOWN]}… ({len(inner)} bytes)"


def _decoded(text: bytes, charset: str) -> str:
    try:
        return text.decode(_CODECS.get(charset, charset), "backslashreplace")
    except LookupError:
        return "0x" + text.hex()


def _float_shown(number: float) -> str:
    for digits in range(6, 9):
        text = f"{number:.{digits}g}"
        if struct.pack("<f", float(text)) == struct.pack("<f", number):
            return text
    return f"{number:.9g}"


def _date_shown(value: bytes, only_date: bool) -> str:
    padded = value[1:].ljust(11, b"\0")
    year, month, day, hour, minute, second, micros = struct.unpack("<HBBBBBI", padded)
    date = f"{year:04d}-{month:02d}-{day:02d}"
    return date if only_date else f"{date} {hour:02d}:{minute:02d}:{second:02d}" + _fraction(micros)


def _time_shown(value: bytes) -> str:
    negative, days, hour, minute, second, micros = struct.unpack("<BIBBBI", value[1:].ljust(12, b"\0"))
    return f"{'-' * negative}{days * 24 + hour:02d}:{minute:02d}:{second:02d}" + _fraction(micros)


def _fraction(micros: int) -> str:
    return f".{micros:06d}" if micros else ""
