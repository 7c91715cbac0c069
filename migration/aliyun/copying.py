"""The DTS task that fills the cluster of a logical migration: how far it is, and how fast it may go.

"Upgrade steps" (2026) says of the full copy that its rate can be adjusted, and of the task that it must not be
modified. Its rate is all that is changed here, and only where an operator chose that before the order.
"""

from __future__ import annotations

from migration import notes
from migration.aliyun.account import commands, of
from migration.aliyun.checks.dts import carrier, copied, in_words
from migration.aliyun.waiting import Share
from migration.runbook import CloudFailed, CloudSilent, Migration
from providers.aliyun import dts
from providers.aliyun.dts import Phase, Rate
from providers.aliyun.polardb_records import Migration as Found

FULL_SPEED = "as fast as it can"
GATE = "dts_rate"
# Bytes a second that are read from the source.
RATES = {f"{megabytes} MB/s": Rate(bytes=megabytes << 20) for megabytes in (50, 20, 5)}
_DTS, _STEP = "DTS", "dts_rate"
_COPIES = "initializing"


class Copying:
    """What is to be seen of the task while it copies; it is slowed down as soon as it does, where that was chosen."""

    def __init__(self, m: Migration) -> None:
        self._m = m
        self._rate = RATES.get(m.chosen(GATE))
        self._asked = self._rate is None or _asked_before(m)

    def shown(self, found: Found) -> tuple[str, Share | None]:
        """What is shown beside the status, and how much is copied; nothing where the data files are."""
        if not found.dts_instance_id:
            return "", None
        try:
            job = carrier(of(self._m), found.dts_instance_id)
        except CloudFailed:
            return "; its DTS task cannot be asked", None
        if not self._asked and (job.status or "").lower() == _COPIES and job.job_id:
            self._asked = True
            self._slow_down(job.job_id)
        percent = copied(job)
        return f"; DTS: {in_words(job)}", None if percent is None else Share(percent)

    def _slow_down(self, job_id: str) -> None:
        """Limit the rate, once: that is worth having, and no reason to stop where it cannot be had."""
        assert self._rate is not None
        m, write = self._m, dts.limit_rate(job_id, Phase.FULL, self._rate)
        m.scribe.statement(_DTS, _STEP, commands(write)[0], 0)
        try:
            of(m).send(write)
        except CloudSilent as silent:
            m.scribe.note(f"whether the DTS task {job_id} copies more slowly is not known: {silent}", "warn")
        except CloudFailed as refused:
            m.scribe.note(f"the DTS task {job_id} copies as fast as it can: {refused}", "warn")
        else:
            m.scribe.note(f"the DTS task {job_id} reads at most {m.chosen(GATE)} from {of(m).instance_id}")


def _asked_before(m: Migration) -> bool:
    return bool(notes.every(m, _DTS, _STEP))
