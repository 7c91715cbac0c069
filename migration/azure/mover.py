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
from migration.azure.moving import (
    NotMoved,
    await_open,
    drain,
    give_up,
    look_again,
    prove_content,
    start_there,
    take_back,
)
from migration.azure.operating import busy, poll_s
from migration.azure.portal import instructions, portal_of
from migration.azure.services import is_replica, is_settled
from migration.azure.state import in_words, promoted, require, same_name
from migration.azure.sync import limit_s
from migration.cutover.attempt import CONTENT, Aborted, Switchover, part, pass_no_return, past_no_return
from migration.cutover.native import lag_condition
from migration.model import Direction
from migration.runbook import CloudFailed, CloudSilent, Estimate, Migration, StepFailed
from migration.view import Condition
from providers.azure.client import Running
from providers.azure.errors import AzureError
from providers.azure.operations import Outcome
from providers.mysql import replication
from providers.mysql.errors import ServerError

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
# How long a promotion whose answer was lost may take to be seen before it is asked for again.
_UNSEEN_S = 30.0
_PROMOTION = {"classic": (30.0, "the documentation of 2016: 30 s at most, once a person has pressed the button")}
_USUAL = (120.0, "the documentation: about 2 minutes; recorded: under 60 s")


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
        give_up(m, s, str(error))
        raise Aborted(str(error)) from error
    pass_no_return(m, s, f"the promotion of {s.new.name}")
    _see_through(m, s)


def settle(m: Migration, s: Switchover) -> bool:
    """See `Mover`."""
    if not past_no_return(m, s.number):
        give_up(m, s, "the runner died before the promotion was asked for")
        return False
    try:
        _see_through(m, s)
    except NotMoved:
        return False
    return True


def _bring_together(m: Migration, s: Switchover) -> None:
    """Until nobody writes on the old side, and the new one has everything.

    Raises:
        Aborted: it cannot be brought about; nothing was changed but the signal database.
        StepFailed, ServerError: likewise.
    """
    with part(m, s, "ready"):
        look_again(m, s, ready)
        if m.prover is not None:
            m.prover.prepare()
    with part(m, s, "fence") as say:
        quiet.stop_applications(m)
        with contextlib.closing(quiet.Quiet(m, s)) as first:
            first.wait()
        say(f"{s.old.name} has been quiet for {quiet.still_s(m):g} s")
    with part(m, s, "drain") as say:
        say(drain(m, s))
    prove_content(m, s)
    with part(m, s, "signal") as say:
        name = signal.make(m, s)
        signal.wait_seen(m, s, name)
        say(f"{name}, made on {s.old.name}, is seen on {s.new.name}")
    with part(m, s, "prove") as say, contextlib.closing(quiet.Quiet(m, s)) as again:
        again.wait()
        words = drain(m, s)
        again.prove()
        say(f"nobody writes on {s.old.name}; {words}")


def _see_through(m: Migration, s: Switchover) -> None:
    """Promote, unless that was done, and go on there.

    Raises:
        NotMoved: the replica follows as before; the applications may go on writing on the old side.
    """
    try:
        with part(m, s, "promote") as say:
            say(_by_hand(m, s) if of(m).service.by_hand else _by_call(m, s))
    except NotMoved as error:
        take_back(m, s, str(error))
        raise
    with part(m, s, "applications") as say:
        await_open(m, s)
        say(_let_in(m))
    m.scribe.attempt_ended(s.number, "switched", "")


def _let_in(m: Migration) -> str:
    if same_name(m):
        return f"the applications stay stopped until a server of the name {of(m).source.name} is there again"
    return start_there(m)


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
            raise NotMoved(
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
            raise NotMoved(f"{s.new.name} was not promoted: {failed}. {s.old.name} has the writes.")
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
        NotMoved: the provider refused.
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
            raise NotMoved(str(refused)) from refused
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
