"""Every action of a screen, found by its words and run as its key would run it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input

from tui.actions import Action
from tui.desk import Desk
from tui.places import STEPS
from tui.screens.base import BACK, MIN_BODY, WizardScreen
from tui.text import fit
from tui.widgets.check_list import window
from tui.widgets.confirm_field import LineField
from tui.widgets.lines import Lines, Page, Row, row

# What needs the field or the screen it stands on: a countdown is begun where one reads what it starts.
_NOT_HERE = frozenset({"begin", "send", "palette"})
_KEY_CELLS, _WORD_CELLS = 8, 26


class PaletteScreen(WizardScreen):
    """What the keys of the screen below do, by words; Enter does it where the key would."""

    NAME = "Every action"
    AUTO_FOCUS = "#wanted"
    HELP_TEXT = "Type a part of what you want to do. Enter does what the key would do, and nothing that it would not."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "run", "Do it", key_display="⏎"),
        Binding("up", "mark(-1)", show=False),
        Binding("down", "mark(1)", "Mark", key_display="↑↓"),
        BACK,
    ]

    def __init__(self, desk: Desk, about: WizardScreen) -> None:
        super().__init__(desk)
        self._about = about
        self._marked = ""

    def compose_body(self) -> ComposeResult:
        """The field, then what fits it."""
        yield Lines(lambda cells, _: [row((fit(f" Actions of: {self._about.NAME}", cells), "head"))], classes="line")
        with Horizontal(classes="field"):
            yield Lines(lambda cells, _: [row(("      [", "dim"))], classes="prompt")
            yield LineField(id="wanted", limit=40)
            yield Lines(lambda cells, _: [row(("]", "dim"))], classes="bracket")
        yield Lines(self.draw_body, id="page", at_least=MIN_BODY)

    @property
    def stays(self) -> bool:
        """As the screen below."""
        return self._about.stays

    def found(self) -> tuple[Action, ...]:
        """The actions with everything in them that was typed."""
        wanted = self.query_one("#wanted", Input).value.casefold().split()
        every = (_single(one) for one in self._about.actions() if one.words and one.name not in _NOT_HERE)
        return tuple(one for one in every if all(part in _text(one) for part in wanted))

    def marked(self) -> Action | None:
        """The action that Enter does: the one that was marked, or the first that fits what was typed.

        Nothing before anything was typed or marked: one Enter too many does nothing.
        """
        found = self.found()
        one = next((each for each in found if each.run == self._marked), None)
        if one is None and found and self.query_one("#wanted", Input).value.strip():
            one = found[0]
        return one

    def allowed(self, action: str) -> bool | None:
        """Enter is on where the marked action is."""
        if action == "run":
            one = self.marked() if self.is_mounted else None
            return True if one is not None and one.on else None
        return True

    def reason(self) -> str:
        """What Enter would do, or why it would not."""
        one = self.marked() if self.is_mounted else None
        if one is None:
            return "Type a part of what you want to do, or mark it. Enter does it."
        if not one.on:
            why = self._about.status()[0]
            return why if " off" in why else f"{one.words} is off. {why}"
        return f"Enter: {one.sentence}."

    def draw_body(self, cells: int, height: int) -> Sequence[Row]:
        """One row an action."""
        page = Page(cells, height)
        page.blank()
        found = self.found() if self.is_mounted else ()
        if not found:
            page.para("No action of this screen has these words.")
            return page.rows
        marked = self.marked()
        at = found.index(marked) if marked in found else 0
        for number in window(len(found), at, max(1, page.room)):
            page.rows.append(_row(found[number], found[number] == marked, cells))
        return page.rows

    def on_input_changed(self, event: Input.Changed) -> None:
        """Other words, other actions."""
        event.stop()
        self._marked = ""
        self.paint()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the field."""
        event.stop()
        self.action_run()

    def action_mark(self, step: int) -> None:
        """Mark the next action, or the one before."""
        found, marked = self.found(), self.marked()
        if found:
            at = found.index(marked) + step if marked in found else 0
            self._marked = found[min(max(at, 0), len(found) - 1)].run
            self.paint()

    def action_run(self) -> None:
        """Go back and do it, if its key still would."""
        one = self.marked()
        if one is not None and one.on:
            self.app.pop_screen()
            self.app.call_later(self.app.run_action, one.run, self._about)


def _single(action: Action) -> Action:
    """The first of the seven keys stands for all of them in the key line, and for itself here."""
    first = f"Step 1: {STEPS[0]}"
    return replace(action, key="1", words=first, sentence=first) if action.run == "app.look(1)" else action


def _text(action: Action) -> str:
    return f"{action.words} {action.sentence} {action.name}".casefold()


def _row(action: Action, marked: bool, cells: int) -> Row:
    style = "mark" if marked else "" if action.on else "dim"
    words = action.words if action.on else f"{action.words} (off)"
    rest = cells - _KEY_CELLS - _WORD_CELLS - 4
    lead = (f" {'▌' if marked else ' '} ", style)
    name = (fit(words, _WORD_CELLS) + " ", style)
    sentence = "" if action.sentence == action.words else action.sentence
    return row(lead, (fit(action.key, _KEY_CELLS), "key"), name, (fit(sentence, rest), "dim" if not marked else style))
