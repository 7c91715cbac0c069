"""Reading one table's rows on both servers and comparing them, in the way that its shape asks for."""

from __future__ import annotations

from migration.verify.chunks import BYTES, Cursor, Done, Pace, Whole, maybe_full, outside
from migration.verify.keyset import HashedKeyset, KeysetReading
from migration.verify.lookups import kind_of_key, try_lookups
from migration.verify.ordering import order_of
from migration.verify.readers import AnswerTooLarge
from migration.verify.reading import Chunk, Reading, compared
from migration.verify.shapes import Shape, Way
from migration.verify.spans import LONG_ROWS, SpanReading
from migration.verify.statements import SOURCE, TARGET
from migration.verify.unkeyed import read_multiset
from providers.mysql.binlog.ranges import Ranges
from providers.mysql.packets.rows import Key

SMALL = BYTES
"""A table that is said to have no more bytes is read in one piece."""


def scan_table(reading: Reading, shape: Shape) -> None:
    """Read and compare a whole table; the chunks go to the reading's desk.

    Raises:
        Stopped: the desk permits no more.
        NotFoundByKey: see `lookups`.
        Unexplained: see `compare`.
        ServerError: a server failed, and went on failing when it was asked again.
    """
    cursor = begin(reading, shape, Done())
    if cursor is not None:
        SpanReading(reading, shape, cursor).run()


def scan_ranges(reading: Reading, shape: Shape, ranges: Ranges) -> None:
    """Read and compare the rows whose keys begin with what has a number of these ranges; see `order_of`.

    Raises:
        Stopped, Unexplained, ServerError: as `scan_table`.
    """
    if shape.way is Way.INTEGER:
        done = Done(outside(ranges, shape.bounds))
        SpanReading(reading, shape, reading.trying(lambda: _cursor(reading, shape, done))).run()
        return
    for low, high in ranges:
        start, until = reading.trying(lambda ends=(low, high): _ends(reading, shape, *ends))  # type: ignore[misc]
        KeysetReading(reading, shape, start=start, until=until).run()


def _ends(reading: Reading, shape: Shape, low: int, high: int) -> tuple[Key, Key]:
    """What a key begins with that is the first, and the last, with a number from `low` to `high`."""
    order = order_of(shape)
    if order is None:
        raise ValueError(f"the keys of {shape.title} have no numbers")
    statements = reading.readers.statements(shape)
    column = reading.layout(shape, statements.rows(SOURCE), statements.rows(TARGET)).columns[0]
    first, last = order.first(low, column), order.last(high, column)
    return ((last,), (first,)) if shape.descending[0] else ((first,), (last,))


def begin(reading: Reading, shape: Shape, done: Done) -> Cursor | None:
    """Read what is not done of a table; or give it, where several workers can read it (`SpanReading`).

    Raises:
        Stopped, ServerError: as `scan_table`.
    """
    if shape.keys and not done.whole:
        kind = kind_of_key(shape)
        # With a thousand small tables it would cost more than reading them.
        known = kind in reading.found_by and shape.size <= SMALL
        if not known and reading.trying(lambda: try_lookups(reading.readers, shape)):
            reading.found_by.add(kind)
    return _read(reading, shape, done)


def _read(reading: Reading, shape: Shape, done: Done) -> Cursor | None:
    if done.whole:
        return None
    if shape.way in (Way.UNKEYED, Way.BUCKETS):
        reading.trying(lambda: _multiset(reading, shape))
        return None
    if not done and shape.size <= SMALL and reading.trying(lambda: _at_once(reading, shape)):
        return None
    if shape.way is Way.INTEGER:
        return reading.trying(lambda: _cursor(reading, shape, done))
    after, over = done.stretched()
    if not over:
        by = reading.hash_of(shape)
        (KeysetReading(reading, shape, after) if by is None else HashedKeyset(reading, shape, by, after)).run()
    return None


def _at_once(reading: Reading, shape: Shape) -> bool:
    """Read a table that is said to be small; False where it is not."""
    reading.permitted()
    readers = reading.readers
    statements = readers.statements(shape)
    rows = LONG_ROWS if shape.long_rows else max(LONG_ROWS, 4 * SMALL // shape.row_size)
    here, there = (statements.first(side, rows) for side in (SOURCE, TARGET))
    layout = reading.layout(shape, here, there)
    try:
        a, b = readers.both(here, there)
    except AnswerTooLarge:
        readers.reopen()
        return False
    if maybe_full(a, rows) or maybe_full(b, rows):
        return False
    reading.report(Chunk(shape, layout, Whole(), a.count(), a.size, compared(shape, layout, a, b)))
    return True


def _multiset(reading: Reading, shape: Shape) -> None:
    found = read_multiset(reading.readers, shape, reading.permitted)
    reading.report(
        Chunk(shape, found.layout, Whole(), found.rows, found.size, found.differing, found.unkeyed, found.miss)
    )


def _cursor(reading: Reading, shape: Shape, done: Done) -> Cursor:
    statements = reading.readers.statements(shape)
    ends: list[int] = []
    for side in (SOURCE, TARGET):
        row = reading.readers[side].session.row(statements.extent(side)) or ()
        ends += [int(end) for end in row if end is not None]
    low, high = (min(ends), max(ends)) if ends else (0, 0)
    step = (high - low + 1) * Pace(shape.row_size).rows // max(1, shape.rows)
    return Cursor(low, high, shape.bounds, step, done)
