"""Transactions that MySQL has compressed as a whole (`binlog_transaction_compression`, 8.0.20 and later).

Source: MySQL source code documentation, "Transaction_payload_event": fields of type, length and value, all three
length-encoded numbers but for the payload itself, which follows the field of type 0.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO

import zstandard

from providers.mysql.packets.wire import length_encoded

_END, _COMPRESSION, _UNCOMPRESSED_SIZE = 0, 2, 3
_ZSTD, _NONE = 0, 255
_BLOCK = 1 << 20
_HEADER = 19


def events(body: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The events in it: a buffer, and where in it each begins and ends. They have no checksums.

    Raises:
        ValueError: it is compressed in a way that is not known, it is broken, or it is not all there.
    """
    kind, at = _NONE, 0
    whole: int | None = None
    while True:
        field, at = length_encoded(body, at)
        if field == _END:
            break
        size, at = length_encoded(body, at)
        if field == _COMPRESSION:
            kind = length_encoded(body, at)[0]
        elif field == _UNCOMPRESSED_SIZE:
            whole = length_encoded(body, at)[0]
        at += size
    content, block, place, taken = _opened(kind, body[at:]), b"", 0, 0
    while True:
        left = len(block) - place
        size = int.from_bytes(block[place + 9 : place + 13], "little") if left >= _HEADER else 0
        if size and left >= size:
            yield block, place, place + size
            place += size
            continue
        try:
            more = content.read(max(_BLOCK, size - left))
        except zstandard.ZstdError as error:
            raise ValueError(f"a compressed transaction is broken: {error}") from error
        if not more:
            break
        block, place, taken = block[place:] + more, 0, taken + len(more)
    if left or (whole is not None and taken != whole):
        raise ValueError(f"a compressed transaction has {taken} bytes of {whole}, {left} of them behind its last event")


def _opened(kind: int, content: bytes) -> IO[bytes]:
    if kind == _NONE:
        return io.BytesIO(content)
    if kind == _ZSTD:
        return zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True)
    raise ValueError(f"a transaction is compressed in a way that this program does not know ({kind})")
