"""The business's own DTS tasks on the source: moved to the cluster after the switch, and back after a rollback.

Never the migration's own task: the page says that a change of it makes the migration fail.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial

from migration.aliyun.account import Account, commands, of
from migration.aliyun.state import look, poll_s, require_cluster
from migration.journal import Kind
from migration.model import Direction
from migration.runbook import Estimate, Halted, Migration, Observation, StepFailed, done, not_done
from providers.aliyun import dts, polardb
from providers.aliyun.dts import Job
from providers.aliyun.polardb_records import DtsEnd, DtsMove

MOVE, LEAVE = "move them", "leave them"
_DTS, _STEP = "DTS", "tasks"
_RUNS = ("synchronizing", "migrating")


def of_business(account: Account, instance_id: str, own: str | None) -> tuple[Job, ...]:
    """The DTS tasks with an end at an instance; without the migration's own, which is `own`.

    Raises:
        CloudFailed: they cannot be listed.
    """
    found = account.read(lambda client: dts.jobs(client, instance_id))
    return tuple(job for job in found if not own or job.instance_id != own)


def moves(jobs: Iterable[Job], old: str, new: str) -> tuple[DtsMove, ...]:
    """What has to be moved so that no end is at `old` any more."""
    return tuple(
        DtsMove(job.job_id, end, new)
        for job in jobs
        for end, at in ((DtsEnd.SOURCE, job.source), (DtsEnd.DESTINATION, job.destination))
        if job.job_id is not None and at is not None and at.instance_id == old
    )


class Tasks:
    """Moving them with the writes, or back; see `migration.runbook.Action`."""

    def __init__(self, direction: Direction) -> None:
        self._direction = direction

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called, for the tasks there are now."""
        if m.story().chosen.get("tasks") == LEAVE:
            return ("nothing: the tasks are left as they are",)
        old, new = self._ends(m)
        listed = moves(self._jobs(m, None), old, new)
        if not listed:
            return ("nothing: no DTS task is there now",)
        return commands(polardb.move_dts_jobs(m.spec.target.name, listed))

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(None, "some minutes a task; each reads again the last 10 s, twice where a table has no key")

    def probe(self, m: Migration) -> Observation:
        """Whether no task has an end at the side without writes."""
        if m.story().chosen.get("tasks") == LEAVE:
            return done("left as they are, as was chosen")
        left = self._left(m)
        if left:
            names = ", ".join(str(job.name or job.job_id) for job in left)
            return not_done(f"DTS tasks that still have an end at {self._ends(m)[0]}: {names}")
        return done(f"no DTS task of the business has an end at {self._ends(m)[0]}")

    def apply(self, m: Migration) -> None:
        """Move them and wait until the provider shows it.

        Raises:
            StepFailed: a task is in no state to be moved.
            CloudFailed, CloudSilent: as `Account`.
            Halted: the operator stopped waiting.
        """
        account, left = of(m), self._left(m)
        for job in left:
            if (job.status or "").lower() not in _RUNS:
                raise StepFailed(
                    f"The DTS task {job.job_id} ({job.name}) is {job.status}; a task has to run to be moved: start "
                    "or cure it in its console, then try again."
                )
            m.scribe.statement(_DTS, _STEP, job.job_id or "", 0)
        account.send(polardb.move_dts_jobs(require_cluster(m), moves(left, *self._ends(m))))
        while self._left(m):
            if m.desk.halted():
                raise Halted
            time.sleep(poll_s(account))

    def _ends(self, m: Migration) -> tuple[str, str]:
        instance, cluster = of(m).instance_id, m.spec.target.name
        return (instance, cluster) if self._direction is Direction.CUTOVER else (cluster, instance)

    def _left(self, m: Migration) -> tuple[Job, ...]:
        ends = self._ends(m)
        return tuple(job for job in self._jobs(m, look(m).dts_instance_id) if moves([job], *ends))

    def _jobs(self, m: Migration, own: str | None) -> tuple[Job, ...]:
        account = of(m)
        if self._direction is Direction.CUTOVER:
            return of_business(account, account.instance_id, own)
        # A list of tasks by cluster is not published: those that were moved from here are known.
        moved = dict.fromkeys(
            str(record.body["sql"])
            for record in m.scribe.journal.records()
            if record.kind is Kind.STATEMENT and (record.subject, record.body["step"]) == (_DTS, _STEP)
        )
        return tuple(account.read(partial(dts.job, job_id=job_id)) for job_id in moved)


FORWARD, BACK = Tasks(Direction.CUTOVER), Tasks(Direction.ROLLBACK)
