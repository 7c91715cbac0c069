"""Answers as a server would send them, for tests without one."""

from __future__ import annotations

from collections.abc import Sequence

from providers.mysql.packets import wire
from providers.mysql.packets.wire import MOST, counted, packed

EOF = b"\xfe\x00\x00\x02\x00"


def numbered(payloads: Sequence[bytes], sequence: int = 1) -> bytes:
    """Payloads one after the other, with the numbers that a server gives their packets."""
    parts = []
    for payload in payloads:
        parts.append(packed(payload, sequence & 0xFF))
        sequence += len(payload) // MOST + 1
    return b"".join(parts)


def definition(kind: int, unsigned: bool, charset: int) -> bytes:
    """A column's definition."""
    names = b"".join(map(counted, (b"def", b"base", b"t", b"t", b"column", b"column")))
    fixed = charset.to_bytes(2, "little") + b"\0\0\0\0" + bytes((kind, 32 if unsigned else 0, 0, 0, 0, 0))
    return names + b"\x0c" + fixed


def result(columns: int, rows: Sequence[bytes], end: bytes = EOF) -> bytes:
    """A result of so many text columns."""
    definitions = [definition(wire.VAR_STRING, False, 45)] * columns
    return numbered([wire.encode_length(columns), *definitions, EOF, *rows, end])


def error(code: int, words: str) -> bytes:
    """An error's payload."""
    return b"\xff" + code.to_bytes(2, "little") + b"#HY000" + words.encode()
