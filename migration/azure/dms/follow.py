"""How far changes are behind, by the service's counters. There is no way back."""

from __future__ import annotations

import threading
import time

from migration.azure.dms import copy
from migration.azure.dms.tasks import databases, newest
from migration.azure.operating import poll_s
from migration.runbook import CloudFailed, Migration
from migration.view import LagSample, RollbackView
from providers.azure.tasks import DatabaseProgress, Task


class ServicesWord:
    """See `migration.runbook.Follow`. The service is asked once in a while, and the answer keeps the time it came."""

    def __init__(self, m: Migration) -> None:
        self._m = m
        self._pause = poll_s(m)
        self._next = 0.0
        self._newest: LagSample | None = None
        self._lock = threading.Lock()

    def lag(self, forward: bool) -> LagSample | None:
        """See `Follow`."""
        if not forward or self._m.other is None:
            return None
        with self._lock:
            if time.monotonic() >= self._next:
                self._next = time.monotonic() + self._pause
                self._newest = self._look()
            return self._newest

    def rollback(self, newest: LagSample | None) -> RollbackView:
        """See `Follow`."""
        why = f"nothing flows back from {self._m.spec.target.name}: the migration service knows no way back"
        return RollbackView(False, why, time.time(), None)

    def close(self) -> None:
        """Nothing was opened."""

    def _look(self) -> LagSample | None:
        try:
            _, found = newest(self._m, copy.SYNC)
        except CloudFailed as error:
            return _sample(None, str(error))
        return None if found is None else of_task(found)


def of_task(task: Task) -> LagSample:
    """The worst of the databases; unknown while one is being copied or does not tell."""
    found = databases(task)
    silent = [name for name, one in found.items() if one.latency is None]
    if silent or not found:
        return _sample(None, f"the service tells no latency yet of {', '.join(silent[:3]) or 'any database'}")
    worst = max(one.latency or 0 for one in found.values())
    return _sample(float(worst), "", sum(pending(one) or 0 for one in found.values()))


def pending(one: DatabaseProgress) -> int | None:
    """How many changes came in and are not applied yet; None: it does not tell."""
    if one.incoming is None or one.applied is None:
        return None
    return max(0, one.incoming - one.applied)


def _sample(lag_s: float | None, reason: str, behind: int | None = None) -> LagSample:
    return LagSample(
        time.time(), lag_s, False, "the migration service's counters", reason, lag_s, behind, "changes", None, None
    )
