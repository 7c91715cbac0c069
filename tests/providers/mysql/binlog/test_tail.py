"""What the tail of a real server's log sees, whatever is written into it and whatever becomes of the connection."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import replace

import pytest

from providers.mysql.binlog.marks import LogGone, Start
from providers.mysql.binlog.places import log_end, log_start
from providers.mysql.binlog.ranges import Ranges, ranges_of
from providers.mysql.binlog.tail import Table
from providers.mysql.connection import Connection, Timeouts
from providers.mysql.endpoint import Endpoint
from providers.mysql.position import FilePosition
from providers.mysql.version import Version
from tests.providers.mysql.binlog.following import Following, drained, following
from tests.support.proxy import LOOPBACK, Proxy
from tests.support.waiting import until

_KEYED = ("app", "t")
_SHORT = Timeouts(connect=1.0, answer=2.0)


@contextlib.contextmanager
def setting(session: Connection, name: str, value: str) -> Iterator[None]:
    """A global and session variable of another value for a while."""
    ((was,),) = session.rows(f"SELECT @@GLOBAL.{name}")
    for scope in ("GLOBAL", "SESSION"):
        session.run(f"SET {scope} {name} = {value}")
    try:
        yield
    finally:
        for scope in ("GLOBAL", "SESSION"):
            session.run(f"SET {scope} {name} = %s", (was,))


def through(proxy: Proxy, endpoint: Endpoint) -> Endpoint:
    return replace(endpoint, host=LOOPBACK, port=proxy.port)


@pytest.fixture
def proxy(session: Connection) -> Iterator[Proxy]:
    with Proxy((session.endpoint.host, session.endpoint.port)) as opened:
        yield opened


def test_keys_of_inserts_updates_and_deletes(follow: Following) -> None:
    seen = follow.run("INSERT INTO app.t VALUES (1, 'a', 1), (2, NULL, NULL), (-3, 'c', 3)")
    assert (seen.keys("t"), seen.rekeyed, seen.unreadable) == ({1, 2, -3}, set(), set())
    seen = follow.run("UPDATE app.t SET n = 5 WHERE id IN (1, 2)")
    assert (seen.keys("t"), seen.rekeyed) == ({1, 2}, set())
    seen = follow.run("UPDATE app.t SET id = 9 WHERE id = 1")
    assert (seen.keys("t"), seen.rekeyed) == ({1, 9}, {_KEYED})
    seen = follow.run("DELETE FROM app.t WHERE id = 2")
    assert (seen.keys("t"), seen.rekeyed) == ({2}, {_KEYED})
    assert follow.run("UPDATE app.t SET n = 7 WHERE id = 1000").keys("t") == set()


def test_what_is_rolled_back_or_asked_by_nobody_is_not_reported(follow: Following) -> None:
    follow.session.run("CREATE TABLE IF NOT EXISTS app.unasked (id INT PRIMARY KEY) ENGINE=InnoDB")
    follow.catch_up()
    seen = follow.run("REPLACE INTO app.unasked VALUES (1)", "START TRANSACTION", "INSERT INTO app.t VALUES (1, '', 1)",
                      "ROLLBACK")  # fmt: skip
    assert (seen.rows, seen.unreadable, seen.everything) == ({}, set(), "")
    seen = follow.run(
        "START TRANSACTION", "INSERT INTO app.t VALUES (1, '', 1)", "SAVEPOINT s",
        "INSERT INTO app.t VALUES (2, '', 1)", "ROLLBACK TO s", "INSERT INTO app.t VALUES (3, '', 1)", "COMMIT",
    )  # fmt: skip
    assert (seen.keys("t"), seen.statements) == ({1, 3}, [])


def test_a_minimal_image_of_an_update_that_changes_a_part_of_the_key(follow: Following, session: Connection) -> None:
    session.run("DROP TABLE IF EXISTS app.two")
    session.run("CREATE TABLE app.two (v INT, b INT, a INT, w TEXT, PRIMARY KEY (a, b)) ENGINE=InnoDB")
    follow.keys["two"] = (2, 1)
    follow.run("INSERT INTO app.two VALUES (1, 2, 3, 'w')", "SET SESSION binlog_row_image = MINIMAL")
    seen = follow.run("UPDATE app.two SET b = 7")
    a, b, changed = (number.to_bytes(4, "little") for number in (3, 2, 7))
    assert seen.rows[("app", "two")] == {(a, b), (a, changed)}
    assert seen.rekeyed == {("app", "two")}


def test_a_key_that_is_not_in_the_image_makes_the_table_unreadable(follow: Following, session: Connection) -> None:
    session.run("DROP TABLE IF EXISTS app.other")
    session.run("CREATE TABLE app.other (id INT PRIMARY KEY, u INT NOT NULL UNIQUE, v INT) ENGINE=InnoDB")
    follow.keys["other"] = (1,)
    follow.run("INSERT INTO app.other VALUES (1, 2, 3)", "SET SESSION binlog_row_image = MINIMAL")
    seen = follow.run("UPDATE app.other SET v = 7")
    assert (seen.rows, seen.unreadable) == ({}, {("app", "other")})


def test_tables_without_a_key_and_nulls_in_keys_are_unreadable(follow: Following, session: Connection) -> None:
    session.run("DROP TABLE IF EXISTS app.keyless, app.nullable")
    session.run("CREATE TABLE app.keyless (v INT) ENGINE=InnoDB")
    session.run("CREATE TABLE app.nullable (v INT, u INT NULL UNIQUE) ENGINE=InnoDB")
    follow.keys |= {"keyless": (), "nullable": (1,)}
    seen = follow.run("INSERT INTO app.keyless VALUES (1)", "INSERT INTO app.nullable VALUES (1, 5), (1, NULL)")
    assert seen.unreadable == {("app", "keyless"), ("app", "nullable")}
    assert seen.keys("nullable") == {5}


def test_a_key_beyond_the_columns_of_the_log_is_unreadable(follow: Following) -> None:
    follow.keys["t"] = (0, 3)
    seen = follow.run("ALTER TABLE app.t COMMENT 'asked anew'", "INSERT INTO app.t VALUES (1, 'a', 1)")
    assert (seen.rows, seen.unreadable) == ({}, {_KEYED})


def test_statements_are_reported_and_the_key_asked_anew(follow: Following) -> None:
    follow.run("INSERT INTO app.t VALUES (1, 'a', 11)")
    follow.session.run("ALTER TABLE app.t DROP PRIMARY KEY, ADD PRIMARY KEY (n)")
    touched = next(iter(lambda: follow.tail.read(5.0), None))
    assert touched is not None
    assert [text.split()[0] for _, text in touched.statements] == ["ALTER"]
    follow.keys["t"] = (2,)
    assert follow.run("UPDATE app.t SET v = 'z'").keys("t") == {11}
    seen = follow.run("TRUNCATE TABLE app.t")
    assert [text.split()[0] for _, text in seen.statements] == ["TRUNCATE"]


def test_changes_in_statement_format_are_reported(follow: Following, session: Connection) -> None:
    session.run("USE app")
    session.run("SET SESSION binlog_format = 'STATEMENT'")
    try:
        seen = follow.run("INSERT INTO t VALUES (1, 'ä', 1)")
    finally:
        session.run("SET SESSION binlog_format = 'ROW'")
    assert (seen.rows, seen.statements) == ({}, [("app", "INSERT INTO t VALUES (1, 'ä', 1)")])


def test_a_statement_in_another_character_set_may_touch_everything(follow: Following, session: Connection) -> None:
    try:
        session.run("SET NAMES latin1")
        session.send(b"ALTER TABLE app.t COMMENT '\xe4'", "ALTER TABLE")
    finally:
        session.run("SET NAMES utf8mb4")
    assert "character set" in follow.catch_up().everything


def test_generated_columns_stand_where_the_schema_says(
    follow: Following, session: Connection, version: Version
) -> None:
    if version.number < (5, 7, 0):
        pytest.skip("there are none in 5.6")
    session.run("DROP TABLE IF EXISTS app.made")
    session.run(
        "CREATE TABLE app.made (a INT, b INT GENERATED ALWAYS AS (a + 1) VIRTUAL, id INT PRIMARY KEY, "
        "c INT GENERATED ALWAYS AS (a + 2) STORED, d VARCHAR(9)) ENGINE=InnoDB"
    )
    follow.keys["made"] = (2,)
    seen = follow.run("INSERT INTO app.made (a, id, d) VALUES (1, 77, 'd')", "UPDATE app.made SET a = 5")
    assert (seen.keys("made"), seen.unreadable) == ({77}, set())


def test_an_event_above_16_mib(follow: Following) -> None:
    seen = follow.run(
        "INSERT INTO app.t VALUES (1, REPEAT('x', 17500000), 1)",
        "UPDATE app.t SET n = 2",
        "INSERT INTO app.t VALUES (3, '', 1)",
    )
    assert (seen.keys("t"), seen.unreadable) == ({1, 3}, set())


def test_rotation_in_the_middle(follow: Following) -> None:
    seen = follow.run(
        "INSERT INTO app.t VALUES (1, 'a', 1)", "FLUSH LOGS", "UPDATE app.t SET n = 5", "FLUSH LOGS", "FLUSH LOGS",
        "INSERT INTO app.t VALUES (2, 'b', 2)",
    )  # fmt: skip
    assert seen.keys("t") == {1, 2}
    assert [mark.place.count() for mark in seen.marks] == sorted(mark.place.count() for mark in seen.marks)


def test_checksums_off_and_on_again(follow: Following, session: Connection) -> None:
    ((was,),) = session.rows("SELECT @@GLOBAL.binlog_checksum")
    for number, kind in enumerate(("NONE", "CRC32", "NONE")):
        session.run(f"SET GLOBAL binlog_checksum = {kind}")
        seen = follow.run(f"INSERT INTO app.t VALUES ({number}, 'a', 1)")
        assert seen.keys("t") == {number}
        with following(session, {"t": (0,)}) as fresh:
            fresh.catch_up()
            assert fresh.run(f"UPDATE app.t SET n = 5 WHERE id = {number}").keys("t") == {number}
        follow.catch_up()
    session.run(f"SET GLOBAL binlog_checksum = {was}")


def test_table_numbers_are_used_again(follow: Following) -> None:
    for number in range(5):
        seen = follow.run(
            "FLUSH TABLES", f"ALTER TABLE app.t ADD c{number} VARCHAR(300) FIRST",
            f"INSERT INTO app.t (id, c{number}) VALUES ({number}, 'x')",
        )  # fmt: skip
        # The key's place is still said to be the first.
        assert seen.rows[_KEYED] == {(b"x",)}


def test_too_many_keys_make_the_table_unreadable(session: Connection, follow: Following) -> None:
    start = log_start(session, settle_s=1.0)
    values = ", ".join(f"({number}, 'v', 1)" for number in range(2000))
    seen = follow.run(f"INSERT INTO app.t VALUES {values}", "UPDATE app.t SET n = 2 WHERE id = 1")
    assert (len(seen.keys("t")), seen.unreadable) == (2000, set())
    with following(session, {"t": (0,)}, start=start, most_keys=1000) as bounded:
        seen = bounded.catch_up()
    assert seen.unreadable == {_KEYED}
    assert len(seen.keys("t")) <= 1000


def test_too_many_keys_become_ranges_where_they_begin_with_a_number(session: Connection, follow: Following) -> None:
    follow.run("FLUSH LOGS")
    start = log_start(session, settle_s=1.0)
    numbers = [*range(2000), *range(50_000, 50_500), 90_000]
    values = ", ".join(f"({number}, 'v', 1)" for number in numbers)
    seen = follow.run(f"INSERT INTO app.t VALUES {values}")
    assert (seen.keys("t"), seen.ranges) == (set(numbers), {})

    def ranges(table: Table, keys: Collection[tuple[bytes, ...]]) -> Ranges:
        assert table == _KEYED
        return ranges_of((int.from_bytes(key[0], "little") for key in keys), 100)

    with following(session, {"t": (0,)}, start=start, most_keys=400, ranges_of=ranges) as bounded:
        seen = bounded.catch_up()
    assert seen.unreadable == set()
    (found,) = seen.ranges[_KEYED]
    held = seen.keys("t") | {number for low, high in found for number in range(low, high + 1)}
    assert (set(numbers) <= held, len(seen.keys("t")) <= 400, held - set(numbers)) == (True, True, set())


def test_two_tails_see_the_same(session: Connection, follow: Following) -> None:
    with following(session, {"t": (0,)}) as other:
        other.catch_up()
        session.run("INSERT INTO app.t VALUES (1, 'a', 1)")
        assert [one.catch_up().keys("t") for one in (follow, other)] == [{1}, {1}]
        session.run("DELETE FROM app.t")
        assert [one.catch_up().keys("t") for one in (follow, other)] == [{1}, {1}]


def test_a_tail_goes_on_from_the_place_of_another(session: Connection, follow: Following) -> None:
    follow.run("INSERT INTO app.t VALUES (1, 'a', 1)", "FLUSH LOGS", "INSERT INTO app.t VALUES (2, 'a', 1)")
    place = Start.from_json(follow.tail.place.to_json())
    session.run("INSERT INTO app.t VALUES (3, 'a', 1)")
    with following(session, {"t": (0,)}, start=place) as other:
        assert other.catch_up().keys("t") == {3}


def test_a_cut_connection_loses_nothing(session: Connection, follow: Following, proxy: Proxy) -> None:
    start = follow.tail.place
    with following(session, {"t": (0,)}, start=start, through=through(proxy, session.endpoint)) as far:
        for number in range(6):
            session.run(f"INSERT INTO app.t VALUES ({number}, REPEAT('x', 100000), 1)")
            if number % 2:
                proxy.cut()
            else:
                far.tail.read(0.05)
        far.catch_up()
        session.run("UPDATE app.t SET n = 9")
        proxy.cut()
        assert far.catch_up().keys("t") == set(range(6))


def test_a_connection_that_stays_broken_ends_the_tail(session: Connection, follow: Following, proxy: Proxy) -> None:
    address = through(proxy, session.endpoint)
    with following(session, {"t": (0,)}, start=follow.tail.place, through=address, patience_s=0.5) as far:
        far.run("INSERT INTO app.t VALUES (1, 'a', 1)")
        proxy.refuse()
        proxy.cut()
        with pytest.raises(Exception, match=r"cannot be reached|broke") as raised:
            drained(far.tail, replace(log_end(session), offset=1 << 40))
        assert raised.value.server == session.server  # type: ignore[attr-defined]


def kill_readers_of_the_log(session: Connection, what: str = "CONNECTION") -> None:
    """Kill the server's threads that send the log, and wait until they have left it."""

    def readers() -> list[int]:
        return [int(row[0]) for row in session.rows("SHOW PROCESSLIST") if str(row[4]).startswith("Binlog Dump")]

    for thread in (killed := readers()):
        session.run(f"KILL {what} {thread}")
    until(lambda: not set(killed) & set(readers()), "no reader of the log is left")


