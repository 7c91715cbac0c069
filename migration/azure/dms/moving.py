"""What both ways of the migration service have in common: the quiet of the source, and the opening of the target."""

from __future__ import annotations

import contextlib

from migration.azure import quiet
from migration.azure.moving import await_open, start_there
from migration.cutover.attempt import Aborted, Switchover, part
from migration.fences.choose import let_in, shut
from migration.notes import last_of_attempt
from migration.runbook import Migration
from migration.view import Condition

QUIET = "quiet"


def fence(m: Migration, s: Switchover) -> None:
    """Have the applications stopped, and see that nobody writes; where the log ends then is journaled.

    Raises:
        Aborted: somebody goes on.
        ServerError: the source cannot be asked.
    """
    with part(m, s, "fence") as say:
        quiet.stop_applications(m)
        with contextlib.closing(quiet.Quiet(m, s)) as first:
            first.wait()
            m.scribe.statement(s.old.name, QUIET, str(first.end()), 0)
        say(f"{s.old.name} has been quiet for {quiet.still_s(m):g} s")


def quiet_since(m: Migration, s: Switchover) -> str:
    """Where the source's log ended when it was seen to be quiet in this attempt; empty where it was not."""
    return last_of_attempt(m, s.old.name, QUIET)


def prove_quiet(m: Migration, s: Switchover) -> str:
    """Prove that nothing was written since `fence`; what was compared.

    Raises:
        Aborted, FenceDown: something was.
        ServerError: the source cannot be asked.
    """
    before = quiet_since(m, s)
    with contextlib.closing(quiet.Quiet(m, s)) as again:
        again.wait()
        end = again.end()
        if str(end) != before:
            raise Aborted(
                f"Somebody has written on {s.old.name} since it was quiet: its log ends at {end} and ended at "
                f"{before or 'nowhere known'}. Stop what writes there, then try again."
            )
        again.prove()
    return f"nobody has written on {s.old.name} since {end}"


def open_target(m: Migration, s: Switchover) -> str:
    """Let clients in to the target, and have the applications started there.

    Raises:
        ServerError: the target refuses.
    """
    let_in(m, s.new)
    await_open(m, s)
    return start_there(m)


def closed(m: Migration) -> Condition:
    """Whether clients are kept out of the target until it is its turn."""
    return Condition(shut(m, m.target), f"{m.target.name} lets no client in")
