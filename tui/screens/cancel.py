"""Cancelling before the cutover: the source keeps the writes, what was built is taken back."""

from __future__ import annotations

from migration.decisions import Choice
from migration.view import StepState
from tui.screens.base import cancellable
from tui.screens.confirm import ConfirmScreen
from tui.text import clean
from tui.widgets.lines import Page, row


class CancelScreen(ConfirmScreen):
    """Asks for the word `cancel`."""

    NAME = "Cancel"
    PROMPT = "Type cancel to end the migration here:"
    HELP_TEXT = (
        "Clients notice nothing: the source has the writes and keeps them.\n"
        "\n"
        "To come back later, do not cancel: {leave} leaves, and the migration goes on or waits."
    )

    @property
    def stays(self) -> bool:
        """As long as there is something to cancel: where the migration has got to meanwhile changes no mind."""
        return self.view is None or (self.view.end is None and cancellable(self.view))

    def word(self) -> str:
        """The word itself."""
        return "cancel"

    def locked(self) -> str:
        """Why it cannot be cancelled now."""
        view = self.view
        if view is None:
            return "the journal is being read"
        if view.end is not None:
            return "the migration has ended"
        if not view.runner_alive:
            return "no runner is at work"
        return "" if cancellable(view) else "the writes have moved; roll back or complete instead"

    def send(self, typed: str, reason: str) -> None:
        """Cancel the migration."""
        self.decide(Choice.CANCEL, "cancel the migration", typed=typed)

    def about(self, page: Page) -> None:
        """What is taken back and what stays."""
        view = self.view
        if view is None:
            return
        page.ends(f" CANCEL {view.spec.id}", f"{clean(view.primary)} has the writes", "head")
        page.blank()
        page.pair("Keeps", f"{view.source.name} keeps the writes; nothing on it is dropped", column=14)
        page.gap(6)
        done = [step.item for step in view.steps if step.state is StepState.DONE and step.item.kind == "step"]
        if not done:
            page.para("No step has run yet: there is nothing to take back.")
            return
        page.add(("   Done so far, and how it is taken back", "dim"))
        for item in done[: max(1, page.room)]:
            page.rows.append(row("     ", f"{clean(item.title)}: ", (clean(item.undo) or "stays", "dim")))
