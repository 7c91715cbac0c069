"""Telling rows that differ for good from those that a change under way explains, while writes go on.

The source's row is read, then the source's place is asked for and the target waited for; then the target's row is
read, and the source's once more. If that has not changed and the target's is another, nothing is on its way that would
make them equal. A row that changes to and fro on the source could deceive this once; it has to come out the same
several times in a row. Only behind a fence is it certain.
"""

from __future__ import annotations

import hashlib
import heapq
import time
from dataclasses import dataclass

from migration.verify.arrival import Arrival
from migration.verify.compare import difference, unequal
from migration.verify.dirty import DirtySet, Key
from migration.verify.findings import Findings
from migration.verify.known import Known
from migration.verify.model import Table
from migration.verify.readers import Readers
from migration.verify.recheck import Rereader
from migration.verify.scan import of_the_table
from migration.verify.shapes import Shape
from migration.verify.statements import SOURCE, TARGET
from providers.mysql.errors import ServerError

_TRIES = 3
_TIMES = 3
_BETWEEN_S = 0.1
_AT_ONCE = 500
_MOST_BYTES = 4 << 20
_ARRIVAL_S = 5.0


@dataclass
class _Seen:
    """How both rows looked, as a digest, and how often in a row."""

    rows: bytes
    times: int


class Confirming:
    """Looks at rows that went on differing. Not for use by two threads at once."""

    def __init__(self, readers: Readers, arrival: Arrival, known: Known, dirty: DirtySet, findings: Findings) -> None:
        self._rereader = Rereader(readers)
        self._readers = readers
        self._arrival = arrival
        self._known = known
        self._dirty = dirty
        self._findings = findings
        self._seen: dict[tuple[Table, Key], _Seen] = {}
        self._next = 0.0

    def round(self) -> bool:
        """Look at some rows once; whether there were some.

        Raises:
            ServerError: a server does not answer.
        """
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + _BETWEEN_S
        suspects = {table: self._some(table, keys) for table, keys in self._suspects().items()}
        self._seen = {one: seen for one, seen in self._seen.items() if one[1] in suspects.get(one[0], ())}
        shapes = {table: shape for table in suspects if (shape := self._known.shape(table)) is not None}
        if not shapes:
            return False
        rows = {table: self._read(shapes[table], SOURCE, suspects[table]) for table in shapes}
        if not self._arrival.wait(_ARRIVAL_S):
            return True
        for table, shape in shapes.items():
            self._compare(shape, suspects[table], rows[table])
        return True

    def _suspects(self) -> dict[Table, set[Key]]:
        open_ = [
            (one.tries, table, one.key)
            for table, suspects in self._dirty.differing(_TRIES).items()
            for one in suspects
            if not self._findings.is_confirmed(table, one.key)
        ]
        found: dict[Table, set[Key]] = {}
        # What differed most often is the least likely to be on its way.
        for _, table, key in heapq.nlargest(_AT_ONCE, open_):
            found.setdefault(table, set()).add(key)
        return found

    def _some(self, table: Table, keys: set[Key]) -> set[Key]:
        """As many of them as can be held, both sides' rows together: first those that were looked at before."""
        shape = self._known.shape(table)
        most = _AT_ONCE if shape is None else max(1, _MOST_BYTES // shape.row_size)
        return set(sorted(keys, key=lambda key: (table, key) not in self._seen)[:most])

    def _read(self, shape: Shape, side: int, keys: set[Key]) -> dict[Key, bytes] | None:
        """The rows on one side; None where the table is another by now."""
        try:
            return self._rereader.on_one(shape, side, keys)
        except ServerError as error:
            self._rereader.forget(shape.table)
            if not of_the_table(error):
                raise
            return None

    def _compare(self, shape: Shape, keys: set[Key], before: dict[Key, bytes] | None) -> None:
        there = self._read(shape, TARGET, keys)
        here = self._read(shape, SOURCE, keys)
        if before is None or there is None or here is None:
            return
        layout = self._rereader.layout(shape)
        pairs = {key: (here.get(key), there.get(key)) for key in keys if here.get(key) == before.get(key)}
        differing = unequal(layout, pairs, signless=shape.signless)
        confirmed = {}
        for key in keys:
            rows = differing.get(key)
            if rows is None:
                self._seen.pop((shape.table, key), None)
                continue
            looks = hashlib.sha256(repr(rows).encode()).digest()
            seen = self._seen.setdefault((shape.table, key), _Seen(looks, 0))
            seen.times, seen.rows = (seen.times + 1 if seen.rows == looks else 1), looks
            if seen.times >= _TIMES:
                confirmed[key] = difference(shape, layout, key, *rows)
        if confirmed:
            self._findings.confirm(shape.table, confirmed)
