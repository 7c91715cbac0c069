"""The two servers: their states, versions, sizes, and where they are."""

from __future__ import annotations

from migration.azure.checks.asking import AZURE, RETIREMENT, answered, unsaid
from migration.azure.dms.account import DmsAccount
from migration.azure.dms.checks.asking import FAQ, account, source, target
from migration.azure.services import is_replica, is_settled
from migration.check import Pair, Result, Severity, check
from migration.checks.results import failed, not_applicable, passed, table
from migration.model import Side
from providers.azure.records import Server

_OLDEST = (5, 6)
_SMALL = ("burstable",)


@check(
    "azure-dms-retired",
    "source's service is not retired",
    Side.CLOUD,
    Severity.NOTICE,
    why="What is retired may end at any time: do not put the migration off.",
    asks="the service in the source's id",
    routes=AZURE,
    page=RETIREMENT,
)
@answered
def retired(pair: Pair) -> Result:
    """Fails for Single Server."""
    origin = account(pair).origin
    if origin is None:
        return not_applicable("the source is no server of Azure's")
    service, _ = origin
    if not service.retired:
        return passed(service.title)
    rows = [(service.title, service.retired)]
    return failed(f"{service.title}: retired", table(("service", "what is known"), rows), "Migrate it; do not wait.")


@check(
    "azure-dms-source-ready",
    "source is ready",
    Side.CLOUD,
    Severity.BLOCKER,
    why="A server that is stopped, or with which something is under way, cannot be migrated.",
    asks="Servers_Get of the source: state",
    routes=AZURE,
    again=True,
)
@answered
def source_ready(pair: Pair) -> Result:
    """Fails where the source is in another state than the one in which all is well."""
    found = source(pair)
    return not_applicable("the source is no server of Azure's") if found is None else _ready(found)


@check(
    "azure-dms-target-ready",
    "target is ready",
    Side.CLOUD,
    Severity.BLOCKER,
    why="Nothing can be copied to a server that is stopped, or with which something is under way.",
    asks="Servers_Get of the target: state and role",
    routes=AZURE,
    again=True,
)
@answered
def target_ready(pair: Pair) -> Result:
    """Fails where the target is in another state, or follows a server."""
    found = target(pair)
    if found is None:
        return not_applicable("it is still to be made")
    if is_replica(found):
        rows = [(found.name, found.role, found.source_id)]
        remedy = "Give the id of a server that takes writes, or end its replication in the portal."
        return failed("it follows another server", table(("server", "role", "source"), rows), remedy)
    return _ready(found)


def _ready(found: Server) -> Result:
    evidence = table(("server", "state"), [(found.name, found.state)])
    if found.state is None:
        return unsaid("the state of the server", evidence)
    if is_settled(found):
        return passed(found.state, evidence)
    return failed(
        found.state, evidence, "Start the server in the portal, or wait until what is under way with it has ended."
    )


@check(
    "azure-dms-versions",
    "from MySQL 5.6 on, to the same or newer",
    Side.BOTH,
    Severity.BLOCKER,
    why="The service migrates from lower versions to higher ones, and from 5.6 on.",
    asks="SELECT VERSION() on both",
    routes=AZURE,
    page=FAQ,
)
@answered
def versions(pair: Pair) -> Result:
    """Fails where the source is older than 5.6, no MySQL, or newer than the target."""
    ours, theirs = pair.source.version, pair.foreseen
    evidence = table(("server", "version"), [("source", ours), ("target", theirs or "still to be made")])
    if ours.mariadb or not ours.mysql_from(*_OLDEST):
        return failed(str(ours), evidence, "This service takes MySQL 5.6 and newer; use runbook mysql_replication.")
    if theirs is not None and ours.number[:2] > theirs.number[:2]:
        return failed(f"{ours} to {theirs}", evidence, "Take a target of the source's version or a newer one.")
    return passed(f"{ours} to {theirs or 'a server still to be made'}", evidence)


@check(
    "azure-dms-places",
    "where both servers are",
    Side.CLOUD,
    Severity.NOTICE,
    why="Another region, subscription or resource group is supported; a far target is slower to copy to.",
    asks="the ids of both servers, and their regions",
    routes=AZURE,
    page=FAQ,
)
@answered
def places(pair: Pair) -> Result:
    """Fails, as a notice, where something is crossed."""
    asked = account(pair)
    if asked.origin is None:
        return not_applicable("the source is no server of Azure's")
    rows = _rows(pair, asked)
    crossed = [what for what, ours, theirs in rows if theirs and _plain(ours) != _plain(theirs)]
    evidence = table(("what", "source", "target"), rows)
    if not crossed:
        return passed("the same region, subscription and group", evidence)
    return failed(
        f"another {' and '.join(crossed)}",
        evidence,
        "Supported; nothing to do but to see that the service reaches both servers, which the connection tests show.",
    )


def _rows(pair: Pair, asked: DmsAccount) -> list[tuple[str, str, str]]:
    assert asked.origin is not None
    _, here = asked.origin
    ours, theirs = source(pair), target(pair)
    return [
        ("region", (ours.location if ours else None) or "", (theirs.location if theirs else None) or ""),
        ("subscription", here.subscription_id, asked.target.subscription_id),
        ("resource group", here.resource_group, asked.target.resource_group),
    ]


def _plain(region: str) -> str:
    return region.lower().replace(" ", "")


@check(
    "azure-dms-target-size",
    "target is no small one",
    Side.CLOUD,
    Severity.WARNING,
    why="A small target throttles the copy.",
    asks="Servers_Get of the target: sku",
    routes=AZURE,
    page=FAQ,
)
@answered
def target_size(pair: Pair) -> Result:
    """Fails where the target is burstable."""
    found = target(pair)
    if found is None:
        return not_applicable("it is still to be made")
    evidence = table(("server", "size", "tier"), [(found.name, found.sku, found.tier)])
    if found.tier is None:
        return unsaid("the tier of the target", evidence)
    if found.tier.lower() not in _SMALL:
        return passed(f"{found.sku}, {found.tier}", evidence)
    return failed(
        f"{found.sku}, {found.tier}",
        evidence,
        "Give it a larger size for the copy: that is asked next, and its own size is given back afterwards.",
    )
