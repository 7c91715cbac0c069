"""What a client of the simulated account needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from providers.mysql.endpoint import Account, Secret
from providers.sandbox.aws_api.control import AwsControl
from providers.sandbox.aws_api.signature import AccessKey


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
            "key": {"id": self.key.id, "secret": self.key.secret.reveal()},
            "region": self.region,
            "instance_id": self.instance_id,
            "master": {"user": self.master.user, "password": self.master.password.reveal()},
            "application": list(self.application),
            "control": {"host": self.control.host, "port": self.control.port, "token": self.control.token.reveal()},
        }

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Access:
        """The reverse of `as_json`."""
        key, master, way_in = content["key"], content["master"], content["control"]
        host, port = content["application"]
        return Access(
            content["url"],
            AccessKey(key["id"], Secret(key["secret"])),
            content["region"],
            content["instance_id"],
            Account(master["user"], Secret(master["password"])),
            (host, port),
            AwsControl(way_in["host"], way_in["port"], Secret(way_in["token"])),
        )
