"""Following the source: the live lag, the conditions of the cutover, and the key that opens it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from migration.decisions import Choice
from migration.model import Direction
from migration.view import AttemptView, GateView, MigrationView, StepState
from tui.places import rolled_back
from tui.screens.base import RETRY, MigrationScreen, asked, retry_rows
from tui.screens.complete import CompleteScreen
from tui.screens.copy import SyncScreen, log_rows, progress_rows
from tui.screens.cutover_confirm import CutoverConfirmScreen
from tui.screens.drain_clients import DrainClientsScreen
from tui.text import clock, elapsed, fit
from tui.widgets.lag_gauge import draw_gauge, history_rows
from tui.widgets.lines import Page, Row, row


class LagScreen(SyncScreen):
    """The lag gauge with its history; `c` opens the cutover screen and starts nothing."""

    STEP = 4
    NAME = "Replicate"
    HELP_TEXT = (
        "Lag is the time between a commit on the source and the same commit on the target.\n"
        "\n"
        "It is measured by position: the source's position is noted with its time, and the lag is the age "
        "of what the target has executed. It is right when the source rests, unlike Seconds_Behind.\n"
        "\n"
        "A number older than 3 s is shown as ?, never as good.\n"
        "\n"
        "{cutover} opens the cutover screen; it starts nothing."
    )
    WORDS = (
        ("lag", "how far the target is behind, in seconds, with the method that measured it"),
        ("limit", "the target must be closer than this before a cutover may start"),
        ("gate", "what must hold before the cutover"),
        ("fence", "makes late writes to the old side fail instead of getting lost"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "cutover", "Cut over…", tooltip="open the cutover screen; starts nothing"),
        Binding("C", "complete", "Complete…", tooltip="after a rollback: open the completion screen; starts nothing"),
        Binding("D", "drain", "Drain…", tooltip="open the screen that ends clients' idle sessions; starts nothing"),
        RETRY,
        Binding("p", "pause", "Pause", tooltip="hold the runner before its next step, or let it go on"),
        Binding("x", "cancel", "Cancel…", tooltip="open the screen that cancels the migration; starts nothing"),
        *MigrationScreen.COMMON,
    ]

    def allowed(self, action: str) -> bool | None:
        """The cutover screen opens while its gate is open; the others are there after a rollback."""
        if action == "cutover":
            return True if self.desk.offers(Choice.CONFIRM, "cutover") else None
        if action == "complete":
            return self.desk.offers(Choice.COMPLETE, "cutover")
        if action == "drain":
            return self.desk.offers(Choice.DRAIN_CLIENTS, "cutover")
        if action == "cancel" and self.view is not None and rolled_back(self.view):
            return False
        return super().allowed(action)

    def reason(self) -> str:
        """What the gate waits for."""
        view = self.view
        if view is None or view.end is not None or view.paused:
            return ""
        if view.gate is not None and view.gate.id != "cutover":
            return (asked(view) if self.desk.seated else "") or view.headline
        if not self.desk.offers(Choice.CONFIRM, "cutover"):
            return f"The cutover is off: {view.headline}"
        stale = self.desk.stale_s()
        if stale is not None:
            return f"The cutover waits: the lag is UNKNOWN, no reading for {elapsed(stale)}."
        red = [condition.text for condition in view.gate.conditions if not condition.ok] if view.gate else []
        if red:
            return f"The cutover waits: {red[0]}. {self.key('cutover')} opens its screen and starts nothing."
        opens = f"{self.key('cutover')} opens the cutover screen"
        if self.allowed("complete"):
            return f"{view.primary} has the writes. {opens}, {self.key('complete')} the one that ends."
        return f"Ready when you are. {opens} and starts nothing."

    def fill(self, page: Page, view: MigrationView) -> None:
        """Gauge, history, conditions, log."""
        now, stale = self.desk.clock(), self.desk.stale_s()
        if view.spec.in_place:
            page.add((f" {view.source.name} is changed where it is: nothing follows, and nothing lags", "head"))
            page.para(view.gate.consequence if view.gate is not None else view.headline)
        else:
            draw_gauge(page, view.lag, now, stale)
            page.blank()
            height = 4 if page.height < 24 else 8
            page.rows += history_rows(view.lag, now, page.cells, height, stale)
        page.rows += retry_rows(view, page.cells)
        page.rows += _comparing(view, page.cells, now)
        if view.attempt is not None:
            page.gap(6)
            page.rows += attempt_rows(view.attempt, page.cells)
        if not self.wide or page.height < 24 or self.desk.guiding:
            page.gap(4)
            page.rows += condition_rows(view.gate, now, page.cells)
        page.gap(1)
        page.rows += log_rows(view, page.cells, page.room)

    def draw_panel(self, cells: int) -> list[Row]:
        """The conditions, then what lag means; the guide where it is on."""
        if self.desk.guiding:
            return list(super().draw_panel(cells))
        page = Page(cells, 0)
        view = self.view
        if view is not None and view.gate is not None and view.gate.conditions:
            page.add((" Cutover gate", "head"))
            for condition in view.gate.conditions:
                mark = ("OK    ", "ok") if condition.ok else ("WAIT  ", "warn")
                page.rows += _hanging(mark, condition.text, cells)
            page.add((f" {_age(view.gate, self.desk.clock())}", "dim"))
            page.blank()
        page.para(self.help_text, indent=1)
        return page.rows

    def action_cutover(self) -> None:
        """Open the cutover screen; it starts nothing."""
        self.app.push_screen(CutoverConfirmScreen(self.desk))

    def action_complete(self) -> None:
        """Finish on the source, after a rollback."""
        self.app.push_screen(CompleteScreen(self.desk))

    def action_drain(self) -> None:
        """Open the screen that ends idle sessions; it starts nothing."""
        self.app.push_screen(DrainClientsScreen(self.desk))


def _hanging(mark: tuple[str, str], text: str, cells: int) -> list[Row]:
    page = Page(cells - 1, 0)
    page.para(text, indent=len(mark[0]))
    first, *rest = page.rows
    return [row(" ", mark, first[1].text), *[row(" " + line[0].text, line[1].text) for line in rest]]


def _age(gate: GateView, now: float) -> str:
    return f"measured {elapsed(now - gate.measured_at)} ago" if gate.measured_at else "not measured yet"


def condition_rows(gate: GateView | None, now: float, cells: int) -> list[Row]:
    """The gate's conditions as words, two in a row, with their age."""
    if gate is None or not gate.conditions:
        return []
    half = (cells - 10) // 2
    rows: list[Row] = []
    for start in range(0, len(gate.conditions), 2):
        parts: list[str | tuple[str, str]] = [("   Gate   " if start == 0 else " " * 10, "dim")]
        for condition in gate.conditions[start : start + 2]:
            parts.append(("OK   ", "ok") if condition.ok else ("WAIT ", "warn"))
            parts.append(fit(condition.text, half - 6) + " ")
        rows.append(row(*parts))
    rows.append(row((f"          {_age(gate, now)}", "dim")))
    return rows


def _comparing(view: MigrationView, cells: int, now: float) -> list[Row]:
    """How far the comparison of all rows is, while it is what everything waits for."""
    running = next((step for step in view.steps if step.state is StepState.RUNNING), None)
    if running is None or view.progress is None or view.progress.step != running.item.id:
        return []
    return progress_rows(view.progress, running, cells, now, view.runner_alive)


def attempt_rows(attempt: AttemptView, cells: int) -> list[Row]:
    """How the last attempt ended, in one row."""
    ended = clock(attempt.ended_at) if attempt.ended_at else "-"
    name = "Rolled back" if attempt.direction is Direction.ROLLBACK else f"Cutover {attempt.number}"
    word, style = ("OK", "ok") if attempt.result == "switched" else ("FAIL", "fail")
    reason = f": {attempt.reason}" if attempt.reason else ""
    has = attempt.new if attempt.result == "switched" else attempt.old
    text = f"{name} {attempt.result} {ended}{reason}; {has} has the writes"
    return [row("   ", (f"{word:<5}", style), fit(text, cells - 9))]
