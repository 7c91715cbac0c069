"""Two real servers that follow each other, right before the writes are moved, without a runner."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from migration import rehearsal
from migration.cutover.attempt import Switchover, plan_switch
from migration.journal import Journal
from migration.model import BridgeSpec, Direction, MigrationSpec, Positioning, Proof, Secrets, Wishes
from migration.records import Scribe
from migration.runbook import Migration
from migration.runner import choose_positioning
from migration.sessions import read_spec
from migration.steps import attach, way_back
from migration.view import LagSample
from providers.mysql.server import Server
from providers.sandbox import client
from providers.sandbox.client import Sandbox
from providers.sandbox.spec import TopologySpec


@dataclass
class QuietDesk:
    """An operator who only says stop when the test wants it."""

    stopped: bool = False

    def halted(self) -> bool:
        return self.stopped

    def lag(self) -> LagSample | None:
        return None


@dataclass
class Moving:
    """A pair before its switch. `sandbox` has the clients; `m` and `journal` are what the product works with."""

    sandbox: Sandbox
    journal: Path
    m: Migration
    desk: QuietDesk
    numbers: int = field(default=0)

    def attempt(self, direction: Direction = Direction.CUTOVER) -> Switchover:
        self.numbers += 1
        return plan_switch(self.m, self.numbers, direction, "test")


def migration_over(path: Path, spec: MigrationSpec, secrets: Secrets, desk: QuietDesk) -> Migration:
    """What a runner would make of a journal."""
    source, target = Server(spec.source.endpoint(secrets.source)), Server(spec.target.endpoint(secrets.target))
    positioning = choose_positioning(spec.positioning, source, target)
    return Migration(spec, secrets, source, target, positioning, Scribe(Journal(path)), desk)


@contextlib.contextmanager
def moving(
    source: str,
    target: str,
    positioning: Positioning = Positioning.AUTO,
    *,
    rows: int = 200,
    bridge: BridgeSpec | None = None,
) -> Iterator[Moving]:
    """Start the pair with its clients writing, both channels running and the target closed."""
    topology = TopologySpec(source, target, positioning.value, rows=rows, rate=50, attached=True)
    sandbox = client.start(topology, idle_limit_s=600.0)
    try:
        made = rehearsal.enrol(sandbox, "mysql_replication", keep=True, wishes=Wishes(bridge=bridge, proof=Proof.OFF))
        desk = QuietDesk()
        m = migration_over(made.journal, read_spec(made.journal), made.secrets(), desk)
        attach.apply(m)
        way_back.apply(m)
        yield Moving(sandbox, made.journal, m, desk)
        m.source.close()
        m.target.close()
        m.scribe.journal.close()
    finally:
        sandbox.stop()
