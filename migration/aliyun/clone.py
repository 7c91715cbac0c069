"""A clone of the instance, which nothing keeps in step: waiting until it runs. This program has no switch to it.

"Upgrade RDS for MySQL to POLARDB for MySQL with one click" (2019), Create Type: Clone from RDS copies the data of the
instance; Migration from RDS also keeps them synchronised.
"""

from __future__ import annotations

import time

from migration.aliyun.account import commands, of
from migration.aliyun.state import cluster_id, poll_s, require_cluster
from migration.aliyun.waiting import Waiting
from migration.model import Outcome
from migration.runbook import Estimate, Halted, Migration, Observation, done, not_done
from providers.aliyun import polardb

MIGRATE, CLONE = "kept in step", "a copy, once"
GATE, STEP = "creation", "cloned"
_RUNNING = "Running"


def wanted(m: Migration) -> bool:
    """Whether the operator chose a clone."""
    return m.chosen(GATE) == CLONE


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    if not wanted(m):
        return ("nothing: the cluster is kept in step with the instance",)
    return (f"nothing is called; DescribeDBClusterAttribute is read until the cluster is {_RUNNING}",)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(None, "depends on the size of the data; the provider gives no figure")


def probe(m: Migration) -> Observation:
    """Whether the clone runs; nothing is to be waited for where it is none."""
    if not wanted(m):
        return done("no clone was chosen")
    cluster = cluster_id(m)
    if cluster is None:
        return not_done("no cluster was ordered yet")
    status = of(m).read(lambda client: polardb.cluster(client, cluster)).status
    words = f"{cluster} is {status or 'without a status'}"
    return done(words) if status == _RUNNING else not_done(words)


def apply(m: Migration) -> None:
    """Wait.

    Raises:
        CloudFailed: the provider cannot be asked.
        Halted: the operator stopped waiting.
    """
    waiting = Waiting(m, STEP, f"waiting until {require_cluster(m)} has the data of {of(m).instance_id}")
    while (seen := probe(m)).outcome is not Outcome.DONE:
        waiting.tell(seen.note)
        if m.desk.halted():
            raise Halted
        time.sleep(poll_s(of(m)))


def as_it_is(m: Migration) -> str:
    """What has been made, and what it takes to move the writes to it."""
    cluster, instance = require_cluster(m), of(m).instance_id
    return (
        f"{cluster} is a copy of {instance} as it was at some moment since the order, takes writes and is billed until "
        f"you delete it. NOTHING IS SYNCHRONISED: what is written on {instance} since then is not there, and there is "
        "no switch and no way back. To move the writes by a clone, the applications have to be stopped before it is "
        "ordered and until they have its address. "
        f"This migration ends here; {instance} keeps the writes. What deletes the clone: "
        f"`{commands(polardb.delete_cluster(cluster))[0]}`."
    )


def ended(m: Migration) -> str:
    """With which words the migration is over once the clone is there; none where it is no clone."""
    return f"{require_cluster(m)} is a clone; {of(m).instance_id} has the writes as before" if wanted(m) else ""
