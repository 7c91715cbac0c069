"""Flexible and Single Server: the real servers do what the API says."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from providers.azure import datain, flexible, single
from providers.azure.datain import Following
from providers.azure.errors import Conflict, NotFound, Refused
from providers.azure.operations import Outcome
from providers.mysql.endpoint import Account, Secret, TlsMode
from providers.mysql.errors import PrivilegeMissing, ServerError, StatementFailed
from providers.mysql.position import FilePosition
from providers.mysql.server import Server
from providers.sandbox import engines, passwords
from providers.sandbox.azure_api.faults import Ending, OperationFault
from providers.sandbox.azure_api.scenario import Scenario
from providers.sandbox.launcher import SandboxServer
from tests.providers.sandbox.azure_api.conftest import FAST, Simulate
from tests.support.sql import ask
from tests.support.waiting import until

SIZE = ("Standard_D2ds_v4", "GeneralPurpose")
COUNT = "SELECT COUNT(*) FROM shop.notes"


def test_a_replica_is_promoted_and_the_old_name_restored(simulate: Simulate) -> None:
    one = simulate("mysql-5.7", spares=("mysql-5.7", "mysql-5.7"))
    here, new = one.here, one.place("new")
    one.done(flexible.create_replica(new, "Southeast Asia", here, SIZE))
    replica, source = flexible.server(one.client, new), flexible.server(one.client, here)
    assert (replica.role, replica.state, replica.sku, replica.replica_capacity) == ("Replica", "Ready", SIZE[0], 0)
    assert replica.source_id == source.id
    assert [found.name for found in flexible.replicas(one.client, here)] == ["new"]
    assert (source.host, one.simulator.access.port) == (one.simulator.access.host, one.app(source.host).port)
    one.done(flexible.create_database(here, "replicadb"))
    until(lambda: "replicadb" in {db.name for db in flexible.databases(one.client, new)}, "the signal database")
    with pytest.raises(ServerError, match="read-only"):
        ask(one.app(replica.host), "INSERT INTO shop.notes VALUES (9, 'no')")
    assert one.do(flexible.create_database(new, "elsewhere")).code == "OperationNotAllowed"
    one.done(flexible.promote_replica(new))
    assert flexible.server(one.client, new).source_id == ""
    # A promoted server can follow its old source on, so that a promotion need not be part of a write freeze.
    promoted = Server(replace(one.endpoint(replica.host), tls=TlsMode.DISABLED))
    try:
        account = passwords.load().replication
        datain.follow(promoted, Following(str(source.host), one.simulator.access.port, account, None))
        datain.start(promoted)
        ask(one.app(source.host), "INSERT INTO shop.notes VALUES (2, 'after')")
        until(lambda: promoted.rows(COUNT) == ((2,),), "what was written to the old source")
        datain.stop(promoted)
        datain.remove(promoted)
    finally:
        promoted.close()
    ask(one.app(replica.host), "DELETE FROM shop.notes WHERE id = 1")
    with pytest.raises(Refused, match="OperationNotAllowed"):
        one.client.begin(flexible.promote_replica(new))
    one.done(flexible.delete_server(here))
    assert not one.source.running
    with pytest.raises(NotFound, match=r"Microsoft.DBforMySQL/flexibleServers/source"):
        flexible.server(one.client, here)
    with pytest.raises(ServerError):
        ask(one.app(source.host), "SELECT 1")
    one.done(flexible.restore(here, "Southeast Asia", new, datetime.now(UTC), SIZE))
    again = flexible.server(one.client, here)
    assert (again.host, again.role) == (source.host, "None")
    assert ask(one.app(again.host), COUNT) == ((1,),)
    one.done(flexible.delete_server(new))
    ask(one.app(again.host), "INSERT INTO shop.notes VALUES (3, 'on')")


def test_a_single_server_is_treated_alike(simulate: Simulate) -> None:
    scenario = Scenario(kind="single", sku="GP_Gen5_4", durations=FAST)
    one = simulate("mysql-5.7", scenario, ("mysql-5.7",))
    here, new = one.here, one.place("new")
    one.done(single.create_replica(new, "Southeast Asia", here, "GP_Gen5_2"))
    replica = single.server(one.client, new)
    assert (replica.role, replica.sku, replica.storage_gb) == ("Replica", "GP_Gen5_2", 128)
    one.done(single.create_database(here, "replicadb"))
    until(lambda: "replicadb" in {db.name for db in single.databases(one.client, new)}, "the signal database")
    one.done(single.stop_replication(new))
    ask(one.app(replica.host), "INSERT INTO shop.notes VALUES (2, 'after')")
    one.done(single.drop_database(here, "replicadb"))
    one.done(single.allow_addresses(here, "all", "0.0.0.0", "255.255.255.255"))
    assert single.firewall_rules(one.client, here)[0].last == "255.255.255.255"
    one.done(single.forget_addresses(here, "all"))
    assert single.firewall_rules(one.client, here) == ()
    one.done(single.stop_server(here))
    assert (single.server(one.client, here).state, one.source.running) == ("Stopped", False)
    one.done(single.start_server(here))
    assert ask(one.app(single.server(one.client, here).host), COUNT) == ((1,),)
    one.done(single.set_configuration(here, "wait_timeout", "77"))
    assert single.configuration(one.client, here, "wait_timeout").value == "77"


def test_parameters_are_the_servers_own_and_refused_as_documented(simulate: Simulate) -> None:
    one = simulate("mysql-5.7")
    here, admin = one.here, one.endpoint(one.simulator.access.host)
    for statement in ("SET GLOBAL read_only = ON", "CHANGE MASTER TO MASTER_HOST = 'x'", "SET GLOBAL wait_timeout = 9"):
        with pytest.raises(PrivilegeMissing):
            ask(admin, statement)
    one.done(flexible.set_configuration(here, "read_only", "ON"))
    with pytest.raises(ServerError, match="read-only"):
        ask(admin, "INSERT INTO shop.notes VALUES (5, 'x')")
    one.done(flexible.set_configuration(here, "read_only", "off"))
    ask(admin, "INSERT INTO shop.notes VALUES (5, 'x')")
    found = {setting.name: setting for setting in flexible.configurations(one.client, here)}
    assert (found["read_only"].source, found["read_only"].value) == ("user-override", "OFF")
    assert (found["lower_case_table_names"].fixed, found["lower_case_table_names"].dynamic) == (True, False)
    with pytest.raises(Refused, match="read only"):
        one.client.begin(flexible.set_configuration(here, "lower_case_table_names", "2"))
    seen = one.do(flexible.set_configuration(here, "gtid_mode", "OFF"))
    assert (seen.outcome, seen.final, seen.code) == (Outcome.NOT_DONE, True, "ServerParameterUpdateFailed")
    assert "one step at a time" in seen.words
    one.done(flexible.set_configuration(here, "gtid_mode", "ON_PERMISSIVE"))
    one.done(flexible.resize(here, ("Standard_D8ds_v4", "GeneralPurpose"), 256))
    assert flexible.server(one.client, here).storage_gb == 256
    one.done(flexible.stop_server(here))
    with pytest.raises(Refused, match="is not ready"):
        one.client.begin(flexible.stop_server(here))
    one.done(flexible.start_server(here))
    assert len(flexible.backups(one.client, here)) == 1
    (zone,) = flexible.capabilities(one.client, one.here.subscription_id, "southeastasia")
    assert zone.sizes
    assert {size.version for size in zone.sizes} == {"5.7", "8.0.21"}


@pytest.mark.parametrize("engine", ["mysql-5.7", "mysql-9.7"])
def test_data_in_replication_by_the_services_procedures(engine: str, simulate: Simulate, tmp_path: object) -> None:
    one = simulate(engine, Scenario(durations=FAST))
    outside = SandboxServer(engines.find(engine), one.source.run_dir.parent / "outside", name="outside")
    try:
        outside.start()
        ask(outside.endpoint(), "CREATE DATABASE books", "CREATE TABLE books.b (i INT PRIMARY KEY)")
        account = passwords.load().replication
        target = Server(replace(one.endpoint(one.simulator.access.host), tls=TlsMode.DISABLED))
        other = Server(replace(outside.endpoint(), tls=TlsMode.DISABLED))
        try:
            assert datain.offered(target) == tuple(sorted(datain.PROCEDURES))
            for start in (None, other.end_of_log()):
                wanted = Following(outside.endpoint().host, outside.port, account, start)
                datain.follow(target, wanted)
                datain.start(target)
                until(lambda: datain.followed(target, other) is not None, "the channel")
                row = 1 if start is None else 2
                ask(outside.endpoint(), f"INSERT INTO books.b VALUES ({row})")
                until(lambda: row in {i for (i,) in copied(target)}, "what was written outside")  # noqa: B023
                datain.stop(target)
                datain.remove(target)
                assert target.replica_status() is None
            assert account.password.reveal() not in datain.shown(wanted)
        finally:
            target.close()
            other.close()
    finally:
        outside.destroy()


def copied(target: Server) -> tuple[tuple[object, ...], ...]:
    try:
        return target.rows("SELECT i FROM books.b")
    except StatementFailed:
        return ()


def test_with_high_availability_data_in_replication_goes_by_gtid_only(simulate: Simulate) -> None:
    one = simulate("mysql-5.7", Scenario(high_availability=True, durations=FAST))
    target = Server(replace(one.endpoint(one.simulator.access.host), tls=TlsMode.DISABLED))
    try:
        assert datain.offered(target) == tuple(sorted(set(datain.PROCEDURES) - {datain.CHANGE}))
        account = Account("repl", Secret("the password's secret"))
        with pytest.raises(StatementFailed, match="turn that off or GTIDs on") as caught:
            datain.follow(target, Following("old.example.net", 3306, account, FilePosition("log.1", 4), "PEM"))
        assert "az_replication_change_master(" in str(caught.value)
        assert account.password.reveal() not in str(caught.value)
        assert account.password.reveal().encode().hex() not in str(caught.value)
        one.done(flexible.set_high_availability(one.here, "Disabled"))
        assert len(datain.offered(target)) == 5
    finally:
        target.close()


def test_a_replica_has_its_sources_settings_and_takes_no_accounts_from_elsewhere(simulate: Simulate) -> None:
    one = simulate("mysql-5.7", spares=("mysql-5.7",))
    here, new = one.here, one.place("new")
    one.done(flexible.set_configuration(here, "init_connect", "SET @here = 1"))
    one.done(flexible.set_configuration(here, "binlog_expire_logs_seconds", "172800"))
    one.done(flexible.create_replica(new, "Southeast Asia", here, SIZE))
    for name, value in (("init_connect", "SET @here = 1"), ("binlog_expire_logs_seconds", "172800")):
        assert flexible.configuration(one.client, new, name).value == value
    for name in ("read_only", "event_scheduler"):
        with pytest.raises(Refused, match="cannot be changed on a replica"):
            one.client.begin(flexible.set_configuration(new, name, "OFF"))
    running = one.client.begin(flexible.set_configuration(new, "init_connect", "SET @new = 1"))
    with pytest.raises(Conflict, match="ServerIsBusy"):
        one.client.begin(flexible.set_configuration(new, "init_connect", ""))
    assert running.wait(60, 0.02).outcome is Outcome.DONE
    one.done(flexible.promote_replica(new))
    promoted, source = (
        Server(one.endpoint(flexible.server(one.client, new).host)),
        Server(one.endpoint(one.simulator.access.host)),
    )
    with contextlib.closing(promoted), contextlib.closing(source):
        datain.follow(
            promoted, Following(source.endpoint.host, source.endpoint.port, passwords.load().replication, None)
        )
        datain.start(promoted)
        source.change("CREATE USER later@'%%' IDENTIFIED BY 'Geheim-77'", shown="CREATE USER later")
        source.change("INSERT INTO shop.notes VALUES (7, 'later')")
        assert promoted.wait_for(source.gtid_end(), 20)
        assert promoted.rows("SELECT note FROM shop.notes WHERE id = 7")
        assert not promoted.rows("SELECT 1 FROM mysql.user WHERE user = 'later'")
        datain.stop(promoted)
        datain.remove(promoted)


def test_an_empty_server_is_made_and_a_name_is_taken_once(simulate: Simulate) -> None:
    one = simulate("mysql-5.7", spares=("mysql-5.7",))
    account = Account("boss", passwords.load().application.password)
    made = flexible.create_server(one.place("target"), "Southeast Asia", account, "5.7", SIZE, 64)
    one.simulator.access.control.add_operation(OperationFault(Ending.SLOW, "flexible:Servers_Create", seconds=0.5))
    running = one.client.begin(made)
    with pytest.raises(Conflict, match="ServerIsBusy"):
        one.client.begin(made)
    assert running.wait(60, 0.02).outcome is Outcome.DONE
    found = flexible.server(one.client, one.place("target"))
    assert ask(one.endpoint(found.host, account), "SELECT 1") == ((1,),)
    with pytest.raises(Conflict, match="ServerNameAlreadyExists"):
        one.client.begin(made)
    more = flexible.create_server(one.place("third"), "Southeast Asia", account, "5.7", SIZE, 64)
    with pytest.raises(Refused, match="choose another tier or region"):
        one.client.begin(more)
