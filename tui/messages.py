"""What screens and threads tell the app."""

from __future__ import annotations

from pathlib import Path

from textual.message import Message

from tui.start import OpenConnect, OpenRehearsal


class OpenJournal(Message):
    """Open a migration, as operator or as observer."""

    def __init__(self, journal: Path, *, observer: bool, welcome_back: bool) -> None:
        super().__init__()
        self.journal = journal
        self.observer = observer
        self.welcome_back = welcome_back


class NewMigration(Message):
    """Make a new migration or a rehearsal."""

    def __init__(self, start: OpenConnect | OpenRehearsal) -> None:
        super().__init__()
        self.start = start


class RehearsalReady(Message):
    """A new migration is at work; `journal` is where to follow it."""

    def __init__(self, journal: Path) -> None:
        super().__init__()
        self.journal = journal


class Exported(Message):
    """The report was written, or could not be: one sentence."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence


class SeatAsked(Message):
    """The runner was asked for the operator's seat; `error`: why it could not be."""

    def __init__(self, error: str) -> None:
        super().__init__()
        self.error = error
