"""Asking the provider for a check: what several checks ask once, and what stands for an answer that did not come."""

from __future__ import annotations

from migration import clouds
from migration.azure.account import HELD, Account
from migration.check import Pair, Route, Severity
from migration.checks.asking import Asking
from migration.runbook import CloudFailed
from providers.azure.errors import PermissionMissing
from providers.azure.records import Server
from providers.calling.errors import CallFailed

# The pages on which the facts are published.
LEARN = "https://learn.microsoft.com/azure/mysql"
REPLICAS = f"{LEARN}/flexible-server/concepts-read-replicas"
SINGLE_REPLICAS = f"{LEARN}/single-server/concepts-read-replicas"
RETIREMENT = f"{LEARN}/migrate/whats-happening-to-mysql-single-server"
# Asked where the provider moves the data, and nowhere else.
AZURE: dict[Route, Severity | None] = {Route.NATIVE: None}


def _forbidden(cause: CallFailed, words: str) -> tuple[str, str] | None:
    return ("needs a permission", words) if isinstance(cause, PermissionMissing) else None


_ASKING = Asking("The provider's answer", "the portal", "provider's code", _forbidden)
answered, unsaid = _ASKING.answered, _ASKING.unsaid


def account(pair: Pair) -> Account:
    """The subscription.

    Raises:
        CloudFailed: the migration has none.
    """
    return clouds.account(pair, Account, HELD)


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
