"""What several checks need to know of a server, asked once per run of the checks.

information_schema answers slowly where there are many tables (MySQL before 8.0 opens the files of each), so a list
is asked for once, with what its checks need and no more. No statement here reads or locks rows of a user's table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from migration.check import Pair
from migration.checks.sight import moved_databases, require
from providers.mysql.connection import Row
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
    return pair.source.rows(f"{select} WHERE {condition} {rest}", names) if names else ()


def may_see(pair: Pair, privilege: str) -> None:
    """Make sure that the source's account holds a privilege on everything that moves; see `sight.require`."""
    pair.once(("may see", privilege), lambda: require(pair.source, privilege, moved(pair)))


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
class Stored:
    """A view, routine, trigger or event. `kind` is the word behind SHOW CREATE; `mode` the sql_mode it was made with.

    `body`: what the server keeps of it; `on` the table of a trigger.
    """

    kind: str
    base: str
    name: str
    definer: str
    mode: str
    body: str
    on: str = ""

    @property
    def qualified(self) -> str:
        """Database and name, for evidence."""
        return f"{self.base}.{self.name}"


def stored(pair: Pair) -> tuple[Stored, ...]:
    """Every view, routine, trigger and event of the databases to move."""
    return (*views(pair), *routines(pair), *triggers(pair), *events(pair))


def views(pair: Pair) -> tuple[Stored, ...]:
    """The views."""
    return _stored(
        pair,
        "VIEW",
        "SELECT table_schema, table_name, definer, '', view_definition, '' FROM information_schema.views",
        "table_schema",
        "SHOW VIEW",
    )


def triggers(pair: Pair) -> tuple[Stored, ...]:
    """The triggers."""
    return _stored(
        pair,
        "TRIGGER",
        "SELECT trigger_schema, trigger_name, definer, sql_mode, action_statement, event_object_table "
        "FROM information_schema.triggers",
        "trigger_schema",
        "TRIGGER",
    )


def events(pair: Pair) -> tuple[Stored, ...]:
    """The events, switched on or not."""
    return _stored(
        pair,
        "EVENT",
        "SELECT event_schema, event_name, definer, sql_mode, event_definition, '' FROM information_schema.events",
        "event_schema",
        "EVENT",
    )


def routines(pair: Pair) -> tuple[Stored, ...]:
    """The procedures and functions."""
    return pair.once("routines", lambda: _routines(pair))


def _routines(pair: Pair) -> tuple[Stored, ...]:
    # Without the right to see a body the server answers NULL for it.
    rows = ask_moved(
        pair,
        "SELECT routine_type, routine_schema, routine_name, definer, sql_mode, routine_definition "
        "FROM information_schema.routines",
        "routine_schema",
        "SELECT",
        "AND routine_type IN ('PROCEDURE', 'FUNCTION')",
    )
    return tuple(Stored(*(str(cell or "") for cell in row)) for row in sorted(rows, key=lambda row: row[:3]))


def _stored(pair: Pair, kind: str, select: str, column: str, privilege: str) -> tuple[Stored, ...]:
    def ask() -> tuple[Stored, ...]:
        rows = ask_moved(pair, select, column, privilege)
        return tuple(
            Stored(kind, *(str(cell or "") for cell in row)) for row in sorted(rows, key=lambda row: (row[0], row[1]))
        )

    return pair.once(kind, ask)
