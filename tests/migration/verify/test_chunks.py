"""Ranges of keys: nothing left out and nothing twice, whatever was done before and whoever takes them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from migration.verify.chunks import Cursor, Done, Pace, Span, Stretch, Whole, from_json, to_json

BOUNDS = -128, 127
NUMBERS = st.integers(*BOUNDS)
SPANS = st.tuples(NUMBERS, NUMBERS).map(lambda ends: Span(min(ends), max(ends)))
KEYS = st.tuples(st.binary(max_size=4), st.binary(max_size=4))


def keys_of(spans: list[Span]) -> list[int]:
    return sorted(key for span in spans for key in range(span.low, span.high + 1))


@given(SPANS, st.lists(SPANS, max_size=4), st.integers(1, 100), st.data())
def test_a_cursor_hands_out_every_key_that_is_not_done_once(
    known: Span, done: list[Span], step: int, data: st.DataObject
) -> None:
    cursor = Cursor(known.low, known.high, BOUNDS, step, Done(done))
    taken = []
    while (span := cursor.take()) is not None:
        assert not cursor.finished
        if data.draw(st.booleans()):
            # Its worker failed before it was read.
            cursor.put_down(span)
            continue
        read = data.draw(st.integers(span.low, span.high))
        taken.append(Span(span.low, read))
        if read < span.high:
            cursor.give_back(Span(read + 1, span.high))
            cursor.shrink(taken[-1])
        else:
            cursor.learn(data.draw(st.sampled_from([0, 1 << 20, 1 << 30])), 0.0)
        cursor.put_down(None)
    assert cursor.finished
    finished = set(keys_of(done))
    assert keys_of(taken) == [key for key in range(BOUNDS[0], BOUNDS[1] + 1) if key not in finished]


@given(SPANS | st.builds(Stretch, st.none() | KEYS, st.none() | KEYS) | st.just(Whole()))
def test_a_range_can_be_written_down(part: Span | Stretch | Whole) -> None:
    assert from_json(to_json(part)) == part


def test_stretches_count_as_far_as_they_have_no_gap() -> None:
    first, second, last = (b"1",), (b"2",), (b"3",)
    assert Done([]).stretched() == (None, False)
    assert Done([Stretch(first, second)]).stretched() == (None, False)
    assert Done([Stretch(None, first), Stretch(second, last)]).stretched() == (first, False)
    assert Done([Stretch(first, second), Stretch(None, first), Stretch(second, None)]).stretched() == (None, True)
    assert Done([Stretch()]).whole
    assert not Done([])


def test_chunks_come_near_to_their_size_and_to_one_row_at_last() -> None:
    pace = Pace(100)
    assert pace.rows * 100 <= 1 << 20
    before = pace.rows
    pace.learn(1 << 20, 2.0)
    assert pace.rows < before
    while pace.shrink():
        assert pace.rows >= 1
    assert pace.rows == 1
    for _ in range(10):
        pace.learn(pace.rows * 100, 0.0)
    assert 0.4 * before < pace.rows < 2.5 * before