@pytest.mark.parametrize("what", ["CONNECTION", "QUERY"])
def test_a_killed_reader_of_the_log_goes_on(session: Connection, follow: Following, what: str) -> None:
    for number in range(3):
        kill_readers_of_the_log(session, what)
        assert follow.run(f"INSERT INTO app.t VALUES ({number}, 'a', 1)").keys("t") == {number}


def test_a_log_that_is_purged_while_it_is_not_read_is_gone(session: Connection, follow: Following) -> None:
    follow.run("INSERT INTO app.t VALUES (1, 'a', 1)")
    place = follow.tail.place
    kill_readers_of_the_log(session)
    for statement in ("INSERT INTO app.t VALUES (2, 'a', 1)", "FLUSH LOGS", "INSERT INTO app.t VALUES (3, 'a', 1)"):
        session.run(statement)
    newest = log_end(session).file

    def purged() -> bool:
        # A file that a reader has not left yet is kept.
        session.run(f"PURGE BINARY LOGS TO '{newest}'")
        return session.rows("SHOW BINARY LOGS")[0][0] == newest

    until(purged, "the older logs are gone", seconds=20, every=0.2)
    with following(session, {"t": (0,)}, start=place) as late:
        for one in (follow, late):
            with pytest.raises(LogGone, match=r"1236: .+") as gone:
                one.catch_up()
            assert (gone.value.code, gone.value.server) == (1236, session.server)


