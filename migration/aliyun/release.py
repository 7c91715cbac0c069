"""Releasing the source instance, once nothing needs it any more."""

from __future__ import annotations

import time

from migration.aliyun.account import commands, of, send_once
from migration.aliyun.close import closed_here
from migration.aliyun.state import ended, in_words, look_for, poll_s, require_cluster, usual_s
from migration.aliyun.waiting import Waiting
from migration.runbook import CloudAbsent, Estimate, Halted, Migration, Observation, StepFailed, done, not_done
from providers.aliyun import rds
from providers.aliyun.rds import Instance

STEP = "released"
KEEP, RELEASE = "keep it", "release it"
_PREPAID = "Prepaid"


def statements(m: Migration) -> tuple[str, ...]:
    """What will be called."""
    return (f"only if that is chosen and confirmed: {commands(rds.delete_instance(of(m).instance_id))[0]}",)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(None, "some minutes at the provider")


def wanted(m: Migration) -> bool:
    """Whether the operator chose to release it."""
    return m.chosen("release") == RELEASE


def probe(m: Migration) -> Observation:
    """Whether it is gone, or to stay."""
    instance = of(m).instance_id
    if not wanted(m):
        return done(f"{instance} stays, as was chosen")
    found = _instance(m)
    return done(f"{instance} is released") if found is None else not_done(f"{instance} is {found.status}")


def apply(m: Migration) -> None:
    """Delete it, by its id: after an exchange its old address leads to the cluster.

    Raises:
        StepFailed: the migration is not over, or it cannot be released by a call.
        CloudFailed: it was refused.
        Halted: the operator stopped waiting.
    """
    account, cluster = of(m), require_cluster(m)
    found = look_for(account, cluster)
    if not ended(found):
        assert found is not None
        raise StepFailed(
            f"{account.instance_id} is still part of the migration into {cluster} ({in_words(found)}) and is not "
            "released; wait until that has ended, then try again."
        )
    if not closed_here(m):
        raise StepFailed(
            f"The migration into {cluster} was not completed from here, so {account.instance_id} is not released; see "
            "in the console who has the writes, and release it there."
        )
    instance = _instance(m)
    if instance is None:
        return
    if instance.pay_type == _PREPAID:
        raise StepFailed(f"{account.instance_id} is prepaid: unsubscribe from it in the console.")
    if instance.deletion_protected:
        raise StepFailed(f"{account.instance_id} is protected from deletion; turn that off in the console first.")
    answered = send_once(m, rds.delete_instance(account.instance_id))
    waiting = Waiting(m, STEP, f"waiting until {account.instance_id} is released")
    while (left := _instance(m)) is not None:
        waiting.tell(f"it is {left.status}")
        if not answered and waiting.seconds > usual_s(account):
            raise StepFailed(
                f"Whether RDS took the order to release {account.instance_id} is not known, and it is still "
                f"{left.status}: look at it in the console, then try again."
            )
        if m.desk.halted():
            raise Halted
        time.sleep(poll_s(account))


def _instance(m: Migration) -> Instance | None:
    account = of(m)
    try:
        return account.read(lambda client: rds.instance(client, account.instance_id))
    except CloudAbsent:
        return None
