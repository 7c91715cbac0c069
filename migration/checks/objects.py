"""What is stored in the databases besides rows: views, routines, triggers and events, each list asked once per run."""

from __future__ import annotations

from dataclasses import dataclass

from migration.check import Pair
from migration.checks.facts import ask_moved, in_moved
from migration.checks.sight import holds, privileges_on
from providers.mysql.connection import Row
from providers.mysql.errors import PrivilegeMissing
from providers.mysql.server import Server


@dataclass(frozen=True)
class Stored:
    """A view, routine, trigger or event. `kind` is the word behind SHOW CREATE; `mode` the sql_mode it was made with.

    `body`: what the server keeps of it; `on` the table of a trigger; `when`: its time and event, or an event's
    status; `order`: of triggers that fire together; `security`: in whose name it runs. `client`, `collation`: the
    character set and collation of the session it was made in.
    """

    kind: str
    base: str
    name: str
    definer: str
    mode: str
    body: str
    on: str = ""
    when: str = ""
    order: int = 0
    security: str = "DEFINER"
    client: str = ""
    collation: str = ""

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
        "SELECT 'VIEW', table_schema, table_name, definer, '', view_definition, '', '', 0, security_type, "
        "character_set_client, collation_connection FROM information_schema.views",
        "table_schema",
        "SHOW VIEW",
    )


def triggers(pair: Pair) -> tuple[Stored, ...]:
    """The triggers, those that fire together in their order."""
    return _stored(
        pair,
        "SELECT 'TRIGGER', trigger_schema, trigger_name, definer, sql_mode, action_statement, event_object_table, "
        "CONCAT(action_timing, ' ', event_manipulation), action_order, 'DEFINER', character_set_client, "
        "collation_connection FROM information_schema.triggers",
        "trigger_schema",
        "TRIGGER",
    )


def events(pair: Pair) -> tuple[Stored, ...]:
    """The events, switched on or not."""
    return _stored(
        pair,
        "SELECT 'EVENT', event_schema, event_name, definer, sql_mode, event_definition, '', status, 0, 'DEFINER', "
        "character_set_client, collation_connection FROM information_schema.events",
        "event_schema",
        "EVENT",
    )


def routines(pair: Pair) -> tuple[Stored, ...]:
    """The procedures and functions.

    Raises:
        PrivilegeMissing: the account may not see all of them, or not what they do.
    """
    return pair.once("routines", lambda: _routines(pair))


def _routines(pair: Pair) -> tuple[Stored, ...]:
    held = privileges_on(pair.source)
    if not (holds(held, "SELECT") or holds(held, "SHOW_ROUTINE")):
        # The privileges of a database do not show its routines.
        levels = ("`mysql`.*", "`mysql`.`proc`")
        if not any(holds(privileges_on(pair.source, level), "SELECT") for level in levels):
            raise _hidden_routines(pair.source)
    condition, names = in_moved(pair, "routine_schema")
    rows = pair.source.rows(
        "SELECT routine_type, routine_schema, routine_name, definer, sql_mode, routine_definition, '', '', 0, "
        "security_type, character_set_client, collation_connection FROM information_schema.routines "
        f"WHERE {condition} AND routine_type IN ('PROCEDURE', 'FUNCTION')",
        names,
    )
    # Without the right to see a body the server answers NULL for it.
    if any(row[5] is None for row in rows):
        raise _hidden_routines(pair.source)
    return _in_order(rows)


def _hidden_routines(server: Server) -> PrivilegeMissing:
    needed = "SHOW_ROUTINE" if server.version.mysql_from(8, 0, 20) else "SELECT"
    return PrivilegeMissing(
        server.name,
        f"On {server.name} the account {server.endpoint.account.user} lacks the {needed} privilege, so it may not see "
        f"what every routine does; GRANT {needed} ON *.* to it.",
    )


def _stored(pair: Pair, select: str, column: str, privilege: str) -> tuple[Stored, ...]:
    return pair.once(select, lambda: _in_order(ask_moved(pair, select, column, privilege)))


def _in_order(rows: tuple[Row, ...]) -> tuple[Stored, ...]:
    found = []
    for row in rows:
        kind, base, name, definer, mode, body, on, when, _, security, client, collation = (str(c or "") for c in row)
        order = int(row[8] or 0)
        found.append(Stored(kind, base, name, definer, mode, body, on, when, order, security, client, collation))
    return tuple(sorted(found, key=lambda item: (item.kind, item.base, item.on, item.when, item.order, item.name)))
