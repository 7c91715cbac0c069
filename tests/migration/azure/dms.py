"""A Single Server, a Flexible Server elsewhere, and a migration service between them: a simulated one for each test."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest

from migration.azure.dms import connections, copy, project, sync
from migration.azure.dms.account import DmsAccount, open_account
from migration.azure.dms.checks import every
from migration.check import Finding, Pair, Route
from migration.checks.run import run_check
from migration.cutover.attempt import Switchover, plan_switch
from migration.journal import Journal, Kind
from migration.model import (
    CloudSpec,
    Direction,
    Limits,
    MigrationSpec,
    Outcome,
    Positioning,
    Secrets,
    ServerSpec,
    Side,
)
from migration.records import Scribe
from migration.runbook import Migration
from migration.steps import closed_accounts
from providers.mysql.endpoint import Secret
from providers.mysql.server import Server
from providers.sandbox import engines, passwords
from providers.sandbox.azure_api.faults import Ending, OperationFault
from providers.sandbox.azure_api.scenario import Scenario
from providers.sandbox.azure_api.simulator import Simulator
from providers.sandbox.launcher import SandboxServer
from providers.sandbox.options import Positioning as Sandboxed
from providers.sandbox.passwords import ADMINISTRATOR
from tests.migration.azure.conftest import ENGINE, FAST, Desk
from tests.support.waiting import until

CHECKS = {check.id: check for check in every()}
TARGET, GROUP, REGION = "mysqltarget", "another", "northeurope"
CREATE_TASK, COMMAND = "datamigration:Tasks_CreateOrUpdate", "datamigration:Tasks_Command"


@dataclass(frozen=True)
class Moving:
    """A subscription, and a migration in it as the steps and checks see it."""

    simulator: Simulator
    m: Migration
    account: DmsAccount
    desk: Desk

    def find(self, check: str) -> Finding:
        """Run a check as the runner does."""
        m = self.m
        chosen = m.story().chosen
        pair = Pair(m.source, m.other, m.spec, m.secrets, m.positioning, Route.LOGICAL, m.cloud, chosen)
        return run_check(pair, CHECKS[check])

    def made(self, action: str) -> int:
        """How often this call arrived."""
        return sum(one.action == action for one in self.simulator.calls)

    def fails(self, ending: Ending, action: str, **more: Any) -> None:
        """Let the next operation of this kind go wrong."""
        self.simulator.faults.add_operation(OperationFault(ending, action, **more))

    def chosen(self, gate: str, value: str) -> None:
        """What the operator chose at a gate."""
        self.m.scribe.gate_passed(gate, 0, "confirm", value)

    def tried_again(self) -> None:
        """The operator confirms that a step that failed is tried again."""
        self.m.scribe.gate_passed("retry", 0, "confirm")

    def attempt(self, number: int = 1) -> Switchover:
        return plan_switch(self.m, number, Direction.CUTOVER, "test")

    def ready(self) -> Moving:
        """The same with everything set up that comes before the copy."""
        project.apply(self.m)
        connections.apply(self.m)
        closed_accounts.apply(self.m)
        return self

    def following(self) -> Moving:
        """The same with a task that follows, close behind the source."""
        self.ready()
        copy.apply(self.m)
        until(lambda: sync.probe(self.m).outcome is Outcome.DONE, "it is close behind", 60)
        return self


Move = Callable[..., Moving]


@contextlib.contextmanager
def moving(machine: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Move]:
    """Simulate subscriptions as `move(way, durations, **scenario)`; calls are made with the product's own client."""
    with ExitStack() as ending:

        def start(way: str = "online", durations: Any = FAST, target: str = TARGET, **more: Any) -> Moving:
            place = tmp_path_factory.mktemp("moving")
            kept = {"kind": "single", "sku": "GP_Gen5_4", "migration_service": "running", **more}
            scenario = Scenario(
                durations=durations, target=target, target_group=GROUP, target_location=REGION, **kept
            )  # fmt: skip
            spare = SandboxServer(engines.find(ENGINE), place / "spare", name="spare", positioning=Sandboxed.GTID)
            ending.callback(spare.destroy)
            _prepare(machine)
            simulator = Simulator(scenario, machine, [spare], passwords.load().replication, place / "backups")
            ending.callback(simulator.close)
            m = _migration(simulator, way, place, ending)
            assert isinstance(m.cloud, DmsAccount)
            assert isinstance(m.desk, Desk)
            found = m.cloud.server(m.cloud.target)
            if found is not None:
                host = str(found.host)
                spec = replace(m.spec, target=replace(m.spec.target, name=TARGET, host=host))
                server = Server(spec.target.endpoint(m.secrets.target))
                ending.callback(server.close)
                m.scribe.placed(Side.TARGET, TARGET, host, spec.target.port, spec.target.user)
                m = replace(m, spec=spec, other=server)
            return Moving(simulator, m, m.cloud, m.desk)  # type: ignore[arg-type]

        yield start


def _prepare(machine: SandboxServer) -> None:
    with contextlib.closing(Server(machine.endpoint())) as server:
        # Each subscription gives its administrator another password.
        server.change("DROP USER IF EXISTS azadmin")
        server.change("SET GLOBAL read_only = OFF")
        server.change("DELETE FROM shop.orders WHERE id > 1")
        server.change("DROP PROCEDURE IF EXISTS shop.greet")
        server.change("CREATE PROCEDURE shop.greet() SELECT 'née ✓'")
        server.change("CREATE OR REPLACE VIEW shop.notes AS SELECT note FROM shop.orders")
        server.change("CREATE DATABASE IF NOT EXISTS books")
        server.change("CREATE TABLE IF NOT EXISTS books.lent (id INT PRIMARY KEY) ENGINE=InnoDB")


def _migration(simulator: Simulator, way: str, place: Any, ending: ExitStack) -> Migration:
    access = simulator.access
    user, password = access.administrator.user, access.administrator.password
    groups = f"/subscriptions/{access.subscription_id}/resourceGroups"
    here = f"{groups}/{access.resource_group}/providers"
    options = {
        "way": way,
        "target": f"{groups}/{GROUP}/providers/Microsoft.DBforMySQL/flexibleServers/{TARGET}",
        "service": f"{here}/Microsoft.DataMigration/services/dms",
        "subnet": "/subnets/default",
        "target_region": REGION,
        "target_size": "Standard_D2ds_v4",
        "target_tier": "GeneralPurpose",
        "target_version": "5.7",
        "target_port": str(access.port),
        "poll_s": "0.02",
        "still_s": "0.05",
        "settle_s": "0.1",
    }
    spec = MigrationSpec(
        "one-of-them",
        "azure_flexible_server",
        "tests",
        ServerSpec(access.server, access.host, access.port, user, ADMINISTRATOR),
        ServerSpec("new server", "", access.port, user, ADMINISTRATOR),
        limits=Limits(lag_s=60.0),
        spared=(ADMINISTRATOR,),
        cloud=CloudSpec(
            access.location, f"{here}/Microsoft.DBforMySQL/servers/{access.server}", "given", access.url, options
        ),
    )
    given = Secrets(password, password, Secret(""), Secret(""), {"token": access.token})
    account = open_account(spec, given)
    ending.callback(account.close)
    server = Server(spec.source.endpoint(password))
    ending.callback(server.close)
    scribe = Scribe(Journal.create(place / "journal"))
    ending.callback(scribe.journal.close)
    scribe.journal.append_synced(Kind.CREATED, spec.id, spec.to_json())
    return Migration(spec, given, server, None, Positioning.GTID, scribe, Desk(), cloud=account)
