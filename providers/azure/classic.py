"""MySQL Database on Azure (China), 2015-09-01; retired long ago and carried as a legacy.

There is neither a description nor a vendor's client of it: bodies are those of its documentation of 2016. Actions
whose names begin with `Undescribed` are in no text; they follow from how its documented resources are addressed.

How a replica is promoted is in no text either: the portal does it, and here there is no function for it. That it was
done shows in `Server.role`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from providers.azure import records
from providers.azure.actions import CLASSIC
from providers.azure.calls import Body, Goal, Write, call, nothing
from providers.azure.client import Client
from providers.azure.clouds import CHINA
from providers.azure.places import Place
from providers.azure.records import Database, FirewallRule, Server
from providers.calling.answer import Answer

KIND = "servers"
REPLICA = "AzureSlave"
READY = "Ready"
_STATE = "properties.provisioningState"
_DONE = "Succeeded"
_SETTLED = ("Succeeded", "Failed")
_FAILED = ("Failed",)


@dataclass(frozen=True)
class Backup:
    """A backup. `status` is Ready when it is complete; None: the answer does not say."""

    name: str | None
    kind: str | None
    status: str | None


def login(place: Place, user: str) -> str:
    """The name with which a user of a server logs in."""
    return f"{place.name}%{user}"


def host(place: Place) -> str:
    """The name by which clients reach a server, where the service does not tell it."""
    return place.name + CHINA.classic_suffix


def server(client: Client, place: Place) -> Server:
    """One server as it is now.

    Raises:
        NotFound: there is none of this name.
    """
    return _server(client.read(call(CLASSIC, "Servers_Get", f"server {place}", place.server())))


def backups(client: Client, place: Place) -> tuple[Backup, ...]:
    """The backups of a server, automatic and manual."""
    listed = client.items(call(CLASSIC, "Undescribed_Backups_List", f"server {place}", place.server()))
    return tuple(map(_backup, listed))


def backup(client: Client, place: Place, name: str) -> Backup:
    """One backup.

    Raises:
        NotFound: there is none of this name.
    """
    path = place.server(backupName=name)
    return _backup(client.read(call(CLASSIC, "Undescribed_Backups_Get", f"backup {name} of {place}", path)))


def databases(client: Client, place: Place) -> tuple[Database, ...]:
    """The databases of a server."""
    listed = client.items(call(CLASSIC, "Undescribed_Databases_List", f"server {place}", place.server()))
    return tuple(map(records.database, listed))


def database(client: Client, place: Place, name: str) -> Database:
    """One database.

    Raises:
        NotFound: there is none of this name.
    """
    path = place.server(databaseName=name)
    return records.database(
        client.read(call(CLASSIC, "Undescribed_Databases_Get", f"database {name} of {place}", path))
    )


def create_replica(
    place: Place, location: str, source: Place, source_region: str, sku: str, version: str
) -> Write[Server]:
    """A read-only subordinate of a server, such as one of the size MS6.

    It takes a backup of the source first, for which no long queries should run there.
    """
    content: Body = {
        "replicationMode": REPLICA,
        "creationSource": {"server": source.name, "region": source_region},
        "version": version,
    }
    body = {"location": location, "sku": {"name": sku}, "properties": content}
    return _change("Servers_Create", place, body, {"properties.replicationMode": REPLICA, "sku.name": sku})


def restore(
    place: Place,
    location: str,
    source: Place,
    source_region: str,
    sku: str,
    version: str,
    backup: str | None = None,
    moment: datetime | None = None,
) -> Write[Server]:
    """A new server out of a backup, or with what `source` held at a moment."""
    origin = {
        "server": source.name,
        "region": source_region,
        "backup": backup,
        "timepoint": None if moment is None else records.stamp(moment).partition(".")[0],
    }
    content: Body = {"creationSource": origin, "version": version}
    body = {"location": location, "sku": {"name": sku}, "properties": content}
    return _change("Servers_Create", place, body, {"sku.name": sku})


def resize(place: Place, sku: str) -> Write[Server]:
    """Another size of the same kind of storage: MS or MP."""
    return _change("Servers_Update", place, {"sku": {"name": sku}}, {"sku.name": sku})


def set_options(place: Place, options: Mapping[str, str | int]) -> Write[Server]:
    """Set server parameters."""
    wanted = {f"properties.options.{name}": str(value) for name, value in options.items()}
    return _change("Servers_Update", place, records.properties({"options": dict(options)}), wanted)


def back_up(place: Place, name: str) -> Write[Backup]:
    """Take a backup now; see `backup` for when it is complete."""
    path = place.server(backupName=name)
    request = call(CLASSIC, "Backups_Create", f"backup {name} of {place}", path, {"properties": {}})
    return Write(request, _backup, Goal(CLASSIC.name, "Undescribed_Backups_Get", path))


def create_database(
    place: Place, name: str, charset: str | None = None, collation: str | None = None
) -> Write[Database]:
    """A database, empty; here it cannot be created by SQL."""
    path = place.server(databaseName=name)
    body = records.properties({"charset": charset or "utf8", "collation": collation or "utf8_general_ci"})
    request = call(CLASSIC, "Databases_Create", f"database {name} of {place}", path, body)
    return Write(request, records.database, Goal(CLASSIC.name, "Undescribed_Databases_Get", path))


def drop_database(place: Place, name: str) -> Write[None]:
    """Drop a database with everything in it."""
    path = place.server(databaseName=name)
    request = call(CLASSIC, "Undescribed_Databases_Delete", f"database {name} of {place}", path)
    return Write(request, nothing, Goal(CLASSIC.name, "Undescribed_Databases_Get", path, gone=True))


def allow_addresses(place: Place, rule: str, first: str, last: str) -> Write[FirewallRule]:
    """Let addresses connect; a rule of this name is replaced. No text says how a rule is read back."""
    path = place.server(firewallRuleName=rule)
    body = records.properties({"startIpAddress": first, "endIpAddress": last})
    return Write(call(CLASSIC, "FirewallRules_Create", f"rule {rule} of {place}", path, body), records.firewall_rule)


def delete_server(place: Place) -> Write[None]:
    """Delete a server with its data and backups."""
    goal = Goal(CLASSIC.name, "Servers_Get", place.server(), state=_STATE, settled=_SETTLED, gone=True)
    return Write(call(CLASSIC, "Undescribed_Servers_Delete", f"server {place}", place.server()), nothing, goal)


def _change(action: str, place: Place, body: Body, wanted: Mapping[str, str]) -> Write[Server]:
    goal = Goal(CLASSIC.name, "Servers_Get", place.server(), wanted, _STATE, (_DONE,), _SETTLED, _FAILED)
    return Write(call(CLASSIC, action, f"server {place}", place.server(), body), _server, goal)


def _backup(answer: Answer) -> Backup:
    name = answer.text("name")
    return Backup(
        None if name is None else name.rpartition("/")[2],
        answer.text("properties", "backupType"),
        answer.text("properties", "status") or answer.text("properties", "provisioningState"),
    )


def _server(answer: Answer) -> Server:
    origin = answer.part("properties", "creationSource")
    return Server(
        id=answer.text("id"),
        name=answer.text("name"),
        location=answer.text("location"),
        sku=answer.text("sku", "name"),
        tier=None,
        version=answer.text("properties", "version"),
        state=answer.text("properties", "provisioningState"),
        host=answer.text("properties", "fullyQualifiedDomainName"),
        administrator=None,
        role=answer.text("properties", "replicationMode"),
        source_id=origin.text("server") if origin else None,
        replica_capacity=None,
        storage_gb=None,
        iops=None,
        auto_grow=None,
        backup_days=None,
        geo_backup=None,
        earliest_restore=None,
        ha_mode=None,
        ha_state=None,
        public_access=None,
        zone=None,
    )
