"""What has been found so far: rows counted, differences that nothing explains."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from migration.verify.dirty import Key
from migration.verify.model import Difference, Table


class Findings:
    """Counters and confirmed differences; for all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[Table, dict[Key, Difference]] = {}
        self._unkeyed: dict[Table, tuple[Difference, ...]] = {}
        self._read: set[Table] = set()
        self.rows = 0
        self.size = 0
        self.miss = 0.0

    def count(self, rows: int, size: int, miss: float) -> None:
        """Rows were compared. `size` in bytes; `miss`: the probability that a difference was missed among them."""
        with self._lock:
            self.rows += rows
            self.size += size
            self.miss = min(1.0, self.miss + miss)

    def table_read(self, table: Table) -> None:
        """All rows of a table were compared."""
        with self._lock:
            self._read.add(table)

    def tables_read(self) -> frozenset[Table]:
        """The tables of which all rows were compared once."""
        with self._lock:
            return frozenset(self._read)

    def confirm(self, table: Table, rows: Mapping[Key, Difference]) -> None:
        """These rows differ, and no change under way explains it."""
        with self._lock:
            self._rows.setdefault(table, {}).update(rows)

    def heal(self, table: Table, keys: Iterable[Key]) -> None:
        """These rows are equal by now."""
        with self._lock:
            known = self._rows.get(table, {})
            for key in keys:
                known.pop(key, None)

    def keep(self, table: Table, keys: Iterable[Key]) -> None:
        """A table was read again as a whole: of its rows only these still differ."""
        with self._lock:
            known, left = self._rows.get(table, {}), frozenset(keys)
            self._rows[table] = {key: one for key, one in known.items() if key in left}

    def unkeyed(self, table: Table, differences: tuple[Difference, ...]) -> None:
        """What differs, beyond doubt, in a table without a key; nothing where it is equal."""
        with self._lock:
            if differences:
                self._unkeyed[table] = differences
            else:
                self._unkeyed.pop(table, None)

    def forget(self, table: Table) -> None:
        """The table is no longer compared."""
        with self._lock:
            self._rows.pop(table, None)
            self._unkeyed.pop(table, None)
            self._read.discard(table)

    def is_confirmed(self, table: Table, key: Key) -> bool:
        """Whether this row is known to differ."""
        with self._lock:
            return key in self._rows.get(table, ())

    def unkeyed_tables(self) -> frozenset[Table]:
        """Tables without a key that are known to differ."""
        with self._lock:
            return frozenset(self._unkeyed)

    def differences(self) -> tuple[Difference, ...]:
        """All that is confirmed, by table."""
        with self._lock:
            keyed = [one for table in sorted(self._rows) for one in self._rows[table].values()]
            return (*keyed, *(one for table in sorted(self._unkeyed) for one in self._unkeyed[table]))
