"""From what the server of the old name is restored: a manual backup, or the moment at which nobody wrote any more."""

from __future__ import annotations

from datetime import UTC, datetime

from migration.journal import Kind
from migration.runbook import Migration, StepFailed
from providers.mysql.server import Server

STEP = "back_up"
BACKUP = "cutover-manual"
_ENDS, _AT = "log ends at ", "restore to "


def remember(m: Migration, server: Server) -> None:
    """Journal where the log of the promoted server ends, and the time."""
    m.scribe.statement(server.name, STEP, f"{_ENDS}{m.end_position(server)}", 0)
    # In this order, so that where there is a time there is an end as well.
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    m.scribe.statement(server.name, STEP, f"{_AT}{moment}", 0)


def moment(m: Migration) -> datetime | None:
    """The time that was journaled; None while there is none."""
    found = _told(m, _AT)
    return None if found is None else datetime.fromisoformat(found)


def require_untouched(m: Migration, server: Server) -> None:
    """Nothing may have been written since: what was written is not in what is restored.

    Raises:
        StepFailed: something was, or nothing was journaled.
    """
    then, now = _told(m, _ENDS), str(m.end_position(server))
    if then != now:
        raise StepFailed(
            f"Somebody wrote on {server.name} after its backup was begun (its log ended at {then}, now at {now}). "
            f"Those writes are on {server.name} and not on the restored server. Stop what writes there. "
            f"Move these writes by hand, or use {server.name} under its own name."
        )


def _told(m: Migration, head: str) -> str | None:
    told = [
        str(record.body["sql"]).removeprefix(head)
        for record in m.scribe.journal.records()
        if record.kind is Kind.STATEMENT and record.body["step"] == STEP and str(record.body["sql"]).startswith(head)
    ]
    return told[-1] if told else None
