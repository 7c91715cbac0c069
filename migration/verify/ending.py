"""Coming to an end without a fence, while writes may go on: when enough is known, and what it comes to.

When all rows were read, both logs are read up to where they end then: whatever is in them was touched in time to be
compared once more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from migration.model import Side
from migration.verify.fence_proof import LISTED
from migration.verify.model import Doubt, Outcome, Table, Verdict
from migration.verify.work import Work
from providers.mysql.binlog.marks import End
from providers.mysql.binlog.places import log_end
from providers.mysql.errors import ServerError

_POLL_S = 0.02
_TABLES_S = 1.0


class Ending:
    """Waits until all rows, as they were when the first pass and both logs had ended or later, were compared."""

    def __init__(self, work: Work, began: float, failure: Callable[[], Exception | None]) -> None:
        """`began`: monotonic seconds; `failure`: what ended the verification."""
        self._work = work
        self._began = began
        self._failure = failure
        # Of the sides whose logs are followed: where each has to be read to.
        self._ends: dict[Side, End] | None = None
        self._passed: float | None = None

    def wait(self, deadline: float) -> Outcome:
        """Wait for the end, until then (monotonic seconds) at most."""
        while not self._over() and self._failure() is None and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        return self._outcome()

    def _over(self) -> bool:
        if self._passed is None:
            if not self._work.scan.complete or not self._drained():
                return False
            self._passed = time.monotonic()
        # Tables on one side only, or altered on one side: a change under way may still explain it.
        return not self._open_tables() and not self._open_rows() and not self._unsure_tables()

    def _drained(self) -> bool:
        """Whether both logs were read to where they ended when this was asked for the first time."""
        followers = self._work.followers
        if self._ends is None:
            try:
                self._ends = {side: log_end(self._work.sessions[side]) for side in followers}
            except ServerError:
                # Asked again, until the time is over.
                return False
        until = time.monotonic() + _POLL_S
        return all(followers[side].wait_reached(end, until) for side, end in self._ends.items())

    def _open_tables(self) -> frozenset[Table]:
        """Tables that were not compared at all since the pass ended, or since they were altered."""
        work, passed = self._work, self._passed
        tables = work.known.unsettled().tables
        tables |= {shape.table for shape in work.known.shapes()} - work.findings.tables_read()
        oldest = work.dirty.oldest_unread()
        if oldest is not None and passed is not None and oldest <= passed:
            tables |= work.dirty.tables_before(passed)
        return tables - self._told_apart()

    def _told_apart(self) -> frozenset[Table]:
        """Tables that are known to differ, or not to be comparable: there is nothing to wait for."""
        doubtful = {one.table for one in self._work.known.doubts() if one.unproved and one.table is not None}
        return self._work.findings.unkeyed_tables() | frozenset(doubtful)

    def _open_rows(self) -> dict[Table, int]:
        """How many rows of which tables differ without anybody knowing yet whether for good."""
        passed = self._passed if self._passed is not None else float("inf")
        found = {}
        for table, suspects in self._work.dirty.differing().items():
            number = sum(
                one.since <= passed and not self._work.findings.is_confirmed(table, one.key) for one in suspects
            )
            if number:
                found[table] = number
        return found

    def _unsure_tables(self) -> bool:
        """Whether tables on one side only were not looked at once more, with the target having everything."""
        known = self._work.known
        if not known.differences() and not any(doubt.unproved for doubt in known.doubts()):
            return False
        return not self._work.upkeep.sure_since(self._passed or 0.0)

    def _outcome(self) -> Outcome:
        work = self._work
        differences = (*work.known.sure_differences(), *work.findings.differences())
        doubts = tuple(dict.fromkeys((*self._open(), *work.doubts, *work.known.doubts())))
        verdict = Verdict.IDENTICAL
        if differences:
            verdict = Verdict.DIFFERENT
        elif any(doubt.unproved for doubt in doubts):
            verdict = Verdict.UNPROVED
        found = sum(max(1, one.rows) for one in differences)
        return Outcome(
            verdict,
            differences[:LISTED],
            found,
            doubts,
            len(work.known.shapes()),
            work.findings.rows,
            time.monotonic() - self._began,
            work.mode,
            work.findings.miss,
        )

    def _open(self) -> Iterator[Doubt]:
        """What was not proved by now."""
        failed = self._failure()
        if failed is not None:
            yield Doubt(None, str(failed))
            return
        if self._passed is None:
            what = "the logs were not read to their ends" if self._work.scan.complete else "not all rows were read"
            yield Doubt(None, f"{what} in the time that there was")
            return
        for table in sorted(self._open_tables()):
            yield Doubt(table, "it changed faster than it could be read again as a whole; prove it behind a fence")
        for table, number in sorted(self._open_rows().items()):
            yield Doubt(table, f"{number:,} rows differ, and a change under way may explain it")
        sure = {one.table for one in self._work.known.sure_differences()}
        for one in self._work.known.differences():
            if one.table not in sure:
                yield Doubt(one.table, "it was on one side only, and a change under way may explain it")
        for table in sorted(self._work.dirty.flooded()):
            yield Doubt(table, "more of its rows differ than are listed")
