"""What goes into the dirty set, and what comes out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from migration.verify.model import Table
from providers.mysql.binlog.marks import Mark
from providers.mysql.binlog.ranges import Ranges

Key = tuple[bytes, ...]
"""Of a touched row: as it stands in the log. Of a differing row: as the row was read."""


@dataclass(frozen=True)
class Stretch:
    """What a stretch of one server's log has touched: keys by table, and tables to be read again as a whole.

    `seen`: monotonic seconds at which it was read from the log. `ranges`: of tables of which only these are to be read
    again.
    """

    rows: Mapping[Table, Iterable[Key]]
    redo: frozenset[Table]
    mark: Mark
    seen: float
    ranges: Mapping[Table, Ranges] = field(default_factory=dict)


@dataclass(frozen=True)
class Taken:
    """Keys of touched rows of one table, to be read now; `since`: when the oldest of them was seen."""

    table: Table
    keys: tuple[Key, ...]
    since: float


@dataclass(frozen=True)
class Due:
    """What of a table is to be read again: `ranges` of what its keys begin with, as `ordering` numbers it; None: all.

    `since`: up to when nothing was the matter with it, in monotonic seconds.
    """

    since: float
    ranges: Ranges | None = None


@dataclass(frozen=True)
class Suspect:
    """A row that differed when it was last read.

    `tries`: how often in a row it did; `since`: up to when nothing was the matter with it, in monotonic seconds.
    `stamp`: grows each time that it is found to differ.
    """

    key: Key
    tries: int
    since: float
    stamp: int = 0


@dataclass(frozen=True)
class Counts:
    """How much is in the set: keys of touched rows, differing rows, tables to be read again or of which ranges are."""

    touched: int
    differing: int
    redo: int


@dataclass(frozen=True)
class Left:
    """What was there at a moment and is not known to be equal since.

    `tables`: with touched rows that were not read again, or to be read as a whole or in ranges. `rows`: by table,
    those that differed when they were last read.
    """

    tables: frozenset[Table]
    rows: Mapping[Table, tuple[Key, ...]]
