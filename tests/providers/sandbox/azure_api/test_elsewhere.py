"""A server outside the subscription is migrated to a Flexible Server of another version."""

from __future__ import annotations

from providers.azure import datamigration, flexible, tasks
from providers.azure.tasks import Connection, Selection
from providers.mysql.endpoint import Account
from providers.sandbox import passwords
from providers.sandbox.azure_api.scenario import Scenario
from tests.providers.sandbox.azure_api.conftest import FAST, Simulate
from tests.support.sql import ask
from tests.support.waiting import until


def test_a_server_elsewhere_is_copied_into_a_newer_one(simulate: Simulate) -> None:
    one = simulate("mysql-5.7", Scenario(kind="elsewhere", migration_service="running", durations=FAST), ("mysql-9.7",))
    access, service = one.simulator.access, one.place("dms")
    assert flexible.servers(one.client, access.subscription_id, access.resource_group) == ()
    boss = Account("boss", passwords.load().application.password)
    size = ("Standard_D2ds_v4", "GeneralPurpose")
    one.done(flexible.create_server(one.place("target"), "Southeast Asia", boss, "8.0.21", size, 64))
    host = flexible.server(one.client, one.place("target")).host
    source = Connection(access.host, access.port, access.administrator)
    target = Connection(str(host), access.port, boss)
    one.done(datamigration.create_project(service, "move", "Southeast Asia"))
    ask(one.app(access.host), "INSERT INTO shop.notes VALUES (2, 'through its host')")
    copy = tasks.migrate_offline(source, target, [Selection("shop", ("notes",))], close_source=False)
    one.done(datamigration.create_task(service, "move", "copy", copy))
    until(lambda: datamigration.task(one.client, service, "move", "copy").state == "Succeeded", "the copy", 60, 0.02)
    assert ask(one.endpoint(host, boss), "SELECT id FROM shop.notes ORDER BY id") == ((1,), (2,))
