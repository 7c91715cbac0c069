"""Letting the promoted instance follow the old primary again, from where it was when it was promoted."""

from __future__ import annotations

from migration.aws import state
from migration.aws.account import of
from migration.runbook import Estimate, Migration, Observation, not_done
from migration.steps import follow_again


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    return follow_again.statements(m, of(m).replica_id)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return follow_again.estimate(m)


def probe(m: Migration) -> Observation:
    """Whether it follows the source by the servers' own replication, not by RDS's."""
    found = state.require_replica(m)
    if found.source_id is not None:
        return not_done(f"{found.instance_id} is still RDS's replica of {found.source_id}")
    return follow_again.probe(m)


def apply(m: Migration) -> None:
    """Configure and start the channel; raises as `follow_again.apply`."""
    follow_again.apply(m)


def undo(m: Migration) -> None:
    """Stop following, and forget the channel."""
    follow_again.undo(m)
