"""Keys as they stand in row events, as parameters that find their rows.

Source of the encodings: MySQL source code documentation, "Rows_log_event" and "Table_map_event" (each column is
packed as its type's `pack` does); for temporal types "Date and Time Data Type Representation" of the MySQL manual.
Of the parameters: "Binary Protocol Value".
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from providers.mysql.binlog.tables import DIGITS, decimal_size
from providers.mysql.packets import wire
from providers.mysql.packets.rows import SPOKEN
from providers.mysql.packets.wire import Param


@dataclass(frozen=True)
class KeyColumn:
    """A key's column, as information_schema.COLUMNS has it: `charset` is empty where the type has none."""

    data_type: str
    column_type: str
    charset: str
    unsigned: bool


class _Untold(Exception):
    """The value cannot be given as a parameter."""


_Convert = Callable[[bytes, KeyColumn], Param]

_INTEGERS = {"tinyint": 1, "smallint": 2, "mediumint": 3, "int": 4, "bigint": 8}
# Bytes of fractional seconds, and how many microseconds their unit is.
_FRACTIONS = {0: 1, 1: 10_000, 2: 100, 3: 1}
_ZERO_DATE = b"\x00"


def key_params(key: Sequence[bytes], kinds: Sequence[KeyColumn]) -> tuple[Param, ...] | None:
    """The parameters that find the row with this key; None where they cannot be told.

    To be compared with the columns as `packets.rows.placeholder` says: text in a character set that the session does
    not speak is a BLOB parameter. Timestamps are those of the time zone '+00:00'.
    """
    if len(key) != len(kinds):
        return None
    try:
        return tuple(_CONVERT[kind.data_type](raw, kind) for raw, kind in zip(key, kinds, strict=True))
    except (_Untold, KeyError, ValueError, OverflowError, struct.error):
        return None


def _integer(raw: bytes, kind: KeyColumn) -> Param:
    _sized(raw, _INTEGERS[kind.data_type])
    return Param.integer(int.from_bytes(raw, "little", signed=not kind.unsigned), kind.unsigned)


def _float(raw: bytes, kind: KeyColumn) -> Param:
    return Param.double(struct.unpack("<f", raw)[0])


def _double(raw: bytes, kind: KeyColumn) -> Param:
    return Param.double(struct.unpack("<d", raw)[0])


