"""The server: whether its service is still offered, and whether the server is one that can be the source."""

from __future__ import annotations

from migration.azure.checks.asking import AZURE, LEARN, REPLICAS, RETIREMENT, account, answered, server, unsaid
from migration.azure.services import is_replica, is_settled
from migration.check import Pair, Result, Severity, check
from migration.checks.results import failed, passed, table
from migration.model import Side

_NO_REPLICAS = ("basic", "burstable")


@check(
    "azure-retired",
    "service is not retired",
    Side.CLOUD,
    Severity.WARNING,
    why="What is retired is not created any more, and may end at any time.",
    asks="the service in the resource's id",
    routes=AZURE,
    page=RETIREMENT,
)
@answered
def retired(pair: Pair) -> Result:
    """Fails for the classic service and for Single Server."""
    service = account(pair).service
    if not service.retired:
        return passed(service.title)
    return failed(
        f"{service.title}: retired",
        table(("service", "what is known"), [(service.title, service.retired)]),
        "Move to Flexible Server instead, by the servers' own replication (runbook mysql_replication); or go on, where "
        "the provider still lets you create replicas of this server.",
    )


@check(
    "azure-server-ready",
    "server is ready",
    Side.CLOUD,
    Severity.BLOCKER,
    why="Nothing can be begun with a server that is stopped, or with which something is under way.",
    asks="Servers_Get: state, userVisibleState or provisioningState",
    routes=AZURE,
    again=True,
    page=LEARN,
)
@answered
def ready(pair: Pair) -> Result:
    """Fails where the source is in another state than the one in which all is well."""
    found = server(pair)
    evidence = table(("server", "state"), [(found.name, found.state)])
    if found.state is None:
        return unsaid("the state of the server", evidence)
    if is_settled(found):
        return passed(found.state, evidence)
    return failed(
        found.state, evidence, "Start the server in the portal, or wait until what is under way with it has ended."
    )


@check(
    "azure-source-role",
    "source is no replica itself",
    Side.CLOUD,
    Severity.BLOCKER,
    why="The provider makes no replica of a replica.",
    asks="Servers_Get: replicationRole or replicationMode",
    routes=AZURE,
    page=REPLICAS,
)
@answered
def role(pair: Pair) -> Result:
    """Fails where the source follows another server."""
    found = server(pair)
    if found.role is None:
        return unsaid("the role of the server")
    if not is_replica(found):
        return passed(found.role)
    return failed(
        f"it follows {(found.source_id or 'another server').rpartition('/')[2]}",
        table(("server", "role", "source"), [(found.name, found.role, found.source_id)]),
        "Give the id of the server that has the writes.",
    )


@check(
    "azure-source-tier",
    "source's tier has replicas",
    Side.CLOUD,
    Severity.BLOCKER,
    why="The provider refuses replicas of servers in the Basic and Burstable tiers.",
    asks="Servers_Get: sku",
    routes=AZURE,
    page=REPLICAS,
)
@answered
def tier(pair: Pair) -> Result:
    """Fails for Basic and Burstable."""
    found, service = server(pair), account(pair).service
    evidence = table(("server", "size", "tier"), [(found.name, found.sku, found.tier)])
    if service.keeps_backups:
        return passed(f"{found.sku or 'any size'}", evidence)
    if found.tier is None:
        return unsaid("the tier of the server", evidence)
    if found.tier.lower() not in _NO_REPLICAS:
        return passed(found.tier, evidence)
    return failed(
        found.tier,
        evidence,
        "Change the server to General Purpose first (portal, Compute + storage; it restarts): after that the change of "
        "tier that you want may be done.",
    )
