"""A simulated account over real servers, for one test each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from providers.aws import bluegreen, instances, snapshots
from providers.aws.access import Access, Key
from providers.aws.bluegreen import Deployment
from providers.aws.client import Client
from providers.aws.polling import Ended, Pace, Progress, wait
from providers.aws.procedures import Upstream
from providers.aws.records import Instance
from providers.calling.patience import Retry, Timeouts
from providers.mysql.endpoint import Account, Endpoint, Secret, TlsMode
from providers.mysql.server import Server
from providers.sandbox import engines, passwords
from providers.sandbox.aws_api.scenario import Durations, Scenario
from providers.sandbox.aws_api.simulator import Simulator
from providers.sandbox.launcher import SandboxServer
from providers.sandbox.options import Positioning
from tests.support import waiting
from tests.support.sql import ask

FAST = Durations().at_pace(2000)
PACE = Pace(180.0, 0.1)
SLOW_MACHINE_S = 180


_T = TypeVar("_T")


def until(condition: Callable[[], _T | None], what: str) -> _T:
    """Ask until the answer is true; seldom, as a call to the API takes more of the machine than what it waits for."""
    return waiting.until(condition, what, SLOW_MACHINE_S, 0.1)


@dataclass(frozen=True)
class Rented:
    """One simulated account: the client, the simulator, and the server of its first instance."""

    client: Client
    simulator: Simulator
    source: SandboxServer

    @property
    def id(self) -> str:
        return self.simulator.access.instance_id

    def endpoint(self, instance_id: str, account: Account | None = None) -> Endpoint:
        """The endpoint of an instance, as RDS tells it; by default with its master user."""
        found = instances.instance(self.client, instance_id)
        assert found.host
        assert found.port
        user = account or self.simulator.access.master
        return Endpoint(instance_id, found.host, found.port, user, TlsMode.DISABLED)

    def server(self, instance_id: str) -> Server:
        """An instance as an operator reaches it: through its endpoint, as its master user."""
        return Server(self.endpoint(instance_id))

    def upstream(self, instance_id: str) -> Upstream:
        """An instance as the source of another."""
        found = self.endpoint(instance_id)
        return Upstream(found.host, found.port, passwords.load().replication, encrypted=False)

    def wait(self, instance_id: str, status: str = "available") -> Instance:
        """Wait until an instance has a status, and its replication runs where it is a replica."""

        def judge(one: Instance) -> Progress:
            follows = one.source_id is None or (one.replication is not None and one.replication.normal)
            return Progress.DONE if one.status == status and follows else Progress.WAITING

        waited = wait(lambda: instances.instance(self.client, instance_id), judge, PACE)
        assert waited.ended is Ended.DONE, waited
        assert waited.last
        return waited.last

    def wait_gone(self, instance_id: str) -> None:
        until(lambda: instances.find(self.client, instance_id) is None, "a deleted instance")

    def wait_snapshot(self, snapshot_id: str) -> None:
        def taken() -> bool:
            found = snapshots.find(self.client, snapshot_id)
            return found is not None and found.status == "available"

        until(taken, "a snapshot")

    def wait_deployment(self, deployment_id: str, *statuses: str) -> Deployment:
        def reached() -> Deployment | None:
            found = bluegreen.find(self.client, deployment_id)
            return found if found and found.status in statuses else None

        return until(reached, f"a deployment that is {statuses}")

    def wait_row(self, instance_id: str, row: int) -> None:
        """Wait until a row has arrived on an instance."""

        def arrived() -> bool:
            return (row,) in ask(self.endpoint(instance_id), "SELECT id FROM shop.notes")

        until(arrived, f"row {row} on {instance_id}")

    def ask(self, instance_id: str, *statements: str) -> tuple[tuple[object, ...], ...]:
        """Run statements on an instance as its master user."""
        return ask(self.endpoint(instance_id), *statements)


Simulate = Callable[..., Rented]


@pytest.fixture
def simulate(engine_names: tuple[str, ...], tmp_path: Path) -> Iterator[Simulate]:
    """Start an account as `simulate(engine, scenario, positioning, spares)`; its instance has a database `shop`."""
    with ExitStack() as ending:

        def start(
            engine: str,
            scenario: Scenario | None = None,
            positioning: Positioning = Positioning.GTID,
            spares: Sequence[SandboxServer] = (),
        ) -> Rented:
            source = SandboxServer(engines.find(engine), tmp_path / "m1", name="m1", positioning=positioning)
            ending.callback(source.destroy)
            source.start()
            ask(
                source.endpoint(),
                "CREATE DATABASE shop",
                "CREATE TABLE shop.notes (id INT PRIMARY KEY AUTO_INCREMENT, note VARCHAR(20))",
                "INSERT INTO shop.notes VALUES (1, 'née ✓')",
            )
            chosen = scenario or Scenario(durations=FAST)
            simulator = Simulator(chosen, source, tmp_path / "made", positioning, spares=spares)
            ending.callback(simulator.close)
            access = simulator.access
            key = Key(Secret(access.key.id), access.key.secret)
            client = Client(
                Access(access.region, endpoint=access.url, key=key), Retry(3, 0.01), Timeouts(20, 30), settle_s=0.2
            )
            ending.callback(client.close)
            return Rented(client, simulator, source)

        yield start
