from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pymysql
import pytest

from providers.sandbox import engines, passwords, ports
from providers.sandbox.catalogue import DEFAULT_ENGINES
from providers.sandbox.engines import EngineMissing
from providers.sandbox.launcher import SandboxServer, ServerFailed
from providers.sandbox.options import Positioning
from tests.providers.sandbox.asking import ask
from tests.support.waiting import until

Launch = Callable[..., SandboxServer]


@pytest.fixture
def launch(engine_names: tuple[str, ...], tmp_path: Path) -> Iterator[Launch]:
    started: list[SandboxServer] = []

    def start(name: str, positioning: Positioning = Positioning.GTID, **options: str) -> SandboxServer:
        number = len(started)
        server = SandboxServer(
            engines.find(name),
            tmp_path / f"server{number}",
            name=f"server{number}",
            positioning=positioning,
            options=options,
        )
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.destroy()


@pytest.fixture(scope="module", params=DEFAULT_ENGINES)
def server(
    request: pytest.FixtureRequest, engine_names: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SandboxServer]:
    """One server an engine, which the tests that change nothing share."""
    one = SandboxServer(engines.find(request.param), tmp_path_factory.mktemp("shared") / "run", name="shared")
    one.start()
    yield one
    one.destroy()


def value(server: SandboxServer, expression: str) -> str:
    return str(ask(server.endpoint(), f"SELECT {expression}")[0][0])


def test_a_server_survives_its_process_and_is_ready_to_replicate(server: SandboxServer) -> None:
    name = server.engine.name
    series = name.split("-")[1]
    assert value(server, "@@version").startswith(series)
    assert value(server, "CONCAT_WS(' ', @@innodb_flush_log_at_trx_commit, @@sync_binlog, @@log_bin + 0)") == "2 0 1"
    assert value(server, "@@binlog_format") == "ROW"
    assert value(server, "@@bind_address") == "127.0.0.1"
    assert value(server, "@@relay_log_recovery") == "1"
    assert value(server, "@@log_slave_updates" if not name.endswith("9.7") else "@@log_replica_updates") == "1"
    assert value(server, "@@slave_net_timeout" if not name.endswith("9.7") else "@@replica_net_timeout") == "4"
    assert value(server, "@@collation_server") == "utf8mb4_general_ci"
    gtid = ("@@gtid_strict_mode", "1") if name.startswith("mariadb") else ("@@gtid_mode", "ON")
    assert value(server, gtid[0]) == gtid[1]


def test_a_killed_server_keeps_its_data_and_identity(server: SandboxServer) -> None:
    identity = [server.port, server.server_id, value(server, "@@server_id")]
    ask(
        server.endpoint(),
        "CREATE DATABASE kept",
        "CREATE TABLE kept.t (id INT PRIMARY KEY)",
        "INSERT INTO kept.t VALUES (1)",
    )
    server.kill()
    assert server.pid is None
    server.start()
    assert value(server, "COUNT(*) FROM kept.t") == "1"
    assert [server.port, server.server_id, value(server, "@@server_id")] == identity


def test_file_positioning_turns_transaction_identifiers_off(launch: Launch) -> None:
    assert value(launch("mysql-5.6", Positioning.FILE), "@@gtid_mode") == "OFF"


@pytest.mark.parametrize("name", ["mysql-5.7", "mariadb-10.11"])
def test_two_servers_of_one_engine_are_different_servers(name: str, launch: Launch) -> None:
    one, other = launch(name), launch(name)
    assert one.port != other.port
    assert value(one, "@@server_id") != value(other, "@@server_id")
    if name.startswith("mysql"):
        assert value(one, "@@server_uuid") != value(other, "@@server_uuid")
    assert value(one, "@@datadir") != value(other, "@@datadir")


def test_the_accounts_can_do_what_they_are_for_and_no_more(server: SandboxServer) -> None:
    name = server.engine.name
    accounts = passwords.load()
    app = server.endpoint(accounts.application)
    ask(app, "CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY)", "INSERT INTO shop.t VALUES (1)")
    for forbidden in ("SET GLOBAL read_only = 1", "CREATE DATABASE elsewhere", "SELECT * FROM mysql.user"):
        with pytest.raises(pymysql.err.Error):
            ask(app, forbidden)
    ask(server.endpoint(), "SET GLOBAL read_only = 1")
    with pytest.raises(pymysql.err.Error) as caught:
        ask(app, "INSERT INTO shop.t VALUES (2)")
    assert caught.value.args[0] == 1290
    ask(server.endpoint(), "SET GLOBAL read_only = 0")
    repl = server.endpoint(accounts.replication)
    ask(repl, "SHOW BINARY LOG STATUS" if name == "mysql-9.7" else "SHOW MASTER STATUS")
    with pytest.raises(pymysql.err.Error):
        ask(repl, "SELECT * FROM shop.t")
    people = {row[0] for row in ask(server.endpoint(), "SELECT User FROM mysql.user")}
    expected = {"cutover", "repl", "app"} | ({"repl_old"} if name == "mysql-9.7" else set())
    assert people - {"mysql.sys", "mysql.session", "mysql.infoschema", "mariadb.sys"} == expected
    with pytest.raises(pymysql.err.Error):
        ask(replace(server.endpoint(), account=replace(accounts.administrator, user="root")), "SELECT 1")


