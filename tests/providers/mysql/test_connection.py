"""What a session does when things go wrong: one sentence that says what and where, and that in bounded time."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from providers.mysql.connection import COLLATION, Connection, Timeouts
from providers.mysql.endpoint import Account, Endpoint, Secret, TlsMode
from providers.mysql.errors import (
    AccessDenied,
    ConnectionLost,
    LockTimeout,
    PrivilegeMissing,
    ServerError,
    StatementFailed,
    Unreachable,
    WrongServer,
)
from providers.mysql.server import Server
from tests.support.pairs import running
from tests.support.proxy import LOOPBACK, Hole, Proxy
from tests.support.waiting import until

QUICK = Timeouts(connect=0.5, answer=0.5)


@pytest.fixture(scope="module", params=["mysql-5.6", "mysql-9.7", "mariadb-10.11"])
def endpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with running(request.param, tmp_path_factory.mktemp("connection")) as server:
        yield server.endpoint()


@pytest.fixture
def session(endpoint: Endpoint) -> Iterator[Connection]:
    with contextlib.closing(Connection(endpoint)) as session:
        yield session


@pytest.fixture
def proxy(endpoint: Endpoint) -> Iterator[Proxy]:
    with Proxy((endpoint.host, endpoint.port)) as proxy:
        yield proxy


def is_a_sentence(error: ServerError) -> bool:
    text = str(error)
    return error.server in text and "\n" not in text and text.endswith(".") and len(text) < 400


def test_a_session_is_utc_autocommit_and_in_a_collation_that_every_server_knows(session: Connection) -> None:
    row = session.row("SELECT @@autocommit, @@time_zone, @@collation_connection, @@character_set_results")
    assert row == (1, "+00:00", COLLATION, "utf8mb4")


def test_tls_is_used_where_the_server_has_it(endpoint: Endpoint, session: Connection) -> None:
    assert session.encrypted == session.offers_tls
    with contextlib.closing(Connection(replace(endpoint, tls=TlsMode.DISABLED))) as plain:
        assert not plain.encrypted


def test_required_tls_is_never_given_up(endpoint: Endpoint, session: Connection) -> None:
    required = replace(endpoint, tls=TlsMode.REQUIRED)
    if session.offers_tls:
        with contextlib.closing(Connection(required)) as encrypted:
            assert encrypted.encrypted
        return
    with pytest.raises(Unreachable) as failure:
        Connection(required)
    assert is_a_sentence(failure.value)
    assert "TLS" in str(failure.value)


@pytest.mark.parametrize("mode", [TlsMode.VERIFY_CA, TlsMode.VERIFY_IDENTITY])
def test_a_certificate_of_nobody_is_not_trusted(endpoint: Endpoint, mode: TlsMode) -> None:
    with pytest.raises(Unreachable) as failure:
        Connection(replace(endpoint, tls=mode))
    assert is_a_sentence(failure.value)
    assert "TLS" in str(failure.value)


def test_a_wrong_password(endpoint: Endpoint) -> None:
    account = Account(endpoint.account.user, Secret("not-the-password-8"))
    with pytest.raises(AccessDenied) as failure:
        Connection(replace(endpoint, account=account))
    assert failure.value.code in (1045, 1698)
    assert is_a_sentence(failure.value)
    assert "Access denied" in str(failure.value)
    assert "not-the-password-8" not in str(failure.value) + repr(failure.value)


def test_an_unknown_database(endpoint: Endpoint) -> None:
    with pytest.raises(Unreachable) as failure:
        Connection(endpoint, database="no_such_place")
    assert failure.value.code == 1049
    assert is_a_sentence(failure.value)
    assert "no_such_place" in str(failure.value)


def test_nobody_listens(endpoint: Endpoint) -> None:
    with socket.socket() as reserved:
        reserved.bind((LOOPBACK, 0))
        with pytest.raises(Unreachable) as failure:
            Connection(replace(endpoint, port=reserved.getsockname()[1]))
    assert is_a_sentence(failure.value)


def test_a_name_that_is_none(endpoint: Endpoint) -> None:
    with pytest.raises(Unreachable) as failure:
        Connection(replace(endpoint, host="db.invalid"), QUICK)
    assert is_a_sentence(failure.value)
    assert "db.invalid" in str(failure.value)


def test_a_host_that_accepts_and_never_speaks_is_given_up(endpoint: Endpoint, proxy: Proxy) -> None:
    proxy.hang_accept()
    began = time.monotonic()
    with pytest.raises(Unreachable) as failure:
        Connection(replace(endpoint, port=proxy.port), QUICK)
    assert 0.4 < time.monotonic() - began < 4
    assert is_a_sentence(failure.value)


def test_something_else_than_a_mysql_listens(endpoint: Endpoint) -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:

        def greet() -> None:
            client, _ = listener.accept()
            with client:
                client.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")

        greeter = threading.Thread(target=greet, daemon=True)
        greeter.start()
        with pytest.raises(Unreachable) as failure:
            Connection(replace(endpoint, port=listener.getsockname()[1]), QUICK)
        greeter.join()
    assert is_a_sentence(failure.value)


def test_an_answer_that_never_comes_is_given_up(endpoint: Endpoint, proxy: Proxy) -> None:
    # On a loaded machine logging in may take a second.
    patient = Timeouts(connect=2.0, answer=2.0)
    with contextlib.closing(Connection(replace(endpoint, port=proxy.port), patient)) as session:
        proxy.blackhole(Hole.DOWN)
        began = time.monotonic()
        with pytest.raises(ConnectionLost) as failure:
            session.value("SELECT 1")
        assert 1.8 < time.monotonic() - began < 10
        assert is_a_sentence(failure.value)


def test_a_statement_may_take_longer_if_it_is_allowed_to(endpoint: Endpoint) -> None:
    with contextlib.closing(Connection(endpoint, QUICK)) as session:
        session.allow_answer_s(10)
        assert session.value("SELECT SLEEP(0.8)") == 0


def test_a_killed_session_is_lost(session: Connection, endpoint: Endpoint) -> None:
    with contextlib.closing(Connection(endpoint)) as other:
        other.run(f"KILL {session.thread_id}")
    with pytest.raises(ConnectionLost) as failure:
        session.value("SELECT 1")
    assert is_a_sentence(failure.value)
    assert not session.ping()


def test_a_cut_session_is_lost(endpoint: Endpoint, proxy: Proxy) -> None:
    with contextlib.closing(Connection(replace(endpoint, port=proxy.port))) as session:
        assert session.ping()
        proxy.cut()
        with pytest.raises(ConnectionLost):
            session.run("DO 1")


def test_a_lock_that_is_held(endpoint: Endpoint, session: Connection) -> None:
    session.run("CREATE DATABASE IF NOT EXISTS locks")
    session.run("CREATE TABLE IF NOT EXISTS locks.t (id INT PRIMARY KEY)")
    session.run("LOCK TABLES locks.t READ")
    with contextlib.closing(Connection(endpoint)) as other:
        other.run("SET SESSION lock_wait_timeout = 1")
        with pytest.raises(LockTimeout) as failure:
            other.run("INSERT INTO locks.t VALUES (1)")
        assert failure.value.code == 1205
        assert is_a_sentence(failure.value)
        session.run("UNLOCK TABLES")
        other.run("DROP DATABASE locks")


def test_a_missing_privilege(endpoint: Endpoint, session: Connection) -> None:
    session.run("CREATE USER little@'%' IDENTIFIED BY 'Little-pass1'")
    little = replace(endpoint, account=Account("little", Secret("Little-pass1")))
    with contextlib.closing(Connection(little)) as other:
        for statement in ("SET GLOBAL read_only = ON", "SELECT * FROM mysql.user"):
            with pytest.raises(PrivilegeMissing) as failure:
                other.run(statement)
            assert is_a_sentence(failure.value)
    session.run("DROP USER little@'%'")


def test_a_refused_statement_keeps_the_servers_code_and_words(session: Connection) -> None:
    with pytest.raises(StatementFailed) as failure:
        session.run("SELECT * FROM mysql.nothing_here")
    assert failure.value.code == 1146
    assert is_a_sentence(failure.value)
    assert "nothing_here" in str(failure.value)
    assert session.value("SELECT 1") == 1


def test_a_secret_statement_is_not_quoted(session: Connection) -> None:
    with pytest.raises(StatementFailed) as failure:
        session.run("SET PASSWORDS = %s", ("Geheim-77",), shown="SET PASSWORDS = '***'")
    assert "SET PASSWORDS = '***'" in str(failure.value)


def test_a_server_reads_on_after_its_session_broke(endpoint: Endpoint, proxy: Proxy) -> None:
    with contextlib.closing(Server(replace(endpoint, port=proxy.port))) as server:
        before = server.value("SELECT CONNECTION_ID()")
        proxy.cut()
        assert server.value("SELECT CONNECTION_ID()") != before


def test_a_change_is_not_repeated_after_its_session_broke(endpoint: Endpoint, proxy: Proxy) -> None:
    with contextlib.closing(Server(replace(endpoint, port=proxy.port))) as server:
        server.change("CREATE DATABASE changes")
        server.change("CREATE TABLE changes.t (id INT AUTO_INCREMENT PRIMARY KEY)")
        proxy.blackhole(Hole.DOWN)
        server.session.allow_answer_s(0.5)
        with pytest.raises(ConnectionLost):
            server.change("INSERT INTO changes.t VALUES ()")
        proxy.heal()
        assert server.value("SELECT COUNT(*) FROM changes.t") == 1
        server.change("DROP DATABASE changes")


def test_another_server_behind_the_same_address(
    endpoint: Endpoint, proxy: Proxy, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        running("mariadb-10.11", tmp_path_factory.mktemp("other"), name="other") as other,
        contextlib.closing(Server(replace(endpoint, port=proxy.port))) as server,
    ):
        proxy.upstream = (LOOPBACK, other.port)
        proxy.cut()
        with pytest.raises(WrongServer) as failure:
            server.value("SELECT 1")
        assert is_a_sentence(failure.value)
        with pytest.raises(WrongServer):
            server.connect()
        with pytest.raises(WrongServer):
            Server(other.endpoint(), expected=server.identity.uid)


def test_text_that_is_cut_within_a_character_is_read(endpoint: Endpoint, session: Connection) -> None:
    """SHOW PROCESSLIST keeps 100 bytes of a statement; here the hundredth is the first half of a character."""
    busy = Connection(endpoint)
    statement = f"SELECT 'x{'é' * 100}', SLEEP(20)"

    def run() -> None:
        with contextlib.suppress(ServerError):
            busy.run(statement)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def shown() -> str:
        rows = session.rows("SHOW PROCESSLIST")
        mine = (str(row[7]) for row in rows if int(row[0]) == busy.thread_id)
        # A session's settings are set by statements of its own just before.
        return next((text for text in mine if text.startswith("SELECT")), "")

    assert until(shown, "the statement is listed").startswith("SELECT 'xéé")
    session.run(f"KILL {busy.thread_id}")
    thread.join(10)
    assert not thread.is_alive()
