"""A simulated subscription over real servers, for one test each, asked with the wizard's own client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from providers.azure.calls import Write
from providers.azure.client import Client
from providers.azure.clouds import at
from providers.azure.credentials import StaticToken
from providers.azure.operations import Outcome, Progress
from providers.azure.places import Place
from providers.calling.patience import Retry
from providers.mysql.endpoint import Account, Endpoint
from providers.sandbox import engines, passwords
from providers.sandbox.azure_api.scenario import Durations, Scenario
from providers.sandbox.azure_api.simulator import Simulator
from providers.sandbox.launcher import SandboxServer
from providers.sandbox.options import Positioning
from tests.providers.azure.descriptions import DESCRIPTIONS
from tests.support.sql import ask

FAST = Durations().at_pace(4000)
_WAIT_S = 60.0


@dataclass(frozen=True)
class Rented:
    """One simulated subscription: the client, the simulator, and the server behind the scenario's."""

    client: Client
    simulator: Simulator
    source: SandboxServer
    spares: tuple[SandboxServer, ...]

    def place(self, name: str) -> Place:
        """Where a server or service of that name is."""
        access = self.simulator.access
        return Place(access.subscription_id, access.resource_group, name)

    @property
    def here(self) -> Place:
        """Where the scenario's server is."""
        return self.place(self.simulator.access.server)

    def do(self, write: Write[Any]) -> Progress:
        """Begin a write and wait for its end."""
        return self.client.begin(write).wait(_WAIT_S, 0.02)

    def done(self, write: Write[Any]) -> None:
        """Begin a write and wait until it is done."""
        seen = self.do(write)
        assert seen.outcome is Outcome.DONE, seen

    def endpoint(self, host: str | None, account: Account | None = None) -> Endpoint:
        """A server by the host that the cloud told, as its administrator."""
        assert host
        access = self.simulator.access
        return Endpoint(host, host, access.port, account or access.administrator)

    def app(self, host: str | None) -> Endpoint:
        """A server as the application knows it."""
        return self.endpoint(host, passwords.load().application)


Simulate = Callable[..., Rented]


@pytest.fixture
def simulate(engine_names: tuple[str, ...], tmp_path: Path) -> Iterator[Simulate]:
    """Start a subscription as `simulate(engine, scenario, spares)`; its server has a database `shop`.

    Everything that the simulation answered is compared with the descriptions, where these are there.
    """
    with ExitStack() as ending:

        def start(
            engine: str,
            scenario: Scenario | None = None,
            spares: tuple[str, ...] = (),
            positioning: Positioning = Positioning.GTID,
        ) -> Rented:
            made = [
                SandboxServer(engines.find(name), tmp_path / f"s{number}", name=f"s{number}", positioning=positioning)
                for number, name in enumerate((engine, *spares))
            ]
            for server in made:
                ending.callback(server.destroy)
            source = made[0]
            source.start()
            ask(
                source.endpoint(),
                "CREATE DATABASE shop",
                "CREATE TABLE shop.notes (id INT PRIMARY KEY, note VARCHAR(20))",
                "INSERT INTO shop.notes VALUES (1, 'née ✓')",
            )
            simulator = Simulator(
                scenario or Scenario(durations=FAST),
                source,
                made[1:],
                passwords.load().replication,
                tmp_path / "backups",
                by_file=positioning is Positioning.FILE,
                descriptions=DESCRIPTIONS,
            )
            ending.callback(lambda: _compare(simulator))
            ending.callback(simulator.close)
            access = simulator.access
            client = Client(at(access.url), StaticToken(access.token), Retry(3, 0.01))
            ending.callback(client.close)
            return Rented(client, simulator, source, tuple(made[1:]))

        yield start


def _compare(simulator: Simulator) -> None:
    # Stopping a Single Server came with 2020-01-01, of which there is no description; the word is taken from the newer
    # service.
    assert [one for one in simulator.misfits if "userVisibleState: 'Stopped'" not in one] == []
