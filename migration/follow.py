"""Following by the servers' own replication: how far behind the follower is, and whether one could go back."""

from __future__ import annotations

import contextlib
import time

from migration.lag import LagMeter, choose_meter
from migration.runbook import Migration
from migration.view import LagSample, RollbackView
from providers.mysql import replication
from providers.mysql.connection import Timeouts
from providers.mysql.errors import ServerError
from providers.mysql.server import Server

_TIMEOUTS = Timeouts(connect=2.0, answer=2.0)


class Seen:
    """The servers of a migration as one looks at them beside the runner, by sessions with short limits.

    `there`: `source`, and `target` where it is there.
    """

    def __init__(self, m: Migration) -> None:
        self._m = m
        self.there = ("source",) if m.other is None else ("source", "target")
        self._servers: dict[str, Server] = {}

    def server(self, which: str) -> Server:
        """One of them.

        Raises:
            ServerError: it cannot be reached.
            TargetUnknown: it is not there yet.
        """
        known = self._m.source if which == "source" else self._m.target
        if which not in self._servers:
            self._servers[which] = Server(known.endpoint, known.identity.uid, _TIMEOUTS)
        # The bridge may have come since.
        self._servers[which].also_at = known.also_at
        return self._servers[which]

    def close(self) -> None:
        """Close the sessions."""
        for server in self._servers.values():
            server.close()


class OwnReplication:
    """Positions of one server and of the other that follows it. See `migration.runbook.Follow`."""

    def __init__(self, m: Migration, seen: Seen) -> None:
        self._m = m
        self._kind = m.position_kind
        self._seen = seen
        self._meter: tuple[bool, LagMeter] | None = None

    def lag(self, forward: bool) -> LagSample | None:
        """See `Follow`."""
        if self._meter is None or self._meter[0] != forward:
            self._choose(forward)
        return None if self._meter is None else self._meter[1].sample()

    def _choose(self, forward: bool) -> None:
        """Take the meter for this direction, once the one server follows the other."""
        self.close()
        if self._m.other is None:
            return
        ends = ("source", "target") if forward else ("target", "source")
        with contextlib.suppress(ServerError):
            leader, follower = (self._seen.server(which) for which in ends)
            if replication.follows(follower, leader) is not None:
                self._meter = (forward, choose_meter(leader, follower, self._kind))

    def rollback(self, newest: LagSample | None) -> RollbackView:
        """Whether the old source has what it needs to take the writes back."""
        at = time.time()
        source, target = self._m.source.name, self._m.target.name
        try:
            status = replication.follows(self._seen.server("source"), self._seen.server("target"))
        except ServerError as error:
            return RollbackView(None, str(error), at, None)
        if status is None or not status.running:
            trouble = status.trouble if status else f"{source} does not follow {target}"
            return RollbackView(False, trouble, at, None)
        if newest is None or newest.lag_s is None:
            return RollbackView(None, newest.reason if newest else "not measured yet", at, None)
        if newest.at_least or newest.lag_s >= self._m.spec.limits.lag_s:
            return RollbackView(False, f"{source} is {newest.lag_s:.1f} s behind {target}", at, newest.lag_s)
        return RollbackView(True, f"every write on {target} flows back to {source}", at, newest.lag_s)

    def close(self) -> None:
        """Close the meter's sessions."""
        if self._meter is not None:
            self._meter[1].close()
            self._meter = None
