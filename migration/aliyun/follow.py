"""How far the follower is behind, by the provider's word, and whether and how long one can go back."""

from __future__ import annotations

import time
from dataclasses import replace

from migration.aliyun.account import of
from migration.aliyun.heartbeat import UNIT, OwnRow
from migration.aliyun.state import LAG_LIMIT_S, Holder, cluster_of, holder, in_words, look, no_delay, poll_s
from migration.runbook import CloudFailed, Migration
from migration.view import LagSample, RollbackView
from providers.aliyun.polardb_records import Migration as Found
from providers.aliyun.polardb_records import MigrationStatus as Status

_SYNCED = {True: Status.SYNCING, False: Status.SWITCHED}


class ProvidersWord:
    """See `migration.runbook.Follow`. The provider is asked once in a while, and the answer keeps the time it came.

    Where a heartbeat was chosen its reading stands beside that, in `behind` and `reason`, and decides nothing.
    """

    def __init__(self, m: Migration) -> None:
        self._m = m
        self._pause = poll_s(of(m))
        self._row = OwnRow(m)
        self._next = 0.0
        self._at = 0.0
        self._found: Found | None = None
        self._trouble = f"the provider was not asked yet about {m.spec.target.name}"

    def lag(self, forward: bool) -> LagSample | None:
        """See `Follow`."""
        # A cluster that is made meanwhile has the migration opened anew, and this with it.
        if cluster_of(self._m.spec) is None:
            return None
        self._look()
        sample, found = self._word(forward), self._found
        # The row is written only while the provider says that this side has the writes and the other follows.
        row = self._row.look(forward) if found is not None and found.status == _SYNCED[forward] else None
        if row is None:
            return sample
        reason = "; ".join(filter(None, (sample.reason, row.words)))
        return replace(sample, reason=reason, behind=row.behind, unit=UNIT)

    def _word(self, forward: bool) -> LagSample:
        """The provider's own word."""
        found = self._found
        if found is None:
            return self._sample(None, self._trouble)
        if found.status != _SYNCED[forward]:
            what = f"the migration into {found.cluster_id} is {found.status or 'without a status'}"
            return self._sample(None, f"{what}, a delay is told at {_SYNCED[forward]}")
        if found.delay_s is None:
            return self._sample(None, no_delay(found))
        return self._sample(float(found.delay_s), "")

    def rollback(self, newest: LagSample | None) -> RollbackView:
        """See `Follow`."""
        self._look()
        found = self._found
        if found is None:
            return RollbackView(None, self._trouble, time.time(), None)
        until = found.expires.timestamp() if found.expires is not None else None
        if found.status != Status.SWITCHED or holder(found) is not Holder.TARGET:
            return RollbackView(False, in_words(found), self._at, None, until)
        if found.delay_s is None:
            return RollbackView(None, no_delay(found), self._at, None, until)
        delay = float(found.delay_s)
        if delay >= LAG_LIMIT_S:
            why = f"{self._m.spec.source.name} is {delay:g} s behind, the provider allows {LAG_LIMIT_S:g} s"
            return RollbackView(False, why, self._at, delay, until)
        why = f"every write on {self._m.spec.target.name} flows back to {self._m.spec.source.name}"
        return RollbackView(True, why, self._at, delay, until)

    def close(self) -> None:
        """Close the sessions of the heartbeat."""
        self._row.close()

    def _look(self) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._pause
        try:
            self._found = look(self._m)
            self._at = time.time()
        except CloudFailed as error:
            self._found, self._trouble = None, str(error)

    def _sample(self, lag_s: float | None, reason: str) -> LagSample:
        at = self._at if lag_s is not None else time.time()
        return LagSample(at, lag_s, False, "the provider's DelayedSeconds", reason, lag_s, None, "", None, None)
