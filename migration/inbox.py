"""The runner's side of decisions: reading them from the journal, refusing the bad ones."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from migration.decisions import Choice
from migration.journal import JournalReader, Kind, Record
from migration.view import LagSample

_HALTING = frozenset({Choice.PAUSE, Choice.ABORT, Choice.CANCEL})


class Deserted(Exception):
    """The rehearsal that the migration belongs to has been taken down: there is nothing left to do."""


class Inbox:
    """New decisions, in order. `pending` looks cheaply; `take` gives the next one for the runner to handle.

    A step that takes long asks `halted` between its batches: it is true while a decision to pause, abort or
    cancel waits to be handled.
    """

    def __init__(self, journal: Path, after: int, gone: Callable[[], bool]) -> None:
        self._reader = JournalReader(journal)
        self._after = after
        self._changes = -1
        self._queue: deque[Record] = deque()
        self._lock = threading.Lock()
        self._gone = gone
        self.paused = False
        self.newest_lag: Callable[[], LagSample | None] = lambda: None

    def _refresh(self) -> None:
        changes = self._reader.changes()
        if changes == self._changes:
            return
        self._changes = changes
        for record in self._reader.records(self._after):
            self._after = record.seq
            if record.kind is Kind.DECISION:
                self._queue.append(record)

    def take(self) -> Record | None:
        """The oldest decision that was not handled yet.

        Raises:
            Deserted: the rehearsal is over.
        """
        with self._lock:
            self._refresh()
            if self._queue:
                return self._queue.popleft()
        if self._gone():
            raise Deserted
        return None

    def halted(self) -> bool:
        """Whether a decision to pause, abort or cancel waits, or the migration is paused.

        Raises:
            Deserted: the rehearsal is over.
        """
        if self._gone():
            raise Deserted
        with self._lock:
            self._refresh()
            return self.paused or any(Choice(record.body["choice"]) in _HALTING for record in self._queue)

    def lag(self) -> LagSample | None:
        """The newest reading of the lag."""
        return self.newest_lag()

    def close(self) -> None:
        """Close the journal."""
        self._reader.close()
