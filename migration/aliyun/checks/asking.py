"""Asking the provider for a check: what several checks ask once, and what stands for an answer that did not come."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

from migration.aliyun import state
from migration.aliyun.account import Account
from migration.check import Fix, Pair, Result, Route, Severity, Verdict
from migration.checks.results import Evidence, table
from migration.model import Side
from migration.runbook import CloudFailed
from providers.aliyun import polardb, rds
from providers.aliyun.calls import Write
from providers.aliyun.command_line import as_command
from providers.aliyun.errors import AliyunError, PermissionMissing
from providers.aliyun.polardb_records import Cluster
from providers.aliyun.polardb_records import Migration as Found

_T = TypeVar("_T")
_HELP = "https://www.alibabacloud.com/help/en/polardb/polardb-for-mysql/user-guide"
STEPS = f"{_HELP}/upgrade-steps-for-rds-mysql-to-polardb-mysql"
OVERVIEW = f"{_HELP}/create-a-polardb-for-mysql-cluster-by-migrating-an-apsaradb-rds-for-mysql-instance"
FAQ = f"{_HELP}/faq-21"
# What is asked on either of the provider's two ways, and what on one of them only.
BOTH_WAYS: dict[Route, Severity | None] = {Route.NATIVE: None}
LOGICAL_ONLY: dict[Route, Severity | None] = {Route.NATIVE: None, Route.PHYSICAL: None}
_CLUSTER = "pc-"


def answered(run: Callable[[Pair], Result]) -> Callable[[Pair], Result]:
    """Make what the provider refused, or did not answer, the finding: unknown, with its own code and words."""

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
        f"The provider's answer does not tell {what}. Look it up in its console; if it is as this check wants it, "
        "accept this with what you saw as the reason.",
    )


def account(pair: Pair) -> Account:
    """The account with the provider.

    Raises:
        CloudFailed: the migration has none.
    """
    if not isinstance(pair.cloud, Account):
        raise CloudFailed("This migration has no account with Alibaba Cloud; begin it again with one.")
    return pair.cloud


def instance(pair: Pair) -> rds.Instance:
    """The source as RDS describes it.

    Raises:
        CloudFailed: as `Account.read`.
    """
    asked = account(pair)
    return pair.once("rds instance", lambda: asked.read(lambda client: rds.instance(client, asked.instance_id)))


def cluster_id(pair: Pair) -> str | None:
    """The cluster that this migration made; None while it has made none."""
    name = pair.spec.target.name
    return name if name.startswith(_CLUSTER) else None


def cluster(pair: Pair) -> Cluster | None:
    """That cluster as PolarDB describes it.

    Raises:
        CloudFailed: as `Account.read`.
    """
    asked, name = account(pair), cluster_id(pair)
    if name is None:
        return None
    return pair.once("polardb cluster", lambda: asked.read(lambda client: polardb.cluster(client, name)))


def moving(pair: Pair) -> Found | None:
    """The migration into that cluster; None where there is none.

    Raises:
        CloudFailed: as `Account.read`.
    """
    asked, name = account(pair), cluster_id(pair)
    if name is None:
        return None
    return pair.once("polardb migration", lambda: state.look_for(asked, name))


def call_fix(write: Write[_T], undo: Write[None] | None, *, setting: str, was: str, becomes: str, reach: str) -> Fix:
    """A fix that is a call to the provider; without `undo` nothing takes it back."""
    return Fix(
        side=Side.CLOUD,
        statement=as_command(write),
        undo="" if undo is None else as_command(undo),
        setting=setting,
        was=was,
        becomes=becomes,
        reach=reach,
    )


def _unanswered(error: CloudFailed) -> Result:
    cause = error.__cause__
    if not isinstance(cause, AliyunError):
        return Result(Verdict.UNKNOWN, "could not be asked", (), str(error))
    evidence = table(("provider's code", "what it said"), [(cause.code or "-", cause.message or str(error))])
    if isinstance(cause, PermissionMissing):
        name = cause.permission
        remedy = (
            f"Allow the RAM action {name} to the account whose access key is used here (RAM console, Permissions; the "
            f"policy is in docs/aliyun-policies.md), then run the check again. {error}"
        )
        return Result(Verdict.UNKNOWN, f"needs {name}", evidence, remedy)
    return Result(Verdict.UNKNOWN, "could not be asked", evidence, str(error))
