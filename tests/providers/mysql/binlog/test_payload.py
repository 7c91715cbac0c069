"""Transactions that were compressed as a whole, without a server: all of their events come, or none are believed."""

from __future__ import annotations

import struct

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.mysql.binlog import payload
from providers.mysql.packets.wire import counted, encode_length


def event(body: bytes) -> bytes:
    return struct.pack("<IBIIIH", 0, 30, 1, 19 + len(body), 0, 0) + body


def packed(content: bytes, kind: int = 0, size: int | None = None) -> bytes:
    """The event's body: its fields, of which the one for the size may be left out, and what they describe."""
    fields = b"\x02" + counted(encode_length(kind)) + b"\x01" + counted(encode_length(len(content)))
    if size is not None:
        fields += b"\x03" + counted(encode_length(size))
    return fields + b"\x00" + content


def bodies(whole: bytes) -> list[bytes]:
    return [block[start + 19 : end] for block, start, end in payload.events(whole)]


def squeezed(*contents: bytes) -> bytes:
    """Each of them in a frame of its own."""
    return b"".join(map(zstandard.ZstdCompressor().compress, contents))


some_bodies = st.lists(st.binary(max_size=300) | st.integers(1 << 19, 1 << 20).map(bytes), max_size=8)


@settings(deadline=None, max_examples=40)
@given(expected=some_bodies, told=st.booleans())
def test_every_event_comes(expected: list[bytes], told: bool) -> None:
    parts = [event(body) for body in expected]
    whole = b"".join(parts)
    size = len(whole) if told else None
    assert bodies(packed(whole, kind=255)) == expected
    assert bodies(packed(squeezed(whole), size=size)) == expected
    assert bodies(packed(squeezed(*parts), size=size)) == expected


def test_what_is_not_all_there_is_refused() -> None:
    first, second = event(b"first"), event(b"second" * 100)
    size = len(first + second)
    for content, words in (
        (squeezed(first), "has 24 bytes of"),
        (squeezed(first + second[:-1]), "behind its last event"),
        (squeezed(first, second)[:-10], "has 24 bytes of"),
        (squeezed(first) + b"no frame", "is broken"),
    ):
        with pytest.raises(ValueError, match=words):
            bodies(packed(content, size=size))


def test_another_way_to_compress_is_refused() -> None:
    with pytest.raises(ValueError, match=r"does not know \(7\)"):
        bodies(packed(b"", kind=7))
