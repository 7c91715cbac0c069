"""Waiting on the new side until it has executed everything up to the old side's end of log."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from migration.cutover.attempt import Aborted, Switchover
from migration.cutover.ends import End, Ends
from migration.runbook import Migration
from providers.mysql.bounded import Bounded, Overdue
from providers.mysql.errors import ServerError

_SLICE_S = 1.0
_READY_S = 10.0
# When whatever the fence allows is taken for quick.
_HURRY_S = 2.5
_QUICK_S = 0.004
_ROUNDS = 4
# A better moment is waited for: a round is clearly quicker if it takes this much of the best one before, at most,
# and what a pair can do is taken to be known once none was for this long.
_BETTER = 0.9
_STALE_S = 1.0
# A wait is asked for even where its time is over already: it may have come.
_SHORTEST_S = 0.001


class DrainSlow(Exception):
    """The new side did not get there within its bound; the fence is to be lifted and tried again."""


@dataclass(frozen=True)
class _Aim:
    """What is waited for. Times monotonic, in seconds."""

    position: End
    bound_s: float
    until: float
    deadline: float


class Drain:
    """Waits on a session of its own, opened beforehand, with a second one to end a wait that takes too long."""

    def __init__(self, m: Migration, s: Switchover, ends: Ends) -> None:
        self._m = m
        self._ends = ends
        self._s = s
        self._bounded = Bounded(s.new.connect(), s.new.connect())
        self.session = self._bounded.session
        self._aim: _Aim | None = None
        self._answer: Callable[[], bool] | None = None

    def rehearse(self) -> float:
        """Drain without a fence until it is as quick as it gets; how long it took, in seconds.

        Four rounds in a row have to be that quick, and one is enough where they take seconds (a slow link).

        Raises:
            Aborted: the operator stopped it, or the new side does not keep up.
        """
        best, last = math.inf, math.inf
        began = better = time.monotonic()
        quick = 0
        limit = self._m.spec.limits.fence_s / 2
        while quick < (_ROUNDS if time.monotonic() - began < _HURRY_S else 1):
            if self._m.desk.halted():
                raise Aborted("The operator stopped it.")
            spent = time.monotonic() - began
            if spent > _READY_S:
                raise Aborted(
                    f"{self._s.new.name} did not catch up with {self._s.old.name} in time{self._trouble()}; "
                    "wait until the lag is small and steady, then try again."
                )
            took = self._round(limit)
            if took is None:
                quick = 0
                continue
            if took < _BETTER * best:
                better = time.monotonic()
            best = min(best, took)
            quick = quick + 1 if took <= min(_bound_s(time.monotonic() - better, spent, best), limit) else 0
            last = took
        return max(best, last)

    def reach(self, position: End, bound_s: float, deadline: float) -> None:
        """Wait until the new side has executed everything up to `position`; see `begin` and `end`."""
        self.begin(position, bound_s, deadline)
        self.end()

    def begin(self, position: End, bound_s: float, deadline: float) -> None:
        """Let the new side wait from now on; `end` has to follow, or `give_up`.

        Args:
            position: the old side's end of log.
            bound_s: how long the wait may take before the fence is lifted and tried again, in seconds.
            deadline: the end of the fence's time, on the monotonic clock.

        Raises:
            ServerError: the new side cannot be asked.
        """
        until = min(time.monotonic() + bound_s, deadline)
        self._aim = _Aim(position, bound_s, until, deadline)
        self._answer = self._asking(position, max(_SHORTEST_S, min(until - time.monotonic(), _SLICE_S)))

    def end(self) -> None:
        """Wait until the new side has executed everything up to the position of `begin`.

        Raises:
            DrainSlow: not within the bound.
            Aborted: replication stopped, the operator stopped it, or the fence's time ran out.
            ServerError: the new side cannot be asked.
        """
        assert self._aim is not None
        aim = self._aim
        while not self._reached():
            self._go_on(aim)
            left = aim.until - time.monotonic()
            self._answer = self._asking(aim.position, max(_SHORTEST_S, min(left, _SLICE_S)))

    def give_up(self) -> None:
        """Take the answer of a wait that nobody wants any more, so that its session can be used again."""
        with contextlib.suppress(ServerError):
            self._reached()

    def _go_on(self, aim: _Aim) -> None:
        """Whether there is still something to wait for.

        Raises:
            DrainSlow, Aborted, ServerError: see `end`.
        """
        if self._m.desk.halted():
            raise Aborted("The operator stopped it.")
        status = self._s.new.replica_status()
        if status is None or not status.running:
            trouble = status.trouble if status else "it is no replica any more"
            raise Aborted(f"Replication on {self._s.new.name} stopped while draining: {trouble}.")
        if time.monotonic() >= aim.deadline:
            raise Aborted(
                f"{self._s.new.name} did not catch up with {self._s.old.name} in time; "
                "wait until the lag is small and steady, then try again."
            )
        if time.monotonic() >= aim.until:
            raise DrainSlow(
                f"{self._s.new.name} did not get the last of {self._s.old.name} within {aim.bound_s * 1000:.0f} ms"
            )

    def within(self, seconds: float) -> contextlib.AbstractContextManager[None]:
        """Bound what runs on `session`; see `Bounded.within`."""
        return self._bounded.within(seconds)

    def close(self) -> None:
        """Close the sessions."""
        self._bounded.close()

    def _asking(self, position: End, seconds: float) -> Callable[[], bool]:
        session = self.session
        return self._bounded.sending(lambda: self._ends.reaching(position, seconds, session), seconds)

    def _reached(self) -> bool:
        """The answer of the wait that is under way; False where there is none."""
        answer, self._answer = self._answer, None
        try:
            return answer() if answer is not None else False
        except Overdue:
            return False

    def _round(self, limit_s: float) -> float | None:
        """How long the new side took for all that the old one has now; None where it took longer than `limit_s`."""
        began, now = time.monotonic(), self._ends.now()
        while (left := began + limit_s - time.monotonic()) > 0 and not self._m.desk.halted():
            self._answer = self._asking(now, min(left, _SLICE_S))
            if self._reached():
                return time.monotonic() - began
        return None

    def _trouble(self) -> str:
        status = self._s.new.replica_status()
        if status is None:
            return " (it is no replica)"
        return f" ({status.trouble})" if status.trouble else ""


def _bound_s(stale_s: float, spent_s: float, best_s: float) -> float:
    """What counts as quick: a few ms; once it gets no better, what this pair can do; in the end, what the fence allows.

    Args:
        stale_s: how long ago a round was clearly quicker than all before it.
        spent_s: how long this has been going on.
        best_s: the quickest round.
    """
    if spent_s > _HURRY_S:
        return math.inf
    return max(_QUICK_S, 1.5 * best_s) if stale_s >= _STALE_S else _QUICK_S
