"""Measuring while the runner works: lag, who has the writes, who is connected, whether one can go back."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterable

from migration.checks.sight import Session
from migration.client_drain import idle_sessions
from migration.fences.foreign import PROCESSES, client_sessions, exempt_users
from migration.journal import JournalError
from migration.lag import LagMeter, choose_meter
from migration.model import Direction
from migration.records import Scribe
from migration.runbook import Migration
from migration.view import ClientView, LagSample, RollbackView
from providers.mysql import replication
from providers.mysql.connection import Timeouts
from providers.mysql.errors import ServerError
from providers.mysql.server import Server

_LAG_S = 0.1
_REST_S = 1.0
_TIMEOUTS = Timeouts(connect=2.0, answer=2.0)


class Sampler:
    """A thread that looks at both servers ten times a second and writes to the journal once a second.

    `point` tells it which way replication that matters runs: towards the target before the cutover,
    towards the source after it. It has sessions of its own, so that a long statement of the runner does
    not make it blind, and goes on when a server does not answer.
    """

    def __init__(self, m: Migration, scribe: Scribe) -> None:
        self._m = m
        self._scribe = scribe
        self._kind = m.position_kind
        self._forward = True
        self._stop = threading.Event()
        self._newest: LagSample | None = None
        self._rest_at = 0.0
        self._meter: tuple[bool, LagMeter] | None = None
        self._servers: dict[str, Server] = {}
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def start(self) -> None:
        """Begin measuring."""
        self._thread.start()

    def stop(self) -> None:
        """End measuring and close the sessions."""
        self._stop.set()
        self._thread.join(5.0)

    def point(self, after: Direction) -> None:
        """The writes have moved in this direction: measure the replication that follows from it."""
        forward = after is Direction.ROLLBACK
        if forward != self._forward:
            self._newest = None
        self._forward = forward

    def newest(self) -> LagSample | None:
        """The newest reading in the direction that matters now."""
        return self._newest

    def _run(self) -> None:
        """The boundary of the thread: whatever goes wrong is said, and measuring goes on."""
        said = ""
        while not self._stop.wait(_LAG_S):
            try:
                self._measure()
            except JournalError:
                # A full disk stops the runner's own records, which say so; measuring goes on when it can.
                self._stop.wait(_REST_S)
            except Exception as error:  # noqa: BLE001
                self._newest = None
                words = f"measuring failed and is tried again: {type(error).__name__}: {error}"
                if words != said:
                    said = words
                    with contextlib.suppress(JournalError):
                        self._scribe.note(words, "error")
                self._stop.wait(_REST_S)
        if self._meter is not None:
            self._meter[1].close()
        for server in self._servers.values():
            server.close()

    def _measure(self) -> None:
        rest = time.monotonic() >= self._rest_at
        self._look_at_lag(journal=rest)
        if rest:
            self._rest_at = time.monotonic() + _REST_S
            self._look_at_the_rest()

    def _look_at_lag(self, *, journal: bool) -> None:
        forward = self._forward
        if self._meter is None or self._meter[0] != forward:
            self._choose(forward)
        if self._meter is None:
            return
        sample = self._meter[1].sample()
        if forward == self._forward:
            self._newest = sample
            if journal:
                self._scribe.lag(sample)

    def _choose(self, forward: bool) -> None:
        """Take the meter for this direction, once the one server follows the other."""
        if self._meter is not None:
            self._meter[1].close()
            self._meter = None
        ends = ("source", "target") if forward else ("target", "source")
        with contextlib.suppress(ServerError):
            leader, follower = (self._server(which) for which in ends)
            if replication.follows(follower, leader) is not None:
                self._meter = (forward, choose_meter(leader, follower, self._kind))

    def _server(self, which: str) -> Server:
        known = self._m.source if which == "source" else self._m.target
        if which not in self._servers:
            self._servers[which] = Server(known.endpoint, known.identity.uid, _TIMEOUTS)
        # The bridge may have come since.
        self._servers[which].also_at = known.also_at
        return self._servers[which]

    def _look_at_the_rest(self) -> None:
        closed: dict[str, bool | None] = {"source": None, "target": None}
        people: dict[str, Counter[tuple[str, str]]] = {"source": Counter(), "target": Counter()}
        idle: Counter[tuple[str, str]] = Counter()
        left = "target" if self._forward else "source"
        for which in closed:
            with contextlib.suppress(ServerError):
                server = self._server(which)
                ours = exempt_users(self._m, server)
                closed[which] = server.read_only().clients
                people[which] = _people(client_sessions(server.rows(PROCESSES), ours))
                if which == left:
                    idle = _people(idle_sessions(server, ours))
        primary = self._m.source if self._forward else self._m.target
        self._scribe.read_only(primary.name, closed["source"], closed["target"])
        names = sorted(set(people["source"]) | set(people["target"]))
        self._scribe.clients(
            ClientView(*name, people["source"][name], people["target"][name], idle[name]) for name in names
        )
        if not self._forward:
            self._scribe.rollback(self._rollback())

    def _rollback(self) -> RollbackView:
        """Whether the old source has what it needs to take the writes back."""
        at, sample = time.time(), self._newest
        source, target = self._m.source.name, self._m.target.name
        try:
            status = replication.follows(self._server("source"), self._server("target"))
        except ServerError as error:
            return RollbackView(None, str(error), at, None)
        if status is None or not status.running:
            trouble = status.trouble if status else f"{source} does not follow {target}"
            return RollbackView(False, trouble, at, None)
        if sample is None or sample.lag_s is None:
            return RollbackView(None, sample.reason if sample else "not measured yet", at, None)
        if sample.at_least or sample.lag_s >= self._m.spec.limits.lag_s:
            return RollbackView(False, f"{source} is {sample.lag_s:.1f} s behind {target}", at, sample.lag_s)
        return RollbackView(True, f"every write on {target} flows back to {source}", at, sample.lag_s)


def _people(sessions: Iterable[Session]) -> Counter[tuple[str, str]]:
    """How many sessions there are, by user and host."""
    return Counter((one.user, one.host) for one in sessions)
