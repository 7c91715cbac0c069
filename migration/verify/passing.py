"""The first pass over all rows, and what is written down of it and of everything after it, for a later verification."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from migration.model import Side
from migration.verify.chunks import to_json
from migration.verify.dirty import DirtySet, Key, Suspect
from migration.verify.findings import Findings
from migration.verify.follower import LogFollower
from migration.verify.journal import Places, Progress, Stretch
from migration.verify.known import Known
from migration.verify.model import Table
from migration.verify.reading import Chunk
from migration.verify.shapes import Shape
from migration.verify.throttle import Gauge
from providers.mysql.errors import ServerError

_BETWEEN_PLACES_S = 2.0
# More differing rows than this are not written down: their stretch is read again.
_MOST_WRITTEN = 2_000


@dataclass(frozen=True)
class _Pieces:
    """What has been read of a stretch of which more is to come. `unkeyed`: it cannot be written down."""

    table: Table
    keys: tuple[Key, ...] = ()
    rows: int = 0
    size: int = 0
    miss: float = 0.0
    unkeyed: bool = False


class FirstPass:
    """Told of every chunk by the scan's threads, and of the tables that are read again later."""

    def __init__(
        self,
        known: Known,
        dirty: DirtySet,
        findings: Findings,
        gauge: Gauge,
        followers: Mapping[Side, LogFollower],
        journal: Progress | None,
    ) -> None:
        self._known = known
        self._dirty = dirty
        self._findings = findings
        self._gauge = gauge
        self._followers = followers
        self._journal = journal
        self._pieces = threading.local()
        self._candidate: tuple[float, Places] | None = None
        self._next = 0.0

    def chunk(self, chunk: Chunk) -> None:
        """Rows were compared: those that differ are looked at again."""
        now, table = time.monotonic(), chunk.shape.table
        self._findings.count(chunk.rows, chunk.size, chunk.miss)
        self._gauge.spent(chunk.size)
        if chunk.differing:
            self._dirty.differ(table, [Suspect(key, 1, now) for key in chunk.differing], now)
        if chunk.unkeyed:
            self._dirty.redo(table, now)
        # What is read with a shape that holds no longer is read again.
        if self._journal is not None and self._known.shape(table) is chunk.shape:
            self._write(self._journal, chunk)

    def again(self, shape: Shape, chunk: Chunk | None) -> None:
        """A table is read again as a whole (None), or a chunk of it was."""
        if chunk is not None:
            self._gauge.spent(chunk.size)
            if self._journal is not None:
                self._write(self._journal, chunk)
        elif self._journal is not None:
            self._journal.table(shape.table, shape.fingerprint)
            self._journal.again(shape.table)

    def part(self, chunk: Chunk) -> None:
        """A chunk of ranges that were read before was read again: what is written down of them holds as it is."""
        self._gauge.spent(chunk.size)

    def table(self, shape: Shape) -> None:
        """All of a table was read."""
        self._findings.table_read(shape.table)

    def trouble(self, shape: Shape, _: ServerError) -> None:
        """A table could not be read with the shape that it had: it is looked at anew, and read then."""
        self._known.alter((shape.table,))

    def _write(self, journal: Progress, chunk: Chunk) -> None:
        """Write a stretch down once all its pieces, which one thread reads one after the other, are there."""
        table, keys = chunk.shape.table, tuple(chunk.differing)
        before: _Pieces | None = getattr(self._pieces, "held", None)
        if before is None or before.table != table:
            before = _Pieces(table)
        # More would not be written down.
        keys = (*before.keys, *keys)[: _MOST_WRITTEN + 1]
        whole = not before.unkeyed and not chunk.unkeyed
        rows, size, miss = before.rows + chunk.rows, before.size + chunk.size, before.miss + chunk.miss
        if chunk.range is None:
            self._pieces.held = _Pieces(table, keys, rows, size, miss, not whole)
            return
        self._pieces.held = None
        if len(keys) <= _MOST_WRITTEN and whole:
            journal.read(table, Stretch(to_json(chunk.range), rows, size, keys, miss))

    def places(self) -> None:
        """Write down, now and then, up to where both logs need not be read again.

        Called between two rounds of rechecking, while nothing is taken out of the dirty set by it.
        """
        now = time.monotonic()
        if self._journal is None or now < self._next or Side.SOURCE not in self._followers:
            return
        if self._candidate is None:
            target = self._followers.get(Side.TARGET)
            places = Places(self._followers[Side.SOURCE].place, None if target is None else target.place)
            self._candidate = time.monotonic(), places
            return
        taken, places = self._candidate
        oldest, differing = self._dirty.oldest_unread(), self._differing()
        if (oldest is None or oldest > taken) and not self._known.unsettled().tables and differing is not None:
            self._journal.reached(places, differing)
            self._candidate, self._next = None, now + _BETWEEN_PLACES_S

    def _differing(self) -> dict[Table, list[Key]] | None:
        found = {table: [one.key for one in suspects] for table, suspects in self._dirty.differing().items()}
        return found if sum(map(len, found.values())) <= _MOST_WRITTEN else None
