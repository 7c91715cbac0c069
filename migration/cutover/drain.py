"""Waiting on the new side until it has executed everything up to the old side's end of log."""

from __future__ import annotations

import contextlib
import time

from migration.cutover.attempt import Aborted, Switchover
from migration.cutover.ends import End, Ends
from migration.runbook import Migration
from providers.mysql.bounded import Bounded, Overdue

_SLICE_S = 1.0
_READY_S = 10.0
_QUICK_S = 0.004
_ROUNDS = 2


class DrainSlow(Exception):
    """The new side did not get there within its bound; the fence is to be lifted and tried again."""


class Drain:
    """Waits on a session of its own, opened beforehand, with a second one to end a wait that takes too long."""

    def __init__(self, m: Migration, s: Switchover, ends: Ends) -> None:
        self._m = m
        self._ends = ends
        self._s = s
        self._bounded = Bounded(s.new.connect(), s.new.connect())
        self.session = self._bounded.session

    def rehearse(self) -> float:
        """Drain without a fence until two rounds in a row are as quick as they get; the slower of them, in seconds.

        Raises:
            Aborted: the operator stopped it, or the new side does not keep up.
        """
        best, last = float("inf"), float("inf")
        began, quick = time.monotonic(), 0
        limit = self._m.spec.limits.fence_s / 2
        while quick < _ROUNDS:
            if self._m.desk.halted():
                raise Aborted("The operator stopped it.")
            spent = time.monotonic() - began
            if spent > _READY_S:
                raise Aborted(
                    f"{self._s.new.name} did not catch up with {self._s.old.name} in time{self._trouble()}; "
                    "wait until the lag is small and steady, then try again."
                )
            took = self._round()
            if took is None:
                quick = 0
                continue
            best = min(best, took)
            # Quick is what this pair can do at its best, at first; towards the end what the fence has room for.
            bound = max(_QUICK_S, 1.5 * best) if spent < _READY_S / 4 else limit
            quick = quick + 1 if took <= min(bound, limit) else 0
            last = took
        return max(best, last)

    def reach(self, position: End, bound_s: float, deadline: float) -> None:
        """Wait until the new side has executed everything up to `position`.

        Args:
            position: the old side's end of log.
            bound_s: how long the wait may take before the fence is lifted and tried again, in seconds.
            deadline: the end of the fence's time, on the monotonic clock.

        Raises:
            DrainSlow: not within the bound.
            Aborted: replication stopped, the operator stopped it, or the fence's time ran out.
            ServerError: the new side cannot be asked.
        """
        until = min(time.monotonic() + bound_s, deadline)
        while True:
            left = until - time.monotonic()
            if left > 0 and self._wait(position, min(left, _SLICE_S)):
                return
            if self._m.desk.halted():
                raise Aborted("The operator stopped it.")
            status = self._s.new.replica_status()
            if status is None or not status.running:
                trouble = status.trouble if status else "it is no replica any more"
                raise Aborted(f"Replication on {self._s.new.name} stopped while draining: {trouble}.")
            if time.monotonic() >= deadline:
                raise Aborted(
                    f"{self._s.new.name} did not catch up with {self._s.old.name} in time; "
                    "wait until the lag is small and steady, then try again."
                )
            if time.monotonic() >= until:
                raise DrainSlow(
                    f"{self._s.new.name} did not get the last of {self._s.old.name} within {bound_s * 1000:.0f} ms"
                )

    def within(self, seconds: float) -> contextlib.AbstractContextManager[None]:
        """Bound what runs on `session`; see `Bounded.within`."""
        return self._bounded.within(seconds)

    def close(self) -> None:
        """Close the sessions."""
        self._bounded.close()

    def _wait(self, position: End, seconds: float) -> bool:
        try:
            with self._bounded.within(seconds):
                return self._ends.reached(position, seconds, self.session)
        except Overdue:
            return False

    def _round(self) -> float | None:
        began = time.monotonic()
        reached = self._wait(self._ends.now(), _SLICE_S)
        return time.monotonic() - began if reached else None

    def _trouble(self) -> str:
        status = self._s.new.replica_status()
        if status is None:
            return " (it is no replica)"
        return f" ({status.trouble})" if status.trouble else ""
