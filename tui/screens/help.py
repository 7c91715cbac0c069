"""Help: the keys of the screen it was opened from, and its words."""

from __future__ import annotations

from tui.desk import Desk
from tui.screens.base import WizardScreen
from tui.screens.statements import ScrollScreen
from tui.text import fit, wrap
from tui.widgets.lines import Page, Row, row

_WORDS = (
    ("source", "the server that has the writes now"),
    ("target", "the server that is to have them"),
    ("runner", "the process that carries the migration out; it outlives this screen"),
    ("journal", "the durable record of the migration; the report is made from it"),
)


class HelpScreen(ScrollScreen):
    """Generated from the bindings, so that no key is missing."""

    NAME = "Help"

    def __init__(self, desk: Desk, about: WizardScreen) -> None:
        super().__init__(desk)
        self._about = about

    def all_rows(self, cells: int) -> list[Row]:
        """What the screen is for, keys, words."""
        page = Page(cells, 0)
        page.add((f" Help: {self._about.NAME}", "head"))
        page.blank()
        page.para(self._about.help_text)
        page.blank()
        page.add(("   Keys here", "head"))
        for key, text in self._about.every_key():
            _pair(page, key, text)
        page.blank()
        page.add(("   Words", "head"))
        for name, text in (*self._about.WORDS, *_WORDS):
            _pair(page, name, text)
        page.blank()
        page.para("Colours are never the only sign: OK, WARN, FAIL and UNKNOWN are always written.", "dim")
        page.para("Keys that change something severe open a screen first and end in …", "dim")
        return page.rows


def _pair(page: Page, name: str, text: str) -> None:
    for number, line in enumerate(wrap(text, page.cells - 20)):
        page.rows.append(row("     ", (fit(name if number == 0 else "", 12), "key"), line))
