"""Many tiny tables that are read together: what is equal is told so, what is not is found as in any other table."""

from __future__ import annotations

import contextlib

import pytest

from migration.verify.model import Table
from migration.verify.tiny import is_tiny
from providers.mysql.connection import Connection
from tests.migration.verify.pairs import Pair
from tests.migration.verify.scanning import changed, extra, missing, scanned, shapes_of

NUMBER = 70
KINDS = ("FLOAT", "DOUBLE", "FLOAT", "INT")
ROWS = ", ".join(f"({number}, 'v{number}')" for number in range(1, 11))


def name(number: int) -> Table:
    return "tiny", f"t{number:03}"


@pytest.fixture
def many(fresh_alike: Pair) -> Pair:
    """Tables of ten rows, of one row, and of none."""
    tables = [".".join(name(number)) for number in range(NUMBER)]
    fresh_alike.on_both(
        "CREATE DATABASE tiny CHARACTER SET utf8mb4",
        *(f"CREATE TABLE {one} (id INT PRIMARY KEY, v VARCHAR(20)) ENGINE=InnoDB" for one in tables),
        *(f"INSERT INTO {one} VALUES {ROWS}" for one in tables[:-20]),
        *(f"INSERT INTO {one} VALUES (1, NULL)" for one in tables[-20:-10]),
    )
    return fresh_alike


def prepared(session: Connection) -> int:
    return int(session.row("SHOW GLOBAL STATUS LIKE 'Com_stmt_prepare'")[1])  # type: ignore[index]


def test_all_of_them_are_read_with_few_statements(many: Pair) -> None:
    shapes = shapes_of(many).tables
    assert all(map(is_tiny, shapes))
    with contextlib.closing(many.two.source.connect()) as session:
        before = prepared(session)
        told = scanned(many, shapes)
        assert prepared(session) - before < NUMBER // 5
    assert sorted(told.tables) == [name(number) for number in range(NUMBER)]
    assert (told.troubles, told.differences()) == ({}, {})
    assert sum(chunk.rows for chunk in told.chunks) == 10 * (NUMBER - 20) + 10
    assert len(told.chunks) == NUMBER


def test_what_differs_is_found_in_them(many: Pair) -> None:
    many.on_target(
        "UPDATE tiny.t003 SET v = 'other' WHERE id = 4",
        "DELETE FROM tiny.t040 WHERE id = 10",
        "INSERT INTO tiny.t041 VALUES (0, 'more')",
        "DELETE FROM tiny.t050",
        "INSERT INTO tiny.t069 VALUES (9, '')",
        "UPDATE tiny.t051 SET v = '' WHERE id = 1",
    )
    told = scanned(many, shapes_of(many).tables)
    assert told.differences() == {
        name(3): [changed(name(3), "v", id=4)],
        name(40): [missing(name(40), id=10)],
        name(41): [extra(name(41), id=0)],
        name(50): [missing(name(50), id=1)],
        name(51): [changed(name(51), "v", id=1)],
        name(69): [extra(name(69), id=9)],
    }
    assert sorted(told.tables) == [name(number) for number in range(NUMBER)]


def test_numbers_in_floating_point_are_compared_to_the_last_bit(fresh_alike: Pair) -> None:
    fresh_alike.on_both(
        "CREATE DATABASE tiny",
        *(f"CREATE TABLE tiny.f{at} (id INT PRIMARY KEY, v {kind}) ENGINE=InnoDB" for at, kind in enumerate(KINDS)),
        *(f"INSERT INTO tiny.f{at} VALUES (1, 16777216)" for at in range(len(KINDS))),
    )
    fresh_alike.on_target("UPDATE tiny.f0 SET v = 16777218", "UPDATE tiny.f1 SET v = 16777216 + 4e-9")
    told = scanned(fresh_alike, shapes_of(fresh_alike).tables)
    assert set(told.differences()) == {("tiny", "f0"), ("tiny", "f1")}


def test_of_a_table_that_is_gone_the_others_know_nothing(many: Pair) -> None:
    shapes = shapes_of(many).tables
    many.on_target("DROP TABLE tiny.t010", "ALTER TABLE tiny.t011 MODIFY v VARBINARY(20)")
    many.on_source("DROP TABLE tiny.t012", "ALTER TABLE tiny.t013 DROP COLUMN v")
    told = scanned(many, shapes)
    assert set(told.troubles) == {name(number) for number in (10, 12, 13)}
    assert len(told.tables) == NUMBER - 3
    assert told.differences() == {}


def test_a_table_that_has_grown_since_it_was_called_tiny_is_read_all_the_same(many: Pair) -> None:
    shapes = shapes_of(many).tables
    many.on_both(
        *(f"INSERT INTO tiny.t020 SELECT id + {10 << power}, v FROM tiny.t020" for power in range(8)),
        "ALTER TABLE tiny.t021 MODIFY v LONGTEXT",
    )
    many.on_target("UPDATE tiny.t020 SET v = 'x' WHERE id = 2000")
    # Larger than what is held of all answers together.
    many.on_both("UPDATE tiny.t021 SET v = REPEAT('x', 900000)")
    told = scanned(many, shapes)
    assert told.differences() == {name(20): [changed(name(20), "v", id=2000)]}
    assert (told.rows(name(20)), told.rows(name(21))) == (2560, 10)
    assert len(told.tables) == NUMBER
