"""Moving the writes where the operator stops the applications and nothing flows back: what all ways have in common."""

from __future__ import annotations

import time
from collections.abc import Callable

from migration.azure import quiet
from migration.cutover.attempt import CONTENT, Aborted, Switchover, part
from migration.model import Direction
from migration.runbook import Migration, NotProved
from migration.view import Condition
from providers.mysql import replication
from providers.mysql.errors import StatementFailed

# The content proof may take this long at least: writes are off for minutes here, whatever it takes.
_PROOF_S = 60.0
_SLICE_S = 1.0
_OPENS_S = 30.0
_LOOK_S = 0.05


class NotMoved(Aborted):
    """The new side was not opened; the attempt has ended in the journal."""


def look_again(m: Migration, s: Switchover, ready: Callable[[Migration, Direction], tuple[Condition, ...]]) -> None:
    """See that everything holds that a move needs.

    Raises:
        Aborted: something does not.
    """
    red = [one.text for one in ready(m, s.direction) if not one.ok]
    if red:
        raise Aborted(f"{s.old.name} keeps the writes: {red[0]}; see to that, then try again.")


def give_up(m: Migration, s: Switchover, why: str) -> None:
    """End an attempt that has moved nothing: the applications may go on where they were."""
    m.scribe.note(f"The applications may go on writing on {s.old.name}.", "warn")
    quiet.start_applications(m, None)
    m.scribe.attempt_ended(s.number, "aborted", why)


def take_back(m: Migration, s: Switchover, why: str) -> None:
    """End an attempt past its point of no return that has moved nothing after all."""
    m.scribe.return_again(s.number, why)
    give_up(m, s, why)


def drain(m: Migration, s: Switchover) -> str:
    """Wait until the new side has executed everything; what was compared.

    Raises:
        Aborted: it does not get everything, or the operator stopped it.
        ServerError: a server cannot be asked.
    """
    end = m.end_position(s.old)
    while not s.new.wait_for(end, _SLICE_S):
        if m.desk.halted():
            raise Aborted(f"The operator stopped it; {s.new.name} was still to get what {s.old.name} has up to {end}.")
        status = replication.follows(s.new, s.old)
        if status is None or status.io_error or status.applier_error:
            raise Aborted(f"{s.new.name} does not get what {s.old.name} has: {status.trouble if status else 'at all'}.")
    return f"{s.new.name} has everything up to {end}"


def prove_content(m: Migration, s: Switchover) -> None:
    """Prove the rows equal, as a part of the attempt, where rows are compared.

    Raises:
        Aborted: they are not, or it could not be proved.
    """
    if m.prover is None:
        return
    with part(m, s, CONTENT) as say:
        try:
            say(m.prover.prove(time.monotonic() + max(_PROOF_S, m.spec.limits.proof_s)))
        except NotProved as error:
            raise Aborted(str(error)) from error


def await_open(m: Migration, s: Switchover) -> None:
    """Wait until the new side itself says that it takes writes: its provider says so a moment before.

    Raises:
        ServerError: it does not, or cannot be asked.
    """
    until = time.monotonic() + _OPENS_S
    while s.new.read_only().clients:
        if time.monotonic() > until:
            raise StatementFailed(
                s.new.name, f"{s.new.name} still refuses writes {_OPENS_S:g} s later; look at it in the portal."
            )
        time.sleep(_LOOK_S)
    if m.prover is not None:
        # Nothing flows back: from here on the two differ, as they should.
        m.prover.stop()


def start_there(m: Migration) -> str:
    """Have the applications started with the new side's address; says so."""
    quiet.start_applications(m, m.spec.target)
    host = m.spec.target.address
    m.scribe.note(f"Start the applications again, with {host} in their connection strings, and none with the old one.")
    return f"they may be started with {host}"
