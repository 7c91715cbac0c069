"""What several checks need to know of a server, asked once per run of the checks.

information_schema answers slowly where there are many tables (MySQL before 8.0 opens the files of each), so a list
is asked for once, with what its checks need and no more. No statement here reads or locks rows of a user's table.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from migration.check import Pair
from migration.checks.jumps.reserved import newly_reserved
from migration.checks.sight import channel_from_source, moved_databases, require
from providers.mysql.connection import Row
from providers.mysql.errors import PrivilegeMissing
from providers.mysql.literals import quote_text
from providers.mysql.server import Server


def variables(pair: Pair, server: Server) -> Mapping[str, str]:
    """Every global variable of a server, by its name in small letters."""
    return pair.once(
        ("variables", server.name),
        lambda: {str(name).lower(): str(value) for name, value in server.rows("SHOW GLOBAL VARIABLES")},
    )


def moved(pair: Pair) -> tuple[str, ...]:
    """The databases that are to be moved.

    Raises:
        PrivilegeMissing: the account may not see all databases of the source.
    """
    return pair.once("moved", lambda: moved_databases(pair))


def in_moved(pair: Pair, column: str) -> tuple[str, tuple[str, ...]]:
    """A condition for information_schema, `column IN (...)`, and its arguments."""
    names = moved(pair)
    return f"{column} IN ({', '.join(['%s'] * len(names)) or 'NULL'})", names


def ask_moved(pair: Pair, select: str, column: str, privilege: str, rest: str = "") -> tuple[Row, ...]:
    """Rows of the source's information_schema on the databases to move.

    Args:
        pair: the pair.
        select: `SELECT ... FROM information_schema...`, without WHERE.
        column: the one that names the database.
        privilege: without which the list would be shorter and nobody would be told.
        rest: what follows the condition, beginning with AND or ORDER BY.

    Raises:
        PrivilegeMissing: the account would not see all of them.
    """
    condition, names = in_moved(pair, column)
    may_see(pair, privilege)
    if not names:
        return ()
    # A session of its own: several of these are asked at once.
    with contextlib.closing(pair.source.connect()) as session:
        return session.rows(f"{select} WHERE {condition} {rest}", names)


def may_see(pair: Pair, privilege: str) -> None:
    """Make sure that the source's account holds a privilege on everything that moves; see `sight.require`."""
    pair.once(("may see", privilege), lambda: require(pair.source, privilege, moved(pair)))


def has_its_copy(pair: Pair) -> bool:
    """Whether the target follows the source, so that it has taken every definition there is."""
    return pair.once("has its copy", lambda: channel_from_source(pair) is not None)


@dataclass(frozen=True)
class Table:
    """A base table of the source. `rows` is InnoDB's estimate; `size` in bytes, data and indexes."""

    base: str
    name: str
    engine: str
    row_format: str
    rows: int
    size: int
    collation: str
    options: str
    auto_increment: int | None


def tables(pair: Pair) -> tuple[Table, ...]:
    """The base tables of the databases to move, by database and name."""
    return pair.once("tables", lambda: _tables(pair))


def _tables(pair: Pair) -> tuple[Table, ...]:
    rows = ask_moved(
        pair,
        "SELECT table_schema, table_name, engine, row_format, table_rows, data_length + index_length, "
        "table_collation, create_options, auto_increment FROM information_schema.tables",
        "table_schema",
        "SELECT",
        "AND table_type = 'BASE TABLE'",
    )
    found = (
        Table(
            str(base), str(name), str(engine or ""), str(form or ""), int(count or 0), int(size or 0),
            str(collation or ""), str(options or ""), None if number is None else int(number),
        )
        for base, name, engine, form, count, size, collation, options, number in rows
    )  # fmt: skip
    return tuple(sorted(found, key=lambda table: (table.base, table.name)))


