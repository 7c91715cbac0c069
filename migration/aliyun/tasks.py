"""The business's own DTS tasks on the source: moved to the cluster after the switch, and back after a rollback.

Never the migration's own task: the page says that a change of it makes the migration fail.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from migration import notes
from migration.aliyun.account import Account, commands, of, send_once
from migration.aliyun.agreed import agreed_to
from migration.aliyun.route import route_of
from migration.aliyun.state import cluster_id, look, poll_s, require_cluster, usual_s
from migration.aliyun.waiting import Waiting
from migration.check import Route
from migration.model import Direction
from migration.runbook import (
    CloudFailed,
    CloudSilent,
    Estimate,
    Halted,
    Migration,
    Observation,
    StepFailed,
    done,
    not_done,
)
from providers.aliyun import dts, polardb
from providers.aliyun.dts import Job
from providers.aliyun.errors import AliyunError
from providers.aliyun.polardb_records import DtsEnd, DtsMove

MOVE, LEAVE = "move them", "leave them"
_ONLY, _AND = "only ", ", "
_DTS, _STEP = "DTS", "tasks"
# Where a task reads and writes, in the words of the two products.
_ENDS = {DtsEnd.SOURCE: dts.End.SOURCE, DtsEnd.DESTINATION: dts.End.DESTINATION}
_RUNS = ("synchronizing", "migrating")


def of_business(account: Account, instance_id: str, own: str | None) -> tuple[Job, ...]:
    """The DTS tasks with an end at an instance; without the migration's own, which is `own`.

    Raises:
        CloudFailed: they cannot be listed.
    """
    found = account.read(lambda client: dts.jobs(client, instance_id))
    return tuple(job for job in found if not own or job.instance_id != own)


@dataclass(frozen=True)
class Listed:
    """The DTS tasks that read from the source or write to it.

    `doubt`: why none of them may be moved, empty where they may: one of them could carry the migration.
    """

    jobs: tuple[Job, ...]
    doubt: str = ""


def of_migration(m: Migration) -> Listed:
    """The business's tasks at the source; all that are there while the cluster is still to be made.

    Raises:
        CloudFailed: they cannot be listed.
    """
    account, cluster = of(m), cluster_id(m)
    if cluster is None:
        return Listed(of_business(account, account.instance_id, None))
    own = look(m).dts_instance_id
    # What reads from the one side and writes to the other is none of the business, whether or not it is named.
    pair = {account.instance_id, cluster}
    jobs = tuple(job for job in of_business(account, account.instance_id, own) if _ends(job) != pair)
    unclear = [job for job in jobs if not own or not job.instance_id]
    if not unclear or (not own and route_of(m) is Route.PHYSICAL):
        return Listed(jobs)
    return Listed(
        jobs,
        f"Which DTS task carries the migration into {cluster} is not told, and it may be one of these: "
        f"{', '.join(map(_name, unclear))}. No task is moved from here, since moving that one breaks the migration. "
        "Move those of the business in the DTS console, then go on, which leaves what is still there as it is.",
    )


def only(jobs: Iterable[Job]) -> str:
    """What is chosen where these are moved, and no others."""
    return f"{_ONLY}{_AND.join(str(job.job_id) for job in jobs)}"


def _is_wanted(m: Migration, job: Job) -> bool:
    """Whether it was chosen to be moved; one that came later is where all are."""
    chosen = m.chosen("tasks")
    if chosen.startswith(_ONLY):
        return job.job_id in chosen.removeprefix(_ONLY).split(_AND)
    return chosen != LEAVE


def _ends(job: Job) -> set[str | None]:
    return {end.instance_id if end is not None else None for end in (job.source, job.destination)}


def _name(job: Job) -> str:
    return str(job.name or job.job_id)


def moves(jobs: Iterable[Job], old: str, new: str) -> tuple[DtsMove, ...]:
    """What has to be moved so that no end is at `old` any more."""
    return tuple(
        DtsMove(job.job_id, end, new)
        for job in jobs
        for end, at in ((DtsEnd.SOURCE, job.source), (DtsEnd.DESTINATION, job.destination))
        if job.job_id is not None and at is not None and at.instance_id == old
    )


def _rehearse(m: Migration, wanted: Iterable[DtsMove]) -> None:
    """Have DTS try the moves without making them, unless an operator was shown a refusal and goes on all the same.

    Raises:
        StepFailed: DTS would not make one of them; none was made.
    """
    for one in wanted:
        kind = "polardb" if one.instance_id == require_cluster(m) else "rds"
        try:
            of(m).send(dts.try_moving_endpoint(dts.Move(one.job_id, _ENDS[one.end], kind, one.instance_id)))
        except CloudSilent as silent:
            m.scribe.note(f"whether DTS would move the task {one.job_id} is not known: {silent}", "warn")
        except CloudFailed as refused:
            words = (
                f"DTS would not move the task {one.job_id} to {one.instance_id}, by its own trial, and no task was "
                f"moved ({_without_id(refused)}). Cure that and try again, which moves them even if it still refuses."
            )
            if not agreed_to(m, words, _STEP):
                raise StepFailed(words) from refused


def _without_id(refused: CloudFailed) -> str:
    """The provider's code and words, without the id that each answer has of its own."""
    cause = refused.__cause__
    return f"{cause.code}: {cause.message}" if isinstance(cause, AliyunError) else str(refused)


