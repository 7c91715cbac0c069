"""What can be ordered of instances: a replica, another shape or name, a promotion, a restart, the end."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from providers.sandbox.aws_api.catalogue import STORAGE, family_of
from providers.sandbox.aws_api.cloud import Cloud
from providers.sandbox.aws_api.refusals import instance_exists, wrong_combination, wrong_state, wrong_value
from providers.sandbox.aws_api.state import AVAILABLE, PENDING_REBOOT, Instance, new_key

Given = Mapping[str, object]
_NAME = re.compile(r"[a-z](-?[a-z0-9]){0,62}")
# Names of the API, and of what they are of an instance.
_CHANGES = {
    "DBInstanceClass": "node_class",
    "AllocatedStorage": "allocated_gb",
    "StorageType": "storage_type",
    "Iops": "iops",
    "StorageThroughput": "throughput",
    "MultiAZ": "multi_az",
    "BackupRetentionPeriod": "backup_days",
    "EngineVersion": "version",
}
_STORAGE = {"AllocatedStorage", "StorageType", "Iops", "StorageThroughput"}
_CHANGED = "configuration change"


@dataclass(frozen=True)
class Names:
    """The names in an order, in lower case as RDS keeps them."""

    given: Given

    def text(self, name: str) -> str:
        """A name that has to be there; the API's model says so."""
        return str(self.given[name]).lower()


def new_name(cloud: Cloud, name: str) -> str:
    """A name for another instance.

    Raises:
        Refused: it is none, or taken.
    """
    if not _NAME.fullmatch(name):
        raise wrong_value(f"The parameter DBInstanceIdentifier is not a valid identifier: {name}.")
    if any(one.id == name for one in cloud.instances.values()):
        raise instance_exists(name)
    return name


def shaped(cloud: Cloud, one: Instance, given: Given) -> Instance:
    """An instance with the shape that an order gives it.

    Raises:
        Refused: there is no such shape, or no such parameter group.
    """
    changed = {field: given[name] for name, field in _CHANGES.items() if given.get(name) is not None}
    made = replace(one, **changed)  # type: ignore[arg-type]
    _check_storage(made)
    name = given.get("DBParameterGroupName")
    if name is not None:
        made.group = _group_for(cloud, made, str(name))
    return made


def create_replica(cloud: Cloud, given: Given) -> Instance:
    """Make a replica: a copy of the source's data, which follows it from there."""
    with cloud.lock:
        source = cloud.usable(str(given["SourceDBInstanceIdentifier"]))
        if not source.backup_days:
            raise wrong_state(
                f"Automated backups are not enabled for this database instance. To enable automated backups, use "
                f"ModifyDBInstance to set the backup retention period to a non-zero value: {source.id}"
            )
        fresh = replace(
            source,
            id=new_name(cloud, Names(given).text("DBInstanceIdentifier")),
            key=new_key(),
            source=source.key,
            status="creating",
            created=cloud.clock.now(),
            backup_days=0,
            multi_az=False,
            reachable=False,
            deletion_protected=False,
            deployment=None,
            fenced=False,
            pending={},
        )
        made = shaped(cloud, fresh, given)
        cloud.instances[made.key] = made
    cloud.spawn(lambda: _replica(cloud, made, source.key))
    return made


def _replica(cloud: Cloud, made: Instance, source: str) -> None:
    copy = scratch(cloud, made.key)

    def work() -> bool:
        position = cloud.servers.copy_data(source, copy)
        cloud.build(made.key, copy.rename, (source, position))
        return True

    if cloud.persist(f"the replica {made.id}", work) is None or not cloud.pause(cloud.durations.replica):
        return
    if cloud.faults.takes_replica():
        cloud.done(f"the fault of {made.id}", lambda: cloud.servers.break_replication(made.key))
    cloud.set_status(made.key, AVAILABLE)
    cloud.open(made)
    cloud.tell(made.id, "DB instance created", "creation")


