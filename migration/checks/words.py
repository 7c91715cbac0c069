"""Names that another version of the server takes for something else, or not at all."""

from __future__ import annotations

from collections.abc import Iterator

from migration.check import Pair, Result, Route, Severity, check
from migration.checks import facts, objects
from migration.checks.jumps import dictionary
from migration.checks.jumps.reserved import newly_reserved
from migration.checks.results import count, failed, not_applicable, passed, table
from migration.checks.sight import require
from migration.model import Side

_DOLLAR_DEPRECATED = 8, 0, 32
_PLAIN_DIRECTORY = "#mysql50#"


@check(
    "reserved-words",
    "no name is a reserved word there",
    Side.SOURCE,
    Severity.WARNING,
    why="A statement with a name that has become a reserved word is an error, unless the name stands in backticks.",
    asks="the words that the target reserves and the source does not; names in information_schema",
    page="MySQL Reference Manual and MariaDB documentation, Reserved Words",
)
def reserved_words(pair: Pair) -> Result:
    """Fails where something has a name that is reserved on the target and not on the source."""
    words = newly_reserved(pair.source.version, pair.target_version)
    if not words:
        return passed("no word is reserved anew")
    columns = (("column", f"{each.base}.{each.table}", each.name) for each in facts.columns(pair))
    rows = [
        (kind, where, name, words[name.upper()].span.start)
        for kind, where, name in (*_names(pair), *columns)
        if name.upper() in words
    ]
    if not rows:
        return passed("none")
    return failed(
        count(len(rows), "name is reserved there", "names are reserved there"),
        table(("kind", "in", "name", "reserved since"), rows),
        "The copy and row events are not affected: they write names in backticks. Statements are: those of the "
        "application, texts of routines and events, and ALTER TABLE and the like that replication carries. Put these "
        "names in backticks wherever they are written, or rename them.",
    )


def _names(pair: Pair) -> Iterator[tuple[str, str, str]]:
    """Every name but those of columns, with its kind and where it is."""
    yield from (("database", "", name) for name in facts.moved(pair))
    yield from (("table", each.base, each.name) for each in facts.tables(pair))
    yield from ((item.kind.lower(), item.base, item.name) for item in objects.stored(pair))


@check(
    "dollar-names",
    "no name begins with $",
    Side.SOURCE,
    Severity.NOTICE,
    why="MySQL 8.0.32 and later warn of a name that begins with a dollar sign and is not in backticks.",
    asks="names of databases, tables, views, routines, triggers and events that begin with $",
    page="MySQL Reference Manual, Schema Object Names",
)
def dollar_names(pair: Pair) -> Result:
    """Fails where a name begins with a dollar sign and the target has begun to warn of it."""
    if pair.source.version.mysql_from(*_DOLLAR_DEPRECATED) or not pair.target_version.mysql_from(*_DOLLAR_DEPRECATED):
        return not_applicable("as on the source")
    rows = [row for row in _names(pair) if row[2].startswith("$")]
    if not rows:
        return passed("none")
    return failed(
        count(len(rows), "name", "names"),
        table(("kind", "in", "name"), rows),
        "Nothing fails as yet: put these names in backticks wherever a statement writes them, or rename them.",
    )


@check(
    "encoded-names",
    "no directory is taken for a database",
    Side.SOURCE,
    Severity.NOTICE,
    why="A directory in the data directory that no server has made looks like a database and is copied as one.",
    asks="names of databases and tables that begin with #mysql50#",
    page="MySQL 5.7 Reference Manual, Mapping of Identifiers to File Names",
)
def encoded_names(pair: Pair) -> Result:
    """Fails where a database or table is a directory or file that has not its name in the server's spelling."""
    names = [("database", "", name) for name in facts.moved(pair)]
    names += [("table", each.base, each.name) for each in facts.tables(pair)]
    rows = [row for row in names if row[2].startswith(_PLAIN_DIRECTORY)]
    if not rows:
        return passed("none")
    return failed(
        count(len(rows), "name", "names"),
        table(("kind", "in", "name"), rows),
        "lost+found of a file system is none: name the databases to move, or set ignore_db_dirs on the source. A "
        "database of MySQL 5.0 is copied with this name, and in MySQL 8.0 and later the beginning #mysql50# stays part "
        "of it: rename it before (MySQL 5.6 and 5.7: ALTER DATABASE ... UPGRADE DATA DIRECTORY NAME).",
    )


@check(
    "server-names",
    "no database has a server's own name",
    Side.SOURCE,
    Severity.WARNING,
    why="A database named sys is taken for the server's own and stays behind.",
    asks="tables of the database sys, where the source has none of its own",
    page="MySQL 5.7 Reference Manual, MySQL sys Schema",
)
def server_names(pair: Pair) -> Result:
    """Fails where somebody has a database of their own named as later servers name one of theirs."""
    version = pair.source.version
    if version.mysql_from(5, 7, 7) or version.mariadb_from(10, 6, 0):
        return passed("sys is the server's own")
    require(pair.source, "SELECT", ("sys",))
    rows = pair.source.rows(
        "SELECT table_schema, table_name, table_rows FROM information_schema.tables WHERE table_schema = 'sys' "
        "AND table_type = 'BASE TABLE' AND table_name <> 'sys_config' ORDER BY 2"
    )
    if not rows:
        return passed("none")
    return failed(
        count(len(rows), "table stays behind", "tables stay behind"),
        table(("database", "table", "rows, estimated"), rows),
        "Later servers have a database sys of their own, so this one is not moved: move its tables to a database "
        "with another name (RENAME TABLE), in the application as well.",
    )


@check(
    "dictionary-names",
    "no table in mysql is in the way",
    Side.SOURCE,
    Severity.BLOCKER,
    why="MySQL 8.0 makes tables for its data dictionary in the database mysql, and does not start where one is there.",
    asks="names of tables in the source's database mysql",
    page=dictionary.PAGE,
    routes={Route.NATIVE: None, Route.LOGICAL: None},
)
def dictionary_names(pair: Pair) -> Result:
    """Fails where somebody has made a table in the database mysql that has the name of one of the dictionary's."""
    if pair.source.version.mysql_from(*dictionary.SINCE) or not pair.target_version.mysql_from(*dictionary.SINCE):
        return not_applicable("as on the source")
    require(pair.source, "SELECT", ("mysql",))
    rows = pair.source.rows("SELECT table_name, engine FROM information_schema.tables WHERE table_schema = 'mysql'")
    found = sorted((str(name), str(engine or "")) for name, engine in rows if str(name).lower() in dictionary.TABLES)
    if not found:
        return passed("none")
    return failed(
        count(len(found), "is in the way", "are in the way"),
        table(("table", "engine"), found),
        "These are not the server's own: move them to another database (RENAME TABLE), or drop them.",
    )
