"""Amazon RDS on this machine: its API over HTTP on loopback, and real servers behind it."""

from __future__ import annotations

import secrets
import string
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from providers.mysql.endpoint import Account, Secret
from providers.sandbox import passwords
from providers.sandbox.aliyun_api.clock import Clock
from providers.sandbox.aws_api import control, protocol
from providers.sandbox.aws_api.cloud import Cloud
from providers.sandbox.aws_api.control import AwsControl
from providers.sandbox.aws_api.faults import AwsFaults
from providers.sandbox.aws_api.gateway import Call, Gateway
from providers.sandbox.aws_api.http import ApiServer
from providers.sandbox.aws_api.scenario import Scenario
from providers.sandbox.aws_api.servers import Servers
from providers.sandbox.aws_api.signature import AccessKey, Verifier
from providers.sandbox.launcher import SandboxServer
from providers.sandbox.options import Positioning


@dataclass(frozen=True)
class Access:
    """What a client of the simulated account needs.

    `master` is the account that RDS makes on the instance; `application` is the host and port of its endpoint.
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
    def from_json(content: dict[str, Any]) -> Access:
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


class Simulator:
    """A running simulation. It begins in the constructor; close it when done.

    `source` is the server of the account's one instance, which runs already and is left running; it keeps the accounts
    and procedures that it gets here. The servers of other instances are made in `run_dir`, and taken down.
    """

    def __init__(
        self,
        scenario: Scenario,
        source: SandboxServer,
        run_dir: Path,
        positioning: Positioning,
        clock: Clock | None = None,
    ) -> None:
        """Begin.

        Raises:
            MotoMissing: the library is not installed that AWS's protocols are spoken with.
            ServerError, ServerFailed: the source does not do what it is told.
        """
        protocol.require()
        self.clock = clock or Clock()
        self.faults = AwsFaults()
        master = Account(scenario.master_user, Secret(secrets.token_urlsafe(18)))
        replicator = passwords.load().replication
        by_file = positioning is Positioning.FILE
        self.cloud = Cloud(
            scenario,
            source,
            lambda key: Servers(key, source, run_dir, master, replicator, by_file=by_file),
            self.clock,
            self.faults,
        )
        letters = string.ascii_uppercase + string.digits
        key = AccessKey("AKIA" + "".join(secrets.choice(letters) for _ in range(16)), Secret(secrets.token_urlsafe(30)))
        self._gateway = Gateway(self.cloud, Verifier(key, scenario.region), self.faults)
        self._server = ApiServer(self._gateway.answer, self._order)
        host, port = self._server.address
        self.access = Access(
            f"http://{host}:{port}",
            key,
            scenario.region,
            scenario.instance_id,
            master,
            self.cloud.door(self.cloud.instance(scenario.instance_id)),
            AwsControl(host, port, self._server.control_token),
        )

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every signed call so far, in the order in which they were answered."""
        return self._gateway.calls

    def break_replication(self, instance_id: str) -> None:
        """Let a replica stop applying."""
        self.cloud.servers.break_replication(self.cloud.instance(instance_id).key)

    def close(self) -> None:
        """Stop answering, cut all connections through the endpoints, and take down the servers that were made."""
        self._server.close()
        self.cloud.close()

    def _order(self, order: Any) -> Any:
        return control.carry_out(
            order, self.faults, self.clock, lambda: [asdict(call) for call in self.calls], self.break_replication
        )
