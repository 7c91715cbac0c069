"""Packets with events, however they are cut by the network and by the protocol's limit of 16 MiB."""

from __future__ import annotations

import struct
import zlib

import pytest

from providers.mysql.bridge.stream import EventStream
from providers.mysql.bridge.wire import FULL
from tests.providers.mysql.bridge import captured

TABLE = {255: 45, 278: 46}
ANSWER = b"\xfe\x00\x00\x02\x00"
SEMI_SYNC = b"\xef\x01"
_ROWS = 30


def packets(payload: bytes, sequence: int = 1) -> bytes:
    """A payload as the protocol sends it: an exact multiple of the limit ends in an empty packet."""
    parts = [payload[at : at + FULL] for at in range(0, len(payload) + 1, FULL)]
    return b"".join(
        struct.pack("<I", len(part))[:3] + bytes([(sequence + number) % 256]) + part
        for number, part in enumerate(parts)
    )


def event(payload: bytes, before: bytes = b"") -> bytes:
    return packets(b"\x00" + before + payload)


def query(length: int, collation: int) -> bytes:
    """The captured BEGIN with another text, of so many bytes in all, and its checksum."""
    head = bytearray(captured.BEGIN_255[:-9])
    struct.pack_into("<I", head, 9, length)
    struct.pack_into("<H", head, 52, collation)
    struct.pack_into("<H", head, 54, collation)
    whole = bytes(head) + b"x" * (length - len(head) - 4)
    return whole + struct.pack("<I", zlib.crc32(whole))


def rows(length: int) -> bytes:
    """A row event of so many bytes that looks like a Query event from its second byte on."""
    head = bytearray(captured.BEGIN_255[:19])
    head[4] = _ROWS
    struct.pack_into("<I", head, 9, length)
    return bytes(head) + captured.BEGIN_255[1:].ljust(length - 19, b"\xff")


def through(sent: bytes, step: int) -> tuple[bytes, EventStream]:
    stream = EventStream(TABLE)
    return b"".join(stream.feed(sent[at : at + step]) for at in range(0, len(sent), step)), stream


@pytest.mark.parametrize("step", [1, 3, 70, 4096])
def test_events_go_on_in_order_and_translated(step: int) -> None:
    sent = [event(captured.FORMAT_DESCRIPTION), event(captured.BEGIN_255), event(rows(50)), event(captured.BEGIN_45)]
    got, stream = through(b"".join([*sent, packets(ANSWER)]), step)
    assert got[: len(sent[0])] == sent[0]
    assert got[len(sent[0] + sent[1]) :] == b"".join([*sent[2:], packets(ANSWER)])
    assert got[len(sent[0]) : len(sent[0] + sent[1])] == event(captured.BEGIN_255[:52] + b"-\x00-\x00" + _tail())
    assert stream.replaced == {255: 2}


def _tail() -> bytes:
    rest = captured.BEGIN_255[56:-4]
    return rest + struct.pack("<I", zlib.crc32(captured.BEGIN_255[:52] + b"-\x00-\x00" + rest))


def test_an_event_goes_on_as_soon_as_it_is_complete() -> None:
    stream = EventStream(TABLE)
    whole = event(captured.BEGIN_255)
    assert stream.feed(whole[:-1]) == b""
    assert len(stream.feed(whole[-1:])) == len(whole)


def test_events_behind_the_mark_of_semi_synchronous_replication() -> None:
    got, stream = through(event(captured.BEGIN_255, SEMI_SYNC), 4096)
    assert got[5:7] == SEMI_SYNC
    assert got[7:] == event(captured.BEGIN_255[:52] + b"-\x00-\x00" + _tail())[5:]
    assert stream.replaced == {255: 2}


def test_an_answer_that_is_no_event_stays() -> None:
    sent = packets(b"\x00" + captured.BEGIN_255 + b"more than the event says")
    assert through(sent, 4096)[0] == sent


# The zero byte before the event makes the payload one byte longer than the event.
LENGTHS = [FULL - 2, FULL - 1, FULL, 2 * FULL - 1, 2 * FULL + 7]


@pytest.mark.parametrize("length", LENGTHS)
def test_long_statements_are_translated_with_their_checksum(length: int) -> None:
    got, stream = through(event(query(length, 255)), 1 << 20)
    assert got == event(query(length, 45))
    assert stream.replaced == {255: 2}


@pytest.mark.parametrize("length", LENGTHS)
def test_long_row_events_go_on_as_they_are(length: int) -> None:
    sent = event(rows(length)) + event(captured.BEGIN_45)
    assert through(sent, 1 << 20)[0] == sent


def test_a_long_row_event_is_not_held_until_its_end() -> None:
    stream = EventStream(TABLE)
    sent = event(rows(3 * FULL))
    sizes = [len(stream.feed(sent[at : at + FULL + 4])) for at in range(0, len(sent), FULL + 4)]
    assert sizes[:2] == [FULL + 4, FULL + 4]
    assert sum(sizes) == len(sent)
