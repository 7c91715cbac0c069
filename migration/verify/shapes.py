"""What has to be known of a table to compare its rows on both servers, and which tables cannot be compared."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from migration.verify.catalogue import Catalogue, Definition, Index, Listed, read_both
from migration.verify.model import Difference, Doubt, Kind, Request, Table
from migration.verify.signatures import Select, agree, columns_of_both
from providers.mysql.connection import Connection
from providers.mysql.literals import quote_name

INTEGERS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
"""Types of integers, and how many bits each has."""
# Engines whose rows are on other servers or in other tables, or nowhere.
_ELSEWHERE = frozenset({"FEDERATED", "MRG_MYISAM", "SPIDER", "CONNECT", "BLACKHOLE", "PERFORMANCE_SCHEMA", "OQGRAPH"})
_LEAST_ROW = 20
_NO_INDEX = Index("", (), ())
_SIGNS = {"*": ".*", "?": "."}


class Way(StrEnum):
    """How a table's rows are read."""

    INTEGER = "integer"
    """By ranges of one integer key: several workers at once."""
    KEYSET = "keyset"
    """In the order of any other key: each piece ends at a row of the source."""
    BUCKETS = "buckets"
    """By checksums of buckets of the key, since no range of it can be read: the two servers put the key in different
    orders, or it begins with an ENUM or SET, by which an index is no help in finding what is greater."""
    UNKEYED = "unkeyed"
    """As a multiset: no key names a row."""


@dataclass(frozen=True)
class Shape:
    """A table of both servers.

    `columns`: in the order in which they are read, the key's `keys` ones first and in the index's order.
    `there`: the table's name on the target, which is another where that server keeps names in lower case.
    `indexes`: the key's name on the source and on the target. `descending`: of the key's columns on the source.
    `rows` and `size` (bytes): the source's estimates. `key_positions`: the key's columns in the table, counted from 0,
    on the source; `key_positions_there`: on the target. `signless`: -0.0 and 0.0 count as equal, since one of the
    servers cannot store the former. `long_rows`: a row may hold more than 64 KiB.
    """

    table: Table
    there: Table
    columns: tuple[Select, ...]
    keys: int
    way: Way
    indexes: tuple[str, str]
    descending: tuple[bool, ...]
    rows: int
    size: int
    key_positions: tuple[int, ...]
    key_positions_there: tuple[int, ...]
    signless: bool = False
    long_rows: bool = False

    @property
    def title(self) -> str:
        """Database and name, for people."""
        return ".".join(self.table)

    @property
    def key(self) -> tuple[Select, ...]:
        """The key's columns."""
        return self.columns[: self.keys]

    @property
    def row_size(self) -> int:
        """Bytes of a row on average, estimated."""
        return max(_LEAST_ROW, self.size // max(1, self.rows))

    @property
    def bounds(self) -> tuple[int, int]:
        """The smallest and the largest value that a key which is or begins with an integer can begin with."""
        bits = INTEGERS[self.key[0].column.data_type]
        if "unsigned" in self.key[0].column.column_type:
            return 0, (1 << bits) - 1
        return -(1 << bits - 1), (1 << bits - 1) - 1

    def quoted(self, side: int) -> str:
        """The qualified name in backticks, on the source (0) or the target (1)."""
        database, name = self.there if side else self.table
        return f"{quote_name(database)}.{quote_name(name)}"

    def hint(self, side: int) -> str:
        """Makes the server read along the key."""
        return f" FORCE INDEX ({quote_name(self.indexes[side])})" if self.indexes[side] else ""

    @cached_property
    def fingerprint(self) -> str:
        """Changes with everything on which ranges of its rows and their comparison depend; for resuming."""
        parts = (self.table, self.there, self.columns, self.keys, self.way, self.indexes, self.descending)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Shapes:
    """The tables that can be compared, and what is to be said of others.

    A table that is on one side only is a `Difference` with `key` and `columns` empty and `rows` 0.
    """

    tables: tuple[Shape, ...]
    differences: tuple[Difference, ...] = ()
    doubts: tuple[Doubt, ...] = ()


def read_shapes(source: Connection, target: Connection, request: Request) -> Shapes:
    """Look at all tables of the request, on both servers.

    Raises:
        ServerError: a server does not answer.
    """
    return compare_catalogues(*read_both(source, target, request.databases), request)


def reread(source: Connection, target: Connection, request: Request, tables: Iterable[Table]) -> Shapes:
    """Look again at single tables of the request, named as on the source; one that is gone from both is left out.

    Raises:
        ServerError: a server does not answer.
    """
    wanted = tuple(sorted(set(tables)))
    databases = tuple(sorted({database for database, _ in wanted}))
    here, there = read_both(source, target, databases, wanted)
    shapes = compare_catalogues(here, there, request)
    folded = here.folds or there.folds
    asked = {_folded(table, folded) for table in wanted}
    return Shapes(
        tuple(shape for shape in shapes.tables if _folded(shape.table, folded) in asked),
        tuple(one for one in shapes.differences if _folded(one.table, folded) in asked),
        tuple(one for one in shapes.doubts if one.table is None or _folded(one.table, folded) in asked),
    )


@dataclass
class _Found:
    """What is collected table by table."""

    tables: list[Shape] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)


