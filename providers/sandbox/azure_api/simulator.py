"""Azure on this machine: Resource Manager over HTTP on loopback, and real servers behind it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

from providers.mysql.endpoint import Account, Secret
from providers.sandbox.api.calls import Answering
from providers.sandbox.api.clock import Clock
from providers.sandbox.api.http import ApiServer
from providers.sandbox.azure_api import below, servers
from providers.sandbox.azure_api.access import Access
from providers.sandbox.azure_api.classic import Classic
from providers.sandbox.azure_api.cloud import Cloud
from providers.sandbox.azure_api.contract import Contract
from providers.sandbox.azure_api.control import Control, Controlled
from providers.sandbox.azure_api.faults import Faults
from providers.sandbox.azure_api.fleet import Fleet
from providers.sandbox.azure_api.gateway import Call, Gateway
from providers.sandbox.azure_api.migration_service import MigrationService
from providers.sandbox.azure_api.scenario import SUBSCRIPTION, Scenario
from providers.sandbox.launcher import SandboxServer

_ADMINISTRATOR = "azadmin"


class Simulator(Answering[Call]):
    """A running simulation. It begins in the constructor; close it when done.

    `source` runs already and is the scenario's server; `spares` are the servers of which others are made, which the
    simulation starts when it needs them. Whoever made them takes them down. `replication` is an account that exists on
    all of them, `directory` a place for backups. `descriptions`: a folder of OpenAPI descriptions against which the
    bodies of requests are checked.
    """

    def __init__(
        self,
        scenario: Scenario,
        source: SandboxServer,
        spares: Sequence[SandboxServer],
        replication: Account,
        directory: Path,
        *,
        by_file: bool = False,
        clock: Clock | None = None,
        descriptions: Path | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.faults = Faults()
        administrator = Account(_ADMINISTRATOR, Secret(secrets.token_urlsafe(18)))
        fleet = Fleet(source, spares, replication, directory, by_file=by_file)
        self.cloud = Cloud(scenario, fleet, administrator, self.clock, self.faults)
        self._classic = Classic(self.cloud)
        self._migrations = MigrationService(self.cloud, replication, by_file=by_file)
        routes = [*self._classic.routes(), *self._migrations.routes(), *self.cloud.operations.routes()]
        for style in (servers.FLEXIBLE, servers.SINGLE):
            routes += [*servers.routes(self.cloud, style), *below.routes(self.cloud, style)]
        token = secrets.token_urlsafe(32)
        self._gateway = Gateway(routes, token, self.faults, Contract(descriptions) if descriptions else None)
        super().__init__(self._gateway.made)
        controlled = Controlled(self._gateway, self.faults, self.clock, self._classic, self._migrations)
        self._server = ApiServer(self._gateway.answer, controlled.carry_out)
        host, port = self._server.address
        self.access = Access(
            f"http://{host}:{port}",
            Secret(token),
            SUBSCRIPTION,
            scenario.group,
            scenario.location,
            scenario.server,
            self.cloud.source_host,
            self.cloud.addresses.port,
            administrator,
            Control(host, port, self._server.control_token),
        )

    @property
    def misfits(self) -> tuple[str, ...]:
        """What is wrong with answers of the simulation, by the descriptions that it was given."""
        return tuple(self._gateway.misfits)

    def promote(self, server: str) -> None:
        """The classic portal's "Upgrade" of a subordinate.

        Raises:
            KeyError: there is no such subordinate.
        """
        self._classic.promote(server)

    def halt(self) -> None:
        """Stop answering and begin nothing more, so that the servers can be taken down before `close`."""
        self._server.close()
        self.cloud.operations.closing.set()

    def close(self) -> None:
        """Halt, give up what is under way, and cut all connections through the servers' addresses."""
        if not self.cloud.operations.closing.is_set():
            self.halt()
        self._classic.close()
        self._migrations.close()
        self.cloud.close()
