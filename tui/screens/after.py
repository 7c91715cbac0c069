"""After the cutover: can I still go back, what did clients see, who is where."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from migration.decisions import Choice
from migration.view import AttemptView, FiguresView, MigrationView, StepState
from tui.screens.base import RETRY, MigrationScreen, asked, retry_rows
from tui.screens.complete import CompleteScreen
from tui.screens.copy import log_rows
from tui.screens.drain_clients import DrainClientsScreen
from tui.screens.rollback import RollbackScreen
from tui.text import clean, clock, count, day_and_clock, duration, elapsed, fit, fit_right
from tui.widgets.lines import Page, Row, row

_STALE_S = 15.0


def rollback_word(view: MigrationView, now: float) -> tuple[str, str, str]:
    """YES, NO or UNKNOWN, its style, and why. A measurement older than 15 s is not believed."""
    back = view.rollback
    if view.runner_alive and back.measured_at is not None and now - back.measured_at > _STALE_S:
        return "UNKNOWN", "unknown", f"not measured for {elapsed(now - back.measured_at)}"
    if not view.runner_alive:
        return "UNKNOWN", "unknown", "no runner is at work to measure it"
    word, style = {True: ("YES", "ok"), False: ("NO", "fail"), None: ("UNKNOWN", "unknown")}[back.possible]
    return word, style, clean(back.reason)


class AfterScreen(MigrationScreen):
    """The question first, then the facts; R, C and D open their screens and start nothing."""

    LIVE = True
    STEP = 6
    GUIDED = True
    NAME = "After the cutover"
    DECIDING = frozenset({"roll_back", "complete", "drain", "retry"})
    HELP_TEXT = (
        "The target has the writes; the old source follows it, read-only.\n"
        "\n"
        "Going back is a second cutover in the other direction; no write is lost. It turns to NO when "
        "reverse replication breaks or you complete.\n"
        "\n"
        "Take your time. Complete when the target has proved itself under your peak load."
    )
    WORDS = (
        ("rollback", "the cutover in the other direction, over reverse replication"),
        ("complete", "end replication for good; rollback is gone from here on"),
        ("gap", "the longest time in which no client could write, as the clients saw it"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        RETRY,
        Binding("R", "roll_back", "Roll back…", tooltip="open the rollback screen; starts nothing"),
        Binding("C", "complete", "Complete…", tooltip="open the completion screen; starts nothing"),
        Binding("D", "drain", "Drain…", tooltip="open the screen that ends clients' idle sessions; starts nothing"),
        *MigrationScreen.COMMON,
    ]

    def allowed(self, action: str) -> bool | None:
        """The screens open while the runner offers their decision."""
        if action == "roll_back":
            return True if self.desk.offers(Choice.ROLL_BACK) else None
        if action == "complete":
            return True if self.desk.offers(Choice.COMPLETE) else None
        if action == "drain":
            return True if self.desk.offers(Choice.DRAIN_CLIENTS) else None
        return super().allowed(action)

    def reason(self) -> str:
        """What the keys wait for."""
        view = self.view
        if view is None or view.end is not None:
            return ""
        if not self.desk.seated:
            return view.headline
        if not self.desk.offers(Choice.COMPLETE):
            return asked(view) or view.headline
        back = f"; {self.key('roll_back')} the one that goes back" if self.desk.offers(Choice.ROLL_BACK) else ""
        return f"All well? {self.key('complete')} opens the screen that completes{back}."

    def fill(self, page: Page, view: MigrationView) -> None:
        """Answer, figures, clients, steps, log."""
        now = self.desk.clock()
        attempt = view.attempt
        if attempt is not None:
            page.ends(_title(attempt), f"by {clean(attempt.actor)}", "head")
        page.blank()
        word, style, why = rollback_word(view, now)
        measured = view.rollback.measured_at
        age = f"   measured {elapsed(now - measured)} ago" if measured else ""
        page.add("   Can I still go back?   ", (word, style), (age, "dim"))
        page.para(why, indent=6)
        lag = view.rollback.lag_s
        if lag is not None and word != "UNKNOWN":
            page.para(f"{view.source.name} follows {view.target.name}, {duration(lag)} behind.", indent=6)
        if view.rollback.until is not None:
            ends = day_and_clock(view.rollback.until)
            page.para(f"Until {ends}: then the provider ends it, and both take writes.", "warn", 6)
        if view.seat.who:
            operator = f"   Operator   {clean(view.seat.who)} since {day_and_clock(view.seat.since)}"
            page.add((fit(operator, page.cells), "dim"))
        page.rows += retry_rows(view, page.cells)
        page.gap(9)
        page.rows += figure_rows(view.figures, attempt, page.cells)
        page.gap(7)
        old = view.source if view.primary == view.spec.target.name else view.target
        # Where there is one server only, nobody is on an old one.
        name = "" if view.spec.in_place else old.name
        page.rows += client_rows(view, page.cells, max(3, page.room - 3), name)
        failed = [step for step in view.steps if step.state in (StepState.FAILED, StepState.UNKNOWN)]
        for step in failed[:2]:
            text = fit(f"{step.item.title}: {step.note}", page.cells - 14)
            page.add("   ", (f"{step.state.value.upper()} ", "fail"), text)
        page.gap(1)
        page.rows += log_rows(view, page.cells, page.room)

    def action_roll_back(self) -> None:
        """Open the rollback screen; it starts nothing."""
        self.app.push_screen(RollbackScreen(self.desk))

    def action_complete(self) -> None:
        """Open the completion screen; it starts nothing."""
        self.app.push_screen(CompleteScreen(self.desk))

    def action_drain(self) -> None:
        """Open the screen that ends idle sessions; it starts nothing."""
        self.app.push_screen(DrainClientsScreen(self.desk))


def _title(attempt: AttemptView) -> str:
    at = attempt.opened_at or attempt.ended_at or attempt.started_at
    window = f" · {attempt.window_ms:,.0f} ms without writes" if attempt.window_ms is not None else ""
    name = "CUT OVER" if attempt.direction.value == "cutover" else "ROLLED BACK"
    return f" {name} {clock(at)}{window}"


def figure_rows(figures: FiguresView | None, attempt: AttemptView | None, cells: int) -> list[Row]:
    """What the clients saw, or that nobody has measured it."""
    if figures is None:
        window = attempt.window_ms if attempt else None
        seen = f"the runner saw {window:,.0f} ms between the fence and the opening" if window else "not measured yet"
        return [row(("   Clients saw   ", "dim"), seen), *_proof_rows(attempt, cells)]
    lost = ("OK", "ok") if figures.lost_writes == 0 else ("FAIL", "fail")
    meant = attempt is not None and attempt.both_open
    both = ("OK", "ok") if figures.both_writable_ms == 0 or meant else ("FAIL", "fail")
    gap = f"{figures.write_gap_ms:>9,.0f} ms   longest time without an accepted write"
    total = f"{figures.lost_writes:>9,}      of {count(figures.acknowledged_writes)} acknowledged   "
    return [
        row(("   Write gap       ", "dim"), gap),
        row(("   Lost writes     ", "dim"), total, lost),
        row(("   Both writable   ", "dim"), f"{figures.both_writable_ms:>9,.0f} ms   ", both),
        *_proof_rows(attempt, cells),
    ]


def _proof_rows(attempt: AttemptView | None, cells: int) -> list[Row]:
    """What was proved of the rows while nobody wrote."""
    notes = [part.note for part in attempt.steps if part.id == "content" and part.note] if attempt else []
    page = Page(cells, 0)
    for note in notes:
        page.pair("Rows", note, column=19)
    return page.rows


def client_rows(view: MigrationView, cells: int, room: int, old: str) -> list[Row]:
    """Sessions by account on either server, those still on the old side first; `old` is the name of that server."""
    if not view.clients:
        return [row(("   No client sessions were seen yet.", "dim"))]
    old_is_source = old == view.source.name
    name = max(16, cells - 44)
    heads = ("sessions", "") if view.spec.in_place else ("on source", "on target")
    rows: list[Row] = [row((f"   {'Clients':<{name}}{heads[0]:>10}{heads[1]:>11}   {'Note' if old else ''}", "dim"))]
    ordered = sorted(view.clients, key=lambda c: -(c.on_source if old_is_source else c.on_target))
    for client in ordered[: room - 1]:
        if view.spec.in_place:
            rows.append(row(f"   {fit(f'{client.user}@{client.host}', name)}{client.on_source:>10}"))
            continue
        stale = client.on_source if old_is_source else client.on_target
        rows.append(
            row(
                f"   {fit(f'{client.user}@{client.host}', name)}",
                f"{client.on_source:>10}{client.on_target:>11}   ",
                (fit_right("on old side", 11) if stale else "-", "warn" if stale else "dim"),
            )
        )
    if len(ordered) > room - 1:
        rows[-1] = row((f"   and {len(ordered) - room + 2} more", "dim"))
    return rows
