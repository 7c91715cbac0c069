"""The cutover of an online migration: quiet, counters at rest, rows proved equal, then one command for each database.

A command has no token and cannot be taken back; whether it was taken shows in the state of its database and in the
task's orders, which are looked at before one is ever sent again.
"""

from __future__ import annotations

import contextlib
import time

from migration.azure.account import PRODUCT, commands
from migration.azure.dms import copy
from migration.azure.dms.account import of, project_of
from migration.azure.dms.follow import pending
from migration.azure.dms.moving import closed, fence, open_target, prove_quiet, quiet_since
from migration.azure.dms.service import in_words as service_in_words
from migration.azure.dms.tasks import COMPLETE, databases, in_words, name_of, newest, tell, trouble
from migration.azure.moving import NotMoved, drain, give_up, look_again, prove_content, take_back
from migration.azure.operating import poll_s
from migration.azure.sync import limit_s
from migration.cutover.attempt import CONTENT, Aborted, Switchover, part, pass_no_return, past_no_return
from migration.cutover.native import lag_condition
from migration.model import Direction
from migration.runbook import CloudFailed, CloudSilent, Estimate, Migration, StepFailed
from migration.view import Condition
from providers.azure import datamigration, tasks
from providers.azure.tasks import Task
from providers.mysql import replication
from providers.mysql.errors import ServerError

_STEP = "move_writes"
_PARTS = (
    ("ready", "look at both sides again"),
    ("fence", "see that nobody writes"),
    ("drain", "see every change applied"),
    (CONTENT, "prove the rows equal"),
    ("prove", "prove that nobody wrote"),
    ("complete", "complete each database"),
    ("applications", "start the applications"),
)
# What the counters say is believed when it has been so for as long; the provider's pages refresh every half minute.
_SETTLE_S = 30.0
# How long an order whose answer was lost may take to be seen before it is given again.
_UNSEEN_S = 60.0


def parts(m: Migration) -> tuple[tuple[str, str], ...]:
    """See `Mover`."""
    return _PARTS


def estimate(m: Migration) -> Estimate:
    """How long writes are off."""
    return Estimate(120.0, "the counters are refreshed every half minute, and each database is completed")


def statements(m: Migration) -> tuple[str, ...]:
    """What will be done."""
    account, names = of(m), copy.selected(m)
    write = datamigration.complete_database(account.dms, project_of(m), "<task>", "<database>")
    return (
        f"you stop every application that writes on {m.source.name}; its sessions and binary log are watched",
        f"the task's counters: each of {', '.join(names)} {tasks.READY_TO_COMPLETE}, 0 s behind, no change pending",
        "where the target tells how far it has come, that is compared with the end of the source's binary log",
        "journal: point of no return, synced to disk",
        *commands(write),
        f"each is read until it is {COMPLETE}, and the task {tasks.ENDED[1]}",
        f"{account.target.name}: the clients' accounts are unlocked",
    )


def ready(m: Migration, direction: Direction) -> tuple[Condition, ...]:
    """See `Mover`."""
    conditions = [lag_condition(m.desk.lag(), m.target.name, limit_s(m))]
    try:
        found = of(m).migration_service()
        runs = found is not None and bool(found.running)
        conditions.append(Condition(runs, service_in_words(m, found)))
        conditions += _told(m) if runs else []
        conditions.append(closed(m))
    except (CloudFailed, ServerError) as error:
        conditions.append(Condition(False, str(error)))
    if m.prover is not None:
        conditions.append(m.prover.condition())
    return tuple(conditions)


def _told(m: Migration) -> list[Condition]:
    """What the task says of each database."""
    _, task = newest(m, copy.SYNC)
    seen = {} if task is None else databases(task)
    found = []
    for name in copy.selected(m):
        state = seen[name].state if name in seen else "not part of the task"
        found.append(Condition(state == tasks.READY_TO_COMPLETE, f"{name} is {state or 'without a state'}"))
    return found


def switch(m: Migration, s: Switchover) -> None:
    """See `Mover`."""
    try:
        _bring_together(m, s)
    except (Aborted, StepFailed, ServerError) as error:
        give_up(m, s, str(error))
        raise Aborted(str(error)) from error
    pass_no_return(m, s, f"the completion of {', '.join(copy.selected(m))}")
    _see_through(m, s)


def settle(m: Migration, s: Switchover) -> bool:
    """See `Mover`."""
    if not past_no_return(m, s.number):
        give_up(m, s, "the runner died before a database was completed")
        return False
    try:
        _see_through(m, s)
    except NotMoved:
        return False
    return True


def _bring_together(m: Migration, s: Switchover) -> None:
    """Until nobody writes on the source, and the target has everything.

    Raises:
        Aborted: it cannot be brought about; nothing was changed.
        StepFailed, ServerError: likewise.
    """
    with part(m, s, "ready"):
        look_again(m, s, ready)
        if m.prover is not None:
            m.prover.prepare()
    fence(m, s)
    with part(m, s, "drain") as say:
        say(_drain(m, s))
    prove_content(m, s)
    with part(m, s, "prove") as say:
        say(prove_quiet(m, s))


def settle_s(m: Migration) -> float:
    """For how long the counters have to be at rest, in seconds; the proof of the rows says more than they do."""
    wanted = of(m).spec.options.get("settle_s")
    return float(wanted) if wanted else (2 * poll_s(m) if m.prover is not None else _SETTLE_S)


