"""Reading single rows on both servers by their keys, and comparing them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TypeVar

from migration.model import Side
from migration.verify.catalogue import Listed
from migration.verify.compare import Rows, by_key, difference, differing_unordered
from migration.verify.model import Difference, Table
from migration.verify.ordering import order_of
from migration.verify.readers import MOST_ANSWERED, AnswerTooLarge, Readers
from migration.verify.shapes import Shape, Way
from migration.verify.statements import SOURCE, TARGET, Statements, ends
from migration.verify.touched import Key
from providers.mysql.binlog.keys import KeyColumn, key_params
from providers.mysql.binlog.ranges import Ranges, ranges_of
from providers.mysql.connection import Connection
from providers.mysql.packets import wire
from providers.mysql.packets.rows import RowLayout
from providers.mysql.packets.wire import Param
from providers.mysql.version import Version

_T = TypeVar("_T")

# Few sizes, so that few statements have to be prepared. Long lists of keys cost the servers less a key than short
# ones: beyond 200 they no longer look into the index to plan (eq_range_index_dive_limit).
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_MOST_COMBINED = 64
_MOST_BYTES = 4 << 20
# Where so few rows are too large to be held together, each is read alone from then on; so many are kept in mind.
_FEW, _MOST_LARGE = 8, 1_000
# A row that is read along a range costs a server some thirtieth of one that is looked up by its key. So many keys, no
# two of which are further apart than this, are read as a range; who stands between them is compared, too.
_DENSE, _APART = 8, 4
# Integers are bound as wide as the log has them; those of three bytes are not sent at all.
_INTEGERS = {1: wire.TINY, 2: wire.SHORT, 4: wire.LONG, 8: wire.LONGLONG}
_FORMATS = {1: "b", 2: "h", 4: "i", 8: "q"}
# Keys that are no further apart are in one range where there are too many to be kept: reading on along the key costs
# less than another statement. Behind one number of another key there may be any number of rows.
_APART_AT_MOST = {Way.INTEGER: 1_000, Way.KEYSET: 1}
# Says of a key that it stands as the target's log has it, where the two servers store the key differently.
_THERE = b"target"
_CODECS = {"latin1": "cp1252", "utf8mb3": "utf-8", "utf8": "utf-8", "utf8mb4": "utf-8", "ucs2": "utf-16-be"}


def _kind(column: Listed) -> KeyColumn:
    return KeyColumn(column.data_type, column.column_type, column.charset, "unsigned" in column.column_type)


One = tuple[Param, ...]
"""A key, as the parameters that find its row."""
Part = list[One]
"""The keys of one statement."""
Span = tuple[int, int]
"""The first and the last of integer keys that stand close together."""


class KeyForm:
    """How a table's keys stand in the two logs, and as which parameters they find their rows."""

    def __init__(self, shape: Shape) -> None:
        self._kinds = tuple(_kind(select.column) for select in shape.key)
        self._kinds_there = tuple(_kind(select.other) for select in shape.key)
        self._converted = tuple(select.converted for select in shape.key)
        self._alike = self._kinds == self._kinds_there
        self._unsigned = wire.UNSIGNED * self._kinds[0].unsigned if shape.way is Way.INTEGER and self._alike else None
        self._order = order_of(shape)
        self._apart = _APART_AT_MOST.get(shape.way, 1)

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

    def ranges(self, keys: Collection[Key]) -> Ranges | None:
        """Ranges of the numbers that `order_of` gives what keys begin with, which hold these; None: there are none."""
        order, at = self._order, len(self._kinds)
        if order is None:
            return None
        numbers = [number for key in keys if (number := order.number(key[len(key) - at])) is not None]
        return ranges_of(numbers, self._apart) if len(numbers) == len(keys) else None

    def together(self, keys: Iterable[Key]) -> list[Key]:
        """Keys as rows are read by them, those that stand close together behind each other."""
        if self._unsigned is None:
            return list(keys)
        return sorted(keys, key=lambda key: int.from_bytes(key[0], "little"))

    def spans(self, keys: Collection[Key]) -> tuple[list[Span], Collection[Key]]:
        """Those of the keys that stand close together, and the others."""
        if self._unsigned is None or len(keys) < _DENSE:
            return [], keys
        values = [key[0] for key in keys]
        width = len(values[0])
        if width not in _FORMATS or len(joined := b"".join(values)) != width * len(keys):
            return [], keys
        code = _FORMATS[width].upper() if self._unsigned else _FORMATS[width]
        numbers = sorted(struct.unpack(f"<{len(keys)}{code}", joined))
        gaps = [at for at, (one, other) in enumerate(pairwise(numbers), 1) if other - one > _APART]
        runs = [(first, last) for first, last in pairwise((0, *gaps, len(numbers))) if last - first >= _DENSE]
        if not runs:
            return [], keys
        outside = pairwise((0, *(at for run in runs for at in run), len(numbers)))
        others = [number for first, last in islice(outside, 0, None, 2) for number in numbers[first:last]]
        spans = [(numbers[first], numbers[last - 1]) for first, last in runs]
        return spans, [(struct.pack(f"<{code}", number),) for number in others]


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
    """What reading touched rows again gave. `differing`: the keys, as they are read, of rows that differ now.

    `legible`: whether all keys could be told; else the table is read again.
    """

    differing: Collection[Key]
    legible: bool


