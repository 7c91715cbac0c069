"""What is asked before a Blue/Green deployment is made or picked up: what RDS itself asks at the switch, and more."""

from __future__ import annotations

from migration.aws.account import own_group
from migration.aws.blue_green import state
from migration.aws.blue_green.account import Deployed
from migration.aws.checks import groups, instance, login, logs, plans
from migration.aws.checks.applications import connected
from migration.aws.checks.asking import answered, unsaid
from migration.aws.checks.asking import instance as described
from migration.check import Check, Pair, Result, Severity, check
from migration.checks.results import failed, passed, table
from migration.model import Side
from migration.runbook import CloudFailed
from providers.aws import bluegreen, instances
from providers.aws.bluegreen import Deployment

_GUIDE = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/"
_SWITCHING = f"{_GUIDE}blue-green-deployments-switching.html"
_LIMITS = f"{_GUIDE}blue-green-deployments-considerations.html"
_USABLE = (bluegreen.PROVISIONING, bluegreen.AVAILABLE, bluegreen.SWITCH_FAILED)


def _account(pair: Pair) -> Deployed:
    if not isinstance(pair.cloud, Deployed):
        raise CloudFailed("This migration has no account with AWS; begin it again with one.")
    return pair.cloud


@check(
    "rds-deployment",
    "one deployment, or none",
    Side.CLOUD,
    Severity.BLOCKER,
    why="RDS makes one Blue/Green deployment of an instance at a time; one that is there is picked up.",
    asks="rds:DescribeBlueGreenDeployments; rds:DescribeDBInstances: DBParameterGroups of green",
    page=_LIMITS,
)
@answered
def deployment(pair: Pair) -> Result:
    """Fails where there is one that cannot be switched over, or whose green cannot be closed by itself."""
    account = _account(pair)
    found = state.of_instance(account, account.spec.resource)
    evidence = table(
        ("deployment", "name", "status", "details"),
        [(one.deployment_id, one.name, one.status, one.details) for one in found],
    )
    if not found:
        return passed("none", evidence)
    one = found[0]
    if len(found) > 1 or one.status not in _USABLE:
        return failed(
            ", ".join(f"{each.deployment_id} is {each.status}" for each in found),
            evidence,
            "Delete it with its green side in the console, or wait until that has ended; then check again.",
        )
    return _picked_up(pair, account, one)


def _picked_up(pair: Pair, account: Deployed, one: Deployment) -> Result:
    name = bluegreen.name_of(one.green_arn or "")
    green = account.read(lambda client: instances.find(client, name)) if name else None
    if green is None or not green.parameter_groups:
        return unsaid(f"the green side of {one.deployment_id}")
    group, blue = own_group(green), own_group(described(pair))
    evidence = table(
        ("deployment", "green", "version", "class", "parameter group"),
        [(one.deployment_id, name, green.version, green.node_class, group or "a default one")],
    )
    if group is not None and group != blue:
        return passed(f"{one.deployment_id} is picked up", evidence)
    return failed(
        f"green has {'a default parameter group' if group is None else 'the group of blue'}",
        evidence,
        f"Writes are stopped by read_only in an instance's own parameter group. Give {name} a group of its own (a copy "
        "of blue's: Copy, then Modify, in the console), reboot it, which no client notices, then check again.",
    )


@check(
    "rds-blue-alone",
    "blue has no replicas",
    Side.CLOUD,
    Severity.WARNING,
    why="RDS copies and switches blue's replicas with it; none of them follows where one goes back.",
    asks="rds:DescribeDBInstances: ReadReplicaDBInstanceIdentifiers",
    page=_LIMITS,
)
@answered
def replicas(pair: Pair) -> Result:
    """Fails where blue has replicas besides green."""
    found = described(pair)
    if found.replica_ids is None:
        return unsaid("the replicas of the instance")
    others = [name for name in found.replica_ids if "-green-" not in name]
    if not others:
        return passed("none")
    return failed(
        ", ".join(others),
        table(("replica",), [(name,) for name in others]),
        "Each gets a green one, billed too, which takes its name and endpoint with the switch. A rollback moves the "
        "writes alone: their readers stay on the green ones. Replicas of replicas and in other regions RDS refuses.",
    )


@check(
    "rds-blue-external",
    "blue follows no other server",
    Side.SOURCE,
    Severity.BLOCKER,
    why="RDS refuses to switch over while blue replicates from another server, which could write on it meanwhile.",
    asks="SHOW REPLICA STATUS",
    page=_SWITCHING,
)
def external(pair: Pair) -> Result:
    """Fails where the source has a replication channel."""
    status = pair.source.replica_status()
    if status is None:
        return passed("it does not")
    return failed(
        f"it follows {status.source_host}:{status.source_port}",
        (),
        f"End that with {pair.source.dialect.reset_replica} if it is not needed, then check again.",
    )


@check(
    "rds-name-lifetime",
    "applications look the endpoint up again",
    Side.CLOUD,
    Severity.NOTICE,
    why="The endpoint's name leads to green after the switch; who keeps its old address writes to old blue and fails.",
    asks="rds:DescribeDBInstances: Endpoint; the sessions of the source",
    page=_SWITCHING,
)
@answered
def lifetime(pair: Pair) -> Result:
    """Always tells who is connected: how long names are kept somewhere nobody can ask."""
    return failed(
        "sessions are ended by the switch",
        connected(pair),
        f"See that each of these opens its sessions again, and keeps the address of {described(pair).host} for 5 s at "
        "most (RDS's own time to live; Java keeps names longer). Where one goes back, old blue has an endpoint of its "
        "own: see that they can be given that.",
    )


def every() -> tuple[Check, ...]:
    """Every check of the account, in the order in which it is read."""
    return (
        instance.usable,
        deployment,
        instance.shapes,
        instance.storage,
        replicas,
        external,
        logs.backups,
        logs.retention,
        logs.mariadb_positions,
        groups.own,
        groups.shared,
        groups.in_force,
        login.procedures_there,
        login.master_user,
        login.replication_account,
        plans.maintenance,
        instance.protection,
        lifetime,
    )
