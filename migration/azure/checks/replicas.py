"""The replica that is to be made: whether the provider makes it, out of what, and what that does to the source."""

from __future__ import annotations

from migration.azure.checks.asking import AZURE, REPLICAS, SINGLE_REPLICAS, account, answered, server, unsaid
from migration.azure.services import is_replica
from migration.check import Pair, Result, Severity, check
from migration.checks.results import count, failed, not_applicable, passed, table
from migration.model import Side
from providers.azure import classic


@check(
    "azure-backup",
    "complete backup is there",
    Side.CLOUD,
    Severity.WARNING,
    why="The provider makes a replica out of a complete backup, of which it takes one a day.",
    asks="the backups of the classic service; Servers_Get: earliestRestoreDate of the others",
    routes=AZURE,
    page=REPLICAS,
)
@answered
def backup(pair: Pair) -> Result:
    """Fails where no backup is complete yet; the migration waits for one."""
    asked, found = account(pair), server(pair)
    remedy = "Wait: the provider takes one within a day. The migration can be begun and waits for it."
    if not asked.service.keeps_backups:
        if found.earliest_restore is None:
            return failed("none yet", (), remedy)
        return passed(f"since {found.earliest_restore:%Y-%m-%d %H:%M} UTC")
    listed = asked.read(lambda client: classic.backups(client, asked.source))
    evidence = table(("backup", "kind", "status"), [(one.name, one.kind, one.status) for one in listed])
    ready = [one for one in listed if one.status == classic.READY]
    return passed(f"{ready[-1].name} is Ready", evidence) if ready else failed("none is Ready", evidence, remedy)


@check(
    "azure-replica-capacity",
    "one more replica is possible",
    Side.CLOUD,
    Severity.BLOCKER,
    why="The provider allows a server a number of replicas and no more.",
    asks="Servers_Get: replicaCapacity",
    routes=AZURE,
    page=REPLICAS,
)
@answered
def capacity(pair: Pair) -> Result:
    """Fails where the source has all its replicas."""
    found, asked = server(pair), account(pair)
    if asked.service.keeps_backups:
        return not_applicable("the classic service allows 5 and does not list them")
    made = pair.spec.target.name == asked.replica.name
    if found.replica_capacity is None:
        return unsaid("how many replicas the server can have")
    if found.replica_capacity > 0 or made:
        return passed(count(found.replica_capacity, "more", "more"))
    return failed(
        "none",
        table(("server", "further replicas"), [(found.name, found.replica_capacity)]),
        "Delete a replica that is not needed any more, in the portal.",
    )


@check(
    "azure-replica-name",
    "the replica's name is free",
    Side.CLOUD,
    Severity.BLOCKER,
    why="Names of servers are unique; what has the name already is not touched.",
    asks="Servers_Get of the replica's name",
    routes=AZURE,
)
@answered
def name(pair: Pair) -> Result:
    """Fails where a server of this name is there that is not this migration's replica."""
    asked = account(pair)
    found = asked.server(asked.replica)
    if found is None:
        return passed(asked.replica.name)
    source = (found.source_id or "").rpartition("/")[2].lower()
    if is_replica(found) and source == asked.source.name.lower():
        return passed(f"{asked.replica.name} follows {asked.source.name} already")
    return failed(
        f"{asked.replica.name} is taken",
        table(("server", "state", "role"), [(found.name, found.state, found.role)]),
        "Begin the migration again with another name: --option replica=NAME.",
    )


@check(
    "azure-first-replica",
    "the source is not restarted",
    Side.CLOUD,
    Severity.WARNING,
    why="The first replica of a Single or Flexible Server restarts the source: connections break for a minute or two.",
    asks="Replicas_ListByServer",
    routes=AZURE,
    page=SINGLE_REPLICAS,
)
@answered
def first(pair: Pair) -> Result:
    """Fails where the source has no replica yet."""
    asked = account(pair)
    listed = asked.read(lambda client: asked.service.replicas(client, asked.source))
    if listed is None:
        return not_applicable("not known of the classic service")
    if listed:
        return passed(count(len(listed), "replica", "replicas"), table(("replica",), [(one.name,) for one in listed]))
    return failed(
        "it is the first replica",
        (),
        "Begin at a time at which the applications can bear a restart, and see that they connect again by themselves.",
    )


@check(
    "azure-high-availability",
    "source has no standby",
    Side.CLOUD,
    Severity.NOTICE,
    why="A replica has no high availability; it can be turned on once it was promoted.",
    asks="Servers_Get: highAvailability",
    routes=AZURE,
    page=REPLICAS,
)
@answered
def availability(pair: Pair) -> Result:
    """Fails where the source is highly available."""
    found = server(pair)
    if found.ha_mode in (None, "Disabled"):
        return passed("the source has no standby")
    return failed(
        f"the source is {found.ha_mode}",
        table(("server", "mode", "state"), [(found.name, found.ha_mode, found.ha_state)]),
        "Turn high availability on for the new server in the portal, once it has the writes.",
    )
