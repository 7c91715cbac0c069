"""Many tables that are said to be tiny, read together: one request to each server takes the rows of all of them.

A statement of its own, prepared and executed, costs far more than ten rows do. So their rows are asked for in the text
protocol, which needs no preparing. Rows whose texts are equal byte for byte are equal; but for numbers in floating
point, which are not read like this. Whatever is not equal, or not as expected, is left to be read by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migration.verify.chunks import Whole, maybe_full
from migration.verify.compare import same_wire
from migration.verify.lookups import kind_of_key, try_lookups
from migration.verify.readers import AnswerTooLarge
from migration.verify.reading import Chunk, Reading
from migration.verify.shapes import Shape, Way
from migration.verify.statements import SOURCE, TARGET
from providers.mysql.errors import ServerError
from providers.mysql.packets.reader import Results
from providers.mysql.packets.rows import RowLayout

MOST_TOGETHER = 64
"""Tables that are read together."""
_TINY = 1 << 16
_ROWS = 500
# What is sent must fit into the connection's own buffers: a server that sends rows takes no more requests meanwhile.
_MOST_SQL = 1 << 14


def is_tiny(shape: Shape) -> bool:
    """Whether the table is said to be so small that it is best read together with others."""
    ordered = shape.way in (Way.INTEGER, Way.KEYSET)
    floating = any(select.column.data_type in ("float", "double") for select in shape.columns)
    return ordered and not floating and not shape.long_rows and shape.size <= _TINY


def read_together(reading: Reading, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
    """Read tiny tables and compare them; the chunks of those that are equal go to the reading's desk.

    Returns:
        Those that are not known to be equal, and have to be read by themselves.

    Raises:
        Stopped, ServerError: as `Reading.trying`.
    """
    left: list[Shape] = []
    for part, sql in _parts(reading, shapes):
        reading.permitted()
        chunks = reading.trying(lambda part=part, sql=sql: _read(reading, part, sql))  # type: ignore[misc]
        told = [chunk for chunk in chunks if _found_by_key(reading, chunk)]
        for chunk in told:
            reading.report(chunk)
        done = {chunk.shape.table for chunk in told}
        left += [shape for shape in part if shape.table not in done]
    return tuple(left)


def _parts(reading: Reading, shapes: Sequence[Shape]) -> Iterator[tuple[list[Shape], list[tuple[str, str]]]]:
    """The tables whose statements go into one request, and the statements for source and target."""
    part, sql, size = list[Shape](), list[tuple[str, str]](), 0
    for shape in shapes:
        statements = reading.readers.statements(shape)
        both = statements.first(SOURCE, _ROWS), statements.first(TARGET, _ROWS)
        longer = max(len(one.encode()) for one in both)
        if part and size + longer > _MOST_SQL:
            yield part, sql
            part, sql, size = [], [], 0
        part.append(shape)
        sql.append(both)
        size += longer
    if part:
        yield part, sql


def _read(reading: Reading, shapes: Sequence[Shape], sql: Sequence[tuple[str, str]]) -> list[Chunk]:
    """The chunks of the tables whose rows are equal."""
    readers = reading.readers
    if not readers.pipelined or len(shapes) == 1:
        return []
    try:
        mine, theirs = readers.together([one for one, _ in sql], [other for _, other in sql])
    except AnswerTooLarge:
        readers.reopen()
        return []
    return list(_equal(shapes, mine, theirs))


def _equal(shapes: Sequence[Shape], mine: Results, theirs: Results) -> Iterator[Chunk]:
    for shape, one, other in zip(shapes, mine, theirs, strict=True):
        if one is None or other is None:
            continue
        (head, a), (head_there, b) = one, other
        if not same_wire(head.columns, head_there.columns) or maybe_full(a, _ROWS) or not a.same_as(b):
            continue
        try:
            layout = RowLayout(head.columns, shape.keys)
        except ValueError:
            continue
        yield Chunk(shape, layout, Whole(), a.count(), a.size)


def _found_by_key(reading: Reading, chunk: Chunk) -> bool:
    """Whether rows are found by keys of this kind, or there are none to tell it by."""
    kind = kind_of_key(chunk.shape)
    if not chunk.rows or kind in reading.found_by:
        return True
    try:
        if try_lookups(reading.readers, chunk.shape):
            reading.found_by.add(kind)
    except ServerError:
        # Reading it by itself says what is the matter.
        return False
    return True
