"""Snapshots, and instances made of them: with the data and the position of the moment, following nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from providers.sandbox.api.refusals import Refused
from providers.sandbox.aws_api.cloud import Cloud
from providers.sandbox.aws_api.instances import Given, Names, new_name, shaped
from providers.sandbox.aws_api.refusals import no_snapshot
from providers.sandbox.aws_api.state import AVAILABLE, Instance, Snapshot, new_key


def find(cloud: Cloud, snapshot_id: str) -> Snapshot:
    """A snapshot.

    Raises:
        Refused: there is none of that name.
    """
    found = cloud.snapshots.get(snapshot_id.rpartition(":")[2].lower())
    if found is None:
        raise no_snapshot(snapshot_id)
    return found


def create(cloud: Cloud, given: Given) -> Snapshot:
    """Take a snapshot."""
    with cloud.lock:
        one = cloud.usable(str(given["DBInstanceIdentifier"]))
        made = begin(cloud, one, Names(given).text("DBSnapshotIdentifier"))
        one.status = "backing-up"
    cloud.spawn(lambda: _take(cloud, made, one))
    return made


def begin(cloud: Cloud, one: Instance, snapshot_id: str) -> Snapshot:
    """Note a snapshot that is to be taken.

    Raises:
        Refused: the name is taken.
    """
    if snapshot_id in cloud.snapshots:
        raise Refused(400, "DBSnapshotAlreadyExists", f"Cannot create the snapshot: {snapshot_id} already exists.")
    made = Snapshot(snapshot_id, replace(one, pending={}), cloud.clock.now())
    cloud.snapshots[snapshot_id] = made
    return made


def keep(cloud: Cloud, one: Instance, snapshot_id: str) -> Callable[[], None]:
    """Note the last snapshot of an instance; what takes it.

    Raises:
        Refused: as `begin`.
    """
    made = begin(cloud, one, snapshot_id)

    def take() -> None:
        cloud.servers.copy_data(one.key, place(cloud, made))
        made.status = "available"

    return take


def _take(cloud: Cloud, made: Snapshot, one: Instance) -> None:
    cloud.tell(one.id, "Creating manual snapshot", "backup")
    copied = cloud.persist(
        f"the snapshot {made.id}", lambda: (cloud.servers.copy_data(one.key, place(cloud, made)), True)
    )
    if copied is None or not cloud.pause(cloud.durations.snapshot):
        return
    with cloud.lock:
        made.status = "available"
        one.status = AVAILABLE
    cloud.tell(one.id, "Manual snapshot created", "backup")


def delete(cloud: Cloud, given: Given) -> Snapshot:
    """Delete a snapshot."""
    with cloud.lock:
        found = find(cloud, str(given["DBSnapshotIdentifier"]))
        if found.status != "available":
            raise Refused(400, "InvalidDBSnapshotState", f"Cannot delete the snapshot {found.id}: {found.status}.")
        del cloud.snapshots[found.id]
        found.status = "deleted"
    cloud.servers.drop(place(cloud, found))
    return found


def restore(cloud: Cloud, given: Given) -> Instance:
    """Make an instance of a snapshot."""
    with cloud.lock:
        of = find(cloud, str(given["DBSnapshotIdentifier"]))
        if of.status != "available":
            raise Refused(400, "InvalidDBSnapshotState", f"The snapshot {of.id} is not available: {of.status}.")
        fresh = replace(
            of.instance,
            id=new_name(cloud, Names(given).text("DBInstanceIdentifier")),
            key=new_key(),
            source=None,
            status="creating",
            created=cloud.clock.now(),
            multi_az=False,
            reachable=False,
            deletion_protected=False,
            deployment=None,
            fenced=False,
            group=cloud.default_group(of.instance.engine, of.instance.version),
            group_status="in-sync",
            pending={},
        )
        made = shaped(cloud, fresh, given)
        cloud.instances[made.key] = made
    cloud.spawn(lambda: _restore(cloud, made, of))
    return made


def _restore(cloud: Cloud, made: Instance, of: Snapshot) -> None:
    def fill(to: Path) -> None:
        cloud.servers.duplicate(place(cloud, of), to)

    built = cloud.done(f"the instance {made.id}", lambda: cloud.build(made.key, fill, None))
    if not built or not cloud.pause(cloud.durations.restore):
        return
    cloud.set_status(made.key, AVAILABLE)
    cloud.open(made)
    cloud.tell(made.id, f"Restored from snapshot {of.id}", "creation")


def place(cloud: Cloud, one: Snapshot) -> Path:
    """Where a snapshot's data is."""
    return cloud.servers.run_dir / f"snapshot-{one.id}"
