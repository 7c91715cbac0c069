"""Coming back: what happened so far, where it stands, and what waits."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from migration.view import MigrationView
from tui.screens.base import BACK_TOO, HELP, LEAVE, LOG, MigrationScreen
from tui.screens.copy import log_rows
from tui.text import clean, coarse, day_and_clock
from tui.widgets.lines import Page


class WelcomeBackScreen(MigrationScreen):
    """A screen that rests until Enter."""

    STAYS = True
    NAME = "Welcome back"
    HELP_TEXT = (
        "The runner went on while you were away: it is a process of its own, and the journal holds "
        "everything it did.\n"
        "\n"
        "If a cutover had used up its budget, the source would have its writes back and you would be at "
        "step 5."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "back", "Go on", key_display="⏎"),
        BACK_TOO,
        LOG,
        HELP,
        LEAVE,
    ]

    def fill(self, page: Page, view: MigrationView) -> None:
        """Where it stands, then the newest lines of the log."""
        now = self.desk.clock()
        last = max((line.at for line in view.log), default=view.created_at)
        page.ends(" WELCOME BACK", f"last record {coarse(now - last)} ago", "head")
        page.blank()
        page.pair("Started", day_and_clock(view.created_at), column=14)
        page.pair("Stage", view.stage.value, column=14)
        page.pair("Writes", f"{clean(view.primary)} has the writes", column=14)
        runner = f"at work, process {view.runner_pid}" if view.runner_alive else "not at work"
        if view.end is None:
            page.pair("Runner", runner, "" if view.runner_alive else "fail", column=14)
        if view.seat.who and view.end is None:
            page.pair("Operator", f"{view.seat.who}, since {day_and_clock(view.seat.since)}", column=14)
        page.pair("Now", view.headline, column=14)
        page.blank()
        page.add(("   What happened last", "dim"))
        page.rows += log_rows(view, page.cells, page.room)

    def reason(self) -> str:
        """What Enter does."""
        view = self.view
        return f"Enter shows the step it is at. {view.headline}" if view else ""
