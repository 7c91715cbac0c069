"""The tasks of this migration in its project: numbered by kind, read back before another one is begun."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping

from migration.azure.dms.account import absent, of, project_of, tail_of
from migration.azure.operating import carry_out, poll_s
from migration.model import ServerSpec
from migration.runbook import CloudFailed, Halted, Migration, StepFailed
from providers.azure import datamigration, tasks
from providers.azure.calls import Body
from providers.azure.errors import Refused
from providers.azure.tasks import Connection, DatabaseProgress, Selection, Task
from providers.mysql.endpoint import Account, Secret, TlsMode

SOURCE_HOST, TARGET_HOST = "source_host", "target_host"
SUCCEEDED = "Succeeded"
COMPLETE = "COMPLETE"
_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND table_type = 'BASE TABLE'"


def newest(m: Migration, kind: str) -> tuple[int, Task | None]:
    """The number of the newest task of a kind, such as `copy`, and what it told so far; 0 where there is none.

    Raises:
        CloudFailed: it cannot be asked, above all where the service does not run.
    """
    account, project = of(m), project_of(m)
    pattern = re.compile(rf"{re.escape(_prefix(m, kind))}(\d+)")
    try:
        listed = account.read(lambda client: datamigration.list_tasks(client, account.dms, project))
    except CloudFailed as error:
        if absent(error):
            return 0, None
        raise
    numbers = [int(found[1]) for one in listed if (found := pattern.fullmatch(one.name or ""))]
    if not numbers:
        return 0, None
    return max(numbers), read(m, kind, max(numbers))


def read(m: Migration, kind: str, number: int) -> Task:
    """A task with what it told so far; raises as `newest`."""
    account, project, name = of(m), project_of(m), name_of(m, kind, number)
    return account.read(lambda client: datamigration.task(client, account.dms, project, name))


def name_of(m: Migration, kind: str, number: int) -> str:
    """How a task is called."""
    return f"{_prefix(m, kind)}{number}"


def begin(m: Migration, step: str, kind: str, number: int, properties: Body) -> None:
    """Begin a task; one of this number that is there already goes on as it is.

    Raises:
        CloudFailed, CloudSilent, Halted: as `carry_out`.
    """
    account = of(m)
    carry_out(m, step, datamigration.create_task(account.dms, project_of(m), name_of(m, kind, number), properties))


def succeeded(task: Task) -> bool:
    """Whether it ended well."""
    return task.state == SUCCEEDED


def begin_or_join(
    m: Migration, step: str, kind: str, properties: Callable[[], Body], good: Callable[[Task], bool] = succeeded
) -> int:
    """The number of the task that is under way or done; another one is begun only where the last one has failed.

    Args:
        m: the migration.
        step: for which it is begun.
        kind: which tasks are looked at.
        properties: what one that is begun is given.
        good: whether one that has ended serves.

    Raises:
        CloudFailed, CloudSilent, Halted: as `carry_out`.
    """
    number, found = newest(m, kind)
    if found is None or (found.state in tasks.ENDED and not good(found)):
        number += 1
        begin(m, step, kind, number, properties())
    return number


def follow(m: Migration, step: str, kind: str, number: int, until: Callable[[Task], bool]) -> Task:
    """Look at a task until it shows what is waited for.

    Raises:
        StepFailed: it ended without.
        CloudFailed: the service refuses to tell; one that does not answer is asked again.
        Halted: the operator stopped waiting; the task goes on.
    """
    while True:
        try:
            found = read(m, kind, number)
        except CloudFailed as error:
            if isinstance(error.__cause__, Refused):
                raise
            # It goes on at the service, whether it answers or not.
            m.scribe.progress(step, done=0, total=0, unit="", note=str(error))
        else:
            if until(found):
                return found
            if found.state in tasks.ENDED:
                raise StepFailed(f"The task {found.name} ended as {found.state}: {trouble(found)}.")
            tell(m, step, found)
        if m.desk.halted():
            raise Halted
        time.sleep(poll_s(m))


def tell(m: Migration, step: str, task: Task) -> None:
    """Journal how far a task is, by tables."""
    counted = [one for one in task.databases if one.tables_done is not None]
    m.scribe.progress(
        step,
        done=sum(one.tables_done or 0 for one in counted),
        total=sum(map(_tables, counted)),
        unit="tables",
        note=in_words(task),
    )


def trouble(task: Task) -> str:
    """What the service says went wrong, its own words and codes kept."""
    said = [f"{one.words} ({one.code})" if one.code else one.words for one in task.errors or ()]
    said += [one.words for one in task.troubles if one.words]
    if task.tried is not None:
        said += [
            f"{one.words}; {one.remedy}" if one.remedy else one.words for one in task.tried.troubles or () if one.words
        ]
    return "; ".join(dict.fromkeys(said)) or "it gives no reason"


def in_words(task: Task) -> str:
    """A task and its databases, in a line."""
    states = ", ".join(
        f"{one.name} {one.state}{'' if one.latency is None else f' {one.latency} s behind'}" for one in task.databases
    )
    return f"{task.name} is {task.state}" + (f": {states}" if states else "")


def databases(task: Task) -> Mapping[str, DatabaseProgress]:
    """What it says of each database."""
    return {one.name: one for one in task.databases if one.name is not None}


def selections(m: Migration) -> tuple[Selection, ...]:
    """The databases that have tables; a database without any is nothing to this service."""
    found = ((name, tuple(str(row[0]) for row in m.source.rows(_TABLES, (name,)))) for name in m.databases())
    return tuple(Selection(name, names) for name, names in found if names)


def source_connection(m: Migration) -> Connection:
    """The source as the migration service reaches it."""
    return _connection(m.spec.source, m.secrets.source, of(m).spec.options.get(SOURCE_HOST, ""))


def target_connection(m: Migration) -> Connection:
    """The target as the migration service reaches it."""
    return _connection(m.spec.target, m.secrets.target, of(m).spec.options.get(TARGET_HOST, ""))


def _connection(spec: ServerSpec, password: Secret, host: str) -> Connection:
    encrypted = spec.tls != TlsMode.DISABLED.value
    return Connection(host or spec.host, spec.port, Account(spec.user, password), encrypted)


def _prefix(m: Migration, kind: str) -> str:
    return f"{tail_of(m)}-{kind}-"


def _tables(one: DatabaseProgress) -> int:
    """How many tables a database has: an online migration tells them by what is done to them."""
    if one.tables is not None:
        return one.tables
    return (one.tables_done or 0) + (one.tables_loading or 0) + (one.tables_queued or 0)
