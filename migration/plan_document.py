"""The plan as a document, to be read and approved by others before anything runs."""

from __future__ import annotations

from migration.markdown import code, table, text
from migration.model import Writes
from migration.view import MigrationView, Plan, PlanItem

YOU_DECIDE = "you decide when"
_HEAD = ("#", "step", "where", "about", "resting on", "writes", "undo")


def no_return(item: PlanItem) -> str:
    """What the line behind the switch says."""
    if item.undo in ("", "-"):
        return "point of no return: there is no way back"
    return "point of no free return: only a rollback leads back"


def to_markdown(view: MigrationView, plan: Plan) -> str:
    """The plan with its two lines, then each step with what it is for and what will run, word for word."""
    spec = view.spec
    facts = [
        ("plan", code(plan.hash)),
        ("migration", text(spec.id)),
        ("runbook", text(spec.runbook)),
        ("environment", text(spec.environment)),
        ("source", text(f"{view.source.name}, {view.source.address}, {view.source.version}")),
        ("target", text(f"{view.target.name}, {view.target.address}, {view.target.version or 'to be created'}")),
        ("positioning", text(plan.positioning)),
        ("approved", "yes" if view.approved else "not yet"),
    ]
    note = "Only the plan with this hash is run. Where what would run is another, it has to be approved anew."
    lines = [f"# Plan {text(plan.hash)}", "", *table(("", ""), facts), note, "", "## Steps", ""]
    lines += table(_HEAD, _rows(plan))
    for number, item in enumerate(plan.items, 1):
        lines += _details(number, item)
    return "\n".join(lines) + "\n"


def _rows(plan: Plan) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for number, item in enumerate(plan.items, 1):
        if item.kind == "gate":
            rows.append((str(number), f"**— {YOU_DECIDE}: {text(item.title)} —**", "", "", "", "", ""))
            continue
        rows.append(
            (
                str(number),
                text(item.title),
                item.side.value,
                estimate(item),
                text(item.basis) or "-",
                item.writes.value if item.writes is Writes.ON else f"**{item.writes.value}**",
                text(item.undo) or "-",
            )
        )
        if item.kind == "switch":
            rows.append(("", f"**═ {no_return(item)} ═**", "", "", "", "", ""))
    return rows


def estimate(item: PlanItem) -> str:
    """How long it is likely to take, in words."""
    if item.estimate_s is None:
        return "nobody can say"
    if item.estimate_s < 60:
        return f"{item.estimate_s:.1f} s"
    return f"{item.estimate_s / 60:.0f} m" if item.estimate_s < 3600 else f"{item.estimate_s / 3600:.1f} h"


def _details(number: int, item: PlanItem) -> list[str]:
    lines = [f"### {number}. {text(item.title)}", "", text(item.why), ""]
    if item.guide is not None:
        lines += [f"Undo: {text(item.guide.undo)}", "", f"What people get wrong: {text(item.guide.mistakes)}", ""]
    if item.statements:
        lines += ["What will run:", "", *(f"- {code(one)}" for one in item.statements), ""]
    return lines
