"""Every type of column on real servers: values as the driver has them, and keys that find their rows."""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.mysql.connection import Connection
from providers.mysql.packets import wire
from providers.mysql.packets.reader import RawReader
from providers.mysql.packets.rows import SPOKEN, RowLayout, placeholder, shown, spoken
from providers.mysql.packets.wire import WireType
from providers.mysql.server import read_version
from tests.providers.mysql.packets.kinds import KINDS, Kind

ON_SERVERS = settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
keys = pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.key], ids=lambda kind: kind.name)


def insert(session: Connection, values: list[str], definition: str) -> str:
    """Fill a table with these values, each with a number of its own, and name it; equal keys are left out."""
    table = f"p.t_{zlib.crc32(definition.encode()):x}"
    session.run(f"CREATE TABLE IF NOT EXISTS {table} ({definition}) ENGINE=InnoDB")
    session.run(f"DELETE FROM {table}")
    rows = ", ".join(f"({number}, {value})" for number, value in enumerate(values))
    session.run(f"INSERT IGNORE INTO {table} (id, v) VALUES {rows}")
    return table


def driver_shows(value: Any, column: WireType) -> str:
    """What `shown` should say of a value that the driver decoded."""
    match value:
        case None:
            return "NULL"
        case timedelta():
            sign, whole = ("-", -value) if value < timedelta() else ("", value)
            hours, rest = divmod(whole.days * 86400 + whole.seconds, 3600)
            return f"{sign}{hours:02d}:{rest // 60:02d}:{rest % 60:02d}{fraction(whole.microseconds)}"
        case datetime():
            day = f"{value.year:04d}-{value.month:02d}-{value.day:02d}"
            return f"{day} {value.hour:02d}:{value.minute:02d}:{value.second:02d}{fraction(value.microsecond)}"
        case date():
            return value.isoformat()
        case bytes():
            return f"b'{int.from_bytes(value, 'big'):b}'" if column.type == wire.BIT else "0x" + value.hex()
        case Decimal():
            return f"{value:f}"
        case str() if column.type in wire.TEMPORAL:
            # A day that is none stays text in the driver.
            return re.sub(r"\.0+$", "", value)
        case _:
            return str(value)


def fraction(micros: int) -> str:
    return f".{micros:06d}" if micros else ""


def agree(value: bytes | None, decoded: Any, column: WireType, charset: str | None) -> bool:
    """Whether a value and what the driver decoded for it are the same."""
    said = shown(value, column, charset)
    if column.type == wire.FLOAT and value is not None:
        # The driver gets six digits of it; what is shown has all of them.
        return struct.pack("<f", float(said)) == value and math.isclose(float(said), decoded, rel_tol=1e-5)
    other = driver_shows(decoded, column)
    return said == other if "… (" not in said else said.startswith(other[:400])


@every_kind
@ON_SERVERS
@given(data=st.data())
def test_values_are_those_that_the_driver_decodes(
    session: Connection, reader: RawReader, kind: Kind, data: st.DataObject
) -> None:
    if not kind.only(reader.version):
        pytest.skip("not a type of this server")
    values = [*data.draw(st.lists(kind.values, max_size=30)), "NULL"]
    table = insert(session, values, f"id INT PRIMARY KEY, v {kind.column}, w INT")
    statement = reader.prepare(f"SELECT v, id, w FROM {table} ORDER BY id")
    layout = RowLayout(statement.columns, 0)
    reader.send(statement)
    packets = reader.receive()
    decoded = session.rows(f"SELECT {kind.read}, id, w FROM {table} ORDER BY id")
    assert packets.count() == len(decoded)
    for span, row in zip(packets.rows(), decoded, strict=True):
        value, number, nothing = layout.values(*span)
        column = layout.columns[0]
        assert agree(value, row[0], column, kind.charset), (shown(value, column, kind.charset), row[0])
        assert shown(number, layout.columns[1], None) == str(row[1])
        assert nothing is None


@keys
@ON_SERVERS
@given(data=st.data())
def test_a_key_sent_back_finds_its_row_and_no_other(
    session: Connection, reader: RawReader, kind: Kind, data: st.DataObject
) -> None:
    if not kind.only(reader.version):
        pytest.skip("not a type of this server")
    values = data.draw(st.lists(kind.values, min_size=1, max_size=30))
    table = insert(session, values, f"id INT, v {kind.column} NOT NULL, PRIMARY KEY (v)")
    reader.send(every := reader.prepare(f"SELECT v, id FROM {table} FORCE INDEX (PRIMARY) ORDER BY v"))
    rows = reader.receive().kept()
    layout = RowLayout(every.columns, 1)
    one = reader.prepare(f"SELECT v, id FROM {table} FORCE INDEX (PRIMARY) WHERE v = {kind.takes}")
    assert rows.size
    for buffer, start, end in rows.rows():
        reader.send(one, layout.params(layout.key(buffer, start)))
        (found,) = reader.receive().rows()
        assert found[0][found[1] : found[2]] == buffer[start:end]


