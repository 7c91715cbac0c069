"""One source server for the tests of a file, and a simulated subscription over it for each test."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from migration.azure import replica
from migration.azure.account import Account, open_account
from migration.azure.checks import every
from migration.check import Finding, Pair, Route
from migration.checks.run import run_check
from migration.cutover.attempt import Switchover, plan_switch
from migration.journal import Journal, Kind
from migration.model import CloudSpec, Direction, Limits, MigrationSpec, Positioning, Secrets, ServerSpec
from migration.records import Scribe
from migration.runbook import Migration
from migration.view import LagSample
from providers.mysql.endpoint import Secret
from providers.mysql.server import Server
from providers.sandbox import engines, passwords
from providers.sandbox.azure_api.faults import Ending, OperationFault
from providers.sandbox.azure_api.scenario import Durations, Scenario
from providers.sandbox.azure_api.simulator import Simulator
from providers.sandbox.launcher import SandboxServer
from providers.sandbox.options import Positioning as Sandboxed
from providers.sandbox.passwords import ADMINISTRATOR
from tests.support.pairs import running
from tests.support.waiting import until

ENGINE = "mysql-5.7"
FAST = Durations().at_pace(4000)
CHECKS = {check.id: check for check in every()}
_TYPES = {
    "classic": "Microsoft.MySql/servers",
    "single": "Microsoft.DBforMySQL/servers",
    "flexible": "Microsoft.DBforMySQL/flexibleServers",
}


@dataclass
class Desk:
    """An operator who says stop once `stopped` says so, and to whom the replica is close."""

    stopped: Callable[[], bool] = lambda: False
    now: LagSample | None = field(default_factory=lambda: LagSample(0, 0.0, False, "", "", 0.0, None, "", None, None))

    def halted(self) -> bool:
        return self.stopped()

    def lag(self) -> LagSample | None:
        return self.now


@dataclass(frozen=True)
class Bench:
    """A subscription, and a migration in it as the steps and checks see it."""

    simulator: Simulator
    m: Migration
    account: Account
    desk: Desk

    def find(self, check: str) -> Finding:
        """Run a check as the runner does."""
        m = self.m
        pair = Pair(m.source, m.other, m.spec, m.secrets, m.positioning, Route.PHYSICAL, m.cloud)
        return run_check(pair, CHECKS[check])

    def word(self, check: str) -> str:
        return self.find(check).word

    def made(self, action: str) -> int:
        """How often this call arrived."""
        return sum(one.action == action for one in self.simulator.calls)

    def fails(self, ending: Ending, action: str, **more: Any) -> None:
        """Let the next operation of this kind go wrong."""
        self.simulator.faults.add_operation(OperationFault(ending, action, **more))

    def with_target(self) -> Bench:
        """The same once the replica was placed; whoever asks for it closes `m.target`."""
        spec = self.m.story().spec
        assert spec is not None
        return replace(self, m=replace(self.m, spec=spec, other=Server(spec.target.endpoint(self.m.secrets.target))))

    def attempt(self, number: int = 1) -> Switchover:
        return plan_switch(self.m, number, Direction.CUTOVER, "test")

    def chosen(self, gate: str, value: str) -> None:
        """What the operator chose at a gate."""
        self.m.scribe.gate_passed(gate, 0, "confirm", value)


Rent = Callable[..., Bench]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """The source with a small database."""
    with running(ENGINE, tmp_path_factory.mktemp("azure")) as started:
        with contextlib.closing(Server(started.endpoint())) as server:
            server.change("CREATE DATABASE shop")
            server.change("CREATE TABLE shop.orders (id INT PRIMARY KEY, note VARCHAR(80)) ENGINE=InnoDB")
            server.change("INSERT INTO shop.orders VALUES (1, 'née ✓')")
        yield started


@pytest.fixture
def rent(machine: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rent]:
    """Simulate a subscription as `rent(kind, **scenario)`; what calls are made with is the product's own client."""
    with ExitStack() as ending:

        def start(kind: str = "flexible", durations: Durations = FAST, **more: Any) -> Bench:
            place = tmp_path_factory.mktemp("rented")
            scenario = Scenario(kind=kind, durations=durations, **more)  # type: ignore[arg-type]
            spare = SandboxServer(engines.find(ENGINE), place / "spare", name="spare", positioning=Sandboxed.GTID)
            ending.callback(spare.destroy)
            with contextlib.closing(Server(machine.endpoint())) as server:
                # Each subscription gives its administrator another password.
                server.change("DROP USER IF EXISTS azadmin")
            simulator = Simulator(scenario, machine, [spare], passwords.load().replication, place / "backups")
            ending.callback(simulator.close)
            access = simulator.access
            user, password = access.administrator.user, access.administrator.password
            group = f"/subscriptions/{access.subscription_id}/resourceGroups/{access.resource_group}"
            spec = MigrationSpec(
                "one",
                "azure_service_tier",
                "tests",
                ServerSpec(access.server, access.host, access.port, user, ADMINISTRATOR),
                ServerSpec("new replica", "", 0, user, ADMINISTRATOR),
                limits=Limits(lag_s=60.0),
                cloud=CloudSpec(
                    access.location,
                    f"{group}/providers/{_TYPES[kind]}/{access.server}",
                    "given",
                    access.url,
                    {"poll_s": "0.02", "still_s": "0.05"},
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
            desk = Desk()
            m = Migration(spec, given, server, None, Positioning.GTID, scribe, desk, cloud=account)
            return Bench(simulator, m, account, desk)

        yield start


@contextlib.contextmanager
def following(one: Bench, size: str = "Standard_D2ds_v4") -> Iterator[Bench]:
    """With a replica that follows."""
    one.chosen("tier", size)
    replica.apply(one.m)
    ready = one.with_target()
    with contextlib.closing(ready.m.target) as target:
        until(lambda: (status := target.replica_status()) is not None and status.running, "a running replica", 20)
        yield ready