def _drain(m: Migration, s: Switchover) -> str:
    """Wait until the service has applied everything; what was compared.

    Raises:
        Aborted: the task ended, or the operator stopped it.
        CloudFailed: the service cannot be asked.
    """
    resting: float | None = None
    while True:
        _, task = newest(m, copy.SYNC)
        if task is None or task.state in tasks.ENDED:
            raise Aborted(f"Changes are not carried over any more: {trouble(task) if task else 'the task is gone'}.")
        tell(m, _STEP, task)
        left = _left(m, task)
        resting = (resting or time.monotonic()) if not left else None
        if resting is not None and time.monotonic() - resting >= settle_s(m):
            break
        if m.desk.halted():
            raise Aborted(f"The operator stopped it{f'; left: {left}' if left else ''}.")
        time.sleep(poll_s(m))
    return f"{in_words(task)}, no change pending; {_positions(m, s)}"


def _left(m: Migration, task: Task) -> str:
    """What keeps a database from being completed; empty for nothing. What is not told is not believed."""
    seen = databases(task)
    for name in copy.selected(m):
        one = seen.get(name)
        if one is None or one.state != tasks.READY_TO_COMPLETE:
            return f"{name} is {one.state if one else 'not part of the task'}"
        if one.latency is None or one.latency > 0:
            return f"{name} is {'an unknown time' if one.latency is None else f'{one.latency} s'} behind"
        if pending(one):
            return f"{name} has {pending(one)} changes to apply"
    return ""


def _positions(m: Migration, s: Switchover) -> str:
    """Wait until the target is where the source's log ends, where the target can tell; in words.

    Raises:
        Aborted: it is not.
    """
    end = quiet_since(m, s)
    if replication.follows(s.new, s.old) is None:
        return f"{s.old.name} ends at {end}; the target tells no position"
    return drain(m, s)


def _see_through(m: Migration, s: Switchover) -> None:
    """Complete every database, unless that was done, and open the target.

    Raises:
        NotMoved: nothing was opened; the applications may go on writing on the source.
    """
    try:
        with part(m, s, "complete") as say:
            say(_complete(m, s))
    except NotMoved as error:
        take_back(m, s, str(error))
        raise
    with part(m, s, "applications") as say:
        say(open_target(m, s))
    m.scribe.attempt_ended(s.number, "switched", "")


def _complete(m: Migration, s: Switchover) -> str:
    """Give the command for each database, once, and follow them to their end."""
    asked: dict[str, float] = {}
    said = ""
    while True:
        try:
            number, task = newest(m, copy.SYNC)
            if task is not None and _over(m, s, task):
                return in_words(task)
            for name in _unordered(m, task, asked) if task is not None else ():
                asked[name] = time.monotonic()
                _order(m, s, number, name)
        except CloudFailed as error:
            # It goes on at the service, whether it can be asked or not; a stopped one says so.
            if str(error) != said:
                said = str(error)
                m.scribe.note(said, "warn")
        if m.desk.halted():
            _stop_if_untouched(m, s)
        time.sleep(poll_s(m))


def _over(m: Migration, s: Switchover, task: Task) -> bool:
    """Whether all is completed.

    Raises:
        NotMoved: the task has ended without.
    """
    seen = databases(task)
    states = {name: seen[name].state if name in seen else None for name in copy.selected(m)}
    tell(m, _STEP, task)
    if all(state == COMPLETE for state in states.values()) and task.state == tasks.ENDED[1]:
        return True
    if task.state in tasks.ENDED:
        raise NotMoved(
            f"The task ended as {task.state} before every database was completed: {trouble(task)}. {s.old.name} has "
            "the writes, and everything; cancel, and begin again."
        )
    return False


def _unordered(m: Migration, task: Task, asked: dict[str, float]) -> tuple[str, ...]:
    """The databases that wait for their command: neither ordered by the task's own word nor just now."""
    seen = databases(task)
    ordered = {one.database for one in task.orders or () if one.kind == tasks.COMPLETE and one.state != "Failed"}
    now = time.monotonic()
    return tuple(
        name
        for name in copy.selected(m)
        if name in seen
        and seen[name].state == tasks.READY_TO_COMPLETE
        and name not in ordered
        and (name not in asked or now - asked[name] > _UNSEEN_S)
    )


def _order(m: Migration, s: Switchover, number: int, name: str) -> None:
    account = of(m)
    write = datamigration.complete_database(account.dms, project_of(m), name_of(m, copy.SYNC, number), name)
    m.scribe.statement(PRODUCT, _STEP, write.shown(), 0)
    with contextlib.suppress(CloudSilent):
        account.begin(write)


def _stop_if_untouched(m: Migration, s: Switchover) -> None:
    """Give it up where no command was taken.

    Raises:
        NotMoved: nothing was completed.
    """
    with contextlib.suppress(CloudFailed):
        for _ in range(2):
            _, task = newest(m, copy.SYNC)
            if task is None or task.orders or any(one.state != tasks.READY_TO_COMPLETE for one in task.databases):
                return
            time.sleep(poll_s(m))
        raise NotMoved(f"The operator stopped it; no database was completed, and {s.old.name} has the writes.")