@dataclass(frozen=True)
class Column:
    """A column. `kind`: the data type; `type`: in full; `key`, `extra`, `default`: as information_schema has them.

    `expression`: what a generated column is computed from.
    """

    base: str
    table: str
    name: str
    kind: str
    type: str
    default: str | None
    key: str
    extra: str
    collation: str
    expression: str

    @property
    def place(self) -> tuple[str, str, str]:
        """Database, table and column, for evidence."""
        return self.base, self.table, self.name

    @property
    def formula(self) -> str:
        """What it is worked out by, as a generated column or by its default; empty for an ordinary one."""
        return self.expression or ((self.default or "") if "DEFAULT_GENERATED" in self.extra else "")


def columns(pair: Pair) -> tuple[Column, ...]:
    """The columns that some check wants to look at, of tables and views: one pass for all of them; see `_WORTH`."""
    return pair.once("columns", lambda: _columns(pair))


OLD_TEMPORAL = "5.5 binary format"
# What makes a column worth a look, by the side it is asked on; `%%` since the statement has arguments.
_WORTH = (
    "data_type IN ('date', 'datetime', 'timestamp') AND column_default LIKE '%%-00%%'",
    "data_type IN ('float', 'double') AND column_key = 'PRI'",
    "data_type IN ('enum', 'set') AND CHAR_LENGTH(column_type) > 260",
    "(data_type LIKE '%%text' OR data_type LIKE '%%blob' OR data_type = 'json') AND column_default IS NOT NULL "
    "AND column_default <> 'NULL'",
    "extra LIKE '%%INVISIBLE%%'",
)
_FORMULA = "extra LIKE '%%DEFAULT_GENERATED%%' AND column_default NOT LIKE 'CURRENT_TIMESTAMP%%'"
_WORTH_BETWEEN_FAMILIES = "data_type IN ('json', 'uuid', 'inet4', 'inet6', 'vector', 'xmltype')"
_WORTH_ON_MARIADB = (
    "column_type LIKE '%%COMPRESSED%%'",
    "column_type LIKE '%%mariadb-5.3%%'",
    # A default that is no literal, number or moment: MySQL takes none, or only in parentheses.
    "column_default NOT LIKE '''%%' AND column_default NOT REGEXP "
    "'^(NULL|[-+0-9.eE]+|b''[01]*''|current_timestamp[(][0-6]?[)])$'",
)


def _columns(pair: Pair) -> tuple[Column, ...]:
    version = pair.source.version
    generated = version.mysql_from(5, 7, 6) or version.mariadb_from(10, 2, 5)
    old = not version.mariadb and not version.mysql_from(8, 0)
    worth, args = _worth_a_look(pair, generated, old)
    condition, names = in_moved(pair, "table_schema")
    may_see(pair, "SELECT")
    if not names:
        return ()
    with contextlib.closing(pair.source.connect()) as session:
        if old:
            # MySQL 5.6 and 5.7 tell the format of before 5.6.4 to a session that asks for it only.
            session.run("SET SESSION show_old_temporals = ON")
        rows = session.rows(
            "SELECT table_schema, table_name, column_name, data_type, column_type, column_default, column_key, extra, "
            f"collation_name, {'generation_expression' if generated else 'NULL'} FROM information_schema.columns "
            f"WHERE {condition} AND ({worth})",
            (*names, *args),
        )
    found = (
        Column(
            str(base), str(table), str(name), str(kind).lower(), str(full), None if default is None else str(default),
            str(key), str(extra), str(collation or ""), str(expression or ""),
        )
        for base, table, name, kind, full, default, key, extra, collation, expression in rows
    )  # fmt: skip
    return tuple(sorted(found, key=lambda column: column.place))


