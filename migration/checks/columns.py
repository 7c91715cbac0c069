"""Columns that another version or family of server does not take, or takes for something else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from migration.check import Pair, Result, Route, Severity, check
from migration.checks import facts
from migration.checks.facts import Column
from migration.checks.results import count, failed, not_applicable, passed, table
from migration.model import Side

_HEADS = ("database", "table", "column", "type")
_LONGEST_ELEMENT = 255
_ELEMENT = re.compile(r"'((?:[^']|'')*)'", re.DOTALL)
_CAST = re.compile(r"\b(?:cast|convert)\s*\(", re.IGNORECASE)
_HIGHEST = {"tinyint": 1 << 7, "smallint": 1 << 15, "mediumint": 1 << 23, "int": 1 << 31, "bigint": 1 << 63}
_NEARLY = 0.8
_BLOBS = re.compile(r"text|blob|json")
_MARIADB_KINDS = frozenset({"uuid", "inet4", "inet6", "vector", "xmltype"})
_ZERO_MODES = frozenset({"NO_ZERO_DATE", "NO_ZERO_IN_DATE", "TRADITIONAL"})
# A default that every server writes and takes: a literal, a number, NULL or the current moment.
_PLAIN_DEFAULT = re.compile(r"'.*'|NULL|[-+0-9.eE]+|b'[01]*'|current_timestamp\([0-6]?\)", re.DOTALL | re.IGNORECASE)


def _of_tables(pair: Pair) -> Iterator[Column]:
    """The columns worth a look that are columns of tables, not of views."""
    named = {(t.base, t.name) for t in facts.tables(pair)}
    return (column for column in facts.columns(pair) if (column.base, column.table) in named)


def _short(type_: str) -> str:
    return type_ if len(type_) <= 60 else type_[:57] + "..."


def _rows(columns: Iterable[Column]) -> list[tuple[str, ...]]:
    return [(*column.place, _short(column.type)) for column in columns]


@check(
    "long-elements",
    "ENUM and SET elements are short",
    Side.BOTH,
    Severity.BLOCKER,
    why="MySQL 8.0 refuses a table with an ENUM or SET element of more than 255 characters.",
    asks="column_type of ENUM and SET columns in information_schema.columns",
    page="MySQL 8.0 Reference Manual, Preparing Your Installation for Upgrade",
)
def long_elements(pair: Pair) -> Result:
    """Fails where an element is too long for the target."""
    if not pair.target_version.mysql_from(8, 0):
        return not_applicable("only MySQL 8.0 and later refuse them")
    found = [
        column
        for column in _of_tables(pair)
        if column.kind in ("enum", "set")
        and any(len(one.replace("''", "'")) > _LONGEST_ELEMENT for one in _ELEMENT.findall(column.type))
    ]
    if not found:
        return passed("all are")
    return failed(
        count(len(found), "column has a longer one", "columns have longer ones"),
        table(_HEADS, _rows(found)),
        "Shorten these elements to 255 characters (ALTER TABLE ... MODIFY), or make the column a VARCHAR.",
    )


@check(
    "float-counters",
    "counters are whole numbers",
    Side.BOTH,
    Severity.BLOCKER,
    why="MySQL 8.4 refuses AUTO_INCREMENT on FLOAT and DOUBLE columns.",
    asks="SELECT ... FROM information_schema.columns WHERE extra LIKE '%auto_increment%'",
    page="MySQL 8.4 Reference Manual, What Is New in MySQL 8.4",
)
def float_counters(pair: Pair) -> Result:
    """Fails where a FLOAT or DOUBLE counts up and the target no longer allows it."""
    if not pair.target_version.mysql_from(8, 4):
        return not_applicable("only MySQL 8.4 and later refuse them")
    found = [c for c in _of_tables(pair) if c.kind in ("float", "double") and "auto_increment" in c.extra.lower()]
    if not found:
        return passed("all are")
    return failed(
        count(len(found), "is inexact", "are inexact"),
        table(_HEADS, _rows(found)),
        "Make these columns BIGINT (ALTER TABLE ... MODIFY ... BIGINT NOT NULL AUTO_INCREMENT).",
    )


@check(
    "zero-defaults",
    "defaults are real dates",
    Side.BOTH,
    Severity.WARNING,
    why="Where sql_mode forbids zero dates, such a table can be written, but no longer altered or created.",
    asks="column_default of DATE, DATETIME and TIMESTAMP columns; sql_mode on both",
    page="MySQL 8.4 Reference Manual, Server SQL Modes, NO_ZERO_DATE",
)
def zero_defaults(pair: Pair) -> Result:
    """Fails where a default has a zero date and the target's mode forbids it while the source's does not."""
    source, target = (
        _ZERO_MODES & set(facts.variables(pair, server).get("sql_mode", "").split(","))
        for server in (pair.source, pair.target)
    )
    if not target - source:
        return passed("the target is no stricter")
    found = [
        (*column.place, column.default)
        for column in _of_tables(pair)
        if column.kind in ("date", "datetime", "timestamp") and "-00" in (column.default or "")
    ]
    if not found:
        return passed("all are")
    return failed(
        count(len(found), "is a zero date", "are zero dates"),
        table(("database", "table", "column", "default"), found),
        "Nothing in the way of the migration. Before the next change to such a table, give the column another default "
        "(NULL, or CURRENT_TIMESTAMP), or leave NO_ZERO_DATE and NO_ZERO_IN_DATE out of the target's sql_mode. See "
        "that the application does not write zero dates: a strict target refuses them.",
    )


@check(
    "counter-headroom",
    "counters are far from their end",
    Side.SOURCE,
    Severity.WARNING,
    why="A counter that reaches the end of its type refuses every new row, on either server.",
    asks="auto_increment in information_schema.tables, and the type of the column that counts",
)
def counter_headroom(pair: Pair) -> Result:
    """Fails where more than four fifths of a counter's numbers are used up."""
    counters = {(t.base, t.name): t.auto_increment for t in facts.tables(pair) if t.auto_increment}
    rows = []
    for column in facts.columns(pair):
        value = counters.get((column.base, column.table))
        end = _HIGHEST.get(column.kind)
        if value is None or end is None or "auto_increment" not in column.extra.lower():
            continue
        last = (end * 2 if "unsigned" in column.type else end) - 1
        if value > last * _NEARLY:
            rows.append((*column.place, _short(column.type), value, last, f"{min(value / last, 1):.0%}"))
    if not rows:
        return passed("none is above 80%")
    return failed(
        count(len(rows), "is above 80%", "are above 80%"),
        table((*_HEADS, "next", "last", "used"), rows),
        "Change the column to the next larger type, BIGINT UNSIGNED at best, and every column that refers to it; on "
        "the source before the copy, since such a change takes long on a large table.",
    )


