"""A pair of readers: what one server refuses does not get between the other and its answers."""

from __future__ import annotations

import pytest

from migration.verify.readers import Readers
from providers.mysql.errors import StatementFailed
from providers.mysql.packets.rows import RowLayout
from tests.migration.verify.pairs import Pair

ROWS = "SELECT id FROM r.t"


def numbers(readers: Readers, here: str, there: str) -> tuple[list[int], list[int]]:
    """What both answer, of one column of numbers."""
    columns = [prepared.columns for prepared in readers.prepare(here, there)]
    found = []
    for packets, types in zip(readers.both(here, there), columns, strict=True):
        layout = RowLayout(types, 1)
        found.append([int.from_bytes(layout.key(buffer, start)[0], "little") for buffer, start, _ in packets.rows()])
    return found[0], found[1]


def test_where_one_cannot_prepare_a_statement_both_go_on(fresh_alike: Pair) -> None:
    made = ("CREATE TABLE r.t (id INT PRIMARY KEY) ENGINE=InnoDB", "INSERT INTO r.t VALUES (1), (2)")
    fresh_alike.on_both("CREATE DATABASE r")
    with fresh_alike.readers() as readers:
        for there_is, wanted in ((fresh_alike.on_source, fresh_alike.target), (fresh_alike.on_target, None)):
            for number in range(3):
                with pytest.raises(StatementFailed) as refused:
                    readers.prepare(ROWS, ROWS)
                assert refused.value.code == 1146
                assert numbers(readers, f"SELECT {number}", f"SELECT {number + 7}") == ([number], [number + 7])
            there_is(*made)
            if wanted is not None:
                with pytest.raises(StatementFailed) as refused:
                    readers.prepare(ROWS, ROWS)
                assert refused.value.server == wanted.name
        assert numbers(readers, ROWS, ROWS) == ([1, 2], [1, 2])


def test_statements_beyond_those_that_are_kept_are_prepared_again(fresh_alike: Pair) -> None:
    with fresh_alike.readers() as readers:
        for _ in range(2):
            for number in range(250):
                assert numbers(readers, f"SELECT {number}", f"SELECT {number + 1}") == ([number], [number + 1])
