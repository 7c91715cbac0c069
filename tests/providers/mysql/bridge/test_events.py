"""What is changed in an event, and that nothing else is."""

from __future__ import annotations

import struct
import zlib

import pytest

from providers.mysql.bridge.events import translate
from tests.providers.mysql.bridge import captured

TABLE = {255: 45, 278: 46}


def differences(before: bytes, after: bytes) -> dict[int, tuple[int, int]]:
    assert len(before) == len(after)
    return {at: (old, new) for at, (old, new) in enumerate(zip(before, after, strict=True)) if old != new}


def checked(event: bytes) -> bool:
    return bool(struct.unpack("<I", event[-4:])[0] == zlib.crc32(event[:-4]))


@pytest.mark.parametrize(
    ("event", "replaced", "changed"),
    [
        (captured.BEGIN_255, (255, 255), {52: (255, 45), 54: (255, 45)}),
        (captured.CREATE_255, (255, 255), {52: (255, 45), 54: (255, 45)}),
        (captured.VIEW_278, (278, 278), {52: (0x16, 46), 53: (1, 0), 54: (0x16, 46), 55: (1, 0)}),
        (captured.USER_VARIABLE_278, (278,), {26: (0x16, 46), 27: (1, 0)}),
    ],
    ids=["begin", "ddl", "view", "user-variable"],
)
def test_collations_are_replaced_and_nothing_else(
    event: bytes, replaced: tuple[int, ...], changed: dict[int, tuple[int, int]]
) -> None:
    assert checked(event)
    result = translate(event, TABLE)
    assert result is not None
    assert result.replaced == replaced
    assert differences(event[:-4], result.event[:-4]) == changed
    assert checked(result.event)


@pytest.mark.parametrize(
    "event",
    [captured.BEGIN_45, captured.USER_VARIABLE_NULL, captured.FORMAT_DESCRIPTION],
    ids=["known-collation", "null", "other-event"],
)
def test_what_needs_no_translation_stays(event: bytes) -> None:
    assert translate(event, TABLE) is None


def test_a_collation_that_is_not_in_the_table_stays() -> None:
    assert translate(captured.BEGIN_255, {278: 46}) is None


def test_an_event_without_a_checksum_gets_none() -> None:
    bare = captured.BEGIN_255[:-4]
    result = translate(bare, TABLE)
    assert result is not None
    assert differences(bare, result.event) == {52: (255, 45), 54: (255, 45)}


def test_a_wrong_checksum_stays_wrong() -> None:
    damaged = captured.BEGIN_255[:-1] + b"\x00"
    result = translate(damaged, TABLE)
    assert result is not None
    assert result.event[-4:] == damaged[-4:]
    assert not checked(result.event)


@pytest.mark.parametrize("event", [captured.VIEW_278, captured.USER_VARIABLE_278], ids=["query", "user-variable"])
def test_an_event_that_breaks_off_is_left_to_the_replica(event: bytes) -> None:
    results = [translate(event[:length], TABLE) for length in range(5, len(event))]
    assert all(result is None or len(result.event) == length for length, result in enumerate(results, 5))
    assert results[0] is None
