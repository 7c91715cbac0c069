"""Alibaba Cloud in a sandbox: the simulator over the sandbox's servers, and what the scenario plants in them."""

from __future__ import annotations

import secrets
from typing import Any

from providers.mysql.endpoint import Endpoint
from providers.mysql.server import Server
from providers.sandbox import passwords
from providers.sandbox.aliyun_api.access import AliyunAccess
from providers.sandbox.aliyun_api.databases import Databases
from providers.sandbox.aliyun_api.faults import lost_answers
from providers.sandbox.aliyun_api.simulator import Simulator
from providers.sandbox.aliyun_api.spec import AliyunCloud
from providers.sandbox.aliyun_api.state import system_accounts
from providers.sandbox.api.rehearsed import Rehearsed
from providers.sandbox.api.sessions import tls_free
from providers.sandbox.api.versions import version_of
from providers.sandbox.cloud import Ground
from providers.sandbox.options import Positioning


class RehearsedAliyun(Rehearsed[Simulator]):
    """A running simulation over a sandbox's servers. It begins in the constructor."""

    def __init__(self, spec: AliyunCloud, ground: Ground) -> None:
        self._spec = spec
        self._version = version_of(ground.spares[0].engine)
        self._system_account, extra = system_accounts(version_of(ground.source.engine))
        if spec.scenario.extra_account != "none":
            _plant_account(ground, extra)
        accounts = (ground.forward, ground.reverse)
        by_file = ground.positioning is Positioning.FILE
        super().__init__(
            Simulator(spec.simulated(), Databases(ground.source, ground.spares, accounts, by_file=by_file))
        )

        if spec.answers == "lost":
            for fault in lost_answers():
                self._simulator.faults.add(fault)

    @property
    def application(self) -> tuple[str, int]:
        """Host and port by which the application knows its database."""
        return self._simulator.access.application

    def access(self) -> dict[str, Any]:
        """What a client needs, secrets included, as `AliyunAccess.from_json` takes it."""
        found, accounts = self._simulator.access, passwords.load()
        host, port = found.application
        return AliyunAccess(
            url=found.url,
            region=found.region,
            key=found.key,
            instance_id=found.instance_id,
            rules=self._spec.scenario.rules,
            method=self._spec.method,
            version=self._version,
            operator=accounts.administrator,
            system_account=self._system_account,
            application=Endpoint("application", host, port, accounts.application),
            control=found.control,
        ).as_json()


def _plant_account(ground: Ground, name: str) -> None:
    """An account as an upgrade of the instance, or its owner, left it behind."""
    session = Server(tls_free(ground.source)).connect()
    try:
        session.run("SET SESSION sql_log_bin = 0")
        words = "CREATE USER %s@'%%' IDENTIFIED BY %s"
        session.run(words, (name, secrets.token_urlsafe(18)), shown=f"CREATE USER {name}")
    finally:
        session.close()
