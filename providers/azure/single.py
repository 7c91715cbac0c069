"""Azure Database for MySQL, Single Server, 2017-12-01; retired since 2024-09-16.

Functions that read take a client; those that change something return a `Write`, which the client begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from providers.aliyun.answer import Answer
from providers.azure import records
from providers.azure.actions import SINGLE
from providers.azure.calls import Body, Goal, Write, call, nothing
from providers.azure.client import Client
from providers.azure.places import Place
from providers.azure.records import Configuration, Database, FirewallRule, Server, stamp, when

KIND = "servers"
_STATE = "properties.userVisibleState"
_SETTLED = ("Ready", "Stopped", "Disabled", "Inaccessible")
_FAILED = ("Disabled", "Inaccessible")
_MB = 1024


def resource_id(place: Place) -> str:
    """The id by which a replica names its source."""
    return place.resource_id(SINGLE, KIND)


def login(place: Place, user: str) -> str:
    """The name with which a user of a server logs in."""
    return f"{user}@{place.name}"


def server(client: Client, place: Place) -> Server:
    """One server as it is now.

    Raises:
        NotFound: there is none of this name.
    """
    return _server(client.read(call(SINGLE, "Servers_Get", f"server {place}", place.server())))


def servers(client: Client, subscription_id: str, resource_group: str) -> tuple[Server, ...]:
    """The servers of a resource group."""
    path = {"subscriptionId": subscription_id, "resourceGroupName": resource_group}
    listed = client.items(call(SINGLE, "Servers_ListByResourceGroup", f"resource group {resource_group}", path))
    return tuple(map(_server, listed))


def replicas(client: Client, place: Place) -> tuple[Server, ...]:
    """The replicas that follow a server."""
    return tuple(map(_server, _list(client, "Replicas_ListByServer", place)))


def databases(client: Client, place: Place) -> tuple[Database, ...]:
    """The databases of a server, its own among them."""
    return tuple(map(records.database, _list(client, "Databases_ListByServer", place)))


def database(client: Client, place: Place, name: str) -> Database:
    """One database.

    Raises:
        NotFound: there is none of this name.
    """
    path = place.server(databaseName=name)
    return records.database(client.read(call(SINGLE, "Databases_Get", f"database {name} of {place}", path)))


def configurations(client: Client, place: Place) -> tuple[Configuration, ...]:
    """All parameters of a server."""
    return tuple(map(records.configuration, _list(client, "Configurations_ListByServer", place)))


def configuration(client: Client, place: Place, name: str) -> Configuration:
    """One parameter of a server.

    Raises:
        NotFound: this service has none of this name.
    """
    path = place.server(configurationName=name)
    return records.configuration(client.read(call(SINGLE, "Configurations_Get", f"{name} of {place}", path)))


def firewall_rules(client: Client, place: Place) -> tuple[FirewallRule, ...]:
    """Who may connect over public addresses."""
    return tuple(map(records.firewall_rule, _list(client, "FirewallRules_ListByServer", place)))


def firewall_rule(client: Client, place: Place, name: str) -> FirewallRule:
    """One firewall rule.

    Raises:
        NotFound: there is none of this name.
    """
    path = place.server(firewallRuleName=name)
    return records.firewall_rule(client.read(call(SINGLE, "FirewallRules_Get", f"rule {name} of {place}", path)))


def create_replica(place: Place, location: str, source: Place, sku: str | None = None) -> Write[Server]:
    """A replica of a server, of the source's size where no `sku`, such as GP_Gen5_2, is given."""
    content = {"createMode": "Replica", "sourceServerId": resource_id(source)}
    wanted = {"properties.replicationRole": records.REPLICA, "properties.masterServerId": resource_id(source)}
    return _create(place, location, content, sku, wanted)


def restore(place: Place, location: str, source: Place, moment: datetime, sku: str | None = None) -> Write[Server]:
    """A new server with the content that `source` had at a moment."""
    content = {
        "createMode": "PointInTimeRestore",
        "sourceServerId": resource_id(source),
        "restorePointInTime": stamp(moment),
    }
    return _create(place, location, content, sku, {})


def stop_replication(place: Place) -> Write[Server]:
    """Make a replica a server of its own, which takes writes. It cannot be undone."""
    change = records.properties({"replicationRole": records.NO_ROLE})
    return _change("Servers_Update", place, change, {"properties.replicationRole": records.NO_ROLE})


