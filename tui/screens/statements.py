"""What will run, word for word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from migration.view import Plan
from tui.desk import Desk
from tui.screens.base import BACK, HELP, LEAVE, MigrationScreen
from tui.widgets.lines import Page, Row


class ScrollScreen(MigrationScreen):
    """A long text with ↑ ↓ and page keys."""

    STAYS = True
    SCROLL: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", "Scroll", key_display="↑↓"),
        Binding("pageup", "scroll(-15)", show=False),
        Binding("pagedown,space", "scroll(15)", "Page", key_display="Space"),
        BACK,
        HELP,
        LEAVE,
    ]
    BINDINGS: ClassVar[list[BindingType]] = SCROLL

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.offset_rows = 0
        self._last = 0
        self._shown = 0

    def all_rows(self, cells: int) -> list[Row]:
        """The whole text."""
        return []

    def draw_body(self, cells: int, height: int) -> Sequence[Row]:
        """The part that is in view."""
        rows = self.all_rows(cells)
        self._last, self._shown = max(0, len(rows) - height), len(rows)
        self.offset_rows = min(self.offset_rows, self._last)
        return rows[self.offset_rows : self.offset_rows + height]

    def reason(self) -> str:
        """How much there is above and below."""
        if not self._last:
            return ""
        return f"{self.offset_rows} rows above, {self._last - self.offset_rows} below."

    def action_scroll(self, step: int) -> None:
        """Scroll by rows."""
        self.offset_rows = min(max(0, self.offset_rows + step), self._last)
        self.paint()


class StatementsScreen(ScrollScreen):
    """Every statement of the plan, step by step; passwords are left out."""

    STEP = 2
    NAME = "Statements"
    HELP_TEXT = "These are the statements of the plan in the order in which they run. Passwords are left out."

    def __init__(self, desk: Desk, plan: Plan) -> None:
        super().__init__(desk)
        self._plan = plan

    def all_rows(self, cells: int) -> list[Row]:
        """Title and statements of every item."""
        page = Page(cells, 0)
        page.add((f" Statements of plan {self._plan.hash[:12]}", "head"))
        for number, item in enumerate(self._plan.items, 1):
            page.blank()
            page.para(f"{number}  {item.title}  ({item.side}, writes {item.writes})", "head", indent=1)
            for statement in item.statements or ("(no statement)",):
                page.para(statement, indent=5)
        return page.rows
