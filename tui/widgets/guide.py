"""What is told beside a step to somebody who does it for the first time."""

from __future__ import annotations

from dataclasses import dataclass

from migration.view import GateView, Guide, MigrationView, PlanItem, StepState
from tui.widgets.lines import Page, Row

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


def guide_rows(told: Explained, cells: int, *, statements: int | None = None) -> list[Row]:
    """Why, undo, what people get wrong, and what will run.

    Args:
        told: what is explained.
        cells: the width.
        statements: how many of them are written out; all of them without it.
    """
    page = Page(cells, 0)
    page.para(told.title, "head", indent=1)
    parts = [("Why", told.why)]
    if told.guide is not None:
        parts += [("Undo", told.guide.undo), ("What people get wrong", told.guide.mistakes)]
    elif not told.why:
        parts = [("", _UNTOLD)]
    for head, text in parts:
        page.blank()
        page.para(head, "note", indent=1)
        page.para(text, indent=1)
    if told.statements:
        shown = told.statements[:statements]
        page.blank()
        page.para("What will run", "note", indent=1)
        for statement in shown:
            page.para(statement, indent=2)
        if len(shown) < len(told.statements):
            page.para(f"and {len(told.statements) - len(shown)} more", "dim", indent=2)
    return page.rows
