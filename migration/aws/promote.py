"""Promoting the replica: RDS detaches it for good and restarts it, which takes minutes.

Where positions are files and offsets, replication is stopped first and what the replica had executed is put down:
after the promotion nothing on it tells.
"""

from __future__ import annotations

from migration.aws import state
from migration.aws.account import of
from migration.guard import GUARD, guard
from migration.runbook import Estimate, Migration, Observation, StepFailed, done, not_done
from migration.steps import follow_again
from providers.aws import instances
from providers.aws.calls import Write
from providers.aws.records import Instance
from providers.mysql.errors import ServerError

STEP = "promote"
_LEAST_DAYS = 1


def _order(m: Migration) -> Write[Instance]:
    days = max(state.source(m).backup_days or 0, _LEAST_DAYS)
    return instances.promote(of(m).replica_id, days)


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    stop = (f"{of(m).replica_id}: {m.source.dialect.stop_replica}; note what it has executed",) if m.by_file else ()
    return (*stop, _order(m).shown())


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(180.0, "RDS User Guide: some minutes or longer, with a restart; clients do not wait for it here")


def probe(m: Migration) -> Observation:
    """Whether it is an instance of its own that has a binary log and lets us in."""
    found = state.replica(m)
    if found is None:
        return not_done(f"there is no instance {of(m).replica_id}")
    if found.source_id is not None or not state.works(found):
        return not_done(state.in_words(found))
    try:
        log, init = m.target.variable("log_bin"), m.target.variable(GUARD)
    except ServerError as error:
        return not_done(str(error))
    if log != "ON":
        return not_done(f"{m.target.name} has no binary log yet: its backups are not on")
    if init == guard(m):
        return not_done(f"the guard is still in force on {m.target.name}, reboot it")
    return done(f"{m.target.name} follows nobody, and has a binary log")


def apply(m: Migration) -> None:
    """Promote it and wait.

    Raises:
        StepFailed: it ended without a promotion.
        CloudFailed, CloudSilent: as `Account.send`.
        Halted: the operator stopped waiting.
    """
    found = state.wait(m, STEP, lambda: state.replica(m), state.works)
    if found.source_id is not None:
        if m.by_file:
            follow_again.note_place(m)
        # A replica that is being backed up is not promoted.
        state.wait(m, STEP, lambda: state.replica(m), lambda one: state.works(one) and one.status != "backing-up")
        of(m).send(_order(m))
        found = state.wait(m, STEP, lambda: state.replica(m), state.works)
    if found.source_id is not None:
        why = state.last_event(m, of(m).replica_id, "promotion failed") or state.in_words(found)
        raise StepFailed(f"{found.instance_id} was not promoted ({why}); it is a replica as before. Try again.")
