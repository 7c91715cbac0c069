"""The wizard: which screen for which state, signals, colours, and what a crash may show."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from rich.console import Group
from rich.segment import Segments
from rich.text import Text
from textual import constants
from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import LineFilter

from migration.view import MigrationView
from tui.desk import Decided, Desk
from tui.feed import Fed, Feed
from tui.messages import Exported, NewMigration, OpenJournal, RehearsalReady
from tui.places import Place, place
from tui.presenter import NameFilter, Presenter
from tui.screens.base import WizardScreen
from tui.screens.catalogue import HELP_LESS, screen_for, start_screen, step_screen
from tui.screens.help import HelpScreen
from tui.screens.log import LogScreen
from tui.screens.sessions import SessionsScreen
from tui.screens.welcome_back import WelcomeBackScreen
from tui.start import OpenMigration, OpenSessions, Start
from tui.theme import DARK, TERMINAL, THEMES


class CutoverApp(App[None]):
    """Shows one migration, or the list of them. It carries nothing out: that is the runner's part."""

    CSS_PATH = "styles/app.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", show=False, priority=True),
        Binding("P", "presenter", show=False),
    ]

    def __init__(
        self,
        start: Start,
        *,
        observer: bool = False,
        clock: Callable[[], float] = time.time,
        export: Callable[[Path], Path] | None = None,
        presenter: Presenter | None = None,
    ) -> None:
        """Prepare the app.

        Args:
            start: what to open.
            observer: this seat sees everything and decides nothing.
            clock: seconds since the epoch; tests freeze it.
            export: writes the report of a journal and returns where it is.
            presenter: what is masked; nothing, until a key is pressed, where it is not given.
        """
        plain = "NO_COLOR" in os.environ
        super().__init__(ansi_color=True if plain else None)
        for theme in THEMES:
            self.register_theme(theme)
        if plain:
            self.theme = TERMINAL.name
        elif "TEXTUAL_THEME" not in os.environ:
            self.theme = DARK.name
        self.animation_level = "none"
        if "SSH_CONNECTION" in os.environ:
            # A dropped connection leaves the user's own terminal in this mode, with nobody to reset it.
            vars(constants)["DISABLE_KITTY_KEY"] = True
        self.start_with = start
        shown = presenter or Presenter()
        lists = isinstance(start, OpenSessions)
        self.desk = Desk(clock, observer, self.post_message, export, has_sessions=lists, presenter=shown)
        self._names = NameFilter(shown)
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
        self.push_screen(start_screen(self.desk, self.start_with))

    def on_unmount(self) -> None:
        """Let go of the journal."""
        if self._feed is not None:
            self._feed.stop()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own variables, for themes that are not ours (`TEXTUAL_THEME`)."""
        return dict(DARK.variables)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, and behind them ours."""
        return [*super().get_line_filters(), self._names]

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
        self._open(message.journal, message.welcome_back)
        self.desk.observer = message.observer or self._observer
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

    def _open(self, journal: Path, welcome_back: bool) -> None:
        self._close()
        self.desk.journal, self._welcome = journal, welcome_back
        self.desk.presenter.open(journal)
        self._feed = Feed(journal, self.post_message, self.desk.presenter)
        self._feed.start()

    def _close(self) -> None:
        if self._feed is not None:
            self._feed.stop()
        self.desk.presenter.open(None)
        self.desk.journal = self.desk.view = self.desk.sent = self._feed = self._place = None
        self.desk.error = self.desk.exported = ""
        self.desk.observer = self._observer

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
