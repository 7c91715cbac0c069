"""What happened so far, as the journal tells it."""

from __future__ import annotations

from tui.desk import Desk
from tui.screens.statements import ScrollScreen
from tui.text import clock
from tui.widgets.lines import Page, Row

LEVELS = {"info": "", "warn": "warn", "error": "fail"}
WORDS = {"info": "", "warn": "WARN ", "error": "FAIL "}


class LogScreen(ScrollScreen):
    """The log, the newest lines last and in view."""

    NAME = "Log"
    HELP_TEXT = "Every line comes from the journal. Times are UTC."
    LIVE = True

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.offset_rows = 1_000_000

    def useful(self) -> tuple[str, str] | None:
        """Every line of it."""
        lines = self.view.log if self.view else ()
        return "the log", "\n".join(f"{clock(line.at)} {WORDS.get(line.level, '')}{line.text}" for line in lines)

    def all_rows(self, cells: int) -> list[Row]:
        """Time, level and text of every line."""
        page = Page(cells, 0)
        for line in self.view.log if self.view else ():
            head = f"{clock(line.at)}  "
            page.pair(head.strip(), WORDS.get(line.level, "") + line.text, LEVELS.get(line.level, ""), column=14)
        return page.rows
