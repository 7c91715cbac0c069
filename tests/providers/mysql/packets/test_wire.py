"""Packets taken apart, without a server: lengths, packets that are joined, and where an answer ends."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from providers.mysql.packets.answers import NotUnderstood, ServerSaid, only_error, take_apart
from providers.mysql.packets.endings import Nonce, Walk
from providers.mysql.packets.packets import Packets
from providers.mysql.packets.wire import (
    MOST,
    Param,
    WireType,
    column_type,
    encode_length,
    execution,
    frames,
    length_encoded,
    packed,
)
from tests.providers.mysql.packets.answering import definition, error, numbered, result

unhurried = settings(deadline=None)

# Rows of the binary protocol begin with a zero byte. Some imitate packets.
imitation = st.builds(
    lambda number, inner: bytes((len(inner) + 1 & 0xFF, 0, 0, number, 0)) + inner, st.integers(0, 255), st.binary()
)
rows_of_bytes = st.lists(
    st.one_of(st.binary(max_size=40), imitation, st.just(bytes(9)), st.just(b"\x01\0\0\0\0")).map(
        lambda row: b"\0" + row
    ),
    max_size=300,
)


def as_packets(rows: list[bytes], sequence: int = 5) -> Packets:
    """Rows between other bytes, as they stand in a reader's buffer."""
    body = numbered(rows, sequence)
    return Packets(bytearray(b"before" + body + b"\x05\0\0\0\xfe"), 6, 6 + len(body), sequence + len(rows) & 0xFF)


def payloads(packets: Packets) -> list[bytes]:
    return [bytes(buffer[start:end]) for buffer, start, end in packets.rows()]


@unhurried
@given(number=st.integers(0, (1 << 64) - 1), before=st.binary(max_size=5))
@example(number=250, before=b"")
@example(number=251, before=b"")
@example(number=(1 << 16) - 1, before=b"")
@example(number=1 << 16, before=b"")
@example(number=1 << 24, before=b"")
def test_a_length_is_read_as_it_was_written(number: int, before: bytes) -> None:
    encoded = encode_length(number)
    assert length_encoded(before + encoded + b"behind", len(before)) == (number, len(before) + len(encoded))


def test_null_is_no_length() -> None:
    for first in (0xFB, 0xFF):
        with pytest.raises(ValueError, match="no length"):
            length_encoded(bytes((first,)), 0)


@unhurried
@given(rows=rows_of_bytes)
def test_rows_come_out_as_they_went_in(rows: list[bytes]) -> None:
    assert payloads(as_packets(rows)) == rows


