"""What a client of the simulated account needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from providers.mysql.endpoint import Account
from providers.sandbox.api.keys import AccessKey
from providers.sandbox.aws_api.control import AwsControl
from providers.sandbox.packing import account_as_json, account_from_json


@dataclass(frozen=True)
class Access:
    """Where the simulated RDS answers, and what it has.

    `master` is the account that RDS makes on the instance; `application` is the host and port of its endpoint.
    `control` is no part of AWS: faults, the clock, what was called.
    """

    url: str
    key: AccessKey
    region: str
    instance_id: str
    master: Account
    application: tuple[str, int]
    control: AwsControl

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON values, secrets included."""
        return {
            "url": self.url,
            "key": self.key.as_json(),
            "region": self.region,
            "instance_id": self.instance_id,
            "master": account_as_json(self.master),
            "application": list(self.application),
            "control": self.control.as_json(),
        }

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Access:
        """The reverse of `as_json`."""
        host, port = content["application"]
        return Access(
            content["url"],
            AccessKey.from_json(content["key"]),
            content["region"],
            content["instance_id"],
            account_from_json(content["master"]),
            (host, port),
            AwsControl.from_json(content["control"]),
        )
