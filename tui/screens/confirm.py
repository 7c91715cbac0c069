"""The common shape of what cannot be taken back by a key: a typed word, then a countdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import DescendantBlur, DescendantFocus, Key, Resize
from textual.widgets import Input

from migration.view import Plan
from tui.desk import Desk
from tui.screens.base import BACK, GUIDE, HELP, LEAVE, MIN_BODY, MigrationScreen
from tui.screens.statements import StatementsScreen, statements_to_copy
from tui.widgets.confirm_field import ConfirmField, LineField
from tui.widgets.countdown import SECONDS, Countdown
from tui.widgets.key_line import KeyHint
from tui.widgets.lines import Lines, Page, Row, row


class ConfirmScreen(MigrationScreen):
    """Asks for a word typed by hand; Enter then counts down, and any key stops the count.

    Attributes:
        ASKS_REASON: whether a reason has to be given as well.
        PROMPT: the row above the field.
    """

    LIVE = True
    ASKS_REASON: ClassVar[bool] = False
    PROMPT: ClassVar[str] = ""
    REASON_PROMPT: ClassVar[str] = ""
    DECIDING = frozenset({"begin"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "begin", "Start countdown", key_display="⏎"),
        Binding("tab", "next_field", "Field", key_display="Tab"),
        Binding("s", "statements", "Statements", tooltip="what will run, word for word"),
        replace(BACK, description="Back, no change"),
        GUIDE,
        HELP,
        LEAVE,
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.countdown = Countdown(self, self.paint, self._done)
        self._sent = False
        self._refused = ""

    def compose_body(self) -> ComposeResult:
        """What happens, the fields, and the countdown."""
        yield Lines(self.draw_body, id="page", at_least=MIN_BODY)
        if self.ASKS_REASON:
            yield Lines(lambda cells, _: [row(f"   {self.REASON_PROMPT}")], classes="line")
            with Horizontal(classes="field"):
                yield Lines(lambda cells, _: [row(("      [", "dim"))], classes="prompt")
                yield LineField(id="reason", limit=500)
                yield Lines(lambda cells, _: [row(("]", "dim"))], classes="bracket")
        yield Lines(lambda cells, _: [row(f"   {self.PROMPT}")], classes="line")
        with Horizontal(classes="field"):
            yield Lines(lambda cells, _: [row(("      [", "dim"))], classes="prompt")
            yield ConfirmField(id="word")
            yield Lines(self._draw_expected, classes="expected")
        yield Lines(self._draw_countdown, id="countdown")

    def on_mount(self) -> None:
        """Where somebody else decides there is no field to type into."""
        self._guard()
        if self.desk.seated:
            # At once: a letter typed before the field has the focus would be a key of the screen.
            self.set_focus(self.query_one("#reason" if self.ASKS_REASON else "#word", Input))

    # What a concrete screen says

    def word(self) -> str:
        """What has to be typed."""
        return ""

    def locked(self) -> str:
        """Why the screen is locked; empty where it is open."""
        return ""

    def send(self, typed: str, reason: str) -> None:
        """Write the decision."""

    def about(self, page: Page) -> None:
        """What happens, above the fields."""

    def statements(self) -> Plan | None:
        """The part of the plan that this starts, where it is in the plan."""
        return None

    def useful(self) -> tuple[str, str] | None:
        """The statements that this starts."""
        plan = self.statements()
        return statements_to_copy([text for item in plan.items for text in item.statements]) if plan else None

    # The common part

    def draw_body(self, cells: int, height: int) -> Sequence[Row]:
        """What happens."""
        page = Page(cells, height)
        if self.view is not None:
            self.about(page)
        return page.rows

    @property
    def typed(self) -> str:
        """The word as typed so far."""
        return self.query_one("#word", ConfirmField).value

    @property
    def given_reason(self) -> str:
        """The reason as typed so far."""
        return self.query_one("#reason", LineField).value.strip() if self.ASKS_REASON else ""

    def missing(self) -> str:
        """What still keeps Enter off; empty when everything is there."""
        if not self.desk.seated:
            return "observers decide nothing" if self.desk.observer else "somebody else decides"
        why = self.locked()
        if why:
            return why
        if self.ASKS_REASON and not self.given_reason:
            return "the reason is missing"
        if self.typed != self.word():
            return f"the word {self.word()} is not typed yet"
        return ""

    def allowed(self, action: str) -> bool | None:
        """Enter is off until everything is there."""
        typing = isinstance(self.focused, Input)
        if action == "begin":
            return (None if self._sent or self.missing() else True) if typing else False
        if action in ("help", "leave"):
            return not typing
        if action == "statements":
            return not typing and self.statements() is not None
        if action == "next_field":
            return None if not typing and all(field.disabled for field in self.query(Input)) else True
        return super().allowed(action)

    def hints(self) -> tuple[KeyHint, ...]:
        """While counting, every key does the same."""
        if self.countdown.running:
            return (KeyHint("any key", "Stop the countdown", on=True),)
        return super().hints()

    def label(self, action: str, binding: Binding) -> str:
        """Tab leads from the last field to the letter keys."""
        if action == "next_field" and isinstance(self.focused, Input):
            return "Next field" if self.ASKS_REASON and self.focused.id == "reason" else "Other keys"
        return super().label(action, binding)

    def reason(self) -> str:
        """What stands and what is missing."""
        if not self.is_mounted:
            return ""
        if self._sent:
            return "Sent to the runner."
        if self.countdown.running:
            return f"Starts in {self.countdown.left} s. Any key stops it."
        why = self.locked()
        if why:
            return f"Locked: {why}."
        if self._refused:
            return self._refused
        missing = self.missing()
        if not missing:
            return "Not started. Enter starts the countdown."
        return f"Not started: {missing}.{self._way_on()}"

    def _way_on(self) -> str:
        """Where the next field is, for who is in that of the reason."""
        if not self.ASKS_REASON or not self.desk.seated or self.focused is None or self.focused.id != "reason":
            return ""
        return " Tab leads to the next field." if self.given_reason else " Type why."

    def paint(self) -> None:
        """Lock first, if a condition has turned red; then draw."""
        if self._sent and (refusal := self.desk.refusal()):
            self._sent, self._refused = False, refusal
            self.query_one("#word", ConfirmField).value = ""
        self._guard()
        super().paint()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Enter may be on or off now."""
        event.stop()
        if event.value:
            self._refused = ""
        self.paint()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in a field: the next one, or the countdown."""
        event.stop()
        if event.input.id == "reason" and self.typed != self.word():
            self.set_focus(self.query_one("#word", Input))
        else:
            self.action_begin()

    def on_confirm_field_paste_refused(self, event: ConfirmField.PasteRefused) -> None:
        """Say why nothing appeared."""
        event.stop()
        self._refused = "Pasting is refused here: type the name, it is there to be read."
        self.paint()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Other keys while typing."""
        self.paint()

    def on_descendant_blur(self, event: DescendantBlur) -> None:
        """The keys are back."""
        self.call_after_refresh(self.paint)

    def on_resize(self, event: Resize) -> None:
        """A screen that cannot be read starts nothing."""
        self.countdown.stop()
        super().on_resize(event)

    def on_key(self, event: Key) -> None:
        """Any key stops the countdown and does nothing else."""
        if self.countdown.running:
            event.stop()
            event.prevent_default()
            self.countdown.stop()
            self.set_focus(self.query_one("#word", ConfirmField))

    def action_begin(self) -> None:
        """Start counting."""
        if self.check_action("begin", ()):
            # Without a focus every key comes to the screen, where it stops the count.
            self.set_focus(None)
            self.countdown.start()

    def action_next_field(self) -> None:
        """From field to field, and out of them to the letter keys."""
        fields = [field for field in self.query(Input) if not field.disabled]
        if self.focused is None:
            if fields:
                self.set_focus(fields[0])
            return
        later = fields[fields.index(self.focused) + 1 :] if self.focused in fields else []
        self.set_focus(later[0] if later else None)
        self.paint()

    def action_statements(self) -> None:
        """Show what will run."""
        plan = self.statements()
        if plan is not None:
            self.app.push_screen(StatementsScreen(self.desk, plan))

    def _done(self) -> None:
        if self.missing() or self.too_small:
            self.paint()
            return
        self._sent = True
        self.send(self.typed, self.given_reason)

    def _guard(self) -> None:
        if not self.is_mounted or not self.query("#word"):
            return
        field = self.query_one("#word", ConfirmField)
        field.disabled = not self.desk.seated or self._sent
        field.locked = bool(self.locked())
        if not field.disabled and not field.locked:
            return
        counted = self.countdown.running
        self.countdown.stop()
        if not self._sent:
            field.value = ""
        if counted and not field.disabled:
            self.set_focus(field)

    def _draw_expected(self, cells: int, height: int) -> list[Row]:
        right = self.is_mounted and self.typed == self.word() and bool(self.word())
        return [row(("]", "dim"), f"   {self.word()}", ("   ✓ typed" if right else "", "ok"))]

    def _draw_countdown(self, cells: int, height: int) -> list[Row]:
        if self.countdown.running:
            bar = self.countdown.bar(20)
            return [row("   Any key stops it   ", (bar, "bar"), (f"  starts in {self.countdown.left} s", "warn"))]
        return [row(f"   Enter starts a {SECONDS} s countdown that any key stops.")]
