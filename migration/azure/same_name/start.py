"""Letting the applications write again, under the name that they have always used."""

from __future__ import annotations

import time

from migration.azure import quiet
from migration.azure.account import of
from migration.azure.same_name import origin
from migration.azure.state import same_name
from migration.model import Direction
from migration.runbook import Estimate, Migration, Observation, StepFailed, done, not_done
from providers.mysql.literals import quote_name
from providers.mysql.server import Server

STEP = "started_again"
_WHO = "applications"
_CHECKSUMS_UP_TO = 1 << 30
_TABLES = (
    "SELECT table_schema, table_name, data_length FROM information_schema.tables WHERE table_type = 'BASE TABLE' "
    "AND table_schema NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema') ORDER BY 1, 2"
)


def statements(m: Migration) -> tuple[str, ...]:
    """What will be done."""
    if not same_name(m):
        return ("nothing: the applications were started with the new name",)
    return ("the tables of both servers are compared (CHECKSUM TABLE below 1 GiB); then you start the applications",)


def estimate(m: Migration) -> Estimate:
    """How long it takes; writes are off."""
    return Estimate(None, "reads up to 1 GiB on both sides") if same_name(m) else Estimate(0.0, "-")


def probe(m: Migration) -> Observation:
    """Whether they were let in, as the journal has it: how long writes were off stands beside it."""
    if not same_name(m):
        return done("the applications use the new name")
    told = [
        str(record.body["sql"])
        for record in m.scribe.journal.records()
        if record.subject == _WHO and record.body.get("step") == STEP
    ]
    return done(told[-1]) if told else not_done("the applications are stopped")


def apply(m: Migration) -> None:
    """Compare, and let them in.

    Raises:
        StepFailed: the restored server lacks something, or refuses writes.
        ServerError: a server cannot be asked.
    """
    origin.require_untouched(m, m.source)
    if m.target.read_only().clients:
        raise StepFailed(f"{m.target.name} was restored and refuses writes; look at it in the portal, then try again.")
    words = _compared(m)
    m.scribe.note(f"Start the applications again; their connection strings stay as they were. {words}.")
    quiet.start_applications(m, None)
    off = _stopped_since(m)
    took = "" if off is None else f"writes were off for {time.time() - off:.0f} s at most; "
    m.scribe.statement(_WHO, STEP, f"{took}they were let in at {of(m).source.name}", 0)
    quiet.tell_figures(m)


def _compared(m: Migration) -> str:
    """What was found equal.

    Raises:
        StepFailed: it is not.
    """
    old, new = m.source.rows(_TABLES), m.target.rows(_TABLES)
    missing = {row[:2] for row in old} ^ {row[:2] for row in new}
    if missing:
        names = ", ".join(sorted(f"{base}.{name}" for base, name in missing)[:5])
        raise StepFailed(
            f"{m.target.name} does not hold the tables of {m.source.name}: {names}. The restore is not complete: use "
            f"{m.source.name} under its own name, or restore again in the portal."
        )
    if sum(int(row[2] or 0) for row in old) > _CHECKSUMS_UP_TO:
        return f"{m.target.name} has all {len(old)} tables; their rows were not compared, there are too many"
    for base, name, _ in old:
        if _checksum(m.source, base, name) != _checksum(m.target, base, name):
            raise StepFailed(
                f"The rows of {base}.{name} on {m.target.name} are not those of {m.source.name}: use {m.source.name} "
                "under its own name, or restore again in the portal."
            )
    return f"{m.target.name} has all {len(old)} tables of {m.source.name} with the same checksums"


def _checksum(server: Server, base: str, name: str) -> object:
    return server.rows(f"CHECKSUM TABLE {quote_name(base)}.{quote_name(name)}")[0][1]


def _stopped_since(m: Migration) -> float | None:
    """When the applications were stopped, in seconds since 1970."""
    for attempt in reversed(m.story().attempts):
        if attempt.direction is Direction.CUTOVER and attempt.result == "switched":
            return attempt.started_at
    return None
