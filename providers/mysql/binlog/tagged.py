"""GTIDs with tags (MySQL 8.3 and later), and sets of GTIDs as COM_BINLOG_DUMP_GTID takes them.

Source: MySQL source code documentation, "Serialization library": numbers of one to nine bytes, of whose first the
lowest set bits count the bytes behind it; a message's fields are numbered and those that are not needed left out.
"""

from __future__ import annotations

import struct
import uuid

from providers.mysql.binlog.batch import Gtid
from providers.mysql.gtid import GtidSet

_FLAGS, _UUID, _NUMBER, _TAG = range(4)
_TAGGED = 1


def number(buffer: bytes, at: int) -> tuple[int, int]:
    """The number without a sign that is serialized at `at`, and where it ends."""
    first = buffer[at]
    behind = 8 if first == 0xFF else ((first + 1) & ~first).bit_length() - 1
    size = behind + 1
    if behind == 8:
        return int.from_bytes(buffer[at + 1 : at + 9], "little"), at + 9
    return int.from_bytes(buffer[at : at + size], "little") >> size, at + size


def serialized(value: int) -> bytes:
    """A number as `number` reads it."""
    for size in range(1, 9):
        if value < 1 << 7 * size:
            return (value << size | (1 << size - 1) - 1).to_bytes(size, "little")
    return b"\xff" + value.to_bytes(8, "little")


def gtid(body: bytes) -> Gtid:
    """The transaction that an event of type 42 begins.

    Raises:
        ValueError: it is not laid out as documented.
    """
    at = 0
    for _ in range(3):  # version, size, the last field that must be understood
        _, at = number(body, at)
    source, found, tag = b"", 0, b""
    for expected in (_FLAGS, _UUID, _NUMBER, _TAG):
        field, at = number(body, at)
        if field != expected:
            raise ValueError(f"field {field} of a GTID with a tag where {expected} should be")
        if field == _UUID:
            parts = []
            for _ in range(16):
                part, at = number(body, at)
                parts.append(part)
            source = bytes(parts)
        elif field == _TAG:
            size, at = number(body, at)
            tag, at = body[at : at + size], at + size
        else:
            found, at = number(body, at)
    # Numbers with a sign have it in their lowest bit.
    return source + tag, found >> 1


def encoded(gtids: GtidSet) -> bytes:
    """A set as COM_BINLOG_DUMP_GTID takes it; in the form with tags only where there is one."""
    sources = sorted(gtids.intervals.items())
    with_tags = any(":" in source for source, _ in sources)
    count = len(sources) << 8 | _TAGGED << 56 | _TAGGED if with_tags else len(sources)
    parts = [struct.pack("<Q", count)]
    for source, ranges in sources:
        name, _, tag = source.partition(":")
        parts.append(uuid.UUID(name).bytes)
        if with_tags:
            parts += [serialized(len(tag)), tag.encode("ascii")]
        parts.append(struct.pack("<Q", len(ranges)))
        parts += [struct.pack("<QQ", first, last + 1) for first, last in ranges]
    return b"".join(parts)
