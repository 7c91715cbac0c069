"""Snapshots: taking them, and making instances of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from providers.aws import instances
from providers.aws.actions import RDS
from providers.aws.answer import Answer
from providers.aws.calls import Look, Write, call
from providers.aws.client import Client
from providers.aws.errors import NotFound
from providers.aws.records import Instance, Shape


@dataclass(frozen=True)
class Snapshot:
    """A snapshot. `status` is creating, available, deleting, failed or another word; `progress` is in percent."""

    snapshot_id: str | None
    arn: str | None
    instance_id: str | None
    status: str | None
    progress: int | None
    engine: str | None
    version: str | None
    allocated_gb: int | None
    storage_type: str | None
    encrypted: bool | None
    kind: str | None
    created: datetime | None


@dataclass(frozen=True)
class Place:
    """Where in the network an instance is put; None: in the account's default."""

    subnet_group: str | None = None
    security_groups: Sequence[str] = ()


def snapshots(client: Client, instance_id: str) -> tuple[Snapshot, ...]:
    """All snapshots of an instance."""
    request = call(
        RDS, "DescribeDBSnapshots", f"snapshots of instance {instance_id}", {"DBInstanceIdentifier": instance_id}
    )
    return tuple(_snapshot(item) for item in client.pages(request, "DBSnapshots"))


def find(client: Client, snapshot_id: str) -> Snapshot | None:
    """One snapshot as it is now, None where there is none of this name."""
    request = call(RDS, "DescribeDBSnapshots", f"snapshot {snapshot_id}", {"DBSnapshotIdentifier": snapshot_id})
    try:
        found = client.pages(request, "DBSnapshots")
    except NotFound:
        return None
    return _snapshot(found[0]) if found else None


def create(snapshot_id: str, instance_id: str) -> Write[Snapshot]:
    """Take a snapshot; of a Single-AZ instance, its writes stand still for a moment."""

    def look(client: Client) -> bool | None:
        found = find(client, snapshot_id)
        return found is not None and found.instance_id == instance_id

    return _write("CreateDBSnapshot", snapshot_id, {"DBInstanceIdentifier": instance_id}, look)


def delete(snapshot_id: str) -> Write[Snapshot]:
    """Delete a snapshot."""

    def look(client: Client) -> bool | None:
        found = find(client, snapshot_id)
        return found is None or found.status == "deleting"

    return _write("DeleteDBSnapshot", snapshot_id, {}, look)


def restore(instance_id: str, snapshot_id: str, shape: Shape, place: Place) -> Write[Instance]:
    """Make an instance of a snapshot, which follows nobody and has an endpoint of its own.

    What `shape` and `place` leave open becomes the default, not what the snapshot's instance had.
    """

    def look(client: Client) -> bool | None:
        return instances.find(client, instance_id) is not None

    parameters = {
        "DBInstanceIdentifier": instance_id,
        "DBSnapshotIdentifier": snapshot_id,
        "DBSubnetGroupName": place.subnet_group,
        "VpcSecurityGroupIds": list(place.security_groups) or None,
        **shape.parameters(),
    }
    request = call(RDS, "RestoreDBInstanceFromDBSnapshot", f"instance {instance_id}", parameters)
    return Write(request, instances.of_answer, look)


def _write(action: str, snapshot_id: str, parameters: dict[str, object], look: Look) -> Write[Snapshot]:
    request = call(RDS, action, f"snapshot {snapshot_id}", {"DBSnapshotIdentifier": snapshot_id, **parameters})
    return Write(request, lambda answer: _snapshot(answer.part("DBSnapshot") or Answer({})), look)


def _snapshot(answer: Answer) -> Snapshot:
    return Snapshot(
        snapshot_id=answer.text("DBSnapshotIdentifier"),
        arn=answer.text("DBSnapshotArn"),
        instance_id=answer.text("DBInstanceIdentifier"),
        status=answer.text("Status"),
        progress=answer.number("PercentProgress"),
        engine=answer.text("Engine"),
        version=answer.text("EngineVersion"),
        allocated_gb=answer.number("AllocatedStorage"),
        storage_type=answer.text("StorageType"),
        encrypted=answer.flag("Encrypted"),
        kind=answer.text("SnapshotType"),
        created=answer.time("SnapshotCreateTime"),
    )
