"""What is in a server's databases: tables, and the objects that hang on them, as the server itself writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from providers.mysql.connection import Connection
from providers.mysql.literals import Column, quote_name
from providers.mysql.server import Server
from providers.mysql.version import Version

_COUNTER = re.compile(r" AUTO_INCREMENT=\d+")
# Modes that a server may put in a routine's sql_mode and a later server no longer knows (MySQL 8.0 release notes).
_MODES_GONE = frozenset({
    "NO_AUTO_CREATE_USER", "DB2", "MAXDB", "MSSQL", "MYSQL323", "MYSQL40", "ORACLE", "POSTGRESQL",
    "NO_FIELD_OPTIONS", "NO_KEY_OPTIONS", "NO_TABLE_OPTIONS",
})  # fmt: skip
# What the text of an object means depends on these; the columns of SHOW CREATE have the same names.
_SESSION = ("sql_mode", "collation_connection", "time_zone")
# As every server shows it (MySQL manual, SHOW CREATE VIEW and others).
_DEFINER = re.compile(r"DEFINER=`(?:[^`]|``)*`@`(?:[^`]|``)*` ")
_EVENT_STATE = re.compile(r"\b(ENABLE|DISABLE)( ON (SLAVE|REPLICA))?(?=( COMMENT| DO\b))")


@dataclass(frozen=True)
class Table:
    """A base table. `rows` and `size` (bytes) are the server's estimates; `columns` are the stored ones."""

    database: str
    name: str
    engine: str
    rows: int
    size: int
    definition: str
    columns: tuple[Column, ...]

    @property
    def quoted(self) -> str:
        """The qualified name in backticks."""
        return f"{quote_name(self.database)}.{quote_name(self.name)}"


@dataclass(frozen=True)
class StoredObject:
    """A view, routine, trigger or event: what creates it, and the variables of the session it was created in."""

    kind: str
    database: str
    name: str
    definition: str
    session: Mapping[str, str]


def shape(definition: str) -> str:
    """A table's definition without its counter, to compare two readings of it."""
    return _COUNTER.sub("", definition)


def _placeholders(values: Sequence[str]) -> str:
    return ", ".join(["%s"] * len(values))


def read_tables(server: Server, databases: Sequence[str]) -> tuple[Table, ...]:
    """All base tables of the databases, largest first. The definition is the server's own SHOW CREATE TABLE."""
    if not databases:
        return ()
    listed = server.rows(
        "SELECT table_schema, table_name, engine, COALESCE(table_rows, 0), COALESCE(data_length, 0) "
        f"FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND table_schema IN "
        f"({_placeholders(databases)})",
        databases,
    )
    columns = _columns(server, databases)
    tables = [
        Table(
            database,
            name,
            str(engine),
            int(rows),
            int(size),
            table_definition(server, database, name),
            tuple(columns.get((database, name), ())),
        )
        for database, name, engine, rows, size in listed
    ]
    return tuple(sorted(tables, key=lambda table: (-table.size, table.database, table.name)))


