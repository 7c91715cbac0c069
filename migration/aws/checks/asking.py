"""Asking RDS for a check: what several checks ask once, and what stands for an answer that did not come."""

from __future__ import annotations

import functools
from collections.abc import Callable

from migration.aws.account import Account
from migration.check import Pair, Result, Verdict
from migration.checks.results import Evidence, table
from migration.runbook import CloudFailed
from providers.aws import instances, parameters
from providers.aws.errors import AwsError, PermissionMissing
from providers.aws.parameters import Group
from providers.aws.records import Instance

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


def answered(run: Callable[[Pair], Result]) -> Callable[[Pair], Result]:
    """Make what RDS refused, or did not answer, the finding: unknown, with its own code and words."""

    @functools.wraps(run)
    def asked(pair: Pair) -> Result:
        try:
            return run(pair)
        except CloudFailed as error:
            return _unanswered(error)

    return asked


def unsaid(what: str, evidence: Evidence = ()) -> Result:
    """The result where an answer came and lacks something."""
    return Result(
        Verdict.UNKNOWN,
        f"not told: {what}",
        evidence,
        f"The answer of RDS does not tell {what}. Look it up in its console; if it is as this check wants it, accept "
        "this with what you saw as the reason.",
    )


def account(pair: Pair) -> Account:
    """The account with AWS.

    Raises:
        CloudFailed: the migration has none.
    """
    if not isinstance(pair.cloud, Account):
        raise CloudFailed("This migration has no account with AWS; begin it again with one.")
    return pair.cloud


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


def _unanswered(error: CloudFailed) -> Result:
    cause = error.__cause__
    if not isinstance(cause, AwsError):
        return Result(Verdict.UNKNOWN, "could not be asked", (), str(error))
    evidence = table(("AWS's code", "what it said"), [(cause.code or "-", cause.message or str(error))])
    if isinstance(cause, PermissionMissing):
        remedy = f"{error} The policies are in docs/aws-policies.md; then run the check again."
        return Result(Verdict.UNKNOWN, "not allowed to ask", evidence, remedy)
    return Result(Verdict.UNKNOWN, "could not be asked", evidence, str(error))
