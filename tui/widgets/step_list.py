"""Lists of steps: the plan with its two lines, a running stage, and the parts of a switch."""

from __future__ import annotations

from collections.abc import Sequence

from migration.model import Writes
from migration.plan_document import YOU_DECIDE, no_return
from migration.view import Plan, PlanItem, StepState, StepView, SwitchStep
from tui.text import duration, elapsed, fit, fit_right
from tui.widgets.lines import Page, Row, row

MARKS = {
    StepState.TODO: ("·", "dim"),
    StepState.RUNNING: ("▶", "head"),
    StepState.WAITING: ("▶", "head"),
    StepState.DONE: ("✓", "ok"),
    StepState.FAILED: ("FAIL", "fail"),
    StepState.UNKNOWN: ("UNKNOWN", "unknown"),
    StepState.UNDONE: ("undone", "dim"),
}


def about(estimate_s: float | None) -> str:
    """An estimate in few columns: `2 m`, `5 s`, `?` where nobody can say."""
    if estimate_s is None:
        return "?"
    if estimate_s < 1:
        return "< 1 s"
    if estimate_s < 60:
        return f"{estimate_s:.0f} s"
    return f"{estimate_s / 60:.0f} m" if estimate_s < 3600 else f"{estimate_s / 3600:.1f} h"


def plan_rows(plan: Plan, cells: int, cursor: int) -> list[Row]:
    """Every item of the plan, the cutover gate and the point of no return as drawn lines."""
    undo = max(10, cells // 5 - 2)
    title = cells - 32 - undo
    head = f"    #  {'Step':<{title}} {'Side':<6} {'About':>6}  {'Writes':<7} {'Undo':<{undo}}"
    rows: list[Row] = [row((fit(head, cells), "dim"))]
    page = Page(cells, 0)
    for number, item in enumerate(plan.items, 1):
        if item.kind == "gate":
            page.drawn(f"{YOU_DECIDE}: {item.title}", "─", "head")
            continue
        page.rows.append(_plan_row(number, item, title, undo, number - 1 == cursor))
        if item.kind == "switch":
            page.drawn(no_return(item), "═", "off")
    return rows + page.rows


def _plan_row(number: int, item: PlanItem, title: int, undo: int, chosen: bool) -> Row:
    writes = item.writes.value
    return row(
        (f" {'▌' if chosen else ' '} {number:>2}  ", "mark" if chosen else "dim"),
        (fit(item.title, title), "mark" if chosen else ""),
        f" {fit(item.side.value, 6)} {fit_right(about(item.estimate_s), 6)}  ",
        (fit(writes, 7), "" if item.writes is Writes.ON else "off"),
        (" " + fit(item.undo or "-", undo), "dim"),
    )


def step_rows(steps: Sequence[StepView], cells: int, now: float) -> list[Row]:
    """Steps with how long they took or have been going on, and what was observed."""
    note = max(10, (cells - 30) * 2 // 5)
    title = cells - 34 - note
    head = f"    {'Step':<{title}}  {'Took':>9} {'About':>7}    {'Note':<{note}}"
    rows: list[Row] = [row((fit(head, cells), "dim"))]
    for step in steps:
        rows.append(
            _timed(
                step.state,
                step.item.title,
                _took(step.state, step.started_at, step.ended_at, now),
                about(step.item.estimate_s),
                step.note,
                title,
                note,
            )
        )
    return rows


def part_rows(parts: Sequence[SwitchStep], cells: int, now: float, no_return: str) -> list[Row]:
    """The parts of a switch with a timer each; the double line stands before the part named `no_return`."""
    note = max(14, cells - 56)
    title = cells - 20 - note
    page = Page(cells, 0)
    page.add((fit(f"    {'Step':<{title}}  {'Took':>9}   Note", cells), "dim"))
    for part in parts:
        if part.id == no_return:
            page.drawn("point of no free return", "═", "off", indent=4)
        took = _took(part.state, part.started_at, part.ended_at, now)
        page.rows.append(_timed(part.state, part.title, took, "", part.note, title, note))
    return page.rows


def _took(state: StepState, began: float | None, ended: float | None, now: float) -> str:
    if began is None:
        return "-"
    if ended is not None:
        return duration(ended - began)
    return elapsed(now - began) if state in (StepState.RUNNING, StepState.WAITING) else "?"


def _timed(state: StepState, name: str, took: str, about_s: str, note: str, title: int, note_cells: int) -> Row:
    mark, style = MARKS[state]
    lead = fit(f"  {mark} {name}", title + 4)
    plain = "" if state in (StepState.DONE, StepState.TODO) else style
    usual = f" {fit_right(about_s, 7)}    " if about_s else "   "
    return row(
        (lead, plain or ("dim" if state is StepState.TODO else "")),
        f"  {fit_right(took, 9)}{usual}",
        (fit(note, note_cells), "dim"),
    )
