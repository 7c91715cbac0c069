"""Ending the migration at the provider: completing it after a switch, cancelling it after a rollback."""

from __future__ import annotations

import math

from migration import notes
from migration.aliyun.account import commands, of, send_once
from migration.aliyun.state import Holder, ended, holder, in_words, look_for, require_cluster, usual_s, wait_until_ended
from migration.runbook import Estimate, Migration, Observation, StepFailed, done, not_done
from providers.aliyun import polardb
from providers.aliyun.calls import Write
from providers.aliyun.polardb_records import MigrationStatus as Status

KEEP_LOG, NO_LOG = "keep the binary log", "turn the binary log off"
_PRODUCT, _STEP = "PolarDB", "close"


class Closing:
    """Ending it while this side has the writes; see `migration.runbook.Action`."""

    def __init__(self, step: str, wanted: Holder) -> None:
        self._step = step
        self._wanted = wanted

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        return commands(_close(m, m.spec.target.name))

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(120.0, "the page: synchronisation ends within 2 minutes; a restart takes up to 5 more")

    def probe(self, m: Migration) -> Observation:
        """Whether the migration is over, by the provider's word and because this program closed it."""
        cluster = require_cluster(m)
        found = look_for(of(m), cluster)
        if found is not None and not ended(found):
            return not_done(in_words(found))
        if not closed_here(m):
            return not_done(f"the migration into {cluster} was ended by somebody else, or by its deadline")
        return done(f"the migration into {cluster} has ended")

    def apply(self, m: Migration) -> None:
        """Close it, once: pressed twice, a page warns, it may do harm.

        Raises:
            StepFailed: the other side has the writes, or the migration was ended elsewhere.
            CloudFailed: it was refused, or goes on in spite of it.
        """
        cluster = require_cluster(m)
        found = look_for(of(m), cluster)
        if found is None or ended(found):
            raise StepFailed(
                f"The migration into {cluster} was ended by somebody else, or by its deadline: both sides may take "
                f"writes since then. Stop the applications, compare what {of(m).instance_id} and {cluster} have, and "
                "decide there."
            )
        answered = True
        if found.status != Status.CLOSING:
            if holder(found) is not self._wanted:
                raise StepFailed(
                    f"The migration into {cluster} is not closed while the {self._wanted} does not have the writes: "
                    f"{in_words(found)}."
                )
            write = _close(m, cluster)
            m.scribe.statement(_PRODUCT, _STEP, commands(write)[0], 0)
            answered = send_once(m, write)
        wait_until_ended(m, self._step, math.inf if answered else usual_s(of(m)))


def _close(m: Migration, cluster: str) -> Write[None]:
    without = m.chosen("binlog") == NO_LOG
    return polardb.close_migration_without_binlog(cluster) if without else polardb.close_migration(cluster)


def closed_here(m: Migration) -> bool:
    """Whether this program asked for the end."""
    return bool(notes.every(m, _PRODUCT, _STEP))


COMPLETE = Closing("close", Holder.TARGET)
AFTER_ROLLBACK = Closing("close_after_rollback", Holder.SOURCE)
