"""Whether a table's rows are found by their keys, and by ranges of them, as all that reads them takes for granted.

A parameter that the server compares in another way than the column's own values finds no row, on neither server, and
no row is equal to no row: a difference would go unseen.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from migration.verify.catalogue import Listed
from migration.verify.compare import Unexplained
from migration.verify.readers import Readers
from migration.verify.shapes import Shape, Way
from migration.verify.statements import SOURCE, TARGET, Statements, ends, limit
from providers.mysql.packets.reader import RawReader
from providers.mysql.packets.rows import Key, RowLayout
from providers.mysql.packets.wire import Param

# Several, since a list of parameters may be compared in another way than one of them.
_SAMPLE = 4


class NotFoundByKey(Unexplained):
    """Rows that are there are not found by their keys."""


def kind_of_key(shape: Shape) -> Hashable:
    """What decides how parameters for the table's key are compared; the same for many tables."""
    columns = ((one.bound, one.sql == one.quoted, _typed(one.column), _typed(one.other)) for one in shape.key)
    return shape.way, shape.descending, tuple(columns)


def _typed(column: Listed) -> tuple[str, str, str]:
    return column.column_type, column.charset, column.collation


def try_lookups(readers: Readers, shape: Shape) -> bool:
    """Look the first rows up by their keys, on both servers. False where one of them has none.

    Raises:
        NotFoundByKey: a row was not found.
        ServerError: a server does not answer.
    """
    statements, both = readers.statements(shape), True
    for side in (SOURCE, TARGET):
        reader = readers[side]
        found = _finds(reader, statements, side)
        if found is False:
            found = _finds_at_one_moment(reader, statements, side)
        if found is False:
            names = ", ".join(select.name for select in shape.key)
            raise NotFoundByKey(
                reader.server,
                f"{reader.server} does not find rows of {shape.title} by their key ({names}) that it has just sent, so "
                "rows that change cannot be compared again, and nothing is proved of the table. This is a fault of "
                "this program: report it, with the table's definition.",
            )
        both = both and found is not None
    return both


def _finds(reader: RawReader, statements: Statements, side: int) -> bool | None:
    """Whether the first rows are found; None where there are none."""
    shape, sql = statements.shape, statements.keys_in_stretch(side, None, None)
    layout = RowLayout(reader.prepare(sql).columns, shape.keys)

    def keys_of(sql: str, params: Iterable[Param]) -> list[Key]:
        return [layout.key(buffer, start) for buffer, start, _ in reader.read(sql, tuple(params)).rows()]

    keys = keys_of(sql, [limit(_SAMPLE)])
    if not keys:
        return None
    asked = [*keys, *[keys[-1]] * (_SAMPLE - len(keys))]
    found = keys_of(statements.keys_by_keys(side, _SAMPLE), (one for key in asked for one in layout.params(key)))
    if set(found) != set(keys):
        return False
    if shape.way is Way.INTEGER:
        return keys == keys_of(statements.keys_in_span(side), [*ends(shape, *shape.bounds), limit(_SAMPLE)])
    if shape.way is Way.KEYSET:
        bounds = statements.bounds(layout, keys[0], keys[-1])
        return keys[1:] == keys_of(statements.keys_in_stretch(side, keys[0], keys[-1]), [*bounds, limit(_SAMPLE)])
    return True


def _finds_at_one_moment(reader: RawReader, statements: Statements, side: int) -> bool | None:
    """The same, where rows may have gone in between: both are read as they were at one moment."""
    reader.session.run("START TRANSACTION READ ONLY")
    try:
        return _finds(reader, statements, side)
    finally:
        reader.session.run("COMMIT")