def test_another_server_at_the_address_is_not_read(session: Connection, follow: Following) -> None:
    with (
        pytest.raises(Exception, match="Another server answers"),
        following(session, {}, start=replace(follow.tail.place, uid="somebody else")),
    ):
        pass


def test_a_file_of_the_same_name_that_is_another_one(session: Connection, follow: Following) -> None:
    follow.run("INSERT INTO app.t VALUES (1, 'a', 1)")
    place = replace(follow.tail.place, born=follow.tail.place.born - 1)
    with following(session, {}, start=place) as other, pytest.raises(LogGone, match="begun anew"):
        other.run("INSERT INTO app.t VALUES (2, 'a', 1)")


def test_a_silent_connection_is_taken_for_dead(
    session: Connection, follow: Following, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.mysql.binlog.stream.SILENCE_S", 1.5)
    address = through(proxy, session.endpoint)
    with following(
        session, {"t": (0,)}, start=follow.tail.place, through=address, patience_s=0.5, timeouts=_SHORT
    ) as far:
        far.run("INSERT INTO app.t VALUES (1, 'a', 1)")
        proxy.blackhole()
        with pytest.raises(Exception, match=r"nothing came|cannot be reached"):
            drained(far.tail, replace(log_end(session), offset=1 << 40))


def test_xa_transactions_are_seen_when_they_are_committed(
    follow: Following, session: Connection, version: Version
) -> None:
    if version.number < (5, 7, 7):
        pytest.skip("they are logged when they are committed")
    seen = follow.run(
        "INSERT INTO app.t VALUES (1, 'a', 1)",
        "XA START 'one', 'b', 7", "INSERT INTO app.t VALUES (2, 'a', 1)", "XA END 'one', 'b', 7",
        "XA PREPARE 'one', 'b', 7",
    )  # fmt: skip
    assert seen.keys("t") == {1}
    held = follow.tail.place
    # An ended XA transaction's session cannot do anything else before MySQL 8.0.29 or on MariaDB.
    with contextlib.closing(Connection(session.endpoint)) as other:
        other.run("INSERT INTO app.t VALUES (3, 'a', 1)")
        assert drained(follow.tail, log_end(other)).keys("t") == {3}
    seen = follow.run("XA COMMIT 'one', 'b', 7")
    assert (seen.keys("t"), seen.everything) == ({2}, "")
    with following(session, {"t": (0,)}, start=held) as again:
        assert again.catch_up().keys("t") >= {2, 3}


def test_an_xa_transaction_that_was_prepared_before_may_have_touched_everything(
    follow: Following, session: Connection, version: Version
) -> None:
    if version.number < (5, 7, 7):
        pytest.skip("they are logged when they are committed")
    for statement in ("XA START 'x'", "INSERT INTO app.t VALUES (2, 'a', 1)", "XA END 'x'", "XA PREPARE 'x'"):
        session.run(statement)
    with contextlib.closing(Connection(session.endpoint)) as other:
        end = log_end(other)
        start = replace(log_start(other), file=end.file, offset=end.offset)
    session.run("XA COMMIT 'x'")
    with following(session, {"t": (0,)}, start=start) as late:
        assert "XA" in late.catch_up().everything


def test_places_are_in_the_order_of_the_log(follow: Following) -> None:
    before = follow.tail.place
    seen = follow.run("INSERT INTO app.t VALUES (1, 'a', 1)")
    end = log_end(follow.session)
    assert seen.marks[-1].place == end.place == FilePosition(follow.tail.place.file, follow.tail.place.offset)
    assert follow.tail.reached(end)
    assert not follow.tail.reached(replace(end, offset=end.offset + 1))
    assert before != follow.tail.place
    assert follow.tail.read(0.01) is None


def test_nothing_is_reached_before_the_server_has_said_where_it_begins(session: Connection, follow: Following) -> None:
    start = log_start(session, settle_s=1.0)
    session.run("INSERT INTO app.t VALUES (1, 'a', 1)")
    end = log_end(session)
    # As where a transaction was in the log, and not committed yet, when the start was asked for.
    late = replace(start, file=end.file, offset=end.offset) if start.gtids is not None else start
    with following(session, {"t": (0,)}, start=late) as other:
        assert not other.tail.reached(end)
        assert 1 in drained(other.tail, end).keys("t")
