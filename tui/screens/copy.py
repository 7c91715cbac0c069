"""Copying and building the replica: which step runs, how far it is, and how long it takes."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from migration.model import Stage
from migration.view import MigrationView, ProgressView, StepState, StepView
from tui.screens.base import RETRY, MigrationScreen, asked, retry_rows
from tui.screens.cancel import CancelScreen
from tui.screens.log import LEVELS
from tui.text import amount, clock, clock_minutes, duration, elapsed, fit
from tui.widgets.lines import Page, Row, row
from tui.widgets.step_list import about, step_rows

_STAGES = (Stage.CREATE, Stage.SYNC)


class SyncScreen(MigrationScreen):
    """Common to the two halves of the sync: copying, and following."""

    LIVE = True
    GUIDED = True
    DECIDING = frozenset({"pause", "cancel", "cutover", "complete", "drain", "retry"})

    def action_cancel(self) -> None:
        """Open the screen that cancels the migration."""
        self.app.push_screen(CancelScreen(self.desk))


class CopyScreen(SyncScreen):
    """The steps of the copy with their timers, and the progress of the one that runs."""

    STEP = 3
    NAME = "Copy"
    HELP_TEXT = (
        "Clients go on writing to the source while the target is built.\n"
        "\n"
        "You can leave this screen: the runner is a process of its own and goes on. `cutover resume` "
        "shows where it is.\n"
        "\n"
        "Pause holds the runner before its next step; a step that runs is finished first."
    )
    WORDS = (
        ("runner", "the process that carries the migration out; it outlives this screen"),
        ("step", "one thing that is done; it is looked at before it is done again"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        RETRY,
        Binding("p", "pause", "Pause", tooltip="hold the runner before its next step, or let it go on"),
        Binding("x", "cancel", "Cancel…", tooltip="open the screen that cancels the migration; starts nothing"),
        *MigrationScreen.COMMON,
    ]

    def fill(self, page: Page, view: MigrationView) -> None:
        """Progress, steps, and the newest lines of the log."""
        now = self.desk.clock()
        running = next((s for s in view.steps if s.state is StepState.RUNNING), None)
        alive = view.runner_alive
        page.rows += progress_rows(view.progress, running, page.cells, now, alive)
        page.blank()
        page.rows += retry_rows(view, page.cells)
        steps = [step for step in view.steps if step.item.stage in _STAGES and step.item.kind == "step"]
        rows = step_rows(steps, page.cells, now)
        page.rows += rows[: max(4, page.room - 3)]
        page.gap(2)
        page.rows += log_rows(view, page.cells, page.room)

    def reason(self) -> str:
        """That leaving is safe."""
        view = self.view
        if view is None or view.end is not None or view.paused:
            return ""
        if view.gate is not None:
            return (asked(view) if self.desk.seated else "") or view.headline
        return f"{view.headline.rstrip('.')}. You can leave: it goes on."


def progress_rows(
    progress: ProgressView | None, running: StepView | None, cells: int, now: float, alive: bool
) -> list[Row]:
    """Two rows: a bar with the share done, then rate, elapsed and expected time."""
    name = running.item.title if running else "between two steps"
    went = elapsed(now - running.started_at) if running and running.started_at else "-"
    current = progress if running and progress and progress.step == running.item.id else None
    note = f" · {current.note}" if current and current.note else ""
    if current is None or not current.total:
        usual = running.item.estimate_s if running else None
        expected = f"usually {duration(usual)}" if usual is not None else "nobody can say how long"
        far = f" · {amount(current.done, current.unit)}" if current else ""
        return [row((f" {fit(name, cells - 2)}", "head")), row(f"   for {went} · {expected}{far}{note}")]
    share = min(1.0, current.done / current.total)
    tail = f"  {100 * share:5.1f} %   {amount(current.done, current.unit)} of {amount(current.total, current.unit)}"
    room = max(10, cells - len(tail) - 3)
    filled = int(room * share)
    bar = "▓" * filled + "░" * (room - filled)
    return [
        row((f" {fit(name, cells - 2)}", "head")),
        row((f"  {bar}", "bar"), tail),
        row(f"   for {went} · {_expected(current, running, now, alive)}{note}"),
    ]


def _expected(progress: ProgressView, running: StepView | None, now: float, alive: bool) -> str:
    began = running.started_at if running else None
    spent = progress.at - began if began else 0.0
    if not alive or spent < 1 or progress.done <= 0:
        return "rate not known yet"
    rate = progress.done / spent
    left = (progress.total - progress.done) / rate
    low, high = about(left * 0.85), about(left * 1.3)
    return f"{amount(rate, progress.unit)}/s · {low} to {high} left, until about {clock_minutes(now + left)}"


def log_rows(view: MigrationView, cells: int, room: int) -> list[Row]:
    """The newest lines of the log, newest last, one row each."""
    lines = view.log[-room:] if room > 0 else ()
    rows = []
    for line in lines:
        rows.append(row((f"   {clock(line.at)}  ", "dim"), (fit(line.text, cells - 15), LEVELS.get(line.level, ""))))
    return rows
