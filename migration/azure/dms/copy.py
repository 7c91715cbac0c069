"""Carrying schema and data over: online a task that then follows, for a test one that copies once."""

from __future__ import annotations

import json

from migration.azure.dms import service
from migration.azure.dms.account import of, project_of
from migration.azure.dms.source_closed import by_service
from migration.azure.dms.tasks import (
    begin_or_join,
    databases,
    follow,
    in_words,
    name_of,
    newest,
    selections,
    source_connection,
    succeeded,
    target_connection,
)
from migration.azure.dms.way import offline, online
from migration.azure.operating import carry_out
from migration.runbook import CloudFailed, Estimate, Migration, Observation, StepFailed, done, not_done
from providers.azure import datamigration, tasks
from providers.azure.calls import Body
from providers.azure.tasks import Task
from providers.mysql.literals import quote_name

STEP = "copy"
SYNC, COPY = "sync", "copy"
_ABSENT = "not_there"


def statements(m: Migration) -> tuple[str, ...]:
    """What will be called."""
    if offline(m):
        return ("nothing yet: offline the copy is made when nobody writes any more",)
    chosen = selections(m)
    what = f"{len(chosen)} databases, {sum(len(one.tables) for one in chosen)} tables"
    return (f"task {tasks.ONLINE if online(m) else tasks.OFFLINE}: {what}, into {of(m).target.name}",)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(None, "depends on the size of the databases, and online on how much is written meanwhile")


def probe(m: Migration) -> Observation:
    """Whether everything was copied; online: whether changes are carried over as well."""
    if offline(m):
        return done("offline it is copied behind the write stop")
    if idle := service.idle(m):
        return not_done(idle)
    _, found = newest(m, kind(m))
    if found is None:
        return not_done("nothing was copied yet")
    good = loaded(found, selected(m)) if online(m) else succeeded(found)
    return done(in_words(found)) if good else not_done(in_words(found))


def apply(m: Migration) -> None:
    """Begin it, or join what an earlier runner began, and wait until everything is copied.

    Raises:
        StepFailed: the task failed, or the service does not run.
        CloudFailed, CloudSilent, Halted: as `carry_out`.
    """
    service.awake(m)
    number = begin(m)
    names = selected(m)
    follow(m, STEP, kind(m), number, (lambda task: loaded(task, names)) if online(m) else succeeded)


def begin(m: Migration) -> int:
    """The number of the task that copies; what one that failed has left on the target is dropped before another.

    Raises:
        CloudFailed, CloudSilent, Halted: as `carry_out`.
        ServerError: the target refuses.
    """
    _, before = newest(m, kind(m))
    if before is not None and before.state in tasks.ENDED and not succeeded(before):
        clear(m)
    note_empty(m)
    return begin_or_join(m, STEP, kind(m), lambda: asked(m))


def undo(m: Migration) -> None:
    """End the tasks, and drop what was copied.

    Raises:
        CloudFailed: the service does not run, or refuses.
    """
    if of(m).migration_service() is None:
        return
    _, found = newest_awake(m)
    if found is None:
        return
    give_up(m)
    if m.other is not None:
        clear(m)


def newest_awake(m: Migration) -> tuple[int, Task | None]:
    """As `newest`, of a service that may have to be started first.

    Raises:
        CloudFailed: it does not run, and whether to start it is the operator's to say.
    """
    try:
        service.awake(m)
    except CloudFailed:
        raise
    except StepFailed as error:
        raise CloudFailed(str(error)) from error
    return newest(m, kind(m))


def give_up(m: Migration) -> None:
    """End the task that copies, if it goes on.

    Raises:
        CloudFailed, CloudSilent, Halted: as `carry_out`.
    """
    number, found = newest(m, kind(m))
    if found is not None and found.state not in tasks.ENDED:
        carry_out(m, STEP, datamigration.cancel_task(of(m).dms, project_of(m), name_of(m, kind(m), number)))


def note_empty(m: Migration) -> None:
    """Journal which of the databases the target does not have before the first copy: only those may be dropped there.

    Raises:
        ServerError: the target cannot be asked.
    """
    if _absent_before(m) is None:
        there = set(m.target.databases())
        absent = [name for name in selected(m) if name not in there]
        m.scribe.statement(m.target.name, _ABSENT, json.dumps(absent), 0)


def clear(m: Migration) -> None:
    """Drop from the target what this migration has copied there, and nothing that was there before.

    Raises:
        ServerError: the target refuses.
    """
    for name in copied(m):
        m.change(m.target, STEP, f"DROP DATABASE IF EXISTS {quote_name(name)}")


def copied(m: Migration) -> tuple[str, ...]:
    """The databases on the target that this migration has copied there.

    Raises:
        ServerError: the target cannot be asked.
    """
    ours = _absent_before(m) or ()
    return tuple(name for name in m.target.databases() if name in ours)


def _absent_before(m: Migration) -> tuple[str, ...] | None:
    noted = m.ran(m.target, _ABSENT)
    return tuple(json.loads(noted[0])) if noted else None


def kind(m: Migration) -> str:
    """Which kind of task carries the rows."""
    return SYNC if online(m) else COPY


def selected(m: Migration) -> tuple[str, ...]:
    """The databases that are carried."""
    return tuple(one.database for one in selections(m))


def loaded(task: Task, names: tuple[str, ...]) -> bool:
    """Whether an online migration has copied all tables of all these databases, and none failed."""
    found = databases(task)
    return task.state not in tasks.ENDED and all(
        name in found and found[name].loaded is True and not found[name].tables_failed for name in names
    )


def asked(m: Migration) -> Body:
    """What the task that copies is given.

    Raises:
        StepFailed: there is nothing to copy.
    """
    source, target, chosen = source_connection(m), target_connection(m), selections(m)
    if not chosen:
        raise StepFailed(f"No database of {m.source.name} has a table: there is nothing to migrate.")
    if online(m):
        return tasks.migrate_online(source, target, chosen)
    return tasks.migrate_offline(source, target, chosen, close_source=by_service(m))
