"""What the provider says of a migration: its status, who takes writes, how far the follower is behind.

Source: PolarDB API reference, DescribeDBClusterMigration. The pair of read/write modes says who has the writes; a
status that is not published is shown as it is and never acted on.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from migration.aliyun.account import Account, of
from migration.model import Direction
from migration.runbook import CloudFailed, Halted, Migration
from providers.aliyun import polardb
from providers.aliyun.errors import NotFound
from providers.aliyun.polardb_records import Migration as Found
from providers.aliyun.polardb_records import MigrationStatus as Status

LAG_LIMIT_S = 60.0
_POLL_S = 10.0
_CLUSTER = "pc-"
_SYNCED = (Status.SYNCING, Status.SWITCHED)


class Holder(StrEnum):
    """Who takes writes."""

    SOURCE = "source"
    TARGET = "target"
    NOBODY = "nobody"
    BOTH = "both"
    UNKNOWN = "unknown"


_HOLDERS = {
    ("rw", "ro"): Holder.SOURCE,
    ("ro", "rw"): Holder.TARGET,
    ("ro", "ro"): Holder.NOBODY,
    ("rw", "rw"): Holder.BOTH,
}


@dataclass(frozen=True)
class Moving:
    """The statuses of a move in one direction: before it, meanwhile, after it."""

    before: Status
    meanwhile: Status
    after: Status
    old: Holder
    new: Holder


MOVING = {
    Direction.CUTOVER: Moving(Status.SYNCING, Status.SWITCHING, Status.SWITCHED, Holder.SOURCE, Holder.TARGET),
    Direction.ROLLBACK: Moving(Status.SWITCHED, Status.ROLLING_BACK, Status.SYNCING, Holder.TARGET, Holder.SOURCE),
}


def holder(found: Found) -> Holder:
    """Who takes writes, by the two modes."""
    return _HOLDERS.get((found.source_mode or "", found.cluster_mode or ""), Holder.UNKNOWN)


def in_words(found: Found) -> str:
    """The state in a few words, the provider's own among them."""
    delay = "unknown" if found.delay_s is None else f"{found.delay_s} s"
    modes = f"RDS {found.source_mode or 'unknown'}, PolarDB {found.cluster_mode or 'unknown'}"
    comment = f": {found.comment}" if found.comment else ""
    return f"{found.status or 'no status'} ({modes}, delay {delay}){comment}"


def cluster_id(m: Migration) -> str | None:
    """The cluster that this migration made; None while it has made none."""
    spec = m.story().spec or m.spec
    return spec.target.name if spec.target.name.startswith(_CLUSTER) else None


def require_cluster(m: Migration) -> str:
    """The cluster that this migration made.

    Raises:
        CloudFailed: there is none.
    """
    found = cluster_id(m)
    if found is None:
        raise CloudFailed(f"No PolarDB cluster was made from {of(m).instance_id} yet.")
    return found


def look(m: Migration) -> Found:
    """The migration as it is now.

    Raises:
        CloudFailed: it cannot be asked about, or there is none.
    """
    cluster = require_cluster(m)
    return of(m).read(lambda client: polardb.migration(client, cluster))


def look_for(account: Account, cluster: str) -> Found | None:
    """The same of a cluster; None where the provider knows of no migration into it.

    Raises:
        CloudFailed: it cannot be asked about.
    """
    try:
        return account.read(lambda client: polardb.migration(client, cluster))
    except CloudFailed as error:
        if isinstance(error.__cause__, NotFound):
            return None
        raise


def ended(found: Found | None) -> bool:
    """Whether there is no migration any more. Which of three answers says so after a close is not published."""
    return found is None or found.status == Status.NONE


def wait_until_ended(m: Migration, cluster: str) -> None:
    """Wait until a migration that was closed is over; takes about two minutes by the page.

    Raises:
        CloudFailed: it goes on instead.
    """
    account = of(m)
    while not ended(found := look_for(account, cluster)):
        assert found is not None
        if found.status not in (Status.CLOSING, Status.PRECHECK_FAILED, *_SYNCED):
            raise CloudFailed(f"The migration into {cluster} was closed and goes on: {in_words(found)}; look at it.")
        m.scribe.progress("close", done=0, total=0, unit="", note=in_words(found))
        time.sleep(poll_s(account))


def poll_s(account: Account) -> float:
    """How long to wait between two looks, in seconds."""
    return float(account.spec.options.get("poll_s", _POLL_S))


def looks(m: Migration) -> Iterator[Found]:
    """Look again and again; an answer that does not come is waited for.

    Raises:
        Halted: an operator wants it to end.
        CloudFailed: the provider knows of no such migration any more.
    """
    for found in looks_on(m):
        yield found
        if m.desk.halted():
            raise Halted


def looks_on(m: Migration) -> Iterator[Found]:
    """The same where nobody may leave in the middle.

    Raises:
        CloudFailed: the provider knows of no such migration any more.
    """
    pause, said = poll_s(of(m)), ""
    while True:
        try:
            yield look(m)
        except CloudFailed as error:
            if isinstance(error.__cause__, NotFound):
                raise
            if str(error) != said:
                said = str(error)
                m.scribe.note(f"waiting: {said}", "error")
        time.sleep(pause)
