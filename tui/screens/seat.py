"""The operator's seat: who has it and since when, who else looks on, and taking it or handing it over."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from migration.seat import Ask
from migration.terminals import Terminal
from migration.view import MigrationView, SeatView
from tui.desk import Desk
from tui.feed import in_thread
from tui.messages import SeatAsked
from tui.screens.base import BACK, HELP, LEAVE, MigrationScreen
from tui.seating import Seating
from tui.text import clean, day_and_clock, fit, plural
from tui.widgets.lines import Page

_LOOK_S = 2.0
_SHOWN_S = 20.0


class Around(Message):
    """Who else looks on, and why the terminal that has the seat counts as lost."""

    def __init__(self, others: tuple[Terminal, ...], lost: str) -> None:
        super().__init__()
        self.others = others
        self.lost = lost


class SeatScreen(MigrationScreen):
    """Opening it changes nothing; Enter asks the runner, and says beforehand for what."""

    STAYS = True
    NAME = "Operator's seat"
    HELP_TEXT = (
        "One screen decides at a time. Whoever opens a migration first has the seat, and keeps it when the screen "
        "ends.\n"
        "\n"
        "You can hand it over to somebody who looks on. It can be taken over where its screen has ended, or has "
        "been silent for 30 s.\n"
        "\n"
        "The runner refuses what anybody else decides. All of it is in the journal and in the report."
    )
    WORDS = (("seat", "the right to decide about this migration; one screen has it at a time"),)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Take the seat", key_display="⏎"),
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", "Choose", key_display="↑↓"),
        BACK,
        HELP,
        LEAVE,
    ]

    def __init__(self, desk: Desk, seating: Seating) -> None:
        super().__init__(desk)
        self._seating = seating
        self._others: tuple[Terminal, ...] = ()
        self._lost = ""
        self._chosen = ""
        self._asked = 0.0

    def on_mount(self) -> None:
        """Look now, and again every two seconds."""
        self._look()
        self.set_interval(_LOOK_S, self._look)

    def on_around(self, message: Around) -> None:
        """It is known who is there."""
        if (self._others, self._lost) != (message.others, message.lost):
            self._others, self._lost = message.others, message.lost
            self.paint()

    @property
    def _seat(self) -> SeatView:
        return self.view.seat if self.view is not None else SeatView()

    @property
    def _mine(self) -> bool:
        return self._seating.holds(self._seat)

    def allowed(self, action: str) -> bool | None:
        """What the runner would grant."""
        if action == "take":
            return True if self._may_take() else None
        return super().allowed(action)

    def _may_take(self) -> bool:
        view, seat = self.view, self._seat
        if view is None or view.end is not None or not view.runner_alive:
            return False
        if self._mine:
            return bool(self._others)
        own = seat.who == self.desk.presenter.line(self._seating.terminal.who)
        return not seat.who or own or bool(self._lost) or self._seating.is_offered(seat)

    def label(self, action: str, binding: Binding) -> str:
        """Enter offers the seat where one has it, and takes it where one has not."""
        if action == "take" and self._mine:
            return "Offer the seat"
        return super().label(action, binding)

    def reason(self) -> str:
        """What Enter does, or why it does nothing."""
        view, seat = self.view, self._seat
        if view is None:
            return ""
        if view.end is not None:
            return "The migration has ended: there is nothing to decide any more."
        why = view.why_refused(self._seating.asked)
        if why and self.desk.clock() - self._asked < _SHOWN_S:
            return f"The runner refused: {why}."
        if self._mine:
            one = self._other()
            return f"Enter offers the seat to {self._named(one)}." if one else "Nobody else looks on."
        if self._may_take():
            return f"Enter takes the seat{f' from {seat.who}' if seat.who else ''}; the journal says so."
        return f"{seat.who} is there: only {seat.who} can hand it over."

    def fill(self, page: Page, view: MigrationView) -> None:
        """Who has it, how it came to that, and who looks on."""
        seat = view.seat
        page.add((" OPERATOR'S SEAT", "head"))
        page.blank()
        if not seat.who:
            page.para("Nobody has it: whoever decides next is followed.")
        else:
            mine = "you, at this screen" if self._mine else seat.who
            page.pair("Has it", mine, column=16)
            page.pair("Process", str(seat.pid), column=16)
            page.pair("Since", day_and_clock(seat.since), column=16)
            state = f"its screen {self._lost}" if self._lost else "its screen is there"
            page.pair("Now", state, "warn" if self._lost else "", column=16)
            if seat.offered_who:
                page.pair("Offered to", seat.offered_who, column=16)
        page.blank()
        page.add((f"   {plural(len(self._others), 'other screen')} on this migration", "dim"))
        chosen = self._other()
        for one in self._others:
            mark = "▌" if one is chosen else " "
            page.add(f" {mark} ", (fit(self._named(one), page.cells - 4), "mark" if one is chosen else ""))
        page.gap(3)
        if seat.changes:
            page.blank()
            page.add(("   Who had it", "dim"))
        for change in seat.changes[-max(1, page.room) :]:
            page.para(f"{day_and_clock(change.at)} {clean(change.who)}: {change.how}")

    def action_take(self) -> None:
        """Ask the runner."""
        one = self._other()
        if self._mine and one is not None:
            self._ask(Ask.OFFER, one.id)
        elif not self._mine:
            self._ask(Ask.TAKE)

    def action_move(self, step: int) -> None:
        """Choose another of those who look on."""
        if self._others:
            at = next((n for n, one in enumerate(self._others) if one.id == self._chosen), 0)
            self._chosen = self._others[min(max(at + step, 0), len(self._others) - 1)].id
            self.paint()

    def _other(self) -> Terminal | None:
        chosen = [one for one in self._others if one.id == self._chosen]
        return next(iter(chosen or self._others), None)

    def _named(self, one: Terminal) -> str:
        who = "somebody" if self.desk.presenter.on else clean(one.who)
        return f"{who} at process {one.pid}, {'watching' if one.observer else 'an operator'}"

    def _ask(self, ask: Ask, to: str = "") -> None:
        self._asked = self.desk.clock()
        in_thread(lambda: SeatAsked(self._seating.ask(ask, to)), self.app.post_message)

    def _look(self) -> None:
        seat = self._seat
        in_thread(lambda: Around(self._seating.others(), self._seating.lost(seat)), self.post_message)
