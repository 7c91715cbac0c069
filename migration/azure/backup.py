"""Waiting for a complete backup of the source, of which the provider makes the replica. Step 1 of the procedure."""

from __future__ import annotations

import time

from migration.azure.account import of
from migration.azure.operating import poll_s
from migration.azure.state import require
from migration.runbook import Estimate, Halted, Migration, Observation, done, not_done
from providers.azure import classic

STEP = "backup_ready"


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    return ("nothing is called; the backups of the source are read until one is complete",)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(None, "at once where there is one; else the provider makes one within a day")


def probe(m: Migration) -> Observation:
    """Whether there is a complete backup: `Ready`, or for the newer services a moment that can be restored."""
    account = of(m)
    if not account.service.keeps_backups:
        earliest = require(account, account.source).earliest_restore
        if earliest is None:
            return not_done(f"{account.source.name} cannot be restored to any moment yet: its first backup is made")
        return done(f"{account.source.name} can be restored to any moment from {earliest:%Y-%m-%d %H:%M} UTC on")
    listed = account.read(lambda client: classic.backups(client, account.source))
    ready = [one for one in listed if one.status == classic.READY]
    if ready:
        return done(f"the backup {ready[-1].name} of {account.source.name} is {classic.READY}")
    states = ", ".join(f"{one.name} is {one.status or 'without a status'}" for one in listed) or "there is none"
    return not_done(f"no backup of {account.source.name} is complete: {states}")


def apply(m: Migration) -> None:
    """Wait.

    Raises:
        Halted: the operator stopped waiting.
    """
    pause = poll_s(m)
    while (seen := probe(m)).outcome != "done":
        m.scribe.progress(STEP, done=0, total=0, unit="", note=seen.note)
        if m.desk.halted():
            raise Halted
        time.sleep(pause)
