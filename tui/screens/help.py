"""Help: the keys of the screen it was opened from, and its words."""

from __future__ import annotations

from textual.binding import Binding

from tui.desk import Desk
from tui.screens.base import WizardScreen
from tui.screens.statements import ScrollScreen
from tui.text import fit, wrap
from tui.widgets.lines import Page, Row, row

_EVERYWHERE = (
    ("escape", "Esc", "one screen back; never changes anything"),
    ("q", "q", "leave; the migration goes on"),
    ("question_mark", "?", "help on this screen"),
    ("P", "P", "presenter mode: names under aliases, for a screen that others look at"),
)
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
        page.para(self._about.HELP_TEXT)
        page.blank()
        page.add(("   Keys here", "head"))
        shown: set[str] = set()
        works = {"P"} if self._about.AUTO_FOCUS == "" else set()
        for binding in self._about.BINDINGS:
            if isinstance(binding, Binding):
                works.update(binding.key.split(","))
            if isinstance(binding, Binding) and binding.show:
                key = binding.key_display or binding.key
                shown.add(key)
                _pair(page, key, _sentence(binding))
        for name, key, text in _EVERYWHERE:
            if key not in shown and name in works:
                _pair(page, key, text)
        page.blank()
        page.add(("   Words", "head"))
        for name, text in (*self._about.WORDS, *_WORDS):
            _pair(page, name, text)
        page.blank()
        page.para("Colours are never the only sign: OK, WARN, FAIL and UNKNOWN are always written.", "dim")
        page.para("Keys that change something severe open a screen first and end in …", "dim")
        return page.rows


def _sentence(binding: Binding) -> str:
    return {
        "app.look(1)": "look at a step: 1 Connect, 2 Checks, 3 Plan, 4 Copy, 5 Replicate, 6 Cut over, 7 Finish",
        "app.leave": "leave; the migration goes on",
        "back": f"{binding.description.lower()}; never changes anything",
        "app.help": "help on this screen",
        "app.log": "what happened so far",
    }.get(binding.action, binding.tooltip or binding.description)


def _pair(page: Page, name: str, text: str) -> None:
    for number, line in enumerate(wrap(text, page.cells - 20)):
        page.rows.append(row("     ", (fit(name if number == 0 else "", 12), "key"), line))
