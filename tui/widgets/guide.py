"""What is told beside a step to somebody who does it for the first time."""

from __future__ import annotations

from tui.explained import Explained, parts
from tui.widgets.lines import Page, Row


def guide_rows(told: Explained, cells: int, *, statements: int | None = None) -> list[Row]:
    """Why, undo, what people get wrong, and what will run.

    Args:
        told: what is explained.
        cells: the width.
        statements: how many of them are written out; all of them without it.
    """
    page = Page(cells, 0)
    page.para(told.title, "head", indent=1)
    for head, text in parts(told):
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