def resize(place: Place, sku: str | None = None, storage_gb: int | None = None) -> Write[Server]:
    """Another size; storage can only grow. What is None stays as it is."""
    storage = None if storage_gb is None else storage_gb * _MB
    change: Body = {
        "sku": {"name": sku} if sku else None,
        "properties": {"storageProfile": {"storageMB": storage}},
    }
    wanted = {"sku.name": sku, "properties.storageProfile.storageMB": storage}
    return _change("Servers_Update", place, change, {k: str(v) for k, v in wanted.items() if v is not None})


def start_server(place: Place) -> Write[Server]:
    """Start a stopped server (2020-01-01)."""
    return _change("Servers_Start", place, None, {})


def stop_server(place: Place) -> Write[Server]:
    """Stop a server (2020-01-01); it starts by itself after 7 days."""
    return _change("Servers_Stop", place, None, {}, ready="Stopped")


def delete_server(place: Place) -> Write[None]:
    """Delete a server with its data and backups. Its replicas become servers of their own."""
    goal = Goal(SINGLE.name, "Servers_Get", place.server(), state=_STATE, settled=_SETTLED, gone=True)
    return Write(call(SINGLE, "Servers_Delete", f"server {place}", place.server()), nothing, goal)


def create_database(
    place: Place, name: str, charset: str | None = None, collation: str | None = None
) -> Write[Database]:
    """A database, empty; one that is there stays as it is."""
    path = place.server(databaseName=name)
    body = {"properties": {"charset": charset or "utf8", "collation": collation}}
    request = call(SINGLE, "Databases_CreateOrUpdate", f"database {name} of {place}", path, body)
    return Write(request, records.database, Goal(SINGLE.name, "Databases_Get", path))


def drop_database(place: Place, name: str) -> Write[None]:
    """Drop a database with everything in it."""
    path = place.server(databaseName=name)
    request = call(SINGLE, "Databases_Delete", f"database {name} of {place}", path)
    return Write(request, nothing, Goal(SINGLE.name, "Databases_Get", path, gone=True))


def set_configuration(place: Place, name: str, value: str) -> Write[Configuration]:
    """Set a parameter. One that is not dynamic takes effect with the next restart only."""
    path = place.server(configurationName=name)
    body = records.properties({"value": value, "source": "user-override"})
    request = call(SINGLE, "Configurations_CreateOrUpdate", f"{name} of {place}", path, body)
    goal = Goal(SINGLE.name, "Configurations_Get", path, {"properties.value": value})
    return Write(request, records.configuration, goal)


def allow_addresses(place: Place, rule: str, first: str, last: str) -> Write[FirewallRule]:
    """Let addresses connect; a rule of this name is replaced."""
    path = place.server(firewallRuleName=rule)
    body = records.properties({"startIpAddress": first, "endIpAddress": last})
    request = call(SINGLE, "FirewallRules_CreateOrUpdate", f"rule {rule} of {place}", path, body)
    fields = {"properties.startIpAddress": first, "properties.endIpAddress": last}
    return Write(request, records.firewall_rule, Goal(SINGLE.name, "FirewallRules_Get", path, fields))


def forget_addresses(place: Place, rule: str) -> Write[None]:
    """Delete a firewall rule."""
    path = place.server(firewallRuleName=rule)
    request = call(SINGLE, "FirewallRules_Delete", f"rule {rule} of {place}", path)
    return Write(request, nothing, Goal(SINGLE.name, "FirewallRules_Get", path, gone=True))


def _list(client: Client, action: str, place: Place) -> tuple[Answer, ...]:
    return client.items(call(SINGLE, action, f"server {place}", place.server()))


def _create(place: Place, location: str, content: Body, sku: str | None, wanted: Mapping[str, str]) -> Write[Server]:
    body: Body = {"location": location, "sku": {"name": sku} if sku else None, "properties": content}
    if sku:
        wanted = {**wanted, "sku.name": sku}
    return _change("Servers_Create", place, body, wanted)


def _change(
    action: str, place: Place, body: Body | None, wanted: Mapping[str, str], ready: str = "Ready"
) -> Write[Server]:
    goal = Goal(SINGLE.name, "Servers_Get", place.server(), wanted, _STATE, (ready,), _SETTLED, _FAILED)
    return Write(call(SINGLE, action, f"server {place}", place.server(), body), _server, goal)


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
