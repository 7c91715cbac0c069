"""Waiting until every database is ready for its cutover and close behind the source."""

from __future__ import annotations

import time

from migration.azure import sync
from migration.azure.dms import copy, service
from migration.azure.dms.follow import of_task
from migration.azure.dms.tasks import databases, in_words, newest, tell, trouble
from migration.azure.dms.way import online
from migration.azure.operating import poll_s
from migration.azure.sync import limit_s
from migration.model import Outcome
from migration.runbook import Estimate, Halted, Migration, Observation, StepFailed, done, not_done
from providers.azure import tasks

STEP = "catch_up"


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    if not online(m):
        return ("nothing: only an online migration follows",)
    return (f"nothing is changed; waited until every database is {tasks.READY_TO_COMPLETE}", *sync.statements(m))


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(None, "depends on how much was written while the databases were copied")


def probe(m: Migration) -> Observation:
    """Whether each database is ready, and the worst of them below the limit."""
    if not online(m):
        return done("only an online migration follows")
    if idle := service.idle(m):
        return not_done(idle)
    _, found = newest(m, copy.SYNC)
    if found is None:
        return not_done("there is no task that follows")
    seen, sample = databases(found), of_task(found)
    late = [name for name in copy.selected(m) if name not in seen or seen[name].state != tasks.READY_TO_COMPLETE]
    if late or sample.lag_s is None or sample.lag_s >= limit_s(m):
        return not_done(in_words(found))
    return done(in_words(found))


def apply(m: Migration) -> None:
    """Wait.

    Raises:
        StepFailed: the task has ended, or the service does not run.
        Halted: the operator stopped waiting.
    """
    while True:
        service.awake(m)
        if probe(m).outcome is Outcome.DONE:
            return
        _, found = newest(m, copy.SYNC)
        if found is None or found.state in tasks.ENDED:
            why = "it is gone" if found is None else trouble(found)
            raise StepFailed(f"Changes are not carried over any more: {why}. Cancel, and begin again.")
        tell(m, STEP, found)
        if m.desk.halted():
            raise Halted
        time.sleep(poll_s(m))
