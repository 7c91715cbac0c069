"""The runner's side of decisions: reading them from the journal, refusing the bad ones."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from migration.decisions import Choice, operator
from migration.journal import JournalReader, Kind, Record
from migration.seat_keeper import SeatKeeper
from migration.view import LagSample

_HALTING = frozenset({Choice.PAUSE, Choice.ABORT, Choice.CANCEL})


class Deserted(Exception):
    """The rehearsal that the migration belongs to has been taken down: there is nothing left to do."""


class Inbox:
    """New decisions, in order: `take` gives the next one for the runner to handle.

    Decisions of somebody who does not have the operator's seat are refused here and come to nobody. A step that takes
    long asks `halted` between its batches: it is true while a decision to pause, abort or cancel waits to be handled.
    """

    def __init__(self, journal: Path, after: int, gone: Callable[[], bool], keeper: SeatKeeper | None = None) -> None:
        """`after`: the last record that was heard already; `keeper`: who may decide, anybody without one."""
        self._keeper = keeper
        self._reader = JournalReader(journal)
        self._after = after
        self._changes = -1
        self._queue: deque[Record] = deque()
        self._lock = threading.Lock()
        self._gone = gone
        self.paused = False
        self.newest_lag: Callable[[], LagSample | None] = lambda: None

    def _refresh(self) -> None:
        if self._keeper is not None:
            self._keeper.collect()
        changes = self._reader.changes()
        if changes == self._changes:
            return
        self._changes = changes
        for record in self._reader.records(self._after):
            self._after = record.seq
            if record.kind is Kind.DECISION and self._admitted(record):
                self._queue.append(record)
            elif record.kind is Kind.SEAT_ASKED and self._keeper is not None:
                self._keeper.answer(record)

    def _admitted(self, decision: Record) -> bool:
        why = "" if self._keeper is None else self._keeper.refusal(decision)
        if self._keeper is not None and why:
            self._keeper.refuse(decision, why)
        return not why

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

    def who(self, decision: Record) -> str:
        """Who decided, as far as this machine can tell; empty where it cannot."""
        return decision.actor if self._keeper is None else self._keeper.who(decision)

    def operator(self) -> str:
        """Who has the operator's seat, or would by deciding."""
        return operator() if self._keeper is None else self._keeper.operator()

    def lag(self) -> LagSample | None:
        """The newest reading of the lag."""
        return self.newest_lag()

    def close(self) -> None:
        """Close the journal."""
        self._reader.close()
