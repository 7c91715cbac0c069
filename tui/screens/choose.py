"""One thing to choose, with what each choice means; nothing begins by it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from migration.decisions import Choice
from migration.view import GateView, MigrationView, Option
from tui.desk import Desk
from tui.screens.base import MigrationScreen
from tui.screens.cancel import CancelScreen
from tui.text import fit
from tui.widgets.check_list import window
from tui.widgets.lines import Page, Row, row


class ChooseScreen(MigrationScreen):
    """The options of the open gate; Enter takes the marked one."""

    STEP = 2
    GUIDED = True
    NAME = "Choose"
    DECIDING = frozenset({"take", "cancel"})
    HELP_TEXT = (
        "One thing is asked at a time. The first option is the one proposed.\n"
        "\n"
        "Choosing changes nothing anywhere: what was chosen stands in the plan, which is shown before "
        "anything is done, and in the report."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Choose", key_display="⏎"),
        Binding("up,k", "mark(-1)", show=False),
        Binding("down,j", "mark(1)", "Mark", key_display="↑↓"),
        Binding("x", "cancel", "Cancel…", tooltip="open the screen that cancels the migration; starts nothing"),
        *MigrationScreen.COMMON,
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._gate = ""
        self._marked = 0

    def _options(self) -> tuple[Option, ...]:
        gate = self.view.gate if self.view is not None else None
        if gate is None:
            return ()
        if gate.id != self._gate:
            # The next question begins at its own proposal.
            self._gate, self._marked = gate.id, 0
        return gate.options

    def allowed(self, action: str) -> bool | None:
        """There has to be something to choose."""
        if action in ("take", "mark"):
            return True if self._options() and self.desk.offers(Choice.CONFIRM) and not self.desk.pending else None
        return super().allowed(action)

    def reason(self) -> str:
        """Which key takes it."""
        return "⏎ takes the marked one. Nothing is done by choosing." if self._options() else ""

    def fill(self, page: Page, view: MigrationView) -> None:
        """The question, what follows from it, and the options with what they mean."""
        options, gate = self._options(), view.gate
        if gate is None or not options:
            page.para(view.headline)
            return
        page.add((f" {gate.title}", "head"))
        page.para(gate.question, "head")
        page.para(gate.consequence)
        page.blank()
        page.rows += _option_rows(gate, self._marked, page.cells, max(1, page.room - 4))
        page.blank()
        page.para(options[self._marked].meaning)

    def action_mark(self, step: int) -> None:
        """Mark another option."""
        options = self._options()
        self._marked = min(max(0, self._marked + step), len(options) - 1)
        self.paint()

    def action_take(self) -> None:
        """Take the marked option."""
        value = self._options()[self._marked].value
        self.decide(Choice.CONFIRM, f"choose {value}", typed=value)

    def action_cancel(self) -> None:
        """Open the screen that cancels; it starts nothing."""
        self.app.push_screen(CancelScreen(self.desk))


def _option_rows(gate: GateView, marked: int, cells: int, height: int) -> list[Row]:
    rows: list[Row] = []
    for number in window(len(gate.options), marked, height):
        option = gate.options[number]
        mark = "▶" if number == marked else " "
        proposed = "  proposed" if number == 0 else ""
        style = "head" if number == marked else ""
        rows.append(row((fit(f" {mark} {option.value}{proposed}", cells - 1), style)))
    return rows
