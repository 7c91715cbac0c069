"""Parameter groups: without SUPER they are the only way to make an instance read-only."""

from __future__ import annotations

from migration.aws.account import own_group
from migration.aws.checks.asking import GROUPS, account, answered, every_instance, instance, unsaid
from migration.check import Pair, Result, Severity, check
from migration.checks.results import failed, not_applicable, passed, table
from migration.model import Side

_IN_SYNC = "in-sync"


@check(
    "rds-own-group",
    "parameter group of its own",
    Side.CLOUD,
    Severity.BLOCKER,
    why="Writes are stopped by read_only in the instance's parameter group, and the default one cannot be changed.",
    asks="rds:DescribeDBInstances: DBParameterGroups",
    page=GROUPS,
)
@answered
def own(pair: Pair) -> Result:
    """Fails where the source has a default parameter group."""
    found = instance(pair)
    if not found.parameter_groups:
        return unsaid("the parameter group of the instance")
    name = own_group(found)
    evidence = table(("group", "in force"), [(one.name, one.apply_status) for one in found.parameter_groups])
    if name is not None:
        return passed(name, evidence)
    new = f"{found.instance_id}-params"
    return failed(
        "a default one",
        evidence,
        f"Make a group of the same family (`aws rds create-db-parameter-group --db-parameter-group-name {new} ...`), "
        f"give it to the instance (`aws rds modify-db-instance --db-instance-identifier {found.instance_id} "
        f"--db-parameter-group-name {new}`) and reboot it at a quiet time: that is an outage of about a minute. Or "
        "stop writes yourself and begin again with --fence operator.",
    )


@check(
    "rds-group-shared",
    "parameter group of it alone",
    Side.CLOUD,
    Severity.BLOCKER,
    why="read_only in a parameter group closes every instance that uses it.",
    asks="rds:DescribeDBInstances: DBParameterGroups of every instance of the region",
    again=True,
    page=GROUPS,
)
@answered
def shared(pair: Pair) -> Result:
    """Fails where another instance uses the source's group."""
    name, ours = own_group(instance(pair)), (account(pair).instance_id, account(pair).replica_id)
    if name is None:
        return not_applicable("it has a default one")
    others = [
        one.instance_id
        for one in every_instance(pair)
        if one.instance_id not in ours and name in {group.name for group in one.parameter_groups or ()}
    ]
    if not others:
        return passed(f"{name} is used here only")
    return failed(
        f"used by {', '.join(map(str, others))}",
        table(("instance",), [(other,) for other in others]),
        f"Give the others a group of their own (a copy of {name}: Copy, in the console), and reboot them at a quiet "
        "time; or give this instance one.",
    )


@check(
    "rds-group-in-force",
    "parameter group is in force",
    Side.CLOUD,
    Severity.WARNING,
    why="What waits for a restart comes into force on the new instance from its beginning, and not here.",
    asks="rds:DescribeDBInstances: ParameterApplyStatus",
    page=GROUPS,
)
@answered
def in_force(pair: Pair) -> Result:
    """Fails where parameters of the source wait for a restart."""
    found = instance(pair)
    if not found.parameter_groups:
        return unsaid("the parameter group of the instance")
    evidence = table(("group", "in force"), [(one.name, one.apply_status) for one in found.parameter_groups])
    waiting = [str(one.apply_status) for one in found.parameter_groups if one.apply_status != _IN_SYNC]
    if not waiting:
        return passed(_IN_SYNC, evidence)
    return failed(
        ", ".join(waiting),
        evidence,
        "Reboot the instance at a quiet time, or see in the console which parameters wait, and that the applications "
        "are well with them.",
    )
