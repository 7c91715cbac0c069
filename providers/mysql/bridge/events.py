"""Which numbers in a binary log event name a collation, and putting others in their place.

A number is replaced in its place, so the event keeps its length and every position in the log stays what it is.
Source: MySQL source code documentation, "Replication events", Query_event (its status variables) and
User_var_event; MariaDB documentation, "Replication Protocol". Only these two events make a replica look up a
collation by number.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

HEADER = 19
QUERY = 2
USER_VAR = 14
TRANSLATED = frozenset({QUERY, USER_VAR})
TYPE_AT = 4
SIZE_AT = 9

_CHECKSUM = 4
_QUERY_POST_HEADER = 13
_STATUS_LENGTH_AT = HEADER + 11
_CHARSET = 4
_CHARSET_DATABASE = 8
_INVOKER = 11
_UPDATED_DATABASES = 12
_NO_NAMES = 254
# Status variables of a fixed length, in bytes.
_FIXED = {
    0: 4, 1: 8, 3: 4, _CHARSET: 6, 7: 2, _CHARSET_DATABASE: 2, 9: 8, 10: 4, 13: 3, 16: 1, 17: 8, 18: 2, 19: 1, 20: 1,
}  # fmt: skip
# Those that begin with their length; the catalog of old servers has a zero byte at its end.
_COUNTED = {2: 1, 5: 0, 6: 0}

_Field = tuple[int, struct.Struct]
_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")


@dataclass(frozen=True)
class Translated:
    """An event as it goes on, and the collation numbers that were replaced in it."""

    event: bytes
    replaced: tuple[int, ...]


def translate(event: bytes, table: Mapping[int, int]) -> Translated | None:
    """Replace the collation numbers that are in `table`; None where there is none, and the event stays as it is.

    The checksum, where the event has one, is made anew; one that was wrong before stays wrong.
    """
    try:
        found = [(at, form, form.unpack_from(event, at)[0]) for at, form in _fields(event)]
    except (struct.error, IndexError, ValueError):
        # Not laid out as documented: the replica is to judge it as the source sent it.
        return None
    found = [(at, form, number) for at, form, number in found if number in table]
    if not found:
        return None
    changed = bytearray(event)
    for at, form, number in found:
        form.pack_into(changed, at, table[number])
    if _has_checksum(event):
        _U32.pack_into(changed, len(changed) - _CHECKSUM, zlib.crc32(memoryview(changed)[:-_CHECKSUM]))
    return Translated(bytes(changed), tuple(number for _, _, number in found))


def _has_checksum(event: bytes) -> bool:
    """Whether the last four bytes are the checksum of all before: true by chance once in 2**32 only."""
    stored: int = _U32.unpack_from(event, len(event) - _CHECKSUM)[0]
    return stored == zlib.crc32(memoryview(event)[:-_CHECKSUM])


def _fields(event: bytes) -> Iterator[_Field]:
    if event[TYPE_AT] == QUERY:
        return _of_query(event)
    if event[TYPE_AT] == USER_VAR:
        return _of_user_variable(event)
    return iter(())


def _of_query(event: bytes) -> Iterator[_Field]:
    at = HEADER + _QUERY_POST_HEADER
    end = at + _U16.unpack_from(event, _STATUS_LENGTH_AT)[0]
    while at < end:
        code = event[at]
        at += 1
        if code == _CHARSET:
            # Those of the client, of the connection and of the server.
            yield from ((place, _U16) for place in (at, at + 2, at + 4))
        elif code == _CHARSET_DATABASE:
            yield at, _U16
        length = _length(event, code, at)
        if length is None:
            return
        at += length


def _length(event: bytes, code: int, at: int) -> int | None:
    """How many bytes a status variable takes after its code; None where the code is not known."""
    if code in _FIXED:
        return _FIXED[code]
    if code in _COUNTED:
        return 1 + event[at] + _COUNTED[code]
    if code == _INVOKER:
        host = at + 1 + event[at]
        return host + 1 + event[host] - at
    if code == _UPDATED_DATABASES:
        end = at + 1
        for _ in range(0 if event[at] == _NO_NAMES else event[at]):
            end = event.index(0, end) + 1
        return end - at
    return None


def _of_user_variable(event: bytes) -> Iterator[_Field]:
    is_null = HEADER + 4 + _U32.unpack_from(event, HEADER)[0]
    if not event[is_null]:
        yield is_null + 2, _U32
