"""Tables of which no key names a row in the same order on both servers: compared as multisets of rows.

Small ones are read whole, and compared exactly. Of larger ones each server sums up checksums of its rows by buckets,
and only the rows of unequal buckets are read. Sums and not XOR: two equal rows must not cancel each other out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from migration.verify.chunks import BYTES, maybe_full
from migration.verify.compare import Rows, differing_unordered, signless_row
from migration.verify.hashing import fingerprint, row_text, strong_sum, text_of
from migration.verify.model import Difference, Kind
from migration.verify.readers import AnswerTooLarge, Readers
from migration.verify.shapes import Shape, Way
from migration.verify.statements import SOURCE, TARGET, limit
from providers.mysql.packets.packets import Packets
from providers.mysql.packets.rows import Key, RowLayout

_AT_ONCE = 4 * BYTES
_LONG_ROWS = 200
_BUCKETS = 16, 4096
_ROWS_A_BUCKET = 2000
_SUM_BITS = 64
# Rows that are told of one table; it is different beyond doubt with far fewer.
_MOST_TOLD = 10_000

Bucket = int | None
"""A bucket's number; None: of rows that are too long for a checksum."""


@dataclass
class Multiset:
    """What the comparison of a table came to; see `reading.Chunk`."""

    layout: RowLayout
    rows: int = 0
    size: int = 0
    differing: dict[Key, Rows] = field(default_factory=dict)
    unkeyed: tuple[Difference, ...] = ()
    miss: float = 0.0


def read_multiset(readers: Readers, shape: Shape, permitted: Callable[[], None]) -> Multiset:
    """Read and compare a whole table. `permitted` is called before each statement, and waits or raises.

    Raises:
        ServerError: a server failed; AnswerTooLarge where the rows of one unequal bucket are too many to be held.
    """
    permitted()
    return _at_once(readers, shape) or _by_buckets(readers, shape, permitted)


