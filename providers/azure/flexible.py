"""Azure Database for MySQL, Flexible Server, 2021-05-01.

Functions that read take a client; those that change something return a `Write`, which the client begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from providers.azure import records
from providers.azure.actions import FLEXIBLE
from providers.azure.calls import Body, Write, call
from providers.azure.client import Client
from providers.azure.dbformysql import Service
from providers.azure.places import Place
from providers.azure.records import Server, stamp, when
from providers.calling.answer import Answer
from providers.mysql.endpoint import Account


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


_SERVICE = Service(
    FLEXIBLE,
    kind="flexibleServers",
    state="properties.state",
    settled=("Ready", "Stopped", "Disabled"),
    failed=("Disabled",),
    read=_server,
    configure="Configurations_Update",
    charset="utf8mb4",
)
resource_id, server, servers, replicas = _SERVICE.resource_id, _SERVICE.server, _SERVICE.servers, _SERVICE.replicas
database, databases = _SERVICE.database, _SERVICE.databases
configuration, configurations = _SERVICE.configuration, _SERVICE.configurations
firewall_rule, firewall_rules = _SERVICE.firewall_rule, _SERVICE.firewall_rules
delete_server, create_database, drop_database = _SERVICE.delete_server, _SERVICE.create_database, _SERVICE.drop_database
set_configuration, allow_addresses = _SERVICE.set_configuration, _SERVICE.allow_addresses
forget_addresses, promote_replica = _SERVICE.forget_addresses, _SERVICE.end_replication


def backups(client: Client, place: Place) -> tuple[Backup, ...]:
    """The backups to which a server can be restored."""
    return tuple(
        Backup(
            item.text("name"),
            item.text("properties", "backupType"),
            item.text("properties", "source"),
            when(item, "properties", "completedTime"),
        )
        for item in _SERVICE.listed(client, "Backups_ListByServer", place)
    )


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
    return _SERVICE.create(place, location, content, _sku(sku), {})


def create_replica(place: Place, location: str, source: Place, sku: tuple[str, str] | None = None) -> Write[Server]:
    """A replica of a server, of the source's size where no `sku` is given.

    The first replica of a server restarts it.
    """
    wanted = {"properties.replicationRole": records.REPLICA, "properties.sourceServerResourceId": resource_id(source)}
    content = {"createMode": "Replica", "sourceServerResourceId": resource_id(source)}
    return _SERVICE.create(place, location, content, _sku(sku), wanted)


def restore(
    place: Place, location: str, source: Place, moment: datetime, sku: tuple[str, str] | None = None
) -> Write[Server]:
    """A new server with the content that `source` had at a moment."""
    content = {
        "createMode": "PointInTimeRestore",
        "sourceServerResourceId": resource_id(source),
        "restorePointInTime": stamp(moment),
    }
    return _SERVICE.create(place, location, content, _sku(sku), {})


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
    return _SERVICE.change("Servers_Update", place, change, {k: str(v) for k, v in wanted.items() if v is not None})


def set_high_availability(place: Place, mode: str) -> Write[Server]:
    """Turn high availability on or off: ZoneRedundant, SameZone or Disabled."""
    change = records.properties({"highAvailability": {"mode": mode}})
    return _SERVICE.change("Servers_Update", place, change, {"properties.highAvailability.mode": mode})


def start_server(place: Place) -> Write[Server]:
    """Start a stopped server."""
    return _SERVICE.change("Servers_Start", place, None, {})


def stop_server(place: Place) -> Write[Server]:
    """Stop a server; it starts by itself after 30 days."""
    return _SERVICE.change("Servers_Stop", place, None, {}, ready="Stopped")


def _sku(sku: tuple[str, str] | None) -> Mapping[str, str] | None:
    return {"name": sku[0], "tier": sku[1]} if sku else None


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
