"""Asking the provider for a check: what several checks ask once, and what stands for an answer that did not come."""

from __future__ import annotations

from typing import TypeVar

from migration import clouds
from migration.aliyun import state
from migration.aliyun.account import HELD, Account
from migration.check import Fix, Pair, Route, Severity
from migration.checks.asking import Asking
from migration.model import Side
from providers.aliyun import polardb, rds
from providers.aliyun.calls import Write
from providers.aliyun.command_line import as_command
from providers.aliyun.errors import PermissionMissing
from providers.aliyun.polardb_records import Cluster
from providers.aliyun.polardb_records import Migration as Found
from providers.calling.errors import CallFailed

_T = TypeVar("_T")
_HELP = "https://www.alibabacloud.com/help/en/polardb/polardb-for-mysql/user-guide"
STEPS = f"{_HELP}/upgrade-steps-for-rds-mysql-to-polardb-mysql"
OVERVIEW = f"{_HELP}/create-a-polardb-for-mysql-cluster-by-migrating-an-apsaradb-rds-for-mysql-instance"
FAQ = f"{_HELP}/faq-21"
# What is asked on either of the provider's two ways, and what on one of them only.
BOTH_WAYS: dict[Route, Severity | None] = {Route.NATIVE: None}
LOGICAL_ONLY: dict[Route, Severity | None] = {Route.NATIVE: None, Route.PHYSICAL: None}
_CLUSTER = "pc-"


def _forbidden(cause: CallFailed, words: str) -> tuple[str, str] | None:
    if not isinstance(cause, PermissionMissing):
        return None
    remedy = (
        f"Allow the RAM action {cause.permission} to the account whose access key is used here (RAM console, "
        f"Permissions; the policy is in docs/aliyun-policies.md), then run the check again. {words}"
    )
    return f"needs {cause.permission}", remedy


_ASKING = Asking("The provider's answer", "its console", "provider's code", _forbidden)
answered, unsaid = _ASKING.answered, _ASKING.unsaid


def account(pair: Pair) -> Account:
    """The account with the provider.

    Raises:
        CloudFailed: the migration has none.
    """
    return clouds.account(pair, Account, HELD)


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
