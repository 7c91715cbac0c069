"""Asking RDS for a check: what several checks ask once, and what stands for an answer that did not come."""

from __future__ import annotations

from migration import clouds
from migration.aws.account import HELD, Account
from migration.check import Pair
from migration.checks.asking import Asking
from providers.aws import instances, parameters
from providers.aws.errors import PermissionMissing
from providers.aws.parameters import Group
from providers.aws.records import Instance
from providers.calling.errors import CallFailed

_GUIDE = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/"
REPLICAS = f"{_GUIDE}USER_ReadRepl.html"
MYSQL_REPLICAS = f"{_GUIDE}USER_MySQL.Replication.ReadReplicas.html"
GROUPS = f"{_GUIDE}USER_WorkingWithParamGroups.html"
STATUSES = f"{_GUIDE}accessing-monitoring.html"
BACKUPS = f"{_GUIDE}USER_WorkingWithAutomatedBackups.html"
MULTI_AZ = f"{_GUIDE}Concepts.MultiAZSingleStandby.html"
EXTERNAL = f"{_GUIDE}MySQL.Procedural.Importing.External.Repl.html"
MASTER_USER = f"{_GUIDE}UsingWithRDS.MasterAccounts.html"
MAINTENANCE = f"{_GUIDE}USER_UpgradeDBInstance.Maintenance.html"
DELETION = f"{_GUIDE}USER_DeleteInstance.html"


def _forbidden(cause: CallFailed, words: str) -> tuple[str, str] | None:
    if not isinstance(cause, PermissionMissing):
        return None
    return "not allowed to ask", f"{words} The policies are in docs/aws-policies.md; then run the check again."


_ASKING = Asking("The answer of RDS", "its console", "AWS's code", _forbidden)
answered, unsaid = _ASKING.answered, _ASKING.unsaid


def account(pair: Pair) -> Account:
    """The account with AWS.

    Raises:
        CloudFailed: the migration has none.
    """
    return clouds.account(pair, Account, HELD)


def instance(pair: Pair) -> Instance:
    """The source as RDS describes it.

    Raises:
        CloudFailed: as `Account.read`.
    """
    asked = account(pair)
    return pair.once("rds instance", lambda: asked.read(lambda client: instances.instance(client, asked.instance_id)))


def every_instance(pair: Pair) -> tuple[Instance, ...]:
    """The region's instances.

    Raises:
        CloudFailed: as `Account.read`.
    """
    return pair.once("rds instances", lambda: account(pair).read(instances.instances))


def group(pair: Pair, name: str) -> Group | None:
    """A parameter group, None where there is none of this name.

    Raises:
        CloudFailed: as `Account.read`.
    """
    return account(pair).read(lambda client: parameters.find(client, name))
