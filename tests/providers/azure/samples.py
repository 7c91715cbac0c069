"""One use of every function that makes a call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from providers.azure import classic, datamigration, flexible, single, tasks
from providers.azure.calls import Write
from providers.azure.client import Client
from providers.azure.places import Place
from providers.mysql.endpoint import Account, Secret

SUBSCRIPTION = "ffffffff-ffff-ffff-ffff-ffffffffffff"
PASSWORD = 'S3cret"pass/word&1'
HERE = Place(SUBSCRIPTION, "testrg", "one")
SOURCE = Place(SUBSCRIPTION, "otherrg", "source")
SERVICE = Place(SUBSCRIPTION, "testrg", "dms")
ACCOUNT = Account("cloudsa", Secret(PASSWORD))
MOMENT = datetime(2021, 6, 24, 0, 0, 37, 467000, UTC)
FROM = tasks.Connection("old.example.net", 3306, ACCOUNT)
TO = tasks.Connection("new.mysql.database.azure.com", 3306, ACCOUNT)
SHOP = tasks.Selection("shop", ("orders", "notes"))
TUNED = tasks.Selection("books", ("lent",), settings={"fullLoadSubTasks": "5"})
SIZE = ("Standard_D2ds_v4", "GeneralPurpose")

PROPERTIES = {
    "connect_to_source": tasks.connect_to_source(FROM, offline=False),
    "connect_to_target": tasks.connect_to_target(FROM, TO, offline=True),
    "get_tables": tasks.get_tables(FROM, ["shop", "books"]),
    "migrate_offline": tasks.migrate_offline(FROM, TO, [SHOP], close_source=True, agent={"MaxBatchSizeKb": "1024"}),
    "migrate_online": tasks.migrate_online(FROM, TO, [SHOP, TUNED]),
}

READS: dict[str, Callable[[Client], Any]] = {
    "flexible.server": lambda c: flexible.server(c, HERE),
    "flexible.servers": lambda c: flexible.servers(c, SUBSCRIPTION, "testrg"),
    "flexible.replicas": lambda c: flexible.replicas(c, HERE),
    "flexible.backups": lambda c: flexible.backups(c, HERE),
    "flexible.database": lambda c: flexible.database(c, HERE, "db1"),
    "flexible.databases": lambda c: flexible.databases(c, HERE),
    "flexible.configuration": lambda c: flexible.configuration(c, HERE, "event_scheduler"),
    "flexible.configurations": lambda c: flexible.configurations(c, HERE),
    "flexible.firewall_rule": lambda c: flexible.firewall_rule(c, HERE, "rule1"),
    "flexible.firewall_rules": lambda c: flexible.firewall_rules(c, HERE),
    "flexible.capabilities": lambda c: flexible.capabilities(c, SUBSCRIPTION, "WestUS"),
    "single.server": lambda c: single.server(c, HERE),
    "single.servers": lambda c: single.servers(c, SUBSCRIPTION, "testrg"),
    "single.replicas": lambda c: single.replicas(c, HERE),
    "single.database": lambda c: single.database(c, HERE, "db1"),
    "single.databases": lambda c: single.databases(c, HERE),
    "single.configuration": lambda c: single.configuration(c, HERE, "event_scheduler"),
    "single.configurations": lambda c: single.configurations(c, HERE),
    "single.firewall_rule": lambda c: single.firewall_rule(c, HERE, "rule1"),
    "single.firewall_rules": lambda c: single.firewall_rules(c, HERE),
    "classic.server": lambda c: classic.server(c, HERE),
    "classic.backup": lambda c: classic.backup(c, HERE, "daily"),
    "classic.backups": lambda c: classic.backups(c, HERE),
    "classic.database": lambda c: classic.database(c, HERE, "replicadb"),
    "classic.databases": lambda c: classic.databases(c, HERE),
    "datamigration.service": lambda c: datamigration.service(c, SERVICE),
    "datamigration.services": lambda c: datamigration.services(c, SUBSCRIPTION, "testrg"),
    "datamigration.service_status": lambda c: datamigration.service_status(c, SERVICE),
    "datamigration.service_skus": lambda c: datamigration.service_skus(c, SERVICE),
    "datamigration.skus": lambda c: datamigration.skus(c, SUBSCRIPTION),
    "datamigration.project": lambda c: datamigration.project(c, SERVICE, "p1"),
    "datamigration.task": lambda c: datamigration.task(c, SERVICE, "p1", "t1"),
    "datamigration.list_tasks": lambda c: datamigration.list_tasks(c, SERVICE, "p1"),
}

WRITES: dict[str, Write[Any]] = {
    "flexible.create_server": flexible.create_server(HERE, "SoutheastAsia", ACCOUNT, "5.7", SIZE, 20),
    "flexible.create_replica": flexible.create_replica(HERE, "SoutheastAsia", SOURCE),
    "flexible.restore": flexible.restore(HERE, "SoutheastAsia", SOURCE, MOMENT, SIZE),
    "flexible.promote_replica": flexible.promote_replica(HERE),
    "flexible.resize": flexible.resize(HERE, SIZE, 30, 600),
    "flexible.set_high_availability": flexible.set_high_availability(HERE, "Disabled"),
    "flexible.start_server": flexible.start_server(HERE),
    "flexible.stop_server": flexible.stop_server(HERE),
    "flexible.delete_server": flexible.delete_server(HERE),
    "flexible.create_database": flexible.create_database(HERE, "db1", "utf8", "utf8_general_ci"),
    "flexible.drop_database": flexible.drop_database(HERE, "db1"),
    "flexible.set_configuration": flexible.set_configuration(HERE, "event_scheduler", "on"),
    "flexible.allow_addresses": flexible.allow_addresses(HERE, "rule1", "0.0.0.0", "255.255.255.255"),
    "flexible.forget_addresses": flexible.forget_addresses(HERE, "rule1"),
    "single.create_replica": single.create_replica(HERE, "westus", SOURCE),
    "single.restore": single.restore(HERE, "westus", SOURCE, MOMENT, "GP_Gen5_2"),
    "single.stop_replication": single.stop_replication(HERE),
    "single.resize": single.resize(HERE, "GP_Gen5_4", 128),
    "single.start_server": single.start_server(HERE),
    "single.stop_server": single.stop_server(HERE),
    "single.delete_server": single.delete_server(HERE),
    "single.create_database": single.create_database(HERE, "db1"),
    "single.drop_database": single.drop_database(HERE, "db1"),
    "single.set_configuration": single.set_configuration(HERE, "event_scheduler", "off"),
    "single.allow_addresses": single.allow_addresses(HERE, "rule1", "0.0.0.0", "255.255.255.255"),
    "single.forget_addresses": single.forget_addresses(HERE, "rule1"),
    "classic.create_replica": classic.create_replica(HERE, "chinaeast", SOURCE, "chinaEast", "MS6", "5.6"),
    "classic.restore": classic.restore(HERE, "chinaeast", SOURCE, "chinaEast", "MS6", "5.6", "manual1", MOMENT),
    "classic.resize": classic.resize(HERE, "MS4"),
    "classic.set_options": classic.set_options(HERE, {"wait_timeout": 70}),
    "classic.back_up": classic.back_up(HERE, "manual1"),
    "classic.create_database": classic.create_database(HERE, "replicadb"),
    "classic.drop_database": classic.drop_database(HERE, "replicadb"),
    "classic.allow_addresses": classic.allow_addresses(HERE, "rule1", "0.0.0.0", "255.255.255.255"),
    "classic.delete_server": classic.delete_server(HERE),
    "datamigration.create_service": datamigration.create_service(SERVICE, "centralus", "Premium_4vCores", "/subnets/a"),
    "datamigration.start_service": datamigration.start_service(SERVICE),
    "datamigration.stop_service": datamigration.stop_service(SERVICE),
    "datamigration.delete_service": datamigration.delete_service(SERVICE),
    "datamigration.create_project": datamigration.create_project(SERVICE, "p1", "centralus"),
    "datamigration.delete_project": datamigration.delete_project(SERVICE, "p1"),
    "datamigration.create_task": datamigration.create_task(SERVICE, "p1", "t1", PROPERTIES["migrate_online"]),
    "datamigration.complete_database": datamigration.complete_database(SERVICE, "p1", "t1", "shop"),
    "datamigration.cancel_task": datamigration.cancel_task(SERVICE, "p1", "t1"),
    "datamigration.delete_task": datamigration.delete_task(SERVICE, "p1", "t1"),
}

SAMPLES = {**READS, **WRITES}


def use(client: Client, name: str) -> Any:
    """What a sample gives: the result of a read, or what the answer to a write was parsed to."""
    return READS[name](client) if name in READS else client.begin(WRITES[name]).result