def uncopied_tables(server: Server, databases: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Tables that hold more than rows, with what they are: system-versioned ones and sequences of MariaDB.

    MySQL has none: its tables are BASE TABLE, VIEW or SYSTEM VIEW (MySQL manual, The INFORMATION_SCHEMA TABLES Table).
    """
    if not databases or not server.version.mariadb:
        return ()
    rows = server.rows(
        "SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema IN "
        f"({_placeholders(databases)}) AND table_type NOT IN ('BASE TABLE', 'VIEW', 'SYSTEM VIEW') ORDER BY 1, 2",
        databases,
    )
    return tuple((f"{database}.{name}", str(kind).lower()) for database, name, kind in rows)


def table_definition(server: Server, database: str, name: str) -> str:
    """SHOW CREATE TABLE."""
    return str(server.rows(f"SHOW CREATE TABLE {quote_name(database)}.{quote_name(name)}")[0][1])


def _columns(server: Server, databases: Sequence[str]) -> dict[tuple[str, str], list[Column]]:
    found: dict[tuple[str, str], list[Column]] = {}
    rows = server.rows(
        "SELECT table_schema, table_name, column_name, data_type, extra FROM information_schema.columns "
        f"WHERE table_schema IN ({_placeholders(databases)}) ORDER BY table_schema, table_name, ordinal_position",
        databases,
    )
    for database, table, column, kind, extra in rows:
        if "GENERATED" not in str(extra).upper().replace("DEFAULT_GENERATED", ""):
            found.setdefault((database, table), []).append(Column(str(column), str(kind).lower()))
    return found


def read_database_definition(server: Server, database: str) -> str:
    """SHOW CREATE DATABASE."""
    return str(server.rows(f"SHOW CREATE DATABASE {quote_name(database)}")[0][1])


def read_objects(server: Server, database: str) -> tuple[StoredObject, ...]:
    """Views, routines, triggers and events of a database, in an order in which they can be created.

    A view may rest on another view; the caller creates views until no more succeed.
    """
    return (
        *_routines(server, database),
        *_views(server, database),
        *_triggers(server, database),
        *_events(server, database),
    )


def _views(server: Server, database: str) -> list[StoredObject]:
    names = server.rows("SELECT table_name FROM information_schema.views WHERE table_schema = %s", (database,))
    return [_stored(server, "VIEW", database, name, "Create View") for (name,) in names]


def _routines(server: Server, database: str) -> list[StoredObject]:
    rows = server.rows(
        "SELECT routine_type, routine_name FROM information_schema.routines WHERE routine_schema = %s", (database,)
    )
    return [_stored(server, str(kind), database, name, f"Create {str(kind).title()}") for kind, name in rows]


def _triggers(server: Server, database: str) -> list[StoredObject]:
    rows = server.rows(
        "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = %s "
        "ORDER BY event_object_table, action_timing, event_manipulation, action_order",
        (database,),
    )
    return [_stored(server, "TRIGGER", database, name, "SQL Original Statement") for (name,) in rows]


def _events(server: Server, database: str) -> list[StoredObject]:
    rows = server.rows("SELECT event_name FROM information_schema.events WHERE event_schema = %s", (database,))
    return [_stored(server, "EVENT", database, name, "Create Event") for (name,) in rows]


def _stored(server: Server, kind: str, database: str, name: object, column: str) -> StoredObject:
    """One object from its SHOW CREATE, whose columns also tell the session that its text was written in."""
    row = server.named(f"SHOW CREATE {kind} {_dotted(database, name)}")[0]
    session = {variable: str(row[variable]) for variable in _SESSION if row.get(variable) is not None}
    return StoredObject(kind, database, str(name), str(row[column]), session)


def _dotted(database: str, name: object) -> str:
    return f"{quote_name(database)}.{quote_name(str(name))}"


def as_ours(item: StoredObject) -> StoredObject:
    """The same without a definer, so that the account that creates it becomes that."""
    return replace(item, definition=_DEFINER.sub("", item.definition, count=1))


def create_object(target: Connection, item: StoredObject, version: Version) -> None:
    """Create one stored object on a target of this version. Events are created switched off: a replica runs none.

    Raises:
        ServerError: the target refused it, in its own words.
    """
    for variable in _SESSION:
        value = item.session.get(variable)
        if variable == "sql_mode":
            gone = _MODES_GONE if version.mysql_from(8, 0) else frozenset()
            value = ",".join(mode for mode in (value or "").split(",") if mode not in gone)
        if value is not None:
            target.run(f"SET SESSION {variable} = %s", (value,))
    target.run(f"USE {quote_name(item.database)}")
    definition = item.definition
    if item.kind == "EVENT":
        definition = _EVENT_STATE.sub("DISABLE ON SLAVE", definition, count=1)
    target.run(definition)
