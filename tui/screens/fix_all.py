"""Every change that would cure a finding, listed before any of them is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from migration.decisions import Choice, Decision
from migration.fixing import Offer, digest, offers, side_of
from migration.view import MigrationView
from tui.desk import Desk
from tui.screens.base import BACK, HELP, LEAVE, MIN_BODY, MigrationScreen
from tui.screens.statements import statements_to_copy
from tui.text import fit, plural
from tui.widgets.lines import Page, Row, text_of


class FixAllScreen(MigrationScreen):
    """The list of changes; they are made only on Apply, all of them."""

    STEP = 1
    NAME = "Fix all"
    DECIDING = frozenset({"apply"})
    HELP_TEXT = (
        "Each change is written to the journal, with the old value, before it is made, and can be taken back "
        "from its own finding.\n"
        "\n"
        "If a server refuses one, those before it are in force and those behind it are not made; "
        "all checks run again either way."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("A", "apply", "Apply all"),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", "Scroll", key_display="↑↓"),
        BACK,
        HELP,
        LEAVE,
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._offset = 0
        self._length = 0
        self._cells = MIN_BODY

    def offers(self) -> tuple[Offer, ...]:
        """What could be changed now."""
        return offers(self.view.findings) if self.view is not None else ()

    def allowed(self, action: str) -> bool | None:
        """Apply is on while there is something to change."""
        if action == "apply":
            return True if self.offers() and self.desk.offers(Choice.FIX_ALL) else None
        if action == "scroll":
            return self._length > 0
        return super().allowed(action)

    def reason(self) -> str:
        """What Apply would do."""
        listed = self.offers()
        if not listed:
            return "There is nothing to change."
        return f"Nothing is changed yet. A makes {plural(len(listed), 'change')}, in this order."

    def fill(self, page: Page, view: MigrationView) -> None:
        """The changes as a diff, scrolled."""
        listed = self.offers()
        page.ends(" Changes that would cure findings", plural(len(listed), "change"), "head")
        page.blank()
        rows = _rows(listed, page.cells)
        self._cells = page.cells
        self._length = max(0, len(rows) - page.room)
        self._offset = min(self._offset, self._length)
        page.rows += rows[self._offset : self._offset + page.room]

    def useful(self) -> tuple[str, str] | None:
        """The statements of all changes."""
        return statements_to_copy([one.fix.statement for one in self.offers()])

    def out_of_view(self) -> Sequence[str]:
        """All changes, where there are more than the screen has room for."""
        return [text_of(line) for line in _rows(self.offers(), self._cells)] if self._length else ()

    def action_scroll(self, step: int) -> None:
        """Scroll the list."""
        self._offset = min(max(0, self._offset + step), self._length)
        self.paint()

    def action_apply(self) -> None:
        """Make every change that is listed here."""
        listed = self.offers()
        decision = Decision(Choice.FIX_ALL, "checks", shown=digest(listed))
        self.desk.decide(decision, f"make {plural(len(listed), 'change')}")
        self.paint()


def _rows(offered: Sequence[Offer], cells: int) -> list[Row]:
    body = Page(cells, 0)
    for number, one in enumerate(offered, 1):
        fix = one.fix
        restart = ", needs a restart" if fix.restart else ""
        body.add((fit(f" {number}. {fix.setting} on {side_of(fix.side)}{restart}", cells - 2), "head"))
        body.add(("   - ", "fail"), fit(fix.was, cells - 6))
        body.add(("   + ", "ok"), fit(fix.becomes, cells - 6))
        body.pair("Runs", fix.statement)
        body.pair("Reach", fix.reach)
    return body.rows