@pytest.mark.parametrize("size", [MOST - 1, MOST, MOST + 1, 2 * MOST - 1, 2 * MOST, 2 * MOST + 5])
def test_a_row_in_several_packets_is_joined(size: int) -> None:
    large = b"\0" + bytes([7]) * (size - 1)
    body = numbered([b"\0first", large, b"\0last"])
    packets = Packets(body, 0, len(body), 1 + 2 + size // MOST + 1)
    first, joined, last = (bytes(buffer[start:end]) for buffer, start, end in packets.rows())
    assert first == b"\0first"
    assert last == b"\0last"
    assert joined == large
    assert packets.count() == 3
    cut = Packets(body, 0, len(body) - 4 - len(b"\0last"), 1 + 1 + size // MOST + 1)
    found = cut.last()
    assert found is not None
    buffer, start, end = found
    assert buffer[start:end] == large


def test_packets_that_do_not_end_where_they_should_are_refused() -> None:
    body = numbered([b"\0first", b"\0second"])
    with pytest.raises(ValueError, match="should end"):
        list(frames(body + b"\x00\x00\x00\x00", 0, len(body) - 1))


@unhurried
@given(rows=rows_of_bytes, sequence=st.integers(0, 255))
def test_rows_are_counted_and_the_last_is_found(rows: list[bytes], sequence: int) -> None:
    packets = as_packets(rows, sequence)
    assert packets.count() == len(rows)
    last = packets.last()
    assert (None if last is None else bytes(last[0][last[1] : last[2]])) == (rows[-1] if rows else None)
    assert payloads(packets.kept()) == rows
    kept = packets.kept().last()
    assert (None if kept is None else bytes(kept[0][kept[1] : kept[2]])) == (rows[-1] if rows else None)


@unhurried
@given(row=st.binary(max_size=30), number=st.integers(0, 600))
def test_rows_of_one_length_are_counted(row: bytes, number: int) -> None:
    assert as_packets([b"\0" + row] * number).count() == number


@unhurried
@given(rows=rows_of_bytes, other=rows_of_bytes)
def test_packets_are_the_same_where_their_rows_are(rows: list[bytes], other: list[bytes]) -> None:
    assert as_packets(rows).same_as(as_packets(rows))
    assert as_packets(rows).same_as(as_packets(rows).kept())
    assert as_packets(rows).same_as(as_packets(other)) == (rows == other)


@unhurried
@given(rows=rows_of_bytes.filter(bool), data=st.data())
def test_one_byte_makes_them_differ(rows: list[bytes], data: st.DataObject) -> None:
    one = as_packets(rows)
    changed = bytearray(one.buffer)
    at = data.draw(st.integers(one.start, one.end - 1))
    changed[at] ^= data.draw(st.integers(1, 255))
    assert not one.same_as(Packets(changed, one.start, one.end, one.closing))


@unhurried
@given(kind=st.integers(0, 255), unsigned=st.booleans(), charset=st.integers(0, 0xFFFF))
def test_a_columns_type_is_read(kind: int, unsigned: bool, charset: int) -> None:
    assert column_type(b"..." + definition(kind, unsigned, charset), 3) == WireType(kind, unsigned, charset)


def test_nulls_among_parameters() -> None:
    payload = execution(7, [Param.integer(1), Param.null(), Param.text(b"x")])
    assert payload == (
        b"\x17\x07\0\0\0\0\x01\0\0\0" + b"\x02" + b"\x01" + b"\x08\0\x06\0\xfd\0" + (1).to_bytes(8, "little") + b"\x01x"
    )


@unhurried
@given(rows=rows_of_bytes, columns=st.integers(1, 5), cuts=st.lists(st.integers(0, 3000), max_size=20))
def test_the_end_is_found_however_the_answer_comes_in_pieces(rows: list[bytes], columns: int, cuts: list[int]) -> None:
    answer = result(columns, rows)
    nonce = Nonce()
    behind = result(1, [bytes((32,)) + nonce.request[13:45]])
    assert nonce.learn(behind, len(behind))
    room = bytearray(len(answer) + len(behind) + 64)
    walk = Walk()
    for have in sorted({cut for cut in cuts if cut < len(answer)}):
        room[:have] = answer[:have]
        assert not walk.complete(room, have)
        assert not nonce.complete(room, have)
    room[: len(answer)] = answer
    assert walk.complete(room, len(answer))
    whole = len(answer) + len(behind)
    room[len(answer) : whole] = behind
    assert nonce.complete(room, whole)
    assert whole - nonce.behind == len(answer)
    head, packets = take_apart(room, len(answer), None)
    assert len(head.columns) == columns
    assert payloads(packets) == rows
    again, same = take_apart(room, len(answer), head)
    assert again is head
    assert payloads(same) == rows


@unhurried
@given(rows=rows_of_bytes, words=st.text(max_size=120))
def test_an_error_after_some_rows_is_an_error(rows: list[bytes], words: str) -> None:
    answer = result(2, rows, error(1317, words))
    assert Walk().complete(answer, len(answer))
    with pytest.raises(ServerSaid) as said:
        take_apart(answer, len(answer), None)
    assert said.value.args == (1317, words)


def test_an_error_in_place_of_a_result() -> None:
    answer = packed(error(1146, "no such table"), 1)
    assert Walk().complete(answer, len(answer))
    with pytest.raises(ServerSaid):
        take_apart(answer, len(answer), None)
    said = only_error(answer, len(answer))
    assert said is not None
    assert said.args == (1146, "no such table")


def test_what_is_no_result_is_not_understood() -> None:
    for answer in (b"", packed(b"\0\0\0\x02\0\0\0", 1), result(1, [b"\0x"])[:-9]):
        with pytest.raises(NotUnderstood):
            take_apart(answer, len(answer), None)