def modify(cloud: Cloud, given: Given) -> Instance:
    """Change an instance, or note what it is to become."""
    with cloud.lock:
        one = cloud.usable(str(given["DBInstanceIdentifier"]))
        made = shaped(cloud, one, given)
        new_id = given.get("NewDBInstanceIdentifier")
        if _STORAGE & _differing(one, given) and one.status == "storage-optimization":
            raise wrong_combination(
                "You can't currently modify the storage of this DB instance because the previous storage change is "
                "being optimized."
            )
        if one.source and given.get("BackupRetentionPeriod") and not cloud.instances[one.source].backup_days:
            raise wrong_state("Backups of a read replica need those of its source.")
        target = new_name(cloud, str(new_id).lower()) if new_id else None
        if given.get("DeletionProtection") is not None:
            one.deletion_protected = bool(given["DeletionProtection"])
        if made.group != one.group:
            one.group, one.group_status = made.group, PENDING_REBOOT
        differing = _differing(one, given)
        one.pending |= {name: given[name] for name in differing}
        if target:
            one.pending["DBInstanceIdentifier"] = target
        if not given.get("ApplyImmediately") or not one.pending:
            return one
        one.status = "renaming" if target else "modifying"
        ordered = dict(one.pending)
    cloud.spawn(lambda: _become(cloud, one, ordered, target))
    return one


def _become(cloud: Cloud, one: Instance, ordered: dict[str, object], target: str | None) -> None:
    if target is not None and not _rename(cloud, one, target):
        return
    if set(ordered) - {"DBInstanceIdentifier"} and not _reshape(cloud, one, ordered):
        return
    with cloud.lock:
        one.pending = {}
    if _STORAGE & set(ordered):
        cloud.set_status(one.key, "storage-optimization")
        if not cloud.pause(cloud.durations.optimize):
            return
    cloud.set_status(one.key, AVAILABLE)
    cloud.tell(one.id, "Finished applying modification to DB instance", "configuration change")


def _rename(cloud: Cloud, one: Instance, target: str) -> bool:
    cloud.shut(one)
    if not cloud.pause(cloud.durations.rename):
        return False
    with cloud.lock:
        old, one.id = one.id, target
    cloud.tell(target, f"The DB instance {old} was renamed to {target}", "configuration change")
    return cloud.reboot(one.key, 0.0, cloud.servers.stop)


def _reshape(cloud: Cloud, one: Instance, ordered: dict[str, object]) -> bool:
    converts = "MultiAZ" in ordered and bool(ordered["MultiAZ"]) and not one.multi_az
    said = _said(ordered)
    for what in said:
        cloud.tell(one.id, f"Applying modification {what}", _CHANGED)
    restarts = {"DBInstanceClass", "EngineVersion"} & set(ordered) or (
        "BackupRetentionPeriod" in ordered and (one.backup_days == 0) != (ordered["BackupRetentionPeriod"] == 0)
    )
    if converts and not _snapshot(cloud, one):
        return False
    if not cloud.pause(cloud.durations.convert if converts else cloud.durations.modify):
        return False
    fails_over = one.multi_az and not converts
    with cloud.lock:
        for name, value in ordered.items():
            if name in _CHANGES:
                setattr(one, _CHANGES[name], value)
    if not restarts:
        going_on = True
    elif fails_over:
        # What was changed is the standby's until it takes over.
        going_on = switch_zone(cloud, one)
    else:
        going_on = cloud.reboot(one.key, cloud.durations.outage, cloud.servers.stop)
    for what in said if going_on else ():
        cloud.tell(one.id, f"Finished applying modification {what}", _CHANGED)
    return going_on


def _snapshot(cloud: Cloud, one: Instance) -> bool:
    """Begin the snapshot of which a standby is made; False where the simulation ends."""
    cloud.servers.freeze(one.key)
    try:
        return cloud.pause(cloud.durations.frozen)
    finally:
        cloud.servers.thaw(one.key)


