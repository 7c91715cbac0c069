"""A cutover or rollback while it runs: every part with its timer, the budget, and the key that stops it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from migration.decisions import Choice
from migration.model import Direction
from migration.view import AttemptView, MigrationView
from tui.explained import Explained, of_switch
from tui.screens.after import client_rows
from tui.screens.base import WizardScreen
from tui.screens.copy import log_rows
from tui.text import clean, clock, duration
from tui.widgets.key_line import KeyHint
from tui.widgets.lines import Page, Row, row
from tui.widgets.step_list import part_rows

PROMOTE = "promote"


class CutoverProgressScreen(WizardScreen):
    """Shows the parts as they go; `s` gives the writes back until the point of no return."""

    LIVE = True
    STEP = 5
    ALONE = True
    GUIDED = True
    NAME = "Cutting over"
    DECIDING = frozenset({"stop"})
    HELP_TEXT = (
        "Before the double line: the old side gets its writes back by itself when the budget is used up, "
        "and at once with s.\n"
        "\n"
        "After it: the new side has the writes. Rollback is offered when this is done; nothing is lost.\n"
        "\n"
        "Connection lost? The runner goes on by the plan and stops by itself at the deadline."
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("s", "stop", "Stop, writes back")]

    def allowed(self, action: str) -> bool | None:
        """Stop is honoured until the point of no return."""
        attempt = self._attempt()
        if action == "stop":
            runs = attempt is not None and attempt.result == "running" and not attempt.past_no_return
            return True if runs and self.view is not None and self.view.runner_alive else None
        return True

    def label(self, action: str, binding: Binding) -> str:
        """Stop says who gets the writes."""
        attempt = self._attempt()
        return f"Stop, writes back to {clean(attempt.old)}" if attempt else binding.description

    def hints(self) -> tuple[KeyHint, ...]:
        """The one key, and that there is no other."""
        return (*super().hints(), KeyHint("", "other keys are off until it ends", on=True))

    def reason(self) -> str:
        """What stop would do, or why it is off."""
        attempt = self._attempt()
        if attempt is None:
            return ""
        who = f"Started {clock(attempt.started_at)} by {clean(attempt.actor)}"
        if attempt.result == "unknown":
            return f"UNKNOWN how it ended: the runner asks the servers. {attempt.reason}"
        if attempt.past_no_return:
            return f"Past the point of no free return: it goes on to the end. {who}."
        return f"{who}. s gives the writes back."

    def fill(self, page: Page, view: MigrationView) -> None:
        """Budget bar, parts, log."""
        attempt = view.attempt
        if attempt is None:
            return
        now = self.desk.clock()
        page.rows += budget_rows(attempt, page.cells, now)
        page.blank()
        page.rows += part_rows(attempt.steps, page.cells, now, PROMOTE)
        if attempt.both_open:
            page.gap(8)
            page.rows += client_rows(view, page.cells, max(4, page.room - 6), attempt.old)
        page.gap(3)
        if attempt.both_open:
            page.para(f"s  STOP, then point application servers back to {attempt.old}.", "warn")
        elif not attempt.past_no_return:
            page.para(f"s  STOP: gives the writes back to {attempt.old}. Works until the double line.", "warn")
        page.gap(1)
        page.rows += log_rows(view, page.cells, page.room)

    def explained(self) -> Explained | None:
        """The switch itself."""
        return of_switch(self.view) if self.view is not None else None

    def action_stop(self) -> None:
        """Give the writes back."""
        self.decide(Choice.ABORT, "stop and give the writes back", subject="abort")

    def _attempt(self) -> AttemptView | None:
        return self.view.attempt if self.view else None


def budget_rows(attempt: AttemptView, cells: int, now: float) -> list[Row]:
    """The title with the time without writes, measured against its budget."""
    title = " CUTTING OVER" if attempt.direction is Direction.CUTOVER else " ROLLING BACK"
    if attempt.fenced_at is None:
        sides = f", on both sides: point application servers to {clean(attempt.new)}" if attempt.both_open else ""
        return [row((f"{title}", "head"), f"   writes are still on{sides}")]
    until = attempt.opened_at or attempt.ended_at or now
    spent = max(0.0, until - attempt.fenced_at)
    over = "" if attempt.opened_at is None else " (done)"
    took = duration(spent) if attempt.opened_at else f"{spent:.1f} s"
    text = f"   writes off {took} of {duration(attempt.budget_s)}{over}  "
    room = max(8, cells - len(title) - len(text) - 2)
    filled = min(room, int(room * spent / attempt.budget_s)) if attempt.budget_s else room
    style = "ok" if attempt.opened_at else "warn"
    return [row((title, "head"), (text, style), ("▓" * filled + "░" * (room - filled), style))]