@check(
    "generated-casts",
    "generated columns mean the same",
    Side.BOTH,
    Severity.NOTICE,
    why="MySQL 8.0.28 computes CAST and CONVERT in another way, so that an index on such a column would be wrong.",
    asks="generation_expression in information_schema.columns",
    routes={Route.PHYSICAL: Severity.WARNING},
    page="MySQL 8.0.28 Release Notes; MySQL Shell, upgrade checker utility",
)
def generated_casts(pair: Pair) -> Result:
    """Fails where an indexed generated column is cast, and the target does so in another way than the source."""
    changed = (8, 0, 28)
    source, target = pair.source.version, pair.target_version
    if source.mariadb or source.mysql_from(*changed) or not target.mysql_from(*changed):
        return not_applicable("both cast in the same way")
    found = [column for column in _of_tables(pair) if column.key and _CAST.search(column.expression)]
    if not found:
        return passed("none is cast")
    return failed(
        count(len(found), "is cast and indexed", "are cast and indexed"),
        table((*_HEADS, "expression"), [(*c.place, _short(c.type), _short(c.expression)) for c in found]),
        "The target computes these anew, so its indexes are right; see whether the application relies on the old "
        "values (numbers and moments cast to text). Where the data files are copied as they are, drop such an index "
        "before and create it again afterwards.",
    )


