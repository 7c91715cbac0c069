"""An offline migration: nobody writes from before the copy begins until everything is proved to be there."""

from __future__ import annotations

import time

from migration.azure.account import PRODUCT
from migration.azure.dms import arrived, copy, source_closed
from migration.azure.dms.account import of
from migration.azure.dms.moving import closed, fence, open_target, prove_quiet, quiet_since
from migration.azure.dms.service import in_words as service_in_words
from migration.azure.dms.tasks import begin, follow, in_words, newest, succeeded
from migration.azure.moving import give_up, look_again, prove_content
from migration.azure.operating import poll_s
from migration.cutover.attempt import CONTENT, Aborted, Switchover, part, pass_no_return, past_no_return
from migration.model import Direction, Outcome
from migration.notes import last_of_attempt
from migration.runbook import CloudFailed, CloudSilent, Estimate, Halted, Migration, StepFailed
from migration.steps import compare
from migration.view import Condition
from providers.azure import tasks
from providers.mysql.errors import ServerError

_NUMBERED = "copy_task"
# How long a task whose order was not answered may take to be seen.
_UNSEEN_S = 30.0
_PARTS = (
    ("ready", "look at both sides again"),
    ("fence", "see that nobody writes"),
    ("copy", "copy everything"),
    ("arrived", "see that all arrived"),
    (CONTENT, "prove the rows equal"),
    ("prove", "prove that nobody wrote"),
    ("applications", "start the applications"),
)


def parts(m: Migration) -> tuple[tuple[str, str], ...]:
    """See `Mover`."""
    return _PARTS


def estimate(m: Migration) -> Estimate:
    """How long writes are off."""
    return Estimate(None, "as long as the copy takes and its rows are compared; a test migration tells")


def statements(m: Migration) -> tuple[str, ...]:
    """What will be done."""
    return (
        f"you stop every application that writes on {m.source.name}; its sessions and binary log are watched",
        f"task {tasks.OFFLINE}: {', '.join(copy.selected(m))}, into {of(m).target.name}",
        "all rows of both servers are read and compared",
        "journal: point of no return, synced to disk",
        f"{of(m).target.name}: the clients' accounts are unlocked",
    )


def ready(m: Migration, direction: Direction) -> tuple[Condition, ...]:
    """See `Mover`."""
    try:
        found = of(m).migration_service()
        runs = found is not None and bool(found.running)
        return Condition(runs, service_in_words(m, found)), closed(m)
    except (CloudFailed, ServerError) as error:
        return (Condition(False, str(error)),)


def switch(m: Migration, s: Switchover) -> None:
    """See `Mover`."""
    try:
        _begin(m, s)
        _copy_and_prove(m, s)
    except (Aborted, Halted, StepFailed, ServerError) as error:
        raise _not_moved(m, s, error) from error
    _open(m, s)


def settle(m: Migration, s: Switchover) -> bool:
    """See `Mover`. A copy under way is joined, as long as nobody has written since it began."""
    try:
        if not past_no_return(m, s.number):
            if not quiet_since(m, s):
                raise Aborted("the runner died before the copy began")
            _copy_and_prove(m, s)
    except (Aborted, Halted, StepFailed, ServerError) as error:
        _not_moved(m, s, error)
        return False
    _open(m, s)
    return True


def _begin(m: Migration, s: Switchover) -> None:
    """Until nobody writes.

    Raises:
        Aborted: it cannot be brought about; nothing was changed.
        StepFailed, ServerError: likewise.
    """
    with part(m, s, "ready"):
        look_again(m, s, ready)
        # What an attempt before this one has left holds rows of then.
        copy.give_up(m)
        copy.clear(m)
    fence(m, s)


def _copy_and_prove(m: Migration, s: Switchover) -> None:
    """Until the target has everything, and it is proved.

    Raises:
        Aborted, StepFailed, ServerError: it has not; nothing was opened.
        Halted: the operator stopped it.
    """
    with part(m, s, "copy") as say:
        prove_quiet(m, s)
        number = _join(m, s)
        say(in_words(follow(m, copy.STEP, copy.COPY, number, succeeded)))
    with part(m, s, "arrived") as say:
        arrived.require(m)
        say(arrived.in_words(m))
    if m.prover is not None:
        if compare.probe(m).outcome is not Outcome.DONE:
            compare.apply(m)
        m.prover.prepare()
    prove_content(m, s)
    with part(m, s, "prove") as say:
        say(prove_quiet(m, s))
    pass_no_return(m, s, f"the opening of {s.new.name}")


def _join(m: Migration, s: Switchover) -> int:
    """The number of this attempt's task: begun unless it is there.

    Raises:
        CloudFailed: it was refused, or nothing is seen of it.
        Halted: the operator stopped it.
    """
    noted = last_of_attempt(m, PRODUCT, _NUMBERED)
    if noted:
        number = int(noted)
    else:
        number = newest(m, copy.COPY)[0] + 1
        copy.note_empty(m)
        m.scribe.statement(PRODUCT, _NUMBERED, str(number), 0)
    if newest(m, copy.COPY)[0] >= number:
        return number
    try:
        begin(m, copy.STEP, copy.COPY, number, copy.asked(m))
    except CloudSilent:
        until = time.monotonic() + _UNSEEN_S
        while newest(m, copy.COPY)[0] < number:
            if time.monotonic() > until:
                raise
            time.sleep(poll_s(m))
    return number


def _not_moved(m: Migration, s: Switchover, error: Exception) -> Aborted:
    """End the attempt: the copy is ended as well, and clients stay where they are."""
    why = "The operator stopped it." if isinstance(error, Halted) else str(error)
    try:
        copy.give_up(m)
    except (CloudFailed, Halted) as left:
        m.scribe.note(f"The copy goes on at the service and is of no use any more: {left or 'not waited for'}", "warn")
    source_closed.reopen(m)
    give_up(m, s, why)
    return Aborted(why)


def _open(m: Migration, s: Switchover) -> None:
    with part(m, s, "applications") as say:
        say(open_target(m, s))
    m.scribe.attempt_ended(s.number, "switched", "")
