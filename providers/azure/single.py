"""Azure Database for MySQL, Single Server, 2017-12-01; retired since 2024-09-16.

Functions that read take a client; those that change something return a `Write`, which the client begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from providers.azure import records
from providers.azure.actions import SINGLE
from providers.azure.calls import Body, Write
from providers.azure.dbformysql import Service
from providers.azure.places import Place
from providers.azure.records import Server, stamp, when
from providers.calling.answer import Answer

_MB = 1024


def _server(answer: Answer) -> Server:
    megabytes = answer.number("properties", "storageProfile", "storageMB")
    return Server(
        id=answer.text("id"),
        name=answer.text("name"),
        location=answer.text("location"),
        sku=answer.text("sku", "name"),
        tier=answer.text("sku", "tier"),
        version=answer.text("properties", "version"),
        state=answer.text("properties", "userVisibleState"),
        host=answer.text("properties", "fullyQualifiedDomainName"),
        administrator=answer.text("properties", "administratorLogin"),
        role=answer.text("properties", "replicationRole"),
        source_id=answer.text("properties", "masterServerId"),
        replica_capacity=answer.number("properties", "replicaCapacity"),
        storage_gb=None if megabytes is None else megabytes // _MB,
        iops=None,
        auto_grow=answer.flag("properties", "storageProfile", "storageAutogrow"),
        backup_days=answer.number("properties", "storageProfile", "backupRetentionDays"),
        geo_backup=answer.flag("properties", "storageProfile", "geoRedundantBackup"),
        earliest_restore=when(answer, "properties", "earliestRestoreDate"),
        ha_mode=None,
        ha_state=None,
        public_access=answer.flag("properties", "publicNetworkAccess"),
        zone=None,
    )


_SERVICE = Service(
    SINGLE,
    kind="servers",
    state="properties.userVisibleState",
    settled=("Ready", "Stopped", "Disabled", "Inaccessible"),
    failed=("Disabled", "Inaccessible"),
    read=_server,
    configure="Configurations_CreateOrUpdate",
    charset="utf8",
)
resource_id, server, servers, replicas = _SERVICE.resource_id, _SERVICE.server, _SERVICE.servers, _SERVICE.replicas
database, databases = _SERVICE.database, _SERVICE.databases
configuration, configurations = _SERVICE.configuration, _SERVICE.configurations
firewall_rule, firewall_rules = _SERVICE.firewall_rule, _SERVICE.firewall_rules
delete_server, create_database, drop_database = _SERVICE.delete_server, _SERVICE.create_database, _SERVICE.drop_database
set_configuration, allow_addresses = _SERVICE.set_configuration, _SERVICE.allow_addresses
forget_addresses, stop_replication = _SERVICE.forget_addresses, _SERVICE.end_replication


def login(place: Place, user: str) -> str:
    """The name with which a user of a server logs in."""
    return f"{user}@{place.name}"


def create_replica(place: Place, location: str, source: Place, sku: str | None = None) -> Write[Server]:
    """A replica of a server, of the source's size where no `sku`, such as GP_Gen5_2, is given."""
    content = {"createMode": "Replica", "sourceServerId": resource_id(source)}
    wanted = {"properties.replicationRole": records.REPLICA, "properties.masterServerId": resource_id(source)}
    return _SERVICE.create(place, location, content, _sku(sku), wanted)


def restore(place: Place, location: str, source: Place, moment: datetime, sku: str | None = None) -> Write[Server]:
    """A new server with the content that `source` had at a moment."""
    content = {
        "createMode": "PointInTimeRestore",
        "sourceServerId": resource_id(source),
        "restorePointInTime": stamp(moment),
    }
    return _SERVICE.create(place, location, content, _sku(sku), {})


def resize(place: Place, sku: str | None = None, storage_gb: int | None = None) -> Write[Server]:
    """Another size; storage can only grow. What is None stays as it is."""
    storage = None if storage_gb is None else storage_gb * _MB
    change: Body = {
        "sku": _sku(sku),
        "properties": {"storageProfile": {"storageMB": storage}},
    }
    wanted = {"sku.name": sku, "properties.storageProfile.storageMB": storage}
    return _SERVICE.change("Servers_Update", place, change, {k: str(v) for k, v in wanted.items() if v is not None})


def start_server(place: Place) -> Write[Server]:
    """Start a stopped server (2020-01-01)."""
    return _SERVICE.change("Servers_Start", place, None, {})


def stop_server(place: Place) -> Write[Server]:
    """Stop a server (2020-01-01); it starts by itself after 7 days."""
    return _SERVICE.change("Servers_Stop", place, None, {}, ready="Stopped")


def _sku(sku: str | None) -> Mapping[str, str] | None:
    return {"name": sku} if sku else None
