"""A journal at a desk: written as a runner writes it, and followed meanwhile, for the tests of the story it tells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from migration.decisions import Choice, Decision, decide
from migration.journal import Journal
from migration.model import Direction, Limits, MigrationSpec, ServerSpec, Side, Stage, Writes
from migration.records import Scribe
from migration.view import MigrationView, Plan, PlanItem, StepView
from migration.watch import Watch

SPEC = MigrationSpec(
    id="shop-1",
    runbook="mysql_replication",
    environment="rehearsal",
    source=ServerSpec("old[red]", "10.0.0.1", 3306, "admin", "repl"),
    target=ServerSpec("new", "10.0.0.2", 3307, "admin", "repl"),
    limits=Limits(lag_s=5.0),
)


def item(name: str, stage: Stage, kind: str = "step", estimate_s: float | None = None) -> PlanItem:
    return PlanItem(
        id=name,
        kind=kind,
        stage=stage,
        title=f"do {name}",
        side=Side.BOTH,
        why="because",
        writes=Writes.ON,
        estimate_s=estimate_s,
        basis="",
        undo="",
        statements=(f"-- {name}",),
    )


PLAN = Plan(
    "abc123",
    "gtid",
    (
        item("plan", Stage.PREPARE, "gate"),
        item("seed", Stage.CREATE, estimate_s=2.5),
        item("catch_up", Stage.SYNC),
        item("cutover", Stage.CUTOVER, "gate"),
        item("switch", Stage.CUTOVER, "switch"),
        item("complete", Stage.OBSERVE, "gate"),
    ),
)


@dataclass
class Desk:
    """A journal with its scribe, and a watch that has been following it all the while."""

    path: Path
    journal: Journal
    scribe: Scribe
    following: Watch

    def view(self) -> MigrationView:
        """What a watch that followed sees; one opened only now must see the same."""
        with Watch(self.path) as late:
            seen = self.following.view()
            assert late.view() == seen
        return seen

    def step(self, name: str) -> StepView:
        return next(step for step in self.view().steps if step.item.id == name)

    def gate(self, name: str, word: str = "") -> None:
        self.scribe.gate_opened(
            name, title=f"The {name} gate", question=f"Go on with {name}?", consequence="It goes on.", word=word,
            choices=("confirm", "abort"),
        )  # fmt: skip

    def pass_gate(self, name: str, choice: Choice = Choice.CONFIRM) -> int:
        seq = decide(self.path, Decision(choice, name))
        self.scribe.gate_passed(name, seq, choice.value)
        return seq

    def attempt(self, number: int, direction: Direction = Direction.CUTOVER) -> None:
        old, new = ("old[red]", "new") if direction is Direction.CUTOVER else ("new", "old[red]")
        parts = [("fence", "Fence"), ("drain", "Drain"), ("promote", "Promote")]
        self.scribe.attempt(number, direction, old=old, new=new, actor="me@here", budget_s=10.0, parts=parts)
