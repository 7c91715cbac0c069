"""Reading single rows on both servers by their keys, and comparing them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from migration.model import Side
from migration.verify.catalogue import Listed
from migration.verify.compare import Rows, by_key, differing_unordered, without_signs
from migration.verify.dirty import Key
from migration.verify.model import Table
from migration.verify.readers import MOST_ANSWERED, AnswerTooLarge, Readers
from migration.verify.shapes import Shape, Way
from migration.verify.statements import SOURCE, TARGET, Statements
from providers.mysql.binlog.keys import KeyColumn, key_params
from providers.mysql.connection import Connection
from providers.mysql.packets import wire
from providers.mysql.packets.rows import RowLayout
from providers.mysql.packets.wire import Param
from providers.mysql.version import Version

# Few sizes, so that few statements have to be prepared. Long lists of keys cost the servers less a key than short
# ones: beyond 200 they no longer look into the index to plan (eq_range_index_dive_limit).
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_MOST_COMBINED = 64
_MOST_BYTES = 4 << 20
# Integers are bound as wide as the log has them; those of three bytes are not sent at all.
_INTEGERS = {1: wire.TINY, 2: wire.SHORT, 4: wire.LONG, 8: wire.LONGLONG}
# Says of a key that it stands as the target's log has it, where the two servers store the key differently.
_THERE = b"target"
_CODECS = {"latin1": "cp1252", "utf8mb3": "utf-8", "utf8": "utf-8", "utf8mb4": "utf-8", "ucs2": "utf-16-be"}


def _kind(column: Listed) -> KeyColumn:
    return KeyColumn(column.data_type, column.column_type, column.charset, "unsigned" in column.column_type)


Part = list[tuple[Param, ...]]
"""The keys of one statement, as its parameters."""


class KeyForm:
    """How a table's keys stand in the two logs, and as which parameters they find their rows."""

    def __init__(self, shape: Shape) -> None:
        self._kinds = tuple(_kind(select.column) for select in shape.key)
        self._kinds_there = tuple(_kind(select.other) for select in shape.key)
        self._converted = tuple(select.converted for select in shape.key)
        self._alike = self._kinds == self._kinds_there
        self._unsigned = wire.UNSIGNED * self._kinds[0].unsigned if shape.way is Way.INTEGER and self._alike else None

    def of_target(self, key: Key) -> Key:
        """A key of the target's log so that it can be told from one of the source's, where they are not alike."""
        return key if self._alike else (_THERE, *key)

    def params(self, key: Key) -> tuple[Param, ...] | None:
        """The parameters that find the row on either server; None where they cannot be told."""
        if self._unsigned is not None and len(key[0]) in _INTEGERS:
            # By far the most keys are like this.
            return (Param(_INTEGERS[len(key[0])] | self._unsigned, key[0]),)
        kinds = self._kinds
        if len(key) > len(kinds):
            key, kinds = key[1:], self._kinds_there
        params = key_params(key, kinds)
        if params is None or not any(self._converted):
            return params
        # What is converted is selected and looked for as utf8mb4.
        given = []
        for param, value, kind, converted in zip(params, key, kinds, self._converted, strict=True):
            text = _decoded(value, kind.charset) if converted else None
            if converted and text is None:
                return None
            given.append(param if text is None else Param.text(text.encode()))
        return tuple(given)


def _decoded(value: bytes, charset: str) -> str | None:
    try:
        return value.decode(_CODECS.get(charset, charset))
    except (UnicodeDecodeError, LookupError):
        return None


@dataclass(frozen=True)
class _Prepared:
    """What is asked about a table by these readers."""

    shape: Shape
    statements: Statements
    layout: RowLayout
    form: KeyForm


@dataclass(frozen=True)
class Reread:
    """What reading touched rows again gave. `legible`: whether all keys could be told; else the table is read again.

    `layout`: how to take the rows apart.
    """

    differing: Mapping[Key, Rows]
    legible: bool