def _decimal(raw: bytes, kind: KeyColumn) -> Param:
    precision, scale = _numbers(kind.column_type, 2)
    _sized(raw, decimal_size(precision, scale))
    # The sign is the highest bit, turned round; a negative number has all bits turned round.
    negative = not raw[0] & 0x80
    content = bytes([raw[0] ^ 0x80, *raw[1:]])
    if negative:
        content = bytes(byte ^ 0xFF for byte in content)
    whole = precision - scale
    groups = [whole % 9, *[9] * (whole // 9), *[9] * (scale // 9), scale % 9]
    digits, at = "", 0
    for count in groups:
        size = DIGITS[count]
        digits += str(int.from_bytes(content[at : at + size], "big")).zfill(count) if count else ""
        at += size
    text = f"{digits[:whole] or '0'}.{digits[whole:]}" if scale else digits
    return Param.decimal(f"-{text}" if negative else text)


def _text(raw: bytes, kind: KeyColumn) -> Param:
    if kind.charset in SPOKEN:
        return Param.text(raw)
    return Param.blob(raw)


def _bytes(raw: bytes, kind: KeyColumn) -> Param:
    return Param.blob(raw)


def _binary(raw: bytes, kind: KeyColumn) -> Param:
    # The log leaves out the zero bytes at its end.
    (size,) = _numbers(kind.column_type, 1)
    return Param.blob(raw.ljust(size, b"\x00"))


def _member(raw: bytes, kind: KeyColumn) -> Param:
    """ENUM by its number, SET by its bits: both are what the server compares with a number."""
    return Param.integer(int.from_bytes(raw, "little"), unsigned=True)


def _bits(raw: bytes, kind: KeyColumn) -> Param:
    return Param.integer(int.from_bytes(raw, "big"), unsigned=True)


def _year(raw: bytes, kind: KeyColumn) -> Param:
    _sized(raw, 1)
    if not raw[0]:
        # Some servers take a 0 that is compared with a YEAR for the year 2000.
        raise _Untold
    return Param.integer(1900 + raw[0])


def _date(raw: bytes, kind: KeyColumn) -> Param:
    _sized(raw, 3)
    packed = int.from_bytes(raw, "little")
    if not packed:
        return Param(wire.DATE, _ZERO_DATE)
    return Param(wire.DATE, struct.pack("<BHBB", 4, packed >> 9, packed >> 5 & 15, packed & 31))


def _datetime(raw: bytes, kind: KeyColumn) -> Param:
    micros = _fraction(raw, 5, kind)
    packed = int.from_bytes(raw[:5], "big") - (1 << 39)
    if packed < 0:
        raise _Untold
    days, clock = packed >> 17, packed & 0x1FFFF
    months, day = days >> 5, days & 31
    if not packed and not micros:
        return Param(wire.DATETIME, _ZERO_DATE)
    hour, minute, second = clock >> 12, clock >> 6 & 63, clock & 63
    return _moment(months // 13, months % 13, day, hour, minute, second, micros)


def _timestamp(raw: bytes, kind: KeyColumn) -> Param:
    micros = _fraction(raw, 4, kind)
    seconds = int.from_bytes(raw[:4], "big")
    if not seconds and not micros:
        return Param(wire.DATETIME, _ZERO_DATE)
    at = datetime.fromtimestamp(seconds, UTC)
    return _moment(at.year, at.month, at.day, at.hour, at.minute, at.second, micros)


def _time(raw: bytes, kind: KeyColumn) -> Param:
    size = len(raw) - 3
    _fraction(raw, 3, kind)
    signed = int.from_bytes(raw, "big") - (0x80 << 8 * (len(raw) - 1))
    packed, negative = abs(signed), signed < 0
    micros = (packed & (1 << 8 * size) - 1) * _FRACTIONS[size] if size else 0
    clock = packed >> 8 * size
    hours, minute, second = clock >> 12, clock >> 6 & 63, clock & 63
    return Param(wire.TIME, struct.pack("<BBIBBBI", 12, negative, hours // 24, hours % 24, minute, second, micros))


def _moment(year: int, month: int, day: int, hour: int, minute: int, second: int, micros: int) -> Param:
    return Param(wire.DATETIME, struct.pack("<BHBBBBBI", 11, year, month, day, hour, minute, second, micros))


def _fraction(raw: bytes, whole: int, kind: KeyColumn) -> int:
    """The microseconds behind `whole` bytes."""
    digits = re.search(r"\((\d+)\)", kind.column_type)
    size = (int(digits[1]) + 1) // 2 if digits else 0
    _sized(raw, whole + size)
    return int.from_bytes(raw[whole:], "big") * _FRACTIONS[size]


def _numbers(column_type: str, count: int) -> tuple[int, ...]:
    found = re.search(r"\(([\d,]+)\)", column_type)
    numbers = tuple(int(part) for part in found[1].split(",")) if found else ()
    if len(numbers) != count:
        raise _Untold
    return numbers


def _sized(raw: bytes, size: int) -> None:
    if len(raw) != size:
        raise _Untold


_CONVERT: dict[str, _Convert] = {
    **dict.fromkeys(_INTEGERS, _integer),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext"), _text),
    **dict.fromkeys(("varbinary", "tinyblob", "blob", "mediumblob", "longblob"), _bytes),
    "float": _float,
    "double": _double,
    "decimal": _decimal,
    "binary": _binary,
    "enum": _member,
    "set": _member,
    "bit": _bits,
    "year": _year,
    "date": _date,
    "datetime": _datetime,
    "timestamp": _timestamp,
    "time": _time,
}
