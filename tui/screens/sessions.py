"""The migrations of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import ScreenResume
from textual.message import Message
from textual.timer import Timer

from migration.journal import JournalError
from migration.sessions import Session, sessions, state_dir
from tui.desk import Desk
from tui.feed import in_thread
from tui.messages import NewMigration, OpenJournal
from tui.places import place, rail
from tui.screens.base import HELP, LEAVE, WizardScreen
from tui.start import OpenSessions, Start
from tui.text import clean, coarse, day_and_clock, fit, plural
from tui.widgets.check_list import window
from tui.widgets.lines import Page, Row, row

_LOOK_S = 2.0


class Listed(Message):
    """What is in the state directory; `error` where it could not be read."""

    def __init__(self, found: tuple[Session, ...], error: str) -> None:
        super().__init__()
        self.found = found
        self.error = error


class SessionsScreen(WizardScreen):
    """The list, the newest first; Enter opens one."""

    NAME = "Migrations on this machine"
    HELP_TEXT = (
        "The runner is a process of its own and writes every event to a journal. This screen only shows "
        "it.\n"
        "\n"
        "If SSH drops, log in again and press Enter here: you are back on the same step.\n"
        "\n"
        "First migration? Press {rehearse} and rehearse on servers of this machine: nothing of yours is touched."
    )
    WORDS = (("observer", "sees everything and changes nothing"),)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", key_display="⏎"),
        Binding("o", "observe", "Observe"),
        Binding("n", "new", "New migration"),
        Binding("t", "rehearse", "Try a rehearsal"),
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        HELP,
        LEAVE,
    ]

    def __init__(self, desk: Desk, start: Start) -> None:
        super().__init__(desk)
        self._start = start if isinstance(start, OpenSessions) else OpenSessions()
        self._found: tuple[Session, ...] | None = None
        self._error = ""
        self._chosen = ""
        self._as_operator = not desk.observer
        self._timer: Timer | None = None

    def on_mount(self) -> None:
        """Look now, and again every two seconds while the list is shown."""
        self._look()
        self._timer = self.set_interval(_LOOK_S, self._look)

    def on_screen_suspend(self) -> None:
        """Nobody sees the list."""
        if self._timer is not None:
            self._timer.pause()

    def on_screen_resume(self, event: ScreenResume) -> None:
        """The list is shown again."""
        if self._timer is not None:
            self._timer.resume()
        self.paint()

    def on_listed(self, message: Listed) -> None:
        """The list is here."""
        self._found, self._error = message.found, message.error
        self.paint()

    def allowed(self, action: str) -> bool | None:
        """Keys need something to work on."""
        chosen = self._session()
        if action in ("open", "observe"):
            return True if chosen is not None and chosen.view is not None else None
        if action == "new":
            return True if self._start.connect is not None and self._as_operator else None
        if action == "rehearse":
            return True if self._start.rehearsal is not None and self._as_operator else None
        return True

    def reason(self) -> str:
        """How many there are, and where."""
        if self._error:
            return self._error
        if self._found is None:
            return "Looking for migrations."
        if not self._found and self.allowed("rehearse"):
            return "t tries a whole migration on servers of this machine; nothing of yours is touched."
        where = "on this machine" if self.desk.presenter.on else f"in {state_dir()}"
        return f"{plural(len(self._found), 'migration')} {where}"

    def draw_body(self, cells: int, height: int) -> Sequence[Row]:
        """The list and what is known of the chosen one."""
        page = Page(cells, height)
        page.add((" Migrations on this machine", "head"))
        page.blank()
        if not self._found:
            page.para("None yet." if self._found is not None else "Looking for migrations.")
            page.blank()
            if self._start.rehearsal is not None:
                key = self.key("rehearse")
                page.para(f"{key} rehearses a whole migration on servers of this machine; nothing of yours is touched.")
            if self._start.connect is not None:
                page.para(f"{self.key('new')} asks for two servers and makes a real migration.")
            return page.rows
        name = cells - 48
        page.add((fit(f"   {'Migration':<{name}}{'Step':<14}{'State':<17}Last record", cells), "dim"))
        index = self._index()
        for number in window(len(self._found), index, max(3, height // 2 - 2)):
            page.rows.append(self._line(self._found[number], number == index, name))
        page.blank()
        page.rule(self._found[index].id)
        self._about(page, self._found[index])
        page.foot(_closing(cells))
        return page.rows

    def action_open(self) -> None:
        """Open the chosen migration in the operator's seat."""
        self._open(observer=not self._as_operator)

    def action_observe(self) -> None:
        """Open the chosen migration as an observer."""
        self._open(observer=True)

    def action_new(self) -> None:
        """Ask for two servers."""
        if self._start.connect is not None:
            self.post_message(NewMigration(self._start.connect))

    def action_rehearse(self) -> None:
        """Start a rehearsal."""
        if self._start.rehearsal is not None:
            self.post_message(NewMigration(self._start.rehearsal))

    def action_move(self, step: int) -> None:
        """Choose another migration."""
        if self._found:
            self._chosen = self._found[min(max(self._index() + step, 0), len(self._found) - 1)].id
            self.paint()

    def _open(self, *, observer: bool) -> None:
        chosen = self._session()
        if chosen is not None and chosen.view is not None:
            over = chosen.view.end is not None
            self.post_message(OpenJournal(chosen.journal, observer=observer, welcome_back=not over))

    def useful(self) -> tuple[str, str] | None:
        """The command that goes back to the chosen migration."""
        chosen = self._session()
        return ("the command", f"cutover resume {chosen.id}") if chosen is not None else None

    def renew(self) -> None:
        """List them anew."""
        self._look()

    def _look(self) -> None:
        def work() -> Message:
            try:
                return Listed(self.desk.presenter.listed(sessions()), "")
            except (OSError, JournalError) as error:
                return Listed((), self.desk.presenter.line(f"The state directory cannot be read: {error}"))

        in_thread(work, self.post_message)

    def _index(self) -> int:
        found = self._found or ()
        return next((n for n, session in enumerate(found) if session.id == self._chosen), 0)

    def _session(self) -> Session | None:
        return self._found[self._index()] if self._found else None

    def _line(self, session: Session, chosen: bool, name: int) -> Row:
        style = "mark" if chosen else ""
        lead = (f" {'▌' if chosen else ' '} {fit(session.id, name)}", style)
        view = session.view
        if view is None:
            return row(lead, ("FAIL          cannot be read", "fail"))
        steps = rail(view)
        step = next((item for item in steps if item.mark == "▶"), steps[-1])
        last = max((line.at for line in view.log), default=view.created_at)
        word, tone = _state(session)
        ago = f"{coarse(self.desk.clock() - last)} ago" if self.desk.clock() - last < 86400 else day_and_clock(last)
        return row(lead, f"{step.number} {step.name:<12}", (fit(word, 17), tone), (ago, "dim"))

    def _about(self, page: Page, session: Session) -> None:
        view = session.view
        if view is None:
            page.para(session.error, "fail")
            return
        side = "Server" if view.spec.in_place else "Source"
        page.pair(side, f"{view.source.name} {view.source.address} {view.source.version}", column=14)
        if not view.spec.in_place:
            page.pair("Target", f"{view.target.name} {view.target.address} {view.target.version}", column=14)
        page.pair("Started", day_and_clock(view.created_at), column=14)
        page.pair("Writes", f"{clean(view.primary)} has the writes", column=14)
        page.pair("Now", view.headline, column=14)


def _state(session: Session) -> tuple[str, str]:
    view = session.view
    if view is None:
        return "cannot be read", "fail"
    if view.end is not None:
        return view.end.value.replace("_", " "), "ok" if view.end.value == "completed" else "dim"
    if not view.runner_alive:
        return "no runner", "fail"
    if view.paused:
        return "paused", "warn"
    return ("waits for you", "warn") if view.gate is not None else (f"running {place(view).value}", "ok")


def _closing(cells: int) -> list[Row]:
    page = Page(cells, 0)
    page.para("The runner goes on without this screen. Losing SSH does not stop a migration.", "dim")
    return page.rows