def _said(ordered: Mapping[str, object]) -> list[str]:
    """What an order changes, in the words of RDS's events: nothing of what it says no word of."""
    found = []
    if "MultiAZ" in ordered:
        kind = "Multi-AZ" if ordered["MultiAZ"] else "standard (Single-AZ)"
        found.append(f"to convert to a {kind} DB instance")
    if "DBInstanceClass" in ordered:
        found.append("to database instance class")
    if _STORAGE & set(ordered):
        found.append("to allocated storage")
    return found


def switch_zone(cloud: Cloud, one: Instance) -> bool:
    """Let an instance's standby take over; False where the simulation ends."""
    cloud.tell(one.id, "Multi-AZ instance failover started", "failover")
    going_on = cloud.reboot(one.key, cloud.durations.failover, cloud.servers.fail_over)
    with cloud.lock:
        one.zone = one.other_zone
    cloud.tell(one.id, "Multi-AZ instance failover completed", "failover")
    return going_on


def promote(cloud: Cloud, given: Given) -> Instance:
    """Detach a replica for good, and restart it."""
    with cloud.lock:
        one = cloud.usable(str(given["DBInstanceIdentifier"]))
        if one.status == "backing-up":
            raise wrong_state(f"The DB instance {one.id} is being backed up and cannot be promoted now.")
        if one.source is None:
            raise wrong_state(f"DB Instance is not a read replica: {one.id}.")
        if one.deployment:
            raise wrong_state(f"DB Instance {one.id} is part of a Blue/Green deployment and cannot be promoted.")
        one.status = "modifying"
    days = given.get("BackupRetentionPeriod")
    fails = cloud.faults.takes_promotion()
    cloud.spawn(lambda: _promote(cloud, one, int(str(days)) if days is not None else 1, fails))
    return one


def _promote(cloud: Cloud, one: Instance, days: int, fails: bool) -> None:
    seconds = cloud.durations.promote
    outage = min(cloud.durations.outage, seconds / 2)
    if not cloud.pause(seconds - outage):
        return
    if fails:
        cloud.set_status(one.key, AVAILABLE)
        cloud.tell(one.id, "Read replica promotion failed: an internal error occurred", "read replica", "failure")
        return
    if not cloud.done(f"the promotion of {one.id}", lambda: cloud.servers.detach(one.key)):
        return
    with cloud.lock:
        one.source, one.status, one.backup_days = None, "rebooting", days
    if not cloud.reboot(one.key, outage, cloud.servers.stop):
        return
    cloud.tell(one.id, "Promoted read replica to a standalone database instance", "read replica")
    if days:
        cloud.set_status(one.key, "backing-up")
        cloud.tell(one.id, "Backing up DB instance", "backup")
        if not cloud.pause(cloud.durations.backup):
            return
        cloud.tell(one.id, "Finished DB Instance backup", "backup")
    cloud.set_status(one.key, AVAILABLE)


def reboot(cloud: Cloud, given: Given) -> Instance:
    """Restart an instance, on its standby where that is asked for."""
    with cloud.lock:
        one = cloud.usable(str(given["DBInstanceIdentifier"]))
        over = bool(given.get("ForceFailover"))
        if over and not one.multi_az:
            raise wrong_combination("You can't force failover of a DB instance that is not configured for Multi-AZ.")
        if over and cloud.faults.takes_failover():
            cloud.tell(
                one.id,
                "Abandoning user requested failover since a failover recently occurred on the database instance",
                "failover",
            )
            return one
        one.status = "rebooting"
    cloud.spawn(lambda: _reboot(cloud, one, (lambda: switch_zone(cloud, one)) if over else None))
    return one


