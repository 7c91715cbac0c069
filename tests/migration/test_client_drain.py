"""Ending idle sessions on the server that the writes have left, on a real server with real sessions."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pymysql
import pytest

from migration import rehearsal
from migration.checks.sight import Session
from migration.client_drain import connected, end_idle
from migration.decisions import Choice, Decision, decide
from migration.fences.foreign import exempt_users
from migration.journal import Kind
from migration.rehearsal import Rehearsal
from migration.runbook import Migration
from migration.sessions import launch
from migration.view import MigrationView
from providers.mysql.errors import PrivilegeMissing, ServerError, Unsupported
from providers.mysql.server import Server
from providers.sandbox import launcher, passwords
from providers.sandbox.spec import TopologySpec
from tests.migration.checks.lab import account
from tests.migration.fences.lab import as_account, migration
from tests.rehearsals.driving import approve, at_gate
from tests.rehearsals.driving import until as seen
from tests.support.moving import QuietDesk
from tests.support.pairs import running
from tests.support.waiting import until

ENGINES = ("mariadb-10.11", "mysql-5.7")
_BINLOG_DUMP = 0x12


@pytest.fixture(scope="module", params=ENGINES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with (
        running(request.param, tmp_path_factory.mktemp("drain")) as one,
        contextlib.closing(Server(one.endpoint())) as server,
    ):
        server.change("CREATE DATABASE shop")
        server.change("CREATE TABLE shop.notes (id INT PRIMARY KEY) ENGINE=InnoDB")
        server.change("INSERT INTO shop.notes VALUES (1)")
        server.change("SET GLOBAL read_only = ON")
        yield server


@pytest.fixture
def m(server: Server, tmp_path: Path) -> Iterator[Migration]:
    made = migration(tmp_path / "journal.db", server, server)
    yield made
    made.scribe.journal.close()


class Client:
    """A session of the application."""

    def __init__(self, server: Server, *statements: str) -> None:
        who = passwords.load().application
        self.session = launcher.connect(replace(server.endpoint, account=who), "shop")
        self.id = self.session.thread_id()
        for sql in statements:
            self.session.cursor().execute(sql)

    @property
    def alive(self) -> bool:
        try:
            self.session.ping(reconnect=False)
        except pymysql.err.MySQLError:
            return False
        return True

    def sleep(self) -> None:
        """Be busy until somebody ends it."""
        with contextlib.suppress(pymysql.err.MySQLError):
            self.session.cursor().execute("SELECT SLEEP(30)")

    def close(self) -> None:
        with contextlib.suppress(pymysql.err.Error):
            self.session.close()


@contextlib.contextmanager
def clients(server: Server, number: int, *statements: str) -> Iterator[list[Client]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(contextlib.closing(Client(server, *statements))) for _ in range(number)]


def ids(sessions: Iterable[Client | Session]) -> set[int]:
    return {one.id for one in sessions}


def idle_ids(m: Migration, server: Server) -> set[int]:
    return ids(connected(server, exempt_users(m, server)).idle)


def wait_until_idle(m: Migration, server: Server, expected: list[Client]) -> None:
    until(lambda: idle_ids(m, server) >= ids(expected), "they count as idle", every=0.2)


def kills(m: Migration) -> list[str]:
    return [str(r.body["sql"]) for r in m.scribe.journal.records() if r.kind is Kind.STATEMENT]


def notes(m: Migration) -> list[str]:
    return [str(r.body["text"]) for r in m.scribe.journal.records() if r.kind is Kind.NOTE]


def test_idle_sessions_are_ended_in_batches_and_all_others_are_left_alone(m: Migration, server: Server) -> None:
    replicator = launcher.connect(replace(server.endpoint, account=passwords.load().replication))
    with (
        clients(server, 5) as idle,
        clients(server, 1, "START TRANSACTION", "SELECT * FROM notes") as inside,
        clients(server, 1) as busy,
        contextlib.closing(server.connect()) as own,
        contextlib.closing(replicator),
    ):
        statement = threading.Thread(target=busy[0].sleep, daemon=True)
        statement.start()
        wait_until_idle(m, server, idle)

        result = end_idle(m, server, batch=2)

        assert ids(result.ended) == ids(idle)
        assert (result.batches, result.stopped) == (3, "")
        assert ids(result.left.busy) == {inside[0].id, busy[0].id}
        assert not any(one.alive for one in idle)
        assert inside[0].alive
        assert statement.is_alive()
        own.value("SELECT 1")
        replicator.ping(reconnect=False)
        assert kills(m) == [f"KILL {one.id}" for one in idle]
        (said,) = notes(m)
        user = passwords.load().application.user
        assert f"ended 5 idle sessions in 3 batches ({user}@" in said
        assert "2 sessions connected now" in said
        server.change(f"KILL QUERY {busy[0].id}")
        statement.join(10)


def test_who_has_just_worked_is_not_idle(m: Migration, server: Server) -> None:
    with clients(server, 1) as (one,):
        until(lambda: one.alive and one.id not in idle_ids(m, server), "it has just been pinged", every=0.2)
        wait_until_idle(m, server, [one])


def test_a_real_replica_goes_on_reading(m: Migration, server: Server) -> None:
    """Under an account of its own that this migration knows nothing of: told by what it does."""
    with account(server, "third", "REPLICATION SLAVE ON *.*") as who:
        replica = launcher.connect(replace(server.endpoint, account=who))
        reading = threading.Thread(target=dump, args=(replica, server.end_of_log().file), daemon=True)
        with contextlib.closing(replica), clients(server, 1) as idle:
            reading.start()
            until(lambda: commands(server).get(replica.thread_id(), "").startswith("Binlog Dump"), "it reads")
            wait_until_idle(m, server, idle)

            end_idle(m, server)

            assert commands(server)[replica.thread_id()].startswith("Binlog Dump")
            assert reading.is_alive()
            server.change(f"KILL {replica.thread_id()}")
            reading.join(10)


def dump(session: pymysql.Connection[pymysql.cursors.Cursor], file: str) -> None:
    """Ask for a binary log from its beginning, as a replica does (COM_BINLOG_DUMP), and read on until it ends."""
    session.cursor().execute("SET @master_binlog_checksum = 'NONE', @mariadb_slave_capability = 4")
    position, flags, server_id = (4).to_bytes(4, "little"), bytes(2), (4711).to_bytes(4, "little")
    session._execute_command(_BINLOG_DUMP, position + flags + server_id + file.encode())
    with contextlib.suppress(pymysql.err.MySQLError):
        while True:
            session._read_packet()


def commands(server: Server) -> dict[int, str]:
    return {int(row[0]): str(row[4]) for row in server.rows("SHOW PROCESSLIST")}


def test_an_operators_stop_ends_it_after_the_batch(m: Migration, server: Server) -> None:
    assert isinstance(m.desk, QuietDesk)
    with clients(server, 3) as idle:
        wait_until_idle(m, server, idle)
        m.desk.stopped = True

        result = end_idle(m, server, batch=1)

        assert len(result.ended) == 1
        assert [one.alive for one in idle] == [False, True, True]
        assert "it was stopped by an operator" in notes(m)[0]


def test_it_is_refused_where_the_server_takes_writes(m: Migration, server: Server) -> None:
    server.change("SET GLOBAL read_only = OFF")
    try:
        with clients(server, 1) as idle:
            wait_until_idle(m, server, idle)
            with pytest.raises(Unsupported, match="takes writes, so its clients are where they belong"):
                end_idle(m, server)
            assert idle[0].alive
    finally:
        server.change("SET GLOBAL read_only = ON")
    assert kills(m) == []


def test_without_privileges_it_says_what_to_grant(m: Migration, server: Server) -> None:
    with clients(server, 1) as idle:
        wait_until_idle(m, server, idle)
        assert "PROCESS" in refused(m, server, "SELECT ON shop.*")
        said = refused(m, server, "PROCESS ON *.*")
        assert "CONNECTION_ADMIN (on MariaDB CONNECTION ADMIN, on servers before these SUPER)" in said
        assert idle[0].alive
    assert notes(m) == []


def refused(m: Migration, server: Server, grants: str) -> str:
    with account(server, "keeper", grants) as who, contextlib.closing(as_account(server, who)) as lesser:
        with pytest.raises(ServerError) as caught:
            end_idle(m, lesser)
        assert isinstance(caught.value, PrivilegeMissing)
        return str(caught.value)


@pytest.fixture
def made(engine_names: tuple[str, ...]) -> Iterator[Rehearsal]:
    topology = TopologySpec("mariadb-10.11", "mariadb-10.11", rows=200, rate=50)
    made = rehearsal.set_up(topology, "mysql_replication", lambda _: None, keep=True)
    try:
        launch(made.journal, made.secrets())
        yield made
    finally:
        made.sandbox.stop()


def test_at_the_gate_after_the_cutover_on_the_operators_word(made: Rehearsal) -> None:
    approve(made)
    seen(made, lambda view: view.gate is not None and view.gate.id == "cutover" and view.gate.ready)
    decide(made.journal, Decision(Choice.DRAIN_CLIENTS, "cutover", typed="target"))
    said(made, "refused: drain_clients is not offered at cutover")
    seen(made, lambda view: on_source(view) > 0)
    decide(made.journal, Decision(Choice.CONFIRM, "cutover", typed="source"))
    at_gate(made, "observe")

    with contextlib.closing(Server(made.sandbox.endpoints().source)) as source, clients(source, 3) as idle:
        until(lambda: ids(connected(source, frozenset()).idle) >= ids(idle), "they count as idle", every=0.2)
        view = seen(made, lambda view: idle_of(view) >= 3)
        assert on_source(view) >= 3
        decide(made.journal, Decision(Choice.DRAIN_CLIENTS, "observe", typed="target"))
        said(made, "refused: 'target' was typed and 'source' confirms")
        assert ids(idle) <= set(commands(source))

        decide(made.journal, Decision(Choice.DRAIN_CLIENTS, "observe", typed="source"))
        said(made, "source: ended ")
        assert not any(one.alive for one in idle)
        view = seen(made, lambda view: idle_of(view) == 0)

    assert view.gate is not None
    assert view.gate.id == "observe"
    assert "drain_clients" in view.gate.choices


def on_source(view: MigrationView) -> int:
    return sum(client.on_source for client in view.clients)


def idle_of(view: MigrationView) -> int:
    return sum(client.idle for client in view.clients)


def said(made: Rehearsal, words: str) -> None:
    seen(made, lambda view: any(words in line.text for line in view.log))
