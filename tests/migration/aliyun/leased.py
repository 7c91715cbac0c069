"""A simulated account over a real source server, and a migration of it that has just begun."""

from __future__ import annotations

import contextlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from migration.aliyun.account import open_account
from migration.journal import Journal
from migration.model import CloudSpec, Limits, MigrationSpec, Positioning, Secrets, ServerSpec
from migration.records import Scribe
from migration.runbook import Migration
from providers.mysql import replication
from providers.mysql.endpoint import Secret
from providers.mysql.server import Server
from providers.sandbox import engines, passwords
from providers.sandbox.aliyun_api.databases import Databases
from providers.sandbox.aliyun_api.scenario import Scenario
from providers.sandbox.aliyun_api.simulator import Simulator
from providers.sandbox.api.clock import Clock
from providers.sandbox.launcher import SandboxServer
from tests.support.moving import QuietDesk

ENGINE = "mysql-5.6"
_POLL_S = "0.05"


@dataclass(frozen=True)
class Leased:
    simulator: Simulator
    m: Migration
    desk: QuietDesk


def lease(
    source: SandboxServer,
    place: Path,
    ending: ExitStack,
    scenario: Scenario,
    limits: Limits | None = None,
    clock: Clock | None = None,
    target: str = ENGINE,
) -> Leased:
    """Simulate an account over a source; what calls are made with is the product's own client.

    Everything is taken down with `ending`, and the source left as it was at first.
    """
    ending.callback(_as_at_first, source)
    accounts = passwords.load()
    spare = SandboxServer(engines.find(target), place / "spare", name="spare")
    ending.callback(spare.destroy)
    simulator = Simulator(scenario, Databases(source, [spare], (accounts.replication,) * 2, by_file=False), clock)
    ending.callback(simulator.close)
    access, endpoint, administrator = simulator.access, source.endpoint(), accounts.administrator
    spec = MigrationSpec(
        "one",
        "rds_to_polardb",
        "tests",
        ServerSpec(access.instance_id, endpoint.host, endpoint.port, administrator.user, ""),
        ServerSpec("new cluster", "", 0, administrator.user, ""),
        limits=limits or Limits(),
        cloud=CloudSpec(
            scenario.region, access.instance_id, "given", access.url, {"rules": scenario.rules, "poll_s": _POLL_S}
        ),
    )
    password, none = administrator.password, Secret("")
    key = {"key": Secret(access.key.id), "secret": access.key.secret}
    secrets = Secrets(password, password, none, none, key)
    account = open_account(spec, secrets)
    ending.callback(account.close)
    server = Server(spec.source.endpoint(password))
    ending.callback(server.close)
    scribe = Scribe(Journal.create(place / "journal"))
    ending.callback(scribe.journal.close)
    desk = QuietDesk()
    return Leased(
        simulator, Migration(spec, secrets, server, None, Positioning.GTID, scribe, desk, cloud=account), desk
    )


def _as_at_first(source: SandboxServer) -> None:
    with contextlib.closing(Server(source.endpoint())) as server:
        replication.forget(server)
        server.change(server.dialect.unfence)
