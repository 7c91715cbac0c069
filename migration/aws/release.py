"""Deleting the old primary, once nothing needs it any more."""

from __future__ import annotations

from migration.aws import state
from migration.aws.account import of
from migration.model import Direction
from migration.runbook import Estimate, Migration, Observation, StepFailed, done, not_done
from providers.aws import instances
from providers.aws.calls import Write
from providers.aws.records import Instance

KEEP, RELEASE = "keep it", "delete it after a last snapshot"


def _order(m: Migration) -> Write[Instance]:
    return instances.delete(of(m).instance_id, f"{of(m).own_id}-before")


def statements(m: Migration) -> tuple[str, ...]:
    """What will be called."""
    return (f"only if that is chosen and confirmed: {_order(m).shown()}",)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(None, "as long as its last snapshot takes")


def wanted(m: Migration) -> bool:
    """Whether the operator chose to delete it."""
    return m.chosen("release") == RELEASE


def _source(m: Migration) -> Instance | None:
    account = of(m)
    return account.read(lambda client: instances.find(client, account.instance_id))


def probe(m: Migration) -> Observation:
    """Whether it is gone, or to stay."""
    if not wanted(m):
        return done(f"{of(m).instance_id} stays, as was chosen; it is read-only and billed")
    found = _source(m)
    return done(f"{of(m).instance_id} is deleted") if found is None else not_done(state.in_words(found))


def apply(m: Migration) -> None:
    """Take the last snapshot and delete it.

    Raises:
        StepFailed: it has the writes, replicates, or is protected.
        CloudFailed, CloudSilent: as `Account.send`.
        Halted: the operator stopped waiting.
    """
    switched = [attempt for attempt in m.story().attempts if attempt.result == "switched"]
    if not switched or switched[-1].direction is not Direction.CUTOVER:
        raise StepFailed(f"{of(m).instance_id} has the writes; it is not deleted.")
    found = _source(m)
    if found is None:
        return
    if found.replica_ids:
        raise StepFailed(
            f"{', '.join(found.replica_ids)} still follow {of(m).instance_id}, which is not deleted: delete or promote "
            "them first, then try again."
        )
    if found.deletion_protected:
        raise StepFailed(
            f"{of(m).instance_id} is protected from deletion; turn that off in the console, then try again."
        )
    if found.status != "deleting":
        of(m).send(_order(m))
    _wait_gone(m)


def _wait_gone(m: Migration) -> None:
    try:
        state.wait(m, "released", lambda: _source(m), lambda _: False)
    except StepFailed:
        if _source(m) is not None:
            raise
