"""Where the source and the cluster are: region and network."""

from __future__ import annotations

from migration.aliyun.checks.asking import BOTH_WAYS, STEPS, account, answered, cluster, instance, unsaid
from migration.check import Pair, Result, Severity, check
from migration.checks.results import failed, passed, table
from migration.model import Side


@check(
    "rds-region",
    "source is in the region given",
    Side.CLOUD,
    Severity.BLOCKER,
    why="The cluster is made in the source's region; no migration goes from one region to another.",
    asks="rds:DescribeDBInstanceAttribute, polardb:DescribeDBClusterAttribute: RegionId",
    routes=BOTH_WAYS,
    page=STEPS,
)
@answered
def region(pair: Pair) -> Result:
    """Fails where the source, or the cluster, is in another region than calls are made in."""
    ours = account(pair).client.region
    found, target = instance(pair), cluster(pair)
    told = [("source", found.region_id)] + ([("cluster", target.region_id)] if target else [])
    evidence = table(("what", "region"), [("calls are made in", ours), *told])
    wrong = [(what, where) for what, where in told if where and where != ours]
    if wrong:
        what, where = wrong[0]
        return failed(
            f"{what} in {where}",
            evidence,
            f"Begin the migration again with the region {where}. A target in another region than the source's needs "
            "other means, such as DTS by itself or the servers' own replication.",
        )
    missing = [what for what, where in told if not where]
    return unsaid(f"the region of the {missing[0]}", evidence) if missing else passed(ours, evidence)


@check(
    "rds-vpc",
    "source is in a VPC",
    Side.CLOUD,
    Severity.BLOCKER,
    why="Private addresses can be exchanged, and clients reach both sides, only where both are in the same VPC.",
    asks="rds:DescribeDBInstanceAttribute: VpcId; polardb:DescribeDBClusterAttribute: VPCId",
    routes=BOTH_WAYS,
    again=True,
    page=STEPS,
)
@answered
def vpc(pair: Pair) -> Result:
    """Fails where the source is in no VPC, or the cluster in another one."""
    found, target = instance(pair), cluster(pair)
    rows = [("source", found.vpc_id, found.vswitch_id)]
    rows += [("cluster", target.vpc_id, target.vswitch_id)] if target else []
    evidence = table(("what", "VPC", "vSwitch"), rows)
    if found.vpc_id is None or (target is not None and not target.vpc_id):
        return unsaid("the VPC", evidence)
    if not found.vpc_id:
        return failed(
            "classic network",
            evidence,
            "Switch the instance to a VPC in the RDS console first (Database Connection, Switch to VPC; choose to keep "
            "the classic endpoint for as long as clients need it), and give clients the new address.",
        )
    if target is not None and target.vpc_id != found.vpc_id:
        return failed(
            "two different VPCs",
            evidence,
            "Clients in the source's VPC do not reach the cluster's private addresses. Switch without endpoints and "
            "connect the two VPCs (Cloud Enterprise Network), or cancel and create the cluster in the source's VPC.",
        )
    return passed(found.vpc_id, evidence)
