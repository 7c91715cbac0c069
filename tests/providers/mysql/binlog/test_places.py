"""What a read is sure to see, where a tail must begin, and who may read a log."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from providers.mysql.binlog.access import free_server_id, readable
from providers.mysql.binlog.marks import Horizon, Mark, Start
from providers.mysql.binlog.places import horizon, log_end, log_start
from providers.mysql.connection import Connection
from providers.mysql.endpoint import Account, Endpoint, Secret
from providers.mysql.errors import PrivilegeMissing, StatementFailed, Unreachable
from providers.mysql.gtid import GtidSet
from providers.mysql.position import FilePosition
from providers.mysql.version import Version
from providers.sandbox.launcher import SandboxServer
from tests.providers.mysql.binlog.following import Following, following
from tests.support.pairs import running
from tests.support.waiting import until


def test_what_is_committed_is_covered(follow: Following) -> None:
    mark = follow.run("INSERT INTO app.t (id) VALUES (1)").marks[-1]
    assert horizon(follow.session, age_s=0.0).covers(mark)


def test_without_exact_horizon_a_transaction_has_to_grow_old(follow: Following, version: Version) -> None:
    mark = follow.run("INSERT INTO app.t (id) VALUES (1)").marks[-1]
    exact = version.mariadb or version.mysql_from(8, 0)
    assert horizon(follow.session, age_s=1000.0).covers(mark) == exact
    follow.run("FLUSH LOGS")
    # The next file was begun when all of this one were committed.
    assert horizon(follow.session, age_s=1000.0).covers(mark)


@contextmanager
def _slow_commits(session: Connection, version: Version) -> Iterator[None]:
    """A transaction is in the log, and sent from there, for a second before it is committed in the engine."""
    if version.mariadb:
        names = {"rpl_semi_sync_master_timeout": "1000", "rpl_semi_sync_master_wait_point": "AFTER_SYNC",
                 "rpl_semi_sync_master_enabled": "1"}  # fmt: skip
        back = {"rpl_semi_sync_master_enabled": "0"}
    else:
        names, back = {"binlog_group_commit_sync_delay": "1000000"}, {"binlog_group_commit_sync_delay": "0"}
    for name, value in names.items():
        session.run(f"SET GLOBAL {name} = {value}")
    yield
    for name, value in back.items():
        session.run(f"SET GLOBAL {name} = {value}")


def test_what_is_logged_and_not_committed_is_not_covered(follow: Following, version: Version) -> None:
    session = follow.session
    if version.number < (5, 7, 0):
        pytest.skip("its commits cannot be made slow")
    with _slow_commits(session, version), closing(Connection(session.endpoint)) as writer:
        thread = threading.Thread(target=writer.run, args=("INSERT INTO app.t (id) VALUES (7)",))
        thread.start()
        touched = follow.tail.read(10.0)
        assert touched is not None
        assert touched.rows
        starts = []
        while True:
            covered = horizon(session, version, age_s=30.0).covers(touched.upto)
            # By file alone a start would have to wait until all is committed.
            start = None if version.mysql_from(5, 7) and not version.mysql_from(8, 0) else log_start(session, version)
            visible = session.value("SELECT COUNT(*) FROM app.t")
            assert visible or not covered
            if visible:
                break
            starts.append(start)
        thread.join()
    assert starts
    for start in (starts[0], starts[-1]) if starts[0] else ():
        # What a read after it did not see has to come.
        with following(session, {"t": (0,)}, start=start) as late:
            assert late.catch_up().rows == touched.rows


def test_a_start_stands_in_a_journal(session: Connection) -> None:
    start = log_start(session, settle_s=0.2)
    assert Start.from_json(start.to_json()) == start


LONG_S = 1000.0


def long_log(session: Connection) -> None:
    """Make the newest file of the log longer than what would be read from its beginning."""
    session.run("INSERT INTO app.t (id, v) VALUES (99, REPEAT('v', 300000))")


def test_a_start_is_not_waited_for_where_nothing_is_open(follow: Following, version: Version) -> None:
    long_log(follow.session)
    began = time.monotonic()
    start = log_start(follow.session, version, settle_s=LONG_S)
    assert time.monotonic() - began < LONG_S / 2
    assert start.offset > 300_000


def test_a_start_waits_for_what_is_open_where_the_server_does_not_tell(follow: Following, version: Version) -> None:
    if version.mariadb or version.mysql_from(8, 0):
        pytest.skip("this server tells what reads see")
    session, starts = follow.session, list[Start]()
    long_log(session)

    def begin() -> None:
        with closing(Connection(session.endpoint)) as asking:
            starts.append(log_start(asking, version, settle_s=LONG_S))

    def asked() -> int:
        return int((session.row("SHOW GLOBAL STATUS LIKE 'Com_show_master_status'") or ("", 0))[1])

    with closing(Connection(session.endpoint)) as writer:
        writer.run("BEGIN")
        writer.run("INSERT INTO app.t (id) VALUES (7)")
        thread, before = threading.Thread(target=begin), asked()
        thread.start()
        until(lambda: asked() > before + 5, "it asks again and again")
        assert not starts
        writer.run("COMMIT")
        thread.join(60.0)
    assert starts
    # What was open then is in the log behind it.
    with following(session, {"t": (0,)}, start=starts[0]) as late:
        assert 7 in late.catch_up().keys("t")


def test_nothing_is_covered_that_is_not_known() -> None:
    for mark in (Mark("binlog.000001", 4), Mark("binlog.000001", 4, ("uuid", 1)), Mark("", 0, None, seen=5.0)):
        assert not Horizon().covers(mark)


@pytest.fixture
def reduced(session: Connection) -> Iterator[Endpoint]:
    """An account that may do nothing, to be granted something."""
    session.run("CREATE USER 'reader'@'127.0.0.1' IDENTIFIED BY 'Read-3r!'")
    found = session.endpoint
    yield Endpoint(found.name, found.host, found.port, Account("reader", Secret("Read-3r!")))
    session.run("DROP USER 'reader'@'127.0.0.1'")


def test_an_account_without_privileges_is_told_which(session: Connection, reduced: Endpoint, version: Version) -> None:
    with closing(Connection(reduced)) as reader:
        assert "privilege" in readable(reader)
        with pytest.raises(PrivilegeMissing):
            log_end(reader)
    session.run("GRANT REPLICATION CLIENT ON *.* TO 'reader'@'127.0.0.1'")
    with closing(Connection(reduced)) as reader:
        assert "grant it REPLICATION SLAVE" in readable(reader)
    session.run("GRANT REPLICATION SLAVE ON *.* TO 'reader'@'127.0.0.1'")
    with closing(Connection(reduced)) as reader:
        assert readable(reader) == ""
        with following(reader, {}):
            assert horizon(reader, version, age_s=0.0) is not None
            assert free_server_id([reader]) > 1 << 31


def test_that_no_more_connections_are_taken_says_nothing_of_the_log(
    session: Connection, reduced: Endpoint, version: Version
) -> None:
    session.run("GRANT REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO 'reader'@'127.0.0.1'")
    # The words that older servers have for it are gone from newer ones.
    change = "ALTER USER" if version.mysql_from(8, 0) else "GRANT USAGE ON *.* TO"
    session.run(f"{change} 'reader'@'127.0.0.1' WITH MAX_USER_CONNECTIONS 1")
    with closing(Connection(reduced)) as reader, pytest.raises(Unreachable, match="max_user_connections"):
        readable(reader)


def test_the_administrator_may_read(session: Connection) -> None:
    assert readable(session) == ""


def test_numbers_of_servers_that_are_there_are_not_taken(session: Connection) -> None:
    assert session.value("SELECT @@server_id") != free_server_id([session])


@pytest.fixture(scope="module")
def gaps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    with running("mariadb-10.11", tmp_path_factory.mktemp("gaps"), options={"binlog_ignore_db": "secret"}) as server:
        yield server


def test_a_log_with_gaps_is_not_readable(gaps: SandboxServer) -> None:
    with closing(Connection(gaps.endpoint())) as session:
        assert "does not log every database" in readable(session)


def test_a_replica_that_does_not_log_its_updates(tmp_path_factory: pytest.TempPathFactory) -> None:
    options = {"log_slave_updates": "0"}
    with (
        running("mariadb-10.11", tmp_path_factory.mktemp("quiet"), options=options) as server,
        closing(Connection(server.endpoint())) as session,
    ):
        assert readable(session) == ""
        session.run("CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 1")
        assert "log_slave_updates" in readable(session)


def test_a_server_without_a_log(tmp_path_factory: pytest.TempPathFactory) -> None:
    with (
        running("mariadb-10.11", tmp_path_factory.mktemp("nolog"), options={"skip_log_bin": "1"}) as server,
        closing(Connection(server.endpoint())) as session,
    ):
        assert "log_bin" in readable(session)
        for ask in (log_end, log_start, horizon):
            with pytest.raises(StatementFailed, match="is off"):
                ask(session)  # type: ignore[operator]


def test_an_age_counts_from_when_the_log_was_read() -> None:
    now = time.monotonic()
    sure = Horizon(newest=FilePosition("binlog.000003", 100), before=now - 5)
    assert sure.covers(Mark("binlog.000003", 50, seen=now - 6))
    assert not sure.covers(Mark("binlog.000003", 50, seen=now - 4))
    assert sure.covers(Mark("binlog.000002", 50, seen=now))


def test_what_has_not_arrived_is_known_only_of_a_source_that_is_followed_by_its_gtids() -> None:
    there = Horizon(executed=GtidSet({"a": ((1, 5),), "b": ((1, 1),)}))
    assert there.lacks(Mark("binlog.000003", 50, gtid=("a", 6)))
    assert not there.lacks(Mark("binlog.000003", 50, gtid=("a", 5)))
    # What comes by other means has GTIDs of its own there.
    assert not there.lacks(Mark("binlog.000003", 50, gtid=("c", 6)))
    assert not there.lacks(Mark("binlog.000003", 50))
    assert not Horizon(snapshot=FilePosition("binlog.000001", 4)).lacks(Mark("binlog.000003", 50, gtid=("a", 6)))
