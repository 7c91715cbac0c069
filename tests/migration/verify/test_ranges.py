"""Ranges of a key that are read again: all of them, and nothing else."""

from __future__ import annotations

import contextlib

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


def begun(pair: Pair, shape: Shape, ranges: Ranges) -> tuple[set[bytes], int]:
    """What the keys of differing rows begin with, and how many rows were read."""
    desk = Desk()
    with pair.readers() as readers:
        scan_ranges(Reading(readers, desk), shape, ranges)
    return {key[0] for chunk in desk.chunks for key in chunk.differing}, sum(chunk.rows for chunk in desk.chunks)


def read(pair: Pair, shape: Shape, ranges: Ranges) -> tuple[set[int], int]:
    """As `begun`, of numbers."""
    keys, rows = begun(pair, shape, ranges)
    return {int.from_bytes(key, "little", signed=shape.bounds[0] < 0) for key in keys}, rows


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


TEXT = "CONCAT('Key-', LPAD({n}, 6, '0'))"


@pytest.mark.parametrize(
    ("key", "number"),
    [
        ("id VARCHAR(20) COLLATE utf8mb4_bin PRIMARY KEY", TEXT),
        ("id CHAR(12) COLLATE utf8mb4_general_ci PRIMARY KEY", TEXT),
        ("id VARCHAR(20) CHARACTER SET latin1, b INT, PRIMARY KEY (id DESC, b)", f"{TEXT}, 1"),
        ("id VARCHAR(200) COLLATE utf8mb4_unicode_ci, b VARCHAR(9), PRIMARY KEY (id, b)", f"{TEXT}, 'b c'"),
        ("id VARCHAR(90) COLLATE utf8mb4_bin PRIMARY KEY", f"CONCAT({TEXT}, REPEAT('-', 40), {{n}} % 7)"),
        ("id VARBINARY(20) PRIMARY KEY", TEXT),
        ("id BINARY(10) PRIMARY KEY", TEXT),
        ("id BINARY(40) PRIMARY KEY", TEXT),
    ],
)
def test_all_rows_of_ranges_of_texts_are_compared_and_few_others(fresh_alike: Pair, key: str, number: str) -> None:
    shape = made(fresh_alike, key, number)
    harmed = ", ".join(f"'{at:06d}'" for at in (10, 499, 500, 2000, 2001, 3000))
    fresh_alike.on_target(
        f"UPDATE part.t SET v = 1 WHERE SUBSTR(id, 5, 6) IN ({harmed})",
        "DELETE FROM part.t WHERE SUBSTR(id, 5, 6) = '001000'",
    )
    with contextlib.closing(fresh_alike.two.source.connect()) as session:
        numbered = session.rows("SELECT CAST(SUBSTR(id, 5, 6) AS SIGNED), CAST(id AS BINARY) FROM part.t")
    # The log leaves zero bytes out, and of a key of two columns there is something of both.
    keys = {at: tuple([raw.rstrip(b"\0"), b"b"][: shape.keys]) for at, raw in numbered}
    ranges = KeyForm(shape).ranges([keys[at] for at in (*range(500, 2001), 3000)])
    assert ranges is not None
    found, rows = begun(fresh_alike, shape, ranges)
    assert {int(key[5:11]) for key in found} == {500, 1000, 2000, 3000}
    assert rows == 1502


def test_what_clients_call_the_same_key_is_in_the_same_range(fresh_alike: Pair) -> None:
    shape = made(fresh_alike, "id VARCHAR(20) COLLATE utf8mb4_general_ci PRIMARY KEY", TEXT)
    ranges = KeyForm(shape).ranges([(b"kEY-000500",), (b"KEY-000700",)])
    fresh_alike.on_target("UPDATE part.t SET v = 1 WHERE id IN ('key-000500', 'key-000600', 'key-000700')")
    assert ranges is not None
    found, rows = begun(fresh_alike, shape, ranges)
    assert (len(found), rows) == (2, 2)


@pytest.mark.parametrize(
    ("key", "some"),
    [
        ("id VARCHAR(20) PRIMARY KEY", [b"plain", "caf\u00e9".encode()]),
        ("id VARCHAR(20) PRIMARY KEY", [b"plain", b"two words"]),
        ("id VARCHAR(20) COLLATE utf8mb4_spanish_ci PRIMARY KEY", [b"plain"]),
        ("id VARCHAR(20) CHARACTER SET ucs2 PRIMARY KEY", [b"\0a"]),
        ("id ENUM('a', 'b') PRIMARY KEY", [b"\x01"]),
        ("id INT", [b"1234"]),
        ("id DATE PRIMARY KEY", [b"123"]),
    ],
)
def test_where_the_order_of_keys_is_not_known_there_are_no_ranges(
    fresh_alike: Pair, key: str, some: list[bytes]
) -> None:
    fresh_alike.on_both(
        "CREATE DATABASE part CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
        f"CREATE TABLE part.t ({key}, v INT) ENGINE=InnoDB",
    )
    assert KeyForm(shape_of(fresh_alike, T)).ranges([(one,) for one in some]) is None
