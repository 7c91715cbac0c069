"""What a client of the simulated Alibaba Cloud in a sandbox needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from providers.mysql.endpoint import Account, Endpoint
from providers.sandbox.aliyun_api.control import Control
from providers.sandbox.api.keys import AccessKey
from providers.sandbox.packing import account_as_json, account_from_json


@dataclass(frozen=True)
class AliyunAccess:
    """Where the simulated Alibaba Cloud answers, and what it has.

    Attributes:
        url: the address of all products.
        instance_id: the RDS instance that is the source.
        rules: which of the two published procedures the cloud keeps to.
        version: what to order as a cluster's DBVersion: another one is out of stock.
        operator: the customer's privileged account, on the instance and on every cluster made of it.
        system_account: the name of the cloud's own account on the servers, whose sessions are no client's.
        application: the address by which the application knows its database, with the application's account.
        control: faults, the cloud's clock, and what was called; no part of the cloud.
    """

    url: str
    region: str
    key: AccessKey
    instance_id: str
    rules: Literal["2019", "2026"]
    method: Literal["physical", "logical"]
    version: str
    operator: Account
    system_account: str
    application: Endpoint
    control: Control

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON values, secrets included."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "key": self.key.as_json(),
            "operator": account_as_json(self.operator),
            "application": {
                "host": self.application.host,
                "port": self.application.port,
                **account_as_json(self.application.account),
            },
            "control": self.control.as_json(),
        }

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> AliyunAccess:
        """The reverse of `as_json`."""
        app = content["application"]
        return AliyunAccess(
            **{name: content[name] for name in _PLAIN},
            key=AccessKey.from_json(content["key"]),
            operator=account_from_json(content["operator"]),
            application=Endpoint("application", app["host"], app["port"], account_from_json(app)),
            control=Control.from_json(content["control"]),
        )


_PLAIN = ("url", "region", "instance_id", "rules", "method", "version", "system_account")
