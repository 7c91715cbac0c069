"""DTS tasks: the one that carries a logical migration, and others that read from the source or write to it."""

from __future__ import annotations

from collections.abc import Mapping

from migration.aliyun import tasks
from migration.aliyun.account import Account
from migration.aliyun.checks.asking import (
    BOTH_WAYS,
    LOGICAL_ONLY,
    STEPS,
    account,
    answered,
    call_fix,
    moving,
    unsaid,
)
from migration.check import Pair, Result, Severity, check
from migration.checks import facts
from migration.checks.results import Evidence, count, failed, not_applicable, passed, table
from migration.model import Side
from providers.aliyun import dts
from providers.aliyun.dts import CheckItem, Job, JobEnd, Stage

_ASKS = "dts:DescribeDtsJobs by the source, of each kind of task, as its source and as its destination"
_RUNS = ("synchronizing", "migrating")
_FAILED = "failed"
# The name that stands for all databases in what a task carries.
_EVERY = "*"


@check(
    "dts-two-way",
    "no two-way DTS task on the source",
    Side.CLOUD,
    Severity.BLOCKER,
    why="With a two-way synchronization changes come in from elsewhere during the move, and the sides become unequal.",
    asks=_ASKS,
    routes=BOTH_WAYS,
    again=True,
    page=STEPS,
)
@answered
def two_way(pair: Pair) -> Result:
    """Fails where a task, or two tasks together, synchronize the source with another database both ways."""
    jobs = _jobs(pair)
    ways = {ends for job in jobs if (ends := _ends(job))}
    found = [job for job in jobs if job.reverse is not None or ((ends := _ends(job)) and ends[::-1] in ways)]
    if not found:
        return passed("none")
    return failed(
        count(len(found), "is two-way", "are two-way"),
        _shown(found, pair),
        "The provider does not support this: the data would become inconsistent. End the direction that writes to the "
        "source, in the DTS console (release the task, or its reverse direction), and make it anew with the cluster "
        "once the migration is complete. The migration's own task is not among these.",
    )


@check(
    "dts-tasks",
    "other DTS tasks of the source",
    Side.CLOUD,
    Severity.NOTICE,
    why="After the switch the source is read-only: tasks that write to it fail, others read no new changes.",
    asks=_ASKS,
    routes=BOTH_WAYS,
    page=STEPS,
)
@answered
def others(pair: Pair) -> Result:
    """Tells which tasks have to follow the switch; the migration's own is never among them."""
    jobs = _jobs(pair)
    if not jobs:
        return passed("none")
    return failed(
        count(len(jobs), "task", "tasks"),
        _shown(jobs, pair),
        "Nothing to do now: after the switch, and before the migration is completed, their end at the source is moved "
        "to the cluster, in a step of this migration that you choose. They have to be running then. A task goes back "
        "by ten seconds when it is moved, so that tables without a primary key get some rows twice.",
    )


@check(
    "dts-own-task",
    "migration's own DTS task runs",
    Side.CLOUD,
    Severity.WARNING,
    why="It carries every row of a logical migration; why it stands still or falls behind is told nowhere else.",
    asks="dts:DescribeDtsJobDetail of the task that polardb:DescribeDBClusterMigration names",
    routes=LOGICAL_ONLY,
    again=True,
    page=STEPS,
)
@answered
def own_task(pair: Pair) -> Result:
    """Fails where the task does not run; its parts, what its precheck refused and what it carries are evidence."""
    found = moving(pair)
    if found is None:
        return not_applicable("there is no cluster yet")
    if not found.dts_instance_id:
        return unsaid("which DTS task carries the rows")
    job = carrier(account(pair), found.dts_instance_id)
    evidence = table(("part", "state", "how far", "what it says"), [*_parts(job), *_refused(job), _carried(job)])
    if not job.status:
        return unsaid("the state of the task", evidence)
    if job.status.lower() in _RUNS:
        return passed(in_words(job), evidence)
    return failed(
        in_words(job),
        evidence,
        f"{what_failed(job) or job.error or 'It gave no reason.'} Wait where it is still beginning; otherwise look at "
        f"the task {job.job_id} in the DTS console (Task Logs), and cure the cause on the source. Do not stop, change "
        "or release the task: the migration would fail.",
    )


