"""The text protocol in place of the binary one, for servers that prepare no statements: slower, and seldom needed.

Parameters become literals, and rows become binary rows again. FLOAT has only six digits as text, so its columns
are refused here: a select list has to widen them (`f * 1e0`).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence

from providers.mysql.packets import rows, wire
from providers.mysql.packets.packets import Packets
from providers.mysql.packets.wire import Buffer, Param, WireType, counted, encode_length, length_encoded

# A `?` that is not part of a string, a name or a comment; sql_mode is empty, so a backslash escapes in strings.
_PARTS = re.compile(
    rb"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`[^`]*`|/\*.*?\*/|\?""",
    re.DOTALL,
)
_NULL = 0xFB
_DATE = re.compile(rb"(\d+)-(\d+)-(\d+)(?: (\d+):(\d+):(\d+)(?:\.(\d+))?)?")
_TIME = re.compile(rb"(-?)(\d+):(\d+):(\d+)(?:\.(\d+))?")


def spelled(sql: str, params: Sequence[Param]) -> bytes:
    """The statement with a literal in place of each `?`.

    Raises:
        ValueError: not as many parameters as places for them.
    """
    left = list(map(literal, params))[::-1]

    def put(found: re.Match[bytes]) -> bytes:
        if found[0] != b"?":
            return found[0]
        if not left:
            raise ValueError("fewer parameters than places for them")
        return left.pop()

    text = _PARTS.sub(put, sql.encode())
    if left:
        raise ValueError(f"{len(left)} parameters too many")
    return text


def places(sql: str) -> int:
    """How many parameters a statement takes."""
    return sum(found[0] == b"?" for found in _PARTS.finditer(sql.encode()))


def literal(param: Param) -> bytes:
    """A parameter as SQL."""
    kind, unsigned = param.type & ~wire.UNSIGNED, bool(param.type & wire.UNSIGNED)
    if kind == wire.NULL:
        return b"NULL"
    if kind in wire.INTEGERS:
        return b"%d" % int.from_bytes(param.value, "little", signed=not unsigned)
    if kind in (wire.FLOAT, wire.DOUBLE):
        digits = repr(struct.unpack("<f" if kind == wire.FLOAT else "<d", param.value)[0])
        return (digits if "e" in digits else digits + "e0").encode()
    if kind in wire.TEMPORAL:
        return b"'%s'" % rows.shown(param.value, WireType(kind, False, wire.BINARY), None).encode()
    inner = rows.content(param.value)
    if kind in (wire.DECIMAL, wire.NEWDECIMAL):
        return inner
    introducer = b"_utf8mb4" if kind == wire.VAR_STRING else b"_binary"
    return introducer + (b" 0x" + inner.hex().encode() if inner else b" ''")


def as_binary(text: Packets, columns: Sequence[WireType]) -> Packets:
    """Rows of the text protocol as the packets in which the binary protocol would have sent them.

    Raises:
        ValueError: a FLOAT column, or a value that is not what its column says.
    """
    if any(column.type == wire.FLOAT for column in columns):
        raise ValueError("a FLOAT column in the text protocol, which sends six digits of it; select it as f * 1e0")
    parts, sequence = [], text.buffer[text.start + 3] if text.size else text.closing
    for buffer, start, end in text.rows():
        row = wire.packed(_binary_row(buffer, start, end, columns), sequence)
        sequence = sequence + (len(row) - 4) // wire.MOST + 1 & 0xFF
        parts.append(row)
    whole = b"".join(parts)
    return Packets(whole, 0, len(whole), sequence)


def _binary_row(buffer: Buffer, start: int, end: int, columns: Sequence[WireType]) -> bytes:
    nulls, values, at = bytearray((len(columns) + 9) // 8), [], start
    for bit, column in enumerate(columns, 2):
        if buffer[at] == _NULL:
            nulls[bit >> 3] |= 1 << (bit & 7)
            at += 1
            continue
        size, begin = length_encoded(buffer, at)
        at = begin + size
        values.append(_binary_value(bytes(buffer[begin:at]), column))
    if at != end:
        raise ValueError(f"a text row of {end - start} bytes is taken apart into {at - start}")
    return b"".join((b"\0", nulls, *values))


def _binary_value(text: bytes, column: WireType) -> bytes:
    kind = column.type
    if kind in wire.INTEGERS:
        return int(text).to_bytes(wire.INTEGERS[kind], "little", signed=int(text) < 0)
    if kind == wire.DOUBLE:
        return struct.pack("<d", float(text))
    if kind == wire.TIME:
        return _binary_time(text)
    if kind in wire.TEMPORAL:
        return _binary_date(text)
    return counted(text)


def _binary_date(text: bytes) -> bytes:
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(f"no date and no time of day: {text!r}")
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    micros = int((found[7] or b"").ljust(6, b"0"))
    whole = struct.pack("<HBBBBBI", year, month, day, hour, minute, second, micros)
    used = 11 if micros else 7 if any(whole[4:7]) else 4 if any(whole[:4]) else 0
    return encode_length(used) + whole[:used]


def _binary_time(text: bytes) -> bytes:
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"no time: {text!r}")
    hours, minute, second = (int(part) for part in found.groups()[1:4])
    micros = int((found[5] or b"").ljust(6, b"0"))
    whole = struct.pack("<BIBBBI", bool(found[1]), *divmod(hours, 24), minute, second, micros)
    used = 12 if micros else 8 if any(whole[1:8]) else 0
    return encode_length(used) + whole[:used]
