"""What there is to be measured where nothing replicates: only whether one can go back."""

from __future__ import annotations

import time

from migration.aws.multi_az import change
from migration.model import Direction
from migration.runbook import Migration
from migration.view import LagSample, RollbackView


class ByModification:
    """See `migration.runbook.Follow`. The standby is no server of its own: nothing lags."""

    def __init__(self, m: Migration) -> None:
        self._m = m

    def lag(self, forward: bool) -> LagSample | None:
        """See `Follow`."""
        return None

    def rollback(self, newest: LagSample | None) -> RollbackView:
        """See `Follow`. Nothing is lost either way: there is one set of data."""
        why = change.no_way_back(self._m)
        if why:
            return RollbackView(False, why, time.time(), None)
        words = f"{change.in_words(self._m, Direction.ROLLBACK)}: by another order, with another failover"
        return RollbackView(True, words, time.time(), None)

    def close(self) -> None:
        """There is nothing to close."""
