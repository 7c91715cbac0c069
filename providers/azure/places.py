"""Where things are in an Azure account: a subscription, a resource group, a name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from providers.azure.actions import Product

_ID = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/providers/(?P<namespace>[^/]+)"
    r"/(?P<kind>[^/]+)/(?P<name>[^/]+)/?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Place:
    """Where a server or a migration service is."""

    subscription_id: str
    resource_group: str
    name: str

    def __str__(self) -> str:
        return f"{self.resource_group}/{self.name}"

    def server(self, **more: str) -> dict[str, str]:
        """Values for the path of a call about this server, or about something below it."""
        path = {"subscriptionId": self.subscription_id, "resourceGroupName": self.resource_group}
        return {**path, "serverName": self.name, **more}

    def service(self, **more: str) -> dict[str, str]:
        """Values for the path of a call about this migration service, or about something below it."""
        path = {"subscriptionId": self.subscription_id, "groupName": self.resource_group}
        return {**path, "serviceName": self.name, **more}

    def resource_id(self, product: Product, kind: str) -> str:
        """The id by which other resources refer to it; `kind` is such as `flexibleServers`."""
        group = f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
        return f"{group}/providers/{product.namespace}/{kind}/{self.name}"


def place_of(resource_id: str) -> Place | None:
    """Where the server or service with this id is; None: it is no such id."""
    found = _ID.fullmatch(resource_id)
    return Place(found["subscription"], found["group"], found["name"]) if found else None
