"""Waiting while Alibaba Cloud fills the cluster, and what to do where its precheck fails."""

from __future__ import annotations

from migration.aliyun.account import commands, of
from migration.aliyun.addresses import place_target
from migration.aliyun.state import (
    cluster_id,
    ended,
    in_words,
    look,
    look_for,
    looks,
    require_cluster,
    wait_until_ended,
)
from migration.journal import Kind
from migration.model import Outcome
from migration.runbook import Estimate, Migration, Observation, StepFailed, done, not_done
from providers.aliyun import polardb
from providers.aliyun.polardb_records import Migration as Found
from providers.aliyun.polardb_records import MigrationStatus as Status

STEP = "fill"


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    return ("nothing is called; DescribeDBClusterMigration is read until the cluster follows the instance",)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(None, "depends on the size of the data; the provider gives no figure")


def probe(m: Migration) -> Observation:
    """Whether the cluster follows the instance and its address is known."""
    if cluster_id(m) is None:
        return not_done("no cluster was ordered yet")
    found = look(m)
    if found.status not in (Status.SYNCING, Status.SWITCHED):
        return not_done(in_words(found))
    if not (m.story().spec or m.spec).target.host:
        return not_done(f"{in_words(found)}; the address of the cluster is not known yet")
    return done(in_words(found))


def apply(m: Migration) -> None:
    """Wait; after a failed precheck, on the operator's word, let the provider check again.

    Raises:
        StepFailed: the precheck failed, or the migration ended.
        Halted: the operator stopped waiting.
    """
    if look(m).status == Status.PRECHECK_FAILED and _told_before(m):
        of(m).send(polardb.continue_migration(require_cluster(m)))
        m.scribe.note("the precheck runs again: ContinueDBClusterMigration")
    for found in looks(m):
        _tell(m, found)
        if found.status == Status.SYNCING:
            place_target(m, found)
            return
        if found.status == Status.PRECHECK_FAILED:
            raise StepFailed(_precheck(m, found))
        if ended(found) or found.status == Status.CLOSING:
            raise StepFailed(
                f"The migration into {cluster_id(m)} has ended at the provider ({in_words(found)}); nothing follows "
                "any more: cancel here, then look at the console."
            )


def undo(m: Migration) -> None:
    """Give the migration up. The cluster stays, takes writes, and is billed.

    Raises:
        CloudFailed: the provider refuses, as it does while it copies; try again later.
    """
    cluster = cluster_id(m)
    if cluster is None:
        return
    found = look_for(of(m), cluster)
    if found is not None and found.status == Status.PRECHECK_FAILED:
        of(m).send(polardb.abort_migration(cluster))
    elif not ended(found) and found is not None and found.status != Status.CLOSING:
        of(m).send(polardb.close_migration(cluster))
    wait_until_ended(m, cluster)
    m.scribe.note(
        f"{cluster} is a cluster of its own now: it takes writes and is billed until you delete it, in the console or "
        f"by `{commands(polardb.delete_cluster(cluster))[0]}`.",
        "warn",
    )


def _tell(m: Migration, found: Found) -> None:
    m.scribe.progress(STEP, done=0, total=0, unit="", note=in_words(found))


def _told_before(m: Migration) -> bool:
    """Whether the operator was told of a failed precheck, and wants it tried again."""
    outcomes = [
        record
        for record in m.scribe.journal.records()
        if record.kind is Kind.OUTCOME and record.subject == STEP and not record.body.get("undone")
    ]
    return bool(outcomes) and outcomes[-1].body["outcome"] == Outcome.NOT_DONE.value


def _precheck(m: Migration, found: Found) -> str:
    why = found.comment or "no reason was given"
    return (
        f"The precheck of the migration into {cluster_id(m)} failed ({Status.PRECHECK_FAILED}): {why}. Remove the "
        "cause on the source and try again, which lets the provider continue; or cancel, which gives the migration up."
    )
