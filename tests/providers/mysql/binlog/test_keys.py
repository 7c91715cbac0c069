"""Every type as a key and in the row: what is touched by SQL is what the tail reports, and its keys find it again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.mysql.binlog.keys import KeyColumn, key_params
from providers.mysql.connection import Connection
from providers.mysql.packets.reader import RawReader
from providers.mysql.packets.rows import RowLayout, placeholder
from tests.providers.mysql.binlog.following import Following, Seen, following
from tests.providers.mysql.binlog.kinds import COMPOSITE, KINDS, OTHERS, VALUES

_KEYS: dict[str, tuple[str, ...]] = {f"k{n}": key for n, key in enumerate([*((kind,) for kind in KINDS), *COMPOSITE])}
# Where among the other columns those of the key stand, the last of them first.
_AT = 12


@dataclass(frozen=True)
class KeyTable:
    """A table in `app`; `where` finds a row by parameters, `columns` are its key."""

    name: str
    kinds: tuple[KeyColumn, ...]
    columns: tuple[str, ...]
    where: str

    @property
    def positions(self) -> tuple[int, ...]:
        return tuple(_AT + len(self.columns) - 1 - number for number in range(len(self.columns)))


@dataclass(frozen=True)
class Bench:
    """All the tables, a tail that follows them, and what finds rows by keys."""

    tables: tuple[KeyTable, ...]
    follow: Following
    reader: RawReader

    def run(self, *statements: str) -> Seen:
        seen = self.follow.run(*statements)
        assert (seen.unreadable, seen.everything, seen.statements) == (set(), "", []), seen
        return seen

    def found(self, table: KeyTable, seen: Seen) -> dict[tuple[bytes, ...], list[int]]:
        """The numbers of the rows that each key finds now."""
        sql = f"SELECT serial FROM app.{table.name} WHERE {table.where}"
        found = {}
        for key in seen.rows.get(("app", table.name), set()):
            params = key_params(key, table.kinds)
            assert params is not None, (table, key)
            layout = RowLayout(self.reader.prepare(sql).columns, 1)
            rows = self.reader.read(sql, params).rows()
            found[key] = [int.from_bytes(layout.key(buffer, start)[0], "little") for buffer, start, _ in rows]
        return found


def _make(session: Connection, name: str, types: Sequence[str]) -> KeyTable:
    others = [f"{column} {kind}" for column, kind in OTHERS.items()]
    columns = tuple(f"c{number}" for number in range(len(types)))
    keys = [f"{column} {KINDS[kind][0]} NOT NULL" for column, kind in zip(columns, types, strict=True)]
    described = ", ".join(["serial BIGINT", *others[: _AT - 1], *reversed(keys), *others[_AT - 1 :]])
    session.run(f"CREATE TABLE app.{name} ({described}, PRIMARY KEY ({', '.join(columns)})) ENGINE=InnoDB")
    kinds, conditions = [], []
    for column in columns:
        data, full, charset, collation = session.rows(
            "SELECT DATA_TYPE, COLUMN_TYPE, CHARACTER_SET_NAME, COLLATION_NAME FROM information_schema.COLUMNS "
            "WHERE TABLE_SCHEMA = 'app' AND TABLE_NAME = %s AND COLUMN_NAME = %s",
            (name, column),
        )[0]
        kinds.append(KeyColumn(data, full, charset or "", "unsigned" in full))
        conditions.append(f"{column} = {placeholder(charset, collation)}")
    return KeyTable(name, tuple(kinds), columns, " AND ".join(conditions))


@pytest.fixture(scope="module")
def bench(session: Connection) -> Iterator[Bench]:
    session.run("SET SESSION sql_mode = ''")
    tables = tuple(_make(session, name, types) for name, types in _KEYS.items())
    positions = {table.name: table.positions for table in tables}
    with (
        contextlib.closing(RawReader(session.endpoint)) as reader,
        following(session, positions) as follow,
    ):
        # Without GTIDs the log begins before the tables do.
        follow.catch_up()
        yield Bench(tables, follow, reader)


def _insert(table: KeyTable, serial: int, key: Sequence[str], nulls: set[str]) -> str:
    cells = {name: "NULL" if name in nulls else VALUES[name] for name in OTHERS}
    names = ", ".join(["serial", *table.columns, *cells])
    return f"INSERT IGNORE INTO app.{table.name} ({names}) VALUES ({serial}, {', '.join([*key, *cells.values()])})"


def _change_key(table: KeyTable, serial: int, key: Sequence[str]) -> str:
    cells = ", ".join(f"{column} = {cell}" for column, cell in zip(table.columns, key, strict=True))
    return f"UPDATE IGNORE app.{table.name} SET {cells} WHERE serial = {serial}"


_CASES = st.fixed_dictionaries(
    {
        name: st.lists(st.tuples(*(KINDS[kind][1] for kind in types)), min_size=3, max_size=3)
        for name, types in _KEYS.items()
    }
)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    cases=_CASES,
    nulls=st.lists(st.sets(st.sampled_from(list(OTHERS))), min_size=2, max_size=2),
    image=st.sampled_from(["FULL", "MINIMAL", "NOBLOB"]),
)
def test_what_sql_touches_is_what_the_tail_reports(
    bench: Bench, session: Connection, cases: dict[str, list[tuple[str, ...]]], nulls: list[set[str]], image: str
) -> None:
    session.run(f"SET SESSION binlog_row_image = {image}")
    for table in bench.tables:
        session.run(f"DELETE FROM app.{table.name}")
    bench.follow.catch_up()

    seen = bench.run(*(_insert(t, n, cases[t.name][n], nulls[n]) for t in bench.tables for n in (0, 1)))
    kept = {}
    for table in bench.tables:
        kept[table.name] = sorted(row[0] for row in session.rows(f"SELECT serial FROM app.{table.name}"))
        assert sorted(bench.found(table, seen).values()) == [[serial] for serial in kept[table.name]], table
    assert not seen.rekeyed

    seen = bench.run(*(f"UPDATE app.{table.name} SET o_big = 4711, o_longtext = 'new'" for table in bench.tables))
    before = {table.name: bench.found(table, seen) for table in bench.tables}
    for table in bench.tables:
        assert sorted(before[table.name].values()) == [[serial] for serial in kept[table.name]], table
    assert not seen.rekeyed

    seen = bench.run(*(_change_key(table, 0, cases[table.name][2]) for table in bench.tables))
    for table in bench.tables:
        _check_changed(table, before[table.name], bench.found(table, seen), ("app", table.name) in seen.rekeyed)

    seen = bench.run(*(f"DELETE FROM app.{table.name}" for table in bench.tables))
    for table in bench.tables:
        found = bench.found(table, seen)
        assert list(found.values()) == [[] for _ in kept[table.name]], table
        assert ("app", table.name) in seen.rekeyed


def _check_changed(
    table: KeyTable, before: dict[tuple[bytes, ...], list[int]], after: dict[tuple[bytes, ...], list[int]], moved: bool
) -> None:
    """The old key and the new one, or nothing where it stayed or another row has it already."""
    assert moved == bool(after), table
    if not after:
        return
    (old,) = (key for key, serials in before.items() if serials == [0])
    assert old in after, (table, after)
    assert len(after) == 2, (table, after)
    for key, serials in after.items():
        # The old one finds the row, too, where the two differ in nothing that the column's collation sees.
        assert serials == [0] if key != old else serials in ([], [0]), (table, after)


def test_a_year_that_servers_compare_differently_is_not_told() -> None:
    assert key_params((b"\x00",), (KeyColumn("year", "year(4)", "", False),)) is None


def test_a_key_that_does_not_fit_its_column_is_not_told() -> None:
    for raw, data, column in (
        (b"\x01\x02", "int", "int(11)"),
        (b"\x80\x00", "decimal", "decimal(10,2)"),
        (b"\x01", "date", "date"),
        (b"\x00" * 8, "datetime", "datetime"),
        (b"x", "uuid", "uuid"),
    ):
        assert key_params((raw,), (KeyColumn(data, column, "", False),)) is None
    assert key_params((b"\x01\x00\x00\x00",), ()) is None
