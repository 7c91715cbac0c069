"""What one server says of its tables, in three passes over its information_schema for all of them together."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

from migration.verify.model import Table
from providers.mysql.connection import Connection, Row
from providers.mysql.errors import StatementFailed
from providers.mysql.server import read_version
from providers.mysql.version import Version

# What holds rows; views do not. System-versioned tables and sequences are MariaDB's.
_KINDS = ("BASE TABLE", "SYSTEM VERSIONED", "SEQUENCE")


@dataclass(frozen=True)
class Listed:
    """A column as the server lists it. `charset` and `collation` are empty where it holds no text.

    `position`: its place in the table, counted from 0.
    """

    name: str
    data_type: str
    column_type: str
    charset: str
    collation: str
    nullable: bool
    extra: str
    position: int

    @property
    def virtual(self) -> bool:
        """Whether it is computed when it is read."""
        return "VIRTUAL" in self.extra

    @property
    def generated_key(self) -> bool:
        """Whether it is the invisible primary key that MySQL makes (MySQL manual, Generated Invisible Primary Keys)."""
        return self.name == "my_row_id" and "INVISIBLE" in self.extra and "AUTO_INCREMENT" in self.extra


@dataclass(frozen=True)
class Index:
    """A unique index over whole columns; `descending` in the order of the columns."""

    name: str
    columns: tuple[str, ...]
    descending: tuple[bool, ...]


@dataclass(frozen=True)
class Definition:
    """A table on one server.

    `rows` and `size` (bytes) are the server's estimates; `engine` is empty where the server cannot open the table.
    `indexes`: those that can name a row, the primary key first.
    """

    table: Table
    kind: str
    engine: str
    rows: int
    size: int
    columns: tuple[Listed, ...]
    indexes: tuple[Index, ...]


@dataclass(frozen=True)
class Catalogue:
    """The tables of one server. `folds`: it does not tell names that differ in case from each other."""

    version: Version
    folds: bool
    tables: Mapping[Table, Definition]


def read_catalogue(
    connection: Connection, databases: Sequence[str], tables: Iterable[Table] | None = None
) -> Catalogue:
    """All tables of the databases that hold rows; only `tables` where they are given.

    Raises:
        ServerError: the server does not answer.
    """
    version = read_version(connection)
    _see_everything(connection, version)
    folds = int(connection.value("SELECT @@lower_case_table_names")) != 0
    wanted = None if tables is None else tuple(tables)
    if not databases or wanted == ():
        return Catalogue(version, folds, {})
    where, args = _where(databases, wanted)
    columns = _columns(connection, where, args)
    indexes = _indexes(connection, version, where, args)
    found = {}
    for row in connection.rows(
        "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_ROWS, DATA_LENGTH "
        f"FROM information_schema.TABLES WHERE {where}",
        args,
    ):
        table, kind = (_text(row[0]), _text(row[1])), _text(row[2]).upper()
        if kind in _KINDS:
            own = tuple(columns.get(table, ()))
            found[table] = Definition(
                table,
                kind,
                _text(row[3]),
                int(row[4] or 0),
                int(row[5] or 0),
                own,
                _usable(own, indexes.get(table, [])),
            )
    return Catalogue(version, folds, found)


def read_both(
    source: Connection, target: Connection, databases: Sequence[str], tables: Iterable[Table] | None = None
) -> tuple[Catalogue, Catalogue]:
    """As `read_catalogue`, of two servers at the same time.

    Raises:
        ServerError: as `read_catalogue`.
    """
    wanted = None if tables is None else tuple(tables)
    with ThreadPoolExecutor(1) as pool:
        there = pool.submit(read_catalogue, target, databases, wanted)
        return read_catalogue(source, databases, wanted), there.result()


def _see_everything(connection: Connection, version: Version) -> None:
    if version.mysql_from(8, 0):
        # Sizes as they are now; and the server keeps none of them, which would be a write.
        connection.run("SET SESSION information_schema_stats_expiry = 0")
    if version.mysql_from(8, 0, 30):
        with contextlib.suppress(StatementFailed):
            connection.run("SET SESSION show_gipk_in_create_table_and_information_schema = ON")


def _where(databases: Sequence[str], tables: Sequence[Table] | None) -> tuple[str, list[str]]:
    # An equality is looked up, a list of one is searched for, by servers before 8.0.
    one = len(databases) == 1
    where = "TABLE_SCHEMA = %s" if one else f"TABLE_SCHEMA IN ({', '.join(['%s'] * len(databases))})"
    args = list(databases)
    if tables is not None:
        where += f" AND TABLE_NAME IN ({', '.join(['%s'] * len(tables))})"
        args += [name for _, name in tables]
    return where, args


def _text(value: object) -> str:
    if value is None:
        return ""
    return bytes(value).decode("utf-8", "replace") if isinstance(value, (bytes, bytearray)) else str(value)


def _columns(connection: Connection, where: str, args: Sequence[str]) -> dict[Table, list[Listed]]:
    found: dict[Table, list[Listed]] = {}
    for row in connection.rows(
        "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, CHARACTER_SET_NAME, COLLATION_NAME, "
        f"IS_NULLABLE, EXTRA, ORDINAL_POSITION FROM information_schema.COLUMNS WHERE {where} "
        "ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION",
        args,
    ):
        words = [_text(value) for value in row]
        column = Listed(
            words[2], words[3].lower(), _plain(words[4]), _current(words[5]), _current(words[6]),
            words[7] == "YES", words[8].upper(), int(words[9]) - 1,
        )  # fmt: skip
        found.setdefault((words[0], words[1]), []).append(column)
    return found


@lru_cache(1000)
def _plain(column_type: str) -> str:
    """A type without what says nothing of its values: the width at which numbers are shown, and comments."""
    text = re.sub(r"\s*/\*.*?\*/", "", column_type)
    if text.lower().startswith(("enum(", "set(")):
        return text[: text.index("(")].lower() + text[text.index("(") :]
    text = text.lower()
    if re.match(r"(tiny|small|medium|big)?int\b|year\b", text):
        text = re.sub(r"\(\d+\)", "", text, count=1).replace(" zerofill", "")
    return "geometrycollection" if text == "geomcollection" else text


@lru_cache(1000)
def _current(charset: str) -> str:
    """A character set or collation by its present name: utf8 is what utf8mb3 was called."""
    return re.sub(r"^utf8(?=_|$)", "utf8mb3", charset)


def _indexes(
    connection: Connection, version: Version, where: str, args: Sequence[str]
) -> dict[Table, list[tuple[str, list[Row]]]]:
    hidden = (
        "IS_VISIBLE = 'NO'" if version.mysql_from(8, 0) else "IGNORED = 'YES'" if version.mariadb_from(10, 6) else "0"
    )
    found: dict[Table, dict[str, list[Row]]] = {}
    for row in connection.rows(
        f"SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, COLUMN_NAME, SUB_PART, COLLATION, INDEX_TYPE, {hidden} "
        f"FROM information_schema.STATISTICS WHERE {where} AND NON_UNIQUE = 0 "
        "ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX",
        args,
    ):
        table = _text(row[0]), _text(row[1])
        found.setdefault(table, {}).setdefault(_text(row[2]), []).append(row[3:])
    return {table: list(indexes.items()) for table, indexes in found.items()}


def _usable(columns: Sequence[Listed], indexes: Iterable[tuple[str, list[Row]]]) -> tuple[Index, ...]:
    """The indexes that name a row and can be read in order: whole columns, never NULL, never computed."""
    named = {column.name.lower(): column for column in columns}
    found = []
    for name, parts in indexes:
        whole = [
            column is not None and sub_part is None and _text(kind).upper() == "BTREE" and not int(hidden)
            for column, sub_part, _, kind, hidden in parts
        ]
        # A system-versioned table has a column in its key that it lists nowhere; it is the same in all present rows.
        listed = [part for part in parts if _text(part[0]).lower() in named]
        own = [named[_text(part[0]).lower()] for part in listed]
        if not all(whole) or not own or any(column.nullable or column.virtual for column in own):
            continue
        descending = tuple(_text(part[2]).upper() == "D" for part in listed)
        found.append(Index(name, tuple(column.name for column in own), descending))
    return tuple(sorted(found, key=lambda index: (index.name.upper() != "PRIMARY", len(index.columns), index.name)))
