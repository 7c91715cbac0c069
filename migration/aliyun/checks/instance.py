"""The RDS instance: whether the provider migrates it at all, in which way, and whether it does so now."""

from __future__ import annotations

from migration.aliyun import state
from migration.aliyun.checks import editions
from migration.aliyun.checks.asking import (
    BOTH_WAYS,
    FAQ,
    LOGICAL_ONLY,
    OVERVIEW,
    STEPS,
    account,
    answered,
    cluster_id,
    instance,
    unsaid,
)
from migration.aliyun.route import PHYSICAL_FROM, chosen_route
from migration.check import Pair, Result, Route, Severity, check
from migration.checks.results import count, failed, not_applicable, passed, table
from migration.model import Side
from providers.aliyun import polardb, rds

_WANTED = (("engine", "MySQL"), ("kind", "Primary"), ("status", "Running"), ("lock", "Unlock"))


@check(
    "rds-running",
    "instance runs and is unlocked",
    Side.CLOUD,
    Severity.BLOCKER,
    why="The provider starts and switches a migration of a running, unlocked primary instance only.",
    asks="rds:DescribeDBInstanceAttribute: Engine, DBInstanceType, DBInstanceStatus, LockMode",
    routes=BOTH_WAYS,
    again=True,
    page=FAQ,
)
@answered
def running(pair: Pair) -> Result:
    """Fails where the source is no running and unlocked primary instance of MySQL."""
    found = instance(pair)
    told = dict(
        zip((name for name, _ in _WANTED), (found.engine, found.kind, found.status, found.lock_mode), strict=True)
    )
    evidence = table(("what", "is", "has to be"), [(name, told[name], wanted) for name, wanted in _WANTED])
    wrong = [name for name, wanted in _WANTED if told[name] and (told[name] or "").lower() != wanted.lower()]
    if wrong:
        return failed(
            ", ".join(f"{name} {told[name]}" for name in wrong),
            evidence,
            "Give the id of a primary instance of RDS for MySQL. Where it is not Running, wait until what is under way "
            "has ended. Where it is locked, the console says why: a full disk, an unpaid bill, or an expired "
            "subscription.",
        )
    missing = [name for name, _ in _WANTED if not told[name]]
    return unsaid(f"the instance's {', '.join(missing)}", evidence) if missing else passed("running", evidence)


@check(
    "rds-edition",
    "edition can be migrated",
    Side.CLOUD,
    Severity.BLOCKER,
    why="The provider migrates certain versions, editions and storage types, and refuses an order for the others.",
    asks="rds:DescribeDBInstanceAttribute: EngineVersion, Category, DBInstanceStorageType",
    routes=BOTH_WAYS,
    page=OVERVIEW,
)
@answered
def edition(pair: Pair) -> Result:
    """Fails where the rules that are kept to do not list this kind of instance."""
    found, rules = instance(pair), account(pair).rules
    allowed = editions.allowed_2019(found) if rules == "2019" else editions.allowed_2026(found)
    words = f"{found.version} {found.category} {found.storage_type}"
    evidence = table(
        ("version", "edition", "storage", "rules"), [(found.version, found.category, found.storage_type, rules)]
    )
    if allowed is None:
        return unsaid(f"what kind of instance it is ({words})", evidence)
    if allowed:
        return passed(words, evidence)
    listed = (
        "5.6 High-availability Edition"
        if rules == "2019"
        else "5.6 High-availability on local disks; 5.7 and 8.0 Basic on cloud disks, High-availability on local or "
        "cloud disks, Cluster on cloud disks"
    )
    return failed(
        words,
        evidence,
        f"The rules of {rules} list {listed}. Change the instance's edition or version in the RDS console, or move it "
        "by the servers' own replication instead (runbook mysql_replication).",
    )