class Rereader:
    """Reads rows by key over one pair of readers. Not for use by two threads at once."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._known: dict[Table, _Prepared] = {}
        self._large: dict[Table, set[One]] = {}

    def prepare(self, shape: Shape) -> None:
        """Prepare the statements for a table, so that reading does not have to.

        Raises:
            ServerError: see `Readers.layout`.
        """
        known = self._of(shape)
        for size in _sizes(shape):
            self._readers.prepare(*(known.statements.by_keys(side, size) for side in (SOURCE, TARGET)))
        for size in _SIZES if shape.way is Way.INTEGER else ():
            self._readers.prepare(*(_in_spans(known.statements, side, size) for side in (SOURCE, TARGET)))

    def layout(self, shape: Shape) -> RowLayout:
        """How the table's rows are taken apart."""
        return self._of(shape).layout

    def touched(self, shape: Shape, keys: Collection[Key]) -> Reread:
        """Read the rows of keys that stand in a log: which of them differ now.

        Others that stand between them may be among those.

        Raises:
            ServerError: a server does not answer, or the table is another by now.
        """
        found = dict[Key, None]()

        def take(rows: Mapping[Key, Rows]) -> None:
            found.update(dict.fromkeys(rows))

        others = self._near(shape, keys, take)
        told = list(map(self._of(shape).form.params, others))
        params = [one for one in told if one is not None]
        self._compare(shape, params, take)
        return Reread(found, len(params) == len(told))

    def together(self, shape: Shape, keys: Iterable[Key]) -> list[Key]:
        """The keys that rows were read with, in an order in which they are read at the least cost.

        Raises:
            ServerError: as `touched`.
        """
        return self._of(shape).form.together(keys)

    def again(self, shape: Shape, keys: Collection[Key]) -> Collection[Key]:
        """Read rows by the keys they were read with before; the keys of those that differ now.

        Others that stand between them may be among those.

        Raises:
            ServerError: as `touched`.
        """
        found = dict[Key, None]()
        self._anew(shape, keys, lambda rows: found.update(dict.fromkeys(rows)))
        return found

    def tell(self, shape: Shape, keys: Collection[Key]) -> Mapping[Key, Difference]:
        """As `again`, with what is to be said of those that differ.

        Raises:
            ServerError: as `touched`.
        """
        found = dict[Key, Difference]()
        layout = self._of(shape).layout

        def take(rows: Mapping[Key, Rows]) -> None:
            found.update({key: difference(shape, layout, key, *pair) for key, pair in rows.items()})

        self._anew(shape, keys, take)
        return found

    def on_one(self, shape: Shape, side: int, keys: Iterable[Key]) -> dict[Key, bytes]:
        """The rows on one server (`statements.SOURCE` or `TARGET`) by their keys.

        Raises:
            ServerError: as `touched`.
        """
        rows: dict[Key, bytes] = {}

        def read(part: Part) -> None:
            known = self._of(shape)
            sql = known.statements.by_keys(side, len(part))
            rows.update(by_key(known.layout, self._readers[side].read(sql, [one for key in part for one in key])))

        self._read(shape, list(map(self._of(shape).layout.params, keys)), read)
        return rows

    def session(self, side: Side) -> tuple[Connection, Version]:
        """The session on one server, for plain statements between two readings, and that server's version."""
        reader = self._readers[TARGET if side is Side.TARGET else SOURCE]
        return reader.session, reader.version

    def revive(self) -> None:
        """New connections, where one broke while nobody used it.

        Raises:
            ServerError: a server cannot be reached.
        """
        if not all(self._readers[side].session.ping() for side in (SOURCE, TARGET)):
            self._readers.reopen()

    def forget(self, table: Table) -> None:
        """The table has another shape now."""
        self._known.pop(table, None)
        self._large.pop(table, None)

    def _of(self, shape: Shape) -> _Prepared:
        known = self._known.get(shape.table)
        # On new connections, statements may have to be others.
        if known is None or known.shape is not shape or known.statements.widened != self._readers.widened:
            statements = self._readers.statements(shape)
            layout = self._readers.layout(shape, statements.by_keys(SOURCE, 1), statements.by_keys(TARGET, 1))
            known = self._known[shape.table] = _Prepared(shape, statements, layout, KeyForm(shape))
        return known

    def _anew(self, shape: Shape, keys: Collection[Key], take: Callable[[Mapping[Key, Rows]], None]) -> None:
        """Compare rows by the keys they were read with."""
        others = self._near(shape, keys, take)
        self._compare(shape, list(map(self._of(shape).layout.params, others)), take)

    def _near(self, shape: Shape, keys: Collection[Key], take: Callable[[Mapping[Key, Rows]], None]) -> Collection[Key]:
        """Compare the rows of those keys that stand close together, as ranges; the keys that are left."""
        # Among large rows, a range would have to be given up.
        if self._large.get(shape.table):
            return keys
        spans, others = self._of(shape).form.spans(keys)
        try:
            self._within(shape, spans, take)
        except AnswerTooLarge:
            self._readers.reopen()
            return keys
        return others

    def _compare(self, shape: Shape, params: Sequence[One], take: Callable[[Mapping[Key, Rows]], None]) -> None:
        """Compare rows, as many at a time as can be held; those that differ are taken before the next are read."""

        def read(part: Part) -> None:
            known = self._of(shape)
            here, there = (known.statements.by_keys(side, len(part)) for side in (SOURCE, TARGET))
            mine, theirs = self._readers.both(here, there, [one for key in part for one in key])
            take(differing_unordered(known.layout, mine, theirs, signless=shape.signless))

        self._read(shape, params, read)

    def _within(self, shape: Shape, spans: Sequence[Span], take: Callable[[Mapping[Key, Rows]], None]) -> None:
        """Compare the rows of ranges.

        Raises:
            AnswerTooLarge: they cannot be held together.
        """
        known = self._of(shape)
        for part in _span_parts(shape, spans):
            here, there = (_in_spans(known.statements, side, len(part)) for side in (SOURCE, TARGET))
            mine, theirs = self._readers.both(here, there, [end for span in part for end in ends(shape, *span)])
            take(differing_unordered(known.layout, mine, theirs, signless=shape.signless))

    def _read(self, shape: Shape, params: Sequence[One], read: Callable[[Part], None]) -> None:
        """Read the rows of keys, as many at a time as can be held."""
        large = self._large.setdefault(shape.table, set())
        for part in _parts(shape, [one for one in params if one not in large] if large else params):
            self._held(shape, part, read)
        for one in large.intersection(params):
            self._alone(one, read)

    def _held(self, shape: Shape, part: Part, read: Callable[[Part], None]) -> None:
        """Read rows together; where they are too large to be held together, in halves."""
        try:
            read(part)
        except AnswerTooLarge:
            self._readers.reopen()
            if len(part) > _FEW:
                middle = len(part) // 2
                self._held(shape, part[:middle], read)
                self._held(shape, part[middle:], read)
                return
            large = self._large[shape.table]
            if len(large) < _MOST_LARGE:
                large.update(part)
            for one in dict.fromkeys(part):
                self._alone(one, read)

    def _alone(self, one: One, read: Callable[[Part], None]) -> None:
        """Read a row of any size."""
        self._readers.allow(None)
        try:
            read([one])
        finally:
            self._readers.allow(MOST_ANSWERED)


