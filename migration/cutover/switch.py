"""One attempt, from its record in the journal to its end."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from migration.cutover.armed import ArmedWindow
from migration.cutover.attempt import Aborted, Switchover, parts, past_no_return
from migration.cutover.finish import finish_switch
from migration.cutover.lease import Lease
from migration.cutover.window import Window
from migration.fences import Fence
from migration.fences.choose import fence_for
from migration.journal import JournalError
from migration.pair_lock import PairLock
from migration.runbook import Migration
from providers.mysql.errors import ServerError

_AGAIN_S = 0.05

OpenWindow = Callable[[Migration, Switchover, Fence, Lease, PairLock], Window]


def switch(m: Migration, s: Switchover) -> None:
    """Carry out one attempt.

    Raises:
        Aborted: nothing has moved, and the old side takes writes; the message says why.
        ServerError: the old side could not be opened again, or the new one not yet: the runner looks again.
    """
    switch_through(m, s, _window, parts(m))


def switch_through(
    m: Migration,
    s: Switchover,
    window: OpenWindow,
    titles: tuple[tuple[str, str], ...],
    finish: Callable[[Migration, Switchover], None] = finish_switch,
) -> None:
    """Carry out one attempt through a window of its own, which has these parts; `finish` is what follows it.

    Raises:
        Aborted, ServerError: as `switch`.
    """
    m.scribe.attempt(
        s.number, s.direction,
        old=s.old.name, new=s.new.name, actor=s.actor, budget_s=m.spec.limits.fence_s, parts=titles,
    )  # fmt: skip
    try:
        with _lock(m) as lock, Lease(m, s) as lease:
            _move(m, s, window, lease, lock)
    except (Aborted, ServerError, JournalError) as error:
        if past_no_return(m, s.number) or isinstance(error, JournalError):
            raise
        m.scribe.attempt_ended(s.number, "aborted", str(error))
        raise Aborted(str(error)) from error
    finish(m, s)


def _window(m: Migration, s: Switchover, fence: Fence, lease: Lease, lock: PairLock) -> Window:
    # What opens by itself does so by read_only; locked accounts need a hand.
    kind = ArmedWindow if m.armed and s.new.read_only().clients else Window
    return kind(m, s, fence, lease, lock)


def _move(m: Migration, s: Switchover, window: OpenWindow, lease: Lease, lock: PairLock) -> None:
    with (
        contextlib.closing(fence_for(m, s.old)) as fence,
        contextlib.closing(window(m, s, fence, lease, lock)) as opened,
    ):
        try:
            opened.pass_through()
        except (Aborted, ServerError, JournalError):
            # The watchdog is told last: it tries the same where this does not get through.
            if not past_no_return(m, s.number):
                _lift(m, s, fence)
            raise


def _lift(m: Migration, s: Switchover, fence: Fence) -> None:
    """Lift the fence; tries until it is done, since a server that is away comes back as closed as it was."""
    said = ""
    while True:
        try:
            fence.release()
        except ServerError as error:
            if str(error) != said:
                said = str(error)
                with contextlib.suppress(JournalError):
                    m.scribe.note(f"the fence on {s.old.name} is still to be lifted: {said}", "error")
            # Nobody can stop it here; it only ends where the rehearsal around it has been taken down.
            m.desk.halted()
            time.sleep(_AGAIN_S)
        else:
            return


@contextlib.contextmanager
def _lock(m: Migration) -> Iterator[PairLock]:
    if m.lock is not None:
        yield m.lock
        return
    with contextlib.closing(PairLock(m.servers)) as lock:
        yield lock
