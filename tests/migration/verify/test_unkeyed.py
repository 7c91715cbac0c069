"""Tables whose rows no key names in the same order on both servers: small ones exactly, large ones by sums."""

from __future__ import annotations

from migration.verify.model import Difference, Kind
from migration.verify.shapes import Way
from tests.migration.verify.damages import OPTIONS
from tests.migration.verify.pairs import Pair
from tests.migration.verify.scanning import changed, extra, missing, ordered, scanned, shape_of
from tests.migration.verify.test_scan import TABLE, numbers

ROWS = 1 << 14


def some(kind: Kind, rows: int = 1) -> Difference:
    return Difference(TABLE, kind, (), (), rows)


def test_a_large_table_without_a_key_is_summed_up_and_only_unequal_buckets_are_read(fresh: Pair) -> None:
    fresh.on_both(*numbers(14), f"CREATE TABLE s.t (id INT, f FLOAT, v VARCHAR(900)) {OPTIONS}")
    fresh.on_source(
        "INSERT INTO s.t SELECT id % 8000, id / 3e0, IF(id % 9, REPEAT('v', 500), NULL) FROM s.n ORDER BY id"
    )
    fresh.on_target(
        "INSERT INTO s.t SELECT id % 8000, id / 3e0, IF(id % 9, REPEAT('v', 500), NULL) FROM s.n ORDER BY id DESC"
    )
    fresh.on_both("ANALYZE TABLE s.t")
    shape = shape_of(fresh, TABLE)
    assert shape.way is Way.UNKEYED
    assert shape.size > 4 << 20
    before = scanned(fresh, [shape])
    assert before.differences() == {}
    assert before.rows(TABLE) == ROWS
    assert before.chunks[0].size < 1 << 16
    assert 0 < before.chunks[0].miss < 1e-18
    fresh.on_target(
        "UPDATE s.t SET v = 'w' WHERE id = 77 ORDER BY f LIMIT 1",
        "INSERT INTO s.t VALUES (-1, 0, NULL), (-1, 0, NULL)",
    )
    told = scanned(fresh, [shape]).of(TABLE)
    assert told == ordered([some(Kind.MISSING), some(Kind.EXTRA), some(Kind.EXTRA, 2)])


def test_equal_rows_do_not_cancel_each_other_out(fresh_alike: Pair) -> None:
    pair = fresh_alike
    pair.on_both(*numbers(14), f"CREATE TABLE s.t (v VARCHAR(900)) {OPTIONS}")
    pair.on_both("INSERT INTO s.t SELECT REPEAT(id % 2, 500) FROM s.n", "ANALYZE TABLE s.t")
    pair.on_target(f"UPDATE s.t SET v = REPEAT('1', 500) WHERE v LIKE '0%' LIMIT {ROWS // 4}")
    # The rows of either bucket are more than are held in memory at once.
    told = scanned(pair, [shape_of(pair, TABLE)])
    assert told.of(TABLE) == ordered([some(Kind.MISSING, ROWS // 4), some(Kind.EXTRA, ROWS // 4)])


def test_a_key_in_another_order_on_the_target_is_compared_by_buckets(fresh_alike: Pair) -> None:
    pair = fresh_alike
    pair.on_both(*numbers(14))
    for side, collation in ((pair.on_source, "utf8mb4_bin"), (pair.on_target, "utf8mb4_unicode_ci")):
        side(
            "CREATE TABLE s.t (k VARCHAR(40) NOT NULL, v VARCHAR(900), PRIMARY KEY (k)) "
            f"ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE={collation}",
            "INSERT INTO s.t SELECT CONCAT(ELT(id % 3 + 1, 'a', 'B', 'é'), id), REPEAT('v', 500) FROM s.n",
            "ANALYZE TABLE s.t",
        )
    shape = shape_of(pair, TABLE)
    assert shape.way is Way.BUCKETS
    assert scanned(pair, [shape]).differences() == {}
    pair.on_target(
        "UPDATE s.t SET v = 'w' WHERE k = 'B1'",
        "UPDATE s.t SET k = 'A3' WHERE k = 'a3'",
        "DELETE FROM s.t WHERE k = 'é2'",
    )
    expected = [changed(TABLE, "v", k="B1"), missing(TABLE, k="a3"), extra(TABLE, k="A3"), missing(TABLE, k="é2")]
    assert scanned(pair, [shape]).of(TABLE) == ordered(expected)


def test_a_small_table_is_compared_exactly_whatever_the_order_of_its_rows(fresh: Pair) -> None:
    fresh.on_both(
        "CREATE DATABASE s", f"CREATE TABLE s.t (a INT, b DOUBLE, c JSON) {OPTIONS}".replace("c JSON", "c TEXT")
    )
    fresh.on_source("INSERT INTO s.t VALUES (1, 0.1, 'x'), (2, 0.2, 'y'), (2, 0.2, 'y'), (NULL, NULL, NULL)")
    fresh.on_target("INSERT INTO s.t VALUES (NULL, NULL, NULL), (2, 0.2, 'y'), (1, 0.1, 'x'), (2, 0.2, 'y')")
    shape = shape_of(fresh, TABLE)
    assert scanned(fresh, [shape]).differences() == {}
    fresh.on_target("DELETE FROM s.t WHERE a = 2 LIMIT 1")
    told = scanned(fresh, [shape])
    assert told.of(TABLE) == [some(Kind.MISSING)]
    assert told.chunks[0].miss == 0.0