class Tasks:
    """Moving them with the writes, or back; see `migration.runbook.Action`."""

    def __init__(self, step: str, direction: Direction) -> None:
        self._step = step
        self._direction = direction

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called, for the tasks there are now."""
        if m.chosen("tasks") == LEAVE:
            return ("nothing: the tasks are left as they are",)
        listed = self._listed(m)
        if listed.doubt:
            return (f"nothing: {listed.doubt}",)
        wanted = moves(self._left(listed, m), *self._ends(m))
        if not wanted:
            return ("nothing: no DTS task is there now that is to be moved",)
        return commands(polardb.move_dts_jobs(m.spec.target.name, wanted))

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(None, "some minutes a task; each reads again the last 10 s, twice where a table has no key")

    def probe(self, m: Migration) -> Observation:
        """Whether no task that was chosen has an end at the side without writes, or an operator has seen to them."""
        if m.chosen("tasks") == LEAVE:
            return done("left as they are, as was chosen")
        listed = self._listed(m)
        if listed.doubt and agreed_to(m, listed.doubt, _STEP):
            return done(f"left to an operator: {', '.join(map(_name, listed.jobs))}")
        left = self._left(listed, m)
        if left:
            names = ", ".join(map(_name, left))
            return not_done(f"DTS tasks that still have an end at {self._ends(m)[0]}: {names}")
        others = [job for job in listed.jobs if moves([job], *self._ends(m))]
        if others:
            return done(f"the others have moved; left as they are, as was chosen: {', '.join(map(_name, others))}")
        return done(f"no DTS task of the business has an end at {self._ends(m)[0]}")

    def apply(self, m: Migration) -> None:
        """Move them and wait until the provider shows it.

        Raises:
            StepFailed: a task is in no state to be moved, or one could carry the migration.
            CloudFailed: as `Account`.
            Halted: the operator stopped waiting.
        """
        account, (old, new), listed = of(m), self._ends(m), self._listed(m)
        if listed.doubt:
            raise StepFailed(listed.doubt)
        left = self._left(listed, m)
        for job in left:
            if (job.status or "").lower() not in _RUNS:
                raise StepFailed(
                    f"The DTS task {job.job_id} ({job.name}) is {job.status}; a task has to run to be moved: start "
                    "or cure it in its console, then try again."
                )
        _rehearse(m, moves(left, old, new))
        for job in left:
            m.scribe.statement(_DTS, _STEP, job.job_id or "", 0)
        answered = send_once(m, polardb.move_dts_jobs(require_cluster(m), moves(left, old, new)))
        waiting = Waiting(m, self._step, f"waiting until the DTS tasks have moved from {old} to {new}")
        while left := self._left(self._listed(m), m):
            names = ", ".join(map(_name, left))
            waiting.tell(f"{names} still to be moved")
            if not answered and waiting.seconds > usual_s(account):
                raise StepFailed(
                    f"Whether PolarDB took the order to move {names} from {old} to {new} is not known, and nothing is "
                    "to be seen of it: look at the tasks in the DTS console, then try again."
                )
            if m.desk.halted():
                raise Halted
            time.sleep(poll_s(account))

    def _ends(self, m: Migration) -> tuple[str, str]:
        instance, cluster = of(m).instance_id, m.spec.target.name
        return (instance, cluster) if self._direction is Direction.CUTOVER else (cluster, instance)

    def _left(self, listed: Listed, m: Migration) -> tuple[Job, ...]:
        """Those that are still to be moved, of those that were chosen."""
        ends = self._ends(m)
        return tuple(job for job in listed.jobs if _is_wanted(m, job) and moves([job], *ends))

    def _listed(self, m: Migration) -> Listed:
        if self._direction is Direction.CUTOVER:
            return of_migration(m)
        account = of(m)
        # A list of tasks by cluster is not published: those that were moved from here are known.
        moved = dict.fromkeys(notes.every(m, _DTS, _STEP))
        return Listed(tuple(account.read(partial(dts.job, job_id=job_id)) for job_id in moved))


FORWARD, BACK = Tasks("tasks_moved", Direction.CUTOVER), Tasks("tasks_back", Direction.ROLLBACK)
