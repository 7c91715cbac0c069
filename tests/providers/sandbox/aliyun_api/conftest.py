"""A simulated account over real servers, for one test each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from providers.mysql.endpoint import Account, Endpoint
from providers.sandbox import engines, passwords
from providers.sandbox.aliyun_api.databases import Databases
from providers.sandbox.aliyun_api.scenario import Scenario
from providers.sandbox.aliyun_api.simulator import Simulator
from providers.sandbox.launcher import SandboxServer
from providers.sandbox.options import Positioning
from tests.providers.sandbox.aliyun_api.calling import Caller
from tests.support.sql import ask
from tests.support.waiting import until


@dataclass(frozen=True)
class Rented:
    """One simulated account: the client, the simulator, and the two servers behind it."""

    call: Caller
    simulator: Simulator
    source: SandboxServer
    spare: SandboxServer

    @property
    def rds(self) -> str:
        """The source's name in the cloud."""
        return self.simulator.access.instance_id

    def create(self, **more: str) -> str:
        """Order a migration to the source's own version; the cluster's id."""
        return str(self.call("polardb:CreateDBCluster", **(self.purchase() | more))["DBClusterId"])

    def purchase(self) -> dict[str, str]:
        """The parameters of such an order."""
        return {
            "DBType": "MySQL",
            "DBVersion": self.simulator.cloud.version,
            "PayType": "Postpaid",
            "RegionId": "cn-hangzhou",
            "CreationOption": "MigrationFromRDS",
            "SourceResourceId": self.rds,
        }

    def migration(self, cluster: str) -> dict[str, Any]:
        """What the cloud says of it."""
        return self.call("polardb:DescribeDBClusterMigration", DBClusterId=cluster)

    def wait(self, cluster: str, status: str) -> dict[str, Any]:
        """Wait until the migration is in a status; what the cloud says then."""

        def reached() -> dict[str, Any] | None:
            found = self.migration(cluster)
            return found if found["MigrationStatus"] == status else None

        return until(reached, f"{status}", 20)

    def wait_in_sync(self, cluster: str) -> dict[str, Any]:
        """Wait until it synchronises and says that it is not behind."""

        def reached() -> dict[str, Any] | None:
            found = self.migration(cluster)
            ready = (found["MigrationStatus"], found.get("DelayedSeconds")) == ("RDS2POLARDB_SYNCING", 0)
            return found if ready else None

        return until(reached, "a migration in sync", 20)

    def modify(self, cluster: str, new_master: str, **more: str) -> None:
        """Switch over or roll back."""
        self.call("polardb:ModifyDBClusterMigration", **self.order(cluster, new_master), **more)

    def order(self, cluster: str, new_master: str) -> dict[str, str]:
        """The parameters of a switch or rollback."""
        return {"DBClusterId": cluster, "SourceRDSDBInstanceId": self.rds, "NewMasterInstanceId": new_master}


def address(listed: list[dict[str, Any]], kind: str, account: Account) -> Endpoint:
    """The private address of the first endpoint of a kind, as a client uses it."""
    for one in listed:
        if kind in (one.get("CustinsType"), one["EndpointType"]):
            item = next(item for item in one["AddressItems"] if item["NetType"] == "Private")
            return Endpoint(kind, item["ConnectionString"], int(item["Port"]), account)
    raise AssertionError(f"no {kind} in {listed}")


def server_at(endpoint: Endpoint) -> int:
    """The replication number of the server to which an address leads."""
    return int(ask(endpoint, "SELECT @@server_id")[0][0])


Simulate = Callable[..., Rented]


@pytest.fixture
def simulate(engine_names: tuple[str, ...], tmp_path: Path) -> Iterator[Simulate]:
    """Start an account as `simulate(engine, scenario, positioning)`; its source has a database `shop`."""
    with ExitStack() as ending:

        def start(engine: str, scenario: Scenario, positioning: Positioning = Positioning.GTID) -> Rented:
            found = engines.find(engine)
            source, spare = (
                SandboxServer(found, tmp_path / name, name=name, positioning=positioning) for name in ("rds", "spare")
            )
            ending.callback(source.destroy)
            ending.callback(spare.destroy)
            source.start()
            ask(
                source.endpoint(),
                "CREATE DATABASE shop",
                "CREATE TABLE shop.notes (id INT PRIMARY KEY, note VARCHAR(20))",
                "INSERT INTO shop.notes VALUES (-1, 'née ✓')",
            )
            replication = passwords.load().replication
            databases = Databases(source, [spare], (replication, replication), by_file=positioning is Positioning.FILE)
            simulator = Simulator(scenario, databases)
            ending.callback(simulator.close)
            return Rented(Caller(simulator.access), simulator, source, spare)

        yield start
