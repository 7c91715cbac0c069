"""Other DTS tasks that read from the source or write to it."""

from __future__ import annotations

from migration.aliyun import tasks
from migration.aliyun.checks.asking import BOTH_WAYS, STEPS, account, answered, moving
from migration.check import Pair, Result, Severity, check
from migration.checks.results import Evidence, count, failed, passed, table
from migration.model import Side
from providers.aliyun.dts import Job, JobEnd

_ASKS = "dts:DescribeDtsJobs by the source, of each kind of task, as its source and as its destination"


@check(
    "dts-two-way",
    "no two-way DTS task on the source",
    Side.CLOUD,
    Severity.BLOCKER,
    why="With a two-way synchronization changes come in from elsewhere during the move, and the sides become unequal.",
    asks=_ASKS,
    routes=BOTH_WAYS,
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
