"""What answers of several services have in common. Words are verbatim; None: the answer does not say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from providers.azure.calls import Body
from providers.calling.answer import Answer

NO_ROLE = "None"
REPLICA = "Replica"


@dataclass(frozen=True)
class Server:
    """A server of one of the three services; what a service does not have is None.

    Attributes:
        sku: the size, such as Standard_D2ds_v4, GP_Gen5_2 or MS6; `tier` its class.
        state: Ready, Stopped and others; of MySQL Database on Azure the provisioning state.
        host: the name by which clients reach it.
        role: None (the word), Source or Replica; of MySQL Database on Azure the replication mode, AzureSlave.
        source_id: the resource that a replica follows, also as an empty text after it was promoted.
        replica_capacity: how many replicas it can still have.
        backup_days: how long backups are kept.
        earliest_restore: the first moment to which it can be restored; none before the first backup.
        ha_mode: Disabled, ZoneRedundant or SameZone; `ha_state` how far that is.
    """

    id: str | None
    name: str | None
    location: str | None
    sku: str | None
    tier: str | None
    version: str | None
    state: str | None
    host: str | None
    administrator: str | None
    role: str | None
    source_id: str | None
    replica_capacity: int | None
    storage_gb: int | None
    iops: int | None
    auto_grow: bool | None
    backup_days: int | None
    geo_backup: bool | None
    earliest_restore: datetime | None
    ha_mode: str | None
    ha_state: str | None
    public_access: bool | None
    zone: str | None


@dataclass(frozen=True)
class Database:
    """A database as the service lists it; `name` is None where the answer has none."""

    name: str | None
    charset: str | None
    collation: str | None


@dataclass(frozen=True)
class Configuration:
    """A server parameter.

    Attributes:
        value: as it is set; it may wait for a restart, see `pending_restart`.
        source: system-default or user-override.
        allowed: the values or ranges that it takes, as they are written.
        dynamic: takes effect without a restart.
        fixed: cannot be set here at all.
    """

    name: str | None
    value: str | None
    default: str | None
    allowed: str | None
    source: str | None
    dynamic: bool | None
    fixed: bool | None
    pending_restart: bool | None


@dataclass(frozen=True)
class FirewallRule:
    """Addresses that may connect, from first to last. 0.0.0.0 to 0.0.0.0 are the provider's own services."""

    name: str | None
    first: str | None
    last: str | None


def when(answer: Answer, *path: str) -> datetime | None:
    """A time with its offset; digits beyond microseconds are dropped. One without an offset is taken for UTC."""
    text = re.sub(r"(\.\d{6})\d+", r"\1", answer.text(*path) or "")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def stamp(moment: datetime) -> str:
    """A moment as the provider wants it. It must have an offset."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def database(answer: Answer) -> Database:
    """A database out of its resource."""
    return Database(
        _last(answer.text("name")), answer.text("properties", "charset"), answer.text("properties", "collation")
    )


def configuration(answer: Answer) -> Configuration:
    """A server parameter out of its resource."""
    return Configuration(
        name=answer.text("name"),
        value=answer.text("properties", "value"),
        default=answer.text("properties", "defaultValue"),
        allowed=answer.text("properties", "allowedValues"),
        source=answer.text("properties", "source"),
        dynamic=answer.flag("properties", "isDynamicConfig"),
        fixed=answer.flag("properties", "isReadOnly"),
        pending_restart=answer.flag("properties", "isConfigPendingRestart"),
    )


def firewall_rule(answer: Answer) -> FirewallRule:
    """A firewall rule out of its resource."""
    return FirewallRule(
        _last(answer.text("name")),
        answer.text("properties", "startIpAddress"),
        answer.text("properties", "endIpAddress"),
    )


def texts(answer: Answer, name: str) -> tuple[str, ...] | None:
    """A list of texts; None too where one of them is none."""
    value = answer.content.get(name)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return None
    return tuple(value)


def properties(content: Body) -> Body:
    """A body with nothing but properties."""
    return {"properties": content}


def _last(name: str | None) -> str | None:
    """The older service puts the server before the names of what belongs to it."""
    return None if name is None else name.rpartition("/")[2]
