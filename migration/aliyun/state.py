"""What the provider says of a migration: its status, who takes writes, how far the follower is behind.

Source: PolarDB API reference, DescribeDBClusterMigration. The pair of read/write modes says who has the writes; a
status that is not published is shown as it is and never acted on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from migration.aliyun.account import Account, of
from migration.aliyun.waiting import Share, Usual, Waiting
from migration.model import Direction, MigrationSpec
from migration.runbook import CloudAbsent, CloudFailed, Halted, Migration
from providers.aliyun.polardb_records import Migration as Found
from providers.aliyun.polardb_records import MigrationStatus as Status

# What else is shown of a migration that was looked at, and how much of it is done.
More = Callable[[Found], tuple[str, Share | None]]

LAG_LIMIT_S = 60.0
_POLL_S = 10.0
# "Switch over" and "Complete the migration": less than 5 minutes; 2 minutes, and up to 5 with a restart.
_USUAL_S = 300.0
_CLUSTER = "pc-"
_CLOSABLE = (Status.CLOSING, Status.PRECHECK_FAILED, Status.SYNCING, Status.SWITCHED)


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


def no_delay(found: Found) -> str:
    """What to say where the provider does not tell how far the follower is behind."""
    return (
        f"PolarDB tells no delay of the migration into {found.cluster_id} (DelayedSeconds is missing or negative); if "
        "that stays so, look at the migration in the console"
    )


def cluster_of(spec: MigrationSpec) -> str | None:
    """The cluster that a migration made, by what is known when it is opened; None where it has made none by then."""
    return spec.target.name if spec.target.name.startswith(_CLUSTER) else None


def cluster_id(m: Migration) -> str | None:
    """The cluster that this migration made, a moment ago perhaps; None while it has made none."""
    # It never becomes another one, and until it is there the journal alone knows of it.
    return cluster_of(m.spec) or cluster_of(m.spec_now())


def require_cluster(m: Migration) -> str:
    """The cluster that this migration made.

    Raises:
        CloudFailed: there is none.
    """
    found = cluster_id(m)
    if found is None:
        raise CloudFailed(f"No PolarDB cluster was made from {of(m).instance_id} yet; order it first.")
    return found


def look(m: Migration) -> Found:
    """The migration as it is now.

    Raises:
        CloudAbsent: the provider knows of none.
        CloudFailed: it cannot be asked about, or no cluster was made.
    """
    return of(m).migration(require_cluster(m))


def look_for(account: Account, cluster: str) -> Found | None:
    """The same of any cluster; None where the provider knows of no migration into it.

    Raises:
        CloudFailed: it cannot be asked about.
    """
    try:
        return account.migration(cluster)
    except CloudAbsent:
        return None


def ended(found: Found | None) -> bool:
    """Whether there is no migration any more. Which of three answers says so after a close is not published."""
    return found is None or found.status == Status.NONE


def usual_s(account: Account) -> float:
    """How long a switch or an end takes at most by the provider's word, in seconds."""
    return float(account.spec.options.get("usual_s", _USUAL_S))


def usual(account: Account, advice: str) -> Usual:
    """The same, with what to do where it takes longer."""
    return Usual(usual_s(account), advice)


def wait_until_ended(m: Migration, step: str, unseen_s: float = math.inf) -> None:
    """Wait until the migration, which was closed in this step, is over; takes about two minutes by the page.

    Args:
        m: the migration.
        step: the step in which it is waited.
        unseen_s: how long it may stay as it is before it counts as never closed. Where the provider has taken the
            order, for ever: a page warns that nothing may be seen of it for a while.

    Raises:
        CloudFailed: it goes on instead.
    """
    cluster = require_cluster(m)
    what = f"waiting until the migration into {cluster} has ended (2 minutes, says its page)"
    advice = "It is not closed a second time; look at it in the console, and call the provider if it stands still."
    waiting = Waiting(m, step, what, usual(of(m), advice))
    try:
        for found in looks_on(m, waiting):
            if ended(found):
                return
            unseen = found.status != Status.CLOSING and waiting.seconds > unseen_s
            if found.status not in _CLOSABLE or unseen:
                raise CloudFailed(
                    f"The migration into {cluster} was closed and goes on: {in_words(found)}. Look at it in the "
                    "console; once it can be closed, try again."
                )
    except CloudAbsent:
        return


def poll_s(account: Account) -> float:
    """How long to wait between two looks, in seconds."""
    return float(account.spec.options.get("poll_s", _POLL_S))


def nothing_more(found: Found) -> tuple[str, Share | None]:
    """The status tells all there is to be shown."""
    return "", None


def looks(m: Migration, waiting: Waiting, more: More = nothing_more) -> Iterator[Found]:
    """Look again and again and show what is seen; an answer that does not come is waited for.

    Raises:
        Halted: an operator wants it to end.
        CloudAbsent: the provider knows of no such migration any more.
    """
    for found in looks_on(m, waiting, more):
        yield found
        if m.desk.halted():
            raise Halted


def looks_on(m: Migration, waiting: Waiting, more: More = nothing_more) -> Iterator[Found]:
    """The same where nobody may leave in the middle. `more`: what else is shown of what was seen.

    Raises:
        CloudAbsent: the provider knows of no such migration any more.
    """
    pause = poll_s(of(m))
    while True:
        try:
            found = look(m)
        except CloudAbsent:
            raise
        except CloudFailed as error:
            waiting.unanswered(error)
        else:
            words, share = more(found)
            waiting.tell(f"{in_words(found)}{words}", share)
            yield found
        time.sleep(pause)