@check(
    "old-temporals",
    "moments are stored the newer way",
    Side.SOURCE,
    Severity.BLOCKER,
    why="MySQL 8.0 and later misread moments in the format of before 5.6.4: a wrong time is stored, or they stop.",
    asks="column_type in information_schema.columns, with show_old_temporals = ON in a session of its own",
    routes={Route.LOGICAL: Severity.WARNING},
    page="MySQL 5.7 Reference Manual, Server System Variables, show_old_temporals; measured on 5.6 and 5.7 to 9.7",
)
def old_temporals(pair: Pair) -> Result:
    """Fails where a column still has the format of MySQL 5.5 and the target no longer reads it."""
    source, target = pair.source.version, pair.target_version
    if source.mariadb or source.mysql_from(8, 0):
        return not_applicable("it has the newer format only")
    found = [column for column in _of_tables(pair) if facts.OLD_TEMPORAL in column.type]
    if not found:
        return passed("all are")
    if not target.mysql_from(8, 0):
        return passed("the target reads the old one, too", table(_HEADS, _rows(found)))
    return failed(
        count(len(found), "is of the old format", "are of the old format"),
        table(_HEADS, _rows(found)),
        "Rebuild these tables on the source first (ALTER TABLE ... FORCE, which may take long and keeps writers "
        "waiting). As they are, row events carry the old format, and the target makes other moments of them.",
    )


@check(
    "family-types",
    "target knows every kind of column",
    Side.BOTH,
    Severity.BLOCKER,
    why="MySQL and MariaDB each have kinds of columns that the other refuses, or cannot replicate.",
    asks="data_type, column_type, column_default and extra in information_schema.columns; odd indexes; kinds of tables",
    page="MariaDB documentation, Incompatibilities and Feature Differences Between MariaDB and MySQL",
)
def family_types(pair: Pair) -> Result:
    """Fails where a table has what the other family does not know."""
    source, target = pair.source.version, pair.target_version
    if source.mariadb == target.mariadb:
        return not_applicable("the same family")
    rows = sorted(_strange_to_mysql(pair) if source.mariadb else _strange_to_mariadb(pair))
    if not rows:
        return passed("all are known there")
    return failed(
        count(len(rows), "is unknown there", "are unknown there"),
        table(("database", "table", "column or index", "what"), rows),
        "Change these on the source: other types (CHAR(36) for uuid, VARBINARY for inet6, LONGTEXT for json), columns "
        "without COMPRESSED, plain defaults, plain indexes.",
    )


def _strange_to_mysql(pair: Pair) -> Iterator[tuple[str, ...]]:
    target = pair.target_version
    for column in _of_tables(pair):
        if column.kind in _MARIADB_KINDS:
            yield (*column.place, f"the type {column.kind}")
        elif "COMPRESSED" in column.type:
            yield (*column.place, "a compressed column")
        elif "mariadb-5.3" in column.type:
            yield (*column.place, "a moment in MariaDB's old format")
        elif column.default is not None and not _PLAIN_DEFAULT.fullmatch(column.default):
            yield (*column.place, f"the default {_short(column.default)}")
        elif column.default not in (None, "NULL") and _BLOBS.search(column.kind):
            yield (*column.place, f"a default on {column.kind}")
        elif "INVISIBLE" in column.extra.upper() and not target.mysql_from(8, 0, 23):
            yield (*column.place, "an invisible column")
    for key in facts.keys(pair):
        if "invisible" in key.odd:
            yield key.base, key.table, key.name, "an ignored index"


def _strange_to_mariadb(pair: Pair) -> Iterator[tuple[str, ...]]:
    for column in _of_tables(pair):
        if column.kind == "vector":
            yield (*column.place, "the type vector, which is another one there")
        elif column.kind == "json" and pair.route is Route.NATIVE:
            yield (*column.place, "json, which does not replicate")
    for key in facts.keys(pair):
        for what in sorted(key.odd & {"functional", "multi-valued"}):
            yield key.base, key.table, key.name, f"a {what} index"
