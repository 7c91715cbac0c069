"""Logs that are written in other ways: compressed, with parts of JSON documents, with tagged GTIDs; and restarts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from providers.mysql.binlog.marks import Start
from providers.mysql.binlog.places import log_end
from providers.mysql.connection import Connection
from providers.sandbox.launcher import SandboxServer
from tests.providers.mysql.binlog.following import Following, drained, following

_MYSQL = pytest.mark.parametrize("server", ["mysql-9.7"], indirect=True)
_MARIADB = pytest.mark.parametrize("server", ["mariadb-10.11"], indirect=True)
# MySQL takes ten seconds to stop under a reader of its log, whatever its version.
_RESTARTED = pytest.mark.parametrize(
    ("server", "hard"),
    [
        pytest.param("mysql-9.7", False, id="stopped-mysql-9.7"),
        pytest.param("mysql-9.7", True, id="killed-mysql-9.7"),
        pytest.param("mysql-5.7", False, id="stopped-mysql-5.7", marks=pytest.mark.long),
        pytest.param("mysql-5.7", True, id="killed-mysql-5.7"),
        pytest.param("mariadb-10.11", False, id="stopped-mariadb-10.11"),
        pytest.param("mariadb-10.11", True, id="killed-mariadb-10.11"),
    ],
    indirect=["server"],
)


@contextmanager
def compressing(session: Connection) -> Iterator[None]:
    session.run("SET SESSION binlog_transaction_compression = ON")
    yield
    session.run("SET SESSION binlog_transaction_compression = OFF")


@_MYSQL
def test_compressed_transactions(session: Connection, follow: Following) -> None:
    values = ", ".join(f"({number}, REPEAT('ab', {number}), 1)" for number in range(3000))
    with compressing(session):
        seen = follow.run(
            "INSERT INTO app.t VALUES (-1, 'a', 1)", f"INSERT INTO app.t VALUES {values}",
            "START TRANSACTION", "DELETE FROM app.t WHERE id > 10", "UPDATE app.t SET id = 5000 WHERE id = 1", "COMMIT",
        )  # fmt: skip
    assert (seen.keys("t"), seen.rekeyed) == ({-1, *range(3000), 5000}, {("app", "t")})
    assert (seen.unreadable, seen.statements, seen.everything) == (set(), [], "")
    assert follow.run("INSERT INTO app.t VALUES (7000, 'plain again', 1)").keys("t") == {7000}


@_MYSQL
def test_parts_of_json_documents_make_the_table_unreadable(session: Connection, follow: Following) -> None:
    session.run("CREATE TABLE app.j (id INT PRIMARY KEY, d JSON) ENGINE=InnoDB")
    follow.keys["j"] = (0,)
    follow.run("INSERT INTO app.j VALUES (1, JSON_OBJECT('a', REPEAT('x', 500), 'b', 1))")
    session.run("SET SESSION binlog_row_value_options = PARTIAL_JSON")
    seen = follow.run("UPDATE app.j SET d = JSON_SET(d, '$.b', 2)", "INSERT INTO app.t VALUES (1, 'a', 1)")
    session.run("SET SESSION binlog_row_value_options = ''")
    assert (seen.unreadable, seen.keys("t")) == ({("app", "j")}, {1})


@_MYSQL
def test_gtids_with_tags(session: Connection, follow: Following) -> None:
    uuid = session.value("SELECT @@server_uuid")
    for tag in ("a", "cutover_tag_of_thirty_two_chars_"):
        session.run(f"SET SESSION gtid_next = 'AUTOMATIC:{tag}'")
        seen = follow.run(*(f"REPLACE INTO app.t VALUES ({number}, '{tag}', 1)" for number in (1, 2)))
        assert seen.keys("t") == {1, 2}
        assert seen.marks[-1].gtid == (f"{uuid}:{tag}", 2)
        session.run("SET SESSION gtid_next = 'AUTOMATIC'")
    place = Start.from_json(follow.tail.place.to_json())
    executed = session.value("SELECT @@GLOBAL.gtid_executed")
    assert str(place.gtids) == str(type(place.gtids).parse(executed))  # type: ignore[union-attr]
    session.run("INSERT INTO app.t VALUES (3, 'a', 1)")
    session.run("FLUSH LOGS")
    with following(session, {"t": (0,)}, start=place) as other:
        assert other.catch_up().keys("t") == {3}


@_MYSQL
def test_gtids_of_others_and_with_gaps(session: Connection, follow: Following) -> None:
    other = "11111111-2222-3333-4444-555555555555"
    for number in (5, 900_000_000_000, 7, 6):
        session.run(f"SET SESSION gtid_next = '{other}:{number}'")
        assert follow.run(f"REPLACE INTO app.t VALUES (1, 'a{number}', 1)").marks[-1].gtid == (other, number)
    session.run("SET SESSION gtid_next = 'AUTOMATIC'")
    gtids = follow.tail.place.gtids
    assert gtids is not None
    assert gtids.intervals[other] == ((5, 7), (900_000_000_000, 900_000_000_000))


@_MARIADB
def test_compressed_events(session: Connection, follow: Following) -> None:
    for name, value in (("log_bin_compress", "ON"), ("log_bin_compress_min_len", "10")):
        session.run(f"SET GLOBAL {name} = {value}")
    try:
        seen = follow.run(
            "INSERT INTO app.t VALUES (1, REPEAT('a', 5000), 1), (2, REPEAT('b', 90), 1), (3, NULL, NULL)",
            "UPDATE app.t SET n = 2 WHERE id < 3", "UPDATE app.t SET id = 9 WHERE id = 3",
            "DELETE FROM app.t WHERE id = 1", "CREATE TABLE app.compressed_statement (id INT PRIMARY KEY)",
        )  # fmt: skip
    finally:
        session.run("SET GLOBAL log_bin_compress = OFF")
    assert (seen.keys("t"), seen.rekeyed, seen.unreadable) == ({1, 2, 3, 9}, {("app", "t")}, set())
    assert [text for _, text in seen.statements] == ["CREATE TABLE app.compressed_statement (id INT PRIMARY KEY)"]


@_MARIADB
def test_columns_that_are_compressed(session: Connection, follow: Following) -> None:
    session.run(
        "CREATE TABLE app.packed (t TEXT COMPRESSED, id INT PRIMARY KEY, v VARCHAR(900) COMPRESSED, u UUID, i INET6)"
    )
    follow.keys["packed"] = (1,)
    seen = follow.run(
        "INSERT INTO app.packed VALUES (REPEAT('a', 900), 1, REPEAT('b', 800), UUID(), '::1')",
        "INSERT INTO app.packed VALUES (NULL, 2, '', NULL, NULL)",
        "UPDATE app.packed SET v = 'c'",
    )
    assert (seen.keys("packed"), seen.unreadable) == ({1, 2}, set())


@_RESTARTED
def test_a_restart_loses_nothing(server: SandboxServer, hard: bool) -> None:
    with closing(Connection(server.endpoint())) as session:
        session.run("CREATE DATABASE IF NOT EXISTS app")
        session.run("DROP TABLE IF EXISTS app.t")
        session.run("CREATE TABLE app.t (id INT PRIMARY KEY, v TEXT, n INT) ENGINE=InnoDB")
        with following(session, {"t": (0,)}) as follow:
            follow.run("INSERT INTO app.t VALUES (1, 'a', 1)")
            session.run("INSERT INTO app.t VALUES (2, 'a', 1)")
            (server.kill if hard else server.stop)()
            # What was sent before the server went.
            before = follow.tail.read(0.2)
            server.start()
            with closing(Connection(server.endpoint())) as again:
                again.run("INSERT INTO app.t VALUES (3, 'a', 1)")
                seen = drained(follow.tail, log_end(again))
                if before is not None:
                    seen.add(before)
                assert seen.keys("t") == {2, 3}
                again.run("UPDATE app.t SET n = 2")
                assert drained(follow.tail, log_end(again)).keys("t") == {1, 2, 3}
