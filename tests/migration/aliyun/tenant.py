"""A migration into a simulated PolarDB over real servers, carried on by the product's own steps without a runner."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from migration.aliyun import create, fill
from migration.aliyun.account import of
from migration.cutover.attempt import Switchover, plan_switch
from migration.decisions import Choice
from migration.journal import Kind, Record
from migration.model import Direction
from migration.runbook import Gate, Migration
from migration.view import MigrationView
from providers.aliyun import polardb
from providers.aliyun.polardb_records import Migration as Found
from providers.mysql.server import Server
from providers.sandbox.aliyun_api.simulator import Simulator
from providers.sandbox.api.faults import Fault
from providers.sandbox.api.faults import Kind as Trouble
from tests.support.moving import QuietDesk

LOOK = "polardb:DescribeDBClusterMigration"
SWITCH = "polardb:ModifyDBClusterMigration"
# What the simulated source has: 4 cores, 16 GB.
AS_LARGE = "polar.mysql.x4.large"


@dataclass
class Tenant:
    simulator: Simulator
    m: Migration
    desk: QuietDesk
    ending: ExitStack

    def opened_anew(self) -> None:
        """What a runner does once a server is placed: open the migration as the journal has it."""
        spec = self.m.story().spec or self.m.spec
        target = None
        if spec.target.host:
            target = Server(spec.target.endpoint(self.m.secrets.target))
            self.ending.callback(target.close)
        self.m = replace(self.m, spec=spec, other=target)

    def ordered(self) -> str:
        """Order the cluster; its id."""
        create.apply(self.m)
        self.opened_anew()
        return self.m.spec.target.name

    def following(self) -> str:
        """Order the cluster and wait until it follows; its id."""
        cluster = self.ordered()
        fill.apply(self.m)
        self.opened_anew()
        return cluster

    def looked(self) -> Found:
        """The migration by the provider's word, whatever the product makes of it."""
        cluster = self.m.spec.target.name
        return of(self.m).read(lambda client: polardb.migration(client, cluster))

    def attempt(self, number: int, direction: Direction = Direction.CUTOVER) -> Switchover:
        return plan_switch(self.m, number, direction, "an operator")

    def decided(self, gate: str, choice: Choice, consequence: str = "") -> None:
        """An operator was shown this at a gate and decided."""
        self.m.scribe.gate_opened(
            gate, title=gate, question="?", consequence=consequence, word="", choices=[choice.value]
        )
        self.m.scribe.gate_passed(gate, 0, choice.value)

    def chose(self, gate: Gate, value: str) -> None:
        self.m.scribe.gate_passed(gate.id, 0, Choice.CONFIRM.value, value)

    def shows(self, *, times: int | None = None, skip: int = 0, without: tuple[str, ...] = (), **fields: Any) -> None:
        """Let the provider show the migration otherwise than it is."""
        self.goes_wrong(Trouble.ALTER, LOOK, times=times, skip=skip, without=without, fields=fields)

    def goes_wrong(self, kind: Trouble, action: str, **how: Any) -> None:
        self.simulator.faults.add(Fault(kind, action, **how))

    def called(self, action: str) -> int:
        """How often that was called, whatever came of it."""
        return sum(call.action == action for call in self.simulator.calls)

    def view(self) -> MigrationView:
        story = self.m.story()
        for sample in self.m.scribe.journal.samples("progress"):
            story.measure(sample)
        return story.view(True)

    def notes(self) -> list[str]:
        return [str(record.body["text"]) for record in self.records(Kind.NOTE)]

    def records(self, kind: Kind) -> list[Record]:
        return [record for record in self.m.scribe.journal.records() if record.kind is kind]

    def shown(self) -> list[str]:
        """Every line on progress."""
        return [str(sample.body["note"]) for sample in self.m.scribe.journal.samples("progress")]


Rent = Callable[..., Tenant]
BEFORE: dict[str, Any] = {
    "MigrationStatus": "RDS2POLARDB_SYNCING",
    "RdsReadWriteMode": "rw",
    "DBClusterReadWriteMode": "ro",
}
MEANWHILE: dict[str, Any] = {"MigrationStatus": "SWITCHING", "RdsReadWriteMode": "ro", "DBClusterReadWriteMode": "ro"}
