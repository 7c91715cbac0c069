"""A runner that kills itself (-9) before or after the record that a file beside the journal names.

The file `kill.json` holds a list of {"when": "before" | "after", "record": N}, one for each runner that is to die: the
N-th write of that process to the journal, findings not counted: there are more than a hundred, and whoever comes after
runs the checks again. Who dies takes its own off the list first, and the file where it was the last.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from migration.journal import Entry, Journal, Kind
from migration.runner import main


class KillingJournal(Journal):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._order = path.with_name("kill.json")
        self._count = 0
        self._orders = json.loads(self._order.read_text()) if self._order.exists() else []
        self._when, self._at = (self._orders[0]["when"], self._orders[0]["record"]) if self._orders else ("", 0)

    def _insert(self, db: sqlite3.Connection, entry: Entry, actor: str) -> int:
        if entry.kind is Kind.FINDING:
            return super()._insert(db, entry, actor)
        with self._around_a_write():
            return super()._insert(db, entry, actor)

    def append_synced_unless(
        self,
        entries: Sequence[Entry],
        unless: tuple[Kind, str],
        *,
        taken_back: Kind | None = None,
        actor: str = "runner",
    ) -> bool:
        with self._around_a_write():
            return super().append_synced_unless(entries, unless, taken_back=taken_back, actor=actor)

    @contextlib.contextmanager
    def _around_a_write(self) -> Iterator[None]:
        self._count += 1
        if self._count == self._at and self._when == "before":
            self._die()
        yield
        if self._count == self._at and self._when == "after":
            self._die()

    def _die(self) -> None:
        if self._orders[1:]:
            self._order.write_text(json.dumps(self._orders[1:]))
        else:
            self._order.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv, KillingJournal))
