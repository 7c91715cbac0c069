"""Reading a table in the order of any key: the source is one chunk ahead of the target."""

from __future__ import annotations

import time

from migration.verify.chunks import Pace, Stretch, last_key, maybe_full
from migration.verify.compare import Rows, by_key, unequal
from migration.verify.hashing import Hash
from migration.verify.readers import AnswerTooLarge
from migration.verify.reading import Chunk, Reading, compared
from migration.verify.shapes import Shape
from migration.verify.spans import LONG_ROWS
from migration.verify.statements import SOURCE, TARGET, limit
from providers.mysql.packets.packets import Packets
from providers.mysql.packets.reader import receive_both
from providers.mysql.packets.rows import Key, RowLayout

# How many times the source's rows the target may have in a chunk before these are read in pieces.
_SPARE = 4


class KeysetReading:
    """Reads the keys behind `after` and up to `until`, which is included; None: from the first, to the last.

    `start`, in place of `after`: what the first of them may begin with, which is included.

    Covers every row of the target, whatever order its key has there: a row that is not up to one chunk's end lies
    behind it, where the next chunk begins.
    """

    def __init__(
        self,
        reading: Reading,
        shape: Shape,
        after: Key | None = None,
        until: Key | None = None,
        start: Key | None = None,
    ) -> None:
        self._reading = reading
        self._shape = shape
        self._statements = reading.readers.statements(shape)
        self._after = after
        self._until = until
        self._start = start
        self._pace = Pace(shape.row_size)
        if shape.long_rows:
            self._pace.rows = min(self._pace.rows, LONG_ROWS)

    def run(self) -> None:
        """Read to the end.

        Raises:
            Stopped, ServerError: as `Reading.trying`.
        """
        while not self._reading.trying(self._go_on, lambda: self._after):
            pass

    def _layout(self) -> RowLayout:
        sql = [self._statements.stretch(side, None, self._until) for side in (SOURCE, TARGET)]
        return self._reading.layout(self._shape, sql[0], sql[1])

    def _go_on(self) -> bool:
        """Read as far as it gets; whether that is the end."""
        try:
            self._pipeline(self._layout())
            return True
        except AnswerTooLarge:
            self._reading.readers.reopen()
        if self._pace.shrink():
            return False
        with self._reading.alone():
            return self._one_row(self._layout())

    def _pipeline(self, layout: RowLayout) -> None:
        readers, over = self._reading.readers, False
        self._reading.permitted()
        rows = self._ask_source(layout, self._after)
        packets = readers.source.receive()
        while not over:
            self._reading.permitted()
            stretch, began = self._stretch(layout, packets, rows), time.monotonic()
            over = stretch.upto == self._until
            kept = packets.kept()
            most = self._ask_target(layout, stretch, rows)
            if over:
                theirs = readers.target.receive()
            else:
                rows = self._ask_source(layout, stretch.upto)
                theirs, packets = receive_both(readers.target, readers.source)
            self._compare(layout, stretch, kept, theirs, most)
            self._pace.learn(max(kept.size, theirs.size), time.monotonic() - began)

    def _one_row(self, layout: RowLayout) -> bool:
        """Read one row of the source, whatever its size, and what the target has up to there."""
        readers = self._reading.readers
        rows = self._ask_source(layout, self._after)
        packets = readers.source.receive()
        stretch = self._stretch(layout, packets, rows)
        most = self._ask_target(layout, stretch, rows)
        self._compare(layout, stretch, packets, readers.target.receive(), most)
        return stretch.upto == self._until

    def _stretch(self, layout: RowLayout, packets: Packets, rows: int) -> Stretch:
        """What is done with the source's rows."""
        full = maybe_full(packets, rows)
        return Stretch(self._after, last_key(layout, packets) if full else self._until)

    def _ask_source(self, layout: RowLayout, after: Key | None) -> int:
        reader, rows = self._reading.readers.source, self._pace.rows
        start = self._start if after is None else None
        sql = self._statements.stretch(SOURCE, after, self._until, start)
        bounds = self._statements.bounds(layout, start, after, self._until)
        reader.send(reader.prepare(sql), [*bounds, limit(rows)])
        return rows

    def _ask_target(self, layout: RowLayout, stretch: Stretch, rows: int) -> int:
        reader, most = self._reading.readers.target, _SPARE * rows + 1
        start = self._start if stretch.after is None else None
        sql = self._statements.stretch(TARGET, stretch.after, stretch.upto, start)
        bounds = self._statements.bounds(layout, start, stretch.after, stretch.upto)
        reader.send(reader.prepare(sql), [*bounds, limit(most)])
        return most

    def _compare(self, layout: RowLayout, stretch: Stretch, kept: Packets, theirs: Packets, most: int) -> None:
        if maybe_full(theirs, most) and not kept.same_as(theirs):
            self._surplus(layout, stretch, kept, theirs, most)
        else:
            found = compared(self._shape, layout, kept, theirs)
            self._reading.report(Chunk(self._shape, layout, stretch, kept.count(), kept.size, found))
        self._after = stretch.upto

    def _surplus(self, layout: RowLayout, stretch: Stretch, kept: Packets, theirs: Packets, most: int) -> None:
        """The target has far more rows in the stretch than the source: they are read and told in pieces."""
        waiting, reader = by_key(layout, kept), self._reading.readers.target
        while True:
            rows = by_key(layout, theirs)
            pairs: dict[Key, Rows] = {key: (waiting.pop(key, None), row) for key, row in rows.items()}
            found = unequal(layout, pairs, signless=self._shape.signless)
            self._reading.report(Chunk(self._shape, layout, None, 0, 0, found))
            after = last_key(layout, theirs)
            if after is None or not maybe_full(theirs, most):
                break
            self._reading.permitted()
            sql = self._statements.stretch(TARGET, after, stretch.upto)
            theirs = reader.read(sql, [*self._statements.bounds(layout, after, stretch.upto), limit(most)])
        missing = {key: (row, None) for key, row in waiting.items()}
        self._reading.report(Chunk(self._shape, layout, stretch, kept.count(), kept.size, missing))


