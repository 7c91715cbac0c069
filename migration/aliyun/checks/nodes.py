"""Whether the cluster's nodes are as large as the source, as its page asks for."""

from __future__ import annotations

from migration.aliyun import sizes
from migration.aliyun.checks.asking import BOTH_WAYS, STEPS, account, answered, cluster, instance, unsaid
from migration.aliyun.sizes import SERVERLESS, UNKNOWN, Size
from migration.check import Pair, Result, Severity, check
from migration.checks.results import failed, not_applicable, passed, table
from migration.model import Side
from providers.aliyun.polardb_records import Node


@check(
    "polardb-node-class",
    "nodes as large as the source",
    Side.CLOUD,
    Severity.WARNING,
    why="A cluster that is weaker than the source is slow from the first minute; the page asks for at least as much.",
    asks=(
        "rds:DescribeDBInstanceAttribute: DBInstanceCPU, DBInstanceMemory; polardb:DescribeDBClusterAttribute: "
        "CpuCores, MemorySize of each node; polardb:DescribeClassList where those are not told"
    ),
    routes=BOTH_WAYS,
    again=True,
    page=STEPS,
)
@answered
def node_class(pair: Pair) -> Result:
    """Fails where a node has fewer cores or less memory than the source."""
    needed, target = sizes.of_instance(instance(pair)), cluster(pair)
    if target is None:
        return not_applicable(f"no cluster yet; its nodes need {needed}")
    if pair.chosen.get("billing") == SERVERLESS:
        return not_applicable("its nodes grow, as far as was chosen before the order")
    if not target.nodes:
        return unsaid("which nodes the cluster has")
    found = [(node, _size(pair, node)) for node in target.nodes]
    rows = [(node.node_id, node.role, node.node_class, size) for node, size in found]
    evidence = table(("what", "role", "class", "size"), [("source", "-", instance(pair).node_class, needed), *rows])
    smaller = [(node, size) for node, size in found if size.holds(needed) is False]
    if smaller:
        node, size = smaller[0]
        return failed(
            f"{node.node_class} has {size}, the source {needed}",
            evidence,
            "Give the cluster a larger node class before the switch (PolarDB console, Change Configurations; nodes are "
            "restarted one after another), or accept that it is slower than the source.",
        )
    if any(size.holds(needed) is None for _, size in found):
        return unsaid("how large the source or each node is", evidence)
    return passed(f"{found[0][1]}, the source {needed}", evidence)


def _size(pair: Pair, node: Node) -> Size:
    """What the node has by its own description, or by its class."""
    own = Size(node.cpus, node.memory_mb)
    if None not in (node.cpus, node.memory_mb):
        return own
    asked, billing = account(pair), pair.chosen.get("billing", "")
    known = pair.once("polardb classes", lambda: sizes.of_classes(asked, billing))
    return known.get(node.node_class or "", UNKNOWN)
