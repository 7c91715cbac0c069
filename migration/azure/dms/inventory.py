"""What there is to migrate: what the service carries, by the provider's FAQ, and what it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from providers.mysql.server import Server

# "Which data, schema, and metadata components are migrated": the first two and the indexes as schema and data.
CARRIED = ("table", "index", "foreign key", "view", "procedure", "function", "trigger")
EVENT = "event"
_ASKED: Mapping[str, str] = {
    "table": "SELECT table_schema, table_name, '' FROM information_schema.tables WHERE table_type = 'BASE TABLE' "
    "AND table_schema IN ({})",
    "index": "SELECT DISTINCT table_schema, table_name, index_name FROM information_schema.statistics "
    "WHERE table_schema IN ({})",
    "foreign key": "SELECT constraint_schema, table_name, constraint_name "
    "FROM information_schema.referential_constraints WHERE constraint_schema IN ({})",
    "view": "SELECT table_schema, table_name, '' FROM information_schema.views WHERE table_schema IN ({})",
    "procedure": "SELECT routine_schema, routine_name, '' FROM information_schema.routines "
    "WHERE routine_type = 'PROCEDURE' AND routine_schema IN ({})",
    "function": "SELECT routine_schema, routine_name, '' FROM information_schema.routines "
    "WHERE routine_type = 'FUNCTION' AND routine_schema IN ({})",
    "trigger": "SELECT trigger_schema, event_object_table, trigger_name FROM information_schema.triggers "
    "WHERE trigger_schema IN ({})",
    EVENT: "SELECT event_schema, event_name, '' FROM information_schema.events WHERE event_schema IN ({})",
}

Inventory = Mapping[str, frozenset[str]]


def inventory(server: Server, databases: Sequence[str]) -> Inventory:
    """The names of what is in these databases, by kind.

    Raises:
        ServerError: the server cannot be asked.
    """
    places = ", ".join(["%s"] * len(databases)) or "NULL"
    return {
        kind: frozenset(
            ".".join(str(part) for part in row if part) for row in server.rows(sql.format(places), databases)
        )
        for kind, sql in _ASKED.items()
    }


def lacking(ours: Inventory, theirs: Inventory) -> tuple[tuple[str, str], ...]:
    """What the service should have carried and did not: kind and name."""
    return tuple((kind, name) for kind in CARRIED for name in sorted(ours[kind] - theirs[kind]))
