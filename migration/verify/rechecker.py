"""Comparing touched rows again while writes go on, in a thread of its own.

The thread also carries out what others ask it to, between two rounds: so the readers belong to one thread only.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from migration.model import Side
from migration.verify.dirty import DirtySet, Held, Key, Suspect, Taken
from migration.verify.known import Known
from migration.verify.model import Doubt, Table
from migration.verify.readers import Readers
from migration.verify.recheck import Rereader
from migration.verify.scan import of_the_table
from migration.verify.worker import Worker
from providers.mysql.binlog.commits import Commits
from providers.mysql.binlog.marks import Horizon, Mark
from providers.mysql.binlog.places import SETTLE_S, horizon
from providers.mysql.errors import ServerError
from providers.mysql.packets.reader import RawReader

_AT_ONCE = 256
_IDLE_S = 0.02
# How often the servers are asked what they see.
_SETTLE_S = 0.02
_MOST_HOLD_S = 30.0
# For so long a transaction is waited for by its GTID: beyond, the lag says more.
_ARRIVAL_S = 1.0

Job = Callable[[Rereader], None]


class Rechecker:
    """Takes keys out of the dirty set and reads their rows on both servers, as soon as these are sure to be seen."""

    def __init__(
        self,
        readers: Readers,
        known: Known,
        dirty: DirtySet,
        sides: Iterable[Side],
        lag_s: Callable[[], float | None],
        equal: Callable[[Table, Iterable[Key]], None],
        round_over: Callable[[float], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """The readers are closed with this.

        Args:
            readers: for this thread only.
            known: how tables are read.
            dirty: where keys are taken from.
            sides: whose logs are followed.
            lag_s: the target's lag, in seconds.
            equal: told of rows that differed before and no longer do.
            round_over: told when a round has begun (monotonic seconds), after it, while nothing is taken out.
            failed: told once, where it cannot go on.
        """
        self._readers = readers
        self._rereader = Rereader(readers)
        self._known = known
        self._dirty = dirty
        self._commits = {side: Commits() for side in sides}
        self._lag_s = lag_s
        self._equal = equal
        self._round_over = round_over
        self._jobs: deque[Job] = deque()
        self._awake = threading.Event()
        self._settled = 0.0
        self._worker = Worker("verify-recheck", readers, self._once, failed)

    def start(self) -> None:
        """Begin."""
        self._worker.start()

    def close(self) -> None:
        """End, and close the readers."""
        self._worker.close()

    def wake(self) -> None:
        """Something was touched."""
        if self._jobs:
            self._awake.set()

    def submit(self, job: Job) -> None:
        """Have something done by this thread, before its next round."""
        self._jobs.append(job)
        self._awake.set()

    def _once(self) -> None:
        self._awake.clear()
        while self._jobs:
            self._jobs.popleft()(self._rereader)
        began = time.monotonic()
        if not self._round():
            self._round_over(began)
            self._awake.wait(_IDLE_S)

    def _round(self) -> bool:
        """Read some rows; whether there may be more at once."""
        self._settle()
        taken = self._dirty.pop_touched(_AT_ONCE)
        if taken is not None:
            self.read_touched(taken)
            if self._jobs:
                # A proof waits, and so do the writes.
                return True
        # Both in each round: where much is touched all the time, what differed must not wait for ever.
        due = self._dirty.due_differing(time.monotonic(), _AT_ONCE)
        if due is not None:
            self.read_differing(*due)
        return taken is not None or due is not None

    def _settle(self) -> None:
        now = time.monotonic()
        if now < self._settled + _SETTLE_S:
            return
        self._settled = now
        waits = {side: since for side in self._commits if (since := self._dirty.waits(side)) is not None}
        asked = dict.fromkeys(waits) | dict.fromkeys((Side.TARGET,) if self._tells_arrivals() else ())
        seen = {side: self._seen(side, waits.get(side)) for side in asked}
        for side in waits:
            self._dirty.settle(side, seen[side], self._held(side, seen.get(Side.TARGET)))

    def _tells_arrivals(self) -> bool:
        """Whether something waits on the source of which the target's word tells whether it has arrived."""
        newest = self._dirty.newest(Side.SOURCE)
        by_gtid = newest is not None and newest.gtid is not None
        return by_gtid and Side.TARGET in self._commits and self._readers[True].version.mysql_from(5, 7)

    def _seen(self, side: Side, since: float | None) -> Horizon:
        """What reads of a server see. `since`: when the oldest of what waits there was seen; None: nothing does."""
        reader = self._readers[side is Side.TARGET]
        seen = horizon(reader.session, reader.version)
        if seen.newest is None or since is None:
            return seen
        return self._untold(reader, self._commits[side], seen, since)

    def _untold(self, reader: RawReader, commits: Commits, seen: Horizon, since: float) -> Horizon:
        """What reads see where the server's own word on it is not exact. `since`: what waits was read then."""
        upto = commits.upto(reader.session)
        if upto < seen.before and since <= seen.before:
            self._known.doubt(
                Doubt(
                    None,
                    f"{reader.server} did not tell which transactions of its binary log can be read already: that "
                    f"each can be after {SETTLE_S:.0f} s is trusted and not proved (the privilege PROCESS tells, or "
                    "GTIDs on MySQL 5.7 and later)",
                    unproved=False,
                )
            )
        return replace(seen, before=max(seen.before, upto))

    def _held(self, side: Side, there: Horizon | None) -> Held:
        """What the target cannot have yet would be read in vain, and once more when it arrives."""
        now = time.monotonic()
        lag = self._lag_s() if side is Side.SOURCE else None
        before = now - min(lag, _MOST_HOLD_S) if lag else now

        def held(mark: Mark, seen: float) -> bool:
            missing = side is Side.SOURCE and there is not None and there.lacks(mark)
            return seen > before or (missing and seen > now - _ARRIVAL_S)

        return held

    def read_touched(self, taken: Taken) -> None:
        """Read the rows of touched keys; those that differ are kept in the dirty set.

        Raises:
            ServerError: a server does not answer; then the keys are in the dirty set again.
        """
        shape = self._known.shape(taken.table)
        if shape is None:
            # It is looked at anew, and then read as a whole.
            self._dirty.redo(taken.table, taken.since)
            self._dirty.landed()
            return
        try:
            found = self._rereader.touched(shape, taken.keys)
        except ServerError as error:
            self._dirty.put_back(taken)
            self._in_trouble(taken.table, error)
            return
        if not found.legible:
            self._dirty.redo(taken.table, taken.since)
        if found.differing:
            suspects = [Suspect(key, 1, taken.since) for key in found.differing]
            self._dirty.differ(taken.table, suspects, time.monotonic())
        self._dirty.landed()

    def read_differing(self, table: Table, suspects: tuple[Suspect, ...]) -> None:
        """Read rows again that differed; those that still do are kept in the dirty set.

        Raises:
            ServerError: as `read_touched`.
        """
        shape = self._known.shape(table)
        if shape is None:
            self._dirty.give_up(table)
            return
        try:
            differing = self._rereader.again(shape, [one.key for one in suspects])
        except ServerError as error:
            self._dirty.differ(table, suspects, time.monotonic())
            self._in_trouble(table, error)
            return
        still = [Suspect(one.key, one.tries + 1, one.since) for one in suspects if one.key in differing]
        others = set(differing) - {one.key for one in suspects}
        still += [Suspect(key, 1, suspects[0].since) for key in others]
        self._dirty.differ(table, still, time.monotonic())
        equal = [one for one in suspects if one.key not in differing]
        self._dirty.equal(table, equal)
        self._equal(table, [one.key for one in equal])

    def _in_trouble(self, table: Table, error: ServerError) -> None:
        """A table was altered or dropped under the reader's hands: it is looked at anew.

        Raises:
            ServerError: the error says nothing of the table.
        """
        self._rereader.forget(table)
        if not of_the_table(error):
            raise error
        self._known.alter((table,))