def test_a_new_server_tells_about_replication_in_every_way(launch: Launch) -> None:
    server = launch("mysql-9.7", Positioning.FILE)
    assert value(server, "@@gtid_mode") == "OFF"
    ask(server.endpoint(), "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=1, SOURCE_USER='x'")
    assert len(ask(server.endpoint(), "SHOW REPLICA STATUS")) == 1
    assert len(ask(server.endpoint(), "SELECT * FROM performance_schema.replication_connection_configuration")) == 1
    assert len(ask(server.endpoint(), "SELECT * FROM performance_schema.replication_applier_status")) == 1
    assert "binlog" in value(server, "local FROM performance_schema.log_status")
    assert value(server, "@@replica_preserve_commit_order") == "1"
    assert value(server, "@@default_collation_for_utf8mb4") == "utf8mb4_general_ci"


def test_a_new_server_and_an_old_one_replicate_there_and_back(launch: Launch) -> None:
    old, new = launch("mysql-5.6"), launch("mysql-9.7")
    accounts = passwords.load()
    ask(
        new.endpoint(),
        f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={old.port}, SOURCE_USER='repl', "
        f"SOURCE_PASSWORD='{accounts.replication.password.reveal()}', SOURCE_SSL=0, SOURCE_AUTO_POSITION=1",
        "START REPLICA",
    )
    ask(old.endpoint(), "CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY, name VARCHAR(20))")
    ask(
        old.endpoint(),
        f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={new.port}, MASTER_USER='repl_old', "
        "MASTER_PASSWORD='', MASTER_AUTO_POSITION=1",
        "START SLAVE",
    )
    until(lambda: ask(new.endpoint(), "SHOW TABLES FROM shop") if _has_shop(new) else (), "the table on the new server")
    ask(new.endpoint(accounts.application), "INSERT INTO shop.t VALUES (1, 'née ✓')")
    rows = until(lambda: ask(old.endpoint(), "SELECT name FROM shop.t"), "the row on the old server")
    assert rows == (("née ✓",),)


def _has_shop(server: SandboxServer) -> bool:
    return bool(ask(server.endpoint(), "SHOW DATABASES LIKE 'shop'"))


def test_a_clean_stop_is_clean_and_frees_nothing(launch: Launch) -> None:
    server = launch("mariadb-10.11")
    port, pid = server.port, server.pid
    assert pid is not None
    server.stop()
    assert not os.path.exists(f"/proc/{pid}")
    assert "Shutdown complete" in server.log.read_text()
    server.start()
    assert server.port == port
    server.destroy()
    assert not server.run_dir.exists()


def test_a_suspended_server_can_be_stopped(launch: Launch) -> None:
    server = launch("mariadb-10.11")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    server.stop()
    assert not server.running


def test_a_server_that_cannot_start_is_one_sentence_with_its_own_words(launch: Launch) -> None:
    with pytest.raises(
        ServerFailed, match=r"server0 ended with code \d+ while starting \(.*unknown variable 'nonsense=1'"
    ) as caught:
        launch("mariadb-10.11", nonsense="1")
    assert "\n" not in str(caught.value)


def test_a_missing_engine_is_named_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTOVER_CACHE", str(tmp_path))
    server = SandboxServer(engines.find("mysql-5.6"), tmp_path / "run", name="source")
    with pytest.raises(EngineMissing, match=r"mysql-5\.6 is not installed: run `cutover engines install mysql-5\.6`\."):
        server.start()


def test_a_port_is_not_given_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTOVER_CACHE", str(tmp_path))
    monkeypatch.setattr(ports, "_LAST", ports._FIRST + 3)
    with ports.reserve() as one, ports.reserve() as two, ports.reserve() as three, ports.reserve() as four:
        assert len({one.number, two.number, three.number, four.number}) == 4
        with pytest.raises(ports.NoFreePort):
            ports.reserve()
    assert list((tmp_path / "ports").iterdir()) == []
