"""Azure Database for MySQL, Flexible Server, 2021-05-01.

Functions that read take a client; those that change something return a `Write`, which the client begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from providers.aliyun.answer import Answer
from providers.azure import records
from providers.azure.actions import FLEXIBLE
from providers.azure.calls import Body, Goal, Write, call, nothing
from providers.azure.client import Client
from providers.azure.places import Place
from providers.azure.records import Configuration, Database, FirewallRule, Server, stamp, when
from providers.mysql.endpoint import Account

KIND = "flexibleServers"
_STATE = "properties.state"
_SETTLED = ("Ready", "Stopped", "Disabled")
_FAILED = ("Disabled",)


@dataclass(frozen=True)
class Backup:
    """A backup that is complete; those under way are not listed. `source` is Automatic or another word, verbatim."""

    name: str | None
    kind: str | None
    source: str | None
    completed: datetime | None


@dataclass(frozen=True)
class Size:
    """A size that a region offers. `memory_mb` is for each of the `cpus`."""

    edition: str | None
    version: str | None
    name: str | None
    cpus: int | None
    iops: int | None
    memory_mb: int | None


@dataclass(frozen=True)
class Capability:
    """What a zone of a region offers. `zone` is `none` for a region without zones.

    Attributes:
        ha_modes: the ways to be highly available.
        sizes: None: the answer does not say.
    """

    zone: str | None
    ha_modes: tuple[str, ...] | None
    backup_regions: tuple[str, ...] | None
    sizes: tuple[Size, ...] | None


def resource_id(place: Place) -> str:
    """The id by which a replica names its source."""
    return place.resource_id(FLEXIBLE, KIND)


def server(client: Client, place: Place) -> Server:
    """One server as it is now.

    Raises:
        NotFound: there is none of this name.
    """
    return _server(client.read(call(FLEXIBLE, "Servers_Get", f"server {place}", place.server())))


def servers(client: Client, subscription_id: str, resource_group: str) -> tuple[Server, ...]:
    """The servers of a resource group."""
    path = {"subscriptionId": subscription_id, "resourceGroupName": resource_group}
    listed = client.items(call(FLEXIBLE, "Servers_ListByResourceGroup", f"resource group {resource_group}", path))
    return tuple(map(_server, listed))


def replicas(client: Client, place: Place) -> tuple[Server, ...]:
    """The replicas that follow a server."""
    return tuple(map(_server, _list(client, "Replicas_ListByServer", place)))


def backups(client: Client, place: Place) -> tuple[Backup, ...]:
    """The backups to which a server can be restored."""
    return tuple(
        Backup(
            item.text("name"),
            item.text("properties", "backupType"),
            item.text("properties", "source"),
            when(item, "properties", "completedTime"),
        )
        for item in _list(client, "Backups_ListByServer", place)
    )


def databases(client: Client, place: Place) -> tuple[Database, ...]:
    """The databases of a server, its own among them."""
    return tuple(map(records.database, _list(client, "Databases_ListByServer", place)))


def database(client: Client, place: Place, name: str) -> Database:
    """One database.

    Raises:
        NotFound: there is none of this name.
    """
    path = place.server(databaseName=name)
    return records.database(client.read(call(FLEXIBLE, "Databases_Get", f"database {name} of {place}", path)))


def configurations(client: Client, place: Place) -> tuple[Configuration, ...]:
    """All parameters of a server."""
    return tuple(map(records.configuration, _list(client, "Configurations_ListByServer", place)))


def configuration(client: Client, place: Place, name: str) -> Configuration:
    """One parameter of a server.

    Raises:
        NotFound: this service has none of this name.
    """
    path = place.server(configurationName=name)
    return records.configuration(client.read(call(FLEXIBLE, "Configurations_Get", f"{name} of {place}", path)))


def firewall_rules(client: Client, place: Place) -> tuple[FirewallRule, ...]:
    """Who may connect over public addresses."""
    return tuple(map(records.firewall_rule, _list(client, "FirewallRules_ListByServer", place)))


def firewall_rule(client: Client, place: Place, name: str) -> FirewallRule:
    """One firewall rule.

    Raises:
        NotFound: there is none of this name.
    """
    path = place.server(firewallRuleName=name)
    return records.firewall_rule(client.read(call(FLEXIBLE, "FirewallRules_Get", f"rule {name} of {place}", path)))


def capabilities(client: Client, subscription_id: str, location: str) -> tuple[Capability, ...]:
    """What can be had in a region, by zone."""
    path = {"subscriptionId": subscription_id, "locationName": location}
    listed = client.items(call(FLEXIBLE, "LocationBasedCapabilities_List", f"region {location}", path))
    return tuple(
        Capability(
            item.text("zone"),
            records.texts(item, "supportedHAMode"),
            records.texts(item, "supportedGeoBackupRegions"),
            _sizes(item),
        )
        for item in listed
    )


def create_server(
    place: Place, location: str, account: Account, version: str, sku: tuple[str, str], storage_gb: int
) -> Write[Server]:
    """A new server; `sku` is its size and the tier of it, such as Standard_D2ds_v4 and GeneralPurpose."""
    content = {
        "createMode": "Default",
        "version": version,
        "administratorLogin": account.user,
        "administratorLoginPassword": account.password,
        "storage": {"storageSizeGB": storage_gb},
    }
    return _create(place, location, content, sku, {"sku.name": sku[0]})


def create_replica(place: Place, location: str, source: Place, sku: tuple[str, str] | None = None) -> Write[Server]:
    """A replica of a server, of the source's size where no `sku` is given.

    The first replica of a server restarts it.
    """
    wanted = {"properties.replicationRole": records.REPLICA, "properties.sourceServerResourceId": resource_id(source)}
    content = {"createMode": "Replica", "sourceServerResourceId": resource_id(source)}
    return _create(place, location, content, sku, wanted)


def restore(
    place: Place, location: str, source: Place, moment: datetime, sku: tuple[str, str] | None = None
) -> Write[Server]:
    """A new server with the content that `source` had at a moment."""
    content = {
        "createMode": "PointInTimeRestore",
        "sourceServerResourceId": resource_id(source),
        "restorePointInTime": stamp(moment),
    }
    return _create(place, location, content, sku, {})


def promote_replica(place: Place) -> Write[Server]:
    """End replication for good: the replica takes writes as a server of its own. It cannot be undone."""
    change = records.properties({"replicationRole": records.NO_ROLE})
    return _change("Servers_Update", place, change, {"properties.replicationRole": records.NO_ROLE})


def resize(
    place: Place, sku: tuple[str, str] | None = None, storage_gb: int | None = None, iops: int | None = None
) -> Write[Server]:
    """Another size; storage can only grow. What is None stays as it is."""
    change: Body = {"sku": _sku(sku), "properties": {"storage": {"storageSizeGB": storage_gb, "iops": iops}}}
    wanted = {
        "sku.name": sku[0] if sku else None,
        "properties.storage.storageSizeGB": storage_gb,
        "properties.storage.iops": iops,
    }
    return _change("Servers_Update", place, change, {k: str(v) for k, v in wanted.items() if v is not None})


def set_high_availability(place: Place, mode: str) -> Write[Server]:
    """Turn high availability on or off: ZoneRedundant, SameZone or Disabled."""
    change = records.properties({"highAvailability": {"mode": mode}})
    return _change("Servers_Update", place, change, {"properties.highAvailability.mode": mode})


def start_server(place: Place) -> Write[Server]:
    """Start a stopped server."""
    return _change("Servers_Start", place, None, {})


def stop_server(place: Place) -> Write[Server]:
    """Stop a server; it starts by itself after 30 days."""
    return _change("Servers_Stop", place, None, {}, ready="Stopped")


def delete_server(place: Place) -> Write[None]:
    """Delete a server with its data and backups. Its replicas become servers of their own."""
    goal = Goal(FLEXIBLE.name, "Servers_Get", place.server(), state=_STATE, settled=_SETTLED, gone=True)
    return Write(call(FLEXIBLE, "Servers_Delete", f"server {place}", place.server()), nothing, goal)


def create_database(
    place: Place, name: str, charset: str | None = None, collation: str | None = None
) -> Write[Database]:
    """A database, empty; one that is there stays as it is."""
    path = place.server(databaseName=name)
    body = {"properties": {"charset": charset or "utf8mb4", "collation": collation}}
    request = call(FLEXIBLE, "Databases_CreateOrUpdate", f"database {name} of {place}", path, body)
    return Write(request, records.database, Goal(FLEXIBLE.name, "Databases_Get", path))


def drop_database(place: Place, name: str) -> Write[None]:
    """Drop a database with everything in it."""
    path = place.server(databaseName=name)
    request = call(FLEXIBLE, "Databases_Delete", f"database {name} of {place}", path)
    return Write(request, nothing, Goal(FLEXIBLE.name, "Databases_Get", path, gone=True))


def set_configuration(place: Place, name: str, value: str) -> Write[Configuration]:
    """Set a parameter. One that is not dynamic takes effect with the next restart only."""
    path = place.server(configurationName=name)
    body = records.properties({"value": value, "source": "user-override"})
    request = call(FLEXIBLE, "Configurations_Update", f"{name} of {place}", path, body)
    goal = Goal(FLEXIBLE.name, "Configurations_Get", path, {"properties.value": value})
    return Write(request, records.configuration, goal)


def allow_addresses(place: Place, rule: str, first: str, last: str) -> Write[FirewallRule]:
    """Let addresses connect; a rule of this name is replaced."""
    path = place.server(firewallRuleName=rule)
    body = records.properties({"startIpAddress": first, "endIpAddress": last})
    request = call(FLEXIBLE, "FirewallRules_CreateOrUpdate", f"rule {rule} of {place}", path, body)
    fields = {"properties.startIpAddress": first, "properties.endIpAddress": last}
    return Write(request, records.firewall_rule, Goal(FLEXIBLE.name, "FirewallRules_Get", path, fields))


def forget_addresses(place: Place, rule: str) -> Write[None]:
    """Delete a firewall rule."""
    path = place.server(firewallRuleName=rule)
    request = call(FLEXIBLE, "FirewallRules_Delete", f"rule {rule} of {place}", path)
    return Write(request, nothing, Goal(FLEXIBLE.name, "FirewallRules_Get", path, gone=True))


def _list(client: Client, action: str, place: Place) -> tuple[Answer, ...]:
    return client.items(call(FLEXIBLE, action, f"server {place}", place.server()))


def _create(
    place: Place, location: str, content: Body, sku: tuple[str, str] | None, wanted: Mapping[str, str]
) -> Write[Server]:
    body: Body = {"location": location, "sku": _sku(sku), "properties": content}
    if sku:
        wanted = {**wanted, "sku.name": sku[0]}
    return _change("Servers_Create", place, body, wanted)


def _change(
    action: str, place: Place, body: Body | None, wanted: Mapping[str, str], ready: str = "Ready"
) -> Write[Server]:
    goal = Goal(FLEXIBLE.name, "Servers_Get", place.server(), wanted, _STATE, (ready,), _SETTLED, _FAILED)
    return Write(call(FLEXIBLE, action, f"server {place}", place.server(), body), _server, goal)


def _sku(sku: tuple[str, str] | None) -> Body | None:
    return {"name": sku[0], "tier": sku[1]} if sku else None


def _server(answer: Answer) -> Server:
    return Server(
        id=answer.text("id"),
        name=answer.text("name"),
        location=answer.text("location"),
        sku=answer.text("sku", "name"),
        tier=answer.text("sku", "tier"),
        version=answer.text("properties", "version"),
        state=answer.text("properties", "state"),
        host=answer.text("properties", "fullyQualifiedDomainName"),
        administrator=answer.text("properties", "administratorLogin"),
        role=answer.text("properties", "replicationRole"),
        source_id=answer.text("properties", "sourceServerResourceId"),
        replica_capacity=answer.number("properties", "replicaCapacity"),
        storage_gb=answer.number("properties", "storage", "storageSizeGB"),
        iops=answer.number("properties", "storage", "iops"),
        auto_grow=answer.flag("properties", "storage", "autoGrow"),
        backup_days=answer.number("properties", "backup", "backupRetentionDays"),
        geo_backup=answer.flag("properties", "backup", "geoRedundantBackup"),
        earliest_restore=when(answer, "properties", "backup", "earliestRestoreDate"),
        ha_mode=answer.text("properties", "highAvailability", "mode"),
        ha_state=answer.text("properties", "highAvailability", "state"),
        public_access=answer.flag("properties", "network", "publicNetworkAccess"),
        zone=answer.text("properties", "availabilityZone"),
    )


def _sizes(item: Answer) -> tuple[Size, ...] | None:
    editions = item.parts("supportedFlexibleServerEditions")
    if editions is None:
        return None
    return tuple(
        Size(
            edition.text("name"),
            version.text("name"),
            size.text("name"),
            size.number("vCores"),
            size.number("supportedIops"),
            size.number("supportedMemoryPerVCoreMB"),
        )
        for edition in editions
        for version in edition.parts("supportedServerVersions") or ()
        for size in version.parts("supportedSkus") or ()
    )
