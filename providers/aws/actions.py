"""Which calls are made, and what the caller must be allowed to do for each.

`docs/aws-policies.md` shows the policies that `policy` makes of this table. Source of permissions and resources:
Service Authorization Reference, "Actions, resources, and condition keys for Amazon RDS"; RDS User Guide, "Authorizing
access to Blue/Green Deployments operations".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from providers.calling.tiers import Tier

# To be replaced by the operator: everything that is created is named after the instance that is moved.
PLACEHOLDER = "YOUR-INSTANCE"

_EVERYTHING = ("*",)
_DB = f"arn:aws:rds:*:*:db:{PLACEHOLDER}*"
_PG = f"arn:aws:rds:*:*:pg:{PLACEHOLDER}*"
_SNAPSHOT = f"arn:aws:rds:*:*:snapshot:{PLACEHOLDER}*"
_DEPLOYMENT = "arn:aws:rds:*:*:deployment:*"
# What a new instance is made with, and which is only used.
_SURROUNDINGS = ("arn:aws:rds:*:*:og:*", "arn:aws:rds:*:*:pg:*", "arn:aws:rds:*:*:subgrp:*")


@dataclass(frozen=True)
class Service:
    """A service as the SDK and IAM know it (`name`), and what it is called on screens."""

    name: str
    title: str


RDS = Service("rds", "RDS")
CLOUDWATCH = Service("cloudwatch", "CloudWatch")


@dataclass(frozen=True)
class Action:
    """One API action.

    Attributes:
        functions: the functions of this package that send it, as `file.function`.
        permissions: the IAM actions that allow it, its own first.
        resources: what the permissions are limited to.
    """

    service: Service
    name: str
    tier: Tier
    functions: tuple[str, ...]
    permissions: tuple[str, ...]
    resources: tuple[str, ...]


ACTIONS: dict[tuple[str, str], Action] = {}


def _add(service: Service, tier: Tier, resources: tuple[str, ...], names: Mapping[str, str]) -> None:
    """`names`: what sends each action, and after a comma what else it needs to be allowed."""
    for name, said in names.items():
        functions, _, further = said.partition(",")
        own = f"{service.name}:{name}"
        also = tuple(f"{service.name}:{one}" for one in further.split())
        ACTIONS[service.name, name] = Action(service, name, tier, tuple(functions.split()), (own, *also), resources)


_add(
    RDS,
    Tier.OBSERVE,
    _EVERYTHING,
    {
        "DescribeDBInstances": "instances.instances instances.instance instances.find",
        "DescribeDBSnapshots": "snapshots.snapshots snapshots.find",
        "DescribeDBParameterGroups": "parameters.groups parameters.find",
        "DescribeDBParameters": "parameters.parameters parameters.changed",
        "DescribePendingMaintenanceActions": "watching.pending_maintenance",
        "DescribeOrderableDBInstanceOptions": "offers.classes",
        "DescribeDBEngineVersions": "offers.versions",
        "DescribeEvents": "watching.events",
        "DescribeBlueGreenDeployments": "bluegreen.deployments bluegreen.find bluegreen.named",
    },
)
_add(CLOUDWATCH, Tier.OBSERVE, _EVERYTHING, {"GetMetricData": "watching.replica_lag"})
_add(
    RDS,
    Tier.MIGRATE,
    (_DB,),
    {"PromoteReadReplica": "instances.promote", "RebootDBInstance": "instances.reboot instances.fail_over"},
)
_add(
    RDS,
    Tier.MIGRATE,
    (_DB, *_SURROUNDINGS),
    {
        "CreateDBInstanceReadReplica": "instances.create_replica",
        "ModifyDBInstance": "instances.modify instances.keep_backups instances.upgrade instances.rename",
    },
)
_add(RDS, Tier.MIGRATE, (_DB, _SNAPSHOT), {"CreateDBSnapshot": "snapshots.create"})
_add(
    RDS,
    Tier.MIGRATE,
    (_DB, _SNAPSHOT, *_SURROUNDINGS),
    {"RestoreDBInstanceFromDBSnapshot": "snapshots.restore"},
)
_add(
    RDS,
    Tier.MIGRATE,
    (_PG,),
    {
        "CreateDBParameterGroup": "parameters.create",
        "ModifyDBParameterGroup": "parameters.modify",
        "ResetDBParameterGroup": "parameters.reset",
    },
)
_add(
    RDS,
    Tier.MIGRATE,
    (_DEPLOYMENT, _DB, *_SURROUNDINGS),
    {
        "CreateBlueGreenDeployment": "bluegreen.create, AddTagsToResource CreateDBInstanceReadReplica",
        "SwitchoverBlueGreenDeployment": "bluegreen.switch_over, ModifyDBInstance PromoteReadReplica",
    },
)
_add(RDS, Tier.RELEASE, (_DB, _SNAPSHOT), {"DeleteDBInstance": "instances.delete, CreateDBSnapshot"})
_add(RDS, Tier.RELEASE, (_SNAPSHOT,), {"DeleteDBSnapshot": "snapshots.delete"})
_add(RDS, Tier.RELEASE, (_PG,), {"DeleteDBParameterGroup": "parameters.delete"})
_add(
    RDS,
    Tier.RELEASE,
    (_DEPLOYMENT, _DB),
    {"DeleteBlueGreenDeployment": "bluegreen.delete bluegreen.delete_with_green, DeleteDBInstance"},
)


def policy(tier: Tier) -> dict[str, object]:
    """The IAM policy for exactly the actions of a tier, as a JSON document."""
    actions = [action for action in ACTIONS.values() if action.tier is tier]
    statements = []
    for resources, group in groupby(actions, lambda action: action.resources):
        permissions = dict.fromkeys(permission for action in group for permission in action.permissions)
        statements.append({"Effect": "Allow", "Action": list(permissions), "Resource": list(resources)})
    return {"Version": "2012-10-17", "Statement": statements}