class Rereader:
    """Reads rows by key over one pair of readers. Not for use by two threads at once."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._known: dict[Table, _Prepared] = {}

    def prepare(self, shape: Shape) -> None:
        """Prepare the statements for a table, so that reading does not have to.

        Raises:
            ServerError: see `Readers.layout`.
        """
        known = self._of(shape)
        for size in _sizes(shape):
            self._readers.source.prepare(known.statements.by_keys(SOURCE, size))
            self._readers.target.prepare(known.statements.by_keys(TARGET, size))

    def layout(self, shape: Shape) -> RowLayout:
        """How the table's rows are taken apart."""
        return self._of(shape).layout

    def touched(self, shape: Shape, keys: Sequence[Key]) -> Reread:
        """Read the rows of keys that stand in a log; which of them differ now, by their keys as they are read.

        Raises:
            ServerError: a server does not answer, or the table is another by now.
        """
        known = self._of(shape)
        params, legible = [], True
        for key in keys:
            found = known.form.params(key)
            if found is None:
                legible = False
            else:
                params.append(found)
        return Reread(self._differing(known, params), legible)

    def again(self, shape: Shape, keys: Sequence[Key]) -> Mapping[Key, Rows]:
        """Read rows by the keys they were read with before; those that differ now.

        Raises:
            ServerError: as `touched`.
        """
        known = self._of(shape)
        return self._differing(known, [known.layout.params(key) for key in keys])

    def on_one(self, shape: Shape, side: int, keys: Sequence[Key]) -> dict[Key, bytes]:
        """The rows on one server (`statements.SOURCE` or `TARGET`) by their keys.

        Raises:
            ServerError: as `touched`.
        """
        known = self._of(shape)
        rows: dict[Key, bytes] = {}

        def read(part: Part) -> None:
            sql = known.statements.by_keys(side, len(part))
            rows.update(by_key(known.layout, self._readers[side].read(sql, [one for key in part for one in key])))

        for part in _parts(shape, [known.layout.params(key) for key in keys]):
            self._held(part, read)
        return rows

    def session(self, side: Side) -> tuple[Connection, Version]:
        """The session on one server, for plain statements between two readings, and that server's version."""
        reader = self._readers[TARGET if side is Side.TARGET else SOURCE]
        return reader.session, reader.version

    def forget(self, table: Table) -> None:
        """The table has another shape now."""
        self._known.pop(table, None)

    def reopen(self) -> None:
        """Begin anew with other connections.

        Raises:
            ServerError: see `Readers.reopen`.
        """
        self._known.clear()
        self._readers.reopen()

    def _of(self, shape: Shape) -> _Prepared:
        known = self._known.get(shape.table)
        if known is None or known.shape is not shape:
            statements = self._readers.statements(shape)
            layout = self._readers.layout(shape, statements.by_keys(SOURCE, 1), statements.by_keys(TARGET, 1))
            known = self._known[shape.table] = _Prepared(shape, statements, layout, KeyForm(shape))
        return known

    def _differing(self, known: _Prepared, params: Sequence[tuple[Param, ...]]) -> Mapping[Key, Rows]:
        found: dict[Key, Rows] = {}

        def read(part: Part) -> None:
            here, there = (known.statements.by_keys(side, len(part)) for side in (SOURCE, TARGET))
            mine, theirs = self._readers.both(here, there, [one for key in part for one in key])
            found.update(differing_unordered(known.layout, mine, theirs, signless=known.shape.signless))

        for part in _parts(known.shape, params):
            self._held(part, read)
        return found

    def _held(self, part: Part, read: Callable[[Part], None]) -> None:
        """Read rows together; where they are too large to be held together, in halves."""
        try:
            read(part)
        except AnswerTooLarge:
            self._readers.reopen()
            if len(part) > 1:
                middle = len(part) // 2
                self._held(part[:middle], read)
                self._held(part[middle:], read)
                return
            self._readers.allow(None)
            try:
                read(part)
            finally:
                self._readers.allow(MOST_ANSWERED)


def still_differing(shape: Shape, layout: RowLayout, rows: Mapping[Key, Rows]) -> Mapping[Key, Rows]:
    """Those of pairs of rows that are not equal."""
    unequal = {key: pair for key, pair in rows.items() if pair[0] != pair[1]}
    return without_signs(layout, unequal) if shape.signless else unequal


def _sizes(shape: Shape) -> tuple[int, ...]:
    most = min(_SIZES[-1] if shape.keys == 1 else _MOST_COMBINED, max(1, _MOST_BYTES // shape.row_size))
    return tuple(size for size in _SIZES if size <= most)


def _parts(shape: Shape, params: Sequence[tuple[Param, ...]]) -> Iterator[Part]:
    """The keys as they go into statements of a few sizes; some keys twice."""
    sizes = _sizes(shape)
    for at in range(0, len(params), sizes[-1]):
        part = list(params[at : at + sizes[-1]])
        size = next(size for size in sizes if size >= len(part))
        yield part + [part[-1]] * (size - len(part))
