"""Literals put to real servers: every byte that goes in is the byte that is stored."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.mysql.connection import Connection
from providers.mysql.literals import Column, encode_rows, quote_name
from providers.mysql.seed import writer
from providers.mysql.server import Server
from tests.support.pairs import running

AWKWARD = [b"\\", b"'", b'"', b"`", b"\0", b"\n", b"\r", b"\x1a", b"%", b"_", b"\x80", b"\xff", b"\xbf", b"-", b";"]
names = st.text(
    st.characters(min_codepoint=1, max_codepoint=0xFFFF, exclude_categories=["Cs"]), min_size=1, max_size=40
).filter(lambda name: not name.endswith((" ", "\t", "\n", "\v", "\f", "\r")))


@pytest.fixture(scope="module", params=["mysql-5.6", "mysql-9.7", "mariadb-10.11"])
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    with (
        running(request.param, tmp_path_factory.mktemp("literals")) as started,
        contextlib.closing(Server(started.endpoint())) as server,
    ):
        server.change("CREATE DATABASE app")
        with contextlib.closing(writer(server)) as session:
            session.run("USE app")
            session.run("SET NAMES binary")
            yield session


def stored(session: Connection, kind: str, values: list[bytes | None]) -> list[bytes | None]:
    """The values as the server has them after they went through literals."""
    session.run("DROP TABLE IF EXISTS t")
    session.run(f"CREATE TABLE t (id INT PRIMARY KEY, v {kind})")
    columns = [Column("id", "int"), Column("v", kind)]
    rows = [(b"%d" % number, value) for number, value in enumerate(values)]
    session.send(b"INSERT INTO t VALUES " + encode_rows(columns, rows), "INSERT INTO t ...")
    found = session.rows("SELECT HEX(v) FROM t ORDER BY id")
    return [None if cell is None else bytes.fromhex(str(cell, "ascii") if isinstance(cell, bytes) else str(cell))
            for (cell,) in found]  # fmt: skip


def test_every_byte_and_every_pair_of_awkward_ones(session: Connection) -> None:
    values: list[bytes | None] = [bytes([byte]) for byte in range(256)]
    values += [left + right for left, right in itertools.product(AWKWARD, repeat=2)]
    values += [bytes(range(256)) * 40, b"", None, b"NULL", b"\\N", b"0x00"]
    assert stored(session, "longblob", values) == values


@given(values=st.lists(st.none() | st.binary(max_size=30) | st.lists(st.sampled_from(AWKWARD)).map(b"".join)))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes(session: Connection, values: list[bytes | None]) -> None:
    assert stored(session, "longblob", [b"first", *values]) == [b"first", *values]


@given(name=names)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_name(session: Connection, name: str) -> None:
    session.run("SET NAMES utf8mb4 COLLATE utf8mb4_general_ci")
    session.run(f"CREATE TABLE named (n INT, {quote_name(name + 'x')} INT)")
    try:
        found = session.rows(
            "SELECT HEX(column_name) FROM information_schema.columns "
            "WHERE table_schema = 'app' AND table_name = 'named' AND ordinal_position = 2"
        )
        assert bytes.fromhex(str(found[0][0])).decode() == name + "x"
    finally:
        session.run("DROP TABLE named")
        session.run("SET NAMES binary")


def test_a_float_is_read_with_all_its_digits(session: Connection) -> None:
    session.run("DROP TABLE IF EXISTS f")
    session.run("CREATE TABLE f (v FLOAT)")
    session.run("INSERT INTO f VALUES (16777217), (0.1), (3.4028234e38), (1.17549435e-38), (-123456.789)")
    column = Column("v", "float")
    before = session.rows(f"SELECT {column.select} FROM f ORDER BY v")
    texts = [(str(cell).encode(),) for (cell,) in before]
    session.run("DELETE FROM f")
    session.send(b"INSERT INTO f VALUES " + encode_rows([column], texts), "INSERT INTO f ...")
    assert session.rows(f"SELECT {column.select} FROM f ORDER BY v") == before
