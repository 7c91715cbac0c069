"""Reading a table by ranges of its integer key, by any number of workers at once."""

from __future__ import annotations

import time

from migration.verify.chunks import BYTES, Cursor, Pace, Span, as_number, last_key, maybe_full
from migration.verify.readers import AnswerTooLarge
from migration.verify.reading import Chunk, Reading, compared
from migration.verify.shapes import Shape
from migration.verify.statements import SOURCE, TARGET, ends, limit
from providers.mysql.packets.packets import Packets
from providers.mysql.packets.rows import RowLayout

# A span is meant to have `BYTES`; this many times as much is read of it at most.
_SPARE = 4
LONG_ROWS = 200
"""Rows that are asked for before their size is known, of a table in which they may be long."""


class SpanReading:
    """One worker's part in reading a table."""

    def __init__(self, reading: Reading, shape: Shape, cursor: Cursor) -> None:
        self._reading = reading
        self._readers = reading.readers
        self._statements = reading.readers.statements(shape)
        self._sql = self._statements.span(SOURCE), self._statements.span(TARGET)
        self._shape = shape
        self._cursor = cursor
        self._signed = shape.bounds[0] < 0
        self._pace = Pace(shape.row_size, _SPARE * BYTES)
        if shape.long_rows:
            self._pace.rows = min(self._pace.rows, LONG_ROWS)
        self._hash = reading.hash_of(shape)

    def run(self) -> None:
        """Read spans until there are no more.

        Raises:
            Stopped, ServerError: as `Reading.trying`.
        """
        while (span := self._cursor.take()) is not None:
            left: Span | None = span
            try:
                self._reading.permitted()
                self._read_or_hash(span)
                left = None
            finally:
                self._cursor.put_down(left)

    def _read_or_hash(self, span: Span) -> None:
        if self._hash is None or not self._reading.trying(lambda: self._hashed(span)):
            self._reading.trying(lambda: self._read(span))

    def _hashed(self, span: Span) -> bool:
        """Compare checksums of a span; False where they differ."""
        assert self._hash is not None
        where, began = " WHERE " + self._statements.in_span(), time.monotonic()
        a, b = self._readers.both(
            self._hash.over(SOURCE, where), self._hash.over(TARGET, where), ends(self._shape, span.low, span.high)
        )
        if not a.same_as(b):
            return False
        rows = self._hash.rows(a)
        self._cursor.learn(rows * self._shape.row_size, time.monotonic() - began, self._hash.chunk_bytes)
        layout = self._reading.layout(self._shape, *self._sql)
        self._reading.report(Chunk(self._shape, layout, span, rows, a.size, miss=self._hash.miss))
        return True

    def _read(self, span: Span) -> None:
        """Read and compare a span, all of it or its beginning; the rest is given back to the cursor."""
        layout = self._reading.layout(self._shape, *self._sql)
        rows, began = self._pace.rows, time.monotonic()
        try:
            a, b = self._readers.both(*self._sql, [*ends(self._shape, span.low, span.high), limit(rows)])
        except AnswerTooLarge:
            self._readers.reopen()
            self._read_smaller(span)
            return
        seconds = time.monotonic() - began
        cut = [self._end(layout, packets, span) for packets in (a, b) if maybe_full(packets, rows)]
        end = min(cut, default=span.high)
        if end == span.high:
            self._cursor.learn(max(a.size, b.size), seconds)
        if cut:
            self._pace.learn(max(a.size, b.size), seconds)
        if end < span.high and not a.same_as(b):
            # The two servers' rows may end at other keys: both are read again up to the nearer one.
            self._pace.rows = max(self._pace.rows, rows + 1)
            self._read(Span(span.low, end))
        else:
            found = compared(self._shape, layout, a, b)
            self._reading.report(Chunk(self._shape, layout, Span(span.low, end), a.count(), a.size, found))
        if end < span.high:
            self._cursor.shrink(Span(span.low, end))
            self._cursor.give_back(Span(end + 1, span.high))

    def _end(self, layout: RowLayout, packets: Packets, span: Span) -> int:
        key = last_key(layout, packets)
        return span.high if key is None else as_number(key[0], self._signed)

    def _read_smaller(self, span: Span) -> None:
        """Read a span that is too large in pieces; where a piece is one row, with nothing else in memory."""
        if self._pace.shrink():
            self._read(span)
            return
        with self._reading.alone():
            self._read(span)
