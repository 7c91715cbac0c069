"""Waiting while Alibaba Cloud fills the cluster, and what to do where its precheck fails."""

from __future__ import annotations

import math

from migration.aliyun.account import commands, of, send_once
from migration.aliyun.addresses import place_target
from migration.aliyun.agreed import agreed_to
from migration.aliyun.checks.dts import carrier, what_failed
from migration.aliyun.copying import Copying
from migration.aliyun.state import (
    Holder,
    cluster_id,
    ended,
    holder,
    in_words,
    look,
    look_for,
    looks,
    require_cluster,
    usual_s,
    wait_until_ended,
)
from migration.aliyun.waiting import Waiting
from migration.runbook import CloudFailed, Estimate, Migration, Observation, StepFailed, done, not_done
from providers.aliyun import polardb
from providers.aliyun.polardb_records import Migration as Found
from providers.aliyun.polardb_records import MigrationStatus as Status

STEP = "fill"
_PRODUCT, _ORDER = "PolarDB", "order"
_MOVED = (Status.SWITCHING, Status.SWITCHED, Status.ROLLING_BACK)


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
    if not m.spec_now().target.host:
        return not_done(f"{in_words(found)}; the address of the cluster is not known yet")
    return done(in_words(found))


def apply(m: Migration) -> None:
    """Wait; after a failed precheck, on the operator's word, let the provider check again.

    Raises:
        StepFailed: the precheck failed, or the migration ended.
        Halted: the operator stopped waiting.
    """
    cluster = require_cluster(m)
    waiting = Waiting(m, STEP, f"waiting until {cluster} follows {of(m).instance_id}")
    for found in looks(m, waiting, Copying(m).shown):
        if found.status == Status.SYNCING:
            place_target(m, found)
            return
        if found.status == Status.PRECHECK_FAILED:
            _go_on(m, cluster, found)
        if ended(found) or found.status == Status.CLOSING:
            raise StepFailed(
                f"The migration into {cluster} has ended at the provider ({in_words(found)}); nothing follows any "
                "more: cancel here, then look at the console."
            )


def _go_on(m: Migration, cluster: str, found: Found) -> None:
    """Let the provider check again, where the operator knows of this failure and wants it.

    Raises:
        StepFailed: nobody has decided that yet.
    """
    why = _precheck(cluster, found)
    if not agreed_to(m, why, STEP):
        _tell_items(m, found)
        raise StepFailed(why)
    write = polardb.continue_migration(cluster)
    m.scribe.statement(_PRODUCT, STEP, commands(write)[0], 0)
    send_once(m, write)
    m.scribe.note(f"the precheck of the migration into {cluster} runs again: {write.call.action.name}")


def undo(m: Migration) -> None:
    """Give the migration up. The cluster stays, takes writes, and is billed.

    Raises:
        CloudFailed: the provider refuses, as it does while it copies; or the writes have moved, or are about to.
    """
    cluster = cluster_id(m)
    if cluster is None:
        return
    found = look_for(of(m), cluster)
    if found is not None and (found.status in _MOVED or holder(found) is Holder.TARGET):
        raise CloudFailed(
            f"{of(m).instance_id} does not have the writes any more, or is about to lose them ({in_words(found)}): the "
            f"migration into {cluster} is not ended while that is so. Move the writes back in the console, then try "
            "again."
        )
    answered = True
    if found is not None and found.status == Status.PRECHECK_FAILED:
        answered = send_once(m, polardb.abort_migration(cluster))
    elif not ended(found) and found is not None and found.status != Status.CLOSING:
        answered = send_once(m, polardb.close_migration(cluster))
    wait_until_ended(m, _ORDER, math.inf if answered else usual_s(of(m)))
    m.scribe.note(
        f"{cluster} is a cluster of its own now: it takes writes and is billed until you delete it, in the console or "
        f"by `{commands(polardb.delete_cluster(cluster))[0]}`.",
        "warn",
    )


def _precheck(cluster: str, found: Found) -> str:
    why = found.comment or "no reason was given"
    return (
        f"The precheck of the migration into {cluster} failed ({Status.PRECHECK_FAILED}): {why}. Remove the "
        "cause on the source and try again, which lets the provider continue; or cancel, which gives the migration up."
    )


def _tell_items(m: Migration, found: Found) -> None:
    """Say what DTS has of each item that failed, with the provider's remedy; not all of it is in the comment."""
    if not found.dts_instance_id:
        return
    try:
        said = what_failed(carrier(of(m), found.dts_instance_id))
    except CloudFailed as error:
        said = f"what failed in the precheck cannot be asked in full: {error}"
    if said:
        m.scribe.note(f"DTS: {said}", "error")
