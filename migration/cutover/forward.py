"""Going forward after a death past the point of no return, by what the servers say."""

from __future__ import annotations

import contextlib

from migration.cutover.attempt import Switchover
from migration.cutover.ends import ends_for
from migration.cutover.promote import open_now
from migration.fences.choose import fence_for, let_in, shut
from migration.model import Positioning
from migration.runbook import Migration
from providers.mysql.errors import StatementFailed

_FENCE_S = 2.0
_WAIT_S = 5.0


class NotForward(Exception):
    """The servers are in a state that only a person can judge; nothing was opened."""


def go_forward(m: Migration, s: Switchover) -> str:
    """Bring an attempt that passed its point of no return to the end of its window; says what was done.

    While the new side is closed nothing is lost by beginning again: the old side is fenced (a restart may have
    opened it), the new side gets everything up to its end, and only then is it opened.

    Raises:
        NotForward: the new side is open already, and the old one takes writes, too.
        ServerError: a server cannot be reached, or the new side does not get everything; nothing was opened.
    """
    old_closed, new_closed = shut(m, s.old), shut(m, s.new)
    if not new_closed:
        if not old_closed:
            raise NotForward(f"Both {s.old.name} and {s.new.name} take writes; fence one of them at once.")
        let_in(m, s.new)
        return f"{s.new.name} takes writes already"
    with contextlib.closing(fence_for(m, s.old)) as fence, contextlib.closing(s.new.connect()) as session:
        ends = ends_for(m, s)
        if old_closed and m.positioning is not Positioning.SIGNAL:
            end = ends.read(fence.prove(ends.asked()))
        else:
            # A signal row is written anew: by a restart the old side's log goes on in another file.
            end = ends.read(fence.raise_(ends.asked(), _FENCE_S))
        if not ends.reached(end, _WAIT_S, session):
            raise StatementFailed(
                s.new.name,
                f"{s.new.name} has not reached {end}, the end of {s.old.name}, which stays fenced; see whether "
                f"replication on {s.new.name} runs.",
            )
        if ends.read_again(end, fence.prove(ends.asked_again())) != end:
            raise StatementFailed(s.old.name, f"The end of {s.old.name}'s log moved under the fence; looking again.")
        return open_now(m, s, session)
