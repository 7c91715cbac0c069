"""What was found on the way and is needed later: kept in the journal, by server."""

from __future__ import annotations

from migration.journal import Kind
from migration.runbook import Migration


def keep(m: Migration, server: str, what: str, value: str) -> None:
    """Put something down; what was put down last counts."""
    m.scribe.statement(server, what, value, 0)


def kept(m: Migration, server: str, what: str) -> str | None:
    """What was put down, None where nothing was."""
    said = [
        str(record.body["sql"])
        for record in m.scribe.journal.records()
        if record.kind is Kind.STATEMENT and (record.subject, record.body["step"]) == (server, what)
    ]
    return said[-1] if said else None
