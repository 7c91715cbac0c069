"""When a verification without a fence may end: a difference that was there in time is not lost on its way."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from migration.model import Side
from migration.verify.dirty import DirtySet, Stretch, Suspect
from migration.verify.ending import Seen, look
from migration.verify.follower import LogFollower
from migration.verify.model import Difference, Doubt, Kind
from providers.mysql.binlog.access import free_server_id
from providers.mysql.binlog.marks import Mark
from providers.mysql.binlog.places import log_end, log_start
from providers.mysql.connection import Connection
from tests.migration.verify.pairs import Pair
from tests.migration.verify.parts import Parts, T

CHANGED = Difference(T, Kind.CHANGED, (("id", "2"),), ("v",))
KEY = ((2).to_bytes(4, "little"),)
NOW = time.monotonic


@pytest.fixture
def parts(fresh_alike: Pair) -> Iterator[Parts]:
    fresh_alike.on_both(
        "CREATE DATABASE ending",
        "CREATE TABLE ending.t (id INT PRIMARY KEY, v INT) ENGINE=InnoDB",
        "INSERT INTO ending.t VALUES (1, 1), (2, 2), (3, 3)",
    )
    fresh_alike.on_target("UPDATE ending.t SET v = 9 WHERE id = 2")
    with fresh_alike.readers() as readers, fresh_alike.readers() as others:
        made = Parts(fresh_alike, readers, others)
        with contextlib.closing(made.rechecker), contextlib.closing(made.upkeep):
            yield made
        assert made.errors == []


def test_a_row_that_differed_before_its_table_was_altered_is_not_lost(parts: Parts) -> None:
    parts.findings.table_read(T)
    parts.dirty.differ(T, [Suspect(KEY, 1, NOW())], NOW())
    passed = NOW()
    assert [doubt.table for doubt in parts.look(passed).open] == [T]
    parts.known.alter((T,))
    due = parts.dirty.due_differing(NOW() + 10, 10)
    assert due is not None
    parts.rechecker.read_differing(*due)
    parts.upkeep.settle()
    assert parts.known.shape(T) is not None
    assert [doubt.table for doubt in parts.look(passed).open] == [T]
    assert parts.end(passed) == (CHANGED,)


def test_a_row_that_was_touched_before_its_table_was_altered_is_not_lost(parts: Parts) -> None:
    parts.findings.table_read(T)
    parts.dirty.touched(Side.SOURCE, Stretch({T: [KEY]}, frozenset(), Mark("binlog.000001", 4), NOW()))
    parts.dirty.settle_all()
    passed = NOW()
    parts.known.alter((T,))
    taken = parts.dirty.pop_touched(10)
    assert taken is not None
    parts.rechecker.read_touched(taken)
    parts.upkeep.settle()
    assert [doubt.table for doubt in parts.look(passed).open] == [T]
    assert parts.end(passed) == (CHANGED,)


def test_keys_of_a_shape_that_a_table_no_longer_has_are_not_used(parts: Parts) -> None:
    parts.findings.table_read(T)
    parts.dirty.differ(T, [Suspect(KEY, 1, NOW())], NOW())
    passed = NOW()
    parts.known.alter((T,))
    parts.upkeep.settle()
    # That they were there is not forgotten.
    assert (parts.dirty.counts().differing, parts.dirty.redo_tables()) == (0, frozenset({T}))
    assert parts.end(passed) == (CHANGED,)


def test_a_table_that_could_not_be_read_at_first_is_not_equal_before_its_rows_are_known(parts: Parts) -> None:
    parts.known.alter((T,))
    passed = NOW()
    parts.upkeep.settle()
    # Its log's renewal has it read again, and is later than all that was to be read.
    parts.dirty.redo(T, NOW())
    assert parts.end(passed) == (CHANGED,)


def test_what_came_later_is_not_waited_for(parts: Parts) -> None:
    parts.findings.table_read(T)
    passed = NOW()
    parts.dirty.differ(T, [Suspect(KEY, 1, NOW())], NOW())
    assert parts.look(passed) == Seen((), (), ())


def test_what_is_not_known_yet_is_open_and_what_is_not_to_be_known_is_not(parts: Parts) -> None:
    assert [doubt.table for doubt in parts.look(0.0).open] == [T]
    doubt = Doubt(T, "it cannot be compared")
    parts.known.doubt(doubt)
    assert parts.look(0.0) == Seen((), (), (doubt,))
    before = NOW()
    parts.known.relist()
    assert (parts.look(before).open, [one.table for one in parts.look(NOW()).open]) == ((), [None])
    parts.upkeep.settle()
    assert parts.look(NOW()).open == ()


def test_a_table_of_which_too_many_rows_differ_is_not_waited_for_once_those_that_are_kept_are_known(
    parts: Parts,
) -> None:
    parts.findings.table_read(T)
    dirty = DirtySet(most_differing=1)
    dirty.differ(T, [Suspect(KEY, 1, 1.0), Suspect((b"1234",), 1, 1.0)], 1.0)
    seen = look(parts.known, dirty, parts.findings, 2.0)
    assert [doubt.table for doubt in seen.open] == [T, T]
    parts.findings.confirm(T, {KEY: CHANGED})
    seen = look(parts.known, dirty, parts.findings, 2.0)
    assert (seen.differences, seen.open) == ((CHANGED,), ())
    assert "more of its rows differ" in seen.doubts[0].reason


def test_that_a_log_was_read_to_an_end_is_told_without_another_look(parts: Parts, fresh_alike: Pair) -> None:
    with contextlib.closing(Connection(fresh_alike.source)) as session:
        start = log_start(session)
        follower = LogFollower(
            Side.SOURCE, fresh_alike.source, start, free_server_id((session,)), parts.known, parts.dirty,
            lambda: None, parts.errors.append,
        )  # fmt: skip
        with contextlib.closing(follower):
            follower.start()
            fresh_alike.on_source("UPDATE ending.t SET v = 5 WHERE id = 1")
            end = log_end(session)
            assert follower.wait_reached(end, NOW() + 10)
            assert follower.wait_reached(end, NOW())
            assert not follower.wait_reached(replace(end, offset=end.offset + 1), NOW())