def _reboot(cloud: Cloud, one: Instance, over: Callable[[], bool] | None) -> None:
    outage = min(cloud.durations.outage, cloud.durations.reboot)
    if not cloud.pause(cloud.durations.reboot - outage):
        return
    cloud.tell(one.id, "DB instance shutdown", "availability")
    if not (over() if over else cloud.reboot(one.key, outage, cloud.servers.stop)):
        return
    cloud.set_status(one.key, AVAILABLE)
    cloud.tell(one.id, "DB instance restarted", "availability")


def delete(cloud: Cloud, given: Given, keep: Callable[[Instance, str], Callable[[], None]]) -> Instance:
    """Delete an instance. `keep` notes its last snapshot, of the name that it is given, and gives what takes it."""
    with cloud.lock:
        one = cloud.usable(str(given["DBInstanceIdentifier"]), "stopped", "failed")
        final = given.get("FinalDBSnapshotIdentifier")
        if one.deletion_protected:
            raise wrong_combination(
                "Cannot delete protected DB Instance, please disable deletion protection and try again."
            )
        if one.deployment:
            raise wrong_state(f"DB Instance {one.id} is part of a Blue/Green deployment and cannot be deleted.")
        if bool(given.get("SkipFinalSnapshot")) == (final is not None):
            raise wrong_combination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")
        if final is not None and one.source is not None:
            raise wrong_combination("FinalDBSnapshotIdentifier can not be specified when deleting a replica.")
        take = keep(one, str(final).lower()) if final is not None else None
        one.status = "deleting"
    cloud.spawn(lambda: _delete(cloud, one, take))
    return one


def _delete(cloud: Cloud, one: Instance, take: Callable[[], None] | None) -> None:
    if take is None or cloud.done(f"the last snapshot of {one.id}", take):
        remove(cloud, one)


def remove(cloud: Cloud, one: Instance) -> None:
    """Take an instance and its server away; what follows it stands alone from then on."""
    if not cloud.pause(cloud.durations.delete):
        return
    cloud.shut(one)
    for replica in cloud.replicas(one):
        _orphan(cloud, replica)
        cloud.tell(replica.id, "Replication terminated: the source was deleted", "read replica")
    with cloud.lock:
        cloud.instances.pop(one.key, None)
    cloud.servers.discard(one.key)
    cloud.tell(one.id, "DB instance deleted", "deletion")


def _orphan(cloud: Cloud, replica: Instance) -> None:
    cloud.done(f"the end of {replica.id}", lambda: cloud.servers.detach(replica.key))
    with cloud.lock:
        replica.source = None
    cloud.done(f"the opening of {replica.id}", lambda: cloud.servers.lift(replica.key))


def scratch(cloud: Cloud, key: str) -> Path:
    """Where a copy of data is put while a server is made of it."""
    return cloud.servers.run_dir / f"{key}-copy"


def _differing(one: Instance, given: Given) -> set[str]:
    named = {name: field for name, field in _CHANGES.items() if given.get(name) is not None}
    return {name for name, field in named.items() if getattr(one, field) != given[name]}


def _check_storage(one: Instance) -> None:
    if one.storage_type not in STORAGE:
        raise wrong_value(f"Invalid storage type: {one.storage_type}")
    bounds = STORAGE[one.storage_type]
    if one.storage_type.startswith("io") and not one.iops:
        raise wrong_combination(f"You must specify an iops value for storage type {one.storage_type}.")
    if bounds is None:
        one.iops = None
    elif one.iops and not bounds[0] <= one.iops <= bounds[1]:
        raise wrong_combination(f"The iops of {one.storage_type} must be between {bounds[0]} and {bounds[1]}.")


def _group_for(cloud: Cloud, one: Instance, name: str) -> str:
    group = cloud.group(name)
    if group.family != family_of(one.engine, one.version):
        raise wrong_combination(
            f"The parameter group {group.name} with DBParameterGroupFamily {group.family} can't be used for this "
            f"instance. Use a parameter group with DBParameterGroupFamily {family_of(one.engine, one.version)}."
        )
    return group.name
