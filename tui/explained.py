"""What is told of a step to somebody who does it for the first time, on a screen or in lines."""

from __future__ import annotations

from dataclasses import dataclass

from migration.view import GateView, Guide, MigrationView, PlanItem, StepState

_UNTOLD = "The journal was begun by an older version, which told nothing of it."


@dataclass(frozen=True)
class Explained:
    """A step, gate or switch as it is explained. `statements` is what will run, empty for a gate."""

    title: str
    why: str
    statements: tuple[str, ...]
    guide: Guide | None


def of_item(item: PlanItem) -> Explained:
    """A line of the plan."""
    return Explained(item.title, item.why, item.statements, item.guide)


def of_gate(gate: GateView) -> Explained:
    """The gate that is open."""
    return Explained(gate.title, gate.why, (), gate.guide)


def of_switch(view: MigrationView) -> Explained | None:
    """The move of the writes."""
    items = view.plan.items if view.plan is not None else ()
    return next((of_item(item) for item in items if item.kind == "switch"), None)


def of_now(view: MigrationView) -> Explained | None:
    """What the migration waits for, or else what runs; None where that is nothing that is explained."""
    if view.end is not None:
        return None
    if view.gate is not None:
        return of_gate(view.gate)
    return next((of_item(step.item) for step in view.steps if step.state is StepState.RUNNING), None)


def parts(told: Explained) -> tuple[tuple[str, str], ...]:
    """Why it is there, what of it can be undone and what people get wrong, each below its heading."""
    if told.guide is not None:
        return ("Why", told.why), ("Undo", told.guide.undo), ("What people get wrong", told.guide.mistakes)
    return (("Why", told.why),) if told.why else (("", _UNTOLD),)


def guiding(asked: bool | None, view: MigrationView | None) -> bool:
    """Whether steps are explained unasked: as it was `asked` for, and without that in rehearsals."""
    if asked is not None:
        return asked
    return view is not None and bool(view.spec.sandbox)