@check(
    "rds-way",
    "migrated in the way planned for",
    Side.CLOUD,
    Severity.BLOCKER,
    why="The provider chooses whether data files or rows are moved, and each way has conditions of its own.",
    asks="rds:DescribeDBInstanceAttribute: EngineVersion, Category, DBInstanceStorageType, CurrentKernelVersion",
    routes=BOTH_WAYS,
    page=OVERVIEW,
)
@answered
def planned_way(pair: Pair) -> Result:
    """Fails where the data files were to be moved and the provider will move rows."""
    found = instance(pair)
    evidence = table(
        ("version", "edition", "storage", "minor version", "planned"),
        [(found.version, found.category, found.storage_type, found.kernel, pair.route.value)],
    )
    if pair.route is Route.LOGICAL:
        # Also where the files could be moved: to a newer version they never are.
        return passed("logical: DTS moves the rows", evidence)
    kind = editions.of_physical_kind(found)
    if kind is None or (kind and editions.minor_version(found) is None):
        return unsaid("whether data files or rows will be moved", evidence)
    if chosen_route(found, found.version) is Route.PHYSICAL:
        return passed("physical: the data files are moved", evidence)
    return failed(
        "logical, planned for physical",
        evidence,
        "These checks were made for a migration of data files, and the provider will move rows by DTS: begin the "
        "migration again, so that what a logical one needs (roles, primary keys, triggers, accounts) is looked at.",
    )


@check(
    "rds-kernel",
    "minor version allows physical move",
    Side.CLOUD,
    Severity.WARNING,
    why="An older minor version is moved row by row, with more conditions and more load on the source.",
    asks="rds:DescribeDBInstanceAttribute: CurrentKernelVersion",
    routes=BOTH_WAYS,
    page=OVERVIEW,
)
@answered
def kernel(pair: Pair) -> Result:
    """Fails where only its minor version keeps an instance from being moved physically."""
    found = instance(pair)
    kind = editions.of_physical_kind(found)
    if kind is None:
        return unsaid("what kind of instance it is")
    if not kind:
        return not_applicable("this kind is always moved logically")
    needed = PHYSICAL_FROM[found.version or ""]
    evidence = table(("version", "minor version", "at least"), [(found.version, found.kernel, needed)])
    minor = editions.minor_version(found)
    if minor is None:
        return unsaid(f"the minor version ({found.kernel})", evidence)
    if minor >= needed:
        return passed(str(minor), evidence)
    return failed(
        f"{minor}, {needed} is needed",
        evidence,
        "Upgrade the minor engine version in the RDS console (Configuration Information; the instance switches over "
        "once, which breaks connections for some seconds), or go the logical way: this finding stays, and the checks "
        "for that way are asked.",
    )


@check(
    "rds-other-migration",
    "no other migration of the instance",
    Side.CLOUD,
    Severity.BLOCKER,
    why="An instance can be in one migration at a time; the provider refuses to begin a second one.",
    asks="polardb:DescribeDBClusters, then polardb:DescribeDBClusterMigration of each cluster of the region",
    routes=BOTH_WAYS,
    page=STEPS,
)
@answered
def other_migration(pair: Pair) -> Result:
    """Fails where another cluster than this migration's is being filled from the instance."""
    asked, own = account(pair), cluster_id(pair)
    names = [one.cluster_id for one in asked.read(polardb.clusters)]
    if None in names:
        return unsaid("the id of a cluster in the region")
    rows = []
    for name in names:
        found = state.look_for(asked, name) if name is not None and name != own else None
        if found is not None and found.source_id == asked.instance_id and not state.ended(found):
            rows.append((name, state.in_words(found), found.expires or "-"))
    if not rows:
        return passed(f"none, of {count(len(names), 'cluster', 'clusters')}")
    return failed(
        f"into {rows[0][0]}",
        table(("cluster", "state", "ends by itself"), rows),
        "Finish that one: if it has switched, complete it or roll it back in the PolarDB console (RDS Migration, on "
        "the cluster's Basic Information page); if not, cancel it there. Its cluster stays and is billed until you "
        "delete it. If it is one of this program's, resume that migration instead of beginning another.",
    )


@check(
    "rds-not-empty",
    "there is a database to migrate",
    Side.CLOUD,
    Severity.BLOCKER,
    why="DTS refuses a source without any database, after the cluster has been bought.",
    asks="rds:DescribeDatabases",
    routes=LOGICAL_ONLY,
    page=FAQ,
)
@answered
def not_empty(pair: Pair) -> Result:
    """Fails where the provider knows of no database in the instance."""
    asked = account(pair)
    found = asked.read(lambda client: rds.databases(client, asked.instance_id))
    if found:
        evidence = table(("database", "status"), [(one.name, one.status) for one in found])
        return passed(count(len(found), "database", "databases"), evidence)
    return failed(
        "none",
        (),
        "See that this is the right instance; then create the application's database, in the console or by CREATE "
        "DATABASE.",
    )
