"""Coming to an end without a fence, while writes may go on: when enough is known, and what it comes to.

When all rows were read, both logs are read up to where they end then: whatever is in them was touched in time to be
compared once more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from migration.model import Side
from migration.verify.dirty import DirtySet
from migration.verify.fence_proof import outcome
from migration.verify.findings import Findings
from migration.verify.known import Known
from migration.verify.model import Difference, Doubt, Outcome, rows_of
from migration.verify.work import Work, end_of_log
from providers.mysql.binlog.marks import End
from providers.mysql.errors import ServerError

_POLL_S = 0.02
# How long a follower that is behind answers at once, after it was asked whether it has arrived.
_HURRY_S = 1.0

_TOO_FAST = "it changed faster than it could be read again as a whole; prove it behind a fence"
_ROWS = "rows differ, and a change under way may explain it"
_ONE_SIDED = "it was on one side only, and a change under way may explain it"
_UNLISTED = "tables came or went, and were not looked at by then"
_MORE = "more of its rows differ than are listed"


@dataclass(frozen=True)
class Seen:
    """What is known at one moment.

    `differences`: those that no change under way explains. `open`: what time may still tell; `doubts`: what it will
    not.
    """

    differences: tuple[Difference, ...]
    open: tuple[Doubt, ...]
    doubts: tuple[Doubt, ...]


def look(known: Known, dirty: DirtySet, findings: Findings, passed: float) -> Seen:
    """What the rows come to as they were at that moment (monotonic seconds), by when all had been read, or later.

    Other threads go on meanwhile. Whatever leaves one of what is asked here has got into one that is asked after it:
    so nothing is overlooked on its way, at worst it is told twice.
    """
    left = dirty.left(passed)
    unsettled, one_sided, sure = known.unsettled(), known.differences(), known.sure_differences()
    doubts, flooded = known.doubts(), dirty.flooded()
    rows = {table: sum(not findings.is_confirmed(table, key) for key in keys) for table, keys in left.rows.items()}
    # Known to differ, or not to be comparable: there is nothing to wait for.
    apart = findings.unkeyed_tables() | {one.table for one in doubts if one.unproved}
    apart |= {table for table in flooded if table in rows and not rows[table]}
    unread = {shape.table for shape in known.shapes()} - findings.tables_read()
    open_ = [Doubt(table, _TOO_FAST) for table in sorted((left.tables | unsettled.tables | unread) - apart)]
    open_ += [Doubt(table, f"{number:,} {_ROWS}") for table, number in sorted(rows.items()) if number]
    open_ += [Doubt(one.table, _ONE_SIDED) for one in one_sided if one not in sure]
    if unsettled.unlisted is not None and unsettled.unlisted <= passed:
        open_.append(Doubt(None, _UNLISTED))
    doubts += tuple(Doubt(table, _MORE) for table in sorted(flooded))
    return Seen((*sure, *findings.differences()), tuple(open_), doubts)


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
        while True:
            seen = self._look()
            if not seen.open or self._failure() is not None or time.monotonic() >= deadline:
                differences, doubts = seen.differences, (*seen.open, *self._work.doubts, *seen.doubts)
                return outcome(self._work, self._began, differences, doubts, found=rows_of(differences))
            time.sleep(_POLL_S)

    def _look(self) -> Seen:
        work = self._work
        if self._passed is None and work.scan.complete and self._drained():
            self._passed = time.monotonic()
        seen = look(work.known, work.dirty, work.findings, self._passed or 0.0)
        open_ = tuple(self._missing(seen))
        return seen if not open_ else Seen(seen.differences, open_, seen.doubts)

    def _missing(self, seen: Seen) -> Iterator[Doubt]:
        """What is missing for an end, whatever is known of the tables."""
        failed = self._failure()
        if failed is not None:
            yield Doubt(None, str(failed))
        elif self._passed is None:
            what = "the logs were not read to their ends" if self._work.scan.complete else "not all rows were read"
            yield Doubt(None, f"{what} in the time that there was")
        elif not seen.open and not self._work.upkeep.sure_since(self._passed):
            # Tables that have no shape: a change under way may have cured that.
            tables = {shape.table for shape in self._work.known.shapes()} | {None}
            yield from (doubt for doubt in seen.doubts if doubt.unproved and doubt.table not in tables)

    def _drained(self) -> bool:
        """Whether both logs were read to where they ended when this was asked for the first time."""
        followers = self._work.followers
        if self._ends is None:
            try:
                self._ends = {side: end_of_log(self._work, side) for side in followers}
            except ServerError:
                # Asked again, until the time is over.
                return False
        for follower in followers.values():
            follower.hurry(_HURRY_S)
        until = time.monotonic() + _POLL_S
        return all(followers[side].wait_reached(end, until) for side, end in self._ends.items())
