"""Transactions that MySQL has compressed as a whole (`binlog_transaction_compression`, 8.0.20 and later).

Source: MySQL source code documentation, "Transaction_payload_event": fields of type, length and value, all three
length-encoded numbers but for the payload itself, which follows the field of type 0.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Iterator
from typing import IO, Any

from providers.mysql.packets.wire import length_encoded

_END, _COMPRESSION = 0, 2
_ZSTD, _NONE = 0, 255
_BLOCK = 1 << 20
_HEADER = 19


class Unpackable(Exception):
    """The payload cannot be unpacked here; the sentence says why."""


def events(body: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The events in it: a buffer, and where in it each begins and ends. They have no checksums.

    Raises:
        Unpackable: it is compressed in another way than can be unpacked here.
    """
    kind, at = _NONE, 0
    while True:
        field, at = length_encoded(body, at)
        if field == _END:
            break
        size, at = length_encoded(body, at)
        if field == _COMPRESSION:
            kind = length_encoded(body, at)[0]
        at += size
    content = _opened(kind, body[at:])
    block, place = b"", 0
    while True:
        size = int.from_bytes(block[place + 9 : place + 13], "little") if len(block) - place >= _HEADER else 0
        if size and len(block) - place >= size:
            yield block, place, place + size
            place += size
            continue
        more = content.read(max(_BLOCK, size - (len(block) - place)))
        if not more:
            break
        block, place = block[place:] + more, 0
    if place != len(block):
        raise Unpackable("a compressed transaction ends in the middle of an event")


def _opened(kind: int, content: bytes) -> io.BytesIO | _Unpacked:
    if kind == _NONE:
        return io.BytesIO(content)
    if kind != _ZSTD:
        raise Unpackable(f"a transaction is compressed in a way that this program does not know ({kind})")
    try:
        zstandard = importlib.import_module("zstandard")
    except ImportError as error:
        raise Unpackable(
            "its transactions are compressed (binlog_transaction_compression) and the Python package zstandard is "
            "not installed here: install it, or turn the compression off"
        ) from error
    return _Unpacked(zstandard, content)


class _Unpacked:
    """What is in a zstd frame, as it is unpacked."""

    def __init__(self, zstandard: Any, content: bytes) -> None:
        self._broken: type[Exception] = zstandard.ZstdError
        self._reader: IO[bytes] = zstandard.ZstdDecompressor().stream_reader(content)

    def read(self, size: int) -> bytes:
        """At most so many bytes, none at the end.

        Raises:
            Unpackable: the frame is broken.
        """
        try:
            return self._reader.read(size)
        except self._broken as error:
            raise Unpackable(f"a compressed transaction is broken ({error})") from error
