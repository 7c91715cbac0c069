"""Scheduled events around a switch: they must run on one side only.

An event whose definer is an administrator writes in spite of read_only, so where a server cannot close
itself to administrators its scheduler is stopped before the fence. A replica keeps events it receives
switched off; after the switch they are switched on where the writes are.
"""

from __future__ import annotations

from migration.runbook import Migration
from providers.mysql.literals import quote_name
from providers.mysql.server import Server

_SCHEDULER = "event_scheduler"


def enabled(m: Migration, server: Server) -> tuple[str, ...]:
    """The qualified names of the events that run on a server, of the databases that move."""
    names = m.databases()
    if not names:
        return ()
    marks = ", ".join(["%s"] * len(names))
    rows = server.rows(
        "SELECT event_schema, event_name FROM information_schema.events "
        f"WHERE status = 'ENABLED' AND event_schema IN ({marks}) ORDER BY event_schema, event_name",
        names,
    )
    return tuple(f"{quote_name(str(schema))}.{quote_name(str(name))}" for schema, name in rows)


def pause(m: Migration, server: Server) -> None:
    """Stop the scheduler where its events could write through the fence; those that run already run on."""
    if not server.dialect.has_super_read_only and (names := enabled(m, server)):
        m.scribe.note(f"{server.name}: the scheduler stops for the switch, because of {', '.join(names)}")
        m.adjust(server, _SCHEDULER, "OFF")


def restore(m: Migration, server: Server) -> None:
    """Start the scheduler again where `pause` stopped it."""
    m.restore(server, _SCHEDULER)
