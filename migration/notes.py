"""What was put down in the journal as a statement, for a step or an attempt to go on from later."""

from __future__ import annotations

from migration.journal import Kind
from migration.runbook import Migration


def every(m: Migration, subject: str, step: str) -> tuple[str, ...]:
    """All that was put down about a server or product (`subject`) under a step, the oldest first."""
    return tuple(
        str(record.body["sql"])
        for record in m.scribe.journal.records()
        if record.kind is Kind.STATEMENT and (record.subject, record.body["step"]) == (subject, step)
    )


def last(m: Migration, subject: str, step: str) -> str:
    """What was put down last about a server or product (`subject`) under a step; empty where nothing was."""
    return _last(m, subject, step, of_attempt=0)


def last_of_attempt(m: Migration, subject: str, step: str) -> str:
    """The same of the newest attempt to move the writes alone."""
    begun = (record.seq for record in m.scribe.journal.records() if record.kind is Kind.ATTEMPT)
    return _last(m, subject, step, of_attempt=max(begun, default=0))


def _last(m: Migration, subject: str, step: str, *, of_attempt: int) -> str:
    """`of_attempt`: the number of the record with which the attempt begins."""
    for record in reversed(m.scribe.journal.records()):
        if record.seq < of_attempt:
            break
        if record.kind is Kind.STATEMENT and (record.subject, record.body["step"]) == (subject, step):
            return str(record.body["sql"])
    return ""
