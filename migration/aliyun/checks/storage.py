"""Whether there is room: on the source while the migration lasts, and in the cluster for all that the source has."""

from __future__ import annotations

from migration.aliyun.checks.asking import BOTH_WAYS, STEPS, account, answered, cluster, instance, unsaid
from migration.check import Pair, Result, Severity, check
from migration.checks.results import failed, not_applicable, passed, table
from migration.model import Side
from providers.aliyun import rds
from providers.aliyun.polardb_records import Cluster

_GIB = 1 << 30
# RDS locks an instance whose disk is full; the binary log of some days has to find room as well.
_FULL = 0.9


@check(
    "rds-storage",
    "source's disk has room",
    Side.CLOUD,
    Severity.WARNING,
    why="The source keeps more binary logs during a migration, and RDS locks an instance whose disk is full.",
    asks="rds:DescribeResourceUsage: DiskUsed; rds:DescribeDBInstanceAttribute: DBInstanceStorage",
    routes=BOTH_WAYS,
    page=STEPS,
)
@answered
def source_room(pair: Pair) -> Result:
    """Fails where less than a tenth of what was bought is free."""
    used, bought = _used(pair), instance(pair).storage_gb
    if used is None or not bought:
        return unsaid("how much of its storage the instance uses")
    evidence = table(("what", "size"), [("used", _gib(used)), ("bought", f"{bought} GiB")])
    share = used / (bought * _GIB)
    found = f"{share:.0%} of {bought} GiB used"
    if share <= _FULL:
        return passed(found, evidence)
    return failed(
        found,
        evidence,
        "Buy more storage for the instance in the RDS console (Change Specifications), or delete what nobody needs, "
        "before you begin: the configuration cannot be changed while the migration lasts.",
    )


@check(
    "polardb-storage",
    "cluster holds all that source has",
    Side.CLOUD,
    Severity.BLOCKER,
    why="A cluster whose storage is full stops taking the source's data, and after the switch the application's.",
    asks="rds:DescribeResourceUsage: DiskUsed; polardb:DescribeDBClusterAttribute: StorageMax, StorageSpace",
    routes=BOTH_WAYS,
    again=True,
    page=STEPS,
)
@answered
def cluster_room(pair: Pair) -> Result:
    """Fails where the cluster may hold less than the source uses; before there is one it tells how much that is."""
    used, target = _used(pair), cluster(pair)
    if target is None:
        size = "what the source uses, which RDS does not tell" if used is None else _gib(used)
        return not_applicable(f"no cluster yet; it needs over {size}")
    most = _most(target)
    if used is None or most is None:
        return unsaid("the source's use of storage, or how much the cluster may hold")
    evidence = table(("what", "size"), [("source uses", _gib(used)), ("cluster may hold", _gib(most))])
    if most > used:
        return passed(f"{_gib(used)} of {_gib(most)}", evidence)
    return failed(
        f"{_gib(most)}, the source has {_gib(used)}",
        evidence,
        "Give the cluster a larger node class, which may hold more, or more storage where it was bought in advance "
        "(PolarDB console, Change Configurations). After a logical migration the data takes more room than on the "
        "source.",
    )


def _used(pair: Pair) -> int | None:
    asked = account(pair)
    return pair.once("rds usage", lambda: asked.read(lambda client: rds.usage(client, asked.instance_id)).disk)


def _most(target: Cluster) -> int | None:
    """How many bytes the cluster may hold: what its class allows, and no more than what was bought in advance."""
    bought = target.storage_space * _GIB if target.storage_space else None
    limits = [limit for limit in (target.storage_max, bought) if limit is not None]
    return min(limits, default=None)


def _gib(size: int) -> str:
    return f"{size / _GIB:,.1f} GiB"