@keys
def test_a_key_is_looked_up_in_the_index(session: Connection, reader: RawReader, kind: Kind) -> None:
    if not kind.only(reader.version):
        pytest.skip("not a type of this server")
    if kind.type.startswith(("BIT(1)", "BOOLEAN")):
        pytest.skip("has two values")
    values = example_of(st.lists(kind.values, min_size=30, max_size=30))
    table = insert(session, values, f"id INT, v {kind.column} NOT NULL, PRIMARY KEY (v)")
    reader.send(every := reader.prepare(f"SELECT v FROM {table} FORCE INDEX (PRIMARY) ORDER BY v"))
    layout = RowLayout(every.columns, 1)
    first = next(reader.receive().rows())
    key = layout.params(layout.key(first[0], first[1]))
    equal = f"SELECT v FROM {table} FORCE INDEX (PRIMARY) WHERE v = {kind.takes}"
    before = handler_reads(reader)
    reader.read(equal, key)
    assert handler_reads(reader) - before <= 2


def example_of(strategy: st.SearchStrategy[list[str]]) -> list[str]:
    """One example, the same at each run."""
    found: list[list[str]] = []

    @settings(max_examples=1, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def draw(values: list[str]) -> None:
        found.append(values)

    draw()
    return found[-1]


def handler_reads(reader: RawReader) -> int:
    """Rows that this session's statements have read in an index or a table."""
    names = ("key", "next", "rnd_next", "prev", "first")
    found = reader.session.rows("SHOW SESSION STATUS LIKE 'Handler_read%'")
    return sum(int(value) for name, value in found if str(name).removeprefix("Handler_read_") in names)


def test_a_key_of_several_columns(session: Connection, reader: RawReader) -> None:
    session.run("DROP TABLE IF EXISTS t")
    session.run(
        "CREATE TABLE t (w INT, a VARCHAR(9) CHARACTER SET latin1 COLLATE latin1_german1_ci, d DECIMAL(30,4), n INT, "
        "PRIMARY KEY (a, d, n)) ENGINE=InnoDB"
    )
    session.run("INSERT INTO t VALUES (1, _latin1 0xe4, 1.5, 1), (2, _latin1 0xe4, 1.5, 2), (3, '', -7, 2)")
    columns = "SELECT a, d, n, w FROM p.t"
    reader.send(every := reader.prepare(columns))
    rows, layout = reader.receive().kept(), RowLayout(every.columns, 3)
    for buffer, start, end in rows.rows():
        where = f"a = {placeholder('latin1', 'latin1_german1_ci')} AND d = ? AND n = ?"
        key = layout.key(buffer, start)
        assert key == layout.values(buffer, start, end)[:3]
        (found,) = reader.read(f"{columns} WHERE {where}", layout.params(key)).rows()
        assert found[0][found[1] : found[2]] == buffer[start:end]


def test_null_is_no_key(session: Connection, reader: RawReader) -> None:
    reader.send(one := reader.prepare("SELECT NULLIF(1, 1), 2"))
    buffer, start, _ = next(reader.receive().rows())
    with pytest.raises(ValueError, match="NULL"):
        RowLayout(one.columns, 1).key(buffer, start)


def test_every_collation_of_the_spoken_character_sets_is_known(session: Connection) -> None:
    rows = session.rows("SELECT ID, CHARACTER_SET_NAME FROM information_schema.COLLATIONS WHERE ID IS NOT NULL")
    assert len(rows) > 150
    if read_version(session).mariadb:
        # Its UCA 14.0.0 collations belong to several character sets, and have a number in each.
        rows += session.rows(
            "SELECT ID, CHARACTER_SET_NAME FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY "
            "WHERE ID IS NOT NULL"
        )
    wrong = [(number, charset) for number, charset in rows if charset and spoken(int(number)) != (charset in SPOKEN)]
    assert not wrong


@every_kind
@ON_SERVERS
@given(data=st.data())
def test_the_text_protocol_gives_the_same_packets(
    session: Connection, reader: RawReader, textual: Callable[[], RawReader], kind: Kind, data: st.DataObject
) -> None:
    if not kind.only(reader.version):
        pytest.skip("not a type of this server")
    values = [*data.draw(st.lists(kind.values, max_size=20)), "NULL"]
    table = insert(session, values, f"id INT PRIMARY KEY, v {kind.column}, w INT")
    widened = "v * 1e0" if kind.type == "FLOAT" else "v"
    sql = f"SELECT {widened}, id, w FROM {table} WHERE id >= ? ORDER BY id"
    params = [wire.Param.integer(1)]
    assert textual().read(sql, params).same_as(reader.read(sql, params))
    if kind.key and kind.type not in ("FLOAT", "JSON"):
        layout = RowLayout(reader.prepare(sql).columns, 1)
        one = f"SELECT {widened}, id, w FROM {table} WHERE v = {kind.takes} ORDER BY id"
        other = textual()
        for buffer, start, _ in list(reader.read(f"SELECT v FROM {table} WHERE v IS NOT NULL LIMIT 3").kept().rows()):
            key = RowLayout(layout.columns[:1], 1).key(buffer, start)
            assert other.read(one, layout.params(key)).same_as(reader.read(one, layout.params(key)))
