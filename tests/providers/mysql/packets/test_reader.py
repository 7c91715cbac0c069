"""Reading undecoded rows from real servers: large ones, none, errors, and connections that break or fall silent."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from providers.mysql.connection import Connection, Timeouts
from providers.mysql.endpoint import Account, Endpoint, Secret, TlsMode
from providers.mysql.errors import ConnectionLost, StatementFailed
from providers.mysql.packets.packets import Packets
from providers.mysql.packets.reader import AnswerTooLarge, ColumnsChanged, Prepared, RawReader, receive_both
from providers.mysql.packets.rows import RowLayout
from providers.mysql.packets.wire import MOST, Param
from tests.providers.mysql.packets.one_at_a_time import OneAtATime
from tests.support.proxy import Hole, Proxy
from tests.support.waiting import until

QUICK = Timeouts(connect=2.0, answer=1.0)
ROWS = 6000
ALL = "SELECT id, v FROM p.many ORDER BY id"
# More than 10 MiB.
BIG = "SELECT a.id, b.v FROM p.many a JOIN p.many b ON b.id BETWEEN 150 AND 199 WHERE a.id < 2000"
# The row 3001 has two values where one may be.
BREAKS = "SELECT id, v, (SELECT two.id FROM p.two WHERE two.id <= 1 + (many.id > 3000)) FROM p.many ORDER BY id"


@pytest.fixture(scope="module", autouse=True)
def many(session: Connection) -> None:
    session.run("DROP TABLE IF EXISTS many")
    session.run("CREATE TABLE many (id INT PRIMARY KEY, v VARCHAR(200) NOT NULL) ENGINE=InnoDB")
    session.run("DROP TABLE IF EXISTS two")
    session.run("CREATE TABLE two (id INT PRIMARY KEY) ENGINE=InnoDB")
    session.run("INSERT INTO two VALUES (1), (2)")
    for start in range(0, ROWS, 2000):
        rows = ", ".join(f"({n}, REPEAT('{n % 10}', {n % 200}))" for n in range(start + 1, start + 2001))
        session.run(f"INSERT INTO many VALUES {rows}")


@pytest.fixture
def plain(endpoint: Endpoint) -> Endpoint:
    return replace(endpoint, tls=TlsMode.DISABLED)


@pytest.fixture
def proxy(plain: Endpoint) -> Iterator[Proxy]:
    with Proxy((plain.host, plain.port)) as proxy:
        yield proxy


@pytest.fixture
def far(plain: Endpoint, proxy: Proxy) -> Endpoint:
    return replace(plain, host="127.0.0.1", port=proxy.port)


@pytest.fixture
def walking(session: Connection, plain: Endpoint) -> Iterator[RawReader]:
    """A reader whose requests cannot be followed by another one."""
    with (
        OneAtATime((plain.host, plain.port)) as between,
        contextlib.closing(RawReader(replace(plain, host="127.0.0.1", port=between.port))) as reader,
    ):
        yield reader


def numbers(reader: RawReader, packets: Packets, sql: str = ALL) -> list[int]:
    layout = RowLayout(reader.prepare(sql).columns, 1)
    return [int.from_bytes(layout.key(buffer, start)[0], "little") for buffer, start, _ in packets.rows()]


def usable(reader: RawReader) -> bool:
    return reader.session.value("SELECT 7") == 7 and numbers(reader, reader.read(ALL)) == list(range(1, ROWS + 1))


def test_all_rows_come_once_and_in_order(reader: RawReader) -> None:
    assert reader.pipelined
    assert not reader.text
    packets = reader.read(ALL)
    assert numbers(reader, packets) == list(range(1, ROWS + 1))
    assert packets.count() == ROWS
    last = packets.last()
    assert last is not None
    assert int.from_bytes(RowLayout(reader.prepare(ALL).columns, 1).key(last[0], last[1])[0], "little") == ROWS
    assert usable(reader)


def test_the_session_shows_every_row_as_it_is(reader: RawReader) -> None:
    row = reader.session.row(
        "SELECT @@time_zone, @@sql_mode, @@character_set_results, @@sql_select_limit > 1 << 62, @@autocommit"
    )
    assert row == ("+00:00", "", None, 1, 1)


def test_no_rows(reader: RawReader) -> None:
    packets = reader.read("SELECT id, v FROM p.many WHERE id > ?", [Param.integer(ROWS)])
    assert (packets.size, packets.count(), packets.last(), list(packets.rows())) == (0, 0, None, [])
    assert packets.same_as(packets.kept())


def test_two_readers_at_once(endpoint: Endpoint, plain: Endpoint, session: Connection) -> None:
    """One of them through TLS, where the server has it."""
    with contextlib.closing(RawReader(endpoint)) as a, contextlib.closing(RawReader(plain)) as b:
        assert a.session.encrypted == a.session.offers_tls
        for sql in (ALL, "SELECT a.v, b.v FROM p.many a JOIN p.many b ON b.id <= 200 WHERE a.id < 400", "SELECT 1"):
            for one in (a, b):
                one.send(one.prepare(sql))
            first, second = receive_both(a, b)
            assert first.same_as(second)
            assert first.count() == second.count() > 0
        a.send(a.prepare(ALL))
        b.send(b.prepare("SELECT id, v FROM p.many WHERE id <> 17 ORDER BY id"))
        first, second = receive_both(a, b)
        assert not first.same_as(second)
        assert usable(a)
        assert usable(b)


# Rows of these texts have ten bytes more.
@pytest.mark.parametrize("size", [MOST - 11, MOST - 10, MOST + 1_000_000])
def test_rows_of_sixteen_mebibytes_and_more(reader: RawReader, size: int) -> None:
    check_large_rows(reader, size)


def test_large_rows_where_packets_are_walked_over(walking: RawReader) -> None:
    check_large_rows(walking, MOST + 1_000_000)


def check_large_rows(reader: RawReader, size: int) -> None:
    sql = "SELECT id, REPEAT(CHAR(96 + id), ?) FROM p.many WHERE id <= 2 ORDER BY id"
    packets = reader.read(sql, [Param.integer(size)])
    layout = RowLayout(reader.prepare(sql).columns, 1)
    assert packets.count() == 2
    for number, (buffer, start, end) in enumerate(packets.rows(), 1):
        key, text = layout.values(buffer, start, end)
        assert key is not None
        assert text is not None
        assert int.from_bytes(key, "little") == number
        assert text[-size:] == bytes([96 + number]) * size
    last = packets.last()
    assert last is not None
    assert layout.key(last[0], last[1]) == ((2).to_bytes(4, "little"),)


def test_an_error_before_the_rows(reader: RawReader) -> None:
    with pytest.raises(StatementFailed) as failed:
        reader.read("SELECT id FROM p.nothing")
    assert failed.value.code == 1146
    assert usable(reader)


def test_an_error_in_the_middle_of_the_rows(reader: RawReader, walking: RawReader) -> None:
    for one in (reader, walking):
        with pytest.raises(StatementFailed) as failed:
            one.read(BREAKS)
        assert failed.value.code == 1242
        assert one.server in str(failed.value)
        assert usable(one)


def test_an_error_of_one_leaves_both_usable(endpoint: Endpoint, reader: RawReader, walking: RawReader) -> None:
    for wrong, right in ((reader, walking), (walking, reader)):
        wrong.send(wrong.prepare(BREAKS))
        right.send(right.prepare(ALL))
        with pytest.raises(StatementFailed):
            receive_both(wrong, right)
        wrong.send(wrong.prepare(BREAKS))
        right.send(right.prepare(ALL))
        with pytest.raises(StatementFailed):
            receive_both(right, wrong)
        assert usable(wrong)
        assert usable(right)


def test_a_killed_session(session: Connection, reader: RawReader) -> None:
    thread = reader.session.thread_id
    reader.send(reader.prepare("SELECT SLEEP(30) FROM p.many"))
    until(lambda: "SLEEP" in str(session.rows("SHOW FULL PROCESSLIST")), "the statement runs")
    session.run(f"KILL {thread}")
    with pytest.raises(ConnectionLost) as lost:
        reader.receive()
    assert reader.server in str(lost.value)
    with pytest.raises(ConnectionLost):
        reader.read(ALL)


def test_a_session_killed_while_it_was_idle(session: Connection, reader: RawReader) -> None:
    thread = reader.session.thread_id
    session.run(f"KILL {thread}")
    until(lambda: thread not in [row[0] for row in session.rows("SHOW PROCESSLIST")], "the session is gone")
    with pytest.raises(ConnectionLost):
        reader.read(ALL)


def test_a_server_that_falls_silent(session: Connection, far: Endpoint, proxy: Proxy, reader: RawReader) -> None:
    with contextlib.closing(RawReader(far, QUICK)) as silent:
        assert silent.pipelined
        assert usable(silent)
        statement = silent.prepare(ALL)
        proxy.blackhole(Hole.DOWN)
        silent.send(statement)
        reader.send(reader.prepare(ALL))
        began = time.monotonic()
        with pytest.raises(ConnectionLost) as lost:
            receive_both(silent, reader)
        # The other one may be silent for longer, and is the one that is waited for while it has not all.
        assert time.monotonic() - began < 3
        assert lost.value.server == silent.server
        assert "1 s" in str(lost.value)
        assert usable(reader)


def test_the_bound_of_silence_can_be_set(session: Connection, reader: RawReader) -> None:
    reader.allow_answer_s(0.3)
    began = time.monotonic()
    with pytest.raises(ConnectionLost):
        reader.read("SELECT SLEEP(20)")
    assert time.monotonic() - began < 2


def test_a_reader_is_cut_from_another_thread(endpoint: Endpoint, plain: Endpoint, session: Connection) -> None:
    for where in (endpoint, plain):
        with contextlib.closing(RawReader(where)) as reader:
            reader.send(reader.prepare("SELECT SLEEP(20)"))
            cutter = threading.Timer(0.2, reader.cut)
            cutter.start()
            began = time.monotonic()
            with pytest.raises(ConnectionLost):
                reader.receive()
            assert time.monotonic() - began < 5
            cutter.join()


def test_a_silent_server_is_not_waited_for_when_connecting(far: Endpoint, proxy: Proxy) -> None:
    proxy.hang_accept()
    began = time.monotonic()
    with pytest.raises(Exception, match="cannot be reached"):
        RawReader(far, QUICK)
    assert time.monotonic() - began < 10


def test_where_requests_cannot_follow_each_other_packets_are_walked_over(walking: RawReader, reader: RawReader) -> None:
    assert not walking.pipelined
    assert usable(walking)
    walking.send(walking.prepare(ALL))
    reader.send(reader.prepare(ALL))
    first, second = receive_both(walking, reader)
    assert first.same_as(second)
    assert first.closing == second.closing
    assert walking.read("SELECT id FROM p.many WHERE id < 0").size == 0


def test_a_server_that_prepares_nothing(textual: Callable[[], RawReader], reader: RawReader) -> None:
    text = textual()
    assert text.text
    assert text.pipelined
    for sql in (ALL, "SELECT id, v FROM p.many WHERE id = 0", "SELECT v, '?', `id` FROM p.many /* ? */ WHERE id < 9"):
        assert text.read(sql).same_as(reader.read(sql))
    some = "SELECT v, id FROM p.many WHERE id > ? AND v <> ? ORDER BY id LIMIT ?"
    params = [Param.integer(12), Param.text(b"it's ?"), Param.integer(40)]
    assert text.read(some, params).same_as(reader.read(some, params))
    assert text.session.value("SELECT COUNT(*) FROM p.many") == ROWS
    assert len(text.session.rows("SELECT id FROM p.many LIMIT 5")) == 5
    with pytest.raises(StatementFailed, match="FLOAT"):
        text.read("SELECT f FROM p.floats" if _floats(text) else "")
    with pytest.raises(StatementFailed) as failed:
        text.read(BREAKS)
    assert failed.value.code == 1242
    assert usable(text)


def _floats(reader: RawReader) -> bool:
    reader.session.run("CREATE TABLE IF NOT EXISTS p.floats (f FLOAT)")
    return True


def ask(reader: RawReader, statement: Prepared) -> Packets:
    reader.send(statement)
    return reader.receive()


def test_a_table_that_is_altered(session: Connection, reader: RawReader) -> None:
    session.run("DROP TABLE IF EXISTS altered")
    session.run("CREATE TABLE altered (id INT PRIMARY KEY, v INT) ENGINE=InnoDB")
    session.run("INSERT INTO altered VALUES (1, 2)")
    sql = "SELECT id, v FROM p.altered"
    old = reader.prepare(sql)
    assert reader.read(sql).count() == 1
    session.run("ALTER TABLE altered MODIFY v BIGINT UNSIGNED")
    for _ in range(2):
        with pytest.raises(ColumnsChanged):
            ask(reader, old)
    new = reader.prepare(sql)
    assert new.columns != old.columns
    assert reader.read(sql).count() == 1
    session.run("ALTER TABLE altered DROP COLUMN v")
    with pytest.raises(StatementFailed):
        reader.read(sql)
    assert usable(reader)


def test_statements_are_kept_and_old_ones_closed(session: Connection, reader: RawReader) -> None:
    first = reader.prepare("SELECT 1")
    for number in range(300):
        assert reader.read(f"SELECT {number} FROM p.many WHERE id = 1").count() == 1
    done = {name: int(times) for name, times in reader.session.rows("SHOW SESSION STATUS LIKE 'Com_stmt_%'")}
    assert done["Com_stmt_prepare"] - done["Com_stmt_close"] <= 200
    reader.send(first)
    assert reader.receive().count() == 1
    assert reader.prepare(ALL) is reader.prepare(ALL)


def prepared_statements(session: Connection) -> int:
    rows = session.rows("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'")
    return int(rows[0][1])


def test_others_took_all_room_for_statements(session: Connection, reader: RawReader) -> None:
    most = session.value("SELECT @@max_prepared_stmt_count")
    reader.read(ALL)
    session.run(f"SET GLOBAL max_prepared_stmt_count = {prepared_statements(session)}")
    try:
        assert reader.read("SELECT id FROM p.many").count() == ROWS
        session.run("SET GLOBAL max_prepared_stmt_count = 0")
        with pytest.raises(StatementFailed) as failed:
            reader.read("SELECT id + 1 FROM p.many")
        assert failed.value.code == 1461
    finally:
        session.run(f"SET GLOBAL max_prepared_stmt_count = {most}")
    assert usable(reader)


def test_an_answer_beyond_the_bound_is_not_taken(endpoint: Endpoint, reader: RawReader) -> None:
    with contextlib.closing(RawReader(endpoint, most=4 << 20)) as bounded:
        assert usable(bounded)
        bounded.send(bounded.prepare(BIG))
        reader.send(reader.prepare(ALL))
        with pytest.raises(AnswerTooLarge, match="more than 4194304 bytes") as raised:
            receive_both(bounded, reader)
        assert raised.value.server == bounded.server
        with pytest.raises(ConnectionLost):
            bounded.read(ALL)
    with contextlib.closing(RawReader(endpoint, most=4 << 20)) as freed:
        freed.most = None
        assert freed.read(BIG).size > 10 << 20


def test_a_buffer_that_grew_is_given_back(reader: RawReader) -> None:
    assert reader.read(BIG).size > 10 << 20
    kept = reader.read(ALL).kept()
    assert reader.read(ALL).same_as(kept)


def test_a_second_request_before_the_answer_is_a_mistake(reader: RawReader) -> None:
    reader.send(reader.prepare(ALL))
    with pytest.raises(RuntimeError):
        reader.send(reader.prepare(ALL))
    with pytest.raises(RuntimeError):
        reader.prepare("SELECT 2")
    assert reader.receive().count() == ROWS
    with pytest.raises(RuntimeError):
        reader.receive()
    with pytest.raises(ValueError, match="parameters"):
        reader.send(reader.prepare(ALL), [Param.integer(1)])


def test_readers_say_goodbye(session: Connection, endpoint: Endpoint) -> None:
    def aborted() -> int:
        return int(session.rows("SHOW GLOBAL STATUS LIKE 'Aborted_clients'")[0][1])

    before = aborted()
    reader = RawReader(endpoint)
    reader.read(ALL)
    thread = reader.session.thread_id
    reader.close()
    until(lambda: thread not in [row[0] for row in session.rows("SHOW PROCESSLIST")], "the session is gone")
    assert aborted() == before


def test_select_is_all_that_an_account_needs(session: Connection, endpoint: Endpoint) -> None:
    session.run("CREATE USER 'only_reads'@'%' IDENTIFIED BY 'Reads-0nly'")
    session.run("GRANT SELECT ON p.* TO 'only_reads'@'%'")
    try:
        account = Account("only_reads", Secret("Reads-0nly"))
        with contextlib.closing(RawReader(replace(endpoint, account=account))) as reader:
            assert reader.pipelined
            assert usable(reader)
    finally:
        session.run("DROP USER 'only_reads'@'%'")
