"""Alibaba Cloud on this machine: its APIs over HTTP on loopback, and real servers behind them."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from providers.mysql.endpoint import Secret
from providers.sandbox.aliyun_api import control, dts, polardb, ram, rds, resourcemanager
from providers.sandbox.aliyun_api.cloud import Cloud
from providers.sandbox.aliyun_api.control import Control
from providers.sandbox.aliyun_api.databases import Databases
from providers.sandbox.aliyun_api.faults import Faults
from providers.sandbox.aliyun_api.gateway import Gateway
from providers.sandbox.aliyun_api.scenario import Scenario
from providers.sandbox.aliyun_api.signature import Verifier
from providers.sandbox.api.calls import Answering, Call
from providers.sandbox.api.clock import Clock
from providers.sandbox.api.http import ApiServer
from providers.sandbox.api.keys import AccessKey


@dataclass(frozen=True)
class Access:
    """What a client of the simulated cloud needs: where it is, the key, the region, and the source's name there.

    `application` is the address (host and port) by which the application knows its database: the source's private one.
    """

    url: str
    key: AccessKey
    region: str
    instance_id: str
    application: tuple[str, int]
    control: Control


class Simulator(Answering[Call]):
    """A running simulation. It begins in the constructor; close it when done.

    `databases` holds the source, which runs already, and the servers of which clusters are made, which the
    simulation starts when it needs them. Whoever made them takes them down.
    """

    def __init__(self, scenario: Scenario, databases: Databases, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.faults = Faults()
        self.cloud = Cloud(scenario, databases, self.clock, self.faults)
        # Signatures are made by the caller's clock, which nobody moves.
        key = AccessKey(f"LTAI{secrets.token_hex(8)}", Secret(secrets.token_urlsafe(22)))
        products = [made.product(self.cloud) for made in (polardb, rds, ram, resourcemanager, dts)]
        self._gateway = Gateway(products, Verifier(key, time.time), self.faults)
        super().__init__(self._gateway.made)
        self._server = ApiServer(
            self._gateway.serve, lambda order: control.carry_out(order, self._gateway, self.faults, self.clock)
        )
        host, port = self._server.address
        first = self.cloud.rds_endpoints[0].addresses[0]
        self.access = Access(
            f"http://{host}:{port}",
            key,
            scenario.region,
            self.cloud.instance_id,
            (first.connection_string, first.port),
            Control(host, port, self._server.control_token),
        )

    def halt(self) -> None:
        """Stop answering and begin nothing more, so that the servers can be taken down before `close`."""
        self._server.close()
        self.cloud.halt()

    def close(self) -> None:
        """Stop answering, and cut all connections through the endpoints' addresses."""
        self.halt()
        self.cloud.close()
