"""Checksums that servers compute: equal rows have equal ones on all servers, every damage changes them."""

from __future__ import annotations

import contextlib

import pytest

from migration.verify.chunks import Done
from migration.verify.hashing import hash_of
from migration.verify.model import Mode
from migration.verify.readers import Readers
from migration.verify.shapes import Shape
from tests.migration.checks.lab import setting
from tests.migration.verify.pairs import Pair
from tests.migration.verify.scanning import changed, ordered, scanned, shape_of, shapes_of
from tests.migration.verify.test_scan import OPTIONS, TABLE, made, numbers


def equal(readers: Readers, shape: Shape) -> bool:
    """Whether the checksums of a whole table are equal."""
    by = hash_of(shape, readers.source.version, readers.target.version)
    a, b = readers.both(by.over(0, ""), by.over(1, ""))
    return a.same_as(b)


def test_equal_tables_have_equal_checksums_and_every_damage_changes_them(fresh: Pair) -> None:
    damages = made(fresh)
    shapes = shapes_of(fresh).tables
    with fresh.readers() as readers:
        # Where a row is too long for a checksum it is a random one.
        assert {shape.name for shape in shapes if not equal(readers, shape)} <= {"row of several packets"}
        for damage in damages:
            fresh.on_target(*damage.statements(damage.harm))
        harmed = {damage.table for damage in damages}
        # Sums of rows without a key are another matter: an even number of equal rows leaves an XOR as it was.
        missed = [shape.name for shape in shapes if shape.table in harmed and shape.keys and equal(readers, shape)]
        assert missed == []


@pytest.mark.parametrize("key", ["id INT NOT NULL PRIMARY KEY", "id VARCHAR(20) NOT NULL PRIMARY KEY"])
def test_the_rows_of_unequal_chunks_are_read_and_told(fresh_alike: Pair, key: str) -> None:
    pair = fresh_alike
    pair.on_both(*numbers(15), f"CREATE TABLE s.t ({key}, v VARCHAR(900)) {OPTIONS}")
    pair.on_both("INSERT INTO s.t SELECT id, REPEAT('v', 800) FROM s.n", "ANALYZE TABLE s.t")
    shape = shape_of(pair, TABLE)
    before = scanned(pair, [shape], mode=Mode.HASH)
    assert before.rows(TABLE) == 1 << 15
    assert before.differences() == {}
    assert sum(chunk.size for chunk in before.chunks) < 10_000
    pair.on_target("UPDATE s.t SET v = 'w' WHERE id IN (1, 20000, 32768)")
    after = scanned(pair, [shape], mode=Mode.HASH)
    assert after.of(TABLE) == ordered([changed(TABLE, "v", id=number) for number in (1, 20000, 32768)])
    assert after.rows(TABLE) == 1 << 15
    assert Done(after.ranges(TABLE))
    strongest = 256 if pair.versions[0].mysql_from(8, 0) else 32
    assert max(chunk.miss for chunk in before.chunks) == 2.0**-strongest


def test_a_row_that_is_too_long_for_a_checksum_is_read(fresh_alike: Pair) -> None:
    pair = fresh_alike
    pair.on_both(
        "CREATE DATABASE s", f"CREATE TABLE s.t (id INT NOT NULL PRIMARY KEY, a LONGTEXT, b LONGTEXT) {OPTIONS}"
    )
    pair.on_both("INSERT INTO s.t VALUES (1, REPEAT('a', 9000000), REPEAT('b', 9000000)), (2, NULL, '')")
    with contextlib.ExitStack() as stack:
        for server in (pair.two.source, pair.two.target):
            stack.enter_context(setting(server, "max_allowed_packet", "16777216"))
        # Both are the same, and nobody could compute it.
        assert not equal(stack.enter_context(pair.readers()), shape_of(pair, TABLE))
    pair.on_target("UPDATE s.t SET b = CONCAT(REPEAT('b', 8999999), 'c') WHERE id = 1")
    assert scanned(pair, [shape_of(pair, TABLE)], mode=Mode.HASH).of(TABLE) == [changed(TABLE, "b", id=1)]
