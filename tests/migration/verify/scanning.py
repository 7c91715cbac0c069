"""Running a scan over a pair of servers, and what it told."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from migration.verify.chunks import Done, Range
from migration.verify.compare import difference
from migration.verify.model import Difference, Kind, Mode, Table
from migration.verify.reading import Chunk
from migration.verify.scan import Scan, Watcher
from migration.verify.shapes import Shape, Shapes, read_shapes
from providers.mysql.errors import ServerError
from tests.migration.verify.following import told as ordered
from tests.migration.verify.pairs import Pair


@dataclass
class Told:
    """What a scan told; the rows that differ are not kept, but what is said of them."""

    chunks: list[Chunk] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    troubles: dict[Table, ServerError] = field(default_factory=dict)
    found: dict[Table, list[Difference]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def watcher(
        self, permit: Callable[[], bool] = lambda: True, on_chunk: Callable[[Chunk], None] = lambda chunk: None
    ) -> Watcher:
        def take(chunk: Chunk) -> None:
            told = [difference(chunk.shape, chunk.layout, key, *rows) for key, rows in chunk.differing.items()]
            with self.lock:
                self.chunks.append(replace(chunk, differing={}))
                self.found.setdefault(chunk.shape.table, []).extend([*told, *chunk.unkeyed])
            on_chunk(chunk)

        return Watcher(
            take,
            lambda shape: self.tables.append(shape.table),
            lambda shape, error: self.troubles.update({shape.table: error}),
            permit,
        )

    def ranges(self, table: Table) -> list[Range]:
        return [chunk.range for chunk in self.chunks if chunk.shape.table == table and chunk.range is not None]

    def rows(self, table: Table) -> int:
        return sum(chunk.rows for chunk in self.chunks if chunk.shape.table == table)

    def differences(self) -> dict[Table, list[Difference]]:
        return {table: ordered(told) for table, told in self.found.items() if told}

    def of(self, table: Table) -> list[Difference]:
        return self.differences().get(table, [])


def shapes_of(pair: Pair, **wanted: object) -> Shapes:
    """What is known of all tables, asked by sessions of their own."""
    with contextlib.closing(pair.two.source.connect()) as here, contextlib.closing(pair.two.target.connect()) as there:
        return read_shapes(here, there, pair.request(**wanted))


def shape_of(pair: Pair, table: Table) -> Shape:
    found = shapes_of(pair)
    (shape,) = [shape for shape in found.tables if shape.table == table] or [None]
    assert shape is not None, found
    return shape


def scanned(
    pair: Pair,
    shapes: Sequence[Shape],
    *,
    connections: int = 2,
    mode: Mode = Mode.EXACT,
    done: Mapping[Table, Done] | None = None,
    on_chunk: Callable[[Chunk], None] = lambda chunk: None,
) -> Told:
    """Scan the tables and fail where the scan does."""
    told = Told()
    scan = Scan(
        pair.source,
        pair.target,
        shapes,
        told.watcher(on_chunk=on_chunk),
        connections=connections,
        mode=mode,
        done=done,
    )
    scan.start()
    assert scan.wait(120)
    if scan.error is not None:
        raise scan.error
    assert scan.complete
    return told


def changed(table: Table, column: str, **key: object) -> Difference:
    return Difference(table, Kind.CHANGED, tuple((name, str(value)) for name, value in key.items()), (column,))


def missing(table: Table, **key: object) -> Difference:
    return Difference(table, Kind.MISSING, tuple((name, str(value)) for name, value in key.items()))


def extra(table: Table, **key: object) -> Difference:
    return Difference(table, Kind.EXTRA, tuple((name, str(value)) for name, value in key.items()))
