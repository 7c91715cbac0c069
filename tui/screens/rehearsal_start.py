"""Starting a rehearsal: what is being started, line by line, with times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from tui.desk import Desk
from tui.feed import in_thread, post_safely
from tui.messages import RehearsalReady
from tui.screens.base import BACK, HELP, LEAVE, WizardScreen
from tui.start import OpenRehearsal, RehearsalFailed
from tui.text import elapsed, fit
from tui.widgets.lines import Page, Row, row


class Reported(Message):
    """A sentence from the rehearsal's start."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence


class Failed(Message):
    """The rehearsal could not be started."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence


class RehearsalStartScreen(WizardScreen):
    """Lines as they come; it goes on by itself."""

    STEP = 0
    LIVE = True
    NAME = "Rehearsal"
    HELP_TEXT = (
        "Real servers are started on this machine, with data and with clients that write. Nothing of "
        "yours is touched.\n"
        "\n"
        "They belong to a supervisor process: they stay up if this screen goes, and `cutover rehearse "
        "--stop` takes them down."
    )
    WORDS = (("rehearsal", "a whole migration on servers of this machine"),)
    BINDINGS: ClassVar[list[BindingType]] = [BACK, HELP, LEAVE]

    def __init__(self, desk: Desk, start: OpenRehearsal) -> None:
        super().__init__(desk)
        self._start = start
        self._began = desk.clock()
        self._lines: list[tuple[float, str]] = []
        self._error = ""
        self._ended: float | None = None

    def on_mount(self) -> None:
        """Begin, and tick."""
        post, line = self.post_message, self.desk.presenter.line

        def work() -> Message:
            try:
                return RehearsalReady(self._start.begin(lambda text: post_safely(post, Reported(line(text)))))
            except RehearsalFailed as error:
                return Failed(line(str(error)))

        in_thread(work, post)
        self.set_interval(1.0, self.paint)

    def on_reported(self, message: Reported) -> None:
        """One more line."""
        self._lines.append((self.desk.clock(), message.sentence))
        self.paint()

    def on_failed(self, message: Failed) -> None:
        """It did not work."""
        self._error, self._ended = message.sentence, self.desk.clock()
        self.paint()

    def allowed(self, action: str) -> bool | None:
        """Back only where there is somewhere to go."""
        if action == "back":
            return self.desk.has_sessions and bool(self._error)
        return True

    def reason(self) -> str:
        """What is going on."""
        if self._error:
            return "The rehearsal did not start. Nothing of yours was touched."
        return "Starting. This takes a few seconds; a first time also downloads a server."

    def draw_body(self, cells: int, height: int) -> Sequence[Row]:
        """Every line with the time it took."""
        page = Page(cells, height)
        now = self._ended or self.desk.clock()
        page.ends(" Starting a rehearsal", elapsed(now - self._began), "head")
        page.blank()
        room = height - 8
        shown = self._lines[-room:]
        for number, (at, text) in enumerate(shown):
            last = number == len(shown) - 1
            until = now if last else shown[number + 1][0]
            mark, style = ("✓", "ok") if not last else (("FAIL", "fail") if self._error else ("▶", "head"))
            page.rows.append(row((f"   {mark} ", style), fit(text, cells - 22), (f"  {elapsed(until - at)}", "dim")))
        if not self._lines:
            page.para("Looking for database engines on this machine.")
        if self._error:
            page.blank()
            page.para(self._error, "fail")
        return page.rows
