"""Measuring while the runner works: lag, who has the writes, who is connected, whether one can go back."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable

from migration.checks.sight import Session
from migration.client_drain import idle_sessions
from migration.fences.foreign import PROCESSES, client_sessions, exempt_users
from migration.follow import OwnReplication, Seen
from migration.journal import JournalError
from migration.model import Direction
from migration.records import Scribe
from migration.runbook import Follow, Migration
from migration.view import ClientView, LagSample
from providers.mysql.errors import ServerError

_LAG_S = 0.1
_REST_S = 1.0


class Sampler:
    """A thread that looks at both servers ten times a second and writes to the journal once a second.

    `point` tells it which way replication that matters runs: towards the target before the cutover,
    towards the source after it. It has sessions of its own, so that a long statement of the runner does
    not make it blind, and goes on when a server does not answer.
    """

    def __init__(self, m: Migration, scribe: Scribe, follow: Callable[[Migration], Follow] | None = None) -> None:
        """`follow`: how the lag is measured where it is not the servers' own replication that carries the rows."""
        self._m = m
        self._scribe = scribe
        self._forward = True
        self._stop = threading.Event()
        self._newest: LagSample | None = None
        self._rest_at = 0.0
        self._seen = Seen(m)
        self._follow = OwnReplication(m, self._seen) if follow is None else follow(m)
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
        self._follow.close()
        self._seen.close()

    def _measure(self) -> None:
        rest = time.monotonic() >= self._rest_at
        self._look_at_lag(journal=rest)
        if rest:
            self._rest_at = time.monotonic() + _REST_S
            self._look_at_the_rest()

    def _look_at_lag(self, *, journal: bool) -> None:
        forward = self._forward
        sample = self._follow.lag(forward)
        if sample is not None and forward == self._forward:
            self._newest = sample
            if journal:
                self._scribe.lag(sample)

    def _look_at_the_rest(self) -> None:
        closed: dict[str, bool | None] = {"source": None, "target": None}
        people: dict[str, Counter[tuple[str, str]]] = {"source": Counter(), "target": Counter()}
        idle: Counter[tuple[str, str]] = Counter()
        left = "target" if self._forward else "source"
        for which in self._seen.there:
            with contextlib.suppress(ServerError):
                server = self._seen.server(which)
                ours = exempt_users(self._m, server)
                closed[which] = server.read_only().clients
                people[which] = _people(client_sessions(server.rows(PROCESSES), ours))
                if which == left:
                    idle = _people(idle_sessions(server, ours))
        primary = self._m.spec.source if self._forward else self._m.spec.target
        self._scribe.read_only(primary.name, closed["source"], closed["target"])
        names = sorted(set(people["source"]) | set(people["target"]))
        self._scribe.clients(
            ClientView(*name, people["source"][name], people["target"][name], idle[name]) for name in names
        )
        if not self._forward:
            self._scribe.rollback(self._follow.rollback(self._newest))


def _people(sessions: Iterable[Session]) -> Counter[tuple[str, str]]:
    """How many sessions there are, by user and host."""
    return Counter((one.user, one.host) for one in sessions)
