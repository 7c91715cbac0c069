"""What these checks ask once."""

from __future__ import annotations

from migration import clouds
from migration.azure.dms.account import DMS_HELD, DmsAccount
from migration.azure.dms.way import ONLINE, WAY
from migration.check import Pair
from providers.azure.records import Server

# The pages on which the facts are published.
FAQ = "https://learn.microsoft.com/azure/dms/faq-mysql-single-to-flex"
ONLINE_PAGE = "https://learn.microsoft.com/azure/dms/tutorial-mysql-azure-single-to-flex-online"


def account(pair: Pair) -> DmsAccount:
    """The subscription.

    Raises:
        CloudFailed: the migration has none.
    """
    return clouds.account(pair, DmsAccount, DMS_HELD)


def source(pair: Pair) -> Server | None:
    """The source as its service describes it; None where it is elsewhere."""
    return pair.once("dms source", lambda: account(pair).source_server())


def target(pair: Pair) -> Server | None:
    """The target as its service describes it; None where it is still to be made."""
    asked = account(pair)
    return pair.once("dms target", lambda: asked.server(asked.target))


def is_online(pair: Pair) -> bool:
    """Whether changes are to be carried over."""
    return (pair.chosen.get(WAY) or account(pair).spec.options.get(WAY, ONLINE)) == ONLINE
