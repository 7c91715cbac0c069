"""The switch: the applications are stopped, the replica proved to have everything, and promoted. Steps 3 to 5.

A promotion cannot be undone and has no token. It is asked for once the point of no return stands in the journal, and
whether it came about shows in the replica's role. On the classic service a person does it in the portal.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

from migration.azure import quiet, signal
from migration.azure.account import PRODUCT, commands, of
from migration.azure.operating import busy, poll_s
from migration.azure.portal import instructions, portal_of
from migration.azure.services import is_replica, is_settled
from migration.azure.state import in_words, promoted, require, same_name
from migration.azure.sync import limit_s
from migration.cutover.attempt import CONTENT, Aborted, Switchover, part, past_no_return
from migration.cutover.native import lag_condition
from migration.model import Direction
from migration.runbook import CloudFailed, CloudSilent, Estimate, Migration, NotProved, StepFailed
from migration.view import Condition
from providers.azure.client import Running
from providers.azure.errors import AzureError
from providers.azure.operations import Outcome
from providers.mysql import replication
from providers.mysql.errors import ServerError, StatementFailed

_PARTS = (
    ("ready", "look at both sides again"),
    ("fence", "see that nobody writes"),
    ("drain", "drain to the replica"),
    (CONTENT, "prove the rows equal"),
    ("signal", "see the signal database arrive"),
    ("prove", "prove that nobody wrote"),
    ("promote", "promote the replica"),
    ("applications", "start the applications"),
)
# The content proof may take this long at least: writes are off for minutes here, whatever it takes.
_PROOF_S = 60.0
_SLICE_S = 1.0
# How long a promotion whose answer was lost may take to be seen before it is asked for again.
_UNSEEN_S = 30.0
_PROMOTION = {"classic": (30.0, "the documentation of 2016: 30 s at most, once a person has pressed the button")}
_USUAL = (120.0, "the documentation: about 2 minutes; recorded: under 60 s")


class _NotMoved(Aborted):
    """The replica was not promoted; the attempt has ended in the journal."""


def parts(m: Migration) -> tuple[tuple[str, str], ...]:
    """See `Mover`."""
    return tuple(one for one in _PARTS if one[0] != CONTENT or m.prover is not None)


def estimate(m: Migration) -> Estimate:
    """See `Mover`. The applications are stopped for at least this long."""
    seconds, basis = _PROMOTION.get(of(m).service.name, _USUAL)
    more = "; the same-name ending adds a backup, a deletion and a restore" if same_name(m) else ""
    return Estimate(seconds, f"the promotion alone, {basis}{more}")


def arms(m: Migration) -> bool:
    """The provider opens the new side."""
    return False


def statements(m: Migration) -> tuple[str, ...]:
    """What will be done."""
    account = of(m)
    write = account.service.promote(account.replica)
    return (
        f"you stop every application that writes on {account.source.name}; its sessions and binary log are watched",
        f"{signal.statement(m, signal.PREFIX + '<attempt>')}, until {account.replica.name} shows it",
        f"{account.source.name}: its binary log is read again, and compared with what {account.replica.name} has",
        "journal: point of no return, synced to disk",
        *((instructions(m),) if write is None else commands(write)),
        f"the role of {account.replica.name} is read until it is a server of its own",
    )


def keep(m: Migration, direction: Direction) -> None:
    """The provider keeps the replica closed."""


def ready(m: Migration, direction: Direction) -> tuple[Condition, ...]:
    """See `Mover`. There is no move back."""
    if direction is Direction.ROLLBACK:
        return ()
    account = of(m)
    conditions = [lag_condition(m.desk.lag(), m.target.name, limit_s(m))]
    try:
        seen = account.server(account.replica)
        good = seen is not None and is_replica(seen) and is_settled(seen)
        conditions.append(Condition(good, in_words(seen, account.replica)))
        status = replication.follows(m.target, m.source)
        trouble = "does not follow" if status is None else status.trouble
        words = f"{m.target.name} follows {m.source.name}" + (f": {trouble}" if trouble else "")
        conditions.append(Condition(status is not None and status.running, words))
    except (CloudFailed, ServerError) as error:
        conditions.append(Condition(False, str(error)))
    if m.prover is not None:
        conditions.append(m.prover.condition())
    return tuple(conditions)


def switch(m: Migration, s: Switchover) -> None:
    """See `Mover`."""
    m.scribe.attempt(
        s.number, s.direction,
        old=s.old.name, new=s.new.name, actor=s.actor, budget_s=m.spec.limits.fence_s, parts=parts(m),
    )  # fmt: skip
    try:
        _bring_together(m, s)
    except (Aborted, StepFailed, ServerError) as error:
        _give_up(m, s, str(error))
        raise Aborted(str(error)) from error
    if not m.scribe.no_return(s.number, f"the promotion of {s.new.name}"):
        raise Aborted("The journal says that this attempt was ended already.")
    _see_through(m, s)


def settle(m: Migration, s: Switchover) -> bool:
    """See `Mover`."""
    if not past_no_return(m, s.number):
        _give_up(m, s, "the runner died before the promotion was asked for")
        return False
    try:
        _see_through(m, s)
    except _NotMoved:
        return False
    return True


def _give_up(m: Migration, s: Switchover, why: str) -> None:
    m.scribe.note(f"The applications may go on writing on {s.old.name}.", "warn")
    quiet.start_applications(m, None)
    m.scribe.attempt_ended(s.number, "aborted", why)


def _bring_together(m: Migration, s: Switchover) -> None:
    """Until nobody writes on the old side, and the new one has everything.

    Raises:
        Aborted: it cannot be brought about; nothing was changed but the signal database.
        StepFailed, ServerError: likewise.
    """
    with part(m, s, "ready"):
        red = [one.text for one in ready(m, s.direction) if not one.ok]
        if red:
            raise Aborted(f"{s.old.name} keeps the writes: {red[0]}; see to that, then try again.")
        if m.prover is not None:
            m.prover.prepare()
    with part(m, s, "fence") as say:
        quiet.stop_applications(m)
        with contextlib.closing(quiet.Quiet(m, s)) as first:
            first.wait()
        say(f"{s.old.name} has been quiet for {quiet.still_s(m):g} s")
    with part(m, s, "drain") as say:
        say(_drain(m, s))
    if m.prover is not None:
        with part(m, s, CONTENT) as say:
            try:
                say(m.prover.prove(time.monotonic() + max(_PROOF_S, m.spec.limits.proof_s)))
            except NotProved as error:
                raise Aborted(str(error)) from error
    with part(m, s, "signal") as say:
        name = signal.make(m, s)
        signal.wait_seen(m, s, name)
        say(f"{name}, made on {s.old.name}, is seen on {s.new.name}")
    with part(m, s, "prove") as say, contextlib.closing(quiet.Quiet(m, s)) as again:
        again.wait()
        words = _drain(m, s)
        again.prove()
        say(f"nobody writes on {s.old.name}; {words}")


def _drain(m: Migration, s: Switchover) -> str:
    """Wait until the new side has executed everything; what was compared."""
    end = m.end_position(s.old)
    while not s.new.wait_for(end, _SLICE_S):
        status = s.new.replica_status()
        if status is None or status.io_error or status.applier_error:
            raise Aborted(f"{s.new.name} does not follow {s.old.name}: {status.trouble if status else 'at all'}.")
        if m.desk.halted():
            raise Aborted("The operator stopped it.")
    return f"{s.new.name} has everything up to {end}"


def _see_through(m: Migration, s: Switchover) -> None:
    """Promote, unless that was done, and go on there.

    Raises:
        _NotMoved: the replica follows as before; the applications may go on writing on the old side.
    """
    try:
        with part(m, s, "promote") as say:
            say(_by_hand(m, s) if of(m).service.by_hand else _by_call(m, s))
    except _NotMoved as error:
        quiet.start_applications(m, None)
        m.scribe.return_again(s.number, str(error))
        m.scribe.attempt_ended(s.number, "aborted", str(error))
        raise
    with part(m, s, "applications") as say:
        _await_open(s)
        if m.prover is not None:
            # Nothing flows back: from here on the two differ, as they should.
            m.prover.stop()
        say(_let_in(m, s))
    m.scribe.attempt_ended(s.number, "switched", "")


def _let_in(m: Migration, s: Switchover) -> str:
    if same_name(m):
        return f"the applications stay stopped until a server of the name {of(m).source.name} is there again"
    quiet.start_applications(m, m.spec.target)
    host = m.spec.target.address
    m.scribe.note(f"Start the applications again, with {host} in their connection strings, and none with the old one.")
    return f"they may be started with {host}"


def _await_open(s: Switchover) -> None:
    """The provider says that it is promoted; the server itself may need a moment more."""
    until = time.monotonic() + _UNSEEN_S
    while s.new.read_only().clients:
        if time.monotonic() > until:
            raise StatementFailed(
                s.new.name, f"{s.new.name} was promoted and still refuses writes; look at it in the portal."
            )
        time.sleep(0.05)


def _by_hand(m: Migration, s: Switchover) -> str:
    """Have a person promote it, and see that it came about."""
    account = of(m)
    seen = require(account, account.replica)
    if not promoted(seen):
        m.scribe.note(instructions(m), "warn")
        if is_settled(seen):
            portal_of(m).promote(account.replica)
    while not promoted(seen):
        m.scribe.progress("move_writes", done=0, total=0, unit="", note=f"promote it now: {instructions(m)}")
        if m.desk.halted() and _still_replica(m):
            raise _NotMoved(
                f"{s.new.name} was not promoted ({in_words(seen, account.replica)}); do not press Upgrade any more. "
                f"{s.old.name} has the writes."
            )
        time.sleep(poll_s(m))
        with contextlib.suppress(CloudFailed):
            seen = require(account, account.replica)
    return in_words(seen, account.replica)


def _still_replica(m: Migration) -> bool:
    """Whether nothing is under way with it, seen twice."""
    account = of(m)
    for _ in range(2):
        seen = require(account, account.replica)
        if not (is_replica(seen) and is_settled(seen)):
            return False
        time.sleep(poll_s(m))
    return True


def _by_call(m: Migration, s: Switchover) -> str:
    """Ask the provider once; whatever becomes of the answer, the role tells."""
    account = of(m)
    running: Running[Any] | None = None
    seen = require(account, account.replica)
    if not promoted(seen):
        running = _send(m, s)
    since = time.monotonic()
    while not promoted(seen):
        m.scribe.progress("move_writes", done=0, total=0, unit="", note=in_words(seen, account.replica))
        failed = _failure(running)
        if failed and _still_replica(m):
            raise _NotMoved(f"{s.new.name} was not promoted: {failed}. {s.old.name} has the writes.")
        if running is None and time.monotonic() - since > _UNSEEN_S:
            # It asks for a state, and is refused while it is under way: to ask again does nothing twice.
            running, since = _send(m, s), time.monotonic()
        time.sleep(poll_s(m))
        with contextlib.suppress(CloudFailed):
            seen = require(account, account.replica)
    return in_words(seen, account.replica)


def _send(m: Migration, s: Switchover) -> Running[Any] | None:
    """Ask for the promotion, or follow one that is under way; None where its answer was lost.

    Raises:
        _NotMoved: the provider refused.
    """
    account = of(m)
    write = account.service.promote(account.replica)
    assert write is not None
    m.scribe.statement(PRODUCT, "promote", write.shown(), 0)
    try:
        return account.begin(write)
    except CloudSilent as silent:
        m.scribe.note(str(silent), "warn")
        return None
    except CloudFailed as refused:
        if busy(refused):
            m.scribe.note(f"the provider is at it already: {refused}")
            return account.resume(write)
        if _still_replica(m):
            raise _NotMoved(str(refused)) from refused
        return None


def _failure(running: Running[Any] | None) -> str:
    """Why the provider says that it failed; empty while it does not."""
    if running is None:
        return ""
    try:
        told = running.look()
    except AzureError:
        return ""
    return f"{told.words} {told.code}".strip() if told.outcome is Outcome.NOT_DONE and told.final else ""


__all__ = ["arms", "estimate", "keep", "parts", "ready", "settle", "statements", "switch"]
