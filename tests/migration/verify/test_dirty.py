"""The dirty set: what may be read when, what is kept, and what is given up for tables to be read again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.model import Side
from migration.verify import dirty as dirty_set
from migration.verify.chunks import outside
from migration.verify.dirty import Counts, DirtySet, Due, Key, Left, Stretch, Suspect
from migration.verify.model import Table
from providers.mysql.binlog.marks import Horizon, Mark
from providers.mysql.binlog.ranges import Ranges, ranges_of, united
from providers.mysql.gtid import GtidSet
from providers.mysql.position import FilePosition

T: Table = ("shop", "orders")
U: Table = ("shop", "items")
FILE = "binlog.000001"


def key(number: int) -> Key:
    return (number.to_bytes(4, "little"),)


def keys(*numbers: int) -> set[Key]:
    return {key(number) for number in numbers}


def stretch(offset: int, *numbers: int, table: Table = T, redo: tuple[Table, ...] = (), seen: float = 0.0) -> Stretch:
    rows = {table: keys(*numbers)} if numbers else {}
    return Stretch(rows, frozenset(redo), Mark(FILE, offset), seen or float(offset))


def upto(offset: int) -> Horizon:
    return Horizon(snapshot=FilePosition(FILE, offset))


def taken(dirty: DirtySet, most: int = 100) -> set[Key]:
    found = dirty.pop_touched(most)
    dirty.landed()
    return set(found.keys) if found else set()


def numbers(some: Iterable[Key]) -> set[int]:
    return {int.from_bytes(one[0], "little") for one in some}


def in_ranges(table: Table, some: Collection[Key]) -> Ranges | None:
    """As a table with a key does it; the other has none."""
    return ranges_of(numbers(some), 1) if table == T else None


def redone(dirty: DirtySet, *differing: Suspect, table: Table = T, now: float = 0.0) -> Due | None:
    """Read a table again that is to be read; what was due of it."""
    due = dirty.pop_redo(table)
    if due is not None:
        dirty.redone(table, due, differing, now)
    return due


def test_a_key_waits_until_reads_are_sure_to_see_its_change() -> None:
    dirty = DirtySet()
    dirty.touched(Side.SOURCE, stretch(10, 1))
    assert taken(dirty) == set()
    dirty.settle(Side.SOURCE, upto(9))
    assert taken(dirty) == set()
    dirty.settle(Side.SOURCE, upto(10))
    assert taken(dirty) == keys(1)
    assert dirty.counts() == Counts(0, 0, 0)


def test_each_log_has_a_horizon_of_its_own() -> None:
    dirty = DirtySet()
    dirty.touched(Side.SOURCE, stretch(10, 1))
    dirty.touched(Side.TARGET, stretch(5, 1, 2))
    dirty.settle(Side.TARGET, upto(1000))
    assert taken(dirty) == keys(1, 2)
    # The source's event about the first row is still not visible there.
    assert (dirty.waits(Side.SOURCE), dirty.waits(Side.TARGET)) == (10.0, None)
    dirty.settle(Side.SOURCE, upto(10))
    assert taken(dirty) == keys(1)


def test_an_event_that_is_not_visible_holds_back_those_after_it() -> None:
    dirty = DirtySet()
    first, second = (Mark(FILE, at, ("uuid", at), GtidSet.parse(f"aaaa:{at}")) for at in (1, 2))
    dirty.touched(Side.SOURCE, Stretch({T: keys(1)}, frozenset(), first, 1.0))
    dirty.touched(Side.SOURCE, Stretch({T: keys(2)}, frozenset(), second, 2.0))
    dirty.settle(Side.SOURCE, Horizon(executed=GtidSet({"uuid": ((2, 2),), "aaaa": ((2, 2),)})))
    assert taken(dirty) == set()
    dirty.settle(Side.SOURCE, Horizon(executed=GtidSet({"uuid": ((1, 2),), "aaaa": ((1, 2),)})))
    assert taken(dirty) == keys(1, 2)


def test_an_event_that_comes_while_its_row_is_read_puts_the_key_in_again() -> None:
    dirty = DirtySet()
    dirty.touched(Side.SOURCE, stretch(10, 1))
    dirty.settle(Side.SOURCE, upto(10))
    found = dirty.pop_touched(100)
    assert found is not None
    dirty.touched(Side.SOURCE, stretch(20, 1))
    dirty.landed()
    dirty.settle(Side.SOURCE, upto(20))
    assert taken(dirty) == keys(1)


def test_what_is_being_read_still_counts() -> None:
    dirty = DirtySet()
    dirty.touched(Side.SOURCE, stretch(10, 1, 2, seen=3.0))
    dirty.settle_all()
    found = dirty.pop_touched(100)
    assert found is not None
    assert (dirty.counts().touched, dirty.oldest(), dirty.left(3.0)) == (2, 3.0, Left(frozenset({T}), {}))
    assert dirty.left(2.9) == Left(frozenset(), {})
    dirty.put_back(found)
    assert taken(dirty) == keys(1, 2)
    assert dirty.oldest() is None


def test_tables_take_turns() -> None:
    dirty = DirtySet()
    dirty.touched(Side.SOURCE, stretch(1, *range(50)))
    dirty.touched(Side.SOURCE, stretch(2, *range(5), table=U))
    dirty.settle_all()
    order = []
    while (found := dirty.pop_touched(20)) is not None:
        order.append((found.table, len(found.keys)))
        dirty.landed()
    assert order == [(T, 20), (U, 5), (T, 20), (T, 10)]


def test_lag_holds_back_what_the_target_cannot_have() -> None:
    dirty = DirtySet()
    dirty.touched(Side.SOURCE, stretch(1, 1, seen=100.0))
    dirty.settle(Side.SOURCE, upto(1), lambda _, seen: seen > 99.0)
    assert taken(dirty) == set()
    dirty.settle(Side.SOURCE, upto(1), lambda _, seen: seen > 100.0)
    assert taken(dirty) == keys(1)


def test_a_row_that_differs_is_read_again_later_and_later_until_it_is_equal() -> None:
    dirty = DirtySet()
    dirty.differ(T, [Suspect(key(1), 1, 5.0)], now=10.0)
    assert dirty.due_differing(10.05, 10) is None
    pauses, now = [], 10.0
    for tries in range(1, 9):
        began = now
        while (due := dirty.due_differing(now, 10)) is None:
            now += 0.01
        pauses.append(now - began)
        assert due[1][0].tries == tries
        # Until somebody says what became of it, it is not due again, and is not forgotten either.
        assert dirty.due_differing(now + 100, 10) is None
        assert (dirty.counts().differing, dirty.oldest()) == (1, 5.0)
        dirty.differ(T, [Suspect(key(1), tries + 1, due[1][0].since)], now)
    assert [round(pause, 1) for pause in pauses] == sorted(round(pause, 1) for pause in pauses)
    assert 1.9 < pauses[-1] < 2.1
    dirty.equal(T, dirty.differing()[T])
    assert (dirty.counts().differing, dirty.oldest()) == (0, None)


def test_tables_with_differing_rows_take_turns_however_soon_the_first_is_due_again() -> None:
    dirty = DirtySet()
    for table in (T, U):
        dirty.differ(table, [Suspect(key(1), 1, 5.0)], now=10.0)
    order, now = [], 20.0
    for _ in range(4):
        due = dirty.due_differing(now, 10)
        assert due is not None
        order.append(due[0])
        # Reading took longer than the pause until it is due again.
        now += 10.0
        dirty.differ(due[0], due[1], now - 5.0)
    assert order == [T, U, T, U]


def test_a_row_found_to_differ_by_another_reader_meanwhile_stays() -> None:
    dirty = DirtySet()
    dirty.differ(T, [Suspect(key(1), 1, 5.0)], now=10.0)
    due = dirty.due_differing(20.0, 10)
    assert due is not None
    dirty.differ(T, [Suspect(key(1), 1, 19.0)], now=19.0)
    dirty.equal(T, due[1])
    assert [one.key for one in dirty.differing()[T]] == [key(1)]


def test_too_many_keys_become_ranges_of_their_table_or_all_of_it() -> None:
    dirty = DirtySet(most=100, ranges_of=in_ranges)
    dirty.touched(Side.SOURCE, stretch(1, *range(60)))
    dirty.touched(Side.TARGET, stretch(1, *range(30), table=U))
    dirty.touched(Side.SOURCE, stretch(2, *range(70, 120)))
    assert dirty.counts() == Counts(30, 0, 1)
    assert (dirty.to_redo(), dirty.oldest()) == ((), 1.0)
    dirty.settle(Side.SOURCE, upto(1))
    assert (dirty.to_redo(), redone(dirty)) == ((T,), Due(1.0, ((0, 59),)))
    dirty.settle(Side.SOURCE, upto(2))
    assert redone(dirty) == Due(2.0, ((70, 119),))
    assert taken(dirty) == set()
    dirty.touched(Side.TARGET, stretch(2, *range(30, 140), table=U))
    dirty.settle_all()
    assert redone(dirty, table=U) == Due(1.0)


def test_keys_that_can_be_read_already_become_ranges_that_can_be_read_already() -> None:
    dirty = DirtySet(most=100, ranges_of=in_ranges)
    dirty.touched(Side.SOURCE, stretch(1, *range(60)))
    dirty.settle_all()
    dirty.touched(Side.SOURCE, stretch(2, *range(60, 120)))
    assert dirty.to_redo() == (T,)
    due = dirty.pop_redo(T)
    assert due == Due(1.0, ((0, 59),))
    dirty.settle_all()
    # What comes while they are read is read afterwards; what was not read to its end is, too.
    assert (dirty.to_redo(), dirty.redo_tables()) == ((), {T})
    assert due is not None
    dirty.not_redone(T, due)
    assert redone(dirty) == Due(1.0, ((0, 119),))
    assert (dirty.oldest(), dirty.counts()) == (None, Counts(0, 0, 0))


def test_a_table_that_is_to_be_read_as_a_whole_is_whatever_ranges_are_asked_for() -> None:
    dirty = DirtySet(most=10, ranges_of=in_ranges)
    dirty.touched(Side.SOURCE, stretch(1, *range(20)))
    dirty.touched(Side.SOURCE, stretch(2, redo=(T,)))
    dirty.touched(Side.SOURCE, stretch(3, *range(20)))
    dirty.settle_all()
    assert redone(dirty) == Due(1.0)
    dirty.touched(Side.SOURCE, stretch(4, *range(20)))
    # By another shape the same numbers are other rows.
    dirty.give_up(T)
    dirty.settle_all()
    assert redone(dirty) == Due(4.0)
    dirty.touched(Side.SOURCE, stretch(5, *range(20)))
    dirty.settle_all()
    dirty.give_up(T)
    assert redone(dirty) == Due(5.0)


def test_ranges_that_a_log_was_read_as_wait_for_their_horizon_as_keys_do() -> None:
    dirty = DirtySet()
    dirty.touched(Side.SOURCE, Stretch({T: keys(1)}, frozenset(), Mark(FILE, 1), 1.0, {T: ((5, 9),), U: ((1, 2),)}))
    dirty.touched(Side.SOURCE, Stretch({}, frozenset({U}), Mark(FILE, 2), 2.0, {U: ((1, 2),)}))
    assert (dirty.to_redo(), dirty.counts()) == ((), Counts(1, 0, 2))
    dirty.settle(Side.SOURCE, upto(1))
    assert (redone(dirty), redone(dirty, table=U)) == (Due(1.0, ((5, 9),)), Due(1.0, ((1, 2),)))
    dirty.settle(Side.SOURCE, upto(2))
    assert redone(dirty, table=U) == Due(2.0)
    assert taken(dirty) == keys(1)


def test_what_somebody_else_has_taken_is_taken_over() -> None:
    dirty = DirtySet()
    dirty.redo(T, 7.0)
    dirty.differ(T, [Suspect(key(1), 1, 5.0)], 5.0)
    before = dirty.pop_redo(T)
    due = dirty.pop_redo(T)
    assert before is not None
    assert due == Due(7.0)
    # Whoever had it before says nothing of rows that are being read now.
    dirty.redone(T, before, (), 9.0)
    assert (dirty.redo_tables(), dirty.counts().differing) == ({T}, 1)
    dirty.not_redone(T, before)
    assert (dirty.to_redo(), dirty.redo_tables()) == ((), {T})
    dirty.redone(T, due, (), 9.0)
    assert (dirty.redo_tables(), dirty.counts().differing) == (set(), 0)


@given(st.sets(st.integers(-500, 500), max_size=300), st.sets(st.integers(-500, 500), max_size=100), st.integers(1, 50))
def test_ranges_hold_all_numbers_in_order_and_what_is_outside_holds_the_rest(
    some: set[int], others: set[int], apart: int
) -> None:
    one, other = ranges_of(some, apart), ranges_of(others, 1)
    both = united(one, other)
    for ranges in (one, other, both):
        assert all(low <= high for low, high in ranges)
        assert all(first[1] + 1 < then[0] for first, then in pairwise(ranges))
        assert len(ranges) <= 32

    def held(ranges: Ranges) -> set[int]:
        return {number for low, high in ranges for number in range(low, high + 1)}

    assert some <= held(one)
    assert held(both) == held(one) | held(other)
    left = [number for span in outside(both, (-500, 500)) for number in range(span.low, span.high + 1)]
    assert sorted(left) == sorted(set(range(-500, 501)) - held(both))


def test_too_many_differing_rows_become_a_table_to_be_read_again() -> None:
    dirty = DirtySet(most_differing=10)
    dirty.differ(T, [Suspect(key(number), 1, 5.0) for number in range(30)], now=9.0)
    assert dirty.counts() == Counts(0, 10, 1)
    assert dirty.flooded() == {T}
    # Those that are known to differ leave by that reading only, and make room for others.
    assert redone(dirty, *[Suspect(key(number), 1, 8.0) for number in range(5, 9)]) == Due(5.0)
    assert (dirty.flooded(), numbers(one.key for one in dirty.differing()[T])) == (frozenset(), {5, 6, 7, 8})


def test_differing_rows_are_kept_of_all_tables_together_and_no_more() -> None:
    dirty = DirtySet(most_differing=10)
    dirty.differ(T, [Suspect(key(number), 1, 5.0) for number in range(7)], now=9.0)
    dirty.differ(U, [Suspect(key(number), 1, 6.0) for number in range(7)], now=9.0)
    assert dirty.counts() == Counts(0, 10, 1)
    assert (dirty.flooded(), dirty.to_redo()) == ({U}, (U,))
    # Those that are known already take no more room.
    dirty.differ(T, [Suspect(key(number), 2, 7.0) for number in range(7)], now=9.0)
    assert (dirty.counts(), dirty.flooded()) == (Counts(0, 10, 1), {U})


def test_where_more_differ_than_are_told_nothing_counts_as_equal_and_the_table_is_read_again() -> None:
    dirty = DirtySet()
    dirty.differ(T, [Suspect(key(1), 1, 2.0)], now=2.0)
    dirty.redo(T, 5.0)
    due = dirty.pop_redo(T)
    assert due is not None
    dirty.redone_in_part(T, due, [Suspect(key(2), 1, 5.0)], now=9.0)
    assert numbers(one.key for one in dirty.differing()[T]) == {1, 2}
    assert (dirty.flooded(), dirty.oldest()) == ({T}, 2.0)
    assert redone(dirty, Suspect(key(2), 1, 9.0)) == Due(5.0)
    assert (dirty.flooded(), numbers(one.key for one in dirty.differing()[T])) == (frozenset(), {2})


def test_however_many_stretches_wait_they_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dirty_set, "_MOST_WAITING", 10)
    dirty = DirtySet(most=50, ranges_of=in_ranges)
    for at in range(1, 1000):
        dirty.touched(Side.SOURCE, stretch(at, 3 * at, 3 * at + 1))
        assert len(dirty._waiting[Side.SOURCE]) <= 10
    assert dirty.waits(Side.SOURCE) == 1.0
    dirty.settle(Side.SOURCE, upto(998))
    assert dirty.waits(Side.SOURCE) is not None
    dirty.settle(Side.SOURCE, upto(999))
    due = redone(dirty)
    assert due is not None
    assert due.ranges is not None
    found = numbers(taken(dirty)) | {n for low, high in due.ranges for n in range(low, high + 1)}
    assert found >= {3 * at + more for at in range(1, 1000) for more in (0, 1)}
    assert (due.since, dirty.counts()) == (1.0, Counts(0, 0, 0))


def test_a_row_that_differs_all_the_time_grows_older_however_often_its_table_is_read_again() -> None:
    dirty = DirtySet()
    dirty.differ(T, [Suspect(key(1), 1, 5.0), Suspect(key(2), 1, 5.0)], now=5.0)
    for tries in range(2, 6):
        dirty.redo(T, 6.0 + tries)
        due = dirty.pop_redo(T)
        assert due is not None
        # It is known to differ meanwhile, too.
        assert key(1) in {one.key for one in dirty.differing()[T]}
        dirty.redone(T, due, [Suspect(key(1), 1, due.since)], now=6.0 + tries)
        (one,) = dirty.differing()[T]
        assert (one.key, one.tries, one.since) == (key(1), tries, 5.0)


def test_a_row_found_to_differ_while_its_table_is_read_again_stays() -> None:
    dirty = DirtySet()
    dirty.differ(T, [Suspect(key(1), 1, 5.0), Suspect(key(2), 1, 5.0)], now=5.0)
    dirty.redo(T, 6.0)
    due = dirty.pop_redo(T)
    assert due is not None
    dirty.differ(T, [Suspect(key(2), 2, 5.0), Suspect(key(3), 1, 6.0)], now=7.0)
    dirty.redone(T, due, (), now=8.0)
    assert numbers(one.key for one in dirty.differing()[T]) == {2, 3}


def test_ranges_that_are_read_again_say_nothing_of_what_else_differs() -> None:
    dirty = DirtySet(most=10, ranges_of=in_ranges)
    dirty.differ(T, [Suspect(key(1), 1, 0.5)], now=0.5)
    dirty.touched(Side.SOURCE, stretch(1, *range(100, 120)))
    dirty.settle_all()
    assert redone(dirty, Suspect(key(105), 1, 1.0)) == Due(1.0, ((100, 119),))
    assert numbers(one.key for one in dirty.differing()[T]) == {1, 105}


def test_a_table_read_again_needs_no_keys_of_before_and_keeps_those_of_after() -> None:
    dirty = DirtySet()
    dirty.touched(Side.SOURCE, stretch(1, 1, redo=(T,), seen=1.0))
    dirty.settle(Side.SOURCE, upto(1))
    due = dirty.pop_redo(T)
    assert due == Due(1.0)
    assert (taken(dirty), dirty.to_redo(), dirty.redo_tables()) == (set(), (), frozenset({T}))
    dirty.touched(Side.SOURCE, stretch(2, 2))
    assert dirty.oldest() == 1.0
    assert due is not None
    dirty.redone(T, due, (), 0.0)
    assert dirty.redo_tables() == set()
    dirty.settle(Side.SOURCE, upto(2))
    assert taken(dirty) == keys(2)


def test_a_table_that_was_not_read_to_its_end_is_read_again() -> None:
    dirty = DirtySet()
    dirty.redo(T, 7.0)
    due = dirty.pop_redo(T)
    assert due == Due(7.0)
    dirty.redo(T, 9.0)
    assert due is not None
    dirty.not_redone(T, due)
    assert (dirty.to_redo(), dirty.oldest_unread()) == ((T,), 7.0)


def test_a_table_whose_keys_are_of_no_use_is_read_as_a_whole_and_stays_as_old_as_it_was() -> None:
    dirty = DirtySet()
    dirty.differ(T, [Suspect(key(3), 1, 3.0)], 9.0)
    dirty.touched(Side.SOURCE, stretch(4, 1, seen=4.0))
    dirty.settle_all()
    dirty.touched(Side.TARGET, stretch(5, 2, seen=5.0))
    assert dirty.left(3.0) == Left(frozenset(), {T: (key(3),)})
    dirty.give_up(T)
    assert (dirty.to_redo(), dirty.left(3.0)) == ((T,), Left(frozenset({T}), {}))
    assert dirty.counts() == Counts(0, 0, 1)
    assert redone(dirty) == Due(3.0)
    # What was not visible to that reading has it read once more.
    assert (dirty.to_redo(), dirty.redo_tables(), dirty.oldest()) == ((), frozenset({T}), 5.0)
    dirty.redo(T, 9.0)
    dirty.settle_all()
    assert redone(dirty) == Due(5.0)


def test_a_forgotten_table_leaves_nothing() -> None:
    dirty = DirtySet()
    dirty.touched(Side.SOURCE, stretch(1, 1, 2, redo=(T,)))
    dirty.differ(T, [Suspect(key(1), 1, 0.0)], 0.0)
    dirty.forget(T)
    dirty.settle_all()
    assert (dirty.counts(), dirty.oldest(), taken(dirty)) == (Counts(0, 0, 0), None, set())


@given(
    st.lists(
        st.tuples(st.sampled_from([Side.SOURCE, Side.TARGET]), st.sets(st.integers(0, 30), max_size=8)), max_size=30
    ),
    st.lists(st.integers(1, 40), max_size=30),
    st.integers(5, 40),
    st.booleans(),
    st.sampled_from([3, 1000]),
)
def test_every_key_is_read_after_its_event_became_visible_or_its_table_is(
    events: list[tuple[Side, set[int]]], horizons: list[int], most: int, ordered: bool, waiting: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dirty_set, "_MOST_WAITING", waiting)
        every_key_is_read(events, horizons, most, ordered)


def every_key_is_read(events: list[tuple[Side, set[int]]], horizons: list[int], most: int, ordered: bool) -> None:
    dirty = DirtySet(most=most, ranges_of=in_ranges if ordered else lambda table, some: None)
    pending: set[tuple[Side, int, int]] = set()
    visible = {Side.SOURCE: 0, Side.TARGET: 0}

    def read(some: int) -> bool:
        due = redone(dirty)
        if due is not None:
            assert (due.ranges is not None) == ordered
            found = {number for low, high in due.ranges or ((0, 30),) for number in range(low, high + 1)}
        else:
            found = numbers(taken(dirty, some))
        pending.difference_update({one for one in pending if one[2] in found and one[1] <= visible[one[0]]})
        return bool(found)

    for at, (side, some) in enumerate(events, 1):
        dirty.touched(side, stretch(at, *some))
        pending |= {(side, at, number) for number in some}
        if at <= len(horizons):
            visible[side] = max(visible[side], horizons[at - 1])
            dirty.settle(side, upto(horizons[at - 1]))
        read(3)
    visible = dict.fromkeys(visible, len(events))
    dirty.settle_all()
    while read(7):
        pass
    assert (pending, dirty.counts(), dirty.oldest()) == (set(), Counts(0, 0, 0), None)
