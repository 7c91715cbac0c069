"""What a source sends to a replica after COM_BINLOG_DUMP, with the collations of its events translated.

Each packet carries one event behind a zero byte, and behind two bytes more where semi-synchronous replication is
on; an event of 16 MiB or more goes on in further packets.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Mapping

from providers.mysql.bridge.events import HEADER, SIZE_AT, TRANSLATED, TYPE_AT, translate
from providers.mysql.bridge.wire import FULL, HEAD, size_at

_EVENT = 0x00
_SEMI_SYNC = 0xEF
# How many bytes stand before the event, without and with semi-synchronous replication.
_PLAIN, _ACKNOWLEDGED = 1, 3


class EventStream:
    """Takes the bytes as they come and gives those that can go on; nothing is lost, added or reordered.

    Attributes:
        replaced: how often each collation number was replaced.
    """

    def __init__(self, table: Mapping[int, int]) -> None:
        self.replaced: Counter[int] = Counter()
        self._table = dict(table)
        self._held = bytearray()
        # In the middle of a long event that needs no translation and is passed on as it comes.
        self._passing = False

    def feed(self, data: bytes) -> bytes:
        """Bytes from the source in, bytes for the replica out: whole packets only."""
        held = self._held
        held += data
        free = at = 0
        while len(held) - at >= HEAD:
            size = size_at(held, at)
            end = at + HEAD + size
            if end > len(held):
                break
            if size < FULL:
                if not self._passing:
                    self._translate(free, end)
                self._passing = False
                free = end
            elif self._passing or (at == free and not _may_need_it(held, at + HEAD)):
                self._passing = True
                free = end
            at = end
        ready = bytes(memoryview(held)[:free])
        del held[:free]
        return ready

    def _translate(self, start: int, end: int) -> None:
        """Translate the event whose packets stand between these places, in its place."""
        single = end - start - HEAD < FULL
        if single and not _may_need_it(self._held, start + HEAD):
            return
        payload = bytes(memoryview(self._held)[start + HEAD : end]) if single else _joined(self._held, start, end)
        before = _before_event(payload)
        result = None if before is None else translate(payload[before:], self._table)
        if result is None:
            return
        self.replaced.update(result.replaced)
        payload = payload[:before] + result.event
        for at in range(0, len(payload), FULL):
            part = payload[at : at + FULL]
            place = start + HEAD + at // FULL * (FULL + HEAD)
            self._held[place : place + len(part)] = part


def _may_need_it(buffer: bytearray, payload: int) -> bool:
    """Whether the payload that begins there may be an event with collations in it; its first frame is complete."""
    if len(buffer) < payload + _ACKNOWLEDGED + TYPE_AT + 1 or buffer[payload] != _EVENT:
        return False
    if buffer[payload + _PLAIN + TYPE_AT] in TRANSLATED:
        return True
    return buffer[payload + 1] == _SEMI_SYNC and buffer[payload + _ACKNOWLEDGED + TYPE_AT] in TRANSLATED


def _joined(buffer: bytearray, start: int, end: int) -> bytes:
    view = memoryview(buffer)
    step = FULL + HEAD
    return b"".join(bytes(view[at + HEAD : min(at + step, end)]) for at in range(start, end, step))


def _before_event(payload: bytes) -> int | None:
    """How many bytes stand before the event: an event says its own length. None where it is no event."""
    for before in (_PLAIN, _ACKNOWLEDGED):
        length = len(payload) - before
        if length < HEADER or struct.unpack_from("<I", payload, before + SIZE_AT)[0] != length:
            continue
        if before == _PLAIN or payload[1] == _SEMI_SYNC:
            return before
    return None
