"""What the things of this migration are called: after the source, as the IAM policies want it."""

from __future__ import annotations

from migration.aws.account import of
from migration.runbook import Migration


def replica_id(m: Migration) -> str:
    """The read replica out of whose snapshot the second primary is made, R1 of the page."""
    return f"{of(m).replica_id}-r1"


def snapshot_id(m: Migration) -> str:
    """The snapshot, SNAP1 of the page."""
    return f"{of(m).replica_id}-snap"


def second_id(m: Migration) -> str:
    """The second primary, M2 of the page."""
    return of(m).replica_id