def compare_catalogues(source: Catalogue, target: Catalogue, request: Request) -> Shapes:
    """Put the tables of both servers side by side. `Request.pattern` chooses among them."""
    folds = source.folds or target.folds
    there = {_folded(table, folds): definition for table, definition in target.tables.items()}
    found, wanted = _Found(), _matcher(request.pattern)
    for table in sorted(source.tables):
        other = there.pop(_folded(table, folds), None)
        if not wanted(table):
            continue
        if other is None:
            found.differences.append(Difference(table, Kind.MISSING, (), (), 0))
            continue
        _compare(found, source, source.tables[table], target, other)
    extra = sorted(definition.table for definition in there.values() if wanted(definition.table))
    found.differences += [Difference(table, Kind.EXTRA, (), (), 0) for table in extra]
    return Shapes(tuple(found.tables), tuple(found.differences), tuple(found.doubts))


def _folded(table: Table, folds: bool) -> Table:
    return (table[0].lower(), table[1].lower()) if folds else table


def _matcher(pattern: str) -> Callable[[Table], bool]:
    """Whether a table is one of a pattern of `database.table` with * and ?; all are of an empty one."""
    parts = (_SIGNS.get(sign) or re.escape(sign) for sign in pattern or "*")
    wanted = re.compile("".join(parts), re.DOTALL)
    return lambda table: wanted.fullmatch(".".join(table)) is not None


def _compare(found: _Found, source: Catalogue, here: Definition, target: Catalogue, there: Definition) -> None:
    for definition, words in ((here, "source"), (there, "target")):
        reason = _unreadable(definition, words)
        if reason:
            found.doubts.append(Doubt(here.table, reason))
            return
    columns, problems, notes = columns_of_both(here, there)
    if problems:
        found.doubts.append(Doubt(here.table, "; ".join(problems)))
        return
    found.doubts += [Doubt(here.table, note, unproved=False) for note in notes]
    if "SYSTEM VERSIONED" in (here.kind, there.kind):
        words = "it is system-versioned: its present rows are compared, those of the past are not"
        found.doubts.append(Doubt(here.table, words, unproved=False))
    signless = source.version.mariadb != target.version.mariadb and any(
        select.column.data_type in ("float", "double") for select in columns
    )
    found.tables.append(_shape(here, there, columns, signless))


def _unreadable(definition: Definition, side: str) -> str:
    """Why a table's rows cannot be read there, empty where they can."""
    if definition.kind != "SEQUENCE" and not definition.engine:
        return f"the {side} cannot open it; SHOW WARNINGS after a SELECT there says why"
    if definition.engine.upper() in _ELSEWHERE:
        return f"on the {side} it is a table of the engine {definition.engine}, which keeps no rows of its own"
    return ""


def _shape(here: Definition, there: Definition, columns: tuple[Select, ...], signless: bool) -> Shape:
    """Choose the key and the way in which a table is read. `columns` in the source's order."""
    mine, other = next(_common_indexes(here, there), (_NO_INDEX, _NO_INDEX))
    named = {select.column.name: select for select in columns}
    key = [named[name].as_key() for name in mine.columns]
    return Shape(
        here.table,
        there.table,
        (*key, *(select for select in columns if select.column.name not in mine.columns)),
        len(key),
        _way(key),
        (mine.name, other.name),
        mine.descending,
        here.rows,
        here.size,
        tuple(select.column.position for select in key),
        tuple(select.other.position for select in key),
        signless,
        any(_long(select.column) for select in columns),
    )


def _common_indexes(here: Definition, there: Definition) -> Iterator[tuple[Index, Index]]:
    others: dict[tuple[str, ...], Index] = {}
    for index in there.indexes:
        others.setdefault(tuple(name.lower() for name in index.columns), index)
    for index in here.indexes:
        other = others.get(tuple(name.lower() for name in index.columns))
        if other is not None:
            yield index, other


def _way(key: list[Select]) -> Way:
    if not key:
        return Way.UNKEYED
    if any(not agree(select) for select in key) or key[0].column.data_type in ("enum", "set"):
        return Way.BUCKETS
    return Way.INTEGER if len(key) == 1 and key[0].column.data_type in INTEGERS else Way.KEYSET


def _long(column: Listed) -> bool:
    return column.data_type.endswith(("text", "blob", "json")) or column.data_type.startswith(
        ("geom", "point", "line", "poly", "multi", "vector")
    )
