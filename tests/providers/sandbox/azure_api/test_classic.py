"""MySQL Database on Azure: the seven steps of the documented downgrade, with both endings."""

from __future__ import annotations

import pytest

from providers.azure import classic
from providers.azure.errors import NotFound, Refused
from providers.azure.operations import Outcome
from providers.mysql.errors import ServerError
from providers.sandbox.azure_api.faults import Ending, OperationFault
from providers.sandbox.azure_api.scenario import Scenario
from providers.sandbox.options import Positioning
from tests.providers.sandbox.azure_api.conftest import FAST, Simulate
from tests.support.sql import ask
from tests.support.waiting import until

CHINA = ("chinaeast", "chinaEast")


def test_a_subordinate_takes_over_and_gets_the_old_name(simulate: Simulate) -> None:
    scenario = Scenario(kind="classic", location="chinaeast", server="demo", sku="MP1", durations=FAST)
    one = simulate("mysql-5.6", scenario, ("mysql-5.6", "mysql-5.6"), Positioning.FILE)
    demo, temporary = one.here, one.place("mysqlmsserver")
    assert [(backup.name, backup.status) for backup in classic.backups(one.client, demo)] == [("daily", "Ready")]
    with pytest.raises(Refused, match="from MP1 to MS6 is not supported"):
        one.client.begin(classic.resize(demo, "MS6"))
    create = classic.create_replica(temporary, "chinaeast", demo, "chinaEast", "MS6", "5.6")
    one.simulator.faults.add_operation(OperationFault(Ending.SLOW, "classic:Create", seconds=0.3))
    running = one.client.begin(create)
    assert (running.result.state, running.look().outcome) == ("Creating", Outcome.UNDER_WAY)
    assert running.wait(60, 0.02).outcome is Outcome.DONE
    replica = classic.server(one.client, temporary)
    assert (replica.role, replica.sku, replica.source_id) == (classic.REPLICA, "MS6", "demo")
    user = one.endpoint(classic.server(one.client, demo).host)
    ask(user, "INSERT INTO shop.notes VALUES (0, 'mine')", "DELETE FROM shop.notes WHERE id = 0")
    with pytest.raises(ServerError, match="Access denied"):
        ask(user, "CREATE DATABASE replicadb")
    one.done(classic.create_database(demo, "replicadb"))
    until(lambda: "replicadb" in {db.name for db in classic.databases(one.client, temporary)}, "the signal database")
    with pytest.raises(ServerError):
        ask(one.app(replica.host), "INSERT INTO shop.notes VALUES (9, 'no')")
    one.simulator.access.control.promote("mysqlmsserver")
    until(lambda: classic.server(one.client, temporary).role != classic.REPLICA, "the portal's promotion")
    until(lambda: classic.server(one.client, temporary).state == "Succeeded", "the end of it")
    ask(one.app(replica.host), "INSERT INTO shop.notes VALUES (2, 'after')")
    one.done(classic.back_up(temporary, "manual1"))
    until(lambda: classic.backup(one.client, temporary, "manual1").status == classic.READY, "the manual backup")
    ask(one.app(replica.host), "INSERT INTO shop.notes VALUES (3, 'after the backup')")
    before = classic.server(one.client, demo)
    one.done(classic.delete_server(demo))
    with pytest.raises(NotFound):
        classic.server(one.client, demo)
    one.done(classic.restore(demo, "chinaeast", temporary, "chinaEast", "MS6", "5.6", "manual1"))
    after = classic.server(one.client, demo)
    assert (after.host, after.sku, after.state) == (before.host, "MS6", "Succeeded")
    assert ask(one.app(after.host), "SELECT id FROM shop.notes ORDER BY id") == ((1,), (2,))
    one.done(classic.delete_server(temporary))
    ask(one.app(after.host), "INSERT INTO shop.notes VALUES (4, 'on')")


def test_what_is_missing_or_fails_is_told(simulate: Simulate) -> None:
    scenario = Scenario(kind="classic", server="demo", sku="MP1", backups=False, durations=FAST)
    one = simulate("mysql-5.6", scenario, ("mysql-5.6",), Positioning.FILE)
    demo, new = one.here, one.place("new")
    assert classic.backups(one.client, demo) == ()
    with pytest.raises(Refused, match="BackupNotReady"):
        one.client.begin(classic.create_replica(new, *CHINA[:1], demo, "chinaEast", "MS6", "5.6"))
    one.done(classic.back_up(demo, "first"))
    until(lambda: classic.backup(one.client, demo, "first").status == classic.READY, "the backup")
    with pytest.raises(Refused, match="must be that of its master"):
        one.client.begin(classic.create_replica(new, "chinaeast", demo, "chinaEast", "MS6", "5.7"))
    one.simulator.faults.add_operation(OperationFault(Ending.FAIL, "classic:Create"))
    seen = one.do(classic.create_replica(new, "chinaeast", demo, "chinaEast", "MS6", "5.6"))
    assert (seen.outcome, seen.final) == (Outcome.NOT_DONE, True)
    one.done(classic.set_options(demo, {"wait_timeout": 70}))
    one.done(classic.resize(demo, "MP2"))
    one.done(classic.drop_database(demo, "shop"))
    one.client.begin(classic.allow_addresses(demo, "all", "0.0.0.0", "255.255.255.255"))
    assert "shop" not in {db.name for db in classic.databases(one.client, demo)}
