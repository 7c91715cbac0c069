"""The three MySQL services of Azure behind one face: what each calls a replica, a promotion, a size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from providers.azure import classic, flexible, single
from providers.azure.calls import Write
from providers.azure.client import Client
from providers.azure.errors import NotFound
from providers.azure.places import Place
from providers.azure.records import REPLICA, Server

CLASSIC, SINGLE, FLEXIBLE = "classic", "single", "flexible"
_KINDS = {
    "microsoft.mysql/servers": CLASSIC,
    "microsoft.dbformysql/servers": SINGLE,
    "microsoft.dbformysql/flexibleservers": FLEXIBLE,
}
# The classic service lists no sizes; these are of its price list of 2016. Single Server's: "Pricing tiers".
_CLASSIC_SIZES = (*(f"MS{number}" for number in range(6, 0, -1)), *(f"MP{number}" for number in range(1, 4)))
_SINGLE_CORES = (2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Offer:
    """A size that can be asked for; `tier` is empty where the service derives it from the name."""

    name: str
    tier: str
    meaning: str


class Service(Protocol):
    """What is asked of a service. Those that change something give a `Write`, which somebody else begins.

    Attributes:
        name: classic, single or flexible.
        title: as the provider calls it.
        retired: what is said of its end; empty while it is offered.
        by_hand: whether only a person can promote, in the portal.
        keeps_backups: whether backups are resources of their own, made on demand.
    """

    name: str
    title: str
    retired: str
    by_hand: bool
    keeps_backups: bool

    def server(self, client: Client, place: Place) -> Server | None:
        """A server as it is now; None where there is none of this name."""
        ...

    def replicas(self, client: Client, place: Place) -> tuple[Server, ...] | None:
        """The replicas of a server; None where the service does not list them."""
        ...

    def offers(self, client: Client, server: Server, subscription_id: str) -> tuple[Offer, ...]:
        """The sizes for a replica, the one to propose first."""
        ...

    def create_replica(self, place: Place, source: Place, seen: Server, offer: Offer) -> Write[Any]:
        """A replica of `source`, which is `seen` so."""
        ...

    def promote(self, place: Place) -> Write[Any] | None:
        """Make a replica a server of its own; None where there is no call for it."""
        ...

    def delete(self, place: Place) -> Write[Any]:
        """Delete a server with its data."""
        ...

    def restore(self, place: Place, source: Place, seen: Server, backup: str, moment: datetime) -> Write[Any]:
        """A server of the name of `place` out of a backup of `source`, or of what that held at a moment."""
        ...


def is_replica(server: Server) -> bool:
    """Whether it follows another server."""
    return (server.role or "").lower() in (REPLICA.lower(), classic.REPLICA.lower())


def is_settled(server: Server) -> bool:
    """Whether all is well with it and nothing is done to it."""
    return server.state in ("Ready", "Succeeded")


class _Classic:
    name = CLASSIC
    title = "MySQL Database on Azure"
    retired = (
        "MySQL Database on Azure (China, 2015-09-01) was retired years ago. This program knows it by its documentation "
        "of 2016 alone"
    )
    by_hand = True
    keeps_backups = True

    def server(self, client: Client, place: Place) -> Server | None:
        return _or_none(lambda: classic.server(client, place))

    def replicas(self, client: Client, place: Place) -> tuple[Server, ...] | None:
        return None

    def offers(self, client: Client, server: Server, subscription_id: str) -> tuple[Offer, ...]:
        return tuple(Offer(one, "", _classic_meaning(one, server.sku or "")) for one in _CLASSIC_SIZES)

    def create_replica(self, place: Place, source: Place, seen: Server, offer: Offer) -> Write[Any]:
        region = seen.location or ""
        return classic.create_replica(place, region, source, region, offer.name, seen.version or "")

    def promote(self, place: Place) -> Write[Any] | None:
        return None

    def delete(self, place: Place) -> Write[Any]:
        return classic.delete_server(place)

    def restore(self, place: Place, source: Place, seen: Server, backup: str, moment: datetime) -> Write[Any]:
        region, sku, version = seen.location or "", seen.sku or "", seen.version or ""
        return classic.restore(place, region, source, region, sku, version, backup=backup)


class _Single:
    name = SINGLE
    title = "Azure Database for MySQL - Single Server"
    retired = "Single Server was retired on 2024-09-16, and none could be created in the portal since 2023-01-16"
    by_hand = False
    keeps_backups = False

    def server(self, client: Client, place: Place) -> Server | None:
        return _or_none(lambda: single.server(client, place))

    def replicas(self, client: Client, place: Place) -> tuple[Server, ...] | None:
        return single.replicas(client, place)

    def offers(self, client: Client, server: Server, subscription_id: str) -> tuple[Offer, ...]:
        kinds = (("GP", "GeneralPurpose"), ("MO", "MemoryOptimized"))
        return tuple(
            Offer(f"{short}_Gen5_{cores}", tier, f"{tier}, {cores} cores")
            for short, tier in kinds
            for cores in _SINGLE_CORES[: 6 if short == "GP" else 5]
        )

    def create_replica(self, place: Place, source: Place, seen: Server, offer: Offer) -> Write[Any]:
        return single.create_replica(place, seen.location or "", source, offer.name)

    def promote(self, place: Place) -> Write[Any] | None:
        return single.stop_replication(place)

    def delete(self, place: Place) -> Write[Any]:
        return single.delete_server(place)

    def restore(self, place: Place, source: Place, seen: Server, backup: str, moment: datetime) -> Write[Any]:
        return single.restore(place, seen.location or "", source, moment, seen.sku)


class _Flexible:
    name = FLEXIBLE
    title = "Azure Database for MySQL - Flexible Server"
    retired = ""
    by_hand = False
    keeps_backups = False

    def server(self, client: Client, place: Place) -> Server | None:
        return _or_none(lambda: flexible.server(client, place))

    def replicas(self, client: Client, place: Place) -> tuple[Server, ...] | None:
        return flexible.replicas(client, place)

    def offers(self, client: Client, server: Server, subscription_id: str) -> tuple[Offer, ...]:
        region = (server.location or "").lower().replace(" ", "")
        found: dict[str, Offer] = {}
        for zone in flexible.capabilities(client, subscription_id, region):
            for size in zone.sizes or ():
                # Read replicas: General Purpose and what is now called Business Critical only.
                if size.name and size.edition and size.edition != "Burstable" and size.version == server.version:
                    meaning = f"{size.edition}, {size.cpus or '?'} cores, up to {size.iops or '?'} IOPS"
                    found.setdefault(size.name, Offer(size.name, size.edition, meaning))
        return tuple(found.values())

    def create_replica(self, place: Place, source: Place, seen: Server, offer: Offer) -> Write[Any]:
        return flexible.create_replica(place, seen.location or "", source, (offer.name, offer.tier))

    def promote(self, place: Place) -> Write[Any] | None:
        return flexible.promote_replica(place)

    def delete(self, place: Place) -> Write[Any]:
        return flexible.delete_server(place)

    def restore(self, place: Place, source: Place, seen: Server, backup: str, moment: datetime) -> Write[Any]:
        sku = (seen.sku, seen.tier) if seen.sku and seen.tier else None
        return flexible.restore(place, seen.location or "", source, moment, sku)


_SERVICES: dict[str, Service] = {CLASSIC: _Classic(), SINGLE: _Single(), FLEXIBLE: _Flexible()}


def service_of(resource_id: str) -> Service | None:
    """The service to which a resource belongs, by its id; None: it is no such id."""
    _, _, tail = resource_id.lower().rpartition("/providers/")
    kind = "/".join(tail.split("/")[:2])
    return _SERVICES.get(_KINDS.get(kind, ""))


def _or_none(ask: Callable[[], Server]) -> Server | None:
    try:
        return ask()
    except NotFound as error:
        # A group or subscription that is not there says nothing about the server.
        if error.code in ("ResourceGroupNotFound", "SubscriptionNotFound", "ParentResourceNotFound"):
            raise
        return None


def _classic_meaning(name: str, own: str) -> str:
    kind = "MS, the standard tier" if name.startswith("MS") else "MP, the premium tier"
    same = "; the size of the source" if name == own else ""
    resized = name[:2] == own[:2] and name != own
    return f"{kind}{same}{'; the service can change to it without any of this' if resized else ''}"