class HashedKeyset:
    """Compares checksums of stretches, and reads the rows of those in which they differ."""

    def __init__(self, reading: Reading, shape: Shape, by: Hash, after: Key | None) -> None:
        self._reading = reading
        self._shape = shape
        self._statements = reading.readers.statements(shape)
        self._hash = by
        self._after = after
        self._pace = Pace(shape.row_size, by.chunk_bytes)
        self._sql = self._statements.rows(SOURCE), self._statements.rows(TARGET)

    def run(self) -> None:
        """Read to the end.

        Raises:
            Stopped, ServerError: as `Reading.trying`.
        """
        over = False
        while not over:
            self._reading.permitted()
            stretch = self._reading.trying(self._next)
            if not self._reading.trying(lambda part=stretch: self._equal(part)):  # type: ignore[misc]
                KeysetReading(self._reading, self._shape, stretch.after, stretch.upto).run()
            self._after, over = stretch.upto, stretch.upto is None

    def _next(self) -> Stretch:
        """Ask the source where as many rows as a chunk should have end; only the index is read for that."""
        readers, rows = self._reading.readers, self._pace.rows
        layout = self._reading.layout(self._shape, *self._sql)
        bounds = self._statements.bounds(layout, self._after)
        found = readers.source.read(self._statements.boundary(self._after), [*bounds, limit(rows - 1)])
        keys = RowLayout(layout.columns[: self._shape.keys], self._shape.keys)
        return Stretch(self._after, last_key(keys, found))

    def _equal(self, stretch: Stretch) -> bool:
        readers, began = self._reading.readers, time.monotonic()
        layout = self._reading.layout(self._shape, *self._sql)
        where = self._statements.in_stretch(stretch.after, stretch.upto)
        bounds = self._statements.bounds(layout, stretch.after, stretch.upto)
        a, b = readers.both(self._hash.over(SOURCE, where), self._hash.over(TARGET, where), bounds)
        if not a.same_as(b):
            return False
        rows = self._hash.rows(a)
        self._pace.learn(rows * self._shape.row_size, time.monotonic() - began)
        self._reading.report(Chunk(self._shape, layout, stretch, rows, a.size, miss=self._hash.miss))
        return True
