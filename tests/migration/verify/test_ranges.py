"""Ranges of a key that are read again: all of them, and nothing else."""

from __future__ import annotations

import pytest

from migration.verify.model import Table
from migration.verify.reading import Chunk, Reading
from migration.verify.recheck import KeyForm
from migration.verify.shapes import Shape
from migration.verify.tables import scan_ranges
from migration.verify.touched import Key
from providers.mysql.binlog.ranges import Ranges
from tests.migration.verify.pairs import Pair
from tests.migration.verify.scanning import shape_of

T: Table = ("part", "t")
ROWS = 1 << 12


class Desk:
    """Takes what is read."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self.report = self.chunks.append

    def permit(self) -> bool:
        return True


def made(pair: Pair, key: str, number: str = "id") -> Shape:
    """A table on both servers, with rows from -100 or 0 on; {n} is their number."""
    pair.on_both(
        "CREATE DATABASE part CHARACTER SET utf8mb4",
        f"CREATE TABLE part.t ({key}, v INT NOT NULL DEFAULT 0, pad VARCHAR(300)) ENGINE=InnoDB",
        "CREATE TABLE part.n (n INT PRIMARY KEY) ENGINE=InnoDB",
        "INSERT INTO part.n VALUES (0)",
        *(f"INSERT INTO part.n SELECT n + {1 << power} FROM part.n" for power in range(12)),
        f"INSERT INTO part.t SELECT {number.replace('{n}', 'n')}, 0, REPEAT('p', 200) FROM part.n",
        "DROP TABLE part.n",
        "ANALYZE TABLE part.t",
    )
    return shape_of(pair, T)


def read(pair: Pair, shape: Shape, ranges: Ranges) -> tuple[set[int], int]:
    """The numbers that the keys of differing rows begin with, and how many rows were read."""
    desk = Desk()
    with pair.readers() as readers:
        scan_ranges(Reading(readers, desk), shape, ranges)
    signed = shape.bounds[0] < 0
    keys = [key for chunk in desk.chunks for key in chunk.differing]
    return {int.from_bytes(key[0], "little", signed=signed) for key in keys}, sum(chunk.rows for chunk in desk.chunks)


@pytest.mark.parametrize(
    ("key", "number"),
    [
        ("id INT PRIMARY KEY", "{n} - 100"),
        ("id MEDIUMINT, b VARCHAR(10), PRIMARY KEY (id, b)", "{n} - 100, 'b'"),
        ("id SMALLINT, b INT, PRIMARY KEY (id DESC, b)", "{n} - 100, 1"),
    ],
    ids=["alone", "first", "descending"],
)
def test_all_rows_of_ranges_are_compared_and_no_others(fresh_alike: Pair, key: str, number: str) -> None:
    shape = made(fresh_alike, key, number)
    low, high = shape.bounds
    fresh_alike.on_target(
        "UPDATE part.t SET v = 1 WHERE id IN (-100, -50, 10, 499, 500, 2000, 2001, 3000)",
        "DELETE FROM part.t WHERE id = 1000",
    )
    assert read(fresh_alike, shape, ((500, 2000),)) == ({500, 1000, 2000}, 1501)
    assert read(fresh_alike, shape, ((-51, -50), (499, 499), (2001, 2001))) == ({-50, 499, 2001}, 4)
    assert read(fresh_alike, shape, ((low, -50), (3000, high))) == ({-100, -50, 3000}, 51 + ROWS - 3100)
    assert read(fresh_alike, shape, ((low, high),))[1] == ROWS
    assert read(fresh_alike, shape, ((high - 5, high - 1),)) == (set(), 0)


def test_keys_of_a_log_are_held_by_ranges(fresh_alike: Pair) -> None:
    shape = made(fresh_alike, "id BIGINT UNSIGNED, b VARCHAR(10), PRIMARY KEY (id, b)", "{n}, 'b'")
    most = shape.bounds[1]
    keys: list[Key] = [(number.to_bytes(8, "little"), b"b") for number in (5, 6, most, 7, 9)]
    assert KeyForm(shape).ranges(keys) == ((5, 7), (9, 9), (most, most))
    fresh_alike.on_target(f"INSERT INTO part.t VALUES ({most}, 'b', 0, ''), ({most - 1}, 'b', 0, '')")
    assert read(fresh_alike, shape, ((5, 7), (9, 9), (most, most))) == ({most}, 4)


@pytest.mark.parametrize("key", ["id VARCHAR(20) PRIMARY KEY", "id INT", "id DATE PRIMARY KEY"])
def test_where_keys_begin_with_no_number_there_are_no_ranges(fresh_alike: Pair, key: str) -> None:
    fresh_alike.on_both("CREATE DATABASE part", f"CREATE TABLE part.t ({key}, v INT) ENGINE=InnoDB")
    assert KeyForm(shape_of(fresh_alike, T)).ranges([(b"1234",)]) is None
