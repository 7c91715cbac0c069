"""A gate with a word to type and no screen of its own: what it asks, what follows, and the word."""

from __future__ import annotations

from migration.decisions import Choice
from migration.view import GateView
from tui.desk import Desk
from tui.screens.confirm import ConfirmScreen
from tui.screens.cutover_confirm import gate_lock
from tui.text import clean
from tui.widgets.lines import Page


class GateConfirmScreen(ConfirmScreen):
    """Asks for the word of the gate that was open when it was opened, and of no other."""

    GUIDED = True
    NAME = "Confirm"
    PROMPT = "Type the name of what this is about:"
    HELP_TEXT = (
        "What is asked here cannot be taken back by a key, so the name of what it is about is typed by hand.\n"
        "\n"
        "Nothing waits for you in a hurry: the migration stays as it is until you have decided."
    )

    def __init__(self, desk: Desk, gate: str) -> None:
        super().__init__(desk)
        self._gate = gate

    def _open_gate(self) -> GateView | None:
        gate = self.view.gate if self.view is not None else None
        return gate if gate is not None and gate.id == self._gate else None

    def word(self) -> str:
        """The gate's."""
        gate = self._open_gate()
        return gate.word if gate is not None else ""

    def locked(self) -> str:
        """Why the gate cannot be passed now."""
        view = self.view
        return "the journal is being read" if view is None else gate_lock(view, self._gate, self.desk.clock())

    def send(self, typed: str, reason: str) -> None:
        """Pass the gate, and go back to where the migration is seen to go on."""
        self.decide(Choice.CONFIRM, "go on", typed=typed)
        self.app.pop_screen()

    def about(self, page: Page) -> None:
        """The question, and what follows from it."""
        view, gate = self.view, self._open_gate()
        if view is None or gate is None:
            return
        page.ends(f" {gate.title.upper()}", clean(view.spec.environment), "head")
        page.blank()
        page.para(gate.question, "head")
        page.blank()
        page.para(gate.consequence, "warn")
        if gate.why:
            page.blank()
            page.para(gate.why)
        page.gap(2)
        page.para("Nothing has been done yet. Esc leaves this screen and changes nothing.", "dim")
