"""The instance: whether a replica can be made of it, and what of it the replica does not take over."""

from __future__ import annotations

from migration.aws import state
from migration.aws.checks.asking import DELETION, MULTI_AZ, REPLICAS, STATUSES, account, answered, instance, unsaid
from migration.check import Pair, Result, Severity, check
from migration.checks.results import count, failed, passed, table
from migration.model import Side
from providers.aws import offers

_ENGINES = ("mysql", "mariadb")


@check(
    "rds-usable",
    "instance takes orders",
    Side.CLOUD,
    Severity.BLOCKER,
    why="RDS makes a replica of an available instance of its own MySQL or MariaDB only.",
    asks="rds:DescribeDBInstances: Engine, DBInstanceStatus, ReadReplicaSourceDBInstanceIdentifier",
    again=True,
    page=STATUSES,
)
@answered
def usable(pair: Pair) -> Result:
    """Fails where the source is no available primary of RDS for MySQL or MariaDB."""
    found = instance(pair)
    evidence = table(("engine", "status", "replica of"), [(found.engine, found.status, found.source_id or "-")])
    if found.engine is None or found.status is None:
        return unsaid("the engine or the status of the instance", evidence)
    if found.engine not in _ENGINES:
        return failed(
            found.engine,
            evidence,
            "Give the name of an instance of RDS for MySQL or RDS for MariaDB; Aurora is moved by its own means.",
        )
    if found.source_id is not None:
        return failed(
            f"replica of {found.source_id}", evidence, f"Give the name of the primary instead: {found.source_id}."
        )
    if state.works(found):
        return passed(found.status, evidence)
    return failed(
        found.status,
        evidence,
        "Wait until what is under way has ended (Events, in the console). Where it does not end by itself, such as "
        "storage-full or incompatible-parameters, the page of this check says what to do.",
    )


@check(
    "rds-shapes",
    "replicas are offered for this version",
    Side.CLOUD,
    Severity.BLOCKER,
    why="The new instance is made in the source's version; RDS offers none of a version that it has given up.",
    asks="rds:DescribeOrderableDBInstanceOptions",
    page=REPLICAS,
)
@answered
def shapes(pair: Pair) -> Result:
    """Fails where no class can be had as a replica of this version."""
    found = instance(pair)
    engine, version = found.engine or "", found.version or ""
    listed = account(pair).read(lambda client: offers.classes(client, engine, version))
    names = sorted({one.name for one in listed if one.name and one.replicas is not False})
    if names:
        return passed(count(len(names), "class", "classes"), table(("class",), [(name,) for name in names]))
    return failed(
        f"none for {engine} {version}",
        (),
        f"Upgrade {found.instance_id} to a version that RDS still offers (Modify, in the console), at a quiet time: it "
        "restarts. Or move it by the servers' own replication (runbook mysql_replication).",
    )


@check(
    "rds-storage-busy",
    "storage is not being changed",
    Side.CLOUD,
    Severity.WARNING,
    why="While RDS optimises storage after a change, copying is slow, and storage cannot be changed again for 6 hours.",
    asks="rds:DescribeDBInstances: DBInstanceStatus, PendingModifiedValues",
    page=STATUSES,
)
@answered
def storage(pair: Pair) -> Result:
    """Fails where a change of the source is under way, or waits for its maintenance window."""
    found = instance(pair)
    evidence = table(("ordered", "becomes"), found.pending)
    if found.status is not None and found.status.startswith("storage-"):
        return failed(found.status, evidence, "Wait until the status is available, then check again.")
    if found.pending:
        names = ", ".join(name for name, _ in found.pending)
        return failed(
            names,
            evidence,
            "These changes were ordered for the next maintenance window, some with a restart: apply them now at a "
            "quiet time (Modify, apply immediately), or take them back, so that none of them comes in the middle.",
        )
    return passed("nothing is pending")


@check(
    "rds-own-replicas",
    "replicas of the source",
    Side.CLOUD,
    Severity.WARNING,
    why="A replica of the source goes on following it, and is behind for ever once the writes have moved.",
    asks="rds:DescribeDBInstances: ReadReplicaDBInstanceIdentifiers",
    page=REPLICAS,
)
@answered
def replicas(pair: Pair) -> Result:
    """Fails where the source has replicas besides the one of this migration."""
    found = instance(pair)
    if found.replica_ids is None:
        return unsaid("the replicas of the instance")
    others = [name for name in found.replica_ids if name != account(pair).replica_id]
    if not others:
        return passed("none")
    return failed(
        ", ".join(others),
        table(("replica",), [(name,) for name in others]),
        "They get every change through the source for as long as it follows the new primary. Before you complete, make "
        "replicas of the new primary and point their readers there.",
    )


@check(
    "rds-deletion-protection",
    "protection from deletion",
    Side.CLOUD,
    Severity.NOTICE,
    why="A replica is not protected from deletion because its source is.",
    asks="rds:DescribeDBInstances: DeletionProtection",
    page=DELETION,
)
@answered
def protection(pair: Pair) -> Result:
    """Fails where the source is protected, which the new instance will not be."""
    found = instance(pair)
    if found.deletion_protected is None:
        return unsaid("whether the instance is protected from deletion")
    if not found.deletion_protected:
        return passed("the source is not protected")
    return failed(
        "the new instance will not be",
        (),
        "After the cutover turn it on there (Modify, in the console). The old primary can be deleted only once it is "
        "turned off here.",
    )


@check(
    "rds-multi-az",
    "standby in another zone",
    Side.CLOUD,
    Severity.NOTICE,
    why="AWS advises against converting a busy primary; the new instance can have a standby from its beginning.",
    asks="rds:DescribeDBInstances: MultiAZ",
    page=MULTI_AZ,
)
@answered
def multi_az(pair: Pair) -> Result:
    """Fails where the source has no standby, so that the operator chooses knowingly."""
    found = instance(pair)
    if found.multi_az is None:
        return unsaid("whether the instance has a standby")
    if found.multi_az:
        return passed("the source has one")
    return failed(
        "the source has none",
        (),
        "Whether the new instance is to have one is asked next. A failover to it takes 60 to 120 s; it is no way to "
        "change a class without an outage.",
    )
