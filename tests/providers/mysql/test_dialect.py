"""The words of each version: the switches by table, and every statement put to each real engine."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest

from providers.mysql.connection import Connection
from providers.mysql.dialect import Dialect
from providers.mysql.errors import StatementFailed
from providers.mysql.gtid import GtidSet, MariaGtid
from providers.mysql.server import ReadOnly, Server
from providers.mysql.version import Flavor, Version, parse_version
from tests.support.pairs import running

SYNTAX = 1064
ENGINES = ["mysql-5.6", "mysql-5.7", "mysql-9.7", "mariadb-10.11"]


def words(flavor: Flavor, *number: int) -> Dialect:
    major, minor, patch = number
    return Dialect(Version(flavor, (major, minor, patch)))


def mysql(*number: int) -> Dialect:
    return words(Flavor.MYSQL, *number)


def mariadb(*number: int) -> Dialect:
    return words(Flavor.MARIADB, *number)


@pytest.mark.parametrize(
    ("name", "since", "before", "after"),
    [
        ("replica_status", (8, 0, 22), "SHOW SLAVE STATUS", "SHOW REPLICA STATUS"),
        ("start_replica", (8, 0, 22), "START SLAVE", "START REPLICA"),
        ("stop_replica", (8, 0, 22), "STOP SLAVE", "STOP REPLICA"),
        ("reset_replica", (8, 0, 22), "RESET SLAVE ALL", "RESET REPLICA ALL"),
        ("change_source", (8, 0, 23), "CHANGE MASTER TO", "CHANGE REPLICATION SOURCE TO"),
        ("source_word", (8, 0, 23), "MASTER", "SOURCE"),
        ("source_status", (8, 2, 0), "SHOW MASTER STATUS", "SHOW BINARY LOG STATUS"),
        ("reset_binary_log", (8, 2, 0), "RESET MASTER", "RESET BINARY LOGS AND GTIDS"),
        ("wait_file", (8, 0, 26), "SELECT MASTER_POS_WAIT(%s, %s, %s)", "SELECT SOURCE_POS_WAIT(%s, %s, %s)"),
        ("updates_logged", (8, 0, 26), "log_slave_updates", "log_replica_updates"),
        ("checkpoint_period", (8, 0, 26), "slave_checkpoint_period", "replica_checkpoint_period"),
        ("has_super_read_only", (5, 7, 8), False, True),
        ("fence", (5, 7, 8), "SET GLOBAL read_only = ON", "SET GLOBAL super_read_only = ON"),
        ("persist_read_only", (8, 0, 11), None, "SET PERSIST super_read_only = ON"),
        (
            "wait_gtid",
            (5, 7, 5),
            "SELECT WAIT_UNTIL_SQL_THREAD_AFTER_GTIDS(%s, %s)",
            "SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s)",
        ),
        ("has_gtid", (5, 6, 5), False, True),
    ],
)
def test_a_word_changes_with_its_release(name: str, since: tuple[int, int, int], before: object, after: object) -> None:
    major, minor, patch = since
    previous = (major, minor, patch - 1) if patch else (major, minor - 1, 99)
    assert getattr(mysql(*previous), name) == before
    assert getattr(mysql(*since), name) == after
    assert getattr(mysql(9, 7, 0), name) == after
    assert getattr(mysql(8, 4, 6), name) == after


def test_8_0_takes_the_old_words_for_the_binary_log_and_8_4_only_the_new_ones() -> None:
    assert mysql(8, 0, 44).source_status == "SHOW MASTER STATUS"
    assert mysql(8, 4, 0).source_status == "SHOW BINARY LOG STATUS"


def test_mariadb_keeps_its_own_words() -> None:
    new = mariadb(11, 8, 3)
    assert new.replica_status == "SHOW REPLICA STATUS"
    assert new.change_source == "CHANGE MASTER TO"
    assert new.source_status == "SHOW MASTER STATUS"
    assert new.reset_binary_log == "RESET MASTER"
    assert new.fence == "SET GLOBAL read_only = ON"
    assert new.wait_gtid == "SELECT MASTER_GTID_WAIT(%s, %s)"
    assert new.checkpoint_period is None
    assert mariadb(10, 4, 30).replica_status == "SHOW SLAVE STATUS"
    assert mariadb(10, 5, 1).replica_status == "SHOW REPLICA STATUS"


@pytest.mark.parametrize(
    ("version", "comment", "expected"),
    [
        ("5.6.24-log", "MySQL Community Server (GPL)", "MySQL 5.6.24"),
        ("8.0.36-0ubuntu0.22.04.1", "(Ubuntu)", "MySQL 8.0.36"),
        ("8.0.32-24", "Percona Server (GPL), Release 24", "MySQL 8.0.32"),
        ("10.11.11-MariaDB-log", "Source distribution", "MariaDB 10.11.11"),
        ("5.5.5-10.6.12-MariaDB-1:10.6.12+maria~ubu2004", "", "MariaDB 10.6.12"),
        ("10.6.12", "MariaDB Server", "MariaDB 10.6.12"),
        ("9.7", "MySQL Community Server", None),
    ],
)
def test_versions_are_read(version: str, comment: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(ValueError, match="no version number"):
            parse_version(version, comment)
    else:
        assert str(parse_version(version, comment)) == expected


@pytest.fixture(scope="module", params=ENGINES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with (
        running(request.param, tmp_path_factory.mktemp("dialect")) as started,
        contextlib.closing(Server(started.endpoint())) as server,
    ):
        yield server


@pytest.fixture
def session(server: Server) -> Iterator[Connection]:
    with contextlib.closing(server.connect()) as session:
        yield session


def test_the_engine_is_what_it_is_called(server: Server) -> None:
    assert server.endpoint.name == "source"
    assert server.version.series in {"5.6", "5.7", "9.7", "10.11"}


def test_questions_are_understood(server: Server, session: Connection) -> None:
    words = server.dialect
    assert session.named(words.replica_status) == ()
    (status,) = session.named(words.source_status)
    assert {"File", "Position"} <= set(status)
    assert session.row(words.read_only_state) == (0, 0)
    assert isinstance(session.value(words.gtid_position), str)
    assert isinstance(session.value(words.gtid_end), str)
    assert server.variable(words.updates_logged) == "ON"
    if words.checkpoint_period is not None:
        assert server.variable(words.checkpoint_period) is not None


def test_the_fence_is_raised_and_lifted(server: Server, session: Connection) -> None:
    words = server.dialect
    assert server.read_only() == ReadOnly(clients=False, everyone=False)
    session.run(words.fence)
    assert server.read_only() == ReadOnly(clients=True, everyone=words.has_super_read_only)
    session.run(words.unfence)
    assert server.read_only() == ReadOnly(clients=False, everyone=False)


def test_read_only_is_persisted_and_forgotten(server: Server, session: Connection) -> None:
    words = server.dialect
    if words.persist_read_only is None:
        assert words.forget_persisted_read_only == ()
        return
    session.run(words.persist_read_only)
    persisted = "SELECT COUNT(*) FROM performance_schema.persisted_variables WHERE variable_name LIKE '%%read_only'"
    assert session.value(persisted) > 0
    for statement in words.forget_persisted_read_only:
        session.run(statement)
    assert session.value(persisted) == 0
    session.run(words.unfence)


def test_waiting_for_what_is_there_already(server: Server) -> None:
    server.change("CREATE DATABASE IF NOT EXISTS waited_for")
    # The function of 5.6 belongs to the applier, which this server has not got.
    assert server.wait_for(server.gtid_end(), 1) == (server.version.series != "5.6")


def test_waiting_for_what_never_comes_is_bounded(server: Server) -> None:
    unheard_of = "9-9-9" if server.version.mariadb else "11111111-1111-1111-1111-111111111111:1"
    kind = MariaGtid if server.version.mariadb else GtidSet
    began = time.monotonic()
    assert not server.wait_for(kind.parse(unheard_of), 0.5)
    assert time.monotonic() - began < 3


def test_waiting_by_file_on_a_server_that_is_no_replica_is_not_success(server: Server) -> None:
    assert not server.wait_for(server.end_of_log(), 1)


def test_channel_statements_are_understood(server: Server, session: Connection) -> None:
    words = server.dialect
    options = f"{words.source_word}_HOST = '127.0.0.1', {words.source_word}_USER = 'nobody'"
    session.run(f"{words.change_source} {options}")
    assert len(session.named(words.replica_status)) == 1
    session.run(words.start_replica)
    session.run(words.stop_replica)
    session.run(words.reset_replica)


def test_the_binary_log_is_emptied(server: Server, session: Connection) -> None:
    session.run("CREATE DATABASE IF NOT EXISTS logged")
    session.run("DROP DATABASE logged")
    before = server.end_of_log()
    session.run(server.dialect.reset_binary_log)
    after = server.end_of_log()
    assert after.number == 1
    assert after.offset < before.offset
    assert server.gtid_end().count() == 0


def test_a_word_of_another_version_is_refused(server: Server, session: Connection) -> None:
    other = mysql(5, 6, 24) if server.version.mysql_from(9) else mysql(9, 7, 0)
    with pytest.raises(StatementFailed) as refused:
        session.rows(other.source_status)
    assert refused.value.code == SYNTAX
