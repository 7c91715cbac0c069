"""What a client of the simulated Alibaba Cloud in a sandbox needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from providers.mysql.endpoint import Account, Endpoint, Secret
from providers.sandbox.aliyun_api.control import Control
from providers.sandbox.aliyun_api.signature import AccessKey


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
            "key": {"id": self.key.id, "secret": self.key.secret.reveal()},
            "operator": _account_as_json(self.operator),
            "application": {
                "host": self.application.host,
                "port": self.application.port,
                **_account_as_json(self.application.account),
            },
            "control": {"host": self.control.host, "port": self.control.port, "token": self.control.token.reveal()},
        }

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> AliyunAccess:
        """The reverse of `as_json`."""
        key, app, control = content["key"], content["application"], content["control"]
        return AliyunAccess(
            **{name: content[name] for name in _PLAIN},
            key=AccessKey(key["id"], Secret(key["secret"])),
            operator=_account(content["operator"]),
            application=Endpoint("application", app["host"], app["port"], _account(app)),
            control=Control(control["host"], control["port"], Secret(control["token"])),
        )


_PLAIN = ("url", "region", "instance_id", "rules", "method", "version", "system_account")


def _account_as_json(account: Account) -> dict[str, str]:
    return {"user": account.user, "password": account.password.reveal()}


def _account(content: Mapping[str, str]) -> Account:
    return Account(content["user"], Secret(content["password"]))
