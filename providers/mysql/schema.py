"""What is in a server's databases: tables, and the objects that hang on them, as the server itself writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from providers.mysql.connection import Connection
from providers.mysql.literals import Column, quote_name
from providers.mysql.server import Server

_COUNTER = re.compile(r" AUTO_INCREMENT=\d+")
# Modes that a server may put in a routine's sql_mode and a later server no longer knows (MySQL 8.0 release notes).
_MODES_GONE = {
    "NO_AUTO_CREATE_USER", "DB2", "MAXDB", "MSSQL", "MYSQL323", "MYSQL40", "ORACLE", "POSTGRESQL",
    "NO_FIELD_OPTIONS", "NO_KEY_OPTIONS", "NO_TABLE_OPTIONS",
}  # fmt: skip


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
    """A view, routine, trigger or event: what creates it, and the session it was created in."""

    kind: str
    database: str
    name: str
    definition: str
    sql_mode: str
    enabled: bool


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
    return [
        StoredObject("VIEW", database, str(name), str(server.rows(f"SHOW CREATE VIEW {_dotted(database, name)}")[0][1]),
                     "", True)
        for (name,) in names
    ]  # fmt: skip


def _routines(server: Server, database: str) -> list[StoredObject]:
    rows = server.rows(
        "SELECT routine_type, routine_name FROM information_schema.routines WHERE routine_schema = %s", (database,)
    )
    objects = []
    for kind, name in rows:
        row = server.rows(f"SHOW CREATE {kind} {_dotted(database, name)}")[0]
        objects.append(StoredObject(str(kind), database, str(name), str(row[2]), str(row[1]), True))
    return objects


def _triggers(server: Server, database: str) -> list[StoredObject]:
    rows = server.rows(
        "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = %s "
        "ORDER BY event_object_table, action_timing, event_manipulation, action_order",
        (database,),
    )
    objects = []
    for (name,) in rows:
        row = server.rows(f"SHOW CREATE TRIGGER {_dotted(database, name)}")[0]
        objects.append(StoredObject("TRIGGER", database, str(name), str(row[2]), str(row[1]), True))
    return objects


def _events(server: Server, database: str) -> list[StoredObject]:
    rows = server.rows("SELECT event_name, status FROM information_schema.events WHERE event_schema = %s", (database,))
    objects = []
    for name, status in rows:
        row = server.rows(f"SHOW CREATE EVENT {_dotted(database, name)}")[0]
        objects.append(StoredObject("EVENT", database, str(name), str(row[3]), str(row[1]), status == "ENABLED"))
    return objects


def _dotted(database: str, name: object) -> str:
    return f"{quote_name(database)}.{quote_name(str(name))}"


def create_object(target: Connection, item: StoredObject) -> None:
    """Create one stored object. Events are created switched off: on a replica they must not run.

    Raises:
        ServerError: the target refused it, in its own words.
    """
    modes = ",".join(mode for mode in item.sql_mode.split(",") if mode not in _MODES_GONE)
    target.run("SET SESSION sql_mode = %s", (modes,))
    target.run(f"USE {quote_name(item.database)}")
    definition = item.definition
    if item.kind == "EVENT":
        definition = re.sub(r"\b(ENABLE|DISABLE)( ON (SLAVE|REPLICA))?(?=( COMMENT| DO\b))", "DISABLE ON SLAVE",
                            definition, count=1)  # fmt: skip
    target.run(definition)
