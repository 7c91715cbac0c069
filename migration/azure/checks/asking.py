"""Asking the provider for a check: what several checks ask once, and what stands for an answer that did not come."""

from __future__ import annotations

import functools
from collections.abc import Callable

from migration.azure.account import Account
from migration.check import Pair, Result, Route, Severity, Verdict
from migration.checks.results import Evidence, table
from migration.runbook import CloudFailed
from providers.azure.errors import AzureError, PermissionMissing
from providers.azure.records import Server

# The pages on which the facts are published.
LEARN = "https://learn.microsoft.com/azure/mysql"
REPLICAS = f"{LEARN}/flexible-server/concepts-read-replicas"
SINGLE_REPLICAS = f"{LEARN}/single-server/concepts-read-replicas"
RETIREMENT = f"{LEARN}/migrate/whats-happening-to-mysql-single-server"
# Asked where the provider moves the data, and nowhere else.
AZURE: dict[Route, Severity | None] = {Route.NATIVE: None}


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
    remedy = (
        f"The provider's answer does not tell {what}. Look it up in the portal; if it is as this check wants it, "
        "accept this with what you saw as the reason."
    )
    return Result(Verdict.UNKNOWN, f"not told: {what}", evidence, remedy)


def account(pair: Pair) -> Account:
    """The subscription.

    Raises:
        CloudFailed: the migration has none.
    """
    if not isinstance(pair.cloud, Account):
        raise CloudFailed("This migration has no subscription with Azure; begin it again with one.")
    return pair.cloud


def server(pair: Pair) -> Server:
    """The source as its service describes it.

    Raises:
        CloudFailed: it cannot be asked, or there is none.
    """
    asked = account(pair)
    found = pair.once("azure server", lambda: asked.server(asked.source))
    if found is None:
        raise CloudFailed(f"There is no server {asked.source}: check its name, resource group and subscription.")
    return found


def _unanswered(error: CloudFailed) -> Result:
    cause = error.__cause__
    if not isinstance(cause, AzureError):
        return Result(Verdict.UNKNOWN, "could not be asked", (), str(error))
    evidence = table(("provider's code", "what it said"), [(cause.code or "-", cause.message or str(error))])
    found = "needs a permission" if isinstance(cause, PermissionMissing) else "could not be asked"
    return Result(Verdict.UNKNOWN, found, evidence, str(error))
