"""What a stretch of the log has touched, while it is being read."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import IntEnum

from providers.mysql.binlog.ranges import Ranges, united
from providers.mysql.binlog.tables import OLD_FORM, TableMap
from providers.mysql.binlog.walkers import Add, Key, Walker, columns_in, double, single, unread, unread_pair
from providers.mysql.gtid import GtidSet, merge
from providers.mysql.packets.wire import encode_length

Table = tuple[str, str]
"""Database and name."""

KeysOf = Callable[[str, str], tuple[int, ...] | None]
"""Of a database and a table: 0-based positions of the key's columns in the table, in the key's order; () for a table
without a usable key, None for a table that nobody asks about."""

RangesOf = Callable[[Table, Collection[Key]], Ranges | None]
"""Of a table's keys: ranges of the number that they begin with, which hold them; None where there are none such."""

Gtid = tuple[bytes, int]
"""The source's uuid in 16 bytes, with the tag behind it, and the transaction's number."""


class Kind(IntEnum):
    """What a row event does, in the order of the events' types; an update has two images of each row."""

    INSERT, UPDATE, DELETE = range(3)


class OpenTable:
    """A table that an event may name by number, and how its rows are walked over.

    Attributes:
        name: database and name.
        heads: bytes of a row event from the number of columns to the first row, by `Kind`.
        walkers: by the bytes of that head.
        add: takes the keys of the stretch that is being read; None where none were met in it yet.
        rekeyed: rows were deleted, or got another key.
    """

    __slots__ = ("_keys", "_map", "add", "heads", "name", "rekeyed", "walkers")

    def __init__(self, found: TableMap, keys: tuple[int, ...]) -> None:
        self.name: Table = (found.database, found.name)
        bitmap = (len(found.types) + 7) // 8
        number = len(encode_length(len(found.types)))
        self.heads = (number + bitmap, number + 2 * bitmap, number + bitmap)
        self.walkers: dict[bytes, Walker] = {}
        self.add: Add | None = None
        self.rekeyed = False
        self._map = found
        self._keys = keys

    def moved(self) -> None:
        """A row got another key."""
        self.rekeyed = True

    def walker(self, head: bytes) -> Walker:
        """The function that walks over the rows behind such a head."""
        made = self.walkers[head] = self._walker(head)
        return made

    def _walker(self, head: bytes) -> Walker:
        types, widths, keys = self._map.types, self._map.widths, self._keys
        count, number = len(types), encode_length(len(types))
        known = head.startswith(number) and bool(keys) and max(keys) < count
        if widths is None or not known or any(types[key] in OLD_FORM for key in keys):
            return unread_pair if len(head) == self.heads[Kind.UPDATE] else unread
        bitmap = (count + 7) // 8
        images = [columns_in(head[at : at + bitmap], count) for at in range(len(number), len(head), bitmap)]
        if len(images) == 1:
            return single(widths, keys, images[0])
        return double(widths, keys, images[0], images[1])


@dataclass
class Batch:
    """Keys and tables of a stretch. Of too many keys there are `ranges` that hold them, or the tables are `lost`."""

    rows: dict[Table, set[Key | None]] = field(default_factory=dict)
    ranges: dict[Table, Ranges] = field(default_factory=dict)
    rekeyed: set[Table] = field(default_factory=set)
    unreadable: set[Table] = field(default_factory=set)
    lost: set[Table] = field(default_factory=set)
    statements: list[tuple[str, str]] = field(default_factory=list)
    everything: str = ""
    events: int = 0

    def adder(self, table: Table) -> Add:
        """What takes the keys of a table."""
        if table in self.lost:
            return _drop
        return self.rows.setdefault(table, set()).add

    def size(self) -> int:
        """How many keys it holds."""
        return sum(map(len, self.rows.values()))

    def shrink(self, most: int, ranges_of: RangesOf) -> None:
        """Give up the keys of the tables with the most of them, until no more than `most` are left in all."""
        excess = self.size() - most
        for table, keys in sorted(self.rows.items(), key=lambda entry: -len(entry[1])):
            if excess <= 0:
                return
            excess -= len(keys)
            self._give_up(table, keys, ranges_of)

    def _give_up(self, table: Table, keys: set[Key | None], ranges_of: RangesOf) -> None:
        del self.rows[table]
        ranges = None if None in keys else ranges_of(table, keys)  # type: ignore[arg-type]  # no None is in it
        if ranges is None:
            self.lost.add(table)
            self.ranges.pop(table, None)
        else:
            self.ranges[table] = united(self.ranges.get(table, ()), ranges)

    def merge(self, other: Batch) -> None:
        """Take in what another one holds."""
        for table, keys in other.rows.items():
            self.rows.setdefault(table, set()).update(keys)
        self.lost |= other.lost
        for table, ranges in other.ranges.items():
            self.ranges[table] = united(self.ranges.get(table, ()), ranges)
        for table in self.lost:
            self.rows.pop(table, None)
            self.ranges.pop(table, None)
        self.rekeyed |= other.rekeyed
        self.unreadable |= other.unreadable
        self.statements += other.statements
        self.everything = self.everything or other.everything
        self.events += other.events

    def readable_rows(self) -> tuple[dict[Table, set[Key]], frozenset[Table]]:
        """The keys by table, and the tables of which keys are missing."""
        unreadable = self.unreadable | self.lost
        rows: dict[Table, set[Key]] = {}
        for table, keys in self.rows.items():
            if None in keys:
                unreadable.add(table)
            found = {key for key in keys if key is not None} if None in keys else keys
            if found:
                rows[table] = found  # type: ignore[assignment]  # no None is left in it
        return rows, frozenset(unreadable)


def _drop(key: Key | None) -> None:
    """A table that is read again as a whole needs no keys."""


class Gtids:
    """Transactions in the order of the log: runs of numbers of one source."""

    def __init__(self) -> None:
        self._runs: list[list[int]] = []
        self._sources: list[bytes] = []
        self._next: Gtid | None = None

    def append(self, gtid: Gtid) -> None:
        """Add the next one."""
        source, number = gtid
        if gtid == self._next:
            self._runs[-1][1] = number
        else:
            self._sources.append(source)
            self._runs.append([number, number])
        self._next = source, number + 1

    def as_set(self) -> GtidSet:
        """All of them."""
        found: dict[str, list[tuple[int, int]]] = {}
        for source, (first, last) in zip(self._sources, self._runs, strict=True):
            found.setdefault(source_name(source), []).append((first, last))
        return GtidSet({source: merge(ranges) for source, ranges in found.items()})


def source_name(source: bytes) -> str:
    """A GTID's source as text: `uuid` or `uuid:tag`."""
    digits = source[:16].hex()
    uuid = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    return f"{uuid}:{source[16:].decode('ascii')}" if len(source) > 16 else uuid
