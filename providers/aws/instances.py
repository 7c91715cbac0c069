"""Instances: what they are, and making, changing, promoting and deleting them.

Functions that read take a client; those that change something return a `Write`, which the client sends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

from providers.aws.actions import RDS
from providers.aws.answer import Answer
from providers.aws.calls import Call, Look, Write, call
from providers.aws.client import Client
from providers.aws.errors import Failure, NotFound, no_answer
from providers.aws.records import Instance, Shape, instance_of
from providers.aws.statuses import Health


class When(Enum):
    """When a change takes effect: at once, or in the next maintenance window."""

    NOW = True
    IN_WINDOW = False


def instances(client: Client) -> tuple[Instance, ...]:
    """The region's instances, whatever their engine."""
    request = call(RDS, "DescribeDBInstances", f"region {client.region}", {})
    return tuple(instance_of(item) for item in client.pages(request, "DBInstances"))


def instance(client: Client, instance_id: str) -> Instance:
    """One instance as it is now.

    Raises:
        NotFound: there is none of this name.
    """
    request = _about("DescribeDBInstances", instance_id, {})
    found = client.pages(request, "DBInstances")
    if len(found) != 1:
        raise no_answer(request, Failure(f"The answer describes {len(found)} instances"), 1)
    return instance_of(found[0])


def find(client: Client, instance_id: str) -> Instance | None:
    """One instance as it is now, None where there is none of this name."""
    try:
        return instance(client, instance_id)
    except NotFound:
        return None


def create_replica(replica_id: str, source_id: str, shape: Shape) -> Write[Instance]:
    """Make a replica in the source's region, which needs automated backups there (`backup_days` above 0)."""

    def look(client: Client) -> bool | None:
        found = find(client, replica_id)
        return found is not None and found.source_id == source_id

    parameters = {"SourceDBInstanceIdentifier": source_id, **shape.parameters()}
    return _write("CreateDBInstanceReadReplica", replica_id, parameters, look)


def promote(replica_id: str, backup_days: int) -> Write[Instance]:
    """Detach a replica for good; it is restarted. RDS refuses it while the instance is `backing-up`.

    `backup_days` above 0 turns its binary log on, without which nothing can follow it.
    """

    def look(client: Client) -> bool | None:
        found = instance(client, replica_id)
        if found.source_id is None:
            return True
        return None if found.health is Health.BUSY else False

    return _write("PromoteReadReplica", replica_id, {"BackupRetentionPeriod": backup_days}, look)


def modify(instance_id: str, shape: Shape, when: When) -> Write[Instance]:
    """Give an instance another shape."""
    parameters = {**shape.parameters(), "ApplyImmediately": when.value}
    return _write("ModifyDBInstance", instance_id, parameters, _has(instance_id, lambda one: one.is_being(shape)))


def keep_backups(instance_id: str, backup_days: int, when: When) -> Write[Instance]:
    """Set for how many days automated backups are kept; between 0 and another number it restarts the instance."""
    parameters = {"BackupRetentionPeriod": backup_days, "ApplyImmediately": when.value}

    def has(one: Instance) -> bool:
        return one.backup_days == backup_days or one.pending_value("BackupRetentionPeriod") == str(backup_days)

    return _write("ModifyDBInstance", instance_id, parameters, _has(instance_id, has))


def upgrade(instance_id: str, version: str, when: When) -> Write[Instance]:
    """Give an instance another engine version, also of another series."""
    parameters = {"EngineVersion": version, "AllowMajorVersionUpgrade": True, "ApplyImmediately": when.value}

    def has(one: Instance) -> bool:
        return version in (one.version, one.pending_value("EngineVersion"))

    return _write("ModifyDBInstance", instance_id, parameters, _has(instance_id, has))


def rename(instance_id: str, new_id: str) -> Write[Instance]:
    """Give an instance another name, and with it another endpoint, at once; it is restarted."""

    def look(client: Client) -> bool | None:
        if find(client, new_id) is not None:
            return find(client, instance_id) is None
        old = find(client, instance_id)
        return None if old is None or old.health is Health.BUSY else False

    parameters = {"NewDBInstanceIdentifier": new_id, "ApplyImmediately": True}
    return _write("ModifyDBInstance", instance_id, parameters, look)


def reboot(instance_id: str) -> Write[Instance]:
    """Restart an instance. Afterwards nothing but an event says that it was."""
    return _write("RebootDBInstance", instance_id, {}, _rebooting(instance_id))


def fail_over(instance_id: str) -> Write[Instance]:
    """Restart a Multi-AZ instance on its standby."""
    return _write("RebootDBInstance", instance_id, {"ForceFailover": True}, _rebooting(instance_id))


def delete(instance_id: str, final_snapshot: str | None) -> Write[Instance]:
    """Delete an instance, after a snapshot where one is named. RDS takes none of a replica."""
    parameters: dict[str, object] = {"SkipFinalSnapshot": final_snapshot is None}
    if final_snapshot is not None:
        parameters["FinalDBSnapshotIdentifier"] = final_snapshot

    def look(client: Client) -> bool | None:
        found = find(client, instance_id)
        return found is None or found.status == "deleting"

    return _write("DeleteDBInstance", instance_id, parameters, look)


def _about(action: str, instance_id: str, parameters: Mapping[str, object]) -> Call:
    return call(RDS, action, f"instance {instance_id}", {"DBInstanceIdentifier": instance_id, **parameters})


def _write(action: str, instance_id: str, parameters: Mapping[str, object], look: Look) -> Write[Instance]:
    return Write(_about(action, instance_id, parameters), of_answer, look)


def of_answer(answer: Answer) -> Instance:
    """The `DBInstance` that a write answers with."""
    return instance_of(answer.part("DBInstance") or Answer({}))


def _has(instance_id: str, has: Callable[[Instance], bool]) -> Look:
    def look(client: Client) -> bool | None:
        found = instance(client, instance_id)
        if has(found):
            return True
        return None if found.health is Health.BUSY else False

    return look


def _rebooting(instance_id: str) -> Look:
    def look(client: Client) -> bool | None:
        return True if instance(client, instance_id).status == "rebooting" else None

    return look
