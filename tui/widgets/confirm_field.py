"""A field for the word that confirms something severe: typed by hand, never pasted."""

from __future__ import annotations

from textual.events import Key, Paste
from textual.message import Message
from textual.widgets import Input


class ConfirmField(Input):
    """One line to type a name into. Pasting is refused: the name is there to be read.

    Attributes:
        locked: takes no letters. It keeps the focus, so that what is typed on is no key of the screen.
    """

    class PasteRefused(Message):
        """Somebody tried to paste."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, compact=True, select_on_focus=False)
        self.cursor_blink = False
        self.locked = False

    async def _on_key(self, event: Key) -> None:
        if self.locked and event.is_printable:
            event.stop()
            event.prevent_default()

    def _on_paste(self, event: Paste) -> None:
        event.stop()
        event.prevent_default()
        self.post_message(self.PasteRefused())

    def action_paste(self) -> None:
        """Refuse the clipboard, too."""
        self.post_message(self.PasteRefused())


class LineField(Input):
    """One line of free text, without a blinking cursor."""

    def __init__(self, value: str = "", *, id: str | None = None, password: bool = False, limit: int = 200) -> None:
        super().__init__(value, id=id, compact=True, select_on_focus=False, password=password, max_length=limit)
        self.cursor_blink = False
