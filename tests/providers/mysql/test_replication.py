"""Making one real server follow another: there, back again, and no longer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from providers.mysql import replication
from providers.mysql.endpoint import Account, Secret
from providers.mysql.errors import StatementFailed, Unsupported
from providers.mysql.gtid import GtidSet, MariaGtid
from providers.mysql.position import FilePosition, Position
from providers.mysql.server import Server
from providers.sandbox import passwords
from tests.support.pairs import Two, forward_account, two
from tests.support.proxy import Proxy
from tests.support.waiting import until

PAIRS: list[tuple[str, str, type[Position]]] = [
    ("mariadb-10.11", "mariadb-10.11", MariaGtid),
    ("mysql-5.6", "mysql-9.7", GtidSet),
    ("mysql-5.6", "mysql-5.6", FilePosition),
]


@pytest.fixture(scope="module", params=PAIRS, ids=lambda pair: f"{pair[0]}-to-{pair[1]}-{pair[2].__name__}")
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    source, target, kind = request.param
    with two(source, target, tmp_path_factory.mktemp("replication"), kind) as pair:
        yield pair


@pytest.fixture
def attached(pair: Two) -> Iterator[Two]:
    """The pair with a table, attached from where the source is now; detached and emptied afterwards."""
    for server in (pair.source, pair.target):
        server.change(server.dialect.unfence)
    pair.attach()
    pair.source.change("CREATE DATABASE app")
    pair.source.change("CREATE TABLE app.t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(20))")
    pair.caught_up()
    yield pair
    for server in (pair.source, pair.target):
        replication.forget(server)
        server.change(server.dialect.unfence)
        with contextlib.closing(server.connect()) as session:
            session.run("SET SESSION sql_log_bin = 0")
            session.run("DROP DATABASE app")
        server.change(server.dialect.reset_binary_log)
        if server.version.mariadb:
            server.change("SET GLOBAL gtid_slave_pos = ''")


def rows(server: Server) -> tuple[tuple[object, ...], ...]:
    return server.rows("SELECT id, v FROM app.t ORDER BY id")


def reverse_account(pair: Two) -> Account:
    """With which the source logs in to the target: an old replica needs an account of its own there."""
    old = pair.target.version.mysql_from(8) and not pair.source.version.mysql_from(5, 7)
    return passwords.load().old_replication if old else forward_account()


def test_it_follows_its_source_and_nobody_else(attached: Two) -> None:
    status = replication.follows(attached.target, attached.source)
    assert status is not None
    assert status.running
    assert status.trouble == ""
    assert status.using_gtid == (attached.kind is not FilePosition)
    assert status.source_id == attached.source.identity.server_id
    assert replication.follows(attached.source, attached.target) is None
    assert replication.follows(attached.target, attached.target) is None


def test_it_follows_through_another_address(attached: Two) -> None:
    with Proxy((attached.source.endpoint.host, attached.source.endpoint.port)) as proxy:
        replication.forget(attached.target)
        attached.attach(replace(attached.source.endpoint, port=proxy.port))
        # For a few milliseconds a MySQL says that it is connected and not yet to whom.
        status = until(lambda: replication.follows(attached.target, attached.source), "it knows whom it follows")
        assert status.source_port == proxy.port
        replication.stop(attached.target)


def test_what_is_written_arrives(attached: Two) -> None:
    for number in range(20):
        attached.source.change("INSERT INTO app.t (v) VALUES (%s)", (f"ü {number}",))
    end = attached.end(attached.source)
    assert attached.target.wait_for(end, 5)
    assert rows(attached.target) == rows(attached.source)
    executed = attached.target.executed_of(attached.kind)
    assert executed is not None
    assert executed.count() >= end.count()


def test_waiting_tells_a_stopped_applier_from_success(attached: Two) -> None:
    replication.stop(attached.target)
    attached.source.change("INSERT INTO app.t (v) VALUES ('late')")
    end = attached.end(attached.source)
    assert not attached.target.wait_for(end, 1)
    replication.start(attached.target)
    replication.wait_running(attached.target, 10)
    assert attached.target.wait_for(end, 5)


def test_the_writes_move_there_and_back_over_a_circle(attached: Two) -> None:
    source, target = attached.source, attached.target
    target.change(target.dialect.fence)
    start = target.end_of_log() if attached.kind is FilePosition else None
    if attached.kind is MariaGtid:
        source.change(f"SET GLOBAL gtid_slave_pos = '{target.gtid_executed()}'")
    replication.configure(source, replication.plan_channel(source, target, reverse_account(attached), start))
    replication.start(source)
    assert replication.wait_running(source, 10).running
    assert replication.follows(source, target) is not None

    old, new = source, target
    for turn in range(4):
        old.change("INSERT INTO app.t (v) VALUES (%s)", (f"turn {turn}",))
        old.change(old.dialect.fence)
        assert new.wait_for(attached.end(old), 5), new.replica_status()
        new.change(new.dialect.unfence)
        old, new = new, old
    assert rows(source) == rows(target)
    assert len(rows(source)) == 4
    for server in (source, target):
        status = server.replica_status()
        assert status is not None
        assert status.running, status.trouble


def test_forgetting_is_for_good_and_may_be_repeated(attached: Two) -> None:
    replication.forget(attached.target)
    assert attached.target.replica_status() is None
    assert replication.follows(attached.target, attached.source) is None
    replication.forget(attached.target)
    replication.stop(attached.target)
    attached.source.change("INSERT INTO app.t (v) VALUES ('alone')")
    assert rows(attached.target) == ()


def test_waiting_for_a_server_that_is_no_replica_says_so(pair: Two) -> None:
    with pytest.raises(Unsupported, match="source is no replica"):
        replication.wait_running(pair.source, 1)


def test_a_wrong_replication_password_is_named_and_not_shown(pair: Two) -> None:
    start = pair.source.end_of_log() if pair.kind is FilePosition else None
    account = Account(forward_account().user, Secret("Not-it-%s-77"))
    channel = replication.plan_channel(pair.target, pair.source, account, start)
    replication.configure(pair.target, channel)
    replication.start(pair.target)

    def complaint() -> str:
        status = pair.target.replica_status()
        return status.io_error if status is not None else ""

    until(complaint, "the receiver complains")
    with pytest.raises(StatementFailed) as failure:
        replication.wait_running(pair.target, 1)
    replication.forget(pair.target)
    assert "1045" in str(failure.value)
    assert "target" in str(failure.value)
    assert "Not-it" not in str(failure.value)


def test_the_statement_is_shown_without_its_password(pair: Two) -> None:
    awkward = Account("re'pl%s", Secret("Geheim'%s-77"))
    channel = replication.plan_channel(pair.target, pair.source, awkward, FilePosition("binlog.000001", 4))
    shown = replication.shown_change_source(pair.target, channel)
    assert "Geheim" not in shown
    assert "'***'" in shown
    assert str(pair.source.endpoint.port) in shown
    assert "Geheim" not in repr(channel)


def test_a_refused_channel_does_not_show_the_password(attached: Two) -> None:
    account = Account("repl", Secret("Geheim-77"))
    start = attached.source.end_of_log() if attached.kind is FilePosition else None
    channel = replication.plan_channel(attached.target, attached.source, account, start)
    with pytest.raises(StatementFailed) as failure:
        replication.configure(attached.target, channel)
    assert "'***'" in str(failure.value) or "..." in str(failure.value)
    assert "Geheim" not in str(failure.value)
