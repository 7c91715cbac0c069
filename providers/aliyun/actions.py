"""Which calls are made, in which product, and what the caller must be allowed to do for each.

`docs/aliyun-policies.md` shows the policies that `policy` makes of this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby

from providers.calling.tiers import Tier

POLARDB_SERVICE = "polardb.aliyuncs.com"
DTS_ROLE = "AliyunDTSDefaultRole"
DTS_POLICY = "AliyunDTSRolePolicy"
# To be replaced by the operator: RDS lets a policy name single instances.
SOURCE_PLACEHOLDER = "acs:rds:*:*:dbinstance/YOUR-SOURCE-INSTANCE"

_EVERYTHING = ("*",)
_SOURCE = (SOURCE_PLACEHOLDER,)
# RAM writes the names of roles in ARNs in lower case; which of the two a policy is compared with is not published.
_ROLE = (f"acs:ram:*:*:role/{DTS_ROLE}", f"acs:ram:*:*:role/{DTS_ROLE.lower()}")


@dataclass(frozen=True)
class Product:
    """A product as the API knows it (`name`, `version`), and what it is called on screens."""

    name: str
    version: str
    title: str


POLARDB = Product("polardb", "2017-08-01", "PolarDB")
RDS = Product("Rds", "2014-08-15", "RDS")
DTS = Product("Dts", "2020-01-01", "DTS")
RAM = Product("Ram", "2015-05-01", "RAM")
RESOURCE_MANAGER = Product("ResourceManager", "2020-03-31", "Resource Manager")


@dataclass(frozen=True)
class Action:
    """One API action.

    Attributes:
        functions: the functions of this package that send it, as `file.function`.
        permission: the RAM action that allows it.
        resources: what the permission can be limited to.
        condition: the condition of the permission, as RAM writes it.
    """

    product: Product
    name: str
    tier: Tier
    functions: tuple[str, ...]
    permission: str
    resources: tuple[str, ...] = _EVERYTHING
    condition: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


ACTIONS: dict[tuple[str, str], Action] = {}


def _add(product: Product, tier: Tier, resources: tuple[str, ...], names: Mapping[str, str]) -> None:
    for name, functions in names.items():
        file = product.name.lower()
        ACTIONS[product.name, name] = Action(
            product,
            name,
            tier,
            tuple(f"{file}.{function}" for function in functions.split()),
            f"{file}:{name}",
            resources,
        )


_add(
    POLARDB,
    Tier.OBSERVE,
    _EVERYTHING,
    {
        "CheckServiceLinkedRole": "has_service_linked_role",
        "DescribeUpgradeReport": "evaluations evaluation",
        "DescribeDBClusterAvailableResources": "node_classes",
        "DescribeClassList": "class_sizes",
        "DescribeRdsVpcs": "vpcs",
        "DescribeDBClusters": "clusters",
        "DescribeDBClusterAttribute": "cluster",
        "DescribeDBClusterMigration": "migration",
        "DescribeDBClusterEndpoints": "endpoints",
        "DescribeDBClusterAccessWhitelist": "whitelist",
        "DescribeDBClusterSSL": "ssl",
    },
)
_add(
    POLARDB,
    Tier.MIGRATE,
    _EVERYTHING,
    {
        "CreateServiceLinkedRole": "create_service_linked_role",
        "GenerateUpgradeReportForSyncClone": "start_evaluation",
        "CreateDBCluster": "create_cluster",
        "ModifyDBClusterMigration": "switch_over roll_back",
        "CloseDBClusterMigration": "close_migration close_migration_without_binlog",
        "ContinueDBClusterMigration": "continue_migration force_migration",
        "AbortDBClusterMigration": "abort_migration",
        "ModifyDBClusterMigrationEndpoint": "move_dts_jobs",
        "CreateDBClusterEndpoint": "create_endpoint",
        "CreateDBEndpointAddress": "create_public_address",
        "ModifyDBClusterAccessWhitelist": "append_to_whitelist",
    },
)
_add(POLARDB, Tier.RELEASE, _EVERYTHING, {"DeleteDBCluster": "delete_cluster"})
_add(
    RDS,
    Tier.OBSERVE,
    _EVERYTHING,
    {
        "DescribeDBInstances": "instances",
        "DescribeDBInstanceAttribute": "instance",
        "DescribeDBInstanceNetInfo": "network",
        "DescribeDBInstanceIPArrayList": "whitelist",
        "DescribeDBInstanceTDE": "tde",
        "DescribeDBInstanceSSL": "ssl",
        "DescribeAccounts": "accounts",
        "DescribeDatabases": "databases",
        "DescribeParameters": "parameters",
        "DescribeResourceUsage": "usage",
        "DescribeBackupPolicy": "backup_policy",
    },
)
_add(
    RDS,
    Tier.MIGRATE,
    _SOURCE,
    {"ModifySecurityIps": "append_to_whitelist remove_from_whitelist", "DeleteAccount": "delete_account"},
)
_add(
    RDS,
    Tier.RELEASE,
    _SOURCE,
    {
        "ModifyDBInstanceDeletionProtection": "lift_deletion_protection",
        "DeleteDBInstance": "delete_instance",
    },
)
_add(
    DTS,
    Tier.OBSERVE,
    _EVERYTHING,
    {
        "DescribeDtsJobs": "jobs",
        "DescribeDtsJobDetail": "job job_of_instance",
        "DescribePreCheckStatus": "progress",
        "DescribeDtsServiceLog": "service_log",
    },
)
_add(
    DTS,
    Tier.MIGRATE,
    _EVERYTHING,
    {
        "ModifyDynamicConfig": "limit_rate",
        "ModifyDtsJob": "replace_objects",
        "ModifyDtsJobEndpoint": "move_endpoint try_moving_endpoint",
    },
)
_add(RAM, Tier.OBSERVE, _EVERYTHING, {"GetRole": "find_role", "ListPoliciesForRole": "policies_of_role"})
_add(
    RAM,
    Tier.MIGRATE,
    _ROLE,
    {"CreateRole": "create_role", "UpdateRole": "repair_trust", "DeleteRole": "delete_role"},
)
# Without a limit either of these would let its holder give any role any policy, or take it away.
_add(
    RAM,
    Tier.MIGRATE,
    (*_ROLE, f"acs:ram:*:system:policy/{DTS_POLICY}"),
    {"AttachPolicyToRole": "attach_policy"},
)
_add(
    RAM,
    Tier.MIGRATE,
    (*_ROLE, "acs:ram:*:system:policy/*", "acs:ram:*:*:policy/*"),
    {"DetachPolicyFromRole": "detach_policy"},
)
ACTIONS[RESOURCE_MANAGER.name, "CreateServiceLinkedRole"] = Action(
    RESOURCE_MANAGER,
    "CreateServiceLinkedRole",
    Tier.MIGRATE,
    ("resourcemanager.create_service_linked_role",),
    "ram:CreateServiceLinkedRole",
    _EVERYTHING,
    {"StringEquals": {"ram:ServiceName": POLARDB_SERVICE}},
)


def policy(tier: Tier) -> dict[str, object]:
    """The RAM policy for exactly the actions of a tier, as a JSON document. The tiers do not overlap."""
    actions = [action for action in ACTIONS.values() if action.tier is tier]
    statements = []
    for (resources, condition), group in groupby(actions, lambda action: (action.resources, action.condition)):
        statement: dict[str, object] = {
            "Effect": "Allow",
            "Action": [action.permission for action in group],
            "Resource": list(resources),
        }
        if condition:
            statement["Condition"] = condition
        statements.append(statement)
    return {"Version": "1", "Statement": statements}
