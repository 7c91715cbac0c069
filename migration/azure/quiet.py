"""The operator's word that the applications are stopped, and the proof of it. Step 3 of the procedure, its second half.

Nobody has SUPER on these services, and the classic one has no switch that keeps clients from writing. So the operator
stops the applications, and this program looks until nothing writes any more.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from migration.azure.account import of
from migration.clients import ClientsSilent, clients_of
from migration.cutover.attempt import Aborted, Switchover
from migration.fences import FenceBlocked
from migration.fences.operator import OperatorFence
from migration.model import ServerSpec
from migration.runbook import Migration
from providers.mysql.position import Position

_STILL_S = 1.0
_PATIENCE_S = 900.0


class Quiet:
    """The quiet of the old side: proved when it is entered, and once more right before the promotion."""

    def __init__(self, m: Migration, s: Switchover) -> None:
        """Open the session with which it is looked at.

        Raises:
            ServerError: the old side cannot be reached.
        """
        self._m = m
        self._s = s
        self._fence = OperatorFence(m, s.old, still_s=still_s(m))

    def wait(self) -> None:
        """Wait until nobody writes any more.

        Raises:
            Aborted: the operator stopped it, or the time is over.
            ServerError: the old side cannot be asked.
        """
        until = time.monotonic() + _PATIENCE_S
        while True:
            try:
                self._fence.raise_((), 0.0)
                return
            except FenceBlocked as busy:
                self._m.scribe.progress("move_writes", done=0, total=0, unit="", note=f"stop the applications: {busy}")
                if self._m.desk.halted() or time.monotonic() > until:
                    raise Aborted(f"{busy} The applications were not seen to stop; they may go on.") from busy

    def prove(self) -> None:
        """Prove that nothing was written since `wait`.

        Raises:
            FenceDown: somebody writes again.
            ServerError: the old side cannot be asked.
        """
        self._fence.prove(())

    def end(self) -> Position:
        """Where the log of the old side ends."""
        return self._m.end_position(self._s.old)

    def close(self) -> None:
        """Close the session."""
        self._fence.close()


def still_s(m: Migration) -> float:
    """For how long nothing may be written, in seconds, to count as quiet."""
    return float(of(m).spec.options.get("still_s", _STILL_S))


def stop_applications(m: Migration) -> None:
    """In a rehearsal: stop the clients, as the operator has them stopped elsewhere.

    Raises:
        Aborted: they cannot be.
    """
    try:
        clients_of(m.spec).suspend()
    except ClientsSilent as error:
        raise Aborted(f"The clients of the rehearsal could not be stopped: {error}") from error


def start_applications(m: Migration, new: ServerSpec | None) -> None:
    """In a rehearsal: let the clients write again, at another address where one is given."""
    with _noted(m):
        clients_of(m.spec).resume(new)


def tell_figures(m: Migration) -> None:
    """In a rehearsal: journal what the clients saw, once they write again."""
    with _noted(m):
        figures = clients_of(m.spec).switched(1)
        if figures is not None:
            m.scribe.figures(figures)


@contextlib.contextmanager
def _noted(m: Migration) -> Iterator[None]:
    try:
        yield
    except ClientsSilent as error:
        m.scribe.note(f"the clients of the rehearsal do not answer: {error}", "error")