def _worth_a_look(pair: Pair, generated: bool, old: bool) -> tuple[str, tuple[str, ...]]:
    """The condition that picks columns, and its arguments."""
    parts = [*_WORTH, _counters(pair)]
    args: tuple[str, ...] = ()
    if pair.source.version.mysql_from(8, 0, 13):
        parts.append(_FORMULA)
    if generated:
        parts.append("generation_expression <> ''")
    if old:
        parts.append(f"column_type LIKE '%%{OLD_TEMPORAL}%%'")
    if pair.source.version.mariadb:
        parts += _WORTH_ON_MARIADB
    there = pair.foreseen
    if there is not None and there.mariadb != pair.source.version.mariadb:
        parts.append(_WORTH_BETWEEN_FAMILIES)
    if there is not None and (words := newly_reserved(pair.source.version, there)):
        parts.append(f"UPPER(column_name) IN ({', '.join(quote_text(word) for word in sorted(words))})")
    if pair.other is not None and pair.other.version != pair.source.version:
        args = tuple(sorted(collations(pair, pair.other)))
        parts.append(f"collation_name NOT IN ({', '.join(['%s'] * len(args))})")
    return " OR ".join(f"({part})" for part in parts), args


def _counters(pair: Pair) -> str:
    """AUTO_INCREMENT columns of types that can be near their end, as high as the counters are."""
    highest = max((table.auto_increment or 0 for table in tables(pair)), default=0)
    kinds = ["float", "double", "tinyint", "smallint", "mediumint"]
    kinds += [kind for kind, end in (("int", 1 << 31), ("bigint", 1 << 63)) if highest > end // 2]
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    return f"extra LIKE '%%auto_increment%%' AND data_type IN ({listed})"


def collations(pair: Pair, server: Server) -> frozenset[str]:
    """The collations that a server knows, by their full names."""
    return pair.once(("collations", server.name), lambda: _collations(server))


def _collations(server: Server) -> frozenset[str]:
    if server.version.mariadb_from(10, 10, 1):
        # Collations that go with several character sets have their full names only here.
        rows = server.rows("SELECT full_collation_name FROM information_schema.collation_character_set_applicability")
    else:
        rows = server.rows("SELECT collation_name FROM information_schema.collations")
    names = {str(row[0]) for row in rows}
    # A server that calls them utf8mb3 takes their old names as well.
    return frozenset(names | {name.replace("utf8mb3_", "utf8_", 1) for name in names})


@dataclass(frozen=True)
class Key:
    """An index. `columns`: empty names stand for expressions. `prefixed`: those of them that it has the beginning of.

    `nullable`: whether a part may be NULL. `odd`: what an older or another server does not know of it.
    """

    base: str
    table: str
    name: str
    unique: bool
    columns: tuple[str, ...]
    prefixed: frozenset[str]
    nullable: bool
    odd: frozenset[str]


def keys(pair: Pair) -> tuple[Key, ...]:
    """Every unique index, and of the others those that have something odd (only the odd parts of them)."""
    return pair.once("keys", lambda: _keys(pair))


def _keys(pair: Pair) -> tuple[Key, ...]:
    version = pair.source.version
    visible = "is_visible" if version.mysql_from(8, 0) else "'YES'"
    ignored = "ignored" if version.mariadb_from(10, 6, 0) else "'NO'"
    expression = "expression" if version.mysql_from(8, 0, 13) else "NULL"
    rows = ask_moved(
        pair,
        f"SELECT table_schema, table_name, index_name, seq_in_index, non_unique, column_name, sub_part, nullable, "
        f"collation, {visible}, {ignored}, {expression} FROM information_schema.statistics",
        "table_schema",
        "SELECT",
        f"AND (non_unique = 0 OR collation = 'D' OR {visible} = 'NO' OR {ignored} = 'YES' OR {expression} IS NOT NULL)",
    )
    parts: dict[tuple[str, str, str], list[Row]] = {}
    for row in sorted(rows, key=lambda row: (*row[:3], int(row[3]))):
        parts.setdefault((str(row[0]), str(row[1]), str(row[2])), []).append(row[4:])
    return tuple(_key(name, found) for name, found in parts.items())


def _key(name: tuple[str, str, str], parts: list[Row]) -> Key:
    odd = set()
    for part in parts:
        if part[4] == "D":
            odd.add("descending")
        if part[5] == "NO" or part[6] == "YES":
            odd.add("invisible")
        if part[7] is not None:
            odd.add("multi-valued" if " array)" in str(part[7]).lower() else "functional")
    return Key(
        *name,
        unique=not int(parts[0][0]),
        columns=tuple(str(part[1] or "") for part in parts),
        prefixed=frozenset(str(part[1]) for part in parts if part[2] is not None),
        nullable=any(part[3] == "YES" for part in parts),
        odd=frozenset(odd),
    )


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key: `columns` of a table refer to those of a parent."""

    base: str
    table: str
    name: str
    columns: tuple[str, ...]
    parent_base: str
    parent: str
    parent_columns: tuple[str, ...]

    @property
    def refers(self) -> str:
        """What it refers to, for evidence."""
        return f"{self.parent_base}.{self.parent} ({', '.join(self.parent_columns)})"


def foreign_keys(pair: Pair) -> tuple[ForeignKey, ...]:
    """The foreign keys of the tables to move."""
    return pair.once("foreign keys", lambda: _foreign_keys(pair))


def _foreign_keys(pair: Pair) -> tuple[ForeignKey, ...]:
    if _no_foreign_keys(pair):
        return ()
    rows = ask_moved(
        pair,
        "SELECT table_schema, table_name, constraint_name, ordinal_position, column_name, referenced_table_schema, "
        "referenced_table_name, referenced_column_name FROM information_schema.key_column_usage",
        "table_schema",
        "SELECT",
        "AND referenced_table_name IS NOT NULL",
    )
    found: dict[tuple[str, str, str], list[tuple[str, ...]]] = {}
    for row in sorted(rows, key=lambda row: (*row[:3], int(row[3]))):
        found.setdefault((str(row[0]), str(row[1]), str(row[2])), []).append(tuple(str(cell) for cell in row[4:]))
    return tuple(
        ForeignKey(*name, tuple(p[0] for p in parts), parts[0][1], parts[0][2], tuple(p[3] for p in parts))
        for name, parts in found.items()
    )


def _no_foreign_keys(pair: Pair) -> bool:
    """Whether InnoDB has none at all: an old server opens every table for the list of them.

    False where it is not known (the account lacks PROCESS).
    """
    if pair.source.version.mysql_from(8, 0):
        return False
    may_see(pair, "SELECT")
    try:
        return not pair.source.rows("SELECT 1 FROM information_schema.innodb_sys_foreign LIMIT 1")
    except PrivilegeMissing:
        return False


@dataclass(frozen=True)
class Partitioned:
    """A partitioned table. `method` and `expression`: of its partitions and subpartitions; `number` of all of them."""

    base: str
    table: str
    method: str
    expression: str
    tablespace: str
    number: int


def partitioned(pair: Pair) -> tuple[Partitioned, ...]:
    """The partitioned tables; an old server is asked for its partitions only where there are any."""
    return pair.once("partitioned", lambda: _partitioned(pair))


def _partitioned(pair: Pair) -> tuple[Partitioned, ...]:
    # MySQL 8.0 does not say it of a table partitioned by KEY (), and has the list at hand.
    old = pair.source.version.mariadb or not pair.source.version.mysql_from(8, 0)
    if old and not any("partitioned" in table.options.lower() for table in tables(pair)):
        return ()
    rows = ask_moved(
        pair,
        "SELECT table_schema, table_name, CONCAT_WS(' ', MAX(partition_method), MAX(subpartition_method)), "
        "CONCAT_WS(', ', MAX(partition_expression), MAX(subpartition_expression)), MAX(tablespace_name), COUNT(*) "
        "FROM information_schema.partitions",
        "table_schema",
        "SELECT",
        "AND partition_name IS NOT NULL GROUP BY table_schema, table_name ORDER BY table_schema, table_name",
    )
    return tuple(
        Partitioned(str(base), str(name), str(method), str(expression), str(space or ""), int(number))
        for base, name, method, expression, space, number in rows
    )
