"""The seven steps: one row on a narrow screen, a column with times on a wide one."""

from __future__ import annotations

from collections.abc import Sequence

from tui.places import RailStep
from tui.text import compact, fit_right
from tui.widgets.lines import Row, Span, row

_STYLES = {"✓": "ok", "▶": "head", "·": "dim"}


def rail_row(steps: Sequence[RailStep], looked_at: int | None) -> Row:
    """All steps in one row: `✓ Connect  ▶ Checks  · Plan`; the one that is looked at in brackets."""
    spans: list[Span] = []
    for number, step in enumerate(steps):
        before = "[" if number == looked_at else ("" if number else " ")
        after = "]" if number == looked_at else " "
        spans.append(Span(f"{before}{step.mark} {step.name}{after}", _STYLES.get(step.mark, "")))
        if number + 1 != looked_at:
            spans.append(Span(" "))
    return tuple(spans)


def rail_column(steps: Sequence[RailStep], cells: int, looked_at: int | None) -> list[Row]:
    """Two rows a step, with its number and how long it took; the one that is looked at in brackets."""
    rows: list[Row] = [()]
    for number, step in enumerate(steps, 1):
        took = compact(step.took_s) if step.took_s is not None else ""
        left, right = ("[", "]") if number - 1 == looked_at else (" ", "")
        name = f"{left}{step.mark} {number} {step.name}{right}"
        rows.append(row((name, _STYLES.get(step.mark, "")), (fit_right(took, cells - len(name) - 1), "dim")))
        rows.append(())
    return rows
