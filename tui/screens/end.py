"""The end: how it came out, the figures, and the report."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from migration.journal import JournalError
from migration.model import End, from_to
from migration.view import MigrationView
from tui.feed import in_thread
from tui.messages import Exported
from tui.screens.after import figure_rows
from tui.screens.base import MigrationScreen
from tui.screens.copy import log_rows
from tui.text import clean, day_and_clock, duration, plural
from tui.widgets.check_list import tally
from tui.widgets.lines import Page

_TITLES = {
    End.COMPLETED: ("COMPLETE", "ok"),
    End.ROLLED_BACK: ("ROLLED BACK", "warn"),
    End.CANCELLED: ("CANCELLED", "warn"),
}


class EndScreen(MigrationScreen):
    """A screen that rests; `e` writes the report."""

    STEP = 6
    NAME = "The end"
    HELP_TEXT = (
        "The report holds what was asked for, who decided what and when, every check with its evidence, "
        "accepted findings with their reasons, the statements that ran, the lag, and the measured figures."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "export", "Write the report"),
        *MigrationScreen.COMMON,
    ]

    def allowed(self, action: str) -> bool | None:
        """Without an exporter the key is off."""
        if action == "export":
            return True if self.desk.export is not None and self.desk.journal is not None else None
        return super().allowed(action)

    def reason(self) -> str:
        """Which keys there are, and where the report is once it is written."""
        if self.desk.exported:
            return f"{self.key('leave')} leaves. {self.desk.exported}"
        writes = f"; {self.key('export')} writes the report, with names masked" if self.allowed("export") else ""
        return f"{self.key('leave')} leaves{writes}."

    def useful(self) -> tuple[str, str] | None:
        """The command that writes the report."""
        return ("the command", f"cutover report {self.view.spec.id}") if self.view is not None else None

    def fill(self, page: Page, view: MigrationView) -> None:
        """Outcome and figures."""
        end = view.end
        if end is None:
            return
        title, style = _TITLES[end]
        ended = day_and_clock(view.ended_at) if view.ended_at else ""
        page.ends(f" {title}  {view.spec.id}", ended, style)
        page.blank()
        page.para(view.headline)
        page.blank()
        if view.ended_at:
            took = duration(view.ended_at - view.created_at)
            page.pair("Took", f"{took} from the first record to the end", column=19)
        for attempt in view.attempts[-3:]:
            window = f", {attempt.window_ms:,.0f} ms without writes" if attempt.window_ms is not None else ""
            text = f"{from_to(attempt.old, attempt.new)} {attempt.result}{window}, by {clean(attempt.actor)}"
            page.pair(attempt.direction.value.capitalize(), text, column=19)
        if view.attempts:
            page.rows += figure_rows(view.figures, view.attempt, page.cells)
        page.pair("Checks", tally(view.findings), column=19)
        if view.waivers:
            page.pair("Accepted", "; ".join(f"{w.check} ({w.reason})" for w in view.waivers), column=19)
        left = [fix for fix in view.fixes if not fix.undone and fix.fix.undo]
        if left:
            page.pair("Still changed", f"{plural(len(left), 'setting')}; undo: cutover report --unmasked", column=19)
        if view.plan is not None:
            page.pair("Plan", view.plan.hash[:12], column=19)
        page.gap(3)
        page.pair("Journal", self.desk.presenter.place(self.desk.journal or ""), column=19)
        writes = f"{self.key('export')} writes it, names masked"
        page.pair("Report", f"{writes}, or: cutover report {view.spec.id}", column=19)
        page.gap(1)
        page.rows += log_rows(view, page.cells, page.room)

    def action_export(self) -> None:
        """Write the report."""
        export, journal, presenter = self.desk.export, self.desk.journal, self.desk.presenter
        if export is None or journal is None:
            return

        def work() -> Message:
            try:
                return Exported(f"The report is at {presenter.place(export(journal))}")
            except (OSError, JournalError) as error:
                return Exported(presenter.line(f"The report could not be written: {error}"))

        in_thread(work, self.desk.post)
