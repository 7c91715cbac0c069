"""How far the replica is behind, by the servers' own positions; there is no way back after its promotion."""

from __future__ import annotations

import time

from migration.follow import OwnReplication, Seen
from migration.runbook import Migration
from migration.view import LagSample, RollbackView


class Following:
    """See `migration.runbook.Follow`."""

    def __init__(self, m: Migration) -> None:
        self._m = m
        self._seen = Seen(m)
        self._own = OwnReplication(m, self._seen)

    def lag(self, forward: bool) -> LagSample | None:
        """See `Follow`."""
        return self._own.lag(forward) if forward else None

    def rollback(self, newest: LagSample | None) -> RollbackView:
        """See `Follow`."""
        why = f"{self._m.spec.target.name} was promoted for good, and nothing flows back from it"
        return RollbackView(False, why, time.time(), None)

    def close(self) -> None:
        """Close the sessions."""
        self._own.close()
        self._seen.close()
