"""What a verification does beside reading and rechecking, in a thread of its own: slow things, one at a time.

Tables that were altered, created or dropped are looked at anew; tables that cannot be followed by key are read again
as a whole; rows that go on differing are confirmed.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from migration.model import Side
from migration.verify.arrival import Arrival
from migration.verify.cascades import Cascades, read_cascades
from migration.verify.compare import Unexplained
from migration.verify.confirming import Confirming
from migration.verify.dirty import DirtySet, Due
from migration.verify.findings import Findings
from migration.verify.follower import LogFollower, Renewal
from migration.verify.known import SIDES, Known, Surroundings
from migration.verify.listing import Listing, without_hidden
from migration.verify.model import Doubt, Request, Table
from migration.verify.readers import Readers
from migration.verify.reading import Chunk, Reading, Stopped
from migration.verify.scan import of_the_table
from migration.verify.shapes import Shape, Shapes, Way, reread
from migration.verify.tables import scan_ranges, scan_table
from migration.verify.unequal import Unequal
from migration.verify.worker import Worker
from providers.mysql.binlog.places import log_end
from providers.mysql.connection import Connection
from providers.mysql.errors import ServerError

_IDLE_S = 0.05
_DRAIN_S = 10.0
_ARRIVAL_S = 5.0
# A table, or ranges of it, are read again after this many times what reading took.
_REST = 4.0
_LEAST_REST_S = 0.2
_REST_IN_DOUBT_S = 30.0
_LOOK_AGAIN_S = 2.0


def surroundings(source: Connection, target: Connection) -> Surroundings:
    """Ask both servers for cascades, and for triggers, views and routines.

    Raises:
        ServerError: a server does not answer.
    """
    with ThreadPoolExecutor(1) as pool:
        there = pool.submit(_around, target)
        (cascades, code), (cascades_there, code_there) = _around(source), there.result()
    return Surroundings({Side.SOURCE: cascades, Side.TARGET: cascades_there}, code or code_there)


def _around(connection: Connection) -> tuple[Cascades, bool]:
    return read_cascades(connection), _has_code(connection)


def _has_code(connection: Connection) -> bool:
    own = "('mysql', 'sys', 'performance_schema', 'information_schema')"
    asked = (("triggers", "trigger_schema"), ("views", "table_schema"), ("routines", "routine_schema"))
    return any(
        connection.row(f"SELECT 1 FROM information_schema.{what} WHERE {where} NOT IN {own} LIMIT 1") is not None
        for what, where in asked
    )


class Upkeep:
    """The thread, and what it works with."""

    def __init__(
        self,
        readers: Readers,
        arrival: Arrival,
        request: Request,
        known: Known,
        dirty: DirtySet,
        findings: Findings,
        followers: Mapping[Side, LogFollower],
        permit: Callable[[], bool],
        told: Callable[[Shape, Chunk | None], None],
        told_part: Callable[[Chunk], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """The readers and `arrival` are closed with this.

        `permit`: whether more may be read now, as `Gauge.permit`. `told`: of a table that is read anew (None), and of
        its chunks; `told_part`: of chunks of ranges that are read anew. `failed`: told once, where it cannot go on.
        """
        self._readers = readers
        self._arrival = arrival
        self._request = request
        self._known = known
        self._dirty = dirty
        self._findings = findings
        self._followers = followers
        self._permit = permit
        self._told = told
        self._resting: dict[Table, float] = {}
        self._looked = 0.0
        self._sure = 0.0
        self._told_part = told_part
        self._reading = Reading(readers, self)
        self._part = Reading(readers, _Part(self.permit, self._report_part))
        self._unequal = Unequal()
        self._confirming = Confirming(readers, arrival, known, dirty, findings)
        self.held = threading.Event()
        self._worker = Worker("verify-upkeep", readers, self._act, failed)

    def start(self) -> None:
        """Begin."""
        self._worker.start()

    def close(self) -> None:
        """End, and close the sessions."""
        self._worker.close()
        self._arrival.close()

    def _act(self) -> None:
        # A table that is not read to its end, as somebody else has something to do, is read again later.
        with contextlib.suppress(Stopped):
            self._round()

    def _round(self) -> None:
        if self.held.is_set():
            self._worker.stopping.wait(_IDLE_S)
            return
        self.settle()
        table = self._next_to_redo()
        if table is not None:
            self._redo(table)
        if not self._confirming.round() and table is None:
            self._worker.stopping.wait(_IDLE_S)

    def sure_since(self, moment: float) -> bool:
        """Whether doubtful tables were looked at after that (monotonic seconds), with the target having everything."""
        return self._sure > moment

    # -- tables that are others than they were

    def settle(self) -> None:
        """Look anew at tables that were altered, came or went, where there are some.

        Raises:
            ServerError: a server does not answer.
        """
        asked = self._known.unsettled()
        doubtful = self._doubtful()
        if not asked.tables and asked.unlisted is None and not doubtful:
            return
        source, target = self._readers.source.session, self._readers.target.session
        if asked.unlisted is not None:
            self._list(source, target)
            self._known.listed(asked.generation)
            asked = self._known.unsettled()
        began = time.monotonic()
        arrived = bool(doubtful) and self._arrival.wait(_ARRIVAL_S)
        found = without_hidden(reread(source, target, self._request, asked.tables | doubtful), source, target)
        around = surroundings(source, target) if asked.tables else None
        if not self._drained(source, target):
            return
        if around is not None:
            self._known.surround(around)
        fresh = self._known.unchanged(asked.tables, asked.generation)
        self._known.install(_only(found, fresh | doubtful), fresh | doubtful)
        for table in fresh:
            # Keys of the old shape: others by the new one.
            self._dirty.give_up(table)
        self._renew(fresh, asked.generation)
        if arrived:
            self._known.sure(doubtful)
            self._sure = began
        # What can be compared only now is read as what was altered is.
        cured = {shape.table for shape in found.tables} & doubtful
        if cured:
            self._known.alter(cured)

    def _doubtful(self) -> frozenset[Table]:
        """Tables on one side only, or with columns that do not fit: a change of theirs may be under way."""
        now = time.monotonic()
        if now < self._looked + _LOOK_AGAIN_S:
            return frozenset()
        self._looked = now
        tables = {one.table for one in self._known.differences()}
        tables |= {one.table for one in self._known.doubts() if one.table is not None and one.unproved}
        return frozenset(table for table in tables if self._known.shape(table) is None)

    def _list(self, source: Connection, target: Connection) -> None:
        names: set[Table] = set()
        for side, session in zip(SIDES, (source, target), strict=True):
            names |= self._known.names(side, Listing(session, self._request.databases).ask()())
        if names:
            self._known.alter(names)

    def _drained(self, *sessions: Connection) -> bool:
        """Wait until both logs have been read up to now."""
        deadline = time.monotonic() + _DRAIN_S
        ends = {
            side: log_end(session) for side, session in zip(SIDES, sessions, strict=True) if side in self._followers
        }
        return all(self._followers[side].wait_reached(end, deadline) for side, end in ends.items())

    def _renew(self, tables: frozenset[Table], generation: int) -> None:
        renewal = Renewal(tables, generation)
        for side in SIDES:
            if side in self._followers:
                self._followers[side].renew(renewal)
            else:
                self._known.renewed(side, tables, generation)

    def _forget_gone(self, tables: Iterable[Table]) -> None:
        there = self._known.compared(tables)
        for table in tables:
            if table not in there:
                self._dirty.forget(table)
                self._findings.forget(table)

    # -- tables to be read again as a whole

    def _next_to_redo(self) -> Table | None:
        now, waiting = time.monotonic(), self._dirty.to_redo()
        self._forget_gone(frozenset(waiting) - self._known.compared(waiting))
        due = (table for table in waiting if self._resting.get(table, 0.0) <= now)
        return next((table for table in due if self._known.shape(table) is not None), None)

    def permit(self) -> bool:
        """Whether a chunk of a table may be read; for the reading."""
        return not self._worker.stopping.is_set() and not self.held.is_set() and self._permit()

    def report(self, chunk: Chunk) -> None:
        """A chunk was compared; for the reading."""
        self._findings.count(0, 0, chunk.miss)
        self._unequal.take(chunk)
        self._told(chunk.shape, chunk)

    def _report_part(self, chunk: Chunk) -> None:
        self._unequal.take(chunk)
        self._told_part(chunk)

    def _redo(self, table: Table) -> None:
        """Read a table, or ranges of it, again."""
        due = self._dirty.pop_redo(table)
        if due is None:
            return
        shape = self._known.shape(table)
        if shape is None:
            self._dirty.not_redone(table, due)
            return
        began, self._unequal = time.monotonic(), Unequal()
        try:
            if due.ranges is None:
                self._read_whole(shape, due)
            else:
                scan_ranges(self._part, shape, due.ranges)
                self._redone(table, due, due.since)
        except Stopped:
            self._dirty.not_redone(table, due)
            raise
        except ServerError as error:
            self._not_redone(table, due, error)
            return
        self._resting[table] = time.monotonic() + max(_LEAST_REST_S, _REST * (time.monotonic() - began))

    def _read_whole(self, shape: Shape, due: Due) -> None:
        table, touched = shape.table, self._known.touches(shape.table)
        # Of what is not compared as a whole yet, what differs may have done so from the beginning.
        since = due.since if table in self._findings.tables_read() else 0.0
        certain = shape.way is Way.UNKEYED and self._arrival.wait(_ARRIVAL_S)
        self._told(shape, None)
        scan_table(self._reading, shape)
        self._doubt(table, None)
        if shape.way is Way.UNKEYED:
            self._judge(shape, since, certain, touched)
        if not self._unequal.more:
            self._findings.keep(table, self._unequal.keys)
        self._findings.table_read(table)
        self._redone(table, due, since)

    def _redone(self, table: Table, due: Due, since: float) -> None:
        told = self._dirty.redone_in_part if self._unequal.more else self._dirty.redone
        told(table, due, self._unequal.suspects(since), time.monotonic())

    def _judge(self, shape: Shape, since: float, certain: bool, touched: int) -> None:
        """A table without a key is equal; or different beyond doubt, where nobody touched it while it was read."""
        unequal = self._unequal.unkeyed
        if not unequal:
            self._findings.unkeyed(shape.table, ())
            return
        sessions = self._readers.source.session, self._readers.target.session
        if certain and self._drained(*sessions) and self._known.touches(shape.table) == touched:
            self._findings.unkeyed(shape.table, unequal)
        else:
            self._dirty.redo(shape.table, since)

    def _not_redone(self, table: Table, due: Due, error: ServerError) -> None:
        """Raises: ServerError: the error says nothing of the table."""
        self._dirty.not_redone(table, due)
        self._resting[table] = time.monotonic() + _LEAST_REST_S
        if not of_the_table(error):
            raise error
        if isinstance(error, Unexplained):
            self._resting[table] = time.monotonic() + _REST_IN_DOUBT_S
            self._doubt(table, str(error))
        else:
            self._known.alter((table,))

    def _doubt(self, table: Table, reason: str | None) -> None:
        for doubt in self._known.doubts():
            if doubt.table == table and doubt.unproved:
                self._known.believe(table, doubt.reason)
        if reason is not None:
            self._known.doubt(Doubt(table, reason))


@dataclass(frozen=True)
class _Part:
    """The desk of a reading of ranges."""

    permit: Callable[[], bool]
    report: Callable[[Chunk], None]


def _only(found: Shapes, tables: frozenset[Table]) -> Shapes:
    """What was found of these tables."""
    return Shapes(
        tuple(shape for shape in found.tables if shape.table in tables),
        tuple(one for one in found.differences if one.table in tables),
        tuple(one for one in found.doubts if one.table is None or one.table in tables),
    )
