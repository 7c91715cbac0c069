"""Following one server's log in a thread of its own: what it touches goes into the dirty set."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from migration.model import Side
from migration.verify.dirty import DirtySet, Stretch
from migration.verify.known import Known
from migration.verify.model import Table
from providers.mysql.binlog.marks import End, Mark, Start
from providers.mysql.binlog.tail import Tail, Touched
from providers.mysql.endpoint import Endpoint
from providers.mysql.errors import ServerError
from providers.mysql.position import FilePosition

_PATIENCE_S = 0.1
# While somebody waits for the tail to arrive: how long it waits itself before it looks whether it has.
_HURRY_S = 0.001
_ERROR_S = 10.0
# A server that no longer has the place in its log says so at once.
_FIRST_S = 0.05
_NOWHERE = FilePosition("", 0)


@dataclass(frozen=True)
class Renewal:
    """Tables whose shape was read anew, and the generation of `Known` that it was read in."""

    tables: frozenset[Table]
    generation: int


class LogFollower:
    """Reads the log of one server from a place on, until it is closed or fails."""

    def __init__(
        self,
        side: Side,
        endpoint: Endpoint,
        start: Start,
        server_id: int,
        known: Known,
        dirty: DirtySet,
        wake: Callable[[], None],
        failed: Callable[[ServerError], None],
    ) -> None:
        """`wake`: called when something was touched. `failed`: called once, where the log can be followed no longer."""
        self.side = side
        # How many row events the log has told of until now.
        self.events = 0
        self._endpoint = endpoint
        self._server_id = server_id
        self._known = known
        self._dirty = dirty
        self._wake = wake
        self._failed = failed
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._ends: list[End] = []
        self._waiting = 0
        self._hurry_until = 0.0
        self._renewals: list[Renewal] = []
        self._place = start
        # Up to where everything that this tail has read is in the dirty set.
        self._given = _NOWHERE
        self._mark: Mark | None = None
        self._tail: Tail | None = None
        self._thread = threading.Thread(target=self._run, name=f"verify-log-{side.value}", daemon=True)

    def start(self) -> None:
        """Begin to read.

        Raises:
            ServerError: see `Tail`; LogGone where the server says at once that it no longer has the place.
        """
        self._tail = self._opened()
        touched = self._tail.read(_FIRST_S)
        if touched is not None:
            self._absorb(touched)
        self._thread.start()

    def close(self) -> None:
        """Read no longer."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(_ERROR_S)

    @property
    def place(self) -> Start:
        """Where a new tail would have to begin; all before is in the dirty set."""
        with self._changed:
            return self._place

    def hurry(self, seconds: float) -> None:
        """Be ready to say at once that an end was reached, for so long."""
        self._hurry_until = time.monotonic() + seconds

    def wait_reached(self, end: End, deadline: float) -> bool:
        """Wait until everything up to an end is in the dirty set; False where it is not by then (monotonic seconds)."""
        with self._changed:
            if end.place.within(self._given):
                return True
            self._ends.append(end)
            self._waiting += 1
            try:
                while end in self._ends:
                    left = deadline - time.monotonic()
                    if left <= 0 or self._stop.is_set() or not self._thread.is_alive():
                        return False
                    self._changed.wait(min(left, _PATIENCE_S))
                return True
            finally:
                self._waiting -= 1
                if end in self._ends:
                    self._ends.remove(end)

    def renew(self, renewal: Renewal) -> None:
        """Ask the log anew from where it got to, so that the tables' new shapes are used."""
        with self._changed:
            self._renewals.append(renewal)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._renewed()
                self._read()
        except ServerError as error:
            self._failed(error)
        finally:
            if self._tail is not None:
                self._tail.close()
            with self._changed:
                self._changed.notify_all()

    def _opened(self) -> Tail:
        known, side = self._known, self.side
        return Tail(self._endpoint, self._place, known.keys_of(side), self._server_id, ranges_of=known.ranges_of(side))

    def _read(self) -> None:
        tail = self._tail
        if tail is None:
            return
        hurried = self._waiting or time.monotonic() < self._hurry_until
        touched = tail.read(_HURRY_S if hurried else _PATIENCE_S)
        if touched is not None:
            self._absorb(touched)
        with self._changed:
            self._place, self._given = tail.place, tail.given
            left = [end for end in self._ends if not end.place.within(self._given)]
            if len(left) < len(self._ends):
                self._ends = left
                self._changed.notify_all()

    def _absorb(self, touched: Touched) -> None:
        if touched.upto.gtid is not None or self._place.gtids is None:
            # Where there are GTIDs, a place between two transactions has none, and no horizon covers it.
            self._mark = touched.upto
        self.events += touched.events
        stretch = self._known.absorb(self.side, touched)
        if stretch.rows or stretch.redo or stretch.ranges:
            self._dirty.touched(self.side, stretch)
            self._wake()

    def _renewed(self) -> None:
        with self._changed:
            asked, self._renewals = self._renewals, []
            if not asked:
                return
            self._given = _NOWHERE
        if self._tail is not None:
            self._tail.close()
        self._tail = self._opened()
        for renewal in asked:
            # By either side's mark: whichever comes last, what both logs have said until now is seen then.
            self._redo(renewal.tables)
            self._known.renewed(self.side, renewal.tables, renewal.generation)
        self._wake()

    def _redo(self, tables: Iterable[Table]) -> None:
        """Have tables read again, by reads that see everything that this log had said of them until now."""
        redo = frozenset(table for table in tables if self._known.compared((table,)))
        if not redo:
            return
        now = time.monotonic()
        if self._mark is None:
            for table in redo:
                self._dirty.redo(table, now)
        else:
            self._dirty.touched(self.side, Stretch({}, redo, self._mark, now))
