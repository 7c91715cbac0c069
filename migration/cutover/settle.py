"""Bringing an attempt that a dead runner left open to its end, by what the servers say."""

from __future__ import annotations

import contextlib

from migration.cutover.attempt import Aborted, Switchover, past_no_return
from migration.cutover.finish import finish_switch
from migration.cutover.forward import NotForward, go_forward
from migration.fences.choose import close, fence_for, shut
from migration.runbook import Migration


def settle(m: Migration, s: Switchover) -> bool:
    """Bring an open attempt to its end. True if it switched.

    Raises:
        ServerError: a server cannot be reached.
        Aborted: the servers are in a state that only a person can judge; what was opened last was fenced.
    """
    past = past_no_return(m, s.number)
    old_closed, new_closed = shut(m, s.old), shut(m, s.new)
    m.scribe.note(
        f"found after a restart: {s.old.name} {_closed(old_closed)}, {s.new.name} {_closed(new_closed)}, "
        f"point of no return {'passed' if past else 'not reached'}",
        "warn",
    )
    if not old_closed and not new_closed:
        side = s.old if past else s.new
        close(m, side, "settle")
        raise Aborted(
            f"Both {s.old.name} and {s.new.name} took writes; {side.name} was fenced at once. "
            "Compare what each has before you go on."
        )
    if past:
        try:
            m.scribe.note(go_forward(m, s))
        except NotForward as error:
            raise Aborted(str(error)) from error
    if past or not new_closed:
        finish_switch(m, s)
        return True
    with contextlib.closing(fence_for(m, s.old)) as fence:
        fence.release()
    m.scribe.attempt_ended(s.number, "aborted", "the runner died before the point of no return")
    return False


def _closed(state: bool) -> str:
    return "closed to clients" if state else "takes writes"
