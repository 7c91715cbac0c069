"""Letting the promoted server follow its old source again, by data-in replication."""

from __future__ import annotations

from migration.azure.account import of
from migration.azure.services import is_replica
from migration.azure.state import in_words, require
from migration.runbook import Estimate, Migration, Observation, not_done
from migration.steps import follow_again


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    return follow_again.statements(m, of(m).replica.name)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return follow_again.estimate(m)


def probe(m: Migration) -> Observation:
    """Whether it follows the source by the servers' own replication, not by the service's."""
    account = of(m)
    found = require(account, account.replica)
    if is_replica(found):
        return not_done(in_words(found, account.replica))
    return follow_again.probe(m)


def apply(m: Migration) -> None:
    """Configure and start the channel; raises as `follow_again.apply`."""
    follow_again.apply(m)


def undo(m: Migration) -> None:
    """Stop following, and forget the channel."""
    found = of(m).server(of(m).replica)
    if found is not None and not is_replica(found):
        follow_again.undo(m)
