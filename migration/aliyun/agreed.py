"""What an operator agreed to where a step had failed."""

from __future__ import annotations

from migration.journal import Kind
from migration.runbook import Migration

# The gate that a failed step opens; its consequence is why the step failed.
_RETRY = "retry"


def agreed_to(m: Migration, words: str, step: str) -> bool:
    """Whether the operator was shown these words when a step had failed, and then decided to go on.

    One decision is good for one call: a statement that the journal has for the step since then has used it up.
    """
    shown = agreed = False
    for record in m.scribe.journal.records():
        if (record.kind, record.subject) == (Kind.GATE_OPENED, _RETRY):
            shown, agreed = record.body["consequence"] == words, False
        elif (record.kind, record.subject) == (Kind.GATE_PASSED, _RETRY):
            agreed = shown
        elif record.kind is Kind.STATEMENT and record.body["step"] == step:
            agreed = False
    return agreed
