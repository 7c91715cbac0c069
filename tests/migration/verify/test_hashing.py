"""Checksums that servers compute: equal rows have equal ones on all servers, every damage changes them."""

from __future__ import annotations

import contextlib

import pytest

from migration.verify.chunks import Done
from migration.verify.model import Mode
from tests.migration.checks.lab import setting
from tests.migration.verify.damages import OPTIONS
from tests.migration.verify.pairs import Pair
from tests.migration.verify.scanning import changed, ordered, scanned, shape_of
from tests.migration.verify.test_scan import TABLE, equal, numbers


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
        assert equal(pair, [shape_of(pair, TABLE)]) == set()
    pair.on_target("UPDATE s.t SET b = CONCAT(REPEAT('b', 8999999), 'c') WHERE id = 1")
    assert scanned(pair, [shape_of(pair, TABLE)], mode=Mode.HASH).of(TABLE) == [changed(TABLE, "b", id=1)]