def _sizes(shape: Shape) -> tuple[int, ...]:
    most = min(_SIZES[-1] if shape.keys == 1 else _MOST_COMBINED, max(1, _MOST_BYTES // shape.row_size))
    return tuple(size for size in _SIZES if size <= most)


def _parts(shape: Shape, params: Sequence[One]) -> Iterator[Part]:
    """The keys as they go into statements of a few sizes; some keys twice."""
    sizes = _sizes(shape)
    for at in range(0, len(params), sizes[-1]):
        yield _padded(list(params[at : at + sizes[-1]]), sizes)


def _in_spans(statements: Statements, side: int, number: int) -> str:
    where = " OR ".join([f"({statements.in_span()})"] * number)
    return f"{statements.rows(side)} WHERE {where}"


def _span_parts(shape: Shape, spans: Sequence[Span]) -> Iterator[list[Span]]:
    """The ranges as they go into statements of a few sizes; some ranges twice."""
    most = max(1, _MOST_BYTES // shape.row_size)
    part, rows = list[Span](), 0
    for low, high in spans:
        for first in range(low, high + 1, most):
            last = min(high, first + most - 1)
            if part and (rows + last - first >= most or len(part) == _SIZES[-1]):
                yield _padded(part, _SIZES)
                part, rows = [], 0
            part.append((first, last))
            rows += last - first + 1
    if part:
        yield _padded(part, _SIZES)


def _padded(part: list[_T], sizes: Sequence[int]) -> list[_T]:
    size = next(size for size in sizes if size >= len(part))
    return part + [part[-1]] * (size - len(part))