def _at_once(readers: Readers, shape: Shape) -> Multiset | None:
    """Compare exactly, where the table is small; else None."""
    statements = readers.statements(shape)
    here, there = (f"{statements.rows(side)} LIMIT ?" for side in (SOURCE, TARGET))
    layout = readers.layout(shape, here, there)
    if shape.size > _AT_ONCE:
        return None
    rows = _LONG_ROWS if shape.long_rows else max(_LONG_ROWS, _AT_ONCE // shape.row_size)
    try:
        a, b = readers.both(here, there, [limit(rows)])
    except AnswerTooLarge:
        readers.reopen()
        return None
    if maybe_full(a, rows) or maybe_full(b, rows):
        return None
    result = Multiset(layout, a.count(), a.size)
    _add(result, shape, a, b)
    return result


def _add(result: Multiset, shape: Shape, a: Packets, b: Packets) -> None:
    """Take rows of both servers that belong together into a result."""
    if shape.way is Way.BUCKETS:
        result.differing.update(differing_unordered(result.layout, a, b, signless=shape.signless))
    elif not a.same_as(b):
        result.unkeyed += tuple(_surplus(shape, _counted(shape, result.layout, a), _counted(shape, result.layout, b)))


def _counted(shape: Shape, layout: RowLayout, packets: Packets) -> Counter[bytes]:
    rows = (bytes(buffer[start:end]) for buffer, start, end in packets.rows())
    return Counter(signless_row(layout, row) for row in rows) if shape.signless else Counter(rows)


def _surplus(shape: Shape, here: Mapping[bytes, int], there: Mapping[bytes, int]) -> Iterator[Difference]:
    for row in {**here, **there}:
        more = here.get(row, 0) - there.get(row, 0)
        if more:
            kind = Kind.MISSING if more > 0 else Kind.EXTRA
            yield Difference(shape.table, kind, (), (), abs(more))


def _by_buckets(readers: Readers, shape: Shape, permitted: Callable[[], None]) -> Multiset:
    least, most = _BUCKETS
    buckets = max(least, min(most, shape.rows // _ROWS_A_BUCKET))
    # Rows with the same key belong into the same bucket, whatever else they hold.
    text = text_of(shape.key) if shape.way is Way.BUCKETS else row_text(shape)
    bucket = f"CRC32({text}) % {buckets}"
    layout = readers.layout(shape, readers.statements(shape).rows(SOURCE), readers.statements(shape).rows(TARGET))
    sums = f"SELECT {bucket}, COUNT(*), {strong_sum(shape)} FROM "
    here, there = (f"{sums}{shape.quoted(side)} GROUP BY 1" for side in (SOURCE, TARGET))
    summed = RowLayout(readers.source.prepare(here).columns, 0)
    a, b = readers.both(here, there)
    mine, theirs = _sums(summed, a), _sums(RowLayout(readers.target.prepare(there).columns, 0), b)
    rows = sum(count for count, _ in mine.values())
    result = Multiset(layout, rows, a.size, miss=2.0**-_SUM_BITS)
    unequal = [one for one in {**mine, **theirs} if mine.get(one) != theirs.get(one)]
    at_once = max(1, _AT_ONCE * buckets // max(shape.size, 1))
    _read_buckets(readers, shape, _Unequal(bucket, unequal, at_once, permitted), result)
    return result


def _sums(layout: RowLayout, packets: Packets) -> dict[Bucket, tuple[int, bytes | None]]:
    """Each bucket's count of rows, and its sum."""
    found: dict[Bucket, tuple[int, bytes | None]] = {}
    for buffer, start, end in packets.rows():
        bucket, count, total = layout.values(buffer, start, end)
        number = None if bucket is None else int.from_bytes(bucket, "little")
        found[number] = int.from_bytes(count or b"", "little"), total
    return found


@dataclass
class _Unequal:
    """Buckets whose sums differ, by the SQL of their number; `at_once`: how many to read with one statement."""

    sql: str
    left: list[Bucket]
    at_once: int
    permitted: Callable[[], None]

    def next(self) -> tuple[list[Bucket], str]:
        """Some of them, and the condition for their rows."""
        if None in self.left:
            return [None], f"{self.sql} IS NULL"
        some = self.left[: self.at_once]
        return some, f"{self.sql} IN ({', '.join(map(str, some))})"


def _read_buckets(readers: Readers, shape: Shape, unequal: _Unequal, result: Multiset) -> None:
    statements = readers.statements(shape)
    while unequal.left and len(result.unkeyed) + len(result.differing) < _MOST_TOLD:
        unequal.permitted()
        some, where = unequal.next()
        try:
            here, there = (f"{statements.rows(side)} WHERE {where}" for side in (SOURCE, TARGET))
            a, b = readers.both(here, there)
        except AnswerTooLarge:
            readers.reopen()
            if len(some) > 1:
                unequal.at_once = max(1, len(some) // 8)
                continue
            if shape.way is Way.BUCKETS or some == [None]:
                raise
            result.unkeyed += tuple(_by_fingerprint(readers, shape, where))
        else:
            result.size += a.size
            _add(result, shape, a, b)
        unequal.left = [one for one in unequal.left if one not in some]


def _by_fingerprint(readers: Readers, shape: Shape, where: str) -> Iterator[Difference]:
    """What differs in a bucket of too many rows, most of which are equal to each other."""
    here, there = (
        f"SELECT {fingerprint(shape)}, COUNT(*) FROM {shape.quoted(side)} WHERE {where} GROUP BY 1"
        for side in (SOURCE, TARGET)
    )
    layout = RowLayout(readers.source.prepare(here).columns, 0)
    a, b = readers.both(here, there)
    return _surplus(shape, _counts(layout, a), _counts(layout, b))


def _counts(layout: RowLayout, packets: Packets) -> dict[bytes, int]:
    rows = (layout.values(buffer, start, end) for buffer, start, end in packets.rows())
    return {print_ or b"": int.from_bytes(count or b"", "little") for print_, count in rows}
