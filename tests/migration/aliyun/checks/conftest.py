"""One source server for the tests of a file, and a simulated account over it for each test."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from migration.aliyun.account import open_account
from migration.check import Route
from migration.journal import Journal
from migration.model import CloudSpec, MigrationSpec, Positioning, Secrets, ServerSpec
from migration.records import Scribe
from migration.runbook import Migration
from providers.mysql.endpoint import Secret
from providers.mysql.server import Server
from providers.sandbox import engines, passwords
from providers.sandbox.aliyun_api.databases import Databases
from providers.sandbox.aliyun_api.scenario import Scenario
from providers.sandbox.aliyun_api.simulator import Simulator
from providers.sandbox.api.clock import Clock
from providers.sandbox.launcher import SandboxServer
from tests.migration.aliyun.checks.bench import FAST, Bench
from tests.support.moving import QuietDesk
from tests.support.pairs import running

_ENGINE = "mysql-5.6"
Rent = Callable[..., Bench]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """The source: an RDS for MySQL 5.6 with a small database."""
    with running(_ENGINE, tmp_path_factory.mktemp("rds")) as started:
        with contextlib.closing(Server(started.endpoint())) as server:
            server.change("CREATE DATABASE shop")
            server.change("CREATE TABLE shop.orders (id INT PRIMARY KEY, note VARCHAR(80)) ENGINE=InnoDB")
        yield started


@pytest.fixture
def rent(machine: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rent]:
    """Simulate an account as `rent(scenario, route, clock)`; what calls are made with is the product's own client."""
    with ExitStack() as ending:

        def start(scenario: Scenario | None = None, route: Route = Route.LOGICAL, clock: Clock | None = None) -> Bench:
            accounts, scenario, place = passwords.load(), scenario or Scenario(), tmp_path_factory.mktemp("rented")
            spare = SandboxServer(engines.find(_ENGINE), place / "spare", name="spare")
            ending.callback(spare.destroy)
            simulator = Simulator(
                scenario, Databases(machine, [spare], (accounts.replication,) * 2, by_file=False), clock
            )
            ending.callback(simulator.close)
            access, endpoint = simulator.access, machine.endpoint()
            administrator = accounts.administrator
            spec = MigrationSpec(
                "one",
                "rds_to_polardb",
                "tests",
                ServerSpec(access.instance_id, endpoint.host, endpoint.port, administrator.user, ""),
                ServerSpec("", "", 0, administrator.user, ""),
                cloud=CloudSpec(
                    scenario.region,
                    access.instance_id,
                    "given",
                    access.url,
                    {"rules": scenario.rules, "poll_s": "0.05"},
                ),
            )
            password = administrator.password
            secrets = Secrets(
                password, password, Secret(""), Secret(""), {"key": Secret(access.key.id), "secret": access.key.secret}
            )
            account = open_account(spec, secrets)
            ending.callback(account.close)
            server = Server(spec.source.endpoint(password))
            ending.callback(server.close)
            scribe = Scribe(Journal.create(place / "journal"))
            ending.callback(scribe.journal.close)
            m = Migration(spec, secrets, server, None, Positioning.GTID, scribe, QuietDesk(), cloud=account)
            return Bench(simulator, m, account, route)

        yield start


@pytest.fixture
def both(rent: Rent) -> Iterator[Bench]:
    """The instance and a cluster that follows it, with a session to each."""
    one = rent(Scenario(public_address=False, durations=FAST), Route.PHYSICAL).ordered().with_server()
    with contextlib.closing(one.m.target):
        yield one
