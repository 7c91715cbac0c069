"""A simulated account over a real server, and a migration of its instance without a runner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from migration.aws import checks
from migration.aws.account import Account, open_account
from migration.check import Finding, Pair
from migration.checks.run import run_check
from migration.journal import Journal, Kind
from migration.model import CloudSpec, MigrationSpec, Positioning, Secrets, ServerSpec
from migration.records import Scribe
from migration.runbook import Action, Migration
from providers.mysql.endpoint import Account as Login
from providers.mysql.endpoint import Secret
from providers.mysql.server import Server
from providers.sandbox import engines, passwords
from providers.sandbox.aws_api.scenario import Durations, Scenario
from providers.sandbox.aws_api.simulator import Simulator
from providers.sandbox.launcher import SandboxServer
from providers.sandbox.options import Positioning as How
from tests.support.moving import QuietDesk
from tests.support.sql import ask

FAST = Durations().at_pace(2000)
CHECKS = {check.id: check for check in checks.every()}


@dataclass
class Tenant:
    """One account with its instance, and what a runner would work with."""

    simulator: Simulator
    m: Migration
    source: SandboxServer

    @property
    def account(self) -> Account:
        assert isinstance(self.m.cloud, Account)
        return self.m.cloud

    def find(self, check: str) -> Finding:
        """Run a check as the runner does."""
        m = self.m
        return run_check(Pair(m.source, m.other, m.spec, m.secrets, m.positioning, cloud=m.cloud), CHECKS[check])

    def carry(self, how: Action) -> None:
        """Carry a step out as the runner does: look, act, look again; what was created is connected to."""
        assert how.statements(self.m)
        assert how.probe(self.m).outcome == "not_done"
        how.apply(self.m)
        spec = self.m.story().spec
        assert spec is not None
        if spec != self.m.spec:
            other = Server(spec.target.endpoint(self.m.secrets.target)) if spec.target.host else None
            self.m = replace(self.m, spec=spec, other=other)
        seen = how.probe(self.m)
        assert seen.outcome == "done", seen

    def as_application(self) -> Login:
        """The application's account, which exists on every server."""
        return passwords.load().application

    def ask_target(self, login: Login, *statements: str) -> tuple[tuple[object, ...], ...]:
        """Run statements on the new instance, as whoever."""
        return ask(replace(self.m.target.endpoint, account=login), *statements)


Rent = Callable[..., Tenant]


@pytest.fixture
def rent(engine_names: tuple[str, ...], tmp_path: Path) -> Iterator[Rent]:
    """Simulate an account as `rent(engine, scenario, positioning, runbook)`; its instance has a database `shop`."""
    with ExitStack() as ending:

        def start(
            engine: str = "mysql-5.7",
            scenario: Scenario | None = None,
            positioning: Positioning = Positioning.GTID,
            runbook: str = "rds_promote_first",
        ) -> Tenant:
            how = How.GTID if positioning is Positioning.GTID else How.FILE
            source = SandboxServer(engines.find(engine), tmp_path / "m1", name="m1", positioning=how)
            ending.callback(source.destroy)
            source.start()
            ask(
                source.endpoint(),
                "CREATE DATABASE shop",
                "CREATE TABLE shop.notes (id INT PRIMARY KEY AUTO_INCREMENT, note VARCHAR(20))",
                "INSERT INTO shop.notes VALUES (1, 'one')",
            )
            chosen = scenario or Scenario(parameter_group="m1-own", durations=FAST)
            simulator = Simulator(chosen, source, tmp_path / "made", how)
            ending.callback(simulator.close)
            return Tenant(simulator, _migration(simulator, positioning, runbook, tmp_path, ending), source)

        yield start


def _migration(
    simulator: Simulator, positioning: Positioning, runbook: str, place: Path, ending: ExitStack
) -> Migration:
    access, replication = simulator.access, passwords.load().replication
    host, port = access.application
    spec = MigrationSpec(
        "one",
        runbook,
        "tests",
        ServerSpec(access.instance_id, host, port, access.master.user, replication.user),
        ServerSpec("new instance", "", 0, access.master.user, replication.user),
        positioning,
        spared=(passwords.load().administrator.user,),
        cloud=CloudSpec(access.region, access.instance_id, "given", access.url, {"poll_s": "0.05"}),
    )
    password, key = access.master.password, {"key": Secret(access.key.id), "secret": access.key.secret}
    secrets = Secrets(password, password, replication.password, replication.password, key)
    account = open_account(spec, secrets)
    ending.callback(account.close)
    server = Server(spec.source.endpoint(password))
    ending.callback(server.close)
    journal = Journal.create(place / "journal")
    ending.callback(journal.close)
    journal.append_synced(Kind.CREATED, spec.id, spec.to_json())
    return Migration(spec, secrets, server, None, positioning, Scribe(journal), QuietDesk(), cloud=account)
