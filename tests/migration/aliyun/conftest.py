"""One source server for the tests of a file, and a simulated account over it for each test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from migration.aliyun.account import open_account
from migration.journal import Journal, Kind
from migration.model import CloudSpec, Limits, MigrationSpec, Positioning, Secrets, ServerSpec
from migration.records import Scribe
from migration.runbook import Migration
from providers.mysql import replication
from providers.mysql.endpoint import Secret
from providers.mysql.server import Server
from providers.sandbox import engines, passwords
from providers.sandbox.aliyun_api.databases import Databases
from providers.sandbox.aliyun_api.scenario import Durations, Scenario
from providers.sandbox.aliyun_api.simulator import Simulator
from providers.sandbox.launcher import SandboxServer
from tests.migration.aliyun.tenant import Rent, Tenant
from tests.support.moving import QuietDesk
from tests.support.pairs import running

_ENGINE = "mysql-5.6"
_POLL_S = "0.05"
_USUAL = Scenario(durations=Durations().at_pace(2000))


@pytest.fixture(scope="module")
def rds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """The source: an RDS for MySQL 5.6 with a small database."""
    with running(_ENGINE, tmp_path_factory.mktemp("rds")) as started:
        with contextlib.closing(Server(started.endpoint())) as server:
            server.change("CREATE DATABASE shop")
            server.change("CREATE TABLE shop.orders (id INT PRIMARY KEY, note VARCHAR(80)) ENGINE=InnoDB")
        yield started


def _as_at_first(source: SandboxServer) -> None:
    with contextlib.closing(Server(source.endpoint())) as server:
        replication.forget(server)
        server.change(server.dialect.unfence)


@pytest.fixture
def tenant(rds: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rent]:
    """Begin a migration as `tenant(scenario)`, before its cluster is ordered; the cloud is in a hurry."""
    with ExitStack() as ending:

        def start(scenario: Scenario = _USUAL) -> Tenant:
            accounts, place = passwords.load(), tmp_path_factory.mktemp("tenant")
            ending.callback(_as_at_first, rds)
            spare = SandboxServer(engines.find(_ENGINE), place / "spare", name="spare")
            ending.callback(spare.destroy)
            simulator = Simulator(scenario, Databases(rds, [spare], (accounts.replication,) * 2, by_file=False))
            ending.callback(simulator.close)
            access, endpoint, administrator = simulator.access, rds.endpoint(), accounts.administrator
            options = {"rules": scenario.rules, "poll_s": _POLL_S}
            spec = MigrationSpec(
                "one",
                "rds_to_polardb",
                "tests",
                ServerSpec(access.instance_id, endpoint.host, endpoint.port, administrator.user, ""),
                ServerSpec("new cluster", "", 0, administrator.user, ""),
                limits=Limits(lag_s=60.0),
                cloud=CloudSpec(scenario.region, access.instance_id, "given", access.url, options),
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
            scribe.journal.append(Kind.CREATED, spec.id, spec.to_json())
            desk = QuietDesk()
            m = Migration(spec, secrets, server, None, Positioning.GTID, scribe, desk, cloud=account)
            return Tenant(simulator, m, desk, ending)

        yield start
