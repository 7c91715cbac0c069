"""The wizard: which screen for which state, signals, colours, and what a crash may show."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from rich.console import Group, RenderableType
from rich.segment import Segments
from rich.text import Text
from textual import constants
from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen

from migration.seat import Ask
from migration.terminals import BEAT_S
from migration.view import MigrationView
from tui.actions import EVERYWHERE
from tui.as_text import screen_as_text, show_on_terminal
from tui.ascii_filter import AsciiFilter
from tui.ascii_only import in_use
from tui.desk import Decided, Desk
from tui.feed import Fed, Feed, in_thread
from tui.messages import Exported, NewMigration, OpenJournal, RehearsalReady, SeatAsked
from tui.places import Place, place
from tui.presenter import NameFilter, Presenter
from tui.screens.base import WizardScreen
from tui.screens.catalogue import HELP_LESS, screen_for, start_screen, step_screen
from tui.screens.gate_confirm import GateConfirmScreen
from tui.screens.guide import GuideScreen
from tui.screens.help import HelpScreen
from tui.screens.log import LogScreen
from tui.screens.palette import PaletteScreen
from tui.screens.seat import SeatScreen
from tui.screens.sessions import SessionsScreen
from tui.screens.welcome_back import WelcomeBackScreen
from tui.seating import Seating
from tui.sent import Sent
from tui.start import OpenMigration, OpenSessions, Start
from tui.theme import DARK, TERMINAL, THEMES

_ASCII = AsciiFilter()
# Characters; what tmux and xterm still take in one sequence once it is encoded.
_CLIPBOARD = 50_000


class CutoverApp(App[None]):
    """Shows one migration, or the list of them. It carries nothing out: that is the runner's part."""

    CSS_PATH = "styles/app.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", show=False, priority=True),
        Binding("ctrl+l", "redraw", show=False),
        *EVERYWHERE,
    ]

    def __init__(
        self,
        start: Start,
        *,
        observer: bool = False,
        clock: Callable[[], float] = time.time,
        export: Callable[[Path], Path] | None = None,
        presenter: Presenter | None = None,
        guide: bool | None = None,
        keys: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare the app.

        Args:
            start: what to open.
            observer: this seat sees everything and decides nothing.
            clock: seconds since the epoch; tests freeze it.
            export: writes the report of a journal and returns where it is.
            presenter: what is masked; nothing, until a key is pressed, where it is not given.
            guide: whether steps are explained; in rehearsals, where it is not given.
            keys: the operator's own, by action.
        """
        plain = "NO_COLOR" in os.environ
        super().__init__(ansi_color=True if plain else None)
        for theme in THEMES:
            self.register_theme(theme)
        if plain:
            self.theme = TERMINAL.name
        elif "TEXTUAL_THEME" not in os.environ:
            self.theme = TERMINAL.name if self.console.color_system == "standard" else DARK.name
        self.animation_level = "none"
        if "SSH_CONNECTION" in os.environ:
            # A dropped connection leaves the user's own terminal in this mode, with nobody to reset it.
            vars(constants)["DISABLE_KITTY_KEY"] = True
        self.start_with = start
        shown = presenter or Presenter()
        lists = isinstance(start, OpenSessions)
        self.desk = Desk(clock, observer, self.post_message, export, has_sessions=lists, presenter=shown, guide=guide)
        self.desk.keys = dict(keys or {})
        self.set_keymap(self.desk.keys)
        self._names = NameFilter(shown)
        self._sent = Sent()
        self._observer = observer
        self._feed: Feed | None = None
        self._place: Place | None = None
        self._welcome = False

    def on_mount(self) -> None:
        """Take the signals and open the first screen."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._signalled, number)
        if isinstance(self.start_with, OpenMigration):
            self._open(self.start_with.journal, self.start_with.welcome_back)
        self.set_interval(BEAT_S, self._beat)
        self.push_screen(start_screen(self.desk, self.start_with))

    def on_resize(self) -> None:
        """Another size, or the same after the terminal was somebody else's: nobody knows what it shows."""
        self._sent.forget()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        super()._display(screen, self._sent.lean(renderable))

    def action_redraw(self) -> None:
        """Draw everything again, over whatever else has written to the terminal."""
        self._sent.forget()
        self.screen.refresh()

    def on_unmount(self) -> None:
        """Let go of the journal."""
        if self._feed is not None:
            self._feed.stop()
        if self.desk.seating is not None:
            self.desk.seating.leave()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own variables, for themes that are not ours (`TEXTUAL_THEME`)."""
        return dict(DARK.variables)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, and behind them ours."""
        return [*super().get_line_filters(), self._names, *([_ASCII] if in_use() else [])]

    @property
    def view(self) -> MigrationView | None:
        """The migration as last seen."""
        return self.desk.view

    async def on_fed(self, message: Fed) -> None:
        """Take in the migration's state, and go where it has gone."""
        # While the app leaves, its screens go before its last messages.
        if message.journal != self.desk.journal or not self.screen_stack:
            return
        self.desk.error = message.error
        if message.view is not None:
            self.desk.view = message.view
            self._sit(message.view)
            await self._follow(message.view)
        self._paint()

    def on_decided(self, message: Decided) -> None:
        """A decision was written, or could not be."""
        self.desk.sent = message.sent
        self._paint()

    def on_exported(self, message: Exported) -> None:
        """The report was written, or could not be."""
        self.desk.exported = message.sentence
        self._paint()

    async def on_open_journal(self, message: OpenJournal) -> None:
        """An operator or observer chose a migration from the list."""
        self._open(message.journal, message.welcome_back, observer=message.observer)
        await self._unwind()

    async def on_rehearsal_ready(self, message: RehearsalReady) -> None:
        """The rehearsal's servers are up and its runner is at work."""
        self._open(message.journal, welcome_back=False)
        await self._unwind()

    def on_new_migration(self, message: NewMigration) -> None:
        """The operator wants a new migration or a rehearsal."""
        self.push_screen(start_screen(self.desk, message.start))

    async def action_back(self) -> None:
        """One screen back; never changes anything."""
        if len(self.screen_stack) > 2:
            await self.pop_screen()
            if self.view is not None:
                await self._follow(self.view)
        elif self.desk.has_sessions and not isinstance(self.screen, SessionsScreen):
            self._close()
            await self.switch_screen(SessionsScreen(self.desk, self.start_with))

    def action_leave(self) -> None:
        """Leave; the migration goes on."""
        self.exit()

    def action_help(self) -> None:
        """Keys and words of the screen that is shown."""
        if isinstance(self.screen, WizardScreen) and not isinstance(self.screen, HELP_LESS):
            self.push_screen(HelpScreen(self.desk, self.screen))

    def action_palette(self) -> None:
        """Every action of the screen, by its words."""
        screen = self._screen_below()
        if screen is not None and not isinstance(screen, PaletteScreen):
            self.push_screen(PaletteScreen(self.desk, screen))

    def action_text(self) -> None:
        """The screen as text, on the terminal itself."""
        screen = self._screen_below()
        if screen is not None and not show_on_terminal(self, screen_as_text(screen)):
            self._say("This terminal cannot be given back to show text on it.")

    def action_copy(self) -> None:
        """What is most useful elsewhere, into the clipboard of whoever sits at the terminal."""
        screen = self._screen_below()
        if screen is None:
            return
        what, text = screen.to_copy()
        if len(text) > _CLIPBOARD:
            self._say(f"{what.capitalize()}: too long for a clipboard over a terminal; {screen.key('text')} shows it.")
            return
        self.copy_to_clipboard(self.desk.presenter.line(text))
        self._say(f"Copied {what} (OSC 52). If your terminal refuses that, {screen.key('text')} shows text.")

    def _screen_below(self) -> WizardScreen | None:
        """The screen, where nothing forbids to put something before it."""
        return self.screen if isinstance(self.screen, WizardScreen) and not self.screen.ALONE else None

    def _say(self, sentence: str) -> None:
        self.desk.said = sentence, self.desk.clock()
        self._paint()

    def action_guide(self) -> None:
        """The guide beside the step, or not; where there is no room beside it, on a screen of its own."""
        screen = self.screen
        told = screen.explained() if isinstance(screen, WizardScreen) else None
        if not isinstance(screen, WizardScreen) or told is None:
            return
        if screen.guide_beside:
            self.desk.guide = not self.desk.guiding
            screen.paint()
        else:
            self.push_screen(GuideScreen(self.desk, told))

    def action_confirm_gate(self) -> None:
        """Open the screen on which the open gate's word is typed; it starts nothing."""
        if self.view is not None and self.view.gate is not None:
            self.push_screen(GateConfirmScreen(self.desk, self.view.gate.id))

    def action_seat(self) -> None:
        """Who has the operator's seat; it can be taken and handed over there."""
        if self.desk.seating is not None and self.view is not None and not isinstance(self.screen, SeatScreen):
            self.push_screen(SeatScreen(self.desk, self.desk.seating))

    def action_log(self) -> None:
        """What happened so far."""
        if self.view is not None:
            self.push_screen(LogScreen(self.desk))

    def action_presenter(self) -> None:
        """Names under aliases, or as they are; painted once the migration is there in that form."""
        self.desk.presenter.toggle()
        if isinstance(self.screen, WizardScreen):
            self.screen.renew()
        for widget in self.screen.walk_children():
            widget.refresh()

    async def action_look(self, number: int) -> None:
        """Look at one of the seven steps."""
        if self.view is None:
            return
        if len(self.screen_stack) > 2 and isinstance(self.screen, WizardScreen) and self.screen.looking:
            await self.pop_screen()
        screen = step_screen(self.desk, self.view, number)
        screen.looking = True
        if type(screen) is not type(self.screen):
            self.push_screen(screen)

    def _open(self, journal: Path, welcome_back: bool, *, observer: bool = False) -> None:
        self._close()
        self.desk.observer = observer or self._observer
        self.desk.journal, self._welcome = journal, welcome_back
        self.desk.presenter.open(journal)
        if not self.is_web:
            # Whoever looks through a browser is known to nobody, and is never given the seat.
            self.desk.seating = Seating(journal, observer=self.desk.observer)
            self.desk.seating.arrive()
        self._feed = Feed(journal, self.post_message, self.desk.presenter)
        self._feed.start()

    def _close(self) -> None:
        if self._feed is not None:
            self._feed.stop()
        if self.desk.seating is not None:
            self.desk.seating.leave()
        self.desk.presenter.open(None)
        self.desk.seating = None
        self.desk.journal = self.desk.view = self.desk.sent = self._feed = self._place = None
        self.desk.error = self.desk.exported = ""
        self.desk.observer = self._observer

    def _beat(self) -> None:
        if self.desk.seating is not None:
            self.desk.seating.beat()

    def _sit(self, view: MigrationView) -> None:
        """Ask for a seat that nobody would miss; who came to watch and was given it watches no more."""
        seating = self.desk.seating
        if seating is None:
            return
        if seating.holds(view.seat):
            self.desk.observer = False
        if not seating.may_decide():
            self.desk.observer = True
        if not self.desk.observer and seating.wants(view):
            in_thread(lambda: SeatAsked(seating.ask(Ask.OPEN)), self.post_message)

    def on_seat_asked(self, message: SeatAsked) -> None:
        """The runner was asked for the seat, or could not be."""
        if message.error:
            self.desk.said = (self.desk.presenter.line(message.error), self.desk.clock())
        self._paint()

    async def _unwind(self) -> None:
        while len(self.screen_stack) > 2:
            await self.pop_screen()

    async def _follow(self, view: MigrationView) -> None:
        """Switch to the screen of the migration's place, unless the operator reads something."""
        there = place(view)
        if there is self._place:
            return
        top = self.screen
        reading = len(self.screen_stack) > 2 and isinstance(top, WizardScreen) and top.stays
        if reading and there is not Place.PROGRESS:
            return
        self._place = there
        # In one go: a screen that only comes by would be seen, and the keys that it offers be pressed.
        with self.batch_update():
            await self._unwind()
            await self.switch_screen(screen_for(self.desk, there))
            if self._welcome:
                self._welcome = False
                await self.push_screen(WelcomeBackScreen(self.desk))

    def _paint(self) -> None:
        if self.screen_stack and isinstance(self.screen, WizardScreen):
            self.screen.paint()

    def _signalled(self, number: signal.Signals) -> None:
        self.exit(return_code=128 + number)

    def _fatal_error(self) -> None:
        from rich.traceback import Traceback

        # Textual's own prints local variables, and with them whatever a form held.
        failed = Traceback(show_locals=False, width=None)
        trace: Traceback | Text = failed
        if self.desk.presenter.on:
            # An error's words can be a server's, with any name in them.
            trace = Text("".join(f"{stack.exc_type} in {stack.frames[-1].name}\n" for stack in failed.trace.stacks))
        where = f"Journal: {self.desk.presenter.place(self.desk.journal)}\n" if self.desk.journal else ""
        last = Text(f"{where}The screen has failed; the migration goes on. `cutover resume` shows it again.")
        self._exit_renderables.append(Segments(self.console.render(Group(trace, last), self.console.options)))
        self._close_messages_no_wait()


def let_go_of_lost_terminal() -> None:
    """Where the terminal is gone, throw away what is still to be printed: Python would end with code 120 over it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
