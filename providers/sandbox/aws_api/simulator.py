"""Amazon RDS on this machine: its API over HTTP on loopback, and real servers behind it."""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from providers.mysql.endpoint import Account, Secret
from providers.sandbox import passwords
from providers.sandbox.api.calls import Answering, Call
from providers.sandbox.api.clock import Clock
from providers.sandbox.api.http import ApiServer
from providers.sandbox.api.keys import AccessKey
from providers.sandbox.aws_api import control, deployments, protocol
from providers.sandbox.aws_api.access import Access
from providers.sandbox.aws_api.cloud import Cloud
from providers.sandbox.aws_api.control import AwsControl
from providers.sandbox.aws_api.faults import AwsFaults
from providers.sandbox.aws_api.gateway import Gateway
from providers.sandbox.aws_api.scenario import Scenario
from providers.sandbox.aws_api.servers import Servers
from providers.sandbox.aws_api.signature import Verifier
from providers.sandbox.launcher import SandboxServer
from providers.sandbox.options import Positioning


class Simulator(Answering[Call]):
    """A running simulation. It begins in the constructor; close it when done.

    `source` is the server of the account's one instance, which runs already and is left running; it keeps the accounts
    and procedures that it gets here. The servers of other instances are first the `spares`, which are not started yet
    and are left to who gave them; the others are made in `run_dir`, and taken down. Where the scenario has its standby
    apart, the first spare is that.
    """

    def __init__(
        self,
        scenario: Scenario,
        source: SandboxServer,
        run_dir: Path,
        positioning: Positioning,
        clock: Clock | None = None,
        spares: Sequence[SandboxServer] = (),
    ) -> None:
        """Begin.

        Raises:
            MotoMissing: the library is not installed that AWS's protocols are spoken with.
            ServerError, ServerFailed: the source does not do what it is told.
        """
        protocol.require()
        self.clock = clock or Clock()
        self.faults = AwsFaults(scenario.trouble)
        master = Account(scenario.master_user, Secret(secrets.token_urlsafe(18)))
        replicator = passwords.load().replication
        by_file = positioning is Positioning.FILE
        apart = scenario.standby_apart and len(spares) > 0
        standby, rest = (spares[0], spares[1:]) if apart else (None, spares)
        self.cloud = Cloud(
            scenario,
            source,
            lambda key: Servers(
                key, source, run_dir, master, replicator, by_file=by_file, spares=rest, standby=standby
            ),
            self.clock,
            self.faults,
        )
        if scenario.green_group:
            deployments.begin(self.cloud, scenario.green_group)
        letters = string.ascii_uppercase + string.digits
        key = AccessKey("AKIA" + "".join(secrets.choice(letters) for _ in range(16)), Secret(secrets.token_urlsafe(30)))
        self._gateway = Gateway(self.cloud, Verifier(key, scenario.region), self.faults)
        super().__init__(self._gateway.made)
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

    def break_replication(self, instance_id: str) -> None:
        """Let a replica stop applying."""
        self.cloud.servers.break_replication(self.cloud.instance(instance_id).key)

    def halt(self) -> None:
        """Stop answering and begin nothing more, so that the servers can be taken down before `close`."""
        self._server.close()
        self.cloud.halt()

    def close(self) -> None:
        """Stop answering, cut all connections through the endpoints, and take down the servers that were made."""
        self.halt()
        self.cloud.close()

    def _order(self, order: Any) -> Any:
        return control.carry_out(order, self.faults, self.clock, lambda: self.calls, self.break_replication)
