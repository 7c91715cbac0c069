"""The lag of two sides that follow each other: the worse of both directions, and none where either has stopped."""

from __future__ import annotations

import time
from dataclasses import replace

from migration.aws.active_active.conflicts import trouble
from migration.follow import OwnReplication, Seen
from migration.runbook import Migration
from migration.view import LagSample, RollbackView
from providers.mysql.errors import ServerError

_LOOK_S = 1.0


class BothWays:
    """See `migration.runbook.Follow`."""

    def __init__(self, m: Migration) -> None:
        self._m = m
        self._seen = Seen(m)
        self._ways = {forward: OwnReplication(m, self._seen) for forward in (True, False)}
        self._next = 0.0
        self._trouble = ""

    def lag(self, forward: bool) -> LagSample | None:
        """See `Follow`. Before the second direction is set up, that of the first alone."""
        main, other = self._ways[forward].lag(forward), self._ways[not forward].lag(not forward)
        if main is None or other is None:
            return main
        words = self._look()
        if words or main.lag_s is None or other.lag_s is None:
            return replace(main, lag_s=None, reason=words or main.reason or other.reason)
        return main if main.lag_s >= other.lag_s else replace(other, server_says_s=main.server_says_s)

    def rollback(self, newest: LagSample | None) -> RollbackView:
        """See `Follow`. Going back is moving the application servers back, so both directions have to run."""
        found = self._ways[False].rollback(newest)
        words = self._look()
        if words:
            return RollbackView(False, words, time.time(), None)
        if not found.possible:
            return found
        source, target = self._m.source.name, self._m.target.name
        return replace(found, reason=f"{source} and {target} follow each other: application servers can be moved back")

    def close(self) -> None:
        """Close the sessions."""
        for way in self._ways.values():
            way.close()
        self._seen.close()

    def _look(self) -> str:
        """Why a side does not follow the other, empty where both do; asked once a second."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _LOOK_S
            try:
                source, target = self._seen.server("source"), self._seen.server("target")
                found = trouble(target, source) or trouble(source, target)
                self._trouble = found.words if found else ""
            except ServerError as error:
                self._trouble = str(error)
        return self._trouble
