"""A runner that kills itself (-9) in the middle of a step that a file beside the journal names.

The file `kill.json` holds a list of {"step": ID, "when": WHEN}, one for each runner that is to die, in their order.
`begun`: its intent is put down, and nothing done. `sent`: a moment after its first call or statement, while the
provider is at it. `done`: all is done, and its outcome is not put down. Parts of an attempt count as steps.
`no_return`: right behind an attempt's point of no return, whatever the step. With a "way", such as "rollback", only
while the newest attempt moves the writes that way. Who dies takes its own off the list first.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from migration.journal import Entry, Journal, Kind
from migration.runner import main

_MOMENT_S = 0.3


class KillingJournal(Journal):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._order = path.with_name("kill.json")
        orders = json.loads(self._order.read_text()) if self._order.exists() else []
        self._rest = orders[1:]
        first = orders[0] if orders else {}
        self._step, self._when, self._way = (first.get(name, "") for name in ("step", "when", "way"))
        attempts = [record for record in self.records() if record.kind is Kind.ATTEMPT]
        self._moving = attempts[-1].body["direction"] if attempts else ""

    def _insert(self, db: sqlite3.Connection, entry: Entry, actor: str) -> int:
        if entry.kind is Kind.ATTEMPT:
            self._moving = entry.body["direction"]
        ours = bool(self._step) and self._step in (entry.subject, entry.body.get("step"))
        ours = ours and self._way in ("", self._moving)
        if ours and entry.kind is Kind.OUTCOME and self._when == "done" and entry.body["outcome"] == "done":
            self._die()
        if ours and entry.kind is Kind.STATEMENT and self._when == "sent":
            threading.Timer(_MOMENT_S, self._die).start()
        number = super()._insert(db, entry, actor)
        if ours and entry.kind is Kind.INTENT and self._when == "begun":
            # The record has to be there; it is committed by whoever called.
            threading.Timer(0.0, self._die).start()
        return number

    def append_synced_unless(
        self,
        entries: Sequence[Entry],
        unless: tuple[Kind, str],
        *,
        taken_back: Kind | None = None,
        actor: str = "runner",
    ) -> bool:
        written = super().append_synced_unless(entries, unless, taken_back=taken_back, actor=actor)
        passed = any(one.kind is Kind.NO_RETURN for one in entries)
        if passed and self._when == Kind.NO_RETURN and self._way in ("", self._moving):
            self._die()
        return written

    def _die(self) -> None:
        self._order.write_text(json.dumps(self._rest))
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv, KillingJournal))
