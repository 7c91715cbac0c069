"""Presenter mode: a screen that others look at shows aliases instead of names.

Names are taken out twice: of the migration before any screen gets it, and of every line on its way to the terminal.
"""

from __future__ import annotations

import dataclasses
import re
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from migration.decisions import Decision
from migration.fixing import digest, offers
from migration.journal import JournalError
from migration.masking.fields import masked_view, migration_alias
from migration.masking.journal import JournalNames, learn_spec
from migration.masking.names import NameKind, Names
from migration.model import MigrationSpec
from migration.sessions import Session
from migration.view import MigrationView
from tui.start import ConnectForm
from tui.text import fit, width

_NUMBERED = re.compile(r"\b(host|user|db|table|name|id)-\d+\b")
_UNREADABLE = "migration-?"


class Presenter:
    """Whether names are masked, and the names that are known. Several threads use it."""

    def __init__(self, *, on: bool = False) -> None:
        self.on = on
        # Whoever asked for it on the command line does not lose it by a key.
        self._stays = on
        self._books: dict[Path, JournalNames] = {}
        self._open: Path | None = None
        self._met: Names | None = None
        self._digests: dict[str, str] = {}
        self._lock = threading.Lock()

    def toggle(self) -> None:
        """Turn it on; off only where a key turned it on."""
        self.on = not self.on or self._stays

    def open(self, journal: Path | None) -> None:
        """From now on this migration is the one that is shown."""
        self._open = journal

    def learn(self, journal: Path) -> None:
        """Learn the names of a migration before anything is said of it.

        Raises:
            JournalError: its journal cannot be read.
        """
        self.open(journal)
        if self.on:
            self._book(journal).follow()

    def meet(self, spec: MigrationSpec) -> None:
        """Learn the names of a migration that has no journal yet."""
        if self.on:
            self._met = Names()
            learn_spec(self._met, spec)

    def view(self, journal: Path, view: MigrationView) -> MigrationView:
        """The migration as the screens may have it.

        Raises:
            JournalError: the journal cannot be read.
        """
        if not self.on:
            return view
        shown = masked_view(view, self._book(journal).follow())
        # An operator approves what was on the screen; the runner compares it with what it has.
        self._digests[digest(offers(shown.findings))] = digest(offers(view.findings))
        return shown

    def listed(self, found: Iterable[Session]) -> tuple[Session, ...]:
        """The migrations of this machine as a list may show them."""
        return tuple(self._listed(one) for one in found) if self.on else tuple(found)

    def _listed(self, session: Session) -> Session:
        if session.view is None:
            return dataclasses.replace(session, id=_UNREADABLE, error=self.line(session.error))
        try:
            shown = self.view(session.journal, session.view)
        except JournalError as error:
            return Session(_UNREADABLE, session.journal, None, self.line(str(error)))
        return dataclasses.replace(session, id=migration_alias(session.view.created_at), view=shown)

    def decision(self, decision: Decision) -> Decision:
        """A decision in the words of the runner: what was typed and shown is what it stands for."""
        names = self._names()
        if not self.on or names is None:
            return decision
        shown = self._digests.get(decision.shown, decision.shown)
        return dataclasses.replace(decision, typed=names.real(decision.typed), shown=shown)

    def line(self, text: str) -> str:
        """A sentence for the terminal."""
        if not self.on:
            return text
        names = self._names()
        if names is not None:
            return names.text(text)
        # Nobody knows yet which number a name will have.
        return _NUMBERED.sub(r"(\1)", Names().text(text))

    def entered(self, form: ConnectForm, text: str) -> str:
        """A sentence about servers that were just entered."""
        if not self.on:
            return text
        names = Names()
        for side in (form.source, form.target):
            names.label(side.name)
            names.alias(NameKind.HOST, side.host)
            names.alias(NameKind.USER, side.user)
            names.alias(NameKind.USER, side.replication_user)
        return _NUMBERED.sub(r"(\1)", names.text(text))

    def place(self, path: Path | str) -> str:
        """Where a file of a migration is, for the terminal: directories are named after people and migrations."""
        return f"{Path(path).name} in the migration's directory" if self.on else str(path)

    def caught(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Where a line still has names, of whichever migration, and their aliases."""
        for book in tuple(self._books.values()):
            yield from book.names.caught(text)

    def _names(self) -> Names | None:
        book = self._books.get(self._open) if self._open is not None else None
        return self._met if book is None else book.names

    def _book(self, journal: Path) -> JournalNames:
        with self._lock:
            return self._books.setdefault(journal, JournalNames(journal))


class NameFilter(LineFilter):
    """The last thing before the terminal: names that came through all the same, in as many columns as they take."""

    def __init__(self, presenter: Presenter) -> None:
        super().__init__()
        self._presenter = presenter

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """A drawn line without names."""
        if not self._presenter.on:
            return segments
        text = "".join(segment.text for segment in segments)
        hits = sorted(self._presenter.caught(text))
        if not hits:
            return segments
        cells = [(char, segment.style) for segment in segments for char in segment.text]
        return _joined(_without(cells, hits))


def _without(
    cells: list[tuple[str, Style | None]], hits: list[tuple[int, int, str]]
) -> Iterator[tuple[str, Style | None]]:
    at = 0
    for start, end, alias in hits:
        if start < at:
            continue
        yield from cells[at:start]
        name = "".join(char for char, _ in cells[start:end])
        yield fit(alias, width(name)), cells[start][1]
        at = end
    yield from cells[at:]


def _joined(cells: Iterable[tuple[str, Style | None]]) -> list[Segment]:
    found: list[Segment] = []
    for text, style in cells:
        if found and found[-1].style == style:
            found[-1] = Segment(found[-1].text + text, style)
        else:
            found.append(Segment(text, style))
    return found
