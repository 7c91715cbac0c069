"""What the provider and the journal say of the two servers of a change of tier."""

from __future__ import annotations

from dataclasses import replace

from migration.azure.account import Account, of
from migration.azure.services import Offer, is_replica, is_settled
from migration.journal import Kind
from migration.model import ServerSpec, Side
from migration.runbook import CloudFailed, Migration
from providers.azure.places import Place
from providers.azure.records import Server

NEW_NAME, SAME_NAME = "new name", "same name"
ENDING, TIER, REGION = "ending", "tier", "region"
LAG_LIMIT_S = 60.0
_SEPARATORS = ("%", "@")


def same_name(m: Migration) -> bool:
    """Whether the applications keep the name of their server."""
    return m.chosen(ENDING) == SAME_NAME


def require(account: Account, place: Place) -> Server:
    """A server that has to be there.

    Raises:
        CloudFailed: it is not.
    """
    found = account.server(place)
    if found is None:
        raise CloudFailed(f"There is no server {place} any more; look at it in the portal before you go on.")
    return found


def offer(m: Migration) -> Offer:
    """The size that was chosen for the replica.

    Raises:
        CloudFailed: the provider does not offer it any more.
    """
    account, name, seen = of(m), m.chosen(TIER), wanted(m)
    offers = account.read(lambda client: account.service.offers(client, seen, account.source.subscription_id))
    for one in offers:
        if one.name == name:
            return one
    return Offer(name or seen.sku or "", seen.tier or "", "as it was asked for")


def wanted(m: Migration) -> Server:
    """The source as its replica is to be besides the size: in the region that was chosen.

    Raises:
        CloudFailed: it is not there.
    """
    account, region = of(m), m.chosen(REGION)
    seen = require(account, account.source)
    return replace(seen, location=region) if region else seen


def in_words(server: Server | None, place: Place) -> str:
    """A server in a few words, the provider's own among them."""
    if server is None:
        return f"{place.name} is not there"
    return (
        f"{place.name} is {server.state or 'without a state'}, {server.role or 'without a role'}, {server.sku or '?'}"
    )


def promoted(server: Server) -> bool:
    """Whether it is a server of its own, with nothing under way."""
    return is_settled(server) and not is_replica(server)


def login(user: str, old: str, new: str) -> str:
    """The name with which the user of one server logs in to another: both older services put the server into it."""
    if user == old:
        return user
    if user.startswith(f"{old}%"):
        return f"{new}%{user.removeprefix(f'{old}%')}"
    return f"{user.removesuffix(f'@{old}')}@{new}" if user.endswith(f"@{old}") else user


def address(m: Migration, server: Server, place: Place) -> tuple[str, int]:
    """Host and port of a server.

    Raises:
        CloudFailed: the provider names no host.
    """
    if not server.host:
        raise CloudFailed(f"The provider names no host of {place}; look at it in the portal, then try again.")
    return server.host, first_source(m).port


def first_source(m: Migration) -> ServerSpec:
    """The source as the migration began with it."""
    for record in m.scribe.journal.records():
        if record.kind is Kind.CREATED:
            return ServerSpec(**record.body["source"])
    return m.spec.source


def place(m: Migration, side: Side, of_place: Place, server: Server | None) -> None:
    """Journal where a server is from now on; None: it is still to be created."""
    host, port = ("", 0) if server is None else address(m, server, of_place)
    source = first_source(m)
    user = login(source.user, of(m).source.name, of_place.name)
    m.scribe.placed(side, of_place.name, host, port, user if user != source.user else "")