@check(
    "dts-objects",
    "DTS carries every database",
    Side.CLOUD,
    Severity.BLOCKER,
    why="A database that was created since the order is on the source alone, and is missing after the switch.",
    asks="dts:DescribeDtsJobDetail of the migration's own task; SHOW DATABASES on the source",
    routes=LOGICAL_ONLY,
    again=True,
    page=STEPS,
)
@answered
def objects(pair: Pair) -> Result:
    """Fails where the source has a database that the task does not carry."""
    found = moving(pair)
    if found is None:
        return not_applicable("there is no cluster yet")
    if not found.dts_instance_id:
        return unsaid("which DTS task carries the rows")
    job = carrier(account(pair), found.dts_instance_id)
    listed = _objects(job)
    if listed is None or not job.job_id:
        return unsaid("what the task carries")
    left = () if _EVERY in listed else tuple(name for name in facts.moved(pair) if name not in listed)
    if not left:
        return passed("every one")
    more = {**listed, **{name: {"name": name, "all": True} for name in left}}
    return failed(
        count(len(left), "is left out", "are left out"),
        table(("database", "carried"), [(name, "no" if name in left else "yes") for name in facts.moved(pair)]),
        "Add what is left out to the task (the change shown here, or Modify Synchronization Objects in the DTS "
        "console), and wait until it has been copied: the new rows are not compared before. The provider has one page "
        "that allows this change of the task and, on the same page, forbids to touch it; where that is too risky, "
        "cancel and order the cluster anew.",
        call_fix(
            dts.replace_objects(found.dts_instance_id, job.job_id, more),
            dts.replace_objects(found.dts_instance_id, job.job_id, listed),
            setting=f"databases of the DTS task {job.job_id}",
            was=", ".join(listed),
            becomes=", ".join(more),
            reach="the migration's own DTS task",
        ),
    )


def carrier(asked: Account, dts_instance_id: str) -> Job:
    """The task of a migration, in full.

    Raises:
        CloudFailed: as `Account.read`.
    """
    return asked.read(lambda client: dts.job_of_instance(client, dts_instance_id))


def in_words(job: Job) -> str:
    """The task's state, and how far the part is that is at work."""
    at_work = [f"{name} {stage.percent} %" for name, stage in _stages(job) if _is_at_work(stage)]
    return ", ".join((job.status or "no status", *at_work))


def copied(job: Job) -> int | None:
    """How much of the full copy is done, in hundredths; None where the task does not tell."""
    told = (one.full.percent or "" for one in _whole(job) if one.full is not None)
    return next((int(float(words)) for words in told if words.replace(".", "", 1).isdigit()), None)


def what_failed(job: Job) -> str:
    """What the precheck refused, each item with its reason and the provider's remedy; empty where nothing."""
    return " ".join(
        f"{item.item}: {item.reason or 'no reason was given'}{f' ({item.remedy})' if item.remedy else ''}."
        for item in _failing(job)
    )


def _whole(job: Job) -> tuple[Job, ...]:
    """The task and its parts: which of them tells what is not published."""
    return (job, *(job.parts or ()))


def _failing(job: Job) -> tuple[CheckItem, ...]:
    found = (item for one in _whole(job) for item in one.precheck or ())
    return tuple(dict.fromkeys(item for item in found if (item.result or "").lower() == _FAILED))


def _stages(job: Job) -> tuple[tuple[str, Stage], ...]:
    found = (
        (name, stage)
        for one in _whole(job)
        for name, stage in (("schema", one.schema), ("full copy", one.full), ("changes", one.incremental))
        if stage is not None
    )
    return tuple(dict.fromkeys(found))


def _is_at_work(stage: Stage) -> bool:
    return stage.percent not in (None, "", "0", "100")


def _parts(job: Job) -> list[tuple[object, ...]]:
    """A line for each part of the task."""
    return [
        (name, stage.status, f"{stage.percent or '-'} % {stage.progress or ''}".strip(), stage.error or "")
        for name, stage in _stages(job)
    ]


def _refused(job: Job) -> list[tuple[object, ...]]:
    """A line for each item of the precheck that failed."""
    return [(f"precheck {item.item}", item.result, item.reason, item.remedy) for item in _failing(job)]


def _carried(job: Job) -> tuple[object, ...]:
    listed = _objects(job)
    names = None if listed is None else ", ".join(listed) or "nothing"
    return ("databases", "carried" if names else "not told", names, "")


def _objects(job: Job) -> Mapping[str, object] | None:
    return next((one.objects for one in _whole(job) if one.objects is not None), None)


def _jobs(pair: Pair) -> tuple[Job, ...]:
    asked, found = account(pair), moving(pair)
    own = found.dts_instance_id if found is not None else None
    return pair.once("dts jobs", lambda: tasks.of_business(asked, asked.instance_id, own))


def _ends(job: Job) -> tuple[str, str] | None:
    """From where to where; None where the answer does not tell, or the task is a subscription."""
    if job.source is None or job.destination is None or (job.kind or "").upper() == "SUBSCRIBE":
        return None
    source, destination = job.source.instance_id, job.destination.instance_id
    return (source, destination) if source and destination else None


def _shown(jobs: tuple[Job, ...] | list[Job], pair: Pair) -> Evidence:
    source = account(pair).instance_id
    rows = [
        (
            job.job_id, job.name, job.kind, job.status, _at(job.source), _at(job.destination),
            "writes to the source" if job.destination and job.destination.instance_id == source else "",
        )
        for job in jobs
    ]  # fmt: skip
    return table(("task", "name", "kind", "status", "from", "to", "note"), rows)


def _at(end: JobEnd | None) -> str:
    return (end.instance_id if end else None) or "-"
