"""A customer of a sandbox's simulated cloud: the product's own client, and what is waited for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from providers.aliyun import polardb
from providers.aliyun.client import Client
from providers.aliyun.credentials import from_texts
from providers.aliyun.endpoints import everything_at
from providers.aliyun.polardb_records import Migration, MigrationEndpoint, NewCluster, Swap
from providers.mysql.endpoint import Endpoint
from providers.sandbox.aliyun_api.access import AliyunAccess
from providers.sandbox.client import Sandbox
from providers.sandbox.figures import WorkloadFigures
from tests.providers.sandbox.asking import ask
from tests.support.waiting import until

SWITCHED, SYNCING, CHECK_FAILED = "POLARDB2RDS_SYNCING", "RDS2POLARDB_SYNCING", "PRE_CHECK_FAIL"


@dataclass(frozen=True)
class Customer:
    """One sandbox and its cloud, with a client of it."""

    sandbox: Sandbox
    cloud: AliyunAccess
    client: Client

    def order(self) -> str:
        """Order a cluster that is migrated to; its id."""
        order = NewCluster("the one order", self.cloud.instance_id, self.cloud.version)
        cluster = self.client.send(polardb.create_cluster(order)).cluster_id
        assert cluster is not None
        return cluster

    def wait(self, cluster: str, status: str) -> Migration:
        """Wait until the migration is in a status, and where it synchronises is not behind."""

        def reached() -> Migration | None:
            found = polardb.migration(self.client, cluster)
            synced = found.status not in (SWITCHED, SYNCING) or found.delay_s == 0
            return found if found.status == status and synced else None

        return until(reached, status, 60, 0.05)

    def in_sync(self) -> str:
        """Order a cluster and wait until it follows; the workload knows of it then."""
        cluster = self.order()
        self.wait(cluster, SYNCING)
        self.sandbox.workload("arm")
        return cluster

    def add_public_address(self, cluster: str) -> None:
        """Give the cluster's primary endpoint a public address, which takes the cloud an hour."""
        found = next(one for one in polardb.endpoints(self.client, cluster) if one.kind == "Primary")
        assert found.endpoint_id is not None
        self.client.send(polardb.create_public_address(cluster, found.endpoint_id))
        assert polardb.cluster(self.client, cluster).status == "NetAddressCreating"
        self.cloud.control.advance(3600)
        assert polardb.cluster(self.client, cluster).status == "Running"

    def switch(self, cluster: str, swap: Swap | None = None) -> Migration:
        """Give the cluster the writes."""
        self.client.send(polardb.switch_over(cluster, self.cloud.instance_id, swap))
        return self.wait(cluster, SWITCHED)

    def roll_back(self, cluster: str, swap: Swap | None = None) -> Migration:
        """Give the instance the writes back."""
        self.client.send(polardb.roll_back(cluster, self.cloud.instance_id, swap))
        return self.wait(cluster, SYNCING)

    def close(self, cluster: str) -> None:
        """End the migration for good."""
        self.sandbox.workload("disarm")
        self.client.send(polardb.close_migration(cluster))
        self.wait(cluster, "NO_MIGRATION")

    def wait_written_on(self, server: str) -> None:
        """Wait until every follower writes on that server, and further writes were acknowledged."""
        until(lambda: set(self.sandbox.figures().follower_servers) == {server}, f"every client on {server}", 30)
        before = self.sandbox.figures().acknowledged_writes
        until(lambda: self.sandbox.figures().acknowledged_writes > before + 20, "further writes", 30)

    def account(self) -> WorkloadFigures:
        """The figures with lost writes looked for."""
        assert self.sandbox.workload("pause") == {"unfinished": 0}
        found = self.sandbox.verify_lost()
        self.sandbox.workload("resume")
        return found

    def server_at_application(self) -> str:
        """Which server is at the other end of the application's connection string."""
        return self.server_at(self.cloud.application.host, self.cloud.application.port)

    def server_at(self, host: str, port: int) -> str:
        """Which server the operator finds at the other end of an address."""
        ((own,),) = ask(Endpoint("address", host, port, self.cloud.operator), "SELECT @@port")
        ends = self.sandbox.endpoints()
        return {ends.source.port: "source", ends.target.port: "target"}[int(own)]


def primary(listed: tuple[MigrationEndpoint, ...] | None, network: str = "Private") -> tuple[str, int]:
    """Host and port of the primary endpoint's address in a network, among a side's endpoints."""
    for one in listed or ():
        if "Primary" in (one.kind, one.owner):
            for address in one.addresses or ():
                if address.network == network and address.host and address.port:
                    return address.host, address.port
    raise AssertionError(f"no primary endpoint in {listed}")


@contextlib.contextmanager
def renting(sandbox: Sandbox) -> Iterator[Customer]:
    """The customer of a sandbox."""
    cloud = AliyunAccess.from_json(sandbox.cloud())
    credentials = from_texts(cloud.key.id, cloud.key.secret.reveal(), None, "test")
    client = Client(everything_at(cloud.url, cloud.region), lambda: credentials)
    with contextlib.closing(client):
        yield Customer(sandbox, cloud, client)
