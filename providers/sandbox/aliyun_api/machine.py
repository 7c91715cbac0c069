"""The life of one migration from RDS to PolarDB: which status follows which, and what is refused when.

Nothing here does anything: a call gives the next `Migration`, whose `work` says what is to be made of the servers
meanwhile. Sources: PolarDB API reference, DescribeDBClusterMigration, ModifyDBClusterMigration,
CloseDBClusterMigration, ContinueDBClusterMigration; PRE_CHECK_FAIL from the page "Overview" of the one-click upgrade.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from providers.sandbox.aliyun_api.refusals import wrong_moment
from providers.sandbox.aliyun_api.scenario import Durations
from providers.sandbox.api.refusals import Refused

LAG_LIMIT_S = 60
_DAY_S = 86_400.0


class Status(StrEnum):
    """MigrationStatus as the cloud writes it."""

    NONE = "NO_MIGRATION"
    CLONING = "RDS2POLARDB_CLONING"
    CHECK_FAILED = "PRE_CHECK_FAIL"
    SYNCING = "RDS2POLARDB_SYNCING"
    SWITCHING = "SWITCHING"
    REVERSED = "POLARDB2RDS_SYNCING"
    ROLLING_BACK = "ROLLBACK"
    CLOSING = "CLOSING_MIGRATION"


class Route(StrEnum):
    """How the data travels; the cloud chooses."""

    PHYSICAL = "physical"
    LOGICAL = "logical"


class Work(StrEnum):
    """What is to be made of the servers while a status lasts."""

    CHECK = "check"
    COPY = "copy"
    SWITCH = "switch"
    ROLL_BACK = "roll back"
    SEPARATE = "separate"


@dataclass(frozen=True)
class Migration:
    """One migration.

    `work` is under way, None where nothing is; it is not seen to be done before `earliest`. `step` counts the
    works, so that each is begun once. `pairs` are the addresses that the switch or rollback under way exchanges.
    `force`: what may be skipped of the precheck is. `restart`: the cluster is restarted when the migration ends.
    Times are in seconds since 1970.
    """

    cluster_id: str
    instance_id: str
    route: Route
    created_at: float
    expires_at: float
    status: Status
    work: Work | None
    earliest: float
    step: int = 0
    comment: str = ""
    pairs: Mapping[str, str] = field(default_factory=dict)
    force: bool = False
    restart: bool = False

    @property
    def active(self) -> bool:
        """Whether it has not ended yet."""
        return self.status is not Status.NONE


@dataclass(frozen=True)
class SwitchOrder:
    """What ModifyDBClusterMigration is told: who is to be master, and which addresses are exchanged."""

    instance_id: str
    new_master: str
    pairs: Mapping[str, str]


def begin(cluster_id: str, instance_id: str, route: Route, days: int, now: float, durations: Durations) -> Migration:
    """A migration that was just ordered; the logical route is checked before it is copied."""
    physical = route is Route.PHYSICAL
    return Migration(
        cluster_id,
        instance_id,
        route,
        now,
        now + days * _DAY_S,
        Status.CLONING,
        Work.COPY if physical else Work.CHECK,
        now + (durations.clone if physical else durations.check),
    )


def modify(migration: Migration, order: SwitchOrder, lag_s: int, now: float, durations: Durations) -> Migration:
    """Switch over to the cluster, or roll back to the instance; `lag_s` is -1 where it is not known.

    Raises:
        Refused: not now, not so far behind, or these are not the two sides of this migration.
    """
    sides = {migration.cluster_id: (Status.SYNCING, Status.SWITCHING, Work.SWITCH)}
    sides[migration.instance_id] = (Status.REVERSED, Status.ROLLING_BACK, Work.ROLL_BACK)
    if order.instance_id != migration.instance_id or order.new_master not in sides:
        raise Refused(404, "InvalidDBCluster.NotFound", "The specified DB cluster does not exist.")
    before, during, work = sides[order.new_master]
    if migration.status is not before:
        raise wrong_moment(f"Current engine migration status {migration.status} does not support this operation.")
    if not 0 <= lag_s < LAG_LIMIT_S:
        raise wrong_moment(f"The replication delay {lag_s} does not support this operation.")
    changed = replace(migration, status=during, comment="", pairs=dict(order.pairs))
    return _under_way(changed, work, now + durations.switch)


def close(migration: Migration, keep_log: bool, now: float, durations: Durations) -> Migration:
    """Complete a switched migration, or cancel one that is not switched.

    Raises:
        Refused: it is in no status that is synchronised.
    """
    _require(migration, Status.SYNCING, Status.REVERSED)
    changed = replace(migration, status=Status.CLOSING, comment="", restart=not keep_log)
    return _under_way(changed, Work.SEPARATE, now + durations.close)


def resume(migration: Migration, force: bool, now: float, durations: Durations) -> Migration:
    """Check again after a failed precheck.

    Raises:
        Refused: no precheck has failed.
    """
    _require(migration, Status.CHECK_FAILED)
    changed = replace(migration, status=Status.CLONING, comment="", force=force)
    return _under_way(changed, Work.CHECK, now + durations.check)


def abort(migration: Migration, now: float, durations: Durations) -> Migration:
    """Give up after a failed precheck; the cluster stays.

    Raises:
        Refused: no precheck has failed.
    """
    _require(migration, Status.CHECK_FAILED)
    return _under_way(replace(migration, status=Status.CLOSING), Work.SEPARATE, now + durations.close)


def expire(migration: Migration, now: float) -> Migration:
    """End a migration whose time is over: both sides take writes and nothing is synchronised any more."""
    if migration.work is not None or not migration.active or now < migration.expires_at:
        return migration
    return _under_way(replace(migration, status=Status.CLOSING, restart=False), Work.SEPARATE, now)


def done(migration: Migration, failure: str, now: float, durations: Durations) -> Migration:
    """What follows when the work is done; `failure` says why it was not, empty where it was."""
    if migration.work is Work.CHECK and not failure:
        return _under_way(migration, Work.COPY, now + durations.clone)
    after = {
        Work.CHECK: Status.CHECK_FAILED,
        Work.COPY: Status.SYNCING,
        Work.SWITCH: Status.SYNCING if failure else Status.REVERSED,
        Work.ROLL_BACK: Status.REVERSED if failure else Status.SYNCING,
        Work.SEPARATE: Status.NONE,
    }
    assert migration.work is not None
    return replace(migration, status=after[migration.work], work=None, comment=failure, pairs={}, force=False)


def modes(status: Status) -> tuple[str, str]:
    """Read/write modes of the instance and of the cluster in a status; in between, neither takes writes."""
    if status in (Status.SWITCHING, Status.ROLLING_BACK, Status.CLOSING):
        return "ro", "ro"
    if status is Status.NONE:
        return "rw", "rw"
    return ("ro", "rw") if status is Status.REVERSED else ("rw", "ro")


def topology(status: Status) -> str:
    """The direction of synchronisation, empty where there is none."""
    if status in (Status.CLONING, Status.CHECK_FAILED, Status.SYNCING):
        return "RDS2POLARDB"
    return "POLARDB2RDS" if status is Status.REVERSED else ""


def _require(migration: Migration, *wanted: Status) -> None:
    if migration.status not in wanted:
        raise wrong_moment(f"Current engine migration status {migration.status} does not support this operation.")


def _under_way(migration: Migration, work: Work, earliest: float) -> Migration:
    return replace(migration, work=work, earliest=earliest, step=migration.step + 1)
