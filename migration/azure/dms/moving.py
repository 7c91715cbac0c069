"""What both ways of moving the writes have in common: the quiet of the source, the proof, the opening of the target."""

from __future__ import annotations

import contextlib
import time

from migration.azure import quiet
from migration.cutover.attempt import Aborted, Switchover, part
from migration.fences.choose import let_in, shut
from migration.journal import Kind
from migration.runbook import Migration, NotProved
from migration.view import Condition
from providers.mysql.errors import StatementFailed

QUIET = "quiet"
# The content proof may take this long at least: writes are off for minutes here, whatever it takes.
_PROOF_S = 60.0
_OPENS_S = 30.0
_LOOK_S = 0.05


class NotMoved(Aborted):
    """The target was not opened; the attempt has ended in the journal."""


def give_up(m: Migration, s: Switchover, why: str) -> None:
    """End an attempt that has moved nothing: the applications may go on where they were."""
    m.scribe.note(f"The applications may go on writing on {s.old.name}.", "warn")
    quiet.start_applications(m, None)
    m.scribe.attempt_ended(s.number, "aborted", why)


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
    seen = ""
    for record in m.scribe.journal.records():
        if record.kind is Kind.ATTEMPT:
            seen = ""
        elif record.kind is Kind.STATEMENT and (record.subject, record.body["step"]) == (s.old.name, QUIET):
            seen = str(record.body["sql"])
    return seen


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


def prove_content(m: Migration) -> str:
    """Prove the rows equal.

    Raises:
        Aborted: they are not, or it could not be proved.
    """
    assert m.prover is not None
    try:
        return m.prover.prove(time.monotonic() + max(_PROOF_S, m.spec.limits.proof_s))
    except NotProved as error:
        raise Aborted(str(error)) from error


def open_target(m: Migration, s: Switchover) -> str:
    """Let clients in to the target, and have the applications started there.

    Raises:
        ServerError: the target refuses.
    """
    let_in(m, s.new)
    until = time.monotonic() + _OPENS_S
    while s.new.read_only().clients:
        if time.monotonic() > until:
            raise StatementFailed(s.new.name, f"{s.new.name} refuses writes; look at it in the portal.")
        time.sleep(_LOOK_S)
    if m.prover is not None:
        # Nothing flows back: from here on the two differ, as they should.
        m.prover.stop()
    quiet.start_applications(m, m.spec.target)
    host = m.spec.target.address
    m.scribe.note(f"Start the applications again, with {host} in their connection strings, and none with the old one.")
    return f"they may be started with {host}"


def closed(m: Migration) -> Condition:
    """Whether clients are kept out of the target until it is its turn."""
    return Condition(shut(m, m.target), f"{m.target.name} lets no client in")
