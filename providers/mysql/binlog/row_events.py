"""Table maps and row events: which keys of which tables.

Source: MySQL source code documentation, "Rows_log_event"; MariaDB documentation, "Rows_event_v1" and "Rows_event_v2".
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

from providers.mysql.binlog.batch import Batch, KeysOf, Kind, OpenTable, RangesOf
from providers.mysql.binlog.tables import parse
from providers.mysql.binlog.texts import inflated

HEADER = 19
"""Bytes before an event's body."""

Handler = Callable[[bytes, int, int], None]
"""`handler(buffer, start, stop)` reads the event between these places."""

_NUMBER = 6
# A row event's body: the table's number, two bytes of flags; from version 2 on, the length of more, with its own two.
_FIXED = HEADER + _NUMBER + 2
# The number of a table that stands in a row event only to end a statement.
_NO_TABLE = b"\xff\xff\xff\x00\x00\x00"

_TABLE_MAP, _PARTIAL_UPDATES = 19, 39


class Course:
    """Where in a transaction the log is.

    Attributes:
        open: one was begun whose end has not been read.
        begun: it goes on until it is ended by an event of its own.
    """

    __slots__ = ("begun", "open")

    def __init__(self) -> None:
        self.open = self.begun = False


class RowEvents:
    """Reads row events into a batch.

    Attributes:
        batch: what takes what they touch.
        crc: bytes of the checksum at the end of each event.
    """

    def __init__(self, keys_of: KeysOf, course: Course) -> None:
        self._course = course
        self.batch = Batch()
        self.crc = 0
        self._keys_of = keys_of
        self._tables: dict[bytes, OpenTable | None] = {}
        self._bodies: dict[bytes, bytes] = {}
        self._current: set[bytes] = set()
        self._adding: list[OpenTable] = []

    def handlers(self) -> dict[int, Handler]:
        """What reads each type of row event."""
        found: dict[int, Handler] = {_TABLE_MAP: self._on_table_map, _PARTIAL_UPDATES: self._on_partial}
        for kind in Kind:
            for first, compressed, counted in ((23, 166, False), (30, 169, True)):
                plain = found[first + kind] = self._reader(kind, counted)
                found[compressed + kind] = self._reader_of_compressed(kind, counted, plain)
        return found

    def exchange(self, batch: Batch) -> Batch:
        """Read into another batch from now on; gives back the one so far."""
        self._settle()
        before, self.batch = self.batch, batch
        return before

    def merge(self, other: Batch) -> None:
        """Take what another batch holds into this one."""
        self._settle()
        self.batch.merge(other)

    def shrink(self, most: int, ranges_of: RangesOf) -> None:
        """Give up keys where there are more than that many."""
        if self.batch.size() > most:
            self._settle()
            self.batch.shrink(most, ranges_of)

    def forget(self) -> None:
        """Ask anew about each table that comes next."""
        self._tables.clear()
        self._bodies.clear()
        self._current.clear()

    def _on_table_map(self, b: bytes, at: int, stop: int) -> None:
        """Note which table the row events after this one mean by a number."""
        self._course.open = self._course.begun = True
        whole = b[at + HEADER : stop - self.crc]
        if whole in self._current:
            return
        number, body = whole[:_NUMBER], whole[_NUMBER:]
        # A number may mean another table by now.
        self._current.discard(self._bodies.get(number, b""))
        self._bodies[number] = whole
        self._current.add(whole)
        try:
            found = parse(body)
        except (ValueError, IndexError, struct.error):
            self._tables.pop(number, None)
            return
        keys = self._keys_of(found.database, found.name)
        self._tables[number] = None if keys is None else OpenTable(found, keys)

    def _settle(self) -> None:
        """Let no table add to the batch any more."""
        for table in self._adding:
            table.add = None
            if table.rekeyed:
                self.batch.rekeyed.add(table.name)
                table.rekeyed = False
        self._adding.clear()

    def _adder(self, table: OpenTable) -> Callable[[tuple[bytes, ...] | None], None]:
        self._adding.append(table)
        table.add = self.batch.adder(table.name)
        return table.add

    def _reader(self, kind: Kind, counted: bool) -> Handler:
        """The handler of one kind of row event; `counted`: version 2, which says how long its fixed part is."""
        tables, number = self._tables, int(kind)
        deletes, updates = kind is Kind.DELETE, kind is Kind.UPDATE

        def read(b: bytes, at: int, stop: int) -> None:
            try:
                table = tables[b[at + HEADER : at + HEADER + _NUMBER]]
            except KeyError:
                self._unmapped(b[at + HEADER : at + HEADER + _NUMBER])
                return
            if table is None:
                return
            start = at + _FIXED + (b[at + _FIXED] | b[at + _FIXED + 1] << 8) if counted else at + _FIXED
            first = start + table.heads[number]
            head = b[start:first]
            end = stop - self.crc
            add = table.add or self._adder(table)
            if deletes:
                table.rekeyed = True
            self.batch.events += 1
            try:
                walk = table.walkers.get(head) or table.walker(head)
                if walk(b, first, end, add, table.moved) == end:
                    return
            except IndexError:
                pass
            add(None)
            if updates:
                table.moved()

        return read

    def _reader_of_compressed(self, kind: Kind, counted: bool, plain: Handler) -> Handler:
        """The handler of MariaDB's compressed row events, whose rows are unpacked for the plain one."""

        def read(b: bytes, at: int, stop: int) -> None:
            table = self._tables.get(b[at + HEADER : at + HEADER + _NUMBER])
            if table is None:
                plain(b, at, stop)
                return
            start = at + _FIXED + (b[at + _FIXED] | b[at + _FIXED + 1] << 8) if counted else at + _FIXED
            rows = start + table.heads[kind]
            try:
                inside = inflated(b[rows : stop - self.crc], 0)
            except (zlib.error, IndexError):
                table.rekeyed = True
                (table.add or self._adder(table))(None)
                return
            whole = b[at:rows] + inside
            crc, self.crc = self.crc, 0
            plain(whole, 0, len(whole))
            self.crc = crc

        return read

    def _on_partial(self, b: bytes, at: int, stop: int) -> None:
        """Updates with parts of JSON documents: only their table is told."""
        number = b[at + HEADER : at + HEADER + _NUMBER]
        if number not in self._tables:
            self._unmapped(number)
        elif (table := self._tables[number]) is not None:
            self.batch.events += 1
            self.batch.unreadable.add(table.name)
            # The key may have changed, too.
            self.batch.rekeyed.add(table.name)

    def _unmapped(self, number: bytes) -> None:
        if number != _NO_TABLE:
            self.batch.everything = "the log has rows of a table that it has not described"
