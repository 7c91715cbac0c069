"""What a client of the simulated Azure needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from providers.mysql.endpoint import Account, Secret
from providers.sandbox.azure_api.control import Control
from providers.sandbox.packing import account_as_json, account_from_json


@dataclass(frozen=True)
class Access:
    """What a client of the simulated cloud needs.

    Attributes:
        url: where Resource Manager is, and the `token` that it takes.
        server: the source's name in the subscription and resource group.
        host: by which the application knows its database; it goes with the name of the source.
        port: of every server of the subscription, 3306 where that is free on this machine.
        administrator: of the source, with the privileges that the service gives and no others.
    """

    url: str
    token: Secret
    subscription_id: str
    resource_group: str
    location: str
    server: str
    host: str
    port: int
    administrator: Account
    control: Control

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON values, secrets included."""
        return {
            "url": self.url,
            "token": self.token.reveal(),
            "subscription_id": self.subscription_id,
            "resource_group": self.resource_group,
            "location": self.location,
            "server": self.server,
            "host": self.host,
            "port": self.port,
            "administrator": account_as_json(self.administrator),
            "control": self.control.as_json(),
        }

    @staticmethod
    def from_json(content: dict[str, Any]) -> Access:
        """The reverse of `as_json`."""
        return Access(
            **{
                **content,
                "token": Secret(content["token"]),
                "administrator": account_from_json(content["administrator"]),
                "control": Control.from_json(content["control"]),
            }
        )
